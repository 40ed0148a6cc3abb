/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that a stranger may have written, read by jansson within bounds that it does not have
 * itself: how deep, and how much memory its tree takes. */
#include <jansson.h>
#include <string.h>

#include "code/shc.h"

/* --- before there is a tree ------------------------------------------------------------------ */

/* What jansson 2.14 takes on a 64-bit machine with glibc: an object or an array and its first
 * table; a text; a number; what a member takes beyond the text of its name; for each further
 * element or member its share of a larger table, and of the one before, which is copied. Letters
 * come on top. test_shc_json measures that this is true. */
enum {
    OBJECT_BYTES = 224,
    ARRAY_BYTES = 128,
    TEXT_BYTES = 80,
    NUMBER_BYTES = 32,
    MEMBER_BYTES = 24,
    COMMA_BYTES = 24,
};

struct outline {
    size_t bytes;
    size_t depth, deepest;
    bool quoted, in_number;
};

static void open_bracket(struct outline *outline, size_t bytes)
{
    outline->bytes += bytes;
    if (++outline->depth > outline->deepest)
        outline->deepest = outline->depth;
}

/* One character outside of texts. */
static void count(struct outline *outline, uint8_t c)
{
    bool in_number = (c >= '0' && c <= '9') || c == '-';
    if (in_number && !outline->in_number)
        outline->bytes += NUMBER_BYTES;
    outline->in_number = in_number;
    if (c == '{')
        open_bracket(outline, OBJECT_BYTES);
    else if (c == '[')
        open_bracket(outline, ARRAY_BYTES);
    else if (c == '}' || c == ']')
        outline->depth -= outline->depth > 0;
    else if (c == ':')
        outline->bytes += MEMBER_BYTES;
    else if (c == ',')
        outline->bytes += COMMA_BYTES;
}

static struct outline outline_of(struct gh_bytes text)
{
    struct outline outline = {.bytes = text.size};
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '"') {
            outline.quoted = !outline.quoted;
            outline.bytes += outline.quoted ? TEXT_BYTES : 0;
        } else if (!outline.quoted) {
            count(&outline, c);
        } else if (c == '\\') {
            i++;
        }
    }
    return outline;
}

/* --- the tree -------------------------------------------------------------------------------- */

static enum gh_reason reason_of(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_premature_end_of_input:
        return GH_REASON_TRUNCATED;
    case json_error_end_of_input_expected:
        return GH_REASON_TRAILING;
    case json_error_duplicate_key:
        return GH_REASON_DUPLICATE_KEY;
    case json_error_numeric_overflow:
        return GH_REASON_BAD_TIME;
    default:
        return GH_REASON_MALFORMED;
    }
}

enum gh_reason gh_shc_json_read(struct gh_bytes text, json_t **out)
{
    *out = NULL;
    struct outline outline = outline_of(text);
    if (outline.deepest > GH_SHC_JSON_DEPTH_MAX)
        return GH_REASON_TOO_DEEP;
    if (outline.bytes > GH_SHC_TREE_MAX_BYTES)
        return GH_REASON_TOO_LARGE;
    json_error_t error;
    /* As reals: a time of twenty digits is a bad time, not a bad text. */
    json_t *tree = json_loadb((const char *)text.data, text.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (tree == NULL)
        return reason_of(&error);
    *out = tree;
    return json_is_object(tree) ? GH_REASON_OK : GH_REASON_MALFORMED;
}

/* As deep as GH_SHC_JSON_DEPTH_MAX at most. */
static void wipe_texts(json_t *value)
{
    if (json_is_string(value))
        gh_wipe((char *)json_string_value(value), json_string_length(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        wipe_texts(json_array_get(value, i));
    for (void *at = json_object_iter(value); at != NULL; at = json_object_iter_next(value, at))
        wipe_texts(json_object_iter_value(at));
}

void gh_shc_json_free(json_t *tree)
{
    if (tree == NULL)
        return;
    wipe_texts(tree);
    json_decref(tree);
}

const char *gh_shc_json_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}
