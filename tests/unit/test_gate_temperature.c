/* SPDX-License-Identifier: Apache-2.0 */
/* gate_measure.c: whom a reading lets in, and whom it keeps waiting; and that it is kept nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/gate_rig.h"
#include "gate/measure.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.fixture.manifest.policy.temperature.rule = GH_TEMPERATURE_REQUIRED;
    rig.fixture.manifest.policy.home_rule = GH_HOME_MEMBER;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

/* Read now, once. */
static void measure(int64_t millic)
{
    gh_gate_temperature(rig.gate, gh_clock_monotonic_ns(&rig.fixture.clock.clock), millic);
}

/* Somebody stands there, and goes. */
static void stand(int64_t millic)
{
    for (int i = 0; i < 8; i++) {
        measure(millic);
        rig_pass_ms(&rig, 100);
    }
}

static void assert_waits(size_t count)
{
    assert_int_equal(rig_count_entries(&rig), count);
    assert_int_equal(rig_count_openings(&rig), 0);
}

static void test_code_then_temperature(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 1000);
    assert_waits(1);
    measure(33000); /* comes closer */
    rig_pass_ms(&rig, 200);
    measure(36500);
    rig_pass_ms(&rig, GH_MEASURE_SETTLE_MS - 1);
    assert_waits(1);
    rig_pass_ms(&rig, 1); /* without another word of the thermometer */
    rig_assert_last(&rig, 2, GH_REASON_OK);
    assert_true(rig_is_open(&rig));
}

static void test_temperature_then_code(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    stand(36500);
    rig_pass_ms(&rig, 5000);
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    rig_show(&rig, rig.dora); /* it was Anna's */
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_entries(&rig), 2);
    rig_pass_ms(&rig, 7000);
    rig_assert_last(&rig, 3, GH_REASON_TEMPERATURE_MISSING);
}

static void test_an_old_reading_is_none(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    measure(36500);
    rig_pass_ms(&rig, 10001);
    rig_show(&rig, rig.anna);
    assert_waits(1);
    rig_pass_ms(&rig, 8000);
    rig_assert_last(&rig, 2, GH_REASON_TEMPERATURE_MISSING);
    assert_int_equal(rig_count_openings(&rig), 0);
}

static void test_fever(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    measure(37300); /* at once */
    rig_assert_last(&rig, 2, GH_REASON_FEVER);
    assert_int_equal(rig_count_openings(&rig), 0);
    /* And used up: the next one is measured anew. */
    rig_show(&rig, rig.dora);
    rig_pass_ms(&rig, 1100);
    assert_int_equal(rig_count_entries(&rig), 2);
    stand(36400);
    rig_assert_last(&rig, 3, GH_REASON_OK);
}

static void test_fever_before_the_code(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    measure(38000);
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 2, GH_REASON_FEVER);
}

/* The time to be measured in begins with the second one. */
static void test_two_codes(void **state)
{
    (void)state;
    rig.fixture.manifest.policy.home_rule = GH_HOME_CODE;
    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 7000);
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 7000);
    assert_waits(1);
    stand(36500);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    assert_true(rig_last_entry(&rig)->home == HOME_1);
}

/* Refused for something else, and measured: nobody else's. */
static void test_a_refusal_uses_it_up(void **state)
{
    (void)state;
    char rita[FIXTURE_CODE_BYTES];
    rig_start_with_list(&rig);
    fixture_health(&rig.fixture, RITA, rita);
    stand(36500);
    rig_show(&rig, rita);
    rig_assert_last(&rig, 2, GH_REASON_RED);
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_entries(&rig), 2);
}

static void test_optional_never_waits(void **state)
{
    (void)state;
    rig.fixture.manifest.policy.temperature.rule = GH_TEMPERATURE_OPTIONAL;
    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    rig_pass_ms(&rig, 4000);
    measure(39000);
    rig_show(&rig, rig.dora);
    rig_assert_last(&rig, 3, GH_REASON_FEVER);
}

static void install(enum gh_temperature_rule rule)
{
    rig.fixture.manifest.policy.temperature.rule = rule;
    rig.fixture.manifest.generation++;
    fixture_install_list(&rig.fixture);
    fixture_pin_list(&rig.fixture);
    rig_news(&rig, GH_COURIER_LIST);
    rig_pass_ms(&rig, 1);
}

static void test_off_reads_nothing(void **state)
{
    (void)state;
    rig.fixture.manifest.policy.temperature.rule = GH_TEMPERATURE_OFF;
    rig_start_with_list(&rig);
    measure(41000);
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    /* Nor does what was read then count once it is on. */
    measure(41000);
    install(GH_TEMPERATURE_OPTIONAL);
    rig_show(&rig, rig.dora);
    rig_assert_last(&rig, 3, GH_REASON_OK);
}

static void test_switched_off_it_is_forgotten(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    measure(41000);
    install(GH_TEMPERATURE_OFF);
    install(GH_TEMPERATURE_OPTIONAL);
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 2, GH_REASON_OK);
}

/* Stepped up at the last moment: the guard is called, but need not come. */
static void test_a_moment_too_late(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    for (int i = 0; i < 90; i++) {
        rig_show(&rig, rig.anna);
        if (i >= 78)
            measure(36500);
        rig_pass_ms(&rig, 100);
    }
    rig_assert_last(&rig, 3, GH_REASON_OK);
    assert_int_equal(rig.entries.entry[1].reason, GH_REASON_TEMPERATURE_MISSING);
}

/* What no body is like: the wall, a lamp, a sensor that is broken. */
static void test_nonsense_is_nobody(void **state)
{
    (void)state;
    static const int64_t nonsense[] = {-273150, 0, 29999, 45001, 1000000, INT64_MIN, INT64_MAX};
    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    for (size_t i = 0; i < GH_ARRAY_SIZE(nonsense); i++) {
        measure(nonsense[i]);
        rig_pass_ms(&rig, 600);
    }
    assert_waits(1);
    gh_gate_temperature(rig.gate, INT64_MAX, 36500); /* from the future: now */
    rig_pass_ms(&rig, GH_MEASURE_SETTLE_MS);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    gh_gate_temperature(rig.gate, INT64_MIN, 36500);
    rig_show(&rig, rig.dora);
    assert_int_equal(rig_count_entries(&rig), 2);
}

/* The second of two who wait has stepped up. */
static void test_two_wait(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 500);
    rig_show(&rig, rig.dora);
    stand(36500);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    assert_true(rig_last_entry(&rig)->subject == DORA);
    rig_pass_ms(&rig, 1100);
    stand(37900);
    rig_assert_last(&rig, 3, GH_REASON_FEVER);
    assert_true(rig_last_entry(&rig)->subject == ANNA);
}

static void test_expires_while_waiting(void **state)
{
    (void)state;
    struct gh_claims claims = fixture_claims(&rig.fixture, GH_KIND_HEALTH, ANNA, GH_COLOUR_GREEN);
    char code[FIXTURE_CODE_BYTES];
    rig_start_with_list(&rig);
    claims.expires_at_s = FIXTURE_NOW_S + 3;
    fixture_write(rig.fixture.issuer_key, &claims, code);
    rig_show(&rig, code);
    rig_pass_ms(&rig, 5000);
    assert_waits(1);
    stand(36500);
    rig_assert_last(&rig, 2, GH_REASON_EXPIRED);
}

static void test_not_enrolled(void **state)
{
    (void)state;
    rig.fixture.identity.enrolled = false;
    rig_start(&rig);
    measure(38000);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* Neither what an entry holds nor what is logged tells it. */
static void test_it_is_written_nowhere(void **state)
{
    (void)state;
    static char log[65536];
    fixture_capture_log(&rig.fixture);
    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    measure(39876);
    rig_show(&rig, rig.dora);
    rig_pass_ms(&rig, 1100);
    stand(36543);
    fixture_take_log(&rig.fixture, log, sizeof(log));
    assert_int_equal(rig_count_entries(&rig), 3);
    for (size_t i = 0; i < rig.entries.count; i++) {
        assert_null(strstr(rig.entries.text[i], "39876"));
        assert_null(strstr(rig.entries.text[i], "36543"));
        assert_null(strstr(rig.entries.text[i], "39.8"));
    }
    assert_non_null(strstr(log, "passage"));
    assert_null(strstr(log, "39876"));
    assert_null(strstr(log, "36543"));
    assert_null(strstr(log, "39.8"));
    assert_null(strstr(log, "fever"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_code_then_temperature, setup, teardown),
        cmocka_unit_test_setup_teardown(test_temperature_then_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_old_reading_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fever, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fever_before_the_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_codes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal_uses_it_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_optional_never_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_off_reads_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switched_off_it_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_moment_too_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense_is_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expires_while_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_enrolled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_is_written_nowhere, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
