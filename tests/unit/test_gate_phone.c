/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: health codes on phones, real ones, and the pictures that are taken of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/gate_rig.h"

#define DEBOUNCE_MS 3000
#define RENEWAL_MS 4000
#define FRAME_MS 200

static struct rig rig;
static struct fixture *const fixture = &rig.fixture;

/* A phone with its holder's code. */
struct phone {
    struct gh_private_key *key;
    char code[FIXTURE_CODE_BYTES];
    int64_t ahead_s; /* its clock is, of the gate's */
};
static struct phone anna, dora;

static void make_phone(struct phone *phone, enum gh_key_type type, gh_id subject)
{
    struct gh_claims claims = fixture_claims(fixture, GH_KIND_HEALTH, subject, GH_COLOUR_GREEN);
    struct gh_public_key *holder = NULL;

    *phone = (struct phone){.ahead_s = 0};
    assert_int_equal(gh_private_key_generate(type, &phone->key), GH_OK);
    assert_int_equal(gh_private_key_public(phone->key, &holder), GH_OK);
    claims.holder = holder;
    fixture_write(fixture->issuer_key, &claims, phone->code);
    gh_public_key_free(holder);
}

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    make_phone(&anna, GH_KEY_ED25519, ANNA);
    make_phone(&dora, GH_KEY_P256, DORA);
    fixture->manifest.policy.home_rule = GH_HOME_MEMBER;
    fixture->manifest.policy.paper = GH_PAPER_DENY;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gh_private_key_free(anna.key);
    gh_private_key_free(dora.key);
    rig_destroy(&rig);
    return 0;
}

/* What its screen shows at this moment. */
static void present(const struct phone *phone, char out[FIXTURE_CODE_BYTES])
{
    struct gh_bytes code = {(const uint8_t *)phone->code, strlen(phone->code)};
    int64_t at_s = gh_clock_wall_s(&fixture->clock.clock) + phone->ahead_s;

    assert_int_equal(gh_code_present(phone->key, code, at_s, out, FIXTURE_CODE_BYTES), GH_OK);
}

/* A phone held up for so long, which renews its presentation; besides, in every frame, a picture.
 */
static void hold(const struct phone *phone, const char *picture, int64_t ms)
{
    char text[FIXTURE_CODE_BYTES];

    for (int64_t gone = 0; gone < ms; gone += FRAME_MS) {
        if (phone && gone % RENEWAL_MS == 0)
            present(phone, text);
        if (phone)
            rig_show(&rig, text);
        if (picture)
            rig_show(&rig, picture);
        rig_pass_ms(&rig, FRAME_MS);
    }
}

static void start(void)
{
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 60000); /* long after the daemon's start */
}

static void test_opens_once(void **state)
{
    (void)state;

    start();
    hold(&anna, NULL, 30000); /* seven presentations, one person */
    rig_assert_last(&rig, 2, GH_REASON_OK);
    assert_int_equal(rig_last_entry(&rig)->form, GH_FORM_PHONE);
    assert_true(rig_last_entry(&rig)->subject == ANNA);
    hold(&dora, NULL, 1000);
    rig_assert_last(&rig, 3, GH_REASON_OK);
    rig_pass_ms(&rig, DEBOUNCE_MS);
    hold(&anna, NULL, 1000); /* comes again, with a new one */
    rig_assert_last(&rig, 4, GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 3);
}

static void test_without_the_phone(void **state)
{
    (void)state;

    start();
    hold(NULL, anna.code, 1000);
    rig_assert_last(&rig, 2, GH_REASON_UNPROVEN);
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 3, GH_REASON_PAPER_REFUSED);
    assert_int_equal(rig_last_entry(&rig)->form, GH_FORM_PAPER);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* The screen was photographed at the gate; the picture comes when the phone has gone. */
static void test_picture_afterwards(void **state)
{
    (void)state;
    char picture[FIXTURE_CODE_BYTES];

    start();
    present(&anna, picture);
    hold(NULL, picture, 1000); /* the phone itself */
    rig_assert_last(&rig, 2, GH_REASON_OK);
    rig_pass_ms(&rig, DEBOUNCE_MS);
    hold(NULL, picture, 2000);
    rig_assert_last(&rig, 3, GH_REASON_REPLAYED);
    assert_true(rig_last_entry(&rig)->subject == ANNA);
    hold(NULL, picture, 20000); /* it grows old while it is held up: nothing new */
    assert_int_equal(rig_count_entries(&rig), 3);
    rig_pass_ms(&rig, DEBOUNCE_MS);
    hold(NULL, picture, 1000);
    rig_assert_last(&rig, 4, GH_REASON_STALE);
    assert_int_equal(rig_count_openings(&rig), 1);
    hold(&anna, NULL, 1000); /* and the phone is as good as ever */
    rig_assert_last(&rig, 5, GH_REASON_OK);
}

/* Pictures beside the phone, whose owner is looking for the card: they are refused once each, and
 * the owner neither waits anew, nor comes in twice, nor is kept out. */
static void test_picture_beside_the_phone(void **state)
{
    (void)state;
    char replayed[FIXTURE_CODE_BYTES], old[FIXTURE_CODE_BYTES];
    enum { REPLAYED, STALE, BARE, WAYS };
    static const enum gh_reason reasons[WAYS] = {
        [REPLAYED] = GH_REASON_REPLAYED, [STALE] = GH_REASON_STALE, [BARE] = GH_REASON_UNPROVEN};

    fixture->manifest.policy.home_rule = GH_HOME_CODE;
    fixture->manifest.policy.passage_timeout_ms = 10000;
    start();
    for (int way = 0; way < WAYS; way++) {
        const char *pictures[WAYS] = {replayed, old, anna.code};
        size_t before = rig_count_entries(&rig);
        unsigned openings = rig_count_openings(&rig);

        present(&anna, old);
        rig_pass_ms(&rig, 16000);
        present(&anna, replayed);
        rig_show(&rig, replayed);
        rig_pass_ms(&rig, DEBOUNCE_MS);
        hold(&anna, pictures[way], 6000);
        assert_int_equal(rig_count_entries(&rig), before + 1);
        assert_string_equal(gh_reason_info(rig_last_entry(&rig)->reason)->token,
                            gh_reason_info(reasons[way])->token);
        rig_show(&rig, rig.home1);
        rig_assert_last(&rig, before + 2, GH_REASON_OK);
        hold(&anna, pictures[way], 8000); /* still there, with the picture */
        assert_int_equal(rig_count_openings(&rig), openings + 1);
        assert_int_equal(rig_count_entries(&rig), before + 2);
        rig_pass_ms(&rig, 60000);
    }
}

/* Photographed and held up beside the phone at once: it cannot be told from it, and opens nothing
 * that the phone does not. */
static void test_picture_at_the_same_time(void **state)
{
    (void)state;
    char picture[FIXTURE_CODE_BYTES];

    start();
    present(&anna, picture);
    hold(&anna, picture, 5000);
    hold(NULL, picture, 9000); /* the phone has gone; the picture is 14 s old */
    rig_assert_last(&rig, 2, GH_REASON_OK);
    hold(NULL, picture, 6000);
    rig_assert_last(&rig, 3, GH_REASON_STALE);
    assert_int_equal(rig_count_openings(&rig), 1);
}

/* Fresh when it was shown: the card may be looked for. */
static void test_the_card_comes_later(void **state)
{
    (void)state;
    char text[FIXTURE_CODE_BYTES];

    fixture->manifest.policy.home_rule = GH_HOME_CODE;
    fixture->manifest.policy.passage_timeout_ms = 30000;
    start();
    present(&anna, text);
    rig_show(&rig, text);
    rig_pass_ms(&rig, 25000);
    rig_show(&rig, rig.home1);
    rig_assert_last(&rig, 2, GH_REASON_OK);
}

static void test_wrong_clock(void **state)
{
    (void)state;
    static const struct {
        int64_t ahead_s;
        enum gh_reason reason;
    } cases[] = {
        {14, GH_REASON_OK}, {-10, GH_REASON_OK}, {3600, GH_REASON_STALE}, {-3600, GH_REASON_STALE}};

    start();
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        anna.ahead_s = cases[i].ahead_s;
        hold(&anna, NULL, 14000); /* said once, though it shows a new one every few seconds */
        rig_assert_last(&rig, 2 + i, cases[i].reason);
        rig_pass_ms(&rig, DEBOUNCE_MS);
    }
}

static void test_restart(void **state)
{
    (void)state;
    char before[FIXTURE_CODE_BYTES];

    start();
    present(&anna, before);
    rig_show(&rig, before);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    rig_stop(&rig);
    gh_fake_clock_advance_ms(&fixture->clock, 1000);
    rig_start(&rig);
    hold(NULL, before, 5000); /* it may have been shown before, and was; no answer */
    assert_int_equal(rig_count_entries(&rig), 3);
    hold(&anna, before, 1000); /* the phone has a new one */
    rig_assert_last(&rig, 4, GH_REASON_OK);
}

static void test_clock_untrusted(void **state)
{
    (void)state;
    char before[FIXTURE_CODE_BYTES];

    fixture->manifest.policy.clock = GH_CLOCK_DENY;
    gh_fake_clock_set_synchronised(&fixture->clock, false);
    start();
    present(&anna, before);
    hold(NULL, before, 1000);
    rig_assert_last(&rig, 2, GH_REASON_CLOCK_REFUSED);
    anna.ahead_s = 86400; /* or the gate's clock is slow: who knows */
    hold(&anna, NULL, 1000);
    rig_assert_last(&rig, 3, GH_REASON_CLOCK_REFUSED);
    anna.ahead_s = 0;
    rig_pass_ms(&rig, DEBOUNCE_MS);
    hold(NULL, before, 1000); /* a copy is a copy at any time */
    rig_assert_last(&rig, 4, GH_REASON_REPLAYED);
    rig_server_time(&rig, gh_clock_wall_s(&fixture->clock.clock));
    hold(NULL, before, 1000);
    assert_int_equal(rig_count_entries(&rig), 5); /* and the clock's own entry */
    rig_pass_ms(&rig, DEBOUNCE_MS);
    hold(&anna, NULL, 1000);
    rig_assert_last(&rig, 6, GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 1);
}

/* Read by a clock that was set before the gate came to it: nobody knows whether it is in time. */
static void test_read_before_a_jump(void **state)
{
    (void)state;
    char text[FIXTURE_CODE_BYTES];
    struct gh_sighting sighting;

    start();
    anna.ahead_s = -3600;
    present(&anna, text);
    int64_t seen_ns = gh_clock_monotonic_ns(&fixture->clock.clock);
    gh_see_read((struct gh_bytes){(const uint8_t *)text, strlen(text)}, rig.trust,
                gh_clock_wall_s(&fixture->clock.clock) - 3600, seen_ns, &sighting);
    assert_int_equal(sighting.credential.reason, GH_REASON_OK);
    gh_fake_clock_advance_ms(&fixture->clock, 100);
    gh_fake_clock_set_wall_s(&fixture->clock, gh_clock_wall_s(&fixture->clock.clock) + 10);
    gh_gate_sighting(rig.gate, &sighting);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_CLOCK);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* A clock that is believed, but an hour slow; a picture of that hour; the card is looked for. That
 * the clock is set right meanwhile does not make the picture fresh. */
static void test_set_while_the_card_is_looked_for(void **state)
{
    (void)state;
    char picture[FIXTURE_CODE_BYTES];

    fixture->manifest.policy.home_rule = GH_HOME_CODE;
    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 7200;
    gh_fake_clock_set_synchronised(&fixture->clock, false);
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S - 300);
    rig.options.battery_clock = true;
    start();
    present(&anna, picture);
    rig_show(&rig, picture);
    assert_int_equal(rig_count_entries(&rig), 1);
    rig_pass_ms(&rig, 1000);
    gh_fake_clock_set_synchronised(&fixture->clock, true);
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + 3600);
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000);
    assert_int_equal(rig_count_openings(&rig), 0);
    rig_assert_last(&rig, 3, GH_REASON_CLOCK_UNTRUSTED); /* start, clock, and this */
    assert_true(rig_last_entry(&rig)->clock_trusted);    /* it is, now */
    hold(&anna, rig.home1, 1000);
    rig_assert_last(&rig, 4, GH_REASON_OK);
}

/* Still held up after the clock was set, a code is read by the new time, and counts by it. */
static void test_set_while_it_is_held_up(void **state)
{
    (void)state;

    fixture->manifest.policy.home_rule = GH_HOME_CODE;
    fixture->manifest.policy.paper = GH_PAPER_OPEN;
    start();
    rig_show(&rig, rig.anna);
    gh_fake_clock_set_wall_s(&fixture->clock, gh_clock_wall_s(&fixture->clock.clock) + 10);
    rig_pass_ms(&rig, 100);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    assert_int_equal(rig_last_passage(&rig)->reason, GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opens_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_the_phone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_picture_afterwards, setup, teardown),
        cmocka_unit_test_setup_teardown(test_picture_beside_the_phone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_picture_at_the_same_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_card_comes_later, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_clock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_untrusted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_before_a_jump, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_while_the_card_is_looked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_while_it_is_held_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
