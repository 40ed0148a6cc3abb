/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/cose.h"
#include "gatehouse/file.h"
#include "gatehouse/list.h"

#define TIME_S 1583046000
#define HIGH (UINT64_C(1) << 63) /* identifiers beyond it are negative in SQLite */

static struct gh_private_key *list_key, *other_key;
static struct gh_public_key *list_public, *other_public;

struct place {
    char folder[64];
    char path[96];
};

/* A manifest and its snapshot as a server would send them. */
struct offer {
    struct gh_manifest manifest;
    uint8_t *records;
    struct gh_writer snapshot;
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    size_t size;
};

static void offer_start(struct offer *offer, uint64_t generation, size_t capacity)
{
    memset(offer, 0, sizeof(*offer));
    offer->records = malloc(capacity);
    assert_non_null(offer->records);
    offer->snapshot = gh_writer_over(offer->records, capacity);
    offer->manifest = (struct gh_manifest){
        .area = "North", .generation = generation, .policy = gh_policy_initial()};
    offer->manifest.issued_at_s = TIME_S + (int64_t)generation;
}

static void offer_sign(struct offer *offer, const struct gh_private_key *key)
{
    struct gh_writer writer = gh_writer_over(offer->bytes, sizeof(offer->bytes));
    struct gh_bytes snapshot = {offer->snapshot.data, offer->snapshot.size};
    assert_false(offer->snapshot.overflow);
    offer->manifest.snapshot_bytes = snapshot.size;
    gh_sha256(snapshot, offer->manifest.snapshot_sha256);
    assert_int_equal(gh_manifest_write(key, &offer->manifest, &writer), GH_OK);
    offer->size = writer.size;
}

static void offer_free(struct offer *offer)
{
    free(offer->records);
    offer->records = NULL;
}

/* Two persons, a home, a member and a revocation. Subject 1 is green in odd generations and red in
 * even ones, so that a look-up tells which list it is. */
static struct offer small(uint64_t generation)
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
static struct offer large(uint64_t generation, uint64_t people)
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

static struct gh_bytes manifest_of(const struct offer *offer)
{
    return (struct gh_bytes){offer->bytes, offer->size};
}

static struct gh_bytes snapshot_of(const struct offer *offer)
{
    return (struct gh_bytes){offer->snapshot.data, offer->snapshot.size};
}

static enum gh_status build(const struct place *place, const struct offer *offer)
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

static struct gh_answers ask(struct gh_list *list, gh_id subject, gh_id home)
{
    struct gh_credential health = {.kind = GH_KIND_HEALTH, .id = 1000, .subject = subject};
    struct gh_credential housing = {.kind = GH_KIND_HOUSING, .id = 1001, .home = home};
    struct gh_answers answers;
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    return answers;
}

/* The list in path is whole, of this generation, and nothing half-done lies beside it. */
static void assert_stands(const struct place *place, uint64_t generation)
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

static bool exists(const struct place *place, const char *suffix)
{
    char name[160];
    snprintf(name, sizeof(name), "%s%s", place->path, suffix);
    return access(name, F_OK) == 0;
}

static void put_file(const struct place *place, const char *suffix, const void *data, size_t size)
{
    char name[160];
    snprintf(name, sizeof(name), "%s%s", place->path, suffix);
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    if (place == NULL) {
        return -1;
    }
    /* A name with everything in it that means something to SQLite's URIs. */
    strcpy(place->folder, "/tmp/gatehouse list?#%%XXXXXX");
    if (mkdtemp(place->folder) == NULL) {
        free(place);
        return -1;
    }
    snprintf(place->path, sizeof(place->path), "%s/list&%%41.db", place->folder);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    DIR *folder = opendir(place->folder);
    if (folder != NULL) {
        struct dirent *entry;
        while ((entry = readdir(folder)) != NULL) {
            unlinkat(dirfd(folder), entry->d_name, 0);
        }
        closedir(folder);
    }
    int result = rmdir(place->folder);
    free(place);
    return result;
}

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

static struct gh_list *open_offer(const struct place *place, const struct offer *offer)
{
    struct gh_list *list = NULL;
    struct gh_error err = {0};
    if (build(place, offer) != GH_OK ||
        gh_list_open(place->path, list_public, &list, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    return list;
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

/* --- keys --------------------------------------------------------------------------------------
 */

/* RFC 7515, appendix A.3: a P-256 point; and RFC 8032, section 7.1, test 1. */
#define P256_X "7fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445"
#define P256_Y "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad"
#define ED25519_RAW "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static struct gh_issuer_key own_key(void)
{
    struct gh_issuer_key key = {.type = GH_KEY_ED25519,
                                .raw_bytes = 32,
                                .purposes = GH_PURPOSE(GH_KIND_HEALTH),
                                .not_before_s = 3,
                                .not_after_s = 4,
                                .issuer = "us"};
    assert_int_equal(gh_hex_decode(ED25519_RAW, 64, key.raw, 32), GH_OK);
    return key;
}

static struct gh_issuer_key foreign_key(enum gh_kind kind)
{
    struct gh_issuer_key key = {.type = GH_KEY_P256,
                                .raw_bytes = 65,
                                .purposes = GH_PURPOSE(kind),
                                .groups = kind == GH_KIND_HCERT ? GH_GROUP(GH_FACT_TEST) : 0,
                                .not_before_s = 5,
                                .not_after_s = 6,
                                .revoked = true,
                                .issuer = "https://foreign.example",
                                .key_id = {9, 8, 7, 6, 5, 4, 3, 2}};
    key.raw[0] = 4;
    assert_int_equal(gh_hex_decode(P256_X P256_Y, 128, key.raw + 1, 64), GH_OK);
    return key;
}

static struct offer with_keys(uint64_t generation)
{
    struct offer offer = small(generation);
    struct gh_issuer_key hcert = foreign_key(GH_KIND_HCERT), shc = foreign_key(GH_KIND_SHC);
    uint8_t *more = realloc(offer.records, 4096);
    assert_non_null(more);
    offer.records = offer.snapshot.data = more;
    offer.snapshot.capacity = 4096;
    offer.manifest.keys[0] = own_key();
    offer.manifest.key_count = 1;
    gh_snapshot_put_key(&offer.snapshot, &hcert);
    gh_snapshot_put_key(&offer.snapshot, &shc);
    memset(offer.manifest.holder_secret, 0x5e, GH_HOLDER_SECRET_BYTES);
    offer_sign(&offer, list_key);
    return offer;
}

static void assert_key(const struct gh_issuer_key *key, const struct gh_issuer_key *expected)
{
    assert_int_equal(key->type, expected->type);
    assert_int_equal(key->raw_bytes, expected->raw_bytes);
    assert_memory_equal(key->raw, expected->raw, expected->raw_bytes);
    assert_int_equal(key->purposes, expected->purposes);
    assert_int_equal(key->groups, expected->groups);
    assert_true(key->not_before_s == expected->not_before_s);
    assert_true(key->not_after_s == expected->not_after_s);
    assert_int_equal(key->revoked, expected->revoked);
    assert_string_equal(key->issuer, expected->issuer);
}

static void the_trust_holds_the_keys_of_both(void **state)
{
    const struct place *place = *state;
    struct offer offer = with_keys(1);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_trust *trust = NULL;
    struct gh_trusted_key found;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    gh_list_close(list); /* the trust lives on */
    assert_non_null(gh_trust_holder_secret(trust));
    assert_memory_equal(gh_trust_holder_secret(trust), offer.manifest.holder_secret,
                        GH_HOLDER_SECRET_BYTES);
    struct gh_issuer_key expected = own_key();
    uint8_t key_id[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){expected.raw, expected.raw_bytes}, key_id);
    assert_true(gh_trust_find(trust, GH_KIND_HEALTH, key_id, 0, &found));
    assert_key(found.issuer, &expected);
    assert_false(gh_trust_find(trust, GH_KIND_HEALTH, expected.key_id, 0, &found));
    expected = foreign_key(GH_KIND_HCERT);
    assert_true(gh_trust_find(trust, GH_KIND_HCERT, expected.key_id, 0, &found));
    assert_key(found.issuer, &expected);
    assert_false(gh_trust_find(trust, GH_KIND_HCERT, expected.key_id, 1, &found));
    /* RFC 7638 over the JWK, by another program. */
    static const uint8_t thumbprint[] = {0xa0, 0xa2, 0x32, 0xc2, 0xf1, 0x94, 0xa5, 0x35};
    expected = foreign_key(GH_KIND_SHC);
    assert_true(gh_trust_find(trust, GH_KIND_SHC, thumbprint, 0, &found));
    assert_key(found.issuer, &expected);
    gh_trust_unref(trust);
    offer_free(&offer);
}

static void without_keys_or_secret_there_is_a_trust(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    assert_non_null(trust);
    assert_null(gh_trust_holder_secret(trust)); /* zeros are no secret */
    gh_trust_unref(trust);
    gh_list_close(list);
    offer_free(&offer);
}

/* A list whose keys make no trust would shut everybody out: the one before stands. */
static void keys_that_are_none_replace_no_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1);
    assert_int_equal(build(place, &first), GH_OK);
    for (int i = 0; i < 3; i++) {
        struct offer offer = small(2);
        struct gh_issuer_key key = foreign_key(GH_KIND_SHC), other = key;
        struct gh_error err = {0};
        uint8_t *more = realloc(offer.records, 4096);
        assert_non_null(more);
        offer.records = offer.snapshot.data = more;
        offer.snapshot.capacity = 4096;
        switch (i) {
        case 0: /* off the curve */
            key.raw[64] ^= 1;
            break;
        case 1: /* too short */
            key.raw_bytes = 64;
            break;
        case 2: /* one key under two ids, which are not what names it */
            other.key_id[0]++;
            break;
        }
        gh_snapshot_put_key(&offer.snapshot, &key);
        if (i == 2) {
            gh_snapshot_put_key(&offer.snapshot, &other);
        }
        offer_sign(&offer, list_key);
        assert_int_equal(
            gh_list_build(place->path, list_public, manifest_of(&offer), snapshot_of(&offer), &err),
            GH_ERR_CORRUPT);
        assert_string_equal(err.text, i == 2 ? "an issuer's key is in the list twice"
                                             : "the list's issuer's key 1 (0908070605040302) is "
                                               "not valid");
        assert_stands(place, 1);
        assert_false(exists(place, ".new"));
        offer_free(&offer);
    }
    offer_free(&first);
}

static void keys_are_limited(void **state)
{
    const struct place *place = *state;
    struct gh_issuer_key key = foreign_key(GH_KIND_HCERT);
    struct offer offer;
    struct gh_error err = {0};
    offer_start(&offer, 1, (GH_TRUST_KEYS_MAX + 1) * 128);
    for (unsigned i = 0; i < GH_TRUST_KEYS_MAX; i++) {
        key.key_id[0] = (uint8_t)(i >> 8);
        key.key_id[1] = (uint8_t)i;
        gh_snapshot_put_key(&offer.snapshot, &key);
    }
    offer_sign(&offer, list_key);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_trust *trust = NULL;
    struct gh_trusted_key found;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    assert_true(gh_trust_find(trust, GH_KIND_HCERT, key.key_id, 0, &found));
    gh_trust_unref(trust);
    gh_list_close(list);
    /* One more, of our own: together they are too many. */
    offer.manifest.keys[0] = own_key();
    offer.manifest.key_count = 1;
    offer.manifest.generation++;
    offer_sign(&offer, list_key);
    assert_int_equal(
        gh_list_build(place->path, list_public, manifest_of(&offer), snapshot_of(&offer), &err),
        GH_ERR_CORRUPT);
    assert_string_equal(err.text, "the list has more than 4096 issuers' keys");
    offer_free(&offer);
}

/* A stored key is read by the rules of the snapshot: what the card made of it is not believed. */
static void damaged_keys_make_no_trust(void **state)
{
    const struct place *place = *state;
    static const char *const changes[] = {
        "UPDATE issuer_key SET record = x'' WHERE number = 1",
        "UPDATE issuer_key SET record = record || x'00' WHERE number = 1",
        "UPDATE issuer_key SET record = x'820205' WHERE number = 2",
        "UPDATE issuer_key SET record = substr(record, 1, 30) WHERE number = 2",
        "UPDATE issuer_key SET record = (SELECT record FROM issuer_key WHERE number = 1)",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(changes); i++) {
        struct offer offer = with_keys(1);
        sqlite3 *db;
        struct gh_trust *trust = (struct gh_trust *)1;
        assert_int_equal(build(place, &offer), GH_OK);
        assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        assert_true(sqlite3_changes(db) > 0);
        sqlite3_close(db);
        struct gh_list *list;
        assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
        assert_int_equal(gh_list_trust(list, &trust), GH_ERR_CORRUPT);
        assert_null(trust);
        gh_list_close(list);
        offer_free(&offer);
    }
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

static enum gh_status refresh(const struct place *place, const struct offer *offer)
{
    struct gh_error err = {0};
    enum gh_status status = gh_list_refresh(place->path, list_public, manifest_of(offer), &err);
    assert_int_equal(err.status, status);
    return status;
}

static int64_t issue_time(const struct place *place)
{
    struct gh_list *list;
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    int64_t time_s = ask(list, 1, 5).issued_at_s;
    assert_int_equal(time_s, gh_list_manifest(list)->issued_at_s);
    gh_list_close(list);
    return time_s;
}

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

/* --- opening ---------------------------------------------------------------------------------- */

static enum gh_status open_status(const struct place *place, const struct gh_public_key *key)
{
    struct gh_error err = {0};
    struct gh_list *list = (struct gh_list *)1;
    enum gh_status status = gh_list_open(place->path, key, &list, &err);
    if (status == GH_OK) {
        gh_list_close(list);
    } else {
        assert_null(list);
        assert_int_equal(err.status, status);
    }
    return status;
}

static void what_is_no_list_is_not_opened(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    sqlite3 *db;
    assert_int_equal(open_status(place, list_public), GH_ERR_NOTFOUND);
    assert_false(exists(place, ""));
    put_file(place, "", "", 0);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    put_file(place, "", "no database, but long enough to be taken for one, if one did not look",
             69);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK); /* another program's */
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE subject(id)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    assert_int_equal(build(place, &offer), GH_OK); /* and is no hindrance */
    assert_int_equal(open_status(place, list_public), GH_OK);
    assert_int_equal(open_status(place, other_public), GH_ERR_SIGNATURE);
    offer_free(&offer);
}

/* A gate that was upgraded holds a list file of the version before: that is as good as none, and is
 * fetched again, also in the same generation. */
static void a_list_of_another_version_is_replaced(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(3);
    static const char *const versions[] = {"PRAGMA user_version = 1", "PRAGMA user_version = 3"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(versions); i++) {
        sqlite3 *db;
        assert_int_equal(build(place, &offer), GH_OK);
        assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
        assert_int_equal(
            sqlite3_exec(db, "DROP TABLE recalled; DROP TABLE holder;", NULL, NULL, NULL),
            SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, versions[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        struct gh_list *list;
        struct gh_error err = {0};
        assert_int_equal(gh_list_open(place->path, list_public, &list, &err), GH_ERR_CORRUPT);
        assert_non_null(strstr(err.text, "is not a list of this version"));
        assert_int_equal(refresh(place, &offer), GH_ERR_CORRUPT); /* so it is fetched whole */
        assert_int_equal(build(place, &offer), GH_OK);
        assert_stands(place, 3);
    }
    offer_free(&offer);
}

static void a_list_of_another_key_is_replaced(void **state)
{
    const struct place *place = *state;
    struct offer other = small(9), offer = small(1);
    offer_sign(&other, other_key);
    assert_int_equal(
        gh_list_build(place->path, other_public, manifest_of(&other), snapshot_of(&other), NULL),
        GH_OK);
    assert_int_equal(build(place, &offer), GH_OK);
    assert_stands(place, 1);
    offer_free(&other);
    offer_free(&offer);
}

/* A card that loses bits: whatever is opened and asked, nothing falls over, and a manifest that is
 * believed is a true one. */
static void damaged_files_take_nothing_down(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    uint8_t *data;
    size_t size;
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_file_read(place->path, 1 << 20, &data, &size, NULL), GH_OK);
    unsigned opened = 0, refused = 0;
    for (size_t i = 0; i < size; i += i < 200 ? 1 : 37) {
        struct gh_list *list;
        data[i] ^= 0x81;
        put_file(place, "", data, size);
        if (gh_list_open(place->path, list_public, &list, NULL) == GH_OK) {
            struct gh_credential health = {.id = 90, .subject = 1};
            struct gh_credential housing = {.id = 91, .home = 5};
            struct gh_answers answers;
            struct gh_list_counts counts;
            enum gh_status status = gh_list_ask(list, &health, &housing, &answers);
            assert_true(status == GH_OK || !answers.have_list);
            status = gh_list_count(list, &counts);
            assert_int_equal(gh_list_manifest(list)->generation, 1);
            gh_list_close(list);
            opened++;
        } else {
            refused++;
        }
        data[i] ^= 0x81;
    }
    assert_true(opened > 0 && refused > 0); /* both ways were gone */
    for (size_t cut = 0; cut < size; cut += 512) {
        put_file(place, "", data, cut);
        enum gh_status status = open_status(place, list_public);
        assert_true(status == GH_OK || status == GH_ERR_CORRUPT || status == GH_ERR_SIGNATURE);
    }
    free(data);
    offer_free(&offer);
}

static void a_failing_look_up_lets_nobody_in(void **state)
{
    const struct place *place = *state;
    struct offer offer = large(1, 5000);
    struct gh_list *list;
    struct gh_answers answers;
    struct gh_credential health = {.id = 1000, .subject = UINT64_MAX / 5001 * 2500};
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    assert_int_equal(truncate(place->path, 8192), 0);
    memset(&answers, 0xff, sizeof(answers));
    enum gh_status status = gh_list_ask(list, &health, NULL, &answers);
    assert_true(status == GH_ERR_CORRUPT || status == GH_ERR_IO);
    assert_false(answers.have_list);
    assert_false(answers.subject_known);
    assert_false(answers.subject_has_home);
    gh_list_close(list);
    offer_free(&offer);
}

/* --- swapping --------------------------------------------------------------------------------- */

static void a_reader_goes_on_with_its_own_list(void **state)
{
    const struct place *place = *state;
    struct offer first = large(1, 5000), second = small(2);
    struct gh_list *list;
    const uint64_t step = UINT64_MAX / 5001;
    assert_int_equal(build(place, &first), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    assert_true(ask(list, step, 5000 * step).member);
    assert_int_equal(build(place, &second), GH_OK);
    for (uint64_t i = 1; i <= 5000; i += 7) { /* pages that were not read before the swap */
        struct gh_answers answers = ask(list, i * step, (5001 - i) * step);
        assert_true(answers.subject_known && answers.member);
        assert_int_equal(answers.generation, 1);
    }
    assert_stands(place, 2);
    gh_list_close(list);
    assert_stands(place, 2);
    offer_free(&first);
    offer_free(&second);
}

/* What an earlier file of this name left beside it must never be applied to the new file. */
static void a_hot_journal_of_another_file_is_not_applied(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    char victim[160], command[512];
    assert_int_equal(build(place, &first), GH_OK);
    snprintf(victim, sizeof(victim), "%s-victim", place->path);
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(place->path, 1 << 20, &data, &size, NULL), GH_OK);
    put_file(place, "-victim", data, size);
    free(data);
    /* A process that dies within a transaction whose pages are in the file already. */
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        sqlite3 *db;
        sqlite3_stmt *statement;
        if (sqlite3_open(victim, &db) != SQLITE_OK ||
            sqlite3_exec(db,
                         "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN IMMEDIATE;"
                         "UPDATE subject SET colour = 3; DELETE FROM revoked;"
                         "UPDATE manifest SET bytes = zeroblob(40000);",
                         NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(db, "SELECT 1", -1, &statement, NULL) != SQLITE_OK ||
            sqlite3_db_cacheflush(db) != SQLITE_OK) {
            _exit(1);
        }
        raise(SIGKILL);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
    assert_true(exists(place, "-victim-journal"));
    snprintf(command, sizeof(command), "%s-journal", victim);
    char beside[160];
    snprintf(beside, sizeof(beside), "%s-journal", place->path);
    assert_int_equal(build(place, &second), GH_OK);
    assert_int_equal(rename(command, beside), 0);
    assert_stands(place, 2);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    offer_free(&first);
    offer_free(&second);
}

static void left_over_temporary_files_are_replaced(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    char temporary[160], target[160];
    assert_int_equal(build(place, &first), GH_OK);
    put_file(place, ".new", "half a list", 11);
    put_file(place, ".new-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and more", 17);
    put_file(place, ".new-wal", "nonsense", 8);
    assert_stands(place, 1);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    assert_false(exists(place, ".new") || exists(place, ".new-journal") ||
                 exists(place, ".new-wal"));
    /* A link is never written through. */
    snprintf(temporary, sizeof(temporary), "%s.new", place->path);
    snprintf(target, sizeof(target), "%s-target", place->path);
    put_file(place, "-target", "precious", 8);
    assert_int_equal(symlink(target, temporary), 0);
    assert_int_equal(build(place, &second), GH_OK);
    assert_int_equal(link(target, temporary), 0);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(target, 100, &data, &size, NULL), GH_OK);
    assert_int_equal(size, 8);
    free(data);
    offer_free(&first);
    offer_free(&second);
}

static void two_builders_do_not_meet(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    char temporary[160];
    assert_int_equal(build(place, &first), GH_OK);
    snprintf(temporary, sizeof(temporary), "%s.new", place->path);
    int fd = open(temporary, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(build(place, &second), GH_ERR_BUSY);
    assert_true(exists(place, ".new")); /* the other one's */
    assert_stands(place, 1);
    close(fd);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    offer_free(&first);
    offer_free(&second);
}

/* Killed at any moment, a builder leaves the old list or the new one. */
static void a_killed_builder_leaves_a_whole_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = large(2, 3000);
    assert_int_equal(build(place, &first), GH_OK);
    unsigned killed = 0;
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        assert_int_not_equal(child, -1);
        if (child == 0) {
            for (;;) {
                if (gh_list_build(place->path, list_public, manifest_of(&second),
                                  snapshot_of(&second), NULL) != GH_OK) {
                    _exit(1);
                }
            }
        }
        struct timespec pause = {.tv_nsec = 1000000L * (i % 20) + 317000};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        int result;
        assert_int_equal(waitpid(child, &result, 0), child);
        killed += WIFSIGNALED(result) ? 1 : 0;
        struct gh_list *list;
        struct gh_error err = {0};
        if (gh_list_open(place->path, list_public, &list, &err) != GH_OK) {
            fail_msg("%s", err.text);
        }
        struct gh_list_counts counts;
        assert_int_equal(gh_list_count(list, &counts), GH_OK);
        assert_int_equal(counts.subjects, gh_list_manifest(list)->generation == 1 ? 2 : 3000);
        gh_list_close(list);
    }
    assert_int_equal(killed, 40);
    offer_free(&first);
    first = small(3);
    assert_int_equal(build(place, &first), GH_OK);
    assert_stands(place, 3);
    offer_free(&first);
    offer_free(&second);
}

/* --- disks ------------------------------------------------------------------------------------ */

/* A small file system of our own on the test's folder, gone when the process is; false where we may
 * not. */
static bool mount_small(const struct place *place, const char *options)
{
    static bool own_namespace;
    if (!own_namespace) {
        own_namespace =
            unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    }
    return own_namespace && mount("none", place->folder, "tmpfs", 0, options) == 0;
}

static void a_full_disk_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = large(2, 20000);
    if (!mount_small(place, "size=512k")) {
        print_message("no small file system may be mounted here\n");
        skip();
    }
    assert_int_equal(build(place, &first), GH_OK);
    assert_int_equal(build(place, &second), GH_ERR_NOSPACE);
    assert_false(exists(place, ".new")); /* and the room is free again */
    assert_stands(place, 1);
    offer_free(&second);
    second = small(2);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    /* Full to the last byte: not even a newer manifest fits. */
    FILE *filler = fopen(strcat(strcpy((char[160]){0}, place->folder), "/filler"), "wb");
    assert_non_null(filler);
    char block[4096] = {1};
    setbuf(filler, NULL);
    while (fwrite(block, sizeof(block), 1, filler) == 1) {
    }
    int64_t before_s = issue_time(place);
    second.manifest.issued_at_s += 100;
    offer_sign(&second, list_key);
    assert_int_equal(refresh(place, &second), GH_ERR_NOSPACE);
    assert_int_equal(issue_time(place), before_s);
    assert_int_equal(build(place, &second), GH_ERR_NOSPACE);
    assert_stands(place, 2);
    assert_int_equal(ftruncate(fileno(filler), 0), 0);
    fclose(filler);
    assert_int_equal(refresh(place, &second), GH_OK);
    assert_int_equal(issue_time(place), before_s + 100);
    assert_int_equal(umount(place->folder), 0);
    offer_free(&first);
    offer_free(&second);
}

/* The same without a disk of our own: over a limit of the process. */
static void a_file_size_limit_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = large(2, 20000);
    struct rlimit before, narrow;
    assert_int_equal(build(place, &first), GH_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    narrow = before;
    narrow.rlim_cur = 100 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    enum gh_status status = build(place, &second);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, GH_ERR_NOSPACE);
    assert_false(exists(place, ".new"));
    assert_stands(place, 1);
    offer_free(&first);
    offer_free(&second);
}

static void a_read_only_disk_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    bool mounted = mount_small(place, "size=512k");
    assert_int_equal(build(place, &first), GH_OK);
    if (mounted) {
        assert_int_equal(mount(NULL, place->folder, NULL, MS_REMOUNT | MS_RDONLY, "size=512k"), 0);
    } else if (geteuid() != 0) {
        assert_int_equal(chmod(place->folder, 0500), 0);
    } else {
        print_message("nothing can be made read-only here\n");
        skip();
    }
    assert_int_equal(build(place, &second), GH_ERR_READONLY);
    assert_stands(place, 1);
    first.manifest.issued_at_s++;
    offer_sign(&first, list_key);
    assert_int_equal(refresh(place, &first), GH_ERR_READONLY);
    assert_stands(place, 1);
    if (mounted) {
        assert_int_equal(umount(place->folder), 0);
    } else {
        assert_int_equal(chmod(place->folder, 0700), 0);
    }
    offer_free(&first);
    offer_free(&second);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    struct place nowhere = {.path = "/nonexistent/gatehouse/list.db"};
    struct offer offer = small(1);
    (void)state;
    assert_int_equal(build(&nowhere, &offer), GH_ERR_NOTFOUND);
    assert_int_equal(open_status(&nowhere, list_public), GH_ERR_NOTFOUND);
    offer_free(&offer);
}

static int make_keys(void **state)
{
    (void)state;
    return gh_private_key_generate(GH_KEY_ED25519, &list_key) != GH_OK ||
           gh_private_key_generate(GH_KEY_ED25519, &other_key) != GH_OK ||
           gh_private_key_public(list_key, &list_public) != GH_OK ||
           gh_private_key_public(other_key, &other_public) != GH_OK;
}

static int free_keys(void **state)
{
    (void)state;
    gh_private_key_free(list_key);
    gh_private_key_free(other_key);
    gh_public_key_free(list_public);
    gh_public_key_free(other_public);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_what_the_snapshot_says),
        TEST(revoked_codes_are_found),
        TEST(a_recall_ends_codes_issued_before),
        TEST(a_revoked_hash_ends_a_certificate),
        TEST(a_holder_is_the_person_that_the_list_says),
        TEST(the_trust_holds_the_keys_of_both),
        TEST(without_keys_or_secret_there_is_a_trust),
        TEST(keys_that_are_none_replace_no_list),
        TEST(keys_are_limited),
        TEST(damaged_keys_make_no_trust),
        TEST(what_is_not_shown_is_not_answered),
        TEST(a_large_list_is_counted),
        TEST(the_file_is_private),
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
        TEST(what_is_no_list_is_not_opened),
        TEST(a_list_of_another_version_is_replaced),
        TEST(a_list_of_another_key_is_replaced),
        TEST(damaged_files_take_nothing_down),
        TEST(a_failing_look_up_lets_nobody_in),
        TEST(a_reader_goes_on_with_its_own_list),
        TEST(a_hot_journal_of_another_file_is_not_applied),
        TEST(left_over_temporary_files_are_replaced),
        TEST(two_builders_do_not_meet),
        TEST(a_killed_builder_leaves_a_whole_list),
        TEST(a_full_disk_leaves_the_old_list),
        TEST(a_file_size_limit_leaves_the_old_list),
        TEST(a_read_only_disk_leaves_the_old_list),
        TEST(a_folder_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
