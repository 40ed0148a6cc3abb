/* SPDX-License-Identifier: Apache-2.0 */
/* A text that stands in canonical form already, taken apart without a tree: what a server with
 * thousands of gates does all day. Whatever is not plainly so is for jansson to say. */
#ifndef GATEHOUSE_SRC_JOURNAL_ENTRY_SCAN_H
#define GATEHOUSE_SRC_JOURNAL_ENTRY_SCAN_H

#include "gatehouse/entry.h"

#define GH_SCANNED_MEMBERS_MAX 48

struct gh_scanned_member {
    const char *name; /* with a NUL behind it, as text */
    const char *text; /* NULL: number counts */
    int64_t number;
};
struct gh_scanned {
    size_t count;
    struct gh_scanned_member members[GH_SCANNED_MEMBERS_MAX]; /* sorted, each name once */
    char copy[GH_ENTRY_MAX_BYTES];                            /* what they point into */
};

/* How many bytes the object at the beginning of text has; 0: none in canonical form, or one that
 * has escapes in it, more members than fit, or more than an entry's bytes. */
size_t gh_entry_scan_members(struct gh_bytes text, struct gh_scanned *out);
/* NULL: not there. */
const struct gh_scanned_member *gh_scanned_find(const struct gh_scanned *scanned, const char *name);

#endif
