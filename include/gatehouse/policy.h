/* SPDX-License-Identifier: Apache-2.0 */
/* The rules a gate decides by. They travel in the list's signed manifest (docs/protocol.md). */
#ifndef GATEHOUSE_POLICY_H
#define GATEHOUSE_POLICY_H

#include <stdint.h>

/* What a person must show besides the health code. The numbers are those on the wire. */
enum gh_home_rule {
    GH_HOME_NONE = 0,   /* nothing */
    GH_HOME_MEMBER = 1, /* nothing, but be a member of an approved home */
    GH_HOME_CODE = 2,   /* the housing code of an approved home that they are a member of */
};

struct gh_policy {
    enum gh_home_rule home_rule;
    int64_t passage_timeout_ms; /* how long the second code is waited for: 1000..60000 */
    int64_t debounce_ms;        /* a code unseen for so long counts as shown anew: 500..60000 */
    int64_t list_max_age_s;     /* an older list decides nothing: the guard is called: 60.. */
};

/* GH_HOME_CODE, 8 s, 3 s, 7 days. */
struct gh_policy gh_policy_initial(void);

#endif
