/* SPDX-License-Identifier: Apache-2.0 */
/* What writing an entry (entry.c) and reading one (entry_parse.c) share. */
#ifndef GATEHOUSE_SRC_JOURNAL_ENTRY_PARTS_H
#define GATEHOUSE_SRC_JOURNAL_ENTRY_PARTS_H

#include "gatehouse/entry.h"

#define GH_ENTRY_VERSION 1
#define GH_ENTRY_HASH_DIGITS ((size_t)2 * GH_SHA256_BYTES)
#define GH_ENTRY_INTEGER_MAX (INT64_C(1) << 53) /* what every reader of JSON keeps exactly */

bool gh_entry_has_outcome(enum gh_entry_type type);
/* Printable ASCII, or an integer that every reader keeps. */
bool gh_entry_canonical_value(const struct json_t *value);

#endif
