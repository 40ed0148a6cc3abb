/* SPDX-License-Identifier: Apache-2.0 */
/* The readers behind gh_picture_parse, one a format. Each is called with bytes that begin with its
 * format's signature and with an empty picture, and leaves the picture empty on error. */
#ifndef GATEHOUSE_SRC_IMAGE_PICTURE_FORMATS_H
#define GATEHOUSE_SRC_IMAGE_PICTURE_FORMATS_H

#include "gatehouse/bytes.h"
#include "gatehouse/picture.h"

GH_MUST_CHECK enum gh_status gh_picture_parse_png(struct gh_bytes file, struct gh_picture *out,
                                                  struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_picture_parse_jpeg(struct gh_bytes file, struct gh_picture *out,
                                                   struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_picture_parse_pgm(struct gh_bytes file, struct gh_picture *out,
                                                  struct gh_error *err);

/* The limits of picture.h, before any memory is taken: GH_ERR_TOOBIG; GH_ERR_CORRUPT for a side of
 * 0. */
GH_MUST_CHECK enum gh_status gh_picture_check_size(uint64_t width, uint64_t height,
                                                   struct gh_error *err);

/* Brightness of a colour (ITU-R BT.601, as JPEG does it). */
static inline uint8_t gh_picture_luma(unsigned red, unsigned green, unsigned blue)
{
    return (uint8_t)((299 * red + 587 * green + 114 * blue + 500) / 1000);
}

#endif
