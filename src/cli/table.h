/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns of UTF-8 text on standard output. */
#ifndef GATEHOUSE_SRC_CLI_TABLE_H
#define GATEHOUSE_SRC_CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "gatehouse/status.h"

#define GH_TABLE_COLUMNS_MAX 12

/* Rows are kept until they are printed: then the columns are as wide as the widest cell so far, and
 * never get narrower again, so that what is printed later stands below what was printed before. */
struct gh_table {
    const char *const *headings;
    size_t columns;
    char **cells; /* row by row */
    size_t cell_count, cell_capacity;
    int widths[GH_TABLE_COLUMNS_MAX];
    int headings_printed;
};

void gh_table_init(struct gh_table *table, const char *const *headings, size_t columns);
/* columns texts; NULL or "" is an empty cell, shown as `-`. The texts are copied. */
GH_MUST_CHECK enum gh_status gh_table_add(struct gh_table *table, const char *const *cells);
/* Print the headings, once, and the rows that were added since; then forget them. */
void gh_table_print(struct gh_table *table, FILE *stream);
void gh_table_free(struct gh_table *table);

/* How many terminal cells a text takes: wide characters two, combining ones none; control
 * characters and bytes that are not UTF-8 one each. */
int gh_text_width(const char *text);

#endif
