/* SPDX-License-Identifier: Apache-2.0 */
/* What a town's rules make of a certificate's facts. Times come from strangers' certificates: every
 * difference is taken so that it cannot overflow. */
#include <string.h>

#include "gatehouse/certificate.h"

#define HOUR_S INT64_C(3600)

/* Whether one of the names, between commas, is exactly this one; "" stands for any. */
static bool names(const char *list, const char *name)
{
    if (list[0] == '\0')
        return true;
    size_t size = strlen(name);
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        if (length == size && memcmp(at, name, size) == 0 && size > 0)
            return true;
        at += length;
        if (*at == '\0')
            return false;
    }
}

/* A series is complete when its doses are known and none is missing. A dose beyond it is a booster:
 * 2/1, 3/2; and so is the third of three, since the EU writes 3/3, not 3/2, for a booster after a
 * series of two (Implementing Decision (EU) 2021/2301). */
static bool series_fits(enum gh_series series, const struct gh_fact *fact)
{
    bool complete = fact->doses > 0 && fact->dose >= fact->doses;
    switch (series) {
    case GH_SERIES_ANY:
        return true;
    case GH_SERIES_COMPLETE:
        return complete;
    case GH_SERIES_BOOSTER:
        return complete && (fact->dose > fact->doses || fact->dose >= 3);
    }
    return false;
}

/* Whether the rule is about such a fact at all, whenever it was. A rule about tests always names a
 * result, others never do. */
static bool is_about(const struct gh_rule *rule, const struct gh_fact *fact, const char *issuer)
{
    return rule->group == fact->group && rule->result == fact->result &&
           (rule->test == GH_TEST_ANY || rule->test == fact->test) &&
           series_fits(rule->series, fact) && strcmp(rule->disease, fact->disease) == 0 &&
           names(rule->products, fact->product) && names(rule->issuers, issuer);
}

static int64_t difference(int64_t a, int64_t b)
{
    int64_t result;
    if (__builtin_sub_overflow(a, b, &result))
        return a < b ? INT64_MIN : INT64_MAX;
    return result;
}

static int64_t hours_s(int64_t hours)
{
    return (hours < 0 ? 0 : hours > GH_RULE_HOURS_MAX ? GH_RULE_HOURS_MAX : hours) * HOUR_S;
}

enum when { WHEN_NEVER, WHEN_LATER, WHEN_NOW, WHEN_BEFORE };

/* The span in which the rule applies to the fact, in seconds of its age: first to last. */
static enum when applies(const struct gh_rule *rule, const struct gh_fact *fact, int64_t now_s)
{
    int64_t first = hours_s(rule->from_h);
    int64_t last = hours_s(rule->until_h) + HOUR_S - 1; /* whole hours, cut */
    int64_t own_first = difference(fact->from_s, fact->at_s);
    int64_t own_last = difference(fact->until_s, fact->at_s);
    int64_t age = difference(now_s, fact->at_s);
    first = own_first > first ? own_first : first;
    last = own_last < last ? own_last : last;
    if (first > last)
        return WHEN_NEVER;
    return age < first ? WHEN_LATER : age > last ? WHEN_BEFORE : WHEN_NOW;
}

struct gh_judgement gh_rules_judge(const struct gh_rule *rules, size_t rule_count,
                                   const struct gh_fact *facts, size_t fact_count,
                                   const char *issuer, int64_t now_s)
{
    bool later = false, before = false;
    for (size_t i = 0; i < rule_count; i++) {
        for (size_t j = 0; j < fact_count; j++) {
            enum when when = is_about(&rules[i], &facts[j], issuer)
                                 ? applies(&rules[i], &facts[j], now_s)
                                 : WHEN_NEVER;
            if (when == WHEN_NOW)
                return (struct gh_judgement){.colour = rules[i].colour, .reason = GH_REASON_OK};
            later = later || when == WHEN_LATER;
            before = before || when == WHEN_BEFORE;
        }
    }
    enum gh_reason reason = later    ? GH_REASON_CERTIFICATE_TOO_NEW
                            : before ? GH_REASON_CERTIFICATE_TOO_OLD
                                     : GH_REASON_CERTIFICATE_NOT_COUNTED;
    return (struct gh_judgement){.colour = GH_COLOUR_NONE, .reason = reason};
}
