/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PNG_SIDE_PIXELS 500

void gh_put_plain(const char *text, FILE *stream)
{
    const unsigned char *at = (const unsigned char *)text;
    for (; *at != 0; at++) {
        if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) { /* C1, as UTF-8 */
            (void)fputc('?', stream);
            at++;
        } else {
            (void)fputc(*at < 0x20 || *at == 0x7F ? '?' : *at, stream);
        }
    }
}

int gh_complain(const struct gh_error *err)
{
    (void)fputs("gatehouse: ", stderr);
    gh_put_plain(err->text[0] != 0 ? err->text : gh_status_text(err->status), stderr);
    (void)fputc('\n', stderr);
    return GH_EXIT_NO;
}

void gh_say(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)fflush(
        stdout); /* the order is the one of the program's text, where both are one terminal */
    gh_put_plain(text, stderr);
    (void)fputc('\n', stderr);
}

void gh_print_json(const json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
}

/* --- where a code goes
 * ---------------------------------------------------------------------------- */

unsigned gh_png_scale(unsigned side_modules)
{
    unsigned all = side_modules + 2 * GH_QR_QUIET_MODULES;
    unsigned scale = (PNG_SIDE_PIXELS + all / 2) / all;
    return scale > 0 ? scale : 1;
}

bool gh_code_output_is_elsewhere(const struct gh_code_output *output)
{
    return !output->text && (output->png != NULL || output->svg != NULL);
}

static enum gh_status write_all(const struct gh_code_output *output, struct gh_bytes code,
                                const struct gh_qr *qr, const char *title, const char *line,
                                struct gh_error *err)
{
    enum gh_status status = GH_OK;
    if (output->png != NULL) {
        status = gh_qr_write_png(qr, gh_png_scale(qr->side), output->png, err);
    }
    if (status == GH_OK && output->svg != NULL) {
        status = gh_qr_write_svg(qr, title, line, output->svg, err);
    }
    if (status == GH_OK && output->text) {
        (void)fwrite(code.data, 1, code.size, stdout);
        (void)fputc('\n', stdout);
    }
    if (status == GH_OK && !output->text && output->png == NULL && output->svg == NULL) {
        status = gh_qr_print(qr, stdout);
    }
    return status;
}

enum gh_status gh_code_output(const struct gh_code_output *output, struct gh_bytes code,
                              enum gh_qr_level level, const char *title, const char *line,
                              struct gh_error *err)
{
    struct gh_qr qr = {0};
    enum gh_status status = gh_qr_encode(code, level, &qr);
    if (status == GH_ERR_TOOBIG) {
        return gh_fail(err, status, "%zu bytes are too many for one QR code of this level",
                       code.size);
    }
    if (status == GH_ERR_INVALID) {
        return gh_fail(err, status, "there is no text to draw");
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "the code cannot be drawn: %s", gh_status_text(status));
    }
    status = write_all(output, code, &qr, title, line, err);
    gh_qr_free(&qr);
    return status == GH_OK
               ? GH_OK
               : gh_fail(err, status, "the code cannot be written: %s", gh_status_text(status));
}
