/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with gates, page by page, as a table or one JSON object a line. */
#ifndef GATEHOUSE_SRC_CLI_ALARMS_H
#define GATEHOUSE_SRC_CLI_ALARMS_H

#include <stdbool.h>

#include "gatehouse/status.h"

/* What was refused and kept aside; gate: an identifier or a name, NULL: all. */
GH_MUST_CHECK enum gh_status gh_print_refused(const char *gate, bool json, struct gh_error *err);

#endif
