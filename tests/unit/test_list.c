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
    struct offer offer = small(place, 1);
    struct gh_list *list = open_offer(place, &offer);

    struct gh_answers answers = ask(list, 1, 5);
    assert_true(answers.have_list);
    assert_int_equal(answers.issued_at_s, TIME_S + 1);
    assert_int_equal(answers.generation, 1);
    assert_int_equal(answers.subject, 1);
    assert_true(answers.subject_known);
    assert_int_equal(answers.subject_colour, GH_COLOUR_GREEN);
    assert_true(answers.subject_has_home);
    assert_true(answers.home_approved);
    assert_true(answers.member);
    assert_false(answers.health_revoked);
    assert_false(answers.housing_revoked);

    answers = ask(list, 1, 6); /* another home, which is approved */
    assert_true(answers.home_approved && answers.subject_has_home);
    assert_false(answers.member);
    answers = ask(list, 2, 5);
    assert_true(answers.home_approved && answers.member);
    answers = ask(list, 2, HIGH + 6); /* the further home */
    assert_true(answers.home_approved && answers.member);
    assert_false(ask(list, 2, 6).member);
    answers = ask(list, HIGH + 1, 5);
    assert_true(answers.subject_known);
    assert_int_equal(answers.subject_colour, GH_COLOUR_YELLOW);
    assert_false(answers.subject_has_home);
    assert_false(answers.member);
    answers = ask(list, HIGH + 1, 7);
    assert_false(answers.home_approved);
    assert_false(answers.member);
    answers = ask(list, 3, 8);
    assert_true(answers.have_list);
    assert_false(answers.subject_known || answers.subject_has_home || answers.home_approved ||
                 answers.member);
    assert_int_equal(answers.subject_colour, GH_COLOUR_NONE);
    gh_list_close(list);
}

static void revoked_codes_are_found(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_answers answers;
    struct gh_credential health = {.id = 90, .subject = 1};
    struct gh_credential housing = {.id = HIGH + 91, .home = 5};
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    assert_true(answers.health_revoked);
    assert_true(answers.housing_revoked);
    health.id = HIGH + 90; /* the same low bits are another code */
    housing.id = 91;
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    assert_false(answers.health_revoked);
    assert_false(answers.housing_revoked);
    gh_list_close(list);
}

static void what_is_not_shown_is_not_answered(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_answers answers;
    struct gh_credential health = {.id = 90, .subject = 1};
    struct gh_credential housing = {.id = 91, .home = 5};
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
}

/* --- recalled people, foreign certificates ---------------------------------------------------- */

static const uint8_t hash_always[GH_REVOCATION_BYTES] = {1}, hash_before[GH_REVOCATION_BYTES] = {2};

static struct offer of_certificates(const struct place *place)
{
    struct offer offer;
    offer_start(&offer, place, 1);
    put_small(&offer, 1);
    gh_snapshot_writer_recalled(offer.snapshot, 1, TIME_S);
    gh_snapshot_writer_recalled(offer.snapshot, HIGH + 1, -5);
    gh_snapshot_writer_hash(offer.snapshot, hash_always, INT64_MAX);
    gh_snapshot_writer_hash(offer.snapshot, hash_before, TIME_S);
    gh_snapshot_writer_holder(offer.snapshot, 70, 2);
    gh_snapshot_writer_holder(offer.snapshot, HIGH + 71, HIGH + 1);
    offer_sign(&offer, list_key);
    return offer;
}

static struct gh_answers ask_one(struct gh_list *list, struct gh_credential health)
{
    struct gh_answers answers;
    assert_int_equal(gh_list_ask(list, &health, NULL, &answers), GH_OK);
    return answers;
}

static void codes_of_a_recalled_person_are_refused_if_they_are_older(void **state)
{
    const struct place *place = *state;
    struct offer offer = of_certificates(place);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_credential health = {.kind = GH_KIND_HEALTH, .id = 1, .subject = 1};
    health.issued_at_s = TIME_S - 1;
    assert_true(ask_one(list, health).health_revoked);
    health.issued_at_s = TIME_S;
    assert_false(ask_one(list, health).health_revoked);
    health.issued_at_s = TIME_S - 1;
    health.subject = HIGH + 1; /* recalled before 1970 */
    assert_false(ask_one(list, health).health_revoked);
    health.subject = 2;
    assert_false(ask_one(list, health).health_revoked);
    gh_list_close(list);
}

static void holders_of_certificates_are_people_of_the_list(void **state)
{
    const struct place *place = *state;
    struct offer offer = of_certificates(place);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_credential shown = {.kind = GH_KIND_HCERT, .id = 7, .subject = 70};
    struct gh_answers answers = ask_one(list, shown);
    assert_int_equal(answers.subject, 2);
    assert_true(answers.subject_known && answers.subject_has_home);
    shown.subject = HIGH + 71;
    assert_true(ask_one(list, shown).subject == HIGH + 1);
    /* A keyed hash that happens to be somebody's identifier is nobody. */
    shown.subject = 1;
    answers = ask_one(list, shown);
    assert_int_equal(answers.subject, 1);
    assert_false(answers.subject_known || answers.subject_has_home);
    assert_false(answers.health_revoked); /* nor is that person's recall about it */
    shown.kind = GH_KIND_UNKNOWN;
    shown.upstream = true; /* what the authority answers names nobody of ours either */
    shown.subject = 70;
    assert_int_equal(ask_one(list, shown).subject, 2);
    gh_list_close(list);
}

static void certificates_are_revoked_by_their_hashes(void **state)
{
    const struct place *place = *state;
    struct offer offer = of_certificates(place);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_credential shown = {.kind = GH_KIND_SHC, .id = 7, .subject = 70};
    shown.issued_at_s = INT64_MAX - 1;
    shown.revocation_count = 2;
    shown.revocations[0][0] = 9;
    shown.revocations[1][0] = 9;
    assert_false(ask_one(list, shown).health_revoked);
    memcpy(shown.revocations[1], hash_always, GH_REVOCATION_BYTES);
    assert_true(ask_one(list, shown).health_revoked);
    memcpy(shown.revocations[1], hash_before, GH_REVOCATION_BYTES);
    assert_false(ask_one(list, shown).health_revoked);
    shown.issued_at_s = TIME_S - 1;
    assert_true(ask_one(list, shown).health_revoked);
    shown.revocation_count = 0;
    assert_false(ask_one(list, shown).health_revoked);
    shown.id = 90; /* a keyed hash of its number, among the revoked credentials */
    assert_true(ask_one(list, shown).health_revoked);
    gh_list_close(list);
}

/* --- counts and digest ------------------------------------------------------------------------ */

static void a_large_list_is_counted(void **state)
{
    const struct place *place = *state;
    const uint64_t people = 20000;
    struct offer offer = large(place, 3, people);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_list_counts counts;
    assert_int_equal(gh_list_count(list, &counts), GH_OK);
    assert_int_equal(counts.subjects, people);
    assert_int_equal(counts.homes, people);
    assert_int_equal(counts.members, people);
    assert_int_equal(counts.revoked, 0);
    const uint64_t step = UINT64_MAX / (people + 1);
    for (uint64_t i = 1; i <= people; i += 997) {
        struct gh_answers answers = ask(list, i * step, (people + 1 - i) * step);
        assert_true(answers.subject_known && answers.member && answers.home_approved);
        assert_false(ask(list, i * step, (people - i) * step).member);
    }
    gh_list_close(list);
}

static void further_homes_are_counted(void **state)
{
    const struct place *place = *state;
    struct offer offer = of_certificates(place);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_list_counts counts;
    assert_int_equal(gh_list_count(list, &counts), GH_OK);
    assert_int_equal(counts.subjects, 3);
    assert_int_equal(counts.homes, 3);
    assert_int_equal(counts.members, 3);
    assert_int_equal(counts.revoked, 2);
    gh_list_close(list);
}

/* Everything that a list may say changes its digest; when it was signed and what it was built from
 * do not. */
static void every_thing_counts_in_the_digest(void **state)
{
    const struct place *place = *state;
    uint8_t digest[12][GH_SHA256_BYTES], again[GH_SHA256_BYTES];
    for (int variant = 0; variant < 12; variant++) {
        struct offer offer;
        offer_start(&offer, place, 1);
        offer.manifest.issued_at_s = TIME_S + 100 + variant;
        gh_snapshot_writer_home(offer.snapshot, 5);
        if (variant == 1)
            gh_snapshot_writer_home(offer.snapshot, 6);
        gh_snapshot_writer_subject(offer.snapshot, 1,
                                   variant == 2 ? GH_COLOUR_RED : GH_COLOUR_GREEN, (gh_id[]){5},
                                   variant == 3 ? 0 : 1);
        if (variant == 4)
            gh_snapshot_writer_subject(offer.snapshot, 2, GH_COLOUR_GREEN, NULL, 0);
        if (variant == 5)
            gh_snapshot_writer_revoked(offer.snapshot, 2);
        if (variant == 6)
            gh_snapshot_writer_recalled(offer.snapshot, 2, 3);
        if (variant == 7)
            gh_snapshot_writer_hash(offer.snapshot, hash_always, 3);
        if (variant == 8)
            gh_snapshot_writer_holder(offer.snapshot, 2, 3);
        if (variant == 9)
            offer.manifest.policy.paper = GH_PAPER_DENY;
        if (variant == 10)
            offer.manifest.holder_secret[0] = 1;
        if (variant == 11)
            offer.manifest.tag[0] = offer.manifest.snapshot.tag[0] = 99;
        offer_sign(&offer, list_key);
        assert_int_equal(install(place, &offer), GH_OK);
        digest_of(place, digest[variant]);
        for (int other = 0; other < variant; other++)
            assert_memory_not_equal(digest[variant], digest[other], GH_SHA256_BYTES);
        if (variant == 0) {
            offer.manifest.issued_at_s++;
            offer_sign_again(&offer, list_key);
            assert_int_equal(install(place, &offer), GH_OK);
            digest_of(place, again);
            assert_memory_equal(digest[0], again, GH_SHA256_BYTES);
        }
    }
}

/* --- the view --------------------------------------------------------------------------------- */

static void a_view_is_touched(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct gh_list *list = open_offer(place, &offer);
    gh_list_touch(list, TIME_S); /* earlier */
    assert_int_equal(ask(list, 1, 5).issued_at_s, TIME_S + 1);
    gh_list_touch(list, TIME_S + 60);
    assert_int_equal(ask(list, 1, 5).issued_at_s, TIME_S + 60);
    assert_int_equal(gh_list_manifest(list)->issued_at_s, TIME_S + 60);
    gh_list_close(list);
    assert_int_equal(issue_time(place), TIME_S + 1); /* in memory only */
}

static void the_head_is_what_is_at_hand(void **state)
{
    const struct place *place = *state;
    struct gh_manifest *head = malloc(sizeof(*head));
    assert_non_null(head);
    memset(head, 0xff, sizeof(*head));
    assert_int_equal(gh_list_head(place->path, list_public, head), GH_ERR_NOTFOUND);
    assert_int_equal(head->generation, 0);
    struct offer offer = small(place, 3);
    assert_int_equal(install(place, &offer), GH_OK);
    assert_int_equal(gh_list_head(place->path, list_public, head), GH_OK);
    assert_int_equal(head->generation, 3);
    assert_string_equal(head->area, "North");
    assert_int_equal(gh_list_head(place->path, other_public, head), GH_ERR_NOTFOUND);
    free(head);
}

static void the_files_are_private(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct stat info;
    char path[256];
    gh_list_close(open_offer(place, &offer));
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    find_file(place, path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(count_files(place, ".tmp"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_what_the_snapshot_says),
        TEST(revoked_codes_are_found),
        TEST(what_is_not_shown_is_not_answered),
        TEST(codes_of_a_recalled_person_are_refused_if_they_are_older),
        TEST(holders_of_certificates_are_people_of_the_list),
        TEST(certificates_are_revoked_by_their_hashes),
        TEST(a_large_list_is_counted),
        TEST(further_homes_are_counted),
        TEST(every_thing_counts_in_the_digest),
        TEST(a_view_is_touched),
        TEST(the_head_is_what_is_at_hand),
        TEST(the_files_are_private),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
