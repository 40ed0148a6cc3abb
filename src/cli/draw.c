/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/code.h"

static const char usage[] =
    "usage: gatehouse draw TEXT|- [--png FILE] [--svg FILE] [--level L|M|Q|H]\n"
    "\n"
    "Draw any text as a QR code: on the terminal, or as a picture (--png) or a sheet to print\n"
    "(--svg). '-' reads the text from standard input; one line end behind it is left out.\n"
    "--level: how much of the symbol may be lost: 7, 15 (M, as it is without), 25 or 30 %.\n";

static enum gh_status read_stdin(uint8_t *out, size_t out_bytes, size_t *size, struct gh_error *err)
{
    *size = fread(out, 1, out_bytes, stdin);
    if (ferror(stdin)) {
        return gh_fail(err, GH_ERR_IO, "cannot read standard input");
    }
    if (*size == out_bytes) {
        return gh_fail(err, GH_ERR_TOOBIG, "the text is longer than any QR code");
    }
    if (*size > 0 && out[*size - 1] == '\n') {
        (*size)--;
    }
    return GH_OK;
}

static enum gh_status draw(const char *text, enum gh_qr_level level,
                           const struct gh_code_output *output, struct gh_error *err)
{
    uint8_t input[GH_CODE_TEXT_MAX_BYTES + 2];
    struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};
    if (strcmp(text, "-") == 0) {
        bytes.data = input;
        enum gh_status status = read_stdin(input, sizeof(input), &bytes.size, err);
        if (status != GH_OK) {
            return status;
        }
    }
    return gh_code_output(output, bytes, level, "", NULL, err);
}

int gh_command_draw(int argc, char **argv)
{
    static const char letters[] = "LMQH"; /* in the order of enum gh_qr_level */
    const char *level = "M";
    struct gh_code_output output = {0};
    const struct gh_option options[] = {{.name = "level", .value = &level},
                                        {.name = "png", .value = &output.png},
                                        {.name = "svg", .value = &output.svg}};
    const struct gh_syntax syntax = {"draw", usage, options, GH_ARRAY_SIZE(options), 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    const char *letter = strlen(level) == 1 ? strchr(letters, level[0]) : NULL;
    if (letter == NULL) {
        return gh_misuse("draw", "--level must be L, M, Q or H");
    }
    struct gh_error err = {0};
    return draw(operands[0], (enum gh_qr_level)(letter - letters), &output, &err) == GH_OK
               ? GH_EXIT_OK
               : gh_complain(&err);
}
