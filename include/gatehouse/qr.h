/* SPDX-License-Identifier: Apache-2.0 */
/* Text into a QR symbol (libqrencode), and the symbol into a PNG, an SVG or a terminal. */
#ifndef GATEHOUSE_QR_H
#define GATEHOUSE_QR_H

#include <stdio.h>

#include "gatehouse/bytes.h"
#include "gatehouse/status.h"

enum gh_qr_level {
    GH_QR_LOW,
    GH_QR_MEDIUM,
    GH_QR_QUARTILE,
    GH_QR_HIGH
}; /* error correction L, M, Q, H */

struct gh_qr {
    unsigned side;    /* modules a side, without the quiet zone: 21 to 177 */
    unsigned version; /* 1 to 40 */
    uint8_t *modules; /* side * side, 1 is dark; malloc'ed, belongs to the symbol */
};

/* Smallest version that holds it; alphanumeric mode wherever the text allows. GH_ERR_TOOBIG when
 * version 40 cannot hold it, GH_ERR_INVALID for an empty text. Bytes may be any, NULs included. */
GH_MUST_CHECK enum gh_status gh_qr_encode(struct gh_bytes text, enum gh_qr_level level,
                                          struct gh_qr *out);
void gh_qr_free(struct gh_qr *qr); /* twice is fine */

#define GH_QR_QUIET_MODULES 4 /* ISO/IEC 18004, 9.1 */

/* 1-bit grey PNG, scale pixels a module, quiet zone included; the file is replaced whole
 * (gh_file_replace). */
GH_MUST_CHECK enum gh_status gh_qr_write_png(const struct gh_qr *qr, unsigned scale,
                                             const char *path, struct gh_error *err);

/* A printable A6 sheet: title, the symbol, one line below it (both UTF-8, escaped here; line may be
 * NULL), replaced whole. */
GH_MUST_CHECK enum gh_status gh_qr_write_svg(const struct gh_qr *qr, const char *title,
                                             const char *line, const char *path,
                                             struct gh_error *err);

/* Half blocks (U+2580), black on white by ANSI colours, quiet zone included. */
GH_MUST_CHECK enum gh_status gh_qr_print(const struct gh_qr *qr, FILE *stream);

#endif
