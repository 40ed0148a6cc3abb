/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of symbols share. */
#ifndef GATEHOUSE_SRC_IMAGE_QR_SYMBOL_H
#define GATEHOUSE_SRC_IMAGE_QR_SYMBOL_H

#include <stdbool.h>

#include "gatehouse/qr.h"

/* GH_ERR_INVALID for a symbol that gh_qr_encode did not make or a scale of 0, GH_ERR_TOOBIG for a
 * scale that makes a picture over the limits of picture.h. */
GH_MUST_CHECK enum gh_status gh_qr_check(const struct gh_qr *qr, unsigned scale);

/* Column x, row y; whatever is outside the symbol is light. */
static inline bool gh_qr_is_dark(const struct gh_qr *qr, int x, int y)
{
    int side = (int)qr->side;

    return x >= 0 && y >= 0 && x < side && y < side && qr->modules[y * side + x] != 0;
}

#endif
