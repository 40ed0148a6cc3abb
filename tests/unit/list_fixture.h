/* SPDX-License-Identifier: Apache-2.0 */
/* Lists as a server would send them, and where they go. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_LIST_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_LIST_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/list.h"
#include "place_fixture.h"

#define TIME_S 1583046000
#define HIGH (UINT64_C(1) << 63) /* identifiers beyond it are negative in SQLite */

static struct gh_private_key *list_key, *other_key;
static struct gh_public_key *list_public, *other_public;

/* A manifest and its snapshot as a server would send them. */
struct offer {
    struct gh_manifest manifest;
    uint8_t *records;
    struct gh_writer snapshot;
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    size_t size;
};

static inline void offer_start(struct offer *offer, uint64_t generation, size_t capacity)
{
    memset(offer, 0, sizeof(*offer));
    offer->records = malloc(capacity);
    assert_non_null(offer->records);
    offer->snapshot = gh_writer_over(offer->records, capacity);
    offer->manifest = (struct gh_manifest){
        .area = "North", .generation = generation, .policy = gh_policy_initial()};
    offer->manifest.issued_at_s = TIME_S + (int64_t)generation;
}

static inline void offer_sign(struct offer *offer, const struct gh_private_key *key)
{
    struct gh_writer writer = gh_writer_over(offer->bytes, sizeof(offer->bytes));
    struct gh_bytes snapshot = {offer->snapshot.data, offer->snapshot.size};
    assert_false(offer->snapshot.overflow);
    offer->manifest.snapshot_bytes = snapshot.size;
    gh_sha256(snapshot, offer->manifest.snapshot_sha256);
    assert_int_equal(gh_manifest_write(key, &offer->manifest, &writer), GH_OK);
    offer->size = writer.size;
}

static inline void offer_free(struct offer *offer)
{
    free(offer->records);
    offer->records = NULL;
}

/* Two persons, a home, a member and a revocation. Subject 1 is green in odd generations and red in
 * even ones, so that a look-up tells which list it is. */
static inline struct offer small(uint64_t generation)
{
    struct offer offer;
    offer_start(&offer, generation, 512);
    gh_snapshot_put_subject(&offer.snapshot, 1, generation % 2 ? GH_COLOUR_GREEN : GH_COLOUR_RED);
    gh_snapshot_put_subject(&offer.snapshot, HIGH + 1, GH_COLOUR_YELLOW);
    gh_snapshot_put_home(&offer.snapshot, 5);
    gh_snapshot_put_home(&offer.snapshot, HIGH + 6);
    gh_snapshot_put_member(&offer.snapshot, 5, 1);
    gh_snapshot_put_member(&offer.snapshot, 7, HIGH + 1); /* 7 is not approved */
    gh_snapshot_put_member(&offer.snapshot, HIGH + 6, 1);
    gh_snapshot_put_revoked(&offer.snapshot, 90);
    gh_snapshot_put_revoked(&offer.snapshot, HIGH + 91);
    offer_sign(&offer, list_key);
    return offer;
}

/* So many persons, each a member of one home. */
static inline struct offer large(uint64_t generation, uint64_t people)
{
    struct offer offer;
    const uint64_t step = UINT64_MAX / (people + 1);
    offer_start(&offer, generation, people * 80);
    for (uint64_t i = 1; i <= people; i++) {
        gh_snapshot_put_subject(&offer.snapshot, i * step, GH_COLOUR_GREEN);
    }
    for (uint64_t i = 1; i <= people; i++) {
        gh_snapshot_put_home(&offer.snapshot, i * step);
    }
    for (uint64_t i = 1; i <= people; i++) {
        gh_snapshot_put_member(&offer.snapshot, i * step, (people + 1 - i) * step);
    }
    offer_sign(&offer, list_key);
    return offer;
}

static inline struct gh_bytes manifest_of(const struct offer *offer)
{
    return (struct gh_bytes){offer->bytes, offer->size};
}

static inline struct gh_bytes snapshot_of(const struct offer *offer)
{
    return (struct gh_bytes){offer->snapshot.data, offer->snapshot.size};
}

static inline enum gh_status build(const struct place *place, const struct offer *offer)
{
    struct gh_error err = {0};
    enum gh_status status =
        gh_list_build(place->path, list_public, manifest_of(offer), snapshot_of(offer), &err);
    if (status != GH_OK) { /* the sentence belongs to the status */
        assert_int_equal(err.status, status);
        assert_true(strlen(err.text) > 0);
    }
    return status;
}

static inline struct gh_answers ask(struct gh_list *list, gh_id subject, gh_id home)
{
    struct gh_credential health = {.kind = GH_KIND_HEALTH, .id = 1000, .subject = subject};
    struct gh_credential housing = {.kind = GH_KIND_HOUSING, .id = 1001, .home = home};
    struct gh_answers answers;
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    return answers;
}

/* The list in path is whole, of this generation, and nothing half-done lies beside it. */
static inline void assert_stands(const struct place *place, uint64_t generation)
{
    struct gh_list *list;
    struct gh_error err = {0};
    if (gh_list_open(place->path, list_public, &list, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(gh_list_manifest(list)->generation, generation);
    struct gh_answers answers = ask(list, 1, 5);
    assert_int_equal(answers.generation, generation);
    assert_int_equal(answers.subject_colour, generation % 2 ? GH_COLOUR_GREEN : GH_COLOUR_RED);
    assert_true(answers.member);
    gh_list_close(list);
}

static inline bool exists(const struct place *place, const char *suffix)
{
    char name[160];
    snprintf(name, sizeof(name), "%s%s", place->path, suffix);
    return access(name, F_OK) == 0;
}

static inline void put_file(const struct place *place, const char *suffix, const void *data,
                            size_t size)
{
    char name[160];
    snprintf(name, sizeof(name), "%s%s", place->path, suffix);
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline struct gh_list *open_offer(const struct place *place, const struct offer *offer)
{
    struct gh_list *list = NULL;
    struct gh_error err = {0};
    if (build(place, offer) != GH_OK ||
        gh_list_open(place->path, list_public, &list, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    return list;
}

static inline enum gh_status refresh(const struct place *place, const struct offer *offer)
{
    struct gh_error err = {0};
    enum gh_status status = gh_list_refresh(place->path, list_public, manifest_of(offer), &err);
    assert_int_equal(err.status, status);
    return status;
}

static inline int64_t issue_time(const struct place *place)
{
    struct gh_list *list;
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    int64_t time_s = ask(list, 1, 5).issued_at_s;
    assert_int_equal(time_s, gh_list_manifest(list)->issued_at_s);
    gh_list_close(list);
    return time_s;
}

static inline int make_place(void **state)
{
    /* A name with everything in it that means something to SQLite's URIs. */
    return make_place_of(state, "/tmp/gatehouse list?#%%XXXXXX", "list&%41.db");
}

static inline int make_keys(void **state)
{
    (void)state;
    return gh_private_key_generate(GH_KEY_ED25519, &list_key) != GH_OK ||
           gh_private_key_generate(GH_KEY_ED25519, &other_key) != GH_OK ||
           gh_private_key_public(list_key, &list_public) != GH_OK ||
           gh_private_key_public(other_key, &other_public) != GH_OK;
}

static inline int free_keys(void **state)
{
    (void)state;
    gh_private_key_free(list_key);
    gh_private_key_free(other_key);
    gh_public_key_free(list_public);
    gh_public_key_free(other_public);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

#endif
