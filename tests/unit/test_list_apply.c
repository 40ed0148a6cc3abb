/* SPDX-License-Identifier: Apache-2.0 */
/* Changing the list at hand: deltas, and newer manifests of the same generation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "list_fixture.h"

static const uint8_t hash[GH_REVOCATION_BYTES] = {1}, other_hash[GH_REVOCATION_BYTES] = {2};

/* --- what a delta says is so ------------------------------------------------------------------ */

static struct gh_answers ask_one(struct gh_list *list, struct gh_credential health)
{
    struct gh_answers answers;
    assert_int_equal(gh_list_ask(list, &health, NULL, &answers), GH_OK);
    return answers;
}

static void everything_can_change(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct change change;
    struct gh_list_counts counts;
    assert_int_equal(install(place, &offer), GH_OK);
    change_start(&change, 1, 2, 1024);
    change.manifest.policy.home_rule = GH_HOME_NONE;
    gh_delta_put_subject(&change.records, 1, GH_COLOUR_RED, (gh_id[]){6, 7, HIGH + 6}, 3);
    gh_delta_put_subject(&change.records, 2, GH_COLOUR_YELLOW, NULL, 0);
    gh_delta_put_subject(&change.records, 3, GH_COLOUR_GREEN, (gh_id[]){7}, 1); /* new */
    gh_delta_drop_subject(&change.records, HIGH + 1);
    gh_delta_drop_subject(&change.records, 99); /* never was there */
    gh_delta_put_home(&change.records, 7);      /* behind who lives there */
    gh_delta_put_home(&change.records, 6);      /* was there before */
    gh_delta_drop_home(&change.records, 5);
    gh_delta_put_revoked(&change.records, 91);
    gh_delta_drop_revoked(&change.records, 90);
    gh_delta_put_recalled(&change.records, 3, TIME_S);
    gh_delta_put_hash(&change.records, hash, INT64_MAX);
    gh_delta_put_hash(&change.records, other_hash, TIME_S);
    gh_delta_put_holder(&change.records, 70, 3);
    change_sign(&change, list_key);
    assert_int_equal(apply(place, &change), GH_OK);
    change_free(&change);

    struct gh_list *list = open_list(place);
    assert_int_equal(gh_list_manifest(list)->generation, 2);
    assert_int_equal(gh_list_manifest(list)->policy.home_rule, GH_HOME_NONE);
    assert_int_equal(ask(list, 1, 5).subject_colour, GH_COLOUR_RED);
    assert_false(ask(list, 1, 5).member || ask(list, 1, 5).home_approved);
    assert_true(ask(list, 1, 6).member && ask(list, 1, 7).member && ask(list, 1, HIGH + 6).member);
    assert_int_equal(ask(list, 2, 5).subject_colour, GH_COLOUR_YELLOW);
    assert_false(ask(list, 2, 5).subject_has_home || ask(list, 2, HIGH + 6).member);
    assert_true(ask(list, 3, 7).member && ask(list, 3, 7).home_approved);
    assert_false(ask(list, HIGH + 1, 7).subject_known);
    assert_false(ask_one(list, (struct gh_credential){.id = 90, .subject = 1}).health_revoked);
    assert_true(ask_one(list, (struct gh_credential){.id = 91, .subject = 1}).health_revoked);
    struct gh_credential health = {.kind = GH_KIND_HEALTH, .id = 1, .subject = 3};
    health.issued_at_s = TIME_S - 1;
    assert_true(ask_one(list, health).health_revoked);
    struct gh_credential shown = {.kind = GH_KIND_HCERT, .id = 1, .subject = 70};
    assert_true(ask_one(list, shown).subject == 3);
    shown.revocation_count = 1;
    memcpy(shown.revocations[0], hash, sizeof(hash));
    assert_true(ask_one(list, shown).health_revoked);
    assert_int_equal(gh_list_count(list, &counts), GH_OK);
    assert_int_equal(counts.subjects, 3);
    assert_int_equal(counts.homes, 3);
    assert_int_equal(counts.members, 4);
    assert_int_equal(counts.revoked, 2);
    gh_list_close(list);

    change_start(&change, 2, 3, 1024); /* and back */
    gh_delta_drop_recalled(&change.records, 3);
    gh_delta_drop_hash(&change.records, hash);
    gh_delta_put_hash(&change.records, other_hash, INT64_MAX);
    gh_delta_drop_holder(&change.records, 70);
    change_sign(&change, list_key);
    assert_int_equal(apply(place, &change), GH_OK);
    change_free(&change);
    list = open_list(place);
    assert_false(ask_one(list, health).health_revoked);
    assert_false(ask_one(list, shown).health_revoked);
    assert_int_equal(ask_one(list, shown).subject, 70);
    memcpy(shown.revocations[0], other_hash, sizeof(hash));
    shown.issued_at_s = INT64_MAX;
    assert_true(ask_one(list, shown).health_revoked);
    gh_list_close(list);
}

/* --- the same list, however it came to be ----------------------------------------------------- */

#define PEOPLE 40
#define HOMES 12

struct town {
    int colour[PEOPLE];        /* 0: not on the list */
    uint32_t lives_in[PEOPLE]; /* set of homes */
    bool home[HOMES], revoked[PEOPLE], holder[PEOPLE];
    int recalled[PEOPLE], hash[PEOPLE]; /* 0: not */
};

static gh_id id_of(unsigned i)
{
    return (i + 1) * UINT64_C(0x0600000000000001);
}

static size_t homes_in(const struct town *town, unsigned person, gh_id homes[GH_LIST_HOMES_MAX])
{
    size_t count = 0;
    for (unsigned i = 0; i < HOMES; i++)
        if ((town->lives_in[person] >> i & 1) != 0)
            homes[count++] = id_of(i);
    return count;
}

static struct offer offer_of(const struct town *town, const struct place *place,
                             uint64_t generation)
{
    struct offer offer;
    uint8_t bytes[GH_REVOCATION_BYTES] = {0};
    offer_start(&offer, place, generation);
    for (unsigned i = 0; i < HOMES; i++)
        if (town->home[i])
            gh_snapshot_writer_home(offer.snapshot, id_of(i));
    for (unsigned i = 0; i < PEOPLE; i++) {
        gh_id homes[GH_LIST_HOMES_MAX];
        size_t count = homes_in(town, i, homes);
        if (town->colour[i] != 0)
            gh_snapshot_writer_subject(offer.snapshot, id_of(i), (enum gh_colour)town->colour[i],
                                       homes, count);
    }
    for (unsigned i = 0; i < PEOPLE; i++)
        if (town->revoked[i])
            gh_snapshot_writer_revoked(offer.snapshot, id_of(i));
    for (unsigned i = 0; i < PEOPLE; i++)
        if (town->recalled[i] != 0)
            gh_snapshot_writer_recalled(offer.snapshot, id_of(i), town->recalled[i]);
    for (unsigned i = 0; i < PEOPLE; i++) {
        bytes[3] = (uint8_t)i;
        if (town->hash[i] != 0)
            gh_snapshot_writer_hash(offer.snapshot, bytes, town->hash[i]);
    }
    for (unsigned i = 0; i < PEOPLE; i++)
        if (town->holder[i])
            gh_snapshot_writer_holder(offer.snapshot, id_of(i), id_of(i / 2));
    offer_sign(&offer, list_key);
    return offer;
}

static void move_person(struct town *town, unsigned i, unsigned chance, struct gh_writer *records)
{
    gh_id homes[GH_LIST_HOMES_MAX];
    uint32_t some = (uint32_t)rand() & (uint32_t)rand();
    town->lives_in[i] = 0;
    town->colour[i] = (int)(chance % 4);
    for (unsigned home = 0; home < HOMES && town->colour[i] != 0; home++)
        if (town->home[home])
            town->lives_in[i] |= some & 1u << home;
    if (town->colour[i] == 0)
        gh_delta_drop_subject(records, id_of(i));
    else
        gh_delta_put_subject(records, id_of(i), (enum gh_colour)town->colour[i], homes,
                             homes_in(town, i, homes));
}

/* One change of each kind, some of which change nothing. */
static void change_town(struct town *town, struct gh_writer *records)
{
    uint8_t bytes[GH_REVOCATION_BYTES] = {0};
    unsigned home = (unsigned)rand() % HOMES;
    unsigned first = (unsigned)rand() % PEOPLE;
    if (!town->home[home]) { /* homes are built, and never abandoned */
        town->home[home] = true;
        gh_delta_put_home(records, id_of(home));
    }
    for (unsigned i = 0; i < 4; i++)
        move_person(town, (first + i * 7) % PEOPLE, (unsigned)rand(), records);
    unsigned i = (unsigned)rand() % PEOPLE;
    town->revoked[i] = rand() % 3 != 0;
    (town->revoked[i] ? gh_delta_put_revoked : gh_delta_drop_revoked)(records, id_of(i));
    town->recalled[i] = rand() % 3;
    if (town->recalled[i] != 0)
        gh_delta_put_recalled(records, id_of(i), town->recalled[i]);
    else
        gh_delta_drop_recalled(records, id_of(i));
    town->hash[i] = rand() % 3;
    bytes[3] = (uint8_t)i;
    if (town->hash[i] != 0)
        gh_delta_put_hash(records, bytes, town->hash[i]);
    else
        gh_delta_drop_hash(records, bytes);
    town->holder[i] = rand() % 3 != 0;
    if (town->holder[i])
        gh_delta_put_holder(records, id_of(i), id_of(i / 2));
    else
        gh_delta_drop_holder(records, id_of(i));
}

static void assert_same(const struct place *changed, const struct place *built)
{
    struct gh_list *lists[2] = {open_list(changed), open_list(built)};
    uint8_t digests[2][GH_SHA256_BYTES];
    struct gh_list_counts counts[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(gh_list_digest(lists[i], digests[i]), GH_OK);
        assert_int_equal(gh_list_count(lists[i], &counts[i]), GH_OK);
        gh_list_close(lists[i]);
    }
    assert_memory_equal(digests[0], digests[1], GH_SHA256_BYTES);
    assert_memory_equal(&counts[0], &counts[1], sizeof(counts[0]));
}

static void deltas_lead_to_what_a_snapshot_says(void **state)
{
    const struct place *place = *state;
    struct place built = *place, fetched = *place;
    struct town town = {0};
    snprintf(built.path, sizeof(built.path), "%s/built", place->folder);
    snprintf(fetched.path, sizeof(fetched.path), "%s/fetched", place->folder);
    struct offer offer = offer_of(&town, place, 1);
    assert_int_equal(install(place, &offer), GH_OK);
    srand(4);
    for (uint64_t generation = 2; generation < 60; generation++) {
        struct change change;
        change_start(&change, generation - 1, generation, 8192);
        change_town(&town, &change.records);
        change_sign(&change, list_key);
        assert_int_equal(apply(place, &change), GH_OK);
        struct offer whole = offer_of(&town, place, generation);
        assert_int_equal(install(&built, &whole), GH_OK);
        assert_same(place, &built);
        /* And by the snapshot before it, with the delta. */
        struct offer before = offer;
        before.manifest = change.manifest;
        before.manifest.snapshot = offer.manifest.snapshot;
        before.manifest.snapshot_bytes = offer.manifest.snapshot_bytes;
        memcpy(before.manifest.snapshot_sha256, offer.manifest.snapshot_sha256, GH_SHA256_BYTES);
        offer_sign_again(&before, list_key);
        assert_int_equal(install_with(&fetched, &before, &change.delta), GH_OK);
        assert_same(&fetched, &built);
        assert_int_equal(unlink(offer.path), 0);
        offer = whole;
        change_free(&change);
    }
}

/* --- writes to the card ----------------------------------------------------------------------- */

static off_t wal_bytes(const struct place *place)
{
    char path[256];
    struct stat info;
    find_file(place, path);
    strcat(path, "-wal");
    return stat(path, &info) == 0 ? info.st_size : 0;
}

static void a_small_delta_writes_little(void **state)
{
    const struct place *place = *state;
    const uint64_t people = 50000, step = UINT64_MAX / (people + 1);
    struct offer offer = large(place, 1, people);
    struct gh_list *list = open_offer(place, &offer);
    struct change change;
    change_start(&change, 1, 2, 512);
    gh_delta_put_subject(&change.records, 777 * step, GH_COLOUR_RED, NULL, 0);
    change_sign(&change, list_key);
    assert_int_equal(wal_bytes(place), 0);
    assert_int_equal(apply(place, &change), GH_OK);
    /* The person's page, the manifest's and the generation's: each once, with its frame's head. */
    assert_true(wal_bytes(place) > 0 && wal_bytes(place) <= 32 + 4 * (4096 + 24));
    change_free(&change);
    gh_list_close(list);
}

/* A view that is open holds nothing up: the WAL is written back, and begins anew. */
static void the_wal_stays_small(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct gh_list *list = open_offer(place, &offer);
    off_t most = 0;
    for (uint64_t generation = 2; generation < 600; generation++) {
        struct change change;
        change_small(&change, generation - 1, generation);
        assert_int_equal(apply(place, &change), GH_OK);
        change_free(&change);
        most = wal_bytes(place) > most ? wal_bytes(place) : most;
    }
    assert_true(most < 3 << 19);
    gh_list_close(list);
    assert_stands(place, 599);
}

/* --- newer manifests -------------------------------------------------------------------------- */

static void a_newer_manifest_counts(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct gh_list *list = open_offer(place, &offer);
    int64_t first_s = offer.manifest.issued_at_s;
    offer.manifest.issued_at_s = first_s + GH_LIST_RENEW_S;
    offer_sign_again(&offer, list_key);
    assert_int_equal(renew(place, &offer), GH_OK);
    assert_int_equal(issue_time(place), first_s + GH_LIST_RENEW_S);
    assert_int_equal(ask(list, 1, 5).issued_at_s, first_s); /* the view is as good as before */
    assert_true(ask(list, 1, 5).member);
    offer.manifest.issued_at_s--;
    offer_sign_again(&offer, list_key);
    assert_int_equal(renew(place, &offer), GH_ERR_ROLLBACK);
    assert_int_equal(issue_time(place), first_s + GH_LIST_RENEW_S);
    gh_list_close(list);
}

static void one_that_is_hardly_newer_is_not_written(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    int64_t first_s = offer.manifest.issued_at_s;
    gh_list_close(open_offer(place, &offer));
    for (int i = 0; i < 2; i++) {
        offer.manifest.issued_at_s = first_s + (i == 0 ? 0 : GH_LIST_RENEW_S - 1);
        offer_sign_again(&offer, list_key);
        assert_int_equal(renew(place, &offer), GH_OK);
        assert_int_equal(wal_bytes(place), 0);
        assert_int_equal(issue_time(place), first_s);
    }
}

static void a_manifest_of_another_list_does_not_count(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 3);
    assert_int_equal(install(place, &offer), GH_OK);
    for (int i = 0; i < 5; i++) {
        struct offer other = offer;
        other.manifest.issued_at_s += 10 * GH_LIST_RENEW_S;
        enum gh_status expected = GH_ERR_INVALID;
        switch (i) {
        case 0:
            other.manifest.generation = 4;
            break;
        case 1:
            other.manifest.tag[0]++;
            other.manifest.snapshot.number = 2;
            break;
        case 2:
            other.manifest.area[0] = 'S';
            break;
        case 3:
            other.manifest.generation = other.manifest.snapshot.number = 2;
            expected = GH_ERR_ROLLBACK;
            break;
        case 4:
            expected = GH_ERR_SIGNATURE;
            break;
        }
        offer_sign_again(&other, i == 4 ? other_key : list_key);
        assert_int_equal(renew(place, &other), expected);
        assert_int_equal(issue_time(place), TIME_S + 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_can_change),
        TEST(deltas_lead_to_what_a_snapshot_says),
        TEST(a_small_delta_writes_little),
        TEST(the_wal_stays_small),
        TEST(a_newer_manifest_counts),
        TEST(one_that_is_hardly_newer_is_not_written),
        TEST(a_manifest_of_another_list_does_not_count),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
