/* SPDX-License-Identifier: Apache-2.0 */
/* Lists as a server would send them, and where they go. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_LIST_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_LIST_FIXTURE_H

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/list.h"
#include "list_keys_fixture.h"
#include "place_fixture.h"

#define TIME_S 1583046000
#define HIGH (UINT64_C(1) << 63) /* identifiers beyond it are negative in SQLite */

/* --- a manifest and its snapshot --- */

struct offer {
    struct gh_manifest manifest;
    char path[160]; /* the snapshot's file */
    int fd;
    struct gh_snapshot_writer *snapshot;
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    size_t size;
};

static inline void tag_of(uint64_t generation, uint8_t tag[GH_LIST_TAG_BYTES])
{
    memset(tag, (int)(0x10 + generation % 200), GH_LIST_TAG_BYTES);
}

static inline struct gh_manifest manifest_at(uint64_t generation)
{
    struct gh_manifest manifest = {
        .area = "North", .generation = generation, .policy = gh_policy_initial()};
    manifest.issued_at_s = TIME_S + (int64_t)generation;
    tag_of(generation, manifest.tag);
    manifest.snapshot.number = generation;
    tag_of(generation, manifest.snapshot.tag);
    return manifest;
}

static inline struct gh_generation generation_at(uint64_t number)
{
    struct gh_generation generation = {.number = number};
    tag_of(number, generation.tag);
    return generation;
}

static inline void offer_start(struct offer *offer, const struct place *place, uint64_t generation)
{
    memset(offer, 0, sizeof(*offer));
    offer->manifest = manifest_at(generation);
    snprintf(offer->path, sizeof(offer->path), "%s/snapshot-%" PRIu64, place->folder, generation);
    offer->fd = open(offer->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(offer->fd >= 0);
    assert_int_equal(gh_snapshot_writer_new(offer->fd, &offer->snapshot), GH_OK);
}

/* The manifest, as it is now. */
static inline void offer_sign_again(struct offer *offer, const struct gh_private_key *key)
{
    struct gh_writer writer = gh_writer_over(offer->bytes, sizeof(offer->bytes));
    assert_int_equal(gh_manifest_write(key, &offer->manifest, &writer), GH_OK);
    offer->size = writer.size;
}

static inline void offer_sign(struct offer *offer, const struct gh_private_key *key)
{
    assert_int_equal(gh_snapshot_writer_finish(offer->snapshot, offer->manifest.snapshot_sha256,
                                               &offer->manifest.snapshot_bytes),
                     GH_OK);
    gh_snapshot_writer_free(offer->snapshot);
    offer->snapshot = NULL;
    close(offer->fd);
    offer->fd = -1;
    offer_sign_again(offer, key);
}

static inline struct gh_bytes manifest_of(const struct offer *offer)
{
    return (struct gh_bytes){offer->bytes, offer->size};
}

/* Three persons, homes and revocations. Subject 1 is green in odd generations and red in even ones,
 * so that a look-up tells which list it is; subject 2 lives in two homes, the other one nowhere. */
static inline void put_small(struct offer *offer, uint64_t generation)
{
    gh_snapshot_writer_home(offer->snapshot, 5);
    gh_snapshot_writer_home(offer->snapshot, 6);
    gh_snapshot_writer_home(offer->snapshot, HIGH + 6);
    gh_snapshot_writer_subject(offer->snapshot, 1, generation % 2 ? GH_COLOUR_GREEN : GH_COLOUR_RED,
                               (gh_id[]){5}, 1);
    gh_snapshot_writer_subject(offer->snapshot, 2, GH_COLOUR_GREEN, (gh_id[]){5, HIGH + 6}, 2);
    gh_snapshot_writer_subject(offer->snapshot, HIGH + 1, GH_COLOUR_YELLOW, NULL, 0);
    gh_snapshot_writer_revoked(offer->snapshot, 90);
    gh_snapshot_writer_revoked(offer->snapshot, HIGH + 91);
}

static inline struct offer small(const struct place *place, uint64_t generation)
{
    struct offer offer;
    offer_start(&offer, place, generation);
    put_small(&offer, generation);
    offer_sign(&offer, list_key);
    return offer;
}

/* So many persons, each a member of one home. */
static inline struct offer large(const struct place *place, uint64_t generation, uint64_t people)
{
    struct offer offer;
    const uint64_t step = UINT64_MAX / (people + 1);
    offer_start(&offer, place, generation);
    for (uint64_t i = 1; i <= people; i++) {
        gh_snapshot_writer_home(offer.snapshot, i * step);
    }
    for (uint64_t i = 1; i <= people; i++) {
        gh_snapshot_writer_subject(offer.snapshot, i * step, GH_COLOUR_GREEN,
                                   (gh_id[]){(people + 1 - i) * step}, 1);
    }
    offer_sign(&offer, list_key);
    return offer;
}

/* --- a manifest and a delta that leads to it --- */

struct change {
    struct gh_manifest manifest;
    struct gh_delta_header header;
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    size_t size;
    uint8_t *plain;
    struct gh_writer records; /* over plain */
    uint8_t sealed[GH_DELTA_HEADER_MAX_BYTES];
    struct gh_delta delta;
    uint8_t *packed;
};

static inline void change_start(struct change *change, uint64_t from, uint64_t to, size_t capacity)
{
    memset(change, 0, sizeof(*change));
    change->manifest = manifest_at(to);
    change->plain = malloc(capacity);
    assert_non_null(change->plain);
    change->records = gh_writer_over(change->plain, capacity);
    snprintf(change->header.area, sizeof(change->header.area), "North");
    change->header.from = generation_at(from);
    change->header.to = generation_at(to);
}

static inline void change_sign(struct change *change, const struct gh_private_key *key)
{
    struct gh_writer header = gh_writer_over(change->sealed, sizeof(change->sealed));
    struct gh_writer manifest = gh_writer_over(change->bytes, sizeof(change->bytes));
    assert_false(change->records.overflow);
    assert_int_equal(gh_delta_seal(key, &change->header,
                                   (struct gh_bytes){change->records.data, change->records.size},
                                   &header, &change->packed, &change->delta.records.size),
                     GH_OK);
    change->delta.header = (struct gh_bytes){header.data, header.size};
    change->delta.records.data = change->packed;
    assert_int_equal(gh_manifest_write(key, &change->manifest, &manifest), GH_OK);
    change->size = manifest.size;
}

static inline void change_free(struct change *change)
{
    free(change->plain);
    free(change->packed);
}

/* From one small list to another. */
static inline void change_small(struct change *change, uint64_t from, uint64_t to)
{
    change_start(change, from, to, 512);
    gh_delta_put_subject(&change->records, 1, to % 2 ? GH_COLOUR_GREEN : GH_COLOUR_RED,
                         (gh_id[]){5}, 1);
    change_sign(change, list_key);
}

/* --- on the gate --- */

static inline void check_sentence(enum gh_status status, const struct gh_error *err)
{
    assert_int_equal(err->status, status); /* the sentence belongs to the status */
    assert_true(status == GH_OK || strlen(err->text) > 0);
}

static inline enum gh_status install_with(const struct place *place, const struct offer *offer,
                                          const struct gh_delta *delta)
{
    struct gh_error err = {0};
    enum gh_status status = gh_list_install(place->path, list_public, manifest_of(offer),
                                            offer->path, delta, NULL, &err);
    check_sentence(status, &err);
    return status;
}

static inline enum gh_status install(const struct place *place, const struct offer *offer)
{
    return install_with(place, offer, NULL);
}

static inline enum gh_status apply(const struct place *place, const struct change *change)
{
    struct gh_error err = {0};
    enum gh_status status =
        gh_list_apply(place->path, list_public, (struct gh_bytes){change->bytes, change->size},
                      &change->delta, &err);
    check_sentence(status, &err);
    return status;
}

static inline enum gh_status renew(const struct place *place, const struct offer *offer)
{
    struct gh_error err = {0};
    enum gh_status status = gh_list_renew(place->path, list_public, manifest_of(offer), &err);
    check_sentence(status, &err);
    return status;
}

static inline struct gh_list *open_list(const struct place *place)
{
    struct gh_list *list = NULL;
    struct gh_error err = {0};
    if (gh_list_open_latest(place->path, list_public, &list, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    return list;
}

static inline struct gh_list *open_offer(const struct place *place, const struct offer *offer)
{
    assert_int_equal(install(place, offer), GH_OK);
    return open_list(place);
}

static inline struct gh_answers ask(struct gh_list *list, gh_id subject, gh_id home)
{
    struct gh_credential health = {.kind = GH_KIND_HEALTH, .id = 1000, .subject = subject};
    struct gh_credential housing = {.kind = GH_KIND_HOUSING, .id = 1001, .home = home};
    struct gh_answers answers;
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    return answers;
}

/* The list at hand is whole, and of this generation. */
static inline void assert_stands(const struct place *place, uint64_t generation)
{
    struct gh_list *list = open_list(place);
    assert_int_equal(gh_list_manifest(list)->generation, generation);
    struct gh_answers answers = ask(list, 1, 5);
    assert_int_equal(answers.generation, generation);
    assert_int_equal(answers.subject_colour, generation % 2 ? GH_COLOUR_GREEN : GH_COLOUR_RED);
    assert_true(answers.member);
    gh_list_close(list);
}

static inline void digest_of(const struct place *place, uint8_t out[GH_SHA256_BYTES])
{
    struct gh_list *list = open_list(place);
    assert_int_equal(gh_list_digest(list, out), GH_OK);
    gh_list_close(list);
}

static inline int64_t issue_time(const struct place *place)
{
    struct gh_list *list = open_list(place);
    int64_t time_s = ask(list, 1, 5).issued_at_s;
    assert_int_equal(time_s, gh_list_manifest(list)->issued_at_s);
    gh_list_close(list);
    return time_s;
}

/* How many files of the list's folder end in this. */
static inline size_t count_files(const struct place *place, const char *ending)
{
    DIR *folder = opendir(place->path);
    struct dirent *entry;
    size_t count = 0;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        size_t size = strlen(entry->d_name), end = strlen(ending);
        count += size >= end && strcmp(entry->d_name + size - end, ending) == 0;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

/* The one list's file. */
static inline void find_file(const struct place *place, char out[256])
{
    DIR *folder = opendir(place->path);
    struct dirent *entry;
    out[0] = '\0';
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        size_t size = strlen(entry->d_name);
        if (size > 3 && strcmp(entry->d_name + size - 3, ".db") == 0) {
            assert_string_equal(out, "");
            snprintf(out, 256, "%s/%.64s", place->path, entry->d_name);
        }
    }
    closedir(folder);
    assert_true(out[0] != '\0');
}

static inline int make_place(void **state)
{
    /* A name with everything in it that means something to SQLite's URIs. */
    return make_place_of(state, "/tmp/gatehouse list?#%%XXXXXX", "list&%41");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

#endif
