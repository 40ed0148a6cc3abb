/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands print: data on standard output, so that scripts can use it; words about it on
 * standard error. */
#ifndef GATEHOUSE_SRC_CLI_OUTPUT_H
#define GATEHOUSE_SRC_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/options.h"
#include "gatehouse/qr.h"
#include "gatehouse/status.h"

/* `gatehouse: <sentence>` on standard error; GH_EXIT_NO. */
int gh_complain(const struct gh_error *err);

/* A sentence for a person, on standard error. Control characters are replaced. */
void gh_say(const char *format, ...) GH_PRINTF(1, 2);

/* One object as one line of JSON on standard output. */
void gh_print_json(const json_t *object);

/* text to stream, with `?` for every control character: names come from outside, and a terminal
 * obeys what it is sent. */
void gh_put_plain(const char *text, FILE *stream);

/* --- where a code goes
 * ---------------------------------------------------------------------------- */

/* The options --png, --svg and --text, for a command's table. */
struct gh_code_output {
    const char *png, *svg;
    bool text;
};
#define GH_CODE_OUTPUT_OPTIONS(output)                                                             \
    {.name = "png", .value = &(output).png}, {.name = "svg", .value = &(output).svg},              \
    {                                                                                              \
        .name = "text", .flag = &(output).text                                                     \
    }

/* A code to wherever the options say; with none of them, drawn on standard output. title and line:
 * of the SVG sheet. */
GH_MUST_CHECK enum gh_status gh_code_output(const struct gh_code_output *output,
                                            struct gh_bytes code, enum gh_qr_level level,
                                            const char *title, const char *line,
                                            struct gh_error *err);
/* Whether standard output is free for data of the command: the code itself goes elsewhere. */
bool gh_code_output_is_elsewhere(const struct gh_code_output *output);

/* Pixels a module, so that the picture with its quiet zone has a side of 400 to 600. */
unsigned gh_png_scale(unsigned side_modules);

#endif
