/* SPDX-License-Identifier: Apache-2.0 */
/* `gatehouse code read`: what a code says and whether to believe it. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/commands.h"
#include "gatehouse/clock.h"
#include "gatehouse/code.h"
#include "gatehouse/file.h"

enum { EXIT_VALID = 0, EXIT_INVALID = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: gatehouse code read [--trust DIR] [--at RFC3339] [--json] [TEXT... | -]";

struct request {
    const char *trust_folder; /* NULL: nothing is trusted */
    int64_t at_s;
    bool json;
    char **texts;
    size_t texts_count;
};

static void complain(const char *format, ...) GH_PRINTF(1, 2);

static void complain(const char *format, ...)
{
    int saved_errno = errno; /* for %m */
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("gatehouse: ", stderr);
    errno = saved_errno;
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
}

/* --- the command line ------------------------------------------------------------------------ */

static int parse_option(int option, char **argv, struct request *request)
{
    switch (option) {
    case 't':
        request->trust_folder = optarg;
        return EXIT_VALID;
    case 'j':
        request->json = true;
        return EXIT_VALID;
    case 'a':
        if (gh_time_parse(optarg, &request->at_s) == GH_OK)
            return EXIT_VALID;
        complain("%s is no time like 2020-03-01T07:00:00Z", optarg);
        return EXIT_USAGE;
    case ':':
        complain("%s needs a value\n%s", argv[optind - 1], usage);
        return EXIT_USAGE;
    default:
        complain("code read does not know the option %s\n%s", argv[optind - 1], usage);
        return EXIT_USAGE;
    }
}

static int parse_arguments(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"trust", required_argument, NULL, 't'},
        {"at", required_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    optind = 0; /* 0 starts getopt afresh: it may have run before */
    int option;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the tool has one thread */
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        int result = parse_option(option, argv, request);
        if (result != EXIT_VALID)
            return result;
    }
    request->texts = argv + optind;
    request->texts_count = (size_t)(argc - optind);
    return EXIT_VALID;
}

/* Several texts are the chunks of one SMART Health Card. */
static bool are_chunks(const struct request *request)
{
    for (size_t i = 0; i < request->texts_count; i++)
        if (strncasecmp(request->texts[i], "shc:/", 5) != 0)
            return false;
    return true;
}

/* --- input ----------------------------------------------------------------------------------- */

/* The longest code, the newline behind it, and one byte more to know that it is too long. */
#define INPUT_BYTES (GH_CODE_TEXT_MAX_BYTES + 2)

static int read_input(char buffer[INPUT_BYTES], struct gh_bytes *text)
{
    size_t size = 0;
    while (size < INPUT_BYTES) {
        ssize_t got = read(STDIN_FILENO, buffer + size, INPUT_BYTES - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            complain("cannot read the code: %m");
            return EXIT_USAGE;
        }
        if (got == 0)
            break;
        size += (size_t)got;
    }
    if (size > 0 && buffer[size - 1] == '\n')
        size--;
    *text = (struct gh_bytes){.data = (const uint8_t *)buffer, .size = size};
    return EXIT_VALID;
}

static int get_text(const struct request *request, char buffer[INPUT_BYTES], struct gh_bytes *text)
{
    if (request->texts_count > 1 && !are_chunks(request)) {
        complain(
            "several texts are the chunks of one SMART Health Card (shc:/), and these are not");
        return EXIT_USAGE;
    }
    if (request->texts_count == 0 || strcmp(request->texts[0], "-") == 0)
        return read_input(buffer, text);
    *text = (struct gh_bytes){.data = (const uint8_t *)request->texts[0],
                              .size = strlen(request->texts[0])};
    return EXIT_VALID;
}

/* --- output ---------------------------------------------------------------------------------- */

static const char *time_text(int64_t seconds, char out[GH_TIME_TEXT_BYTES])
{
    if (seconds == INT64_MAX)
        return NULL;
    gh_time_format(seconds, out);
    return out;
}

static int set_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, text != NULL ? json_string(text) : json_null());
}

static int set_id(json_t *object, const char *name, gh_id id)
{
    char text[GH_ID_TEXT_BYTES];
    gh_id_format(id, text);
    return set_text(object, name, text);
}

static int set_enrolment(json_t *claims, struct gh_bytes text)
{
    /* At a time when it has surely not expired: the verdict is known already. */
    struct gh_enrolment enrolment;
    int failed = 0;
    if (gh_enrolment_read(text, INT64_MIN, &enrolment) == GH_REASON_OK) {
        char time[GH_TIME_TEXT_BYTES];
        failed = set_id(claims, "gate", enrolment.gate) | set_text(claims, "url", enrolment.url) |
                 set_text(claims, "expires_at", time_text(enrolment.expires_at_s, time));
    }
    gh_wipe(&enrolment, sizeof(enrolment));
    return failed;
}

static int set_claims(json_t *claims, const struct gh_credential *credential)
{
    char issued[GH_TIME_TEXT_BYTES], expires[GH_TIME_TEXT_BYTES];
    char key_id[2 * GH_KEY_ID_BYTES + 1];
    gh_hex_encode(credential->key_id, GH_KEY_ID_BYTES, key_id);
    int failed = set_id(claims, "id", credential->id);
    if (credential->subject != 0)
        failed |= set_id(claims, "subject", credential->subject);
    if (credential->home != 0)
        failed |= set_id(claims, "home", credential->home);
    if (credential->colour != GH_COLOUR_NONE)
        failed |= set_text(claims, "colour", gh_colour_name(credential->colour));
    failed |= set_text(claims, "issuer", credential->issuer);
    failed |= set_text(claims, "issued_at", time_text(credential->issued_at_s, issued));
    failed |= set_text(claims, "expires_at", time_text(credential->expires_at_s, expires));
    return failed | set_text(claims, "key_id", key_id);
}

/* NULL: no memory. */
static json_t *describe(const struct gh_credential *credential, struct gh_bytes text)
{
    bool valid = credential->reason == GH_REASON_OK;
    json_t *claims = json_object();
    int failed = claims == NULL;
    if (credential->authentic && !failed)
        failed = credential->kind == GH_KIND_ENROLMENT ? set_enrolment(claims, text)
                                                       : set_claims(claims, credential);
    json_t *object = json_object();
    failed |= set_text(object, "kind", gh_kind_name(credential->kind));
    failed |= set_text(object, "verdict", valid ? "valid" : "invalid");
    failed |= set_text(object, "reason", gh_reason_info(credential->reason)->token);
    failed |= json_object_set_new(object, "claims", claims);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* One fact a line; a claim that is null is "never": only expires_at can be. */
static void print_facts(json_t *object, enum gh_reason reason)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (json_is_object(value))
            print_facts(value, reason);
        else if (strcmp(name, "reason") == 0 && reason != GH_REASON_OK)
            (void)printf("%s: %s (%s)\n", name, json_string_value(value),
                         gh_reason_info(reason)->text);
        else
            (void)printf("%s: %s\n", name,
                         json_is_null(value) ? "never" : json_string_value(value));
    }
}

static int print_result(const struct request *request, const struct gh_credential *credential,
                        struct gh_bytes text)
{
    json_t *object = describe(credential, text);
    if (object == NULL) {
        complain("no memory");
        return EXIT_INVALID;
    }
    bool written = true;
    if (request->json) {
        written = json_dumpf(object, stdout, 0) == 0 && putchar('\n') != EOF;
    } else {
        print_facts(object, credential->reason);
    }
    json_decref(object);
    if (fflush(stdout) != 0 || ferror(stdout) || !written) {
        complain("cannot write the answer: %m");
        return EXIT_INVALID;
    }
    return credential->reason == GH_REASON_OK ? EXIT_VALID : EXIT_INVALID;
}

/* --- the command ----------------------------------------------------------------------------- */

static int run(const struct request *request)
{
    struct gh_trust *trust = NULL;
    struct gh_error err = {.status = GH_OK};
    if (request->trust_folder != NULL && gh_trust_load(request->trust_folder, &trust, &err)) {
        complain("%s", err.text);
        return EXIT_USAGE;
    }
    char buffer[INPUT_BYTES];
    struct gh_bytes text;
    int result = get_text(request, buffer, &text);
    if (result == EXIT_VALID) {
        struct gh_credential credential;
        gh_code_read(trust, text, request->at_s, &credential);
        result = print_result(request, &credential, text);
    }
    gh_trust_unref(trust);
    return result;
}

int gh_command_code(int argc, char **argv)
{
    for (int i = 1; i < argc && i < 3; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return puts(usage) < 0 ? EXIT_INVALID : EXIT_VALID;
    }
    if (argc < 2 || strcmp(argv[1], "read") != 0) {
        (void)fprintf(stderr, "%s\n", usage);
        return EXIT_USAGE;
    }
    struct request request = {.at_s = gh_clock_wall_s(gh_clock_system())};
    int result = parse_arguments(argc - 1, argv + 1, &request);
    return result == EXIT_VALID ? run(&request) : result;
}
