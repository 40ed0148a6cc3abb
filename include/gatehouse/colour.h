/* SPDX-License-Identifier: Apache-2.0 */
/* A person's health status, and that of a code. */
#ifndef GATEHOUSE_COLOUR_H
#define GATEHOUSE_COLOUR_H

#include "gatehouse/status.h"

/* Ordered: of two, the larger is the worse and wins. The numbers are those on the wire. */
enum gh_colour { GH_COLOUR_NONE = 0, GH_COLOUR_GREEN = 1, GH_COLOUR_YELLOW = 2, GH_COLOUR_RED = 3 };
const char *gh_colour_name(enum gh_colour colour); /* "none", "green", "yellow", "red" */
GH_MUST_CHECK enum gh_status gh_colour_parse(const char *name, enum gh_colour *colour);

#endif
