/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "gatehouse/cose.h"
#include "list_fixture.h"

/* --- what does not replace a list ------------------------------------------------------------- */

static void a_newer_list_replaces_an_older_one(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    assert_int_equal(build(place, &first), GH_OK);
    assert_stands(place, 1);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    assert_int_equal(build(place, &second), GH_OK); /* the same again is fine */
    assert_stands(place, 2);
    offer_free(&first);
    offer_free(&second);
}

static void an_older_list_does_not(void **state)
{
    const struct place *place = *state;
    struct offer newer = small(4), older = small(3), backdated = small(4), mended = small(5);
    assert_int_equal(build(place, &newer), GH_OK);
    assert_int_equal(build(place, &older), GH_ERR_ROLLBACK);
    assert_stands(place, 4);
    backdated.manifest.issued_at_s = newer.manifest.issued_at_s - 1;
    offer_sign(&backdated, list_key);
    assert_int_equal(build(place, &backdated), GH_ERR_ROLLBACK);
    assert_stands(place, 4);
    /* The server's clock was ahead and is right again: a later generation counts all the same. */
    mended.manifest.issued_at_s = newer.manifest.issued_at_s - 1000;
    offer_sign(&mended, list_key);
    assert_int_equal(build(place, &mended), GH_OK);
    assert_stands(place, 5);
    offer_free(&newer);
    offer_free(&older);
    offer_free(&backdated);
    offer_free(&mended);
}

static void a_forged_manifest_does_not(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    assert_int_equal(build(place, &first), GH_OK);
    offer_sign(&second, other_key);
    assert_int_equal(build(place, &second), GH_ERR_SIGNATURE);
    assert_stands(place, 1);
    offer_sign(&second, list_key);
    second.bytes[second.size - 1] ^= 1;
    assert_int_equal(build(place, &second), GH_ERR_SIGNATURE);
    assert_stands(place, 1);
    /* The same bytes, signed by the same key for another purpose. */
    struct gh_cose_sign1 message;
    uint8_t other[2048];
    struct gh_writer writer = gh_writer_over(other, sizeof(other));
    second.bytes[second.size - 1] ^= 1;
    assert_int_equal(gh_cose_parse(manifest_of(&second), false, &message), GH_OK);
    assert_int_equal(gh_cose_write(&writer, list_key, message.payload, (struct gh_bytes){0}),
                     GH_OK);
    assert_int_equal(gh_list_build(place->path, list_public,
                                   (struct gh_bytes){writer.data, writer.size},
                                   snapshot_of(&second), NULL),
                     GH_ERR_SIGNATURE);
    assert_stands(place, 1);
    offer_free(&first);
    offer_free(&second);
}

static void an_altered_snapshot_does_not(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    assert_int_equal(build(place, &first), GH_OK);
    for (size_t i = 0; i < second.snapshot.size; i++) {
        second.records[i] ^= 0x10;
        assert_int_equal(build(place, &second), GH_ERR_CORRUPT);
        second.records[i] ^= 0x10;
    }
    size_t whole = second.snapshot.size;
    for (second.snapshot.size = 0; second.snapshot.size < whole; second.snapshot.size++) {
        assert_int_equal(build(place, &second), GH_ERR_CORRUPT);
    }
    assert_stands(place, 1);
    assert_false(exists(place, ".new"));
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    offer_free(&first);
    offer_free(&second);
}

static void a_manifest_of_another_size_does_not(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    assert_int_equal(build(place, &first), GH_OK);
    second.manifest.snapshot_bytes++;
    assert_int_equal(gh_manifest_write(list_key, &second.manifest, &writer), GH_OK);
    assert_int_equal(gh_list_build(place->path, list_public,
                                   (struct gh_bytes){writer.data, writer.size},
                                   snapshot_of(&second), NULL),
                     GH_ERR_CORRUPT);
    assert_stands(place, 1);
    offer_free(&first);
    offer_free(&second);
}

/* The list key signed it, so the server itself is wrong: refused all the same. */
static void signed_bad_records_do_not(void **state)
{
    const struct place *place = *state;
    static const char *const wrong[] = {
        "8301020183010101",    /* unsorted */
        "8301010183010102",    /* twice */
        "830305018303050182",  /* twice, then cut */
        "820905",              /* an unknown kind */
        "830705018307050283",  /* a holder who is two */
        "83010104",            /* an unknown colour */
        "9bffffffffffffffff",  /* a huge count */
        "82020583030501820205" /* in the wrong order */
    };
    struct offer first = small(1);
    assert_int_equal(build(place, &first), GH_OK);
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct offer offer;
        offer_start(&offer, 2, 64);
        offer.snapshot.size = strlen(wrong[i]) / 2;
        assert_int_equal(
            gh_hex_decode(wrong[i], strlen(wrong[i]), offer.records, offer.snapshot.size), GH_OK);
        offer_sign(&offer, list_key);
        assert_int_equal(build(place, &offer), GH_ERR_CORRUPT);
        assert_stands(place, 1);
        assert_false(exists(place, ".new"));
        offer_free(&offer);
    }
    offer_free(&first);
}

static void an_empty_list_is_a_list(void **state)
{
    const struct place *place = *state;
    struct offer offer;
    struct gh_list *list;
    offer_start(&offer, 1, 1);
    offer_sign(&offer, list_key);
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    assert_true(ask(list, 1, 5).have_list);
    assert_false(ask(list, 1, 5).subject_known);
    gh_list_close(list);
    offer_free(&offer);
}

/* --- refresh ---------------------------------------------------------------------------------- */

static void a_newer_manifest_makes_the_list_young(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    int64_t before_s = offer.manifest.issued_at_s;
    assert_int_equal(build(place, &offer), GH_OK);
    offer.manifest.issued_at_s += 100;
    offer_sign(&offer, list_key);
    assert_int_equal(refresh(place, &offer), GH_OK);
    assert_int_equal(issue_time(place), before_s + 100);
    assert_stands(place, 1);
    offer.manifest.issued_at_s += 100;
    offer.manifest.policy.debounce_ms = 4000; /* a new generation may differ in its policy only */
    offer.manifest.generation = 3;
    offer_sign(&offer, list_key);
    assert_int_equal(refresh(place, &offer), GH_OK);
    assert_int_equal(issue_time(place), before_s + 200);
    assert_stands(place, 3);
    offer_free(&offer);
}

static void the_same_manifest_again_writes_nothing(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    char name[160];
    struct stat before, after;
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(refresh(place, &offer), GH_OK);
    assert_false(exists(place, ".manifest"));
    offer.manifest.issued_at_s++;
    offer_sign(&offer, list_key);
    assert_int_equal(refresh(place, &offer), GH_OK);
    snprintf(name, sizeof(name), "%s.manifest", place->path);
    assert_int_equal(stat(name, &before), 0);
    assert_int_equal(refresh(place, &offer), GH_OK);
    assert_int_equal(stat(name, &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    offer_free(&offer);
}

static void refresh_takes_nothing_else(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(3), other = small(4);
    assert_int_equal(refresh(place, &offer), GH_ERR_NOTFOUND);
    assert_int_equal(build(place, &offer), GH_OK);
    int64_t before_s = offer.manifest.issued_at_s;

    assert_int_equal(refresh(place, &other), GH_ERR_INVALID); /* its snapshot is another */
    offer.manifest.issued_at_s = before_s - 1;
    offer_sign(&offer, list_key);
    assert_int_equal(refresh(place, &offer), GH_ERR_ROLLBACK);
    offer.manifest.issued_at_s = before_s + 50;
    offer.manifest.generation = 2;
    offer_sign(&offer, list_key);
    assert_int_equal(refresh(place, &offer), GH_ERR_ROLLBACK);
    offer.manifest.generation = 3;
    snprintf(offer.manifest.area, sizeof(offer.manifest.area), "South");
    offer_sign(&offer, list_key);
    assert_int_equal(refresh(place, &offer), GH_ERR_INVALID);
    snprintf(offer.manifest.area, sizeof(offer.manifest.area), "North");
    offer_sign(&offer, other_key);
    assert_int_equal(refresh(place, &offer), GH_ERR_SIGNATURE);
    assert_int_equal(issue_time(place), before_s);
    /* Refreshed, the time of the refresh is what counts. */
    offer_sign(&offer, list_key);
    assert_int_equal(refresh(place, &offer), GH_OK);
    offer.manifest.issued_at_s = before_s + 49;
    offer_sign(&offer, list_key);
    assert_int_equal(refresh(place, &offer), GH_ERR_ROLLBACK);
    assert_int_equal(build(place, &offer), GH_ERR_ROLLBACK);
    assert_int_equal(issue_time(place), before_s + 50);
    offer_free(&offer);
    offer_free(&other);
}

static void a_damaged_refresh_leaves_the_list(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1), next = small(2);
    int64_t before_s = offer.manifest.issued_at_s;
    assert_int_equal(build(place, &offer), GH_OK);
    offer.manifest.issued_at_s += 100;
    offer_sign(&offer, list_key);
    put_file(place, ".manifest", offer.bytes, offer.size - 1);
    assert_int_equal(issue_time(place), before_s);
    put_file(place, ".manifest", "", 0);
    assert_int_equal(issue_time(place), before_s);
    offer_sign(&offer, other_key);
    put_file(place, ".manifest", offer.bytes, offer.size);
    assert_int_equal(issue_time(place), before_s);
    offer_sign(&offer, list_key);
    put_file(place, ".manifest", offer.bytes, offer.size);
    assert_int_equal(issue_time(place), before_s + 100); /* so it was the damage */
    /* Left over beside a newer list it means nothing, however young. */
    next.manifest.issued_at_s = offer.manifest.issued_at_s;
    offer_sign(&next, list_key);
    assert_int_equal(build(place, &next), GH_OK);
    assert_false(exists(place, ".manifest"));
    offer.manifest.issued_at_s += 5000;
    offer_sign(&offer, list_key);
    put_file(place, ".manifest", offer.bytes, offer.size);
    assert_int_equal(issue_time(place), next.manifest.issued_at_s);
    assert_stands(place, 2);
    offer_free(&offer);
    offer_free(&next);
}

/* Each condition alone keeps a manifest beside the list from counting. */
static void only_a_newer_manifest_of_this_list_counts(void **state)
{
    const struct place *place = *state;
    struct offer list = small(5), beside = small(5), other = small(6);
    int64_t built_s = list.manifest.issued_at_s;
    assert_int_equal(build(place, &list), GH_OK);
    for (int i = 0; i < 4; i++) {
        struct offer *offer = i == 2 ? &other : &beside;
        offer->manifest.generation = i == 1 ? 4 : i == 0 ? 5 : 6;
        offer->manifest.issued_at_s = i == 0 ? built_s - 1 : built_s + 10;
        snprintf(offer->manifest.area, GH_AREA_BYTES, i == 3 ? "South" : "North");
        offer_sign(offer, list_key);
        put_file(place, ".manifest", offer->bytes, offer->size);
        if (issue_time(place) != built_s) {
            fail_msg("case %d counts", i);
        }
    }
    snprintf(beside.manifest.area, GH_AREA_BYTES, "North");
    offer_sign(&beside, list_key);
    put_file(place, ".manifest", beside.bytes, beside.size);
    assert_int_equal(issue_time(place), built_s + 10);
    offer_free(&list);
    offer_free(&beside);
    offer_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_newer_list_replaces_an_older_one),
        TEST(an_older_list_does_not),
        TEST(a_forged_manifest_does_not),
        TEST(an_altered_snapshot_does_not),
        TEST(a_manifest_of_another_size_does_not),
        TEST(signed_bad_records_do_not),
        TEST(an_empty_list_is_a_list),
        TEST(a_newer_manifest_makes_the_list_young),
        TEST(the_same_manifest_again_writes_nothing),
        TEST(refresh_takes_nothing_else),
        TEST(a_damaged_refresh_leaves_the_list),
        TEST(only_a_newer_manifest_of_this_list_counts),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
