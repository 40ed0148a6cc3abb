/* SPDX-License-Identifier: Apache-2.0 */
/* The commands `people list`, `home list`, `gate list`: all of something, as a table or as JSON. */
#ifndef GATEHOUSE_SRC_CLI_LISTING_H
#define GATEHOUSE_SRC_CLI_LISTING_H

#include <jansson.h>

#include "cli/table.h"

struct gh_listing {
    const char *command, *usage; /* as in struct gh_syntax */
    const char *path, *member;   /* where it is asked for, and the array in the answer */
    const char *const *headings;
    size_t columns;
    enum gh_status (*add_row)(struct gh_table *table, const json_t *element);
};

/* The whole command, with its option --json; the exit code. */
int gh_listing_run(const struct gh_listing *listing, int argc, char **argv);

#endif
