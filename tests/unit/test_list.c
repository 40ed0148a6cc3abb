/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "list_fixture.h"

/* --- asking ----------------------------------------------------------------------------------- */

static void answers_what_the_snapshot_says(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    struct gh_list *list;
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);

    struct gh_answers answers = ask(list, 1, 5);
    assert_true(answers.have_list);
    assert_int_equal(answers.issued_at_s, TIME_S + 1);
    assert_int_equal(answers.generation, 1);
    assert_true(answers.subject_known);
    assert_int_equal(answers.subject_colour, GH_COLOUR_GREEN);
    assert_true(answers.subject_has_home);
    assert_true(answers.home_approved);
    assert_true(answers.member);
    assert_false(answers.health_revoked);
    assert_false(answers.housing_revoked);

    answers = ask(list, 1, HIGH + 6);
    assert_true(answers.home_approved && answers.member);
    answers = ask(list, HIGH + 1, 5); /* member of 7 only, which is not approved */
    assert_true(answers.subject_known);
    assert_int_equal(answers.subject_colour, GH_COLOUR_YELLOW);
    assert_false(answers.subject_has_home);
    assert_false(answers.member);
    answers = ask(list, HIGH + 1, 7);
    assert_false(answers.home_approved);
    assert_true(answers.member);
    answers = ask(list, 2, 8);
    assert_true(answers.have_list);
    assert_false(answers.subject_known || answers.subject_has_home || answers.home_approved ||
                 answers.member);
    assert_int_equal(answers.subject_colour, GH_COLOUR_NONE);
    gh_list_close(list);
    offer_free(&offer);
}

static void revoked_codes_are_found(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    struct gh_list *list;
    struct gh_answers answers;
    struct gh_credential health = {.id = 90, .subject = 1};
    struct gh_credential housing = {.id = HIGH + 91, .home = 5};
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    assert_true(answers.health_revoked);
    assert_true(answers.housing_revoked);
    health.id = HIGH + 90; /* the same low bits are another code */
    housing.id = 91;
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    assert_false(answers.health_revoked);
    assert_false(answers.housing_revoked);
    gh_list_close(list);
    offer_free(&offer);
}

static void what_is_not_shown_is_not_answered(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    struct gh_list *list;
    struct gh_answers answers;
    struct gh_credential health = {.id = 90, .subject = 1};
    struct gh_credential housing = {.id = 91, .home = 5};
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    assert_int_equal(gh_list_ask(list, &health, NULL, &answers), GH_OK);
    assert_true(answers.subject_known && answers.subject_has_home && answers.health_revoked);
    assert_false(answers.home_approved || answers.member || answers.housing_revoked);
    assert_int_equal(gh_list_ask(list, NULL, &housing, &answers), GH_OK);
    assert_true(answers.home_approved);
    assert_false(answers.subject_known || answers.subject_has_home || answers.member);
    assert_int_equal(gh_list_ask(list, NULL, NULL, &answers), GH_OK);
    assert_true(answers.have_list);
    memset(&answers, 0xff, sizeof(answers));
    assert_int_equal(gh_list_ask(NULL, &health, &housing, &answers), GH_OK);
    assert_false(answers.have_list);
    assert_false(answers.subject_known);
    gh_list_close(list);
    gh_list_close(NULL);
    offer_free(&offer);
}

static void a_large_list_is_counted(void **state)
{
    const struct place *place = *state;
    const uint64_t people = 20000;
    struct offer offer = large(3, people);
    struct gh_list *list;
    struct gh_list_counts counts;
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    assert_int_equal(gh_list_count(list, &counts), GH_OK);
    assert_int_equal(counts.subjects, people);
    assert_int_equal(counts.homes, people);
    assert_int_equal(counts.members, people);
    assert_int_equal(counts.revoked, 0);
    const uint64_t step = UINT64_MAX / (people + 1);
    for (uint64_t i = 1; i <= people; i += 997) {
        struct gh_answers answers = ask(list, i * step, (people + 1 - i) * step);
        assert_true(answers.subject_known && answers.member && answers.home_approved);
        assert_true(people == 1 || !ask(list, i * step, (people - i) * step).member);
    }
    gh_list_close(list);
    offer_free(&offer);
}

static void the_file_is_private(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    struct stat info;
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_false(exists(place, ".new"));
    offer_free(&offer);
}

/* --- recalls, hashes, holders ------------------------------------------------------------------
 */

#define HOLDER (HIGH + 70) /* the holder of certificates who is subject 1 */

/* As small, with all that certificates need besides keys. */
static struct offer with_certificates(uint64_t generation)
{
    struct offer offer = small(generation);
    static const uint8_t hashes[3][GH_REVOCATION_BYTES] = {{1}, {2}, {0xff}};
    gh_snapshot_put_recalled(&offer.snapshot, 1, TIME_S);
    gh_snapshot_put_recalled(&offer.snapshot, HIGH + 1, INT64_MAX);
    gh_snapshot_put_revoked_hash(&offer.snapshot, hashes[0], INT64_MAX);
    gh_snapshot_put_revoked_hash(&offer.snapshot, hashes[1], TIME_S);
    gh_snapshot_put_revoked_hash(&offer.snapshot, hashes[2], INT64_MIN);
    gh_snapshot_put_holder(&offer.snapshot, 70, HIGH + 1);
    gh_snapshot_put_holder(&offer.snapshot, HOLDER, 1);
    offer_sign(&offer, list_key);
    return offer;
}

static struct gh_answers ask_about(struct gh_list *list, struct gh_credential health)
{
    struct gh_credential housing = {.kind = GH_KIND_HOUSING, .id = 1001, .home = 5};
    struct gh_answers answers;
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    return answers;
}

static void a_recall_ends_codes_issued_before(void **state)
{
    const struct place *place = *state;
    struct offer offer = with_certificates(1);
    struct gh_list *list = open_offer(place, &offer);
    static const struct {
        gh_id subject;
        int64_t issued_at_s;
        enum gh_kind kind;
        bool revoked;
    } cases[] = {
        {1, TIME_S - 1, GH_KIND_HEALTH, true},
        {1, TIME_S, GH_KIND_HEALTH, false},
        {1, TIME_S + 1, GH_KIND_HEALTH, false},
        {1, INT64_MIN, GH_KIND_HEALTH, true},
        {1, TIME_S - 1, GH_KIND_VISITOR, true},
        {1, TIME_S - 1, GH_KIND_STAFF, true},
        {HIGH + 1, TIME_S * 2LL, GH_KIND_HEALTH, true},
        {2, TIME_S - 1, GH_KIND_HEALTH, false}, /* nobody recalled */
        {0, TIME_S - 1, GH_KIND_HEALTH, false},
        /* A certificate is no code of ours, whoever its holder is. */
        {HOLDER, TIME_S - 1, GH_KIND_HCERT, false},
        {HOLDER, TIME_S - 1, GH_KIND_SHC, false},
        {1, TIME_S - 1, GH_KIND_HCERT, false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_answers answers =
            ask_about(list, (struct gh_credential){.kind = cases[i].kind,
                                                   .id = 1000,
                                                   .subject = cases[i].subject,
                                                   .issued_at_s = cases[i].issued_at_s});
        if (answers.health_revoked != cases[i].revoked) {
            fail_msg("case %zu", i);
        }
        assert_false(answers.housing_revoked);
    }
    gh_list_close(list);
    offer_free(&offer);
}

static void a_revoked_hash_ends_a_certificate(void **state)
{
    const struct place *place = *state;
    struct offer offer = with_certificates(1);
    struct gh_list *list = open_offer(place, &offer);
    static const struct {
        uint8_t first[GH_REVOCATIONS_MAX]; /* each hash is this byte and zeros */
        size_t count;
        int64_t issued_at_s;
        bool revoked;
    } cases[] = {
        {{1, 9, 9}, 3, TIME_S, true},
        {{9, 1, 9}, 3, TIME_S, true},
        {{9, 9, 1}, 3, TIME_S, true},
        {{9, 9, 1}, 2, TIME_S, false}, /* behind the last */
        {{9, 9, 9}, 3, TIME_S, false},
        {{1}, 0, TIME_S, false},
        {{1}, 1, INT64_MAX, true}, /* always is always */
        {{2}, 1, TIME_S - 1, true},
        {{2}, 1, TIME_S, false},
        {{2, 1}, 2, TIME_S, true},
        {{1, 2}, 2, TIME_S, true},
        {{0xff}, 1, TIME_S, false},
        {{1, 9, 9}, SIZE_MAX, TIME_S, true}, /* never reads behind the array */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        for (int kind = GH_KIND_HCERT; kind <= GH_KIND_SHC; kind++) {
            struct gh_credential health = {.kind = (enum gh_kind)kind,
                                           .id = 1000,
                                           .subject = 12345,
                                           .issued_at_s = cases[i].issued_at_s,
                                           .revocation_count = cases[i].count};
            for (size_t j = 0; j < GH_REVOCATIONS_MAX; j++) {
                health.revocations[j][0] = cases[i].first[j];
            }
            struct gh_answers answers = ask_about(list, health);
            if (answers.health_revoked != cases[i].revoked) {
                fail_msg("case %zu", i);
            }
        }
    }
    /* And by its number, as any credential. */
    struct gh_credential health = {.kind = GH_KIND_HCERT, .id = HIGH + 91};
    assert_true(ask_about(list, health).health_revoked);
    gh_list_close(list);
    offer_free(&offer);
}

static void a_holder_is_the_person_that_the_list_says(void **state)
{
    const struct place *place = *state;
    struct offer offer = with_certificates(1);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_credential health = {.kind = GH_KIND_HCERT, .id = 1000, .subject = HOLDER};
    struct gh_answers answers = ask_about(list, health);
    assert_true(answers.subject == 1);
    assert_true(answers.subject_known && answers.subject_has_home && answers.member);
    assert_int_equal(answers.subject_colour, GH_COLOUR_GREEN);
    health.kind = GH_KIND_SHC;
    health.subject = 70;
    answers = ask_about(list, health);
    assert_true(answers.subject == HIGH + 1);
    assert_true(answers.subject_known);
    assert_int_equal(answers.subject_colour, GH_COLOUR_YELLOW);
    assert_false(answers.subject_has_home || answers.member);
    /* Who is on no list keeps the hash, and it is nobody's identifier, also if a person has the
     * same number. */
    static const gh_id nobody[] = {71, HIGH + 71, 1, HIGH + 1, 0};
    for (size_t i = 0; i < GH_ARRAY_SIZE(nobody); i++) {
        health.subject = nobody[i];
        answers = ask_about(list, health);
        assert_true(answers.subject == nobody[i]);
        assert_false(answers.subject_known || answers.subject_has_home || answers.member);
        assert_int_equal(answers.subject_colour, GH_COLOUR_NONE);
        assert_true(answers.have_list && answers.home_approved);
    }
    /* Nor is what stands for the holder whom the authority names, whatever the code looks like. */
    health.kind = GH_KIND_UNKNOWN;
    health.upstream = true;
    for (size_t i = 0; i < GH_ARRAY_SIZE(nobody); i++) {
        health.subject = nobody[i];
        answers = ask_about(list, health);
        assert_true(answers.subject == nobody[i]);
        assert_false(answers.subject_known || answers.member || answers.health_revoked);
    }
    health.upstream = false;
    /* Our own codes name persons, not holders. */
    health.kind = GH_KIND_HEALTH;
    health.subject = HOLDER;
    answers = ask_about(list, health);
    assert_true(answers.subject == HOLDER);
    assert_false(answers.subject_known);
    health.subject = 1;
    assert_true(ask_about(list, health).subject == 1);
    gh_list_close(list);
    /* Without a list each is whom the code says. */
    assert_int_equal(gh_list_ask(NULL, &health, NULL, &answers), GH_OK);
    assert_true(answers.subject == 1);
    assert_int_equal(gh_list_ask(NULL, NULL, NULL, &answers), GH_OK);
    assert_true(answers.subject == 0);
    offer_free(&offer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_what_the_snapshot_says),
        TEST(revoked_codes_are_found),
        TEST(a_recall_ends_codes_issued_before),
        TEST(a_revoked_hash_ends_a_certificate),
        TEST(a_holder_is_the_person_that_the_list_says),
        TEST(what_is_not_shown_is_not_answered),
        TEST(a_large_list_is_counted),
        TEST(the_file_is_private),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
