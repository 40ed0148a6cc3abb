/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in, the bytes of QR codes out: zbar's image scanner, QR only. One decoder a thread. */
#ifndef GATEHOUSE_DECODE_H
#define GATEHOUSE_DECODE_H

#include "gatehouse/bytes.h"
#include "gatehouse/frame.h"
#include "gatehouse/status.h"

struct gh_decoder; /* opaque */

/* max_width, max_height: the largest frame that will come; memory for frames that are not planar is
 * taken here. Larger frames are GH_ERR_TOOBIG later. */
GH_MUST_CHECK enum gh_status gh_decoder_new(uint32_t max_width, uint32_t max_height,
                                            struct gh_decoder **out);
void gh_decoder_free(struct gh_decoder *decoder);

/* Called once for each code found, in zbar's order; the bytes are exactly those in the code (no
 * character set conversion), borrowed until it returns. */
typedef void gh_decoded_fn(void *context, struct gh_bytes text);

/* Scan one frame where it lies (planar with stride = width) or from a copy of its luma. *count (may
 * be NULL): codes found; 0 is not an error. The frame is only borrowed. */
GH_MUST_CHECK enum gh_status gh_decoder_scan(struct gh_decoder *decoder,
                                             const struct gh_frame *frame, gh_decoded_fn *found,
                                             void *context, unsigned *count);

/* A code's bytes as UTF-8 for people: as they are if well-formed UTF-8, else read as ISO 8859-1 or,
 * where that fits better, Shift JIS or GB 18030. out is malloc'ed, NUL-terminated, the caller's;
 * *size without the NUL (the text may hold NULs). */
GH_MUST_CHECK enum gh_status gh_decoded_text(struct gh_bytes bytes, char **out, size_t *size);

#endif
