/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/qr_picture.h"

#include <stdlib.h>
#include <string.h>

#include "image/qr_symbol.h"

enum gh_status qr_picture(const struct gh_qr *qr, unsigned scale, uint8_t **luma,
                          uint32_t *side_pixels)
{
    *luma = NULL;
    *side_pixels = 0;
    enum gh_status status = gh_qr_check(qr, scale);
    if (status != GH_OK)
        return status;
    uint32_t side = (qr->side + 2 * GH_QR_QUIET_MODULES) * scale;
    uint8_t *pixels = malloc((size_t)side * side);
    if (pixels == NULL)
        return GH_ERR_NOMEM;
    for (uint32_t y = 0; y < side; y++) {
        uint8_t *row = pixels + (size_t)y * side;
        if (y % scale != 0) {
            memcpy(row, row - side, side);
            continue;
        }
        for (uint32_t x = 0; x < side; x++) {
            bool dark = gh_qr_is_dark(qr, (int)(x / scale) - GH_QR_QUIET_MODULES,
                                      (int)(y / scale) - GH_QR_QUIET_MODULES);
            row[x] = dark ? 0 : 255;
        }
    }
    *luma = pixels;
    *side_pixels = side;
    return GH_OK;
}
