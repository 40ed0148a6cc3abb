/* SPDX-License-Identifier: Apache-2.0 */
#include "list/policy.h"

#include <string.h>

#include "gatehouse/code.h"
#include "list/map.h"

#define AGE_MAX_S (INT64_C(100) * 366 * 86400) /* so that no sum of times overflows */

enum policy_key {
    KEY_HOME_RULE = 1,
    KEY_PASSAGE_TIMEOUT,
    KEY_DEBOUNCE,
    KEY_LIST_MAX_AGE,
    KEY_PAPER,
    KEY_CLOCK,
    KEY_HOLDER,
    KEY_RULES,
    KEY_UPSTREAM,
    KEY_LIST_STALE_AGE,
    KEY_OLD_LIST,
    KEY_RETENTION,
    KEY_OPENING,
    KEY_PASSBACK,
    KEY_TEMPERATURE,
    POLICY_KEYS = KEY_TEMPERATURE
};
enum upstream_key { KEY_DEADLINE = 1, KEY_OFFLINE, KEY_PREFIXES, UPSTREAM_KEYS = KEY_PREFIXES };
enum retention_key { KEY_PASSAGES = 1, KEY_OTHERS, RETENTION_KEYS = KEY_OTHERS };
enum opening_key { KEY_HOURS = 1, KEY_HOLIDAYS, OPENING_KEYS = KEY_HOLIDAYS };
enum passback_key { KEY_PASSBACK_RULE = 1, KEY_FORGIVE, PASSBACK_KEYS = KEY_FORGIVE };
enum temperature_key {
    KEY_TEMPERATURE_RULE = 1,
    KEY_LIMIT,
    KEY_VALID,
    TEMPERATURE_KEYS = KEY_VALID
};

struct gh_policy gh_policy_initial(void)
{
    return (struct gh_policy){
        .home_rule = GH_HOME_CODE,
        .passage_timeout_ms = 8000,
        .debounce_ms = 3000,
        .list_stale_age_s = INT64_C(24) * 60 * 60,
        .list_max_age_s = INT64_C(7) * 24 * 60 * 60,
        .old_list = GH_OLD_LIST_GUARD,
        .retention = {.passages_days = 30, .others_days = 365},
        .paper = GH_PAPER_OPEN,
        .clock = GH_CLOCK_GUARD,
        .holder = GH_HOLDER_GUARD,
        .upstream = {.offline = GH_OFFLINE_GUARD},
        .passback = {.rule = GH_PASSBACK_OFF, .forgive_s = INT64_C(12) * 60 * 60},
        .temperature = {.rule = GH_TEMPERATURE_OFF, .limit_millic = 37300, .valid_ms = 10000},
    };
}

/* --- what a policy may say, for writer and reader alike --------------------------------------- */

static bool between(int64_t value, int64_t least, int64_t greatest)
{
    return value >= least && value <= greatest;
}

/* Words of printable ASCII with one space between two: an empty one would be the beginning of every
 * text. */
static bool prefixes_fit(const char *prefixes)
{
    size_t size = strnlen(prefixes, GH_PREFIXES_BYTES);
    if (size == GH_PREFIXES_BYTES) {
        return false;
    }
    char before = ' ';
    for (size_t i = 0; i < size; i++) {
        if (prefixes[i] < 0x20 || prefixes[i] > 0x7e || (prefixes[i] == ' ' && before == ' ')) {
            return false;
        }
        before = prefixes[i];
    }
    return size == 0 || before != ' ';
}

static bool rules_fit(const struct gh_policy *policy)
{
    if (policy->rule_count > GH_RULES_MAX) {
        return false;
    }
    for (size_t i = 0; i < policy->rule_count; i++) {
        char text[GH_RULE_TEXT_BYTES];
        if (gh_rule_format(&policy->rules[i], text) != GH_OK) {
            return false;
        }
    }
    return true;
}

static bool hours_fit(const struct gh_opening *opening)
{
    if (opening->hours_count > GH_HOURS_MAX) {
        return false;
    }
    for (size_t i = 0; i < opening->hours_count; i++) {
        char text[GH_HOURS_TEXT_BYTES];
        if (gh_hours_format(&opening->hours[i], text) != GH_OK) {
            return false;
        }
    }
    return true;
}

/* In their order, so that two policies that say the same are the same bytes. */
static bool holidays_fit(const struct gh_opening *opening)
{
    if (opening->holiday_count > GH_HOLIDAYS_MAX) {
        return false;
    }
    for (size_t i = 0; i < opening->holiday_count; i++) {
        char text[GH_HOLIDAY_TEXT_BYTES];
        if (gh_holiday_format(&opening->holidays[i], text) != GH_OK ||
            (i > 0 && gh_holiday_compare(&opening->holidays[i - 1], &opening->holidays[i]) >= 0)) {
            return false;
        }
    }
    return true;
}

const char *gh_policy_misfit(const struct gh_policy *policy)
{
    const struct gh_upstream_policy *upstream = &policy->upstream;
    const struct gh_passback_policy *passback = &policy->passback;
    const struct gh_temperature_policy *temperature = &policy->temperature;
    const struct {
        bool fits;
        const char *name;
    } members[] = {
        {between(policy->home_rule, GH_HOME_NONE, GH_HOME_CODE), "rule about homes"},
        {between(policy->passage_timeout_ms, 1000, 60000), "time-out of a passage"},
        {between(policy->debounce_ms, 500, 60000), "debounce time"},
        {between(policy->list_stale_age_s, 60, AGE_MAX_S), "age of a stale list"},
        {between(policy->list_max_age_s, 60, AGE_MAX_S), "greatest age of the list"},
        {between(policy->old_list, GH_OLD_LIST_GUARD, GH_OLD_LIST_DENY), "rule about old lists"},
        {between(policy->retention.passages_days, 1, GH_KEEP_DAYS_MAX), "days to keep passages"},
        {between(policy->retention.others_days, 1, GH_KEEP_DAYS_MAX), "days to keep other entries"},
        {between(policy->paper, GH_PAPER_OPEN, GH_PAPER_DENY), "rule about paper"},
        {between(policy->clock, GH_CLOCK_GUARD, GH_CLOCK_DENY), "rule about the clock"},
        {between(policy->holder, GH_HOLDER_GUARD, GH_HOLDER_OPEN), "rule about holders"},
        {rules_fit(policy), "rules about certificates"},
        {upstream->deadline_ms == 0 || between(upstream->deadline_ms, 100, 5000),
         "deadline upstream"},
        {between(upstream->offline, GH_OFFLINE_GUARD, GH_OFFLINE_DENY), "offline rule"},
        {prefixes_fit(upstream->prefixes), "list of beginnings that may be asked about"},
        {hours_fit(&policy->opening), "opening hours"},
        {holidays_fit(&policy->opening), "list of holidays"},
        {between(passback->rule, GH_PASSBACK_OFF, GH_PASSBACK_HARD), "rule about passing back"},
        {between(passback->forgive_s, GH_PASSBACK_FORGIVE_MIN_S, GH_PASSBACK_FORGIVE_MAX_S),
         "time after which a passage is forgiven"},
        {between(temperature->rule, GH_TEMPERATURE_OFF, GH_TEMPERATURE_REQUIRED),
         "rule about temperatures"},
        {between(temperature->limit_millic, GH_TEMPERATURE_LIMIT_MIN, GH_TEMPERATURE_LIMIT_MAX),
         "temperature limit"},
        {between(temperature->valid_ms, GH_TEMPERATURE_VALID_MIN_MS, GH_TEMPERATURE_VALID_MAX_MS),
         "time that a temperature counts"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(members); i++) {
        if (!members[i].fits) {
            return members[i].name;
        }
    }
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_pair(struct gh_writer *writer, int key, int64_t value)
{
    gh_cbor_put_int(writer, key);
    gh_cbor_put_int(writer, value);
}

static void put_rules(struct gh_writer *writer, const struct gh_policy *policy)
{
    gh_cbor_put_array(writer, policy->rule_count);
    for (size_t i = 0; i < policy->rule_count; i++) {
        char text[GH_RULE_TEXT_BYTES];
        if (gh_rule_format(&policy->rules[i], text) != GH_OK) {
            writer->overflow = true;
            return;
        }
        gh_cbor_put_text(writer, text);
    }
}

static void put_opening(struct gh_writer *writer, const struct gh_opening *opening)
{
    gh_cbor_put_map(writer, OPENING_KEYS);
    gh_cbor_put_uint(writer, KEY_HOURS);
    gh_cbor_put_array(writer, opening->hours_count);
    for (size_t i = 0; i < opening->hours_count; i++) {
        char text[GH_HOURS_TEXT_BYTES];
        if (gh_hours_format(&opening->hours[i], text) != GH_OK) {
            writer->overflow = true;
        }
        gh_cbor_put_text(writer, text);
    }
    gh_cbor_put_uint(writer, KEY_HOLIDAYS);
    gh_cbor_put_array(writer, opening->holiday_count);
    for (size_t i = 0; i < opening->holiday_count; i++) {
        char text[GH_HOLIDAY_TEXT_BYTES];
        if (gh_holiday_format(&opening->holidays[i], text) != GH_OK) {
            writer->overflow = true;
        }
        gh_cbor_put_text(writer, text);
    }
}

static void put_passback(struct gh_writer *writer, const struct gh_passback_policy *passback)
{
    gh_cbor_put_map(writer, PASSBACK_KEYS);
    put_pair(writer, KEY_PASSBACK_RULE, passback->rule);
    put_pair(writer, KEY_FORGIVE, passback->forgive_s);
}

static void put_temperature(struct gh_writer *writer,
                            const struct gh_temperature_policy *temperature)
{
    gh_cbor_put_map(writer, TEMPERATURE_KEYS);
    put_pair(writer, KEY_TEMPERATURE_RULE, temperature->rule);
    put_pair(writer, KEY_LIMIT, temperature->limit_millic);
    put_pair(writer, KEY_VALID, temperature->valid_ms);
}

void gh_policy_put(struct gh_writer *writer, const struct gh_policy *policy)
{
    gh_cbor_put_map(writer, POLICY_KEYS);
    put_pair(writer, KEY_HOME_RULE, policy->home_rule);
    put_pair(writer, KEY_PASSAGE_TIMEOUT, policy->passage_timeout_ms);
    put_pair(writer, KEY_DEBOUNCE, policy->debounce_ms);
    put_pair(writer, KEY_LIST_MAX_AGE, policy->list_max_age_s);
    put_pair(writer, KEY_PAPER, policy->paper);
    put_pair(writer, KEY_CLOCK, policy->clock);
    put_pair(writer, KEY_HOLDER, policy->holder);
    gh_cbor_put_uint(writer, KEY_RULES);
    put_rules(writer, policy);
    gh_cbor_put_uint(writer, KEY_UPSTREAM);
    gh_cbor_put_map(writer, UPSTREAM_KEYS);
    put_pair(writer, KEY_DEADLINE, policy->upstream.deadline_ms);
    put_pair(writer, KEY_OFFLINE, policy->upstream.offline);
    gh_cbor_put_uint(writer, KEY_PREFIXES);
    gh_cbor_put_text(writer, policy->upstream.prefixes);
    put_pair(writer, KEY_LIST_STALE_AGE, policy->list_stale_age_s);
    put_pair(writer, KEY_OLD_LIST, policy->old_list);
    gh_cbor_put_uint(writer, KEY_RETENTION);
    gh_cbor_put_map(writer, RETENTION_KEYS);
    put_pair(writer, KEY_PASSAGES, policy->retention.passages_days);
    put_pair(writer, KEY_OTHERS, policy->retention.others_days);
    gh_cbor_put_uint(writer, KEY_OPENING);
    put_opening(writer, &policy->opening);
    gh_cbor_put_uint(writer, KEY_PASSBACK);
    put_passback(writer, &policy->passback);
    gh_cbor_put_uint(writer, KEY_TEMPERATURE);
    put_temperature(writer, &policy->temperature);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The head of an array of at most so many items. */
static size_t get_count(struct gh_cbor_reader *reader, size_t most)
{
    size_t count = gh_cbor_array(reader);
    if (count > most) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return 0;
    }
    return count;
}

/* A rule has one spelling, so that two policies that say the same are the same bytes. */
static void get_rule(struct gh_cbor_reader *reader, struct gh_rule *rule)
{
    char text[GH_RULE_TEXT_BYTES] = "", canonical[GH_RULE_TEXT_BYTES];
    gh_map_text(reader, text, sizeof(text));
    if (reader->status != GH_OK || gh_rule_parse(text, rule, NULL) != GH_OK ||
        gh_rule_format(rule, canonical) != GH_OK || strcmp(text, canonical) != 0) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
    }
}

static void get_rules(struct gh_cbor_reader *reader, struct gh_policy *policy)
{
    policy->rule_count = get_count(reader, GH_RULES_MAX);
    for (size_t i = 0; i < policy->rule_count; i++) {
        get_rule(reader, &policy->rules[i]);
    }
}

static void get_upstream(struct gh_cbor_reader *reader, struct gh_upstream_policy *upstream)
{
    struct gh_map map = gh_map_open(reader);
    gh_map_key(reader, &map, KEY_DEADLINE);
    upstream->deadline_ms = gh_cbor_int(reader);
    gh_map_key(reader, &map, KEY_OFFLINE);
    upstream->offline = (enum gh_offline_rule)gh_map_choice(reader, GH_OFFLINE_DENY);
    gh_map_key(reader, &map, KEY_PREFIXES);
    gh_map_text(reader, upstream->prefixes, sizeof(upstream->prefixes));
    gh_map_close(reader, &map);
}

static void get_retention(struct gh_cbor_reader *reader, struct gh_retention *retention)
{
    struct gh_map map = gh_map_open(reader);
    gh_map_key(reader, &map, KEY_PASSAGES);
    retention->passages_days = gh_cbor_int(reader);
    gh_map_key(reader, &map, KEY_OTHERS);
    retention->others_days = gh_cbor_int(reader);
    gh_map_close(reader, &map);
}

/* These have one spelling, too. */
static void get_hours(struct gh_cbor_reader *reader, struct gh_hours *hours)
{
    char text[GH_HOURS_TEXT_BYTES] = "", canonical[GH_HOURS_TEXT_BYTES];
    gh_map_text(reader, text, sizeof(text));
    if (reader->status != GH_OK || gh_hours_parse(text, hours, NULL) != GH_OK ||
        gh_hours_format(hours, canonical) != GH_OK || strcmp(text, canonical) != 0) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
    }
}

/* Parsed, it is spelled in its one way. */
static void get_holiday(struct gh_cbor_reader *reader, struct gh_holiday *holiday)
{
    char text[GH_HOLIDAY_TEXT_BYTES] = "";
    gh_map_text(reader, text, sizeof(text));
    if (reader->status != GH_OK || gh_holiday_parse(text, holiday, NULL) != GH_OK) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
    }
}

static void get_opening(struct gh_cbor_reader *reader, struct gh_opening *opening)
{
    struct gh_map map = gh_map_open(reader);
    gh_map_key(reader, &map, KEY_HOURS);
    opening->hours_count = get_count(reader, GH_HOURS_MAX);
    for (size_t i = 0; i < opening->hours_count; i++) {
        get_hours(reader, &opening->hours[i]);
    }
    gh_map_key(reader, &map, KEY_HOLIDAYS);
    opening->holiday_count = get_count(reader, GH_HOLIDAYS_MAX);
    for (size_t i = 0; i < opening->holiday_count; i++) {
        get_holiday(reader, &opening->holidays[i]);
    }
    gh_map_close(reader, &map);
}

static void get_passback(struct gh_cbor_reader *reader, struct gh_passback_policy *passback)
{
    struct gh_map map = gh_map_open(reader);
    gh_map_key(reader, &map, KEY_PASSBACK_RULE);
    passback->rule = (enum gh_passback_rule)gh_map_choice(reader, GH_PASSBACK_HARD);
    gh_map_key(reader, &map, KEY_FORGIVE);
    passback->forgive_s = gh_cbor_int(reader);
    gh_map_close(reader, &map);
}

static void get_temperature(struct gh_cbor_reader *reader,
                            struct gh_temperature_policy *temperature)
{
    struct gh_map map = gh_map_open(reader);
    gh_map_key(reader, &map, KEY_TEMPERATURE_RULE);
    temperature->rule = (enum gh_temperature_rule)gh_map_choice(reader, GH_TEMPERATURE_REQUIRED);
    gh_map_key(reader, &map, KEY_LIMIT);
    temperature->limit_millic = gh_cbor_int(reader);
    gh_map_key(reader, &map, KEY_VALID);
    temperature->valid_ms = gh_cbor_int(reader);
    gh_map_close(reader, &map);
}

static void get_door_keys(struct gh_cbor_reader *reader, struct gh_map *map,
                          struct gh_policy *policy)
{
    if (gh_map_has(reader, map, KEY_OPENING)) {
        get_opening(reader, &policy->opening);
    }
    if (gh_map_has(reader, map, KEY_PASSBACK)) {
        get_passback(reader, &policy->passback);
    }
    if (gh_map_has(reader, map, KEY_TEMPERATURE)) {
        get_temperature(reader, &policy->temperature);
    }
}

/* What an earlier server does not say. */
static void get_later_keys(struct gh_cbor_reader *reader, struct gh_map *map,
                           struct gh_policy *policy)
{
    if (gh_map_has(reader, map, KEY_PAPER)) {
        policy->paper = (enum gh_paper_rule)gh_map_choice(reader, GH_PAPER_DENY);
    }
    if (gh_map_has(reader, map, KEY_CLOCK)) {
        policy->clock = (enum gh_clock_rule)gh_map_choice(reader, GH_CLOCK_DENY);
    }
    if (gh_map_has(reader, map, KEY_HOLDER)) {
        policy->holder = (enum gh_holder_rule)gh_map_choice(reader, GH_HOLDER_OPEN);
    }
    if (gh_map_has(reader, map, KEY_RULES)) {
        get_rules(reader, policy);
    }
    if (gh_map_has(reader, map, KEY_UPSTREAM)) {
        get_upstream(reader, &policy->upstream);
    }
    if (gh_map_has(reader, map, KEY_LIST_STALE_AGE)) {
        policy->list_stale_age_s = gh_cbor_int(reader);
    }
    if (gh_map_has(reader, map, KEY_OLD_LIST)) {
        policy->old_list = (enum gh_old_list_rule)gh_map_choice(reader, GH_OLD_LIST_DENY);
    }
    if (gh_map_has(reader, map, KEY_RETENTION)) {
        get_retention(reader, &policy->retention);
    }
    get_door_keys(reader, map, policy);
}

void gh_policy_get(struct gh_cbor_reader *reader, struct gh_policy *policy)
{
    *policy = gh_policy_initial();
    struct gh_map map = gh_map_open(reader);
    gh_map_key(reader, &map, KEY_HOME_RULE);
    policy->home_rule = (enum gh_home_rule)gh_map_choice(reader, GH_HOME_CODE);
    gh_map_key(reader, &map, KEY_PASSAGE_TIMEOUT);
    policy->passage_timeout_ms = gh_cbor_int(reader);
    gh_map_key(reader, &map, KEY_DEBOUNCE);
    policy->debounce_ms = gh_cbor_int(reader);
    gh_map_key(reader, &map, KEY_LIST_MAX_AGE);
    policy->list_max_age_s = gh_cbor_int(reader);
    get_later_keys(reader, &map, policy);
    gh_map_close(reader, &map);
}

/* --- asking --------------------------------------------------------------------------------- */

static bool has_prefix(const char *prefixes, struct gh_bytes text)
{
    for (const char *at = prefixes; *at != '\0';) {
        size_t size = strcspn(at, " ");
        if (size > 0 && size <= text.size && memcmp(at, text.data, size) == 0)
            return true;
        at += size + (at[size] == ' ' ? 1 : 0);
    }
    return false;
}

bool gh_upstream_may_ask(const struct gh_upstream_policy *upstream, struct gh_bytes text)
{
    if (upstream->deadline_ms <= 0 || text.size > GH_CODE_TEXT_MAX_BYTES ||
        !has_prefix(upstream->prefixes, text) || !gh_utf8_valid(text.data, text.size))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    return true;
}
