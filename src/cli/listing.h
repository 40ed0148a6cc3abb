/* SPDX-License-Identifier: Apache-2.0 */
/* All of something, as a table or as JSON: `people list`, `gate list`, `alarms` and so on. */
#ifndef GATEHOUSE_SRC_CLI_LISTING_H
#define GATEHOUSE_SRC_CLI_LISTING_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/table.h"

struct gh_listing {
    const char *command, *usage; /* as in struct gh_syntax */
    const char *path, *member;   /* where it is asked for, and the array in the answer */
    const char *const *headings;
    size_t columns;
    enum gh_status (*add_row)(struct gh_table *table, const json_t *element);
    bool by_gate; /* --gate GATE asks for one gate's alone */
};

/* The whole command, with its option --json; the exit code. */
int gh_listing_run(const struct gh_listing *listing, int argc, char **argv);
/* What such a command prints, for one with other options. gate: an identifier or a name; NULL: of
 * all. command, usage and by_gate do not count. */
GH_MUST_CHECK enum gh_status gh_listing_print(const struct gh_listing *listing, bool json,
                                              const char *gate, struct gh_error *err);

#endif
