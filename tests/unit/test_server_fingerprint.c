/* SPDX-License-Identifier: Apache-2.0 */
/* What the manifest says besides the snapshot: that none of it changes without a new generation. */
#include "server/db_list.h"
#include "test_server_lists.h"

static void test_another_policy(void **state)
{
    struct fixture *fixture = *state;
    struct gh_policy policy = gh_policy_initial();
    uint64_t generation = read_manifest(fixture).generation;
    assert_int_equal(gh_publisher_set_policy(fixture->publisher, &policy), GH_OK);
    assert_int_equal(read_manifest(fixture).generation, generation);
    policy.home_rule = GH_HOME_NONE;
    assert_int_equal(gh_publisher_set_policy(fixture->publisher, &policy), GH_OK);
    struct gh_manifest manifest = read_manifest(fixture);
    assert_int_equal(manifest.generation, generation + 1);
    assert_int_equal(manifest.policy.home_rule, GH_HOME_NONE);
}

static struct gh_rule rule_of(const char *text)
{
    struct gh_rule rule;
    assert_int_equal(gh_rule_parse(text, &rule, NULL), GH_OK);
    return rule;
}

/* Change one thing at a time: each is a new generation, and the manifest says so. */
static void test_every_part_of_the_policy_counts(void **state)
{
    struct fixture *fixture = *state;
    struct gh_policy policy = gh_policy_initial(), before = policy;
    uint64_t generation = read_manifest(fixture).generation;
    for (int i = 0; i < 53; i++) {
        switch (i) {
        case 0:
            policy.passage_timeout_ms++;
            break;
        case 1:
            policy.debounce_ms++;
            break;
        case 2:
            policy.list_max_age_s++;
            break;
        case 3:
            policy.paper = GH_PAPER_DENY;
            break;
        case 4:
            policy.clock = GH_CLOCK_DENY;
            break;
        case 5:
            policy.holder = GH_HOLDER_HOME;
            break;
        case 6:
            policy.upstream.deadline_ms = 800;
            snprintf(policy.upstream.prefixes, sizeof(policy.upstream.prefixes), "HC1:");
            break;
        case 7:
            policy.upstream.offline = GH_OFFLINE_DENY;
            break;
        case 8:
            snprintf(policy.upstream.prefixes, sizeof(policy.upstream.prefixes), "HC1: shc:/");
            break;
        case 9:
            policy.passback.rule = GH_PASSBACK_SOFT;
            break;
        case 10:
            policy.passback.forgive_s++;
            break;
        case 11:
            policy.temperature.rule = GH_TEMPERATURE_OPTIONAL;
            break;
        case 12:
            policy.temperature.limit_millic++;
            break;
        case 13:
            policy.temperature.valid_ms++;
            break;
        case 14:
            policy.opening.hours[policy.opening.hours_count++] =
                (struct gh_hours){.days = 1, .from_min = 60, .until_min = 120};
            break;
        case 15:
            policy.opening.hours[0].days = 2;
            break;
        case 16:
            policy.opening.hours[0].from_min++;
            break;
        case 17:
            policy.opening.hours[0].until_min++;
            break;
        case 18:
            policy.opening.holidays[policy.opening.holiday_count++] =
                (struct gh_holiday){.month = 12, .day = 25};
            break;
        case 19:
            policy.opening.holidays[0].year = 2026;
            break;
        case 20:
            policy.opening.holidays[0].month = 11;
            break;
        case 21:
            policy.opening.holidays[0].day = 26;
            break;
        default: /* as many rules as there may be, and then the last one is another */
            if (policy.rule_count < GH_RULES_MAX)
                policy.rules[policy.rule_count++] = rule_of("green test naat until 72h");
            else
                policy.rules[GH_RULES_MAX - 1].until_h--;
        }
        assert_int_not_equal(memcmp(&policy, &before, sizeof(policy)), 0);
        before = policy;
        assert_int_equal(gh_publisher_set_policy(fixture->publisher, &policy), GH_OK);
        struct gh_manifest manifest = read_manifest(fixture);
        if (manifest.generation != ++generation)
            fail_msg("change %d made no new generation", i);
        assert_memory_equal(&manifest.policy.rules, &policy.rules, sizeof(policy.rules));
        assert_int_equal(manifest.policy.paper, policy.paper);
        assert_memory_equal(&manifest.policy.opening, &policy.opening, sizeof(policy.opening));
    }
}

/* A new key is in the next manifest, without waiting for the old one to be old. */
static void test_another_key(void **state)
{
    struct fixture *fixture = *state;
    struct gh_manifest before = read_manifest(fixture);
    int64_t now = fixture->wall_ns / GH_NS_PER_S;
    gh_id id;
    assert_int_equal(
        gh_server_keys_rotate(&fixture->keys, GH_KIND_HEALTH, now + 10, now, &id, NULL), GH_OK);
    struct gh_manifest after = read_manifest(fixture);
    assert_true(after.generation > before.generation);
    assert_int_equal(after.key_count, 3);
    assert_true(after.keys[0].not_after_s == now + 10 && after.keys[1].not_before_s == now + 10);
    assert_int_equal(read_manifest(fixture).generation, after.generation);
    /* A year later no code of the old one is in use: it goes, and that is a generation, too. */
    forward(fixture, GH_HEALTH_VALID_MAX_S + 100);
    struct gh_manifest late = read_manifest(fixture);
    assert_int_equal(late.key_count, 2);
    assert_true(late.generation > after.generation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_another_policy),
        TEST(test_every_part_of_the_policy_counts),
        TEST(test_another_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
