/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/config.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gatehouse/bytes.h"
#include "gatehouse/file.h"

#define FILE_BYTES_MAX 65536
#define LINE_BYTES_MAX 4096
/* What is shown of each part, so that together they fit in an error's text. */
#define PATH_SHOWN_MAX 80

/* Debian's libinih lets a program choose the longest line, the original has it compiled in: ask for
 * it where it can be had. What we got is what the reader below is offered. */
extern int ini_max_line __attribute__((weak));

struct reading {
    const char *path; /* as shown to people */
    const struct gh_config_key *keys;
    size_t key_count;
    void *out;
    struct gh_error *err;
    bool *seen; /* one a key */
    const char *rest;
    const char *end;
    unsigned int line;
    enum gh_status status; /* the first failure */
};

static void choose_longest_line(void)
{
    if (&ini_max_line != NULL && ini_max_line < LINE_BYTES_MAX) {
        ini_max_line = LINE_BYTES_MAX;
    }
}

/* --- values --------------------------------------------------------------------------------------
 */

static bool parse_int(const char *text, int64_t *value)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    long long parsed = strtoll(text, NULL, 10);
    *value = parsed;
    return errno == 0;
}

static bool parse_bool(const char *text, bool *value)
{
    static const char *const words[][2] = {
        {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(words); i++) {
        for (int j = 0; j < 2; j++) {
            if (strcasecmp(text, words[i][j]) == 0) {
                *value = j == 1;
                return true;
            }
        }
    }
    return false;
}

static void list_choices(const char *const *choices, char *out, size_t out_bytes)
{
    struct gh_writer writer = gh_writer_over(out, out_bytes - 1);
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (i > 0) {
            gh_writer_put_text(&writer, choices[i + 1] == NULL ? " or " : ", ");
        }
        gh_writer_put_text(&writer, choices[i]);
    }
    out[writer.size] = '\0';
}

static bool store_int(const struct gh_config_key *key, const char *text, void *field, char *why,
                      size_t why_bytes)
{
    int64_t value;
    if (!parse_int(text, &value) || value < key->minimum || value > key->maximum) {
        (void)snprintf(why, why_bytes, "must be a whole number from %" PRId64 " to %" PRId64,
                       key->minimum, key->maximum);
        return false;
    }
    memcpy(field, &value, sizeof(value));
    return true;
}

static bool store_choice(const struct gh_config_key *key, const char *text, void *field, char *why,
                         size_t why_bytes)
{
    for (int i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(text, key->choices[i]) == 0) {
            memcpy(field, &i, sizeof(i));
            return true;
        }
    }
    char choices[80];
    list_choices(key->choices, choices, sizeof(choices));
    (void)snprintf(why, why_bytes, "must be %s", choices);
    return false;
}

/* Put a value where it belongs; false with the reason in why. The value itself is never in the
 * reason: it may be a secret. */
static bool store(const struct gh_config_key *key, const char *text, void *out,
                  char why[GH_CONFIG_WHY_BYTES])
{
    const size_t why_bytes = GH_CONFIG_WHY_BYTES;
    void *field = (char *)out + key->offset;
    switch (key->type) {
    case GH_CONFIG_TEXT:
        if (strlen(text) >= key->size) {
            (void)snprintf(why, why_bytes, "must not be longer than %zu bytes", key->size - 1);
            return false;
        }
        memset(field, 0, key->size);
        memcpy(field, text, strlen(text));
        return true;
    case GH_CONFIG_INT:
        return store_int(key, text, field, why, why_bytes);
    case GH_CONFIG_BOOL:
        if (!parse_bool(text, (bool *)field)) {
            (void)snprintf(why, why_bytes, "must be yes or no");
            return false;
        }
        return true;
    case GH_CONFIG_CHOICE:
        return store_choice(key, text, field, why, why_bytes);
    case GH_CONFIG_EACH:
        return key->take(out, text, why);
    }
    (void)snprintf(why, why_bytes, "has a type that this build does not know");
    return false;
}

/* --- lines ---------------------------------------------------------------------------------------
 */

/* Keep the first failure of a file. */
static void refuse(struct reading *reading, const char *what)
{
    if (reading->status == GH_OK) {
        reading->status =
            gh_fail(reading->err, GH_ERR_INVALID, "%s:%u: %s", reading->path, reading->line, what);
    }
}

static void refuse_key(struct reading *reading, const char *section, const char *name,
                       const char *what)
{
    char text[GH_CONFIG_WHY_BYTES + 80];
    (void)snprintf(text, sizeof(text), "[%.32s] %.32s %s", section, name, what);
    refuse(reading, text);
}

static bool section_is_known(const struct reading *reading, const char *section, size_t size)
{
    for (size_t i = 0; i < reading->key_count; i++) {
        const char *known = reading->keys[i].section;
        if (strlen(known) == size && memcmp(known, section, size) == 0) {
            return true;
        }
    }
    return false;
}

/* libinih does not tell of a section without keys, cuts long names and overlooks what follows the
 * bracket. */
static void check_section_line(struct reading *reading, const char *line)
{
    const char *name = line + 1;
    size_t size = strcspn(name, "]");
    const char *after = name + size;
    after += *after == ']' ? 1 + strspn(after + 1, " \t") : 0;
    if (name[size] != ']' || (*after != '\0' && *after != ';' && *after != '#')) {
        refuse(reading, "not a section heading like [name]");
    } else if (!section_is_known(reading, name, size)) {
        char text[80];
        (void)snprintf(text, sizeof(text), "unknown section [%.*s]", size > 32 ? 32 : (int)size,
                       name);
        refuse(reading, text);
    }
}

static bool is_text(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) {
            return false;
        }
    }
    return gh_utf8_valid(line, size);
}

/* The next line without its end; NULL after the last one, or after a failure. */
static const char *next_line(struct reading *reading, size_t *size)
{
    if (reading->rest == reading->end || reading->status != GH_OK) {
        return NULL;
    }
    const char *line = reading->rest;
    const char *newline = memchr(line, '\n', (size_t)(reading->end - line));
    const char *end = newline != NULL ? newline : reading->end;
    reading->rest = newline != NULL ? newline + 1 : reading->end;
    reading->line++;
    if (end > line && end[-1] == '\r') {
        end--;
    }
    *size = (size_t)(end - line);
    return line;
}

/* libinih's ini_reader: one line into buffer. Leading blanks are taken away, since libinih would
 * take an indented line as more of the value before it. */
static char *read_line(char *buffer, int buffer_bytes, void *context)
{
    struct reading *reading = context;
    size_t size;
    const char *line = next_line(reading, &size);
    if (line == NULL) {
        return NULL;
    }
    while (size > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        size--;
    }
    if (!is_text(line, size)) {
        refuse(reading, "not UTF-8 text, or has control characters");
        return NULL;
    }
    if (size >= (size_t)buffer_bytes) {
        refuse(reading, "the line is too long");
        return NULL;
    }
    memcpy(buffer, line, size);
    buffer[size] = '\0';
    if (buffer[0] == '[') {
        check_section_line(reading, buffer);
    }
    return reading->status == GH_OK ? buffer : NULL;
}

/* libinih's ini_handler: 0 says no. */
static int take_key(void *context, const char *section, const char *name, const char *value)
{
    struct reading *reading = context;
    if (reading->status != GH_OK) {
        return 0;
    }
    for (size_t i = 0; i < reading->key_count; i++) {
        const struct gh_config_key *key = &reading->keys[i];
        if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0) {
            continue;
        }
        char why[GH_CONFIG_WHY_BYTES];
        if (reading->seen[i] && key->type != GH_CONFIG_EACH) {
            refuse_key(reading, section, name, "is given twice");
            return 0;
        }
        reading->seen[i] = true;
        if (value == NULL || !store(key, value, reading->out, why)) {
            refuse_key(reading, section, name, value == NULL ? "has no value" : why);
            return 0;
        }
        return 1;
    }
    refuse_key(reading, section, name, "is not a key that is known here");
    return 0;
}

/* --- the file as a whole -----------------------------------------------------------------------
 */

static enum gh_status store_defaults(const struct reading *reading)
{
    for (size_t i = 0; i < reading->key_count; i++) {
        const struct gh_config_key *key = &reading->keys[i];
        char why[GH_CONFIG_WHY_BYTES];
        if (key->initial != NULL && !store(key, key->initial, reading->out, why)) {
            return gh_fail(reading->err, GH_ERR_INVALID, "the default of [%s] %s %s", key->section,
                           key->name, why);
        }
    }
    return GH_OK;
}

static enum gh_status find_missing(const struct reading *reading)
{
    for (size_t i = 0; i < reading->key_count; i++) {
        const struct gh_config_key *key = &reading->keys[i];
        if (!reading->seen[i] && key->initial == NULL && key->type != GH_CONFIG_EACH) {
            return gh_fail(reading->err, GH_ERR_INVALID, "%s: [%s] %s is missing", reading->path,
                           key->section, key->name);
        }
    }
    return GH_OK;
}

static enum gh_status parse(struct reading *reading)
{
    enum gh_status status = store_defaults(reading);
    if (status != GH_OK) {
        return status;
    }
    int result = ini_parse_stream(read_line, reading, take_key, reading);
    if (reading->status != GH_OK) {
        return reading->status;
    }
    if (result > 0) {
        reading->line = (unsigned int)result;
        refuse(reading, "neither a section, a key with a value, nor a comment");
        return reading->status;
    }
    if (result < 0) {
        return gh_fail(reading->err, GH_ERR_NOMEM, "no memory to read %s", reading->path);
    }
    return find_missing(reading);
}

enum gh_status gh_config_load(const char *path, const struct gh_config_key *keys, size_t key_count,
                              void *out, struct gh_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, choose_longest_line);

    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    enum gh_status status = gh_file_read(path, FILE_BYTES_MAX, &data, &size, err);
    if (status != GH_OK) {
        return status;
    }
    size_t path_size = strlen(path);
    struct reading reading = {
        .path = path + (path_size > PATH_SHOWN_MAX ? path_size - PATH_SHOWN_MAX : 0),
        .keys = keys,
        .key_count = key_count,
        .out = out,
        .err = err,
        .seen = calloc(key_count + 1, sizeof(bool)),
        .rest = (const char *)data,
        .end = (const char *)data + size,
    };
    if (reading.seen == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory to read %s", path);
    }
    /* Each of them, and not only the first: libinih would skip one more, behind our back. */
    while (reading.end - reading.rest >= 3 && memcmp(reading.rest, "\xEF\xBB\xBF", 3) == 0) {
        reading.rest += 3;
    }
    status = parse(&reading);
    free(reading.seen);
    return status;
}
