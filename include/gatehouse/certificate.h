/* SPDX-License-Identifier: Apache-2.0 */
/* What a foreign health certificate (HCERT, SMART Health Card) says, without saying about whom: its
 * facts; and the rules by which a town makes a colour of them. The rules are lines of text that
 * travel in the list's policy: docs/codes.md says what each word means. */
#ifndef GATEHOUSE_CERTIFICATE_H
#define GATEHOUSE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse/bytes.h"
#include "gatehouse/colour.h"
#include "gatehouse/reason.h"

/* --- facts --- */

enum gh_fact_group {
    GH_FACT_NONE = 0,
    GH_FACT_VACCINATION = 1,
    GH_FACT_TEST = 2,
    GH_FACT_RECOVERY = 3,
};
#define GH_GROUP(group) (1u << (group)) /* a set of enum gh_fact_group */
#define GH_GROUPS_ALL                                                                              \
    (GH_GROUP(GH_FACT_VACCINATION) | GH_GROUP(GH_FACT_TEST) | GH_GROUP(GH_FACT_RECOVERY))

enum gh_test_kind { GH_TEST_ANY = 0, GH_TEST_NAAT = 1, GH_TEST_ANTIGEN = 2, GH_TEST_OTHER = 3 };
enum gh_test_result {
    GH_RESULT_ANY = 0,
    GH_RESULT_NEGATIVE = 1,
    GH_RESULT_POSITIVE = 2,
    GH_RESULT_OTHER = 3
};

#define GH_DISEASE_BYTES 20 /* a SNOMED CT concept; COVID-19 is "840539006" */
#define GH_DISEASE_COVID19 "840539006"
#define GH_PRODUCT_BYTES 48 /* EU marketing authorisation (EU/1/20/1528), or "cvx-208" */
#define GH_FACTS_MAX 4

/* One event. Texts are cut to what fits and hold printable ASCII only. */
struct gh_fact {
    enum gh_fact_group group;
    enum gh_test_kind test;     /* of a test, never ANY; else GH_TEST_ANY */
    enum gh_test_result result; /* likewise */
    /* The vaccination's day (00:00 UTC), the sample's time, the first positive's day. */
    int64_t at_s;
    int64_t from_s, until_s; /* of a recovery: its own validity, both ends included; else INT64_MIN
                                and INT64_MAX */
    unsigned dose, doses;    /* of a vaccination: which one of how many; 0: not said */
    char disease[GH_DISEASE_BYTES];
    char product[GH_PRODUCT_BYTES]; /* of a vaccination, else "" */
};

/* --- rules --- */

/* COMPLETE: how many doses there are is known, and none is missing. BOOSTER: COMPLETE, and a dose
 * beyond the series (2/1, 3/2), or the third or a later one (3/3: so the EU writes a booster after
 * a series of two, Implementing Decision (EU) 2021/2301). */
enum gh_series { GH_SERIES_ANY = 0, GH_SERIES_COMPLETE = 1, GH_SERIES_BOOSTER = 2 };

#define GH_RULES_MAX 24
#define GH_RULE_TEXT_BYTES 256 /* one rule's line, its NUL included */
#define GH_RULE_LIST_BYTES 160 /* the names behind `of` or `by`, separated by commas */
#define GH_RULE_HOURS_MAX (INT64_C(100) * 366 * 24)

struct gh_rule {
    enum gh_colour colour; /* GREEN, YELLOW or RED */
    enum gh_fact_group group;
    enum gh_test_kind test;
    /* Of a test rule never ANY: a line that names none means negative. */
    enum gh_test_result result;
    enum gh_series series;
    char disease[GH_DISEASE_BYTES];
    char products[GH_RULE_LIST_BYTES]; /* "": any */
    char issuers[GH_RULE_LIST_BYTES];  /* "": any */
    int64_t from_h, until_h;           /* age in hours, both included; 0 and GH_RULE_HOURS_MAX */
};

/* COLOUR GROUP [naat|antigen] [negative|positive] [complete|booster] [of PRODUCT,...]
 * [by ISSUER,...] [against DISEASE] [from AGE] [until AGE]; AGE is a number and `h` or `d`. In this
 * order, separated by one or more spaces. GH_ERR_INVALID with one sentence in err. */
GH_MUST_CHECK enum gh_status gh_rule_parse(const char *text, struct gh_rule *out,
                                           struct gh_error *err);
/* The one spelling of a rule, which gh_rule_parse reads back to the same. GH_ERR_TOOBIG when it
 * does not fit, GH_ERR_INVALID for a rule that gh_rule_parse cannot give. */
GH_MUST_CHECK enum gh_status gh_rule_format(const struct gh_rule *rule,
                                            char out[GH_RULE_TEXT_BYTES]);

struct gh_judgement {
    enum gh_colour colour; /* NONE unless a rule applied */
    enum gh_reason reason; /* OK when a rule applied; else CERTIFICATE_NOT_COUNTED, _TOO_NEW (a rule
                              would apply later) or _TOO_OLD (one has applied before) */
};
/* Pure. The first rule, in their order, that applies to any fact gives the colour. issuer: the
 * certificate's iss (a country for HCERT, a URL for SMART cards); `by DE` means exactly that
 * issuer. now_s before a fact's time is an age below 0: too new. Age is counted from at_s in whole
 * hours, cut; a recovery counts only within its own from_s and until_s too. */
struct gh_judgement gh_rules_judge(const struct gh_rule *rules, size_t rule_count,
                                   const struct gh_fact *facts, size_t fact_count,
                                   const char *issuer, int64_t now_s);

#endif
