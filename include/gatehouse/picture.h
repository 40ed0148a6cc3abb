/* SPDX-License-Identifier: Apache-2.0 */
/* Still pictures from files: PNG (libpng), JPEG (libjpeg-turbo), PGM (P5, P2), as brightness (for
 * Y4M streams see y4m.h). The bytes may be hostile: sizes are checked before memory is taken,
 * broken files end in one clear error. */
#ifndef GATEHOUSE_PICTURE_H
#define GATEHOUSE_PICTURE_H

#include "gatehouse/frame.h"
#include "gatehouse/status.h"

#define GH_PICTURE_MAX_PIXELS 40000000 /* a 20000x20000 PNG is refused from its header */
#define GH_PICTURE_MAX_SIDE 16384
#define GH_PICTURE_MAX_FILE_BYTES (64u << 20)

struct gh_picture {
    uint8_t *luma; /* malloc'ed, width * height, stride = width; belongs to the picture */
    uint32_t width;
    uint32_t height;
};

/* By content, not by name. Colour becomes luma, transparency is laid on white, 16 bits become 8.
 * GH_ERR_UNSUPPORTED for other formats, GH_ERR_TOOBIG, GH_ERR_TRUNCATED, GH_ERR_CORRUPT,
 * GH_ERR_NOTFOUND, GH_ERR_DENIED, GH_ERR_INVALID (not a regular file), GH_ERR_IO, GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_picture_load(const char *path, struct gh_picture *out,
                                             struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_picture_parse(const uint8_t *data, size_t size,
                                              struct gh_picture *out, struct gh_error *err);
void gh_picture_free(struct gh_picture *picture); /* leaves it empty; twice is fine */
/* Borrowed from the picture. */
struct gh_frame gh_picture_frame(const struct gh_picture *picture);

#endif
