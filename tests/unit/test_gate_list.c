/* SPDX-License-Identifier: Apache-2.0 */
/* gate_list.c: a new list, and one that is broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate_list_fixture.h"

/* --- a new list --- */

static void test_swap_mid_passage(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    fixture->colours[ANNA] = GH_COLOUR_RED; /* her test came back */
    swap_list();
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 2, GH_REASON_RED);
    assert_true(rig_last_entry(&rig)->generation == 6);
    assert_int_equal(rig_count_openings(&rig), 0);

    rig_show(&rig, rig.home2);
    fixture->revoked[0] = CODE_ID(HOME_2);
    fixture->revoked_count = 1;
    swap_list();
    rig_show(&rig, rig.dora);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 3, GH_REASON_REVOKED);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* The one that signed is not trusted any more, while its code is waiting for the card. */
static void test_swap_drops_the_issuer(void **state)
{
    (void)state;

    struct gh_sighting on_its_way;

    rig_start_with_list(&rig);
    gh_see_read((struct gh_bytes){(const uint8_t *)rig.home1, strlen(rig.home1)}, rig.trust,
                FIXTURE_NOW_S, GH_FAKE_CLOCK_START_NS, &on_its_way);
    rig_show(&rig, rig.anna);
    fixture->manifest.key_count = 0;
    swap_list();
    gh_gate_sighting(rig.gate, &on_its_way);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 2, GH_REASON_FOREIGN);
    assert_true(rig_last_entry(&rig)->subject == 0); /* it is nobody's word any more */
    assert_true(rig_last_entry(&rig)->housing_code == 0);
    rig_show(&rig, rig.dora);
    rig_assert_last(&rig, 3, GH_REASON_FOREIGN);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* The key stays, but may sign less: what it signed before is worth no more than what it will. */
static void test_swap_narrows_the_issuer(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    fixture->manifest.keys[0].purposes = GH_PURPOSE(GH_KIND_HOUSING);
    swap_list();
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 2, GH_REASON_WRONG_KEY);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* Read a moment before its issuer's key came: not the code's fault, and no entry. */
static void test_swap_brings_the_issuer(void **state)
{
    (void)state;
    struct gh_sighting early;

    fixture->manifest.keys[0].purposes = 0;
    size_t keys = fixture->manifest.key_count;
    fixture->manifest.key_count = 0;
    rig_start_with_list(&rig);
    gh_see_read((struct gh_bytes){(const uint8_t *)rig.anna, strlen(rig.anna)}, rig.trust,
                FIXTURE_NOW_S, GH_FAKE_CLOCK_START_NS, &early);
    assert_int_equal(early.credential.reason, GH_REASON_FOREIGN);
    fixture->manifest.key_count = keys;
    fixture->manifest.keys[0].purposes = GH_PURPOSE(GH_KIND_HEALTH) | GH_PURPOSE(GH_KIND_HOUSING);
    swap_list();
    gh_gate_sighting(rig.gate, &early);
    assert_int_equal(rig_count_entries(&rig), 1);
    rig_show(&rig, rig.anna); /* the next frame */
    rig_show(&rig, rig.home1);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    rig_pass_ms(&rig, 20000); /* later on it is the code's own fault, whatever key it names */
    rig_show_credential(&rig, &early.credential);
    rig_assert_last(&rig, 3, GH_REASON_FOREIGN);
}

static void test_swap_for_the_better(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_show(&rig, rig.dora);
    rig_pass_ms(&rig, 5000);
    fixture->manifest.policy.home_rule = GH_HOME_MEMBER;
    fixture->manifest.policy.passage_timeout_ms = 2000;
    swap_list();
    assert_int_equal(rig.policy.passage_timeout_ms, 2000); /* and others are told */
    rig_pass_ms(&rig, 3000); /* her wait ends as it was begun, and by the new rules */
    assert_reason(rig_last_entry(&rig)->reason, GH_REASON_OK);
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 3, GH_REASON_OK);
    rig_pass_ms(&rig, 4000);
    fixture->manifest.policy.home_rule = GH_HOME_NONE;
    swap_list();
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 4, GH_REASON_OK);
    assert_true(rig_last_entry(&rig)->home == 0); /* nobody asked */

    rig_pass_ms(&rig, 20000);
    fixture->manifest.policy.home_rule = GH_HOME_CODE;
    swap_list();
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 1999);
    assert_int_equal(rig_count_entries(&rig), 4);
    rig_pass_ms(&rig, 1); /* the policy's time-out */
    rig_assert_last(&rig, 5, GH_REASON_HOUSING_MISSING);
}
static void test_list_arrives_later(void **state)
{
    (void)state;

    rig_start(&rig);
    /* Without a list no issuer is known either, but nobody can help that: the guard is called. */
    assert_reason(try_anna(), GH_REASON_LIST_MISSING);
    rig_show(&rig, "hello");
    assert_reason(rig_last_entry(&rig)->reason, GH_REASON_NOT_A_CODE);
    swap_list();
    assert_int_equal(rig.trusts, 1);
    assert_reason(try_anna(), GH_REASON_OK);
}

static void test_news_without_a_list(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    fixture_remove_list(fixture);
    rig_news(&rig, GH_COURIER_LIST);
    assert_reason(try_anna(), GH_REASON_OK); /* the one in use goes on being used */
}

/* --- old and broken lists --- */

/* What was read under a list that the gate does not have. */
static void show_trusted(const char *text)
{
    struct gh_trust *own = NULL;
    struct gh_sighting sighting;

    assert_int_equal(gh_trust_new(fixture->manifest.keys, 1, NULL, &own), GH_OK);
    gh_see_read((struct gh_bytes){(const uint8_t *)text, strlen(text)}, own,
                gh_clock_wall_s(&fixture->clock.clock),
                gh_clock_monotonic_ns(&fixture->clock.clock), &sighting);
    assert_int_equal(sighting.credential.reason, GH_REASON_OK);
    gh_gate_sighting(rig.gate, &sighting);
    gh_trust_unref(own);
}

static void assert_no_list(void)
{
    size_t before = rig_count_entries(&rig);

    show_trusted(rig.anna);
    rig_assert_last(&rig, before + 1, GH_REASON_LIST_MISSING);
    assert_true(rig_last_entry(&rig)->generation == 0);
    show_trusted(rig.home1);
    rig_pass_ms(&rig, 20000);
    assert_int_equal(rig_count_openings(&rig), 0);
}

static void test_rolled_back_before_start(void **state)
{
    (void)state;

    fixture->identity.generation = 6; /* was seen once */
    fixture->identity.list_issued_at_s = fixture->manifest.issued_at_s;
    fixture_install_list(fixture); /* generation 5 */
    rig_start(&rig);
    assert_no_list();
}

static void test_rolled_back_while_running(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    fixture->colours[ANNA] = GH_COLOUR_RED;
    swap_list();
    fixture->colours[ANNA] = GH_COLOUR_GREEN;
    fixture->manifest.generation = 5;
    fixture_smuggle_list(fixture);
    rig_news(&rig, GH_COURIER_LIST); /* identity still says 6 */
    assert_reason(try_anna(), GH_REASON_RED);
    assert_true(rig_last_entry(&rig)->generation == 6);
    rig_stop(&rig); /* nor after a restart */
    rig_start(&rig);
    assert_no_list();
}

/* Written over where it lies, while it is in use: no crash, and nobody is let in by chance. */
static void test_spoiled_in_place(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct stat info;

    fixture->extra_subjects = 400; /* so that not all of it has been read yet */
    rig_start_with_list(&rig);
    fixture_list_file(fixture, path);
    assert_int_equal(stat(path, &info), 0);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    for (off_t i = 0; i < info.st_size; i++)
        fputc(0xa5, file);
    assert_int_equal(fclose(file), 0);
    enum gh_reason reason = try_anna();
    assert_true(reason == GH_REASON_OK || reason == GH_REASON_LIST_MISSING);
    assert_int_equal(truncate(path, 0), 0);
    reason = try_anna();
    assert_true(reason == GH_REASON_OK || reason == GH_REASON_LIST_MISSING);
    swap_list();
    assert_reason(try_anna(), GH_REASON_OK);
}

static void spoil_from_page(off_t page)
{
    char path[PATH_MAX];
    struct stat info;

    fixture_list_file(fixture, path);
    assert_int_equal(stat(path, &info), 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && page * 4096 < info.st_size);
    for (; page * 4096 < info.st_size; page++)
        assert_int_equal(pwrite(fd, "\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5", 8, page * 4096), 8);
    close(fd);
}

/* The card has forgotten the pages that people stand on, or the issuers' keys: somebody must bring
 * the list anew, and not for each who comes by. */
static void test_spoiled_is_said(void **state)
{
    static const struct {
        off_t page;
        enum gh_reason reason;
    } ways[] = {{4, GH_REASON_FOREIGN}, {11, GH_REASON_LIST_MISSING}};
    (void)state;

    for (size_t way = 0; way < GH_ARRAY_SIZE(ways); way++) {
        fixture->extra_subjects = 400;
        fixture_install_list(fixture);
        fixture_pin_list(fixture);
        spoil_from_page(ways[way].page);
        rig_start(&rig);
        assert_reason(try_anna(), ways[way].reason);
        assert_int_equal(rig.complaints, 1);
        assert_reason(try_anna(), ways[way].reason);
        assert_int_equal(rig.complaints, 1);
        rig_pass_ms(&rig, 3600 * 1000);
        assert_reason(try_anna(), ways[way].reason);
        assert_int_equal(rig.complaints, 2);
        swap_list();
        assert_reason(try_anna(), GH_REASON_OK);
        rig_destroy(&rig);
        rig_init(&rig);
    }
}

/* Newer than what is remembered: renamed into place just before a cut of power. */
static void test_newer_than_the_pin(void **state)
{
    (void)state;

    fixture->identity.generation = 4;
    fixture->identity.list_issued_at_s = fixture->manifest.issued_at_s - 100;
    fixture_install_list(fixture);
    rig_start(&rig);
    assert_reason(try_anna(), GH_REASON_OK);
}

static void spoil_list(void (*spoil)(const char *path, off_t size))
{
    char path[PATH_MAX];
    struct stat info;

    fixture_list_file(fixture, path);
    assert_int_equal(stat(path, &info), 0);
    spoil(path, info.st_size);
}

static void spoil_all(const char *path, off_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (off_t i = 0; i < size; i++)
        fputc((int)(i * 7 & 0xff), file);
    assert_int_equal(fclose(file), 0);
}

static void spoil_cut(const char *path, off_t size)
{
    assert_int_equal(truncate(path, size / 2), 0);
}

static void spoil_empty(const char *path, off_t size)
{
    (void)size;
    assert_int_equal(truncate(path, 0), 0);
}

static void test_corrupt(void **state)
{
    (void)state;
    void (*const ways[])(const char *, off_t) = {spoil_all, spoil_cut, spoil_empty};

    for (size_t i = 0; i < GH_ARRAY_SIZE(ways); i++) {
        fixture_smuggle_list(fixture);
        spoil_list(ways[i]);
        rig_start(&rig);
        assert_no_list();
        swap_list(); /* and a good one makes up for it */
        assert_reason(try_anna(), GH_REASON_OK);
        rig_stop(&rig);
        rig_destroy(&rig);
        rig_init(&rig);
    }
}

static void test_of_another_key(void **state)
{
    (void)state;
    struct gh_private_key *own = fixture->list_key;
    struct gh_public_key *own_public = fixture->list_public;

    fixture->list_key = fixture->stranger_key;
    assert_int_equal(gh_private_key_public(fixture->stranger_key, &fixture->list_public), GH_OK);
    fixture_install_list(fixture);
    gh_public_key_free(fixture->list_public);
    fixture->list_key = own;
    fixture->list_public = own_public;
    rig_start(&rig);
    assert_no_list();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_swap_mid_passage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_swap_drops_the_issuer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_swap_narrows_the_issuer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_swap_brings_the_issuer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_swap_for_the_better, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_arrives_later, setup, teardown),
        cmocka_unit_test_setup_teardown(test_news_without_a_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rolled_back_before_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rolled_back_while_running, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoiled_in_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoiled_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_than_the_pin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_corrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_another_key, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
