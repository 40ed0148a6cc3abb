/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/credential.h"

#include <string.h>

static const char *const kind_names[] = {
    [GH_KIND_UNKNOWN] = "unknown", [GH_KIND_HEALTH] = "health", [GH_KIND_HOUSING] = "housing",
    [GH_KIND_VISITOR] = "visitor", [GH_KIND_STAFF] = "staff",   [GH_KIND_ENROLMENT] = "enrolment",
    [GH_KIND_HCERT] = "hcert",     [GH_KIND_SHC] = "shc",
};

static const char *const colour_names[] = {
    [GH_COLOUR_NONE] = "none",
    [GH_COLOUR_GREEN] = "green",
    [GH_COLOUR_YELLOW] = "yellow",
    [GH_COLOUR_RED] = "red",
};

static const char *const form_names[] = {
    [GH_FORM_NONE] = "none",
    [GH_FORM_PAPER] = "paper",
    [GH_FORM_PHONE] = "phone",
};

const char *gh_form_name(enum gh_form form)
{
    return (unsigned)form < GH_ARRAY_SIZE(form_names) ? form_names[form] : form_names[GH_FORM_NONE];
}

const char *gh_kind_name(enum gh_kind kind)
{
    return (unsigned)kind < GH_ARRAY_SIZE(kind_names) ? kind_names[kind]
                                                      : kind_names[GH_KIND_UNKNOWN];
}

/* A value outside the enum must not look harmless: it is as bad as the worst. */
const char *gh_colour_name(enum gh_colour colour)
{
    return (unsigned)colour < GH_ARRAY_SIZE(colour_names) ? colour_names[colour]
                                                          : colour_names[GH_COLOUR_RED];
}

enum gh_status gh_colour_parse(const char *name, enum gh_colour *colour)
{
    for (size_t i = 0; i < GH_ARRAY_SIZE(colour_names); i++) {
        if (strcmp(colour_names[i], name) == 0) {
            *colour = (enum gh_colour)i;
            return GH_OK;
        }
    }
    return GH_ERR_INVALID;
}
