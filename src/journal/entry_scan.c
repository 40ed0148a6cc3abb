/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/entry_scan.h"

#include <string.h>

#include "journal/entry_parts.h"

/* Over a copy that ends with a NUL, which is no character of any of this. */
struct cursor {
    char *at;
};

static bool take(struct cursor *cursor, char wanted)
{
    if (*cursor->at != wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

/* Printable ASCII without anything to escape, to the quote behind it, which becomes a NUL. */
static const char *take_string(struct cursor *cursor)
{
    const char *text = cursor->at;
    while (*cursor->at >= 0x20 && *cursor->at <= 0x7e && *cursor->at != '"' &&
           *cursor->at != '\\') {
        cursor->at++;
    }
    if (*cursor->at != '"') {
        return NULL;
    }
    *cursor->at++ = '\0';
    return text;
}

/* In the one spelling: no sign but -, no zeros before it, no -0. */
static bool take_number(struct cursor *cursor, int64_t *out)
{
    bool negative = take(cursor, '-');
    int64_t number = 0;
    const char *first = cursor->at;
    while (*cursor->at >= '0' && *cursor->at <= '9' && number <= GH_ENTRY_INTEGER_MAX) {
        number = number * 10 + (*cursor->at++ - '0');
    }
    *out = negative ? -number : number;
    return cursor->at > first && number <= GH_ENTRY_INTEGER_MAX &&
           (*first != '0' || (cursor->at == first + 1 && !negative));
}

static bool take_member(struct cursor *cursor, struct gh_scanned_member *member)
{
    *member = (struct gh_scanned_member){0};
    if (!take(cursor, '"') || (member->name = take_string(cursor)) == NULL || !take(cursor, ':')) {
        return false;
    }
    if (!take(cursor, '"')) {
        return take_number(cursor, &member->number);
    }
    member->text = take_string(cursor);
    return member->text != NULL;
}

size_t gh_entry_scan_members(struct gh_bytes text, struct gh_scanned *out)
{
    size_t size = text.size < GH_ENTRY_MAX_BYTES - 1 ? text.size : GH_ENTRY_MAX_BYTES - 1;
    struct cursor cursor = {out->copy};
    out->count = 0;
    if (size > 0) {
        memcpy(out->copy, text.data, size);
    }
    out->copy[size] = '\0';
    if (!take(&cursor, '{')) {
        return 0;
    }
    do {
        struct gh_scanned_member *member = &out->members[out->count];
        if (out->count == GH_SCANNED_MEMBERS_MAX || !take_member(&cursor, member) ||
            (out->count > 0 && strcmp(member[-1].name, member->name) >= 0)) {
            return 0;
        }
        out->count++;
    } while (take(&cursor, ','));
    return take(&cursor, '}') ? (size_t)(cursor.at - out->copy) : 0;
}

const struct gh_scanned_member *gh_scanned_find(const struct gh_scanned *scanned, const char *name)
{
    size_t low = 0, high = scanned->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(scanned->members[middle].name, name);
        if (order == 0) {
            return &scanned->members[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
