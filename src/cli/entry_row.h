/* SPDX-License-Identifier: Apache-2.0 */
/* One entry, as the server gives it, as a row for people. */
#ifndef GATEHOUSE_SRC_CLI_ENTRY_ROW_H
#define GATEHOUSE_SRC_CLI_ENTRY_ROW_H

#include <jansson.h>

#include "cli/table.h"

/* The columns: time, gate, outcome, reason, colour, name, home. */
void gh_entry_table_init(struct gh_table *table);
/* row: an element of `entries` in the answer of GET /entries. Whatever is missing in it is an empty
 * cell. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_entry_row_add(struct gh_table *table, const json_t *row);

#endif
