/* SPDX-License-Identifier: Apache-2.0 */
/* gatehouse scan: pictures in, the texts of their QR codes out. */
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/clock.h"
#include "gatehouse/decode.h"
#include "gatehouse/file.h"
#include "gatehouse/picture.h"

static const char usage[] =
    "usage: gatehouse scan [--json] IMAGE...\n"
    "\n"
    "Read the QR codes in still pictures (PNG, JPEG, PGM) and print their texts, one a line.\n"
    "\n"
    "  --json  one object a picture, one a line:\n"
    "          {\"file\": \"...\", \"codes\": [{\"text\": \"...\"}], \"ms\": 1.23}\n"
    "          ms: milliseconds that the search for codes took, without reading the file;\n"
    "          error: why a file could not be read (then codes is empty and ms is 0)\n"
    "\n"
    "Texts that are not UTF-8 are shown as ISO 8859-1, Shift JIS or GB 18030, whichever fits.\n"
    "Exit: 0 every picture has a code, 1 some picture has none or cannot be read, 2 usage.\n";

/* What one picture gave; the texts are a JSON array of {"text": ...}. */
struct result {
    json_t *codes;
    double ms;
    bool no_memory;
    struct gh_error error;
};

static void on_code(void *context, struct gh_bytes bytes)
{
    struct result *result = context;
    GH_CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    if (gh_decoded_text(bytes, &text, &size) != GH_OK ||
        json_array_append_new(result->codes,
                              json_pack("{s:o}", "text", json_stringn(text, size))) != 0)
        result->no_memory = true;
}

/* A decoder a picture: zbar's random numbers go on from one picture to the next, and a picture's
 * result should not depend on its neighbours on the command line. */
static enum gh_status scan_picture(const struct gh_picture *picture, struct result *result)
{
    struct gh_decoder *decoder = NULL;
    struct gh_frame frame = gh_picture_frame(picture);

    enum gh_status status = gh_decoder_new(picture->width, picture->height, &decoder);
    if (status == GH_OK) {
        int64_t start_ns = gh_clock_monotonic_ns(gh_clock_system());
        status = gh_decoder_scan(decoder, &frame, on_code, result, NULL);
        int64_t took_ns = gh_clock_monotonic_ns(gh_clock_system()) - start_ns;
        result->ms = round((double)took_ns / 1e3) / 1e3;
    }
    gh_decoder_free(decoder);
    if (status == GH_OK && result->no_memory)
        status = GH_ERR_NOMEM;
    if (status != GH_OK)
        return gh_fail(&result->error, status, "the picture cannot be searched: %s",
                       gh_status_text(status));
    return GH_OK;
}

static enum gh_status scan_file(const char *path, struct result *result)
{
    struct gh_picture picture = {0};

    enum gh_status status = gh_picture_load(path, &picture, &result->error);
    if (status == GH_OK)
        status = scan_picture(&picture, result);
    gh_picture_free(&picture);
    return status;
}

/* A file's name, or an error that holds one, need not be UTF-8. */
static json_t *json_text(const char *text)
{
    GH_CLEANUP_FREE char *shown = NULL;
    size_t size = 0;

    if (gh_decoded_text((struct gh_bytes){(const uint8_t *)text, strlen(text)}, &shown, &size) !=
        GH_OK)
        return NULL;
    return json_stringn(shown, size);
}

static bool print_json(const char *path, const struct result *result)
{
    json_t *object = json_pack("{s:o, s:O, s:f}", "file", json_text(path), "codes", result->codes,
                               "ms", result->ms);
    if (object != NULL && result->error.status != GH_OK &&
        json_object_set_new(object, "error", json_text(result->error.text)) != 0) {
        json_decref(object);
        object = NULL;
    }
    bool good = object != NULL && json_dumpf(object, stdout, JSON_REAL_PRECISION(9)) == 0;
    if (good)
        (void)putchar('\n');
    json_decref(object);
    return good;
}

/* To a file or a pipe a text goes as it is; a terminal is not commanded by whoever made the code.
 */
static void print_text(const char *text, size_t size)
{
    bool terminal = isatty(STDOUT_FILENO) == 1;

    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool c1 = byte == 0xc2 && i + 1 < size && (unsigned char)text[i + 1] < 0xa0;
        if (terminal && ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f || c1))
            (void)printf("\\x%02x", c1 ? (unsigned char)text[++i] : byte);
        else
            (void)putchar(byte);
    }
    (void)putchar('\n');
}

static bool print_plain(const char *path, const struct result *result)
{
    size_t index;
    const json_t *code;

    if (result->error.status != GH_OK && strstr(result->error.text, path) != NULL)
        gh_say("gatehouse scan: %s", result->error.text);
    else if (result->error.status != GH_OK)
        gh_say("gatehouse scan: %s: %s", path, result->error.text);
    else if (json_array_size(result->codes) == 0)
        gh_say("gatehouse scan: %s: no code found", path);
    json_array_foreach(result->codes, index, code)
    {
        const json_t *text = json_object_get(code, "text");
        print_text(json_string_value(text), json_string_length(text));
    }
    return true;
}

/* The picture's exit code. */
static int scan_and_print(const char *path, bool as_json)
{
    struct result result = {.codes = json_array()};
    bool printed = false;

    if (result.codes != NULL) {
        if (scan_file(path, &result) != GH_OK)
            json_array_clear(result.codes);
        printed = as_json ? print_json(path, &result) : print_plain(path, &result);
    }
    if (!printed)
        gh_say("gatehouse scan: %s: no memory", path);
    int code = printed && json_array_size(result.codes) > 0 ? GH_EXIT_OK : GH_EXIT_NO;
    json_decref(result.codes);
    return code;
}

int gh_command_scan(int argc, char **argv)
{
    bool as_json = false;
    const struct gh_option options[] = {{.name = "json", .flag = &as_json}};
    const struct gh_syntax syntax = {
        .command = "scan",
        .usage = usage,
        .options = options,
        .option_count = GH_ARRAY_SIZE(options),
        .operands_min = 1,
        .operands_max = INT_MAX,
    };
    char **paths = NULL;
    int count = 0;

    int code = gh_options_parse(&syntax, argc, argv, &paths, &count);
    if (code != GH_GO_ON)
        return code;
    code = GH_EXIT_OK;
    for (int i = 0; i < count; i++) {
        if (scan_and_print(paths[i], as_json) != GH_EXIT_OK)
            code = GH_EXIT_NO;
        if (fflush(stdout) != 0)
            return GH_EXIT_NO; /* main says why */
    }
    return code;
}
