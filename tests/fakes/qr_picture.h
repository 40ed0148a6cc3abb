/* SPDX-License-Identifier: Apache-2.0 */
/* A QR symbol as a camera would see it, were it perfect. */
#ifndef GATEHOUSE_TESTS_FAKES_QR_PICTURE_H
#define GATEHOUSE_TESTS_FAKES_QR_PICTURE_H

#include "gatehouse/qr.h"

/* Brightness pixels (malloc'ed, the caller's) of the symbol with its quiet zone, scale pixels a
 * module. GH_ERR_INVALID, GH_ERR_TOOBIG as of gh_qr_write_png; GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status qr_picture(const struct gh_qr *qr, unsigned scale, uint8_t **luma,
                                        uint32_t *side_pixels);

#endif
