/* SPDX-License-Identifier: Apache-2.0 */
/* The rules a gate decides by. They travel in the list's signed manifest (docs/protocol.md). */
#ifndef GATEHOUSE_POLICY_H
#define GATEHOUSE_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "gatehouse/bytes.h"
#include "gatehouse/certificate.h"
#include "gatehouse/hours.h"

/* What a person must show besides the health code. The numbers are those on the wire. */
enum gh_home_rule {
    GH_HOME_NONE = 0,   /* nothing */
    GH_HOME_MEMBER = 1, /* nothing, but be a member of an approved home */
    GH_HOME_CODE = 2,   /* the housing code of an approved home that they are a member of */
};

/* What a health code on paper may do, which can be copied. */
enum gh_paper_rule { GH_PAPER_OPEN = 0, GH_PAPER_GUARD = 1, GH_PAPER_DENY = 2 };

/* What becomes of those whose code is bound to a time (all health codes are) while the gate's clock
 * is not to be trusted. */
enum gh_clock_rule { GH_CLOCK_GUARD = 0, GH_CLOCK_DENY = 1 };

/* What a gate does while its list is older than list_max_age_s. */
enum gh_old_list_rule { GH_OLD_LIST_GUARD = 0, GH_OLD_LIST_DENY = 1 };

/* How long a gate keeps entries that the server has acknowledged, by what they are about: people's
 * passages with what the door did then, and everything else (starts, faults, clock, list). */
#define GH_KEEP_DAYS_MAX 3660
struct gh_retention {
    int64_t passages_days, others_days; /* 1..GH_KEEP_DAYS_MAX */
};

/* What a green foreign certificate may do for somebody who is on no list. */
enum gh_holder_rule {
    GH_HOLDER_GUARD = 0, /* call the guard */
    GH_HOLDER_HOME = 1,  /* open with the housing code of an approved home: whom they visit */
    GH_HOLDER_OPEN = 2,  /* open */
};

/* Codes that a gate cannot verify may be asked about, through the server, at a health authority. */
enum gh_offline_rule { GH_OFFLINE_GUARD = 0, GH_OFFLINE_DENY = 1 };
#define GH_PREFIXES_BYTES 128
struct gh_upstream_policy {
    int64_t deadline_ms; /* for the whole question: 100..5000; 0: nobody is asked */
    /* Without an answer in time: the guard, or the code's own reason. */
    enum gh_offline_rule offline;
    char prefixes[GH_PREFIXES_BYTES]; /* beginnings of texts that may be asked about, separated by
        spaces, printable ASCII: nothing else a person may hold up is ever sent anywhere */
};

/* Whether a code with this text may be asked about: somebody is, the text begins with one of the
 * prefixes, is no longer than a code can be, and is UTF-8 without control characters. */
bool gh_upstream_may_ask(const struct gh_upstream_policy *upstream, struct gh_bytes text);

/* Who came in at a gate that leads in may not come in again before having left, and the other way
 * round. */
enum gh_passback_rule {
    GH_PASSBACK_OFF = 0,
    GH_PASSBACK_SOFT = 1, /* is let in, and the entry says so */
    GH_PASSBACK_HARD = 2, /* is refused */
};
#define GH_PASSBACK_FORGIVE_MIN_S 60
#define GH_PASSBACK_FORGIVE_MAX_S (INT64_C(7) * 86400)
struct gh_passback_policy {
    enum gh_passback_rule rule;
    int64_t forgive_s; /* after so long it is forgotten: between these two */
};

/* Temperatures are in thousandths of a degree Celsius. */
enum gh_temperature_rule {
    GH_TEMPERATURE_OFF = 0,
    GH_TEMPERATURE_OPTIONAL = 1, /* counts where a gate has measured one */
    GH_TEMPERATURE_REQUIRED = 2, /* nobody is let in without */
};
#define GH_TEMPERATURE_LIMIT_MIN 35000
#define GH_TEMPERATURE_LIMIT_MAX 42000
#define GH_TEMPERATURE_VALID_MIN_MS 500
#define GH_TEMPERATURE_VALID_MAX_MS 60000
struct gh_temperature_policy {
    enum gh_temperature_rule rule;
    int64_t limit_millic; /* from there on it is a fever: between these two */
    int64_t valid_ms;     /* for so long a reading counts: likewise */
};

struct gh_policy {
    enum gh_home_rule home_rule;
    int64_t passage_timeout_ms; /* how long the second code is waited for: 1000..60000 */
    int64_t debounce_ms;        /* a code unseen for so long counts as shown anew: 500..60000 */
    int64_t list_stale_age_s;   /* with an older list is decided, but the entry says so: 60.. */
    int64_t list_max_age_s;     /* an older list decides nothing: 60.. */
    enum gh_old_list_rule old_list;
    struct gh_retention retention;
    enum gh_paper_rule paper;
    enum gh_clock_rule clock;
    enum gh_holder_rule holder;
    struct gh_rule rules[GH_RULES_MAX]; /* what a foreign certificate means; none: nothing counts */
    size_t rule_count;
    struct gh_upstream_policy upstream;
    struct gh_opening opening; /* when the door stands unlocked by itself; none: never */
    struct gh_passback_policy passback;
    struct gh_temperature_policy temperature;
};

/* GH_HOME_CODE, 8 s, 3 s, 1 day and 7 days, GH_OLD_LIST_GUARD, 30 and 365 days, GH_PAPER_OPEN,
 * GH_CLOCK_GUARD, GH_HOLDER_GUARD, no rules, nobody upstream, never unlocked, GH_PASSBACK_OFF (12
 * hours), GH_TEMPERATURE_OFF (37.3 degrees, 10 s). */
struct gh_policy gh_policy_initial(void);
/* The first member that is outside what is said above, in words for a sentence; NULL: none is. The
 * beginnings upstream stand with one space between two and none around them; hours are ones that
 * can be written, and holidays ascend by gh_holiday_compare, none twice. */
const char *gh_policy_misfit(const struct gh_policy *policy);

#endif
