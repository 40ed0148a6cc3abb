/* SPDX-License-Identifier: Apache-2.0 */
/* A symbol for a terminal: two rows of modules a line. The upper half block takes the foreground's
 * colour above and the background's below, so that no font leaves gaps in what is dark. */
#include <errno.h>
#include <string.h>

#include "qr_symbol.h"

#define UPPER_HALF "\xe2\x96\x80"
#define COLOURS_BYTES 24

/* Black and white of the fixed 256-colour palette: themes change the first 16. */
static void print_cell(FILE *stream, bool dark_above, bool dark_below, char *now)
{
    char wanted[COLOURS_BYTES];

    (void)snprintf(wanted, sizeof(wanted), "\x1b[38;5;%d;48;5;%dm", dark_above ? 16 : 231,
                   dark_below ? 16 : 231);
    if (strcmp(wanted, now) != 0) {
        (void)fputs(wanted, stream);
        memcpy(now, wanted, sizeof(wanted));
    }
    (void)fputs(UPPER_HALF, stream);
}

enum gh_status gh_qr_print(const struct gh_qr *qr, FILE *stream)
{
    int end = (int)qr->side + GH_QR_QUIET_MODULES;

    enum gh_status status = gh_qr_check(qr, 1);
    if (status != GH_OK)
        return status;
    for (int y = -GH_QR_QUIET_MODULES; y < end; y += 2) {
        char now[COLOURS_BYTES] = "";
        for (int x = -GH_QR_QUIET_MODULES; x < end; x++)
            print_cell(stream, gh_qr_is_dark(qr, x, y), gh_qr_is_dark(qr, x, y + 1), now);
        (void)fputs("\x1b[0m\n", stream);
    }
    errno = 0;
    if (fflush(stream) != 0 || ferror(stream) != 0)
        return errno != 0 ? gh_status_from_errno(errno) : GH_ERR_IO;
    return GH_OK;
}
