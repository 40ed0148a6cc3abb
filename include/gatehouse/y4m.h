/* SPDX-License-Identifier: Apache-2.0 */
/* A YUV4MPEG2 stream (.y4m, or a pipe from a program that writes one), read frame by frame as
 * brightness: a recorded camera. 8 bits; 4:2:0, 4:2:2, 4:4:4 or grey. The bytes may be hostile. */
#ifndef GATEHOUSE_Y4M_H
#define GATEHOUSE_Y4M_H

#include <stddef.h>
#include <stdint.h>

#include "gatehouse/status.h"

struct gh_y4m; /* opaque; one thread at a time */

struct gh_y4m_info {
    uint32_t width;
    uint32_t height;
    uint32_t rate_frames;  /* rate_frames frames in rate_seconds seconds; 0 and 0 when the stream */
    uint32_t rate_seconds; /* does not say (F0:0 or none) */
};

/* Opens the file and reads the stream's header. GH_ERR_UNSUPPORTED (not YUV4MPEG2, or other
 * colours), GH_ERR_TOOBIG (the limits of picture.h), GH_ERR_CORRUPT, GH_ERR_TRUNCATED (ends within
 * the header), GH_ERR_NOTFOUND, GH_ERR_DENIED, GH_ERR_IO, GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_y4m_open(const char *path, struct gh_y4m **out,
                                         struct gh_error *err);
void gh_y4m_close(struct gh_y4m *stream);

/* Borrowed from the stream. */
const struct gh_y4m_info *gh_y4m_info(const struct gh_y4m *stream);

/* The next frame's brightness into luma, width * height bytes, stride = width; allocates nothing.
 * GH_ERR_END after the last whole frame, GH_ERR_TRUNCATED when the stream ends within a frame,
 * GH_ERR_CORRUPT when no frame begins here, GH_ERR_IO, GH_ERR_TOOBIG when luma_bytes is less than a
 * frame. After an error the buffer's contents are not specified, and every later call gives the
 * same error (but for GH_ERR_TOOBIG, which reads nothing). */
GH_MUST_CHECK enum gh_status gh_y4m_next(struct gh_y4m *stream, uint8_t *luma, size_t luma_bytes,
                                         struct gh_error *err);

#endif
