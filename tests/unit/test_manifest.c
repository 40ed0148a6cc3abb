/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests as they are written: how they come back, their bytes, and what is not signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "gatehouse/cose.h"
#include "manifest_fixture.h"

/* Everything is different from what it is at first. */
static struct gh_policy other_policy(void)
{
    struct gh_policy policy = {
        .home_rule = GH_HOME_MEMBER,
        .passage_timeout_ms = 9000,
        .debounce_ms = 4000,
        .list_stale_age_s = 7200,
        .list_max_age_s = 3600,
        .old_list = GH_OLD_LIST_DENY,
        .retention = {.passages_days = 1, .others_days = 3660},
        .paper = GH_PAPER_DENY,
        .clock = GH_CLOCK_DENY,
        .holder = GH_HOLDER_OPEN,
        .upstream = {.deadline_ms = 800, .offline = GH_OFFLINE_DENY, .prefixes = "X1: X2:"},
        .opening = {.hours = {{.days = 0x1f, .from_min = 450, .until_min = 1140}},
                    .hours_count = 1,
                    .holidays = {{.month = 12, .day = 25}, {.year = 2026, .month = 12, .day = 24}},
                    .holiday_count = 2},
        .passback = {.rule = GH_PASSBACK_HARD, .forgive_s = 3600},
        .temperature = {.rule = GH_TEMPERATURE_REQUIRED, .limit_millic = 37500, .valid_ms = 5000}};
    set_rule(&policy, 0, "red test positive until 14d");
    set_rule(&policy, 1, "green vaccination complete of EU/1/20/1528 by DE,FR from 14d until 270d");
    return policy;
}

static void comes_back_as_written(void **state)
{
    (void)state;
    uint8_t buffer[GH_MANIFEST_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_manifest in = sample(), out;
    struct gh_error err = {0};
    in.policy = other_policy();
    gh_writer_put_text(&writer, "before"); /* it appends */
    assert_int_equal(gh_manifest_write(list_key, &in, &writer), GH_OK);
    struct gh_bytes bytes = {.data = buffer + 6, .size = writer.size - 6};
    assert_int_equal(gh_manifest_read(list_public, bytes, &out, &err), GH_OK);
    assert_memory_equal(buffer, "before", 6);
    assert_string_equal(out.area, in.area);
    assert_int_equal(out.generation, in.generation);
    assert_int_equal(out.issued_at_s, in.issued_at_s);
    assert_memory_equal(out.snapshot_sha256, in.snapshot_sha256, GH_SHA256_BYTES);
    assert_int_equal(out.snapshot_bytes, in.snapshot_bytes);
    assert_memory_equal(out.tag, in.tag, GH_LIST_TAG_BYTES);
    assert_true(gh_generation_same(&out.snapshot, &in.snapshot));
    assert_int_equal(out.policy.home_rule, in.policy.home_rule);
    assert_int_equal(out.policy.passage_timeout_ms, in.policy.passage_timeout_ms);
    assert_int_equal(out.policy.debounce_ms, in.policy.debounce_ms);
    assert_int_equal(out.policy.list_max_age_s, in.policy.list_max_age_s);
    assert_int_equal(out.policy.list_stale_age_s, in.policy.list_stale_age_s);
    assert_int_equal(out.policy.old_list, in.policy.old_list);
    assert_int_equal(out.policy.retention.passages_days, in.policy.retention.passages_days);
    assert_int_equal(out.policy.retention.others_days, in.policy.retention.others_days);
    assert_int_equal(out.policy.paper, in.policy.paper);
    assert_int_equal(out.policy.clock, in.policy.clock);
    assert_int_equal(out.policy.holder, in.policy.holder);
    assert_int_equal(out.policy.rule_count, 2);
    for (size_t i = 0; i < 2; i++) {
        char text[2][GH_RULE_TEXT_BYTES];
        assert_int_equal(gh_rule_format(&in.policy.rules[i], text[0]), GH_OK);
        assert_int_equal(gh_rule_format(&out.policy.rules[i], text[1]), GH_OK);
        assert_string_equal(text[0], text[1]);
    }
    assert_int_equal(out.policy.upstream.deadline_ms, 800);
    assert_int_equal(out.policy.upstream.offline, GH_OFFLINE_DENY);
    assert_string_equal(out.policy.upstream.prefixes, "X1: X2:");
    assert_memory_equal(&out.policy.opening, &in.policy.opening, sizeof(in.policy.opening));
    assert_int_equal(out.policy.passback.rule, GH_PASSBACK_HARD);
    assert_int_equal(out.policy.passback.forgive_s, 3600);
    assert_int_equal(out.policy.temperature.rule, GH_TEMPERATURE_REQUIRED);
    assert_int_equal(out.policy.temperature.limit_millic, 37500);
    assert_int_equal(out.policy.temperature.valid_ms, 5000);
    assert_memory_equal(out.holder_secret, in.holder_secret, GH_HOLDER_SECRET_BYTES);
    assert_int_equal(out.key_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(out.keys[i].type, in.keys[i].type);
        assert_int_equal(out.keys[i].raw_bytes, in.keys[i].raw_bytes);
        assert_memory_equal(out.keys[i].raw, in.keys[i].raw, in.keys[i].raw_bytes);
        assert_int_equal(out.keys[i].purposes, in.keys[i].purposes);
        assert_true(out.keys[i].not_before_s == in.keys[i].not_before_s);
        assert_true(out.keys[i].not_after_s == in.keys[i].not_after_s);
        assert_string_equal(out.keys[i].issuer, in.keys[i].issuer);
        assert_int_equal(out.keys[i].revoked, i == 1);
        assert_int_equal(out.keys[i].groups, 0);
    }
}

/* The payload, byte by byte, as docs/protocol.md says: another program can read it. */
static void is_encoded_as_the_protocol_says(void **state)
{
    (void)state;
    uint8_t buffer[1024];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_manifest manifest = sample();
    struct gh_cose_sign1 message;
    char hex[1024];
    manifest.key_count = 0;
    snprintf(manifest.area, sizeof(manifest.area), "N");
    assert_int_equal(gh_manifest_write(list_key, &manifest, &writer), GH_OK);
    assert_int_equal(gh_cose_parse(view(&writer), false, &message), GH_OK);
    assert_int_equal(message.algorithm, GH_KEY_ED25519);
    assert_true(message.payload.size * 2 < sizeof(hex));
    gh_hex_encode(message.payload.data, message.payload.size, hex);
    assert_string_equal(hex,
                        "ac"
                        "0102"
                        "02614e"
                        "031829"
                        "041a5e5b5d70"
                        "055820a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
                        "06193039"
                        "07af010202191f4003190bb8041a00093a80050006000700088009a3010002000360"
                        "0a1a000151800b000ca201181e0219016d"
                        "0da2018002800ea201000219a8c00fa30100021991b403192710"
                        "0880"
                        "0958205e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
                        "0a487777777777777777"
                        "0b1828"
                        "0c486666666666666666");
    assert_int_equal(gh_cose_verify(&message, list_public,
                                    (struct gh_bytes){(const uint8_t *)aad, sizeof(aad) - 1}),
                     GH_OK);
}

/* The same for all that may be there or not. */
static void every_member_is_encoded_as_the_protocol_says(void **state)
{
    (void)state;
    uint8_t buffer[2048];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    struct gh_manifest manifest = sample();
    struct gh_cose_sign1 message;
    char hex[2048];
    manifest.key_count = 1;
    manifest.keys[0].revoked = true;
    manifest.policy = other_policy();
    snprintf(manifest.area, sizeof(manifest.area), "N");
    memset(manifest.holder_secret, 0, sizeof(manifest.holder_secret)); /* none: not said */
    assert_int_equal(gh_hex_decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511"
                                   "a",
                                   64, manifest.keys[0].raw, 32),
                     GH_OK);
    assert_int_equal(gh_manifest_write(list_key, &manifest, &writer), GH_OK);
    assert_int_equal(gh_cose_parse(view(&writer), false, &message), GH_OK);
    assert_true(message.payload.size * 2 < sizeof(hex));
    gh_hex_encode(message.payload.data, message.payload.size, hex);
    assert_string_equal(
        hex, "ab"
             "0102"
             "02614e"
             "031829"
             "041a5e5b5d70"
             "055820a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
             "06193039"
             "07af"
             "0101"
             "02192328"
             "03190fa0"
             "04190e10"
             "0502"
             "0601"
             "0702"
             "0882"
             /* "red test positive until 14d" */
             "781b726564207465737420706f73697469766520756e74696c20313464"
             /* "green vaccination complete of EU/1/20/1528 by DE,FR from 14d until 270d" */
             "7847677265656e2076616363696e6174696f6e20636f6d706c657465206f662045552f312f32302f3135"
             "32382062792044452c46522066726f6d2031346420756e74696c2032373064"
             "09a3"
             "01190320"
             "0201"
             "036758313a2058323a"
             "0a191c20"
             "0b01"
             "0ca2"
             "0101"
             "02190e4c"
             "0da2"
             /* "mon-fri 07:30-19:00" */
             "0181736d6f6e2d6672692030373a33302d31393a3030"
             /* "12-25", "2026-12-24" */
             "02826531322d32356a323032362d31322d3234"
             "0ea2"
             "0102"
             "02190e10"
             "0fa3"
             "0102"
             "0219927c"
             "03191388"
             "0881a7"
             "0127"
             "025820d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
             "0302"
             "0424"
             "051b7fffffffffffffff"
             "0673416d742066c3bc7220476573756e6468656974"
             "07f5"
             "0a487777777777777777"
             "0b1828"
             "0c486666666666666666");
}

static void what_no_gate_would_take_is_not_signed(void **state)
{
    (void)state;
    uint8_t buffer[GH_MANIFEST_MAX_BYTES];
    for (int i = 0; i < 31; i++) {
        struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
        struct gh_manifest manifest = sample();
        switch (i) {
        case 0:
            manifest.area[0] = '\0';
            break;
        case 1:
            memset(manifest.area, 'a', sizeof(manifest.area));
            break;
        case 2:
            manifest.generation = 0;
            break;
        case 3:
            manifest.generation = UINT64_MAX;
            break;
        case 4:
            manifest.issued_at_s = -1;
            break;
        case 5:
            manifest.policy.home_rule = (enum gh_home_rule)3;
            break;
        case 6:
            manifest.policy.debounce_ms = 499;
            break;
        case 7:
            manifest.key_count = GH_LIST_KEYS_MAX + 1;
            break;
        case 8:
            manifest.keys[0].raw_bytes = 31;
            break;
        case 9:
            manifest.keys[1] = manifest.keys[0];
            break;
        case 10:
            memset(manifest.keys[0].issuer, 'i', GH_OWN_ISSUER_BYTES);
            break;
        case 11:
            manifest.keys[1].raw_bytes = GH_PUBLIC_KEY_MAX_BYTES + 1;
            break;
        case 12:
            manifest.policy.paper = (enum gh_paper_rule)3;
            break;
        case 13:
            manifest.policy.rule_count = 1; /* of zeros */
            break;
        case 14:
            manifest.policy.upstream.deadline_ms = 5001;
            break;
        case 15:
            memset(manifest.policy.upstream.prefixes, 'p', GH_PREFIXES_BYTES);
            break;
        case 16:
            manifest.keys[0].purposes = 0;
            break;
        case 17:
            manifest.keys[0].purposes |= GH_PURPOSE(GH_KIND_HCERT);
            break;
        case 18:
            manifest.keys[0].purposes = GH_PURPOSE(GH_KIND_SHC);
            break;
        case 19:
            manifest.keys[0].groups = GH_GROUP(GH_FACT_TEST);
            break;
        case 20:
            manifest.keys[0].type = GH_KEY_PS256;
            break;
        case 21:
            manifest.snapshot.number = 0;
            break;
        case 22:
            manifest.snapshot.number = 42;
            break;
        case 23:
            manifest.snapshot.number = 41; /* under another tag */
            break;
        case 24:
            manifest.policy.list_stale_age_s = 59;
            break;
        case 25:
            manifest.policy.retention.others_days = 0;
            break;
        case 26:
            manifest.policy.opening.hours_count = 1; /* of zeros */
            break;
        case 27:
            manifest.policy.opening.holiday_count = GH_HOLIDAYS_MAX + 1;
            break;
        case 28:
            manifest.policy.passback.forgive_s = 59;
            break;
        case 29:
            manifest.policy.temperature.limit_millic = 37; /* degrees */
            break;
        case 30:
            manifest.policy.temperature.valid_ms = 0;
            break;
        }
        enum gh_status status = gh_manifest_write(list_key, &manifest, &writer);
        if (status != GH_ERR_INVALID || writer.size != 0) {
            fail_msg("case %d: %s", i, gh_status_text(status));
        }
    }
}

static void generations_are_told_apart(void **state)
{
    (void)state;
    struct gh_generation one = {.number = 3, .tag = {1}}, other = one;
    assert_true(gh_generation_same(&one, &other));
    other.number = 4;
    assert_false(gh_generation_same(&one, &other));
    other = one;
    other.tag[GH_LIST_TAG_BYTES - 1] = 1;
    assert_false(gh_generation_same(&one, &other));
}

static void limits_hold(void **state)
{
    (void)state;
    uint8_t *big = calloc(1, GH_MANIFEST_MAX_BYTES + 1);
    struct gh_manifest manifest = sample(), out;
    assert_non_null(big);
    assert_refused(list_public, (struct gh_bytes){big, GH_MANIFEST_MAX_BYTES + 1}, GH_ERR_TOOBIG);
    struct gh_writer narrow = gh_writer_over(big, 100);
    assert_int_equal(gh_manifest_write(list_key, &manifest, &narrow), GH_ERR_TOOBIG);
    /* The largest that there can be still fits. */
    for (size_t i = 0; i < GH_LIST_KEYS_MAX; i++) {
        manifest.keys[i] = issuer_of(GH_KEY_P256, "an issuer's name of sixty-three bytes, as long "
                                                  "as one may be...");
        assert_int_equal(strlen(manifest.keys[i].issuer), GH_OWN_ISSUER_BYTES - 1);
        manifest.keys[i].not_before_s = INT64_MIN;
        manifest.keys[i].purposes = GH_PURPOSES_OWN;
    }
    manifest.key_count = GH_LIST_KEYS_MAX;
    char rule[GH_RULE_TEXT_BYTES] = "yellow vaccination complete of ";
    memset(rule + strlen(rule), 'p', GH_RULE_LIST_BYTES - 1);
    strcat(rule, " by ");
    memset(rule + strlen(rule), 'i', GH_RULE_TEXT_BYTES - 1 - strlen(rule));
    for (size_t i = 0; i < GH_RULES_MAX; i++) {
        set_rule(&manifest.policy, i, rule);
    }
    memset(manifest.policy.upstream.prefixes, 'x', GH_PREFIXES_BYTES - 1);
    struct gh_opening *opening = &manifest.policy.opening;
    while (opening->hours_count < GH_HOURS_MAX) { /* the longest spelling of all */
        opening->hours[opening->hours_count++] =
            (struct gh_hours){.days = 0x5b, .from_min = 1439, .until_min = 1440};
    }
    while (opening->holiday_count < GH_HOLIDAYS_MAX) {
        int at = (int)opening->holiday_count++;
        opening->holidays[at] =
            (struct gh_holiday){.year = 2000 + at / 28, .month = 12, .day = 1 + at % 28};
    }
    struct gh_writer writer = gh_writer_over(big, GH_MANIFEST_MAX_BYTES);
    assert_int_equal(gh_manifest_write(list_key, &manifest, &writer), GH_OK);
    assert_int_equal(gh_manifest_read(list_public, view(&writer), &out, NULL), GH_OK);
    assert_int_equal(out.key_count, GH_LIST_KEYS_MAX);
    assert_int_equal(out.keys[31].purposes, GH_PURPOSES_OWN);
    assert_int_equal(out.policy.rule_count, GH_RULES_MAX);
    assert_memory_equal(&out.policy.opening, opening, sizeof(*opening));
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_written),
        cmocka_unit_test(is_encoded_as_the_protocol_says),
        cmocka_unit_test(every_member_is_encoded_as_the_protocol_says),
        cmocka_unit_test(what_no_gate_would_take_is_not_signed),
        cmocka_unit_test(generations_are_told_apart),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, make_all_keys, free_all_keys);
}
