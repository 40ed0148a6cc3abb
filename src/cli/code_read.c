/* SPDX-License-Identifier: Apache-2.0 */
/* `gatehouse code read`: what a code says and whether to believe it. */
#include <stdio.h>
#include <string.h>

#include "cli/code_commands.h"
#include "cli/output.h"
#include "gatehouse/trust.h"

#define COMMAND "code read"
#define CHUNK_PREFIX "shc:/"
#define OPERANDS_MAX 1000 /* more than one code has: the rest is said of chunks */

/* Everything that there can be, line ends, and one byte more to know that it is too long. */
#define INPUT_BYTES (GH_PARTS_TEXT_BYTES + GH_PARTS_MAX + 1)

struct texts {
    struct gh_bytes text[GH_PARTS_MAX];
    size_t count; /* one too many: count above GH_PARTS_MAX */
    char input[INPUT_BYTES];
};

/* --- input ----------------------------------------------------------------------------------- */

static bool is_chunk(struct gh_bytes text)
{
    size_t size = strlen(CHUNK_PREFIX);
    return text.size >= size && memcmp(text.data, CHUNK_PREFIX, size) == 0;
}

static void add_text(struct texts *texts, struct gh_bytes text)
{
    if (texts->count < GH_PARTS_MAX)
        texts->text[texts->count] = text;
    texts->count++;
}

/* Several lines, all of them chunks, are several texts; anything else is one. */
static void split_lines(struct texts *texts, struct gh_bytes whole)
{
    struct gh_bytes rest = whole;
    while (is_chunk(rest)) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end != NULL ? (size_t)(end - rest.data) : rest.size;
        add_text(texts, (struct gh_bytes){.data = rest.data, .size = size});
        if (end == NULL)
            return;
        rest = (struct gh_bytes){.data = end + 1, .size = rest.size - size - 1};
    }
    texts->count = 1;
    texts->text[0] = whole;
}

static int check_count(const struct texts *texts)
{
    if (texts->count > GH_PARTS_MAX)
        return gh_misuse(COMMAND, "no card has more than %d chunks", GH_PARTS_MAX);
    for (size_t i = 0; i < texts->count && texts->count > 1; i++)
        if (!is_chunk(texts->text[i]))
            return gh_misuse(COMMAND, "several texts are the chunks of one SMART Health Card "
                                      "(shc:/), and these are not");
    return GH_GO_ON;
}

static int get_texts(char **operands, int count, struct texts *texts)
{
    struct gh_bytes text;
    struct gh_error err = {0};
    for (int i = 0; i < count && count > 1; i++)
        add_text(texts, (struct gh_bytes){.data = (const uint8_t *)operands[i],
                                          .size = strlen(operands[i])});
    if (count > 1)
        return check_count(texts);
    const char *operand = count == 1 ? operands[0] : NULL;
    if (gh_code_text(operand, texts->input, sizeof(texts->input), &text, &err) != GH_OK) {
        (void)gh_complain(&err);
        return GH_EXIT_USAGE;
    }
    if (text.data == (const uint8_t *)texts->input) {
        split_lines(texts, text);
    } else {
        add_text(texts, text);
    }
    return check_count(texts);
}

/* --- output ---------------------------------------------------------------------------------- */

static void print_value(const json_t *value)
{
    if (json_is_integer(value))
        (void)printf("%lld", (long long)json_integer_value(value));
    else
        gh_put_plain(json_is_null(value) ? "never" : json_string_value(value), stdout);
}

/* All of it on one line, since there may be several. */
static void print_fact(json_t *fact)
{
    const char *name, *between = "fact: ";
    json_t *value;
    json_object_foreach(fact, name, value)
    {
        (void)printf("%s%s ", between, name);
        print_value(value);
        between = ", ";
    }
    (void)putchar('\n');
}

/* One thing a line; a claim that is null is "never": only expires_at can be. */
static void print_for_people(json_t *object, enum gh_reason reason)
{
    const char *name;
    json_t *value, *fact;
    size_t i;
    json_object_foreach(object, name, value)
    {
        if (json_is_object(value)) {
            print_for_people(value, reason);
        } else if (json_is_array(value)) {
            json_array_foreach(value, i, fact)
            {
                print_fact(fact);
            }
        } else {
            (void)printf("%s: ", name);
            print_value(value);
            if (strcmp(name, "reason") == 0 && reason != GH_REASON_OK)
                (void)printf(" (%s)", gh_reason_info(reason)->text);
            (void)putchar('\n');
        }
    }
}

static int print_result(bool json, const struct gh_credential *credential, struct gh_bytes text)
{
    struct gh_error err = {0};
    json_t *object = gh_code_describe(credential, text);
    if (object == NULL) {
        (void)gh_fail(&err, GH_ERR_NOMEM, "no memory");
        return gh_complain(&err);
    }
    bool written = true;
    if (json)
        written = json_dumpf(object, stdout, 0) == 0 && putchar('\n') != EOF;
    else
        print_for_people(object, credential->reason);
    json_decref(object);
    if (fflush(stdout) != 0 || ferror(stdout) || !written) { /* unread is unanswered */
        (void)gh_fail(&err, GH_ERR_IO, "cannot write the answer: %m");
        return gh_complain(&err);
    }
    return credential->reason == GH_REASON_OK ? GH_EXIT_OK : GH_EXIT_NO;
}

/* --- the command ----------------------------------------------------------------------------- */

int gh_command_code_read(int argc, char **argv)
{
    const char *trust_folder = NULL, *at = NULL;
    bool json = false;
    const struct gh_option options[] = {{.name = "trust", .value = &trust_folder},
                                        {.name = "at", .value = &at},
                                        {.name = "json", .flag = &json}};
    const struct gh_syntax syntax = {COMMAND, gh_code_usage, options, GH_ARRAY_SIZE(options),
                                     0,       OPERANDS_MAX};
    char **operands;
    int count;
    int64_t at_s = 0;
    struct texts texts = {.count = 0};
    struct gh_trust *trust = NULL;
    struct gh_error err = {0};
    int result = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (result == GH_GO_ON)
        result = gh_code_at(COMMAND, at, &at_s);
    if (result == GH_GO_ON)
        result = get_texts(operands, count, &texts);
    if (result != GH_GO_ON)
        return result;
    if (trust_folder != NULL && gh_trust_load(trust_folder, &trust, &err) != GH_OK) {
        (void)gh_complain(&err);
        return GH_EXIT_USAGE;
    }
    struct gh_credential credential;
    gh_code_read_parts(trust, texts.text, texts.count, at_s, &credential);
    result = print_result(json, &credential, texts.text[0]);
    gh_trust_unref(trust);
    return result;
}
