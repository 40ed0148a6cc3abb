/* SPDX-License-Identifier: Apache-2.0 */
#include "server/fingerprint.h"

#include <string.h>

static void put_number(struct gh_sha256_context *hash, int64_t number)
{
    uint8_t bytes[8];
    gh_put_be64(bytes, (uint64_t)number);
    gh_sha256_update(hash, bytes, sizeof(bytes));
}

/* With its size, so that no two lists of parts are one list of bytes. */
static void put_bytes(struct gh_sha256_context *hash, const void *data, size_t size)
{
    put_number(hash, (int64_t)size);
    gh_sha256_update(hash, data, size);
}

static void put_text(struct gh_sha256_context *hash, const char *text)
{
    put_bytes(hash, text, strlen(text));
}

static void put_rule(struct gh_sha256_context *hash, const struct gh_rule *rule)
{
    const int64_t numbers[] = {rule->colour, rule->group,  rule->test,   rule->result,
                               rule->series, rule->from_h, rule->until_h};
    for (size_t i = 0; i < GH_ARRAY_SIZE(numbers); i++)
        put_number(hash, numbers[i]);
    put_text(hash, rule->disease);
    put_text(hash, rule->products);
    put_text(hash, rule->issuers);
}

static void put_opening(struct gh_sha256_context *hash, const struct gh_opening *opening)
{
    put_number(hash, (int64_t)opening->hours_count);
    for (size_t i = 0; i < opening->hours_count; i++) {
        put_number(hash, opening->hours[i].days);
        put_number(hash, opening->hours[i].from_min);
        put_number(hash, opening->hours[i].until_min);
    }
    put_number(hash, (int64_t)opening->holiday_count);
    for (size_t i = 0; i < opening->holiday_count; i++) {
        put_number(hash, opening->holidays[i].year);
        put_number(hash, opening->holidays[i].month);
        put_number(hash, opening->holidays[i].day);
    }
}

static void put_policy(struct gh_sha256_context *hash, const struct gh_policy *policy)
{
    const int64_t numbers[] = {
        policy->home_rule,
        policy->passage_timeout_ms,
        policy->debounce_ms,
        policy->list_stale_age_s,
        policy->list_max_age_s,
        policy->old_list,
        policy->retention.passages_days,
        policy->retention.others_days,
        policy->paper,
        policy->clock,
        policy->holder,
        policy->upstream.deadline_ms,
        policy->upstream.offline,
        policy->passback.rule,
        policy->passback.forgive_s,
        policy->temperature.rule,
        policy->temperature.limit_millic,
        policy->temperature.valid_ms,
        (int64_t)policy->rule_count,
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(numbers); i++)
        put_number(hash, numbers[i]);
    for (size_t i = 0; i < policy->rule_count; i++)
        put_rule(hash, &policy->rules[i]);
    put_text(hash, policy->upstream.prefixes);
    put_opening(hash, &policy->opening);
}

static void put_issuer_key(struct gh_sha256_context *hash, const struct gh_issuer_key *key)
{
    put_number(hash, key->type);
    put_bytes(hash, key->raw, key->raw_bytes);
    put_number(hash, key->purposes);
    put_number(hash, key->not_before_s);
    put_number(hash, key->not_after_s);
    put_number(hash, key->revoked);
    put_text(hash, key->issuer);
}

enum gh_status gh_manifest_fingerprint(const struct gh_manifest *manifest,
                                       uint8_t out[GH_SHA256_BYTES])
{
    struct gh_sha256_context *hash;
    enum gh_status status = gh_sha256_new(&hash);
    if (status != GH_OK)
        return status;
    put_text(hash, manifest->area);
    put_policy(hash, &manifest->policy);
    put_number(hash, (int64_t)manifest->key_count);
    for (size_t i = 0; i < manifest->key_count; i++)
        put_issuer_key(hash, &manifest->keys[i]);
    put_bytes(hash, manifest->holder_secret, sizeof(manifest->holder_secret));
    gh_sha256_finish(hash, out);
    return GH_OK;
}
