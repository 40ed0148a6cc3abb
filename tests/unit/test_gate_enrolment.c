/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: before it is enrolled, and how it comes to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "fakes/gate_rig.h"

static struct rig rig;
static struct gh_identity enrolled; /* what the courier would bring */
static char code[FIXTURE_CODE_BYTES];

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    enrolled = rig.fixture.identity;
    memset(&rig.fixture.identity, 0, sizeof(rig.fixture.identity));
    struct gh_enrolment enrolment = fixture_enrolment(&rig.fixture);
    memcpy(enrolment.list_key, enrolled.list_key, sizeof(enrolment.list_key));
    assert_int_equal(gh_enrolment_write(rig.fixture.list_key, &enrolment, code, sizeof(code)),
                     GH_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static bool lit(enum gh_line line)
{
    return gh_fake_door_is_active(&rig.door, line);
}

static void become_enrolled(void)
{
    rig.fixture.identity = enrolled;
    rig_news(&rig, GH_COURIER_ENROLLED);
}

static void test_nobody_is_let_in(void **state)
{
    (void)state;

    rig_start(&rig);
    for (int frame = 0; frame < 20; frame++) {
        rig_show(&rig, rig.anna);
        rig_show(&rig, rig.home1);
        rig_show(&rig, "hello");
        rig_pass_ms(&rig, 100);
    }
    assert_true(lit(GH_LINE_YELLOW)); /* the guard is called */
    rig_pass_ms(&rig, 20000);
    assert_int_equal(rig_count_openings(&rig), 0);
    assert_int_equal(rig.enrols, 0);
    rig.fixture.identity.gate = FIXTURE_GATE;
    assert_int_equal(rig_count_entries(&rig), 0); /* whose would they be? */
}

/* Answered once while it is held up, and again when it was put away. */
static void test_says_so_once(void **state)
{
    (void)state;
    size_t moves;

    rig_start(&rig);
    rig_show(&rig, rig.anna);
    assert_true(lit(GH_LINE_YELLOW));
    rig_pass_ms(&rig, 2500); /* the buzzer is through */
    moves = rig.door.count;
    rig_show(&rig, rig.anna);
    assert_int_equal(rig.door.count, moves);
    rig_pass_ms(&rig, 10000);
    assert_false(lit(GH_LINE_YELLOW));
    rig_show(&rig, rig.anna);
    assert_true(lit(GH_LINE_YELLOW));
}

static void test_enrolment_code(void **state)
{
    (void)state;

    rig_start(&rig);
    for (int frame = 0; frame < 50; frame++) {
        rig_show(&rig, code);
        rig_pass_ms(&rig, 100);
    }
    assert_int_equal(rig.enrols, 1);
    assert_true(rig.enrolment.gate == FIXTURE_GATE);
    assert_string_equal(rig.enrolment.url, "https://gate.example");
    assert_memory_equal(rig.enrolment.list_key, enrolled.list_key, 32);
    assert_int_equal(rig.enrolment.token[0], 0x7e);
    assert_true(lit(GH_LINE_YELLOW)); /* something is going on */
    rig_pass_ms(&rig, 5000);
    rig_show(&rig, code); /* once more */
    assert_int_equal(rig.enrols, 2);
}

static void test_expired_enrolment_code(void **state)
{
    (void)state;

    rig_start(&rig);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, FIXTURE_NOW_S + 24 * 3600);
    rig_show(&rig, code);
    assert_int_equal(rig.enrols, 0);
    assert_true(lit(GH_LINE_RED));
}

/* A bare board that has never heard what time it is can be enrolled all the same. */
static void test_clock_of_1970(void **state)
{
    (void)state;

    rig_start(&rig);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, 0);
    rig_show(&rig, code);
    assert_int_equal(rig.enrols, 1);
}

static void test_altered_enrolment_code(void **state)
{
    (void)state;
    size_t length = strlen(code);

    rig_start(&rig);
    for (size_t i = strlen("GHE1:"); i < length; i++) {
        char altered[FIXTURE_CODE_BYTES];
        strcpy(altered, code);
        altered[i] = altered[i] == '7' ? '8' : '7';
        rig_show(&rig, altered);
    }
    assert_int_equal(rig.enrols, 0);
}

static void test_becomes_enrolled(void **state)
{
    (void)state;

    rig_start(&rig);
    rig_show(&rig, code);
    become_enrolled();
    assert_true(lit(GH_LINE_GREEN));
    assert_false(rig_is_open(&rig)); /* welcome, but nobody asked to pass */
    assert_int_equal(rig_count_entries(&rig), 1);
    assert_int_equal(rig.entries.entry[0].type, GH_ENTRY_START);
    assert_true(rig.entries.entry[0].gate == FIXTURE_GATE);
    rig_pass_ms(&rig, 1000);
    rig_show(&rig, rig.anna); /* no list yet */
    rig_assert_last(&rig, 2, GH_REASON_LIST_MISSING);
    rig_pass_ms(&rig, 5000);

    fixture_install_list(&rig.fixture);
    rig.fixture.identity.generation = 5;
    rig.fixture.identity.list_issued_at_s = rig.fixture.manifest.issued_at_s;
    rig_news(&rig, GH_COURIER_LIST);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    rig_assert_last(&rig, 3, GH_REASON_OK);
    rig_news(&rig, GH_COURIER_ENROLLED); /* said twice: nothing new */
    rig_news(&rig, GH_COURIER_REFUSED);  /* nor does an old answer undo it */
    rig_pass_ms(&rig, 5000);
    rig_show(&rig, rig.dora);
    rig_show(&rig, rig.home2);
    rig_assert_last(&rig, 4, GH_REASON_OK);
}

static void test_refused(void **state)
{
    (void)state;

    rig_start(&rig);
    rig_show(&rig, code);
    rig_pass_ms(&rig, 1000);
    size_t moves = rig.door.count;
    rig_news(&rig, GH_COURIER_REFUSED);
    assert_true(rig.door.count > moves);
    assert_true(lit(GH_LINE_YELLOW));
    rig_pass_ms(&rig, 5000);
    assert_false(lit(GH_LINE_YELLOW)); /* no longer waits for anything */
    rig_show(&rig, code);
    assert_int_equal(rig.enrols, 2);
}

/* A gate that is enrolled does not follow whoever holds up another code. */
static void test_shown_to_an_enrolled_gate(void **state)
{
    (void)state;

    rig.fixture.identity = enrolled;
    rig_start_with_list(&rig);
    rig_show(&rig, code);
    rig_assert_last(&rig, 2, GH_REASON_UNSUPPORTED);
    assert_int_equal(rig_last_entry(&rig)->outcome, GH_OUTCOME_DENY);
    assert_int_equal(rig_last_entry(&rig)->kind, GH_KIND_ENROLMENT);
    assert_true(rig_last_entry(&rig)->subject == 0 && rig_last_entry(&rig)->home == 0);
    assert_int_equal(rig.enrols, 0);
    rig_pass_ms(&rig, 5000);

    struct gh_enrolment other = fixture_enrolment(&rig.fixture); /* of somebody else's server */
    struct gh_public_key *key = NULL;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    assert_int_equal(gh_private_key_public(rig.fixture.stranger_key, &key), GH_OK);
    (void)gh_public_key_raw(key, raw);
    gh_public_key_free(key);
    memcpy(other.list_key, raw, sizeof(other.list_key));
    assert_int_equal(gh_enrolment_write(rig.fixture.stranger_key, &other, code, sizeof(code)),
                     GH_OK);
    rig_show(&rig, code);
    assert_int_equal(rig_last_entry(&rig)->outcome, GH_OUTCOME_DENY);
    assert_int_equal(rig.enrols, 0);
}

/* The very code that it was enrolled by is still before the camera. */
static void test_still_held_up_when_enrolled(void **state)
{
    (void)state;

    rig_start(&rig);
    rig_show(&rig, code);
    rig_pass_ms(&rig, 500);
    become_enrolled();
    for (int frame = 0; frame < 50; frame++) {
        rig_show(&rig, code);
        rig_pass_ms(&rig, 100);
    }
    assert_int_equal(rig_count_entries(&rig), 1); /* the start */
    rig_pass_ms(&rig, 10000);
    rig_show(&rig, code); /* but not for ever */
    rig_assert_last(&rig, 2, GH_REASON_UNSUPPORTED);
    assert_int_equal(rig.enrols, 1);
}

/* Not enrolled, and the state folder is gone: it must not fall over. */
static void test_enrolled_without_a_folder(void **state)
{
    (void)state;

    rig.options.state_dir = "/nonexistent";
    rig_start(&rig);
    become_enrolled();
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_openings(&rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody_is_let_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_says_so_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_enrolment_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expired_enrolment_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_of_1970, setup, teardown),
        cmocka_unit_test_setup_teardown(test_altered_enrolment_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_becomes_enrolled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shown_to_an_enrolled_gate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_still_held_up_when_enrolled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_enrolled_without_a_folder, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
