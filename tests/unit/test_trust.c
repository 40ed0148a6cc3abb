/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/trust.h"

#define VECTORS "tests/vectors/codes"

static struct gh_issuer_key new_key(enum gh_key_type type, const char *issuer)
{
    struct gh_private_key *private_key = NULL;
    struct gh_public_key *key = NULL;
    assert_int_equal(gh_private_key_generate(type, &private_key), GH_OK);
    assert_int_equal(gh_private_key_public(private_key, &key), GH_OK);
    struct gh_issuer_key out = {.type = type, .purposes = GH_PURPOSE(GH_KIND_HEALTH)};
    out.raw_bytes = gh_public_key_raw(key, out.raw);
    snprintf(out.issuer, sizeof(out.issuer), "%s", issuer);
    gh_public_key_free(key);
    gh_private_key_free(private_key);
    return out;
}

static void key_id_of(const struct gh_issuer_key *key, uint8_t out[GH_KEY_ID_BYTES])
{
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){.data = key->raw, .size = key->raw_bytes}, hash);
    memcpy(out, hash, GH_KEY_ID_BYTES);
}

/* --- a set of keys ------------------------------------------------------------------------------
 */

static void test_find(void **state)
{
    (void)state;
    struct gh_issuer_key keys[] = {new_key(GH_KEY_ED25519, "one"), new_key(GH_KEY_P256, "two"),
                                   new_key(GH_KEY_ED25519, "three")};
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(keys, GH_ARRAY_SIZE(keys), &trust), GH_OK);
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++) {
        uint8_t id[GH_KEY_ID_BYTES], raw[GH_PUBLIC_KEY_MAX_BYTES];
        key_id_of(&keys[i], id);
        struct gh_trusted_key found;
        assert_true(gh_trust_find(trust, id, &found));
        assert_string_equal(found.issuer->issuer, keys[i].issuer);
        assert_int_equal(gh_public_key_raw(found.key, raw), keys[i].raw_bytes);
        assert_memory_equal(raw, keys[i].raw, keys[i].raw_bytes);
        for (size_t bit = 0; bit < 8 * sizeof(id); bit++) {
            id[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(gh_trust_find(trust, id, &found));
            assert_null(found.key);
            id[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    keys[0].issuer[0] = 'X'; /* they were copied */
    uint8_t id[GH_KEY_ID_BYTES];
    key_id_of(&keys[0], id);
    struct gh_trusted_key found;
    assert_true(gh_trust_find(trust, id, &found));
    assert_string_equal(found.issuer->issuer, "one");
    gh_trust_unref(trust);
}

static void test_nothing_trusted(void **state)
{
    (void)state;
    static const uint8_t id[GH_KEY_ID_BYTES];
    struct gh_trusted_key found;
    assert_false(gh_trust_find(NULL, id, &found));
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(NULL, 0, &trust), GH_OK);
    assert_false(gh_trust_find(trust, id, &found));
    gh_trust_unref(trust);
    gh_trust_unref(NULL);
    assert_null(gh_trust_ref(NULL));
}

static void test_keys_that_are_none(void **state)
{
    (void)state;
    struct gh_trust *trust;
    struct gh_issuer_key good = new_key(GH_KEY_P256, "good"), keys[2];

    keys[0] = keys[1] = good;
    trust = (struct gh_trust *)1;
    assert_int_equal(gh_trust_new(keys, 2, &trust), GH_ERR_EXISTS);
    assert_null(trust);

    keys[1] = new_key(GH_KEY_P256, "off the curve");
    keys[1].raw[64] ^= 1;
    assert_int_equal(gh_trust_new(keys, 2, &trust), GH_ERR_INVALID);
    keys[1] = new_key(GH_KEY_P256, "short");
    keys[1].raw_bytes--;
    assert_int_equal(gh_trust_new(keys, 2, &trust), GH_ERR_INVALID);
    keys[1].raw_bytes = SIZE_MAX;
    assert_int_equal(gh_trust_new(keys, 2, &trust), GH_ERR_INVALID);
    keys[1] = new_key(GH_KEY_ED25519, "another type");
    keys[1].type = GH_KEY_P256;
    assert_int_equal(gh_trust_new(keys, 2, &trust), GH_ERR_INVALID);
    keys[1] = new_key(GH_KEY_ED25519, "");
    memset(keys[1].issuer, 'x', sizeof(keys[1].issuer));
    assert_int_equal(gh_trust_new(keys, 2, &trust), GH_ERR_INVALID);
    assert_null(trust);
}

static void test_at_most_64(void **state)
{
    (void)state;
    static struct gh_issuer_key keys[GH_TRUST_KEYS_MAX + 1];
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++)
        keys[i] = new_key(GH_KEY_ED25519, "one of many");
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(keys, GH_TRUST_KEYS_MAX + 1, &trust), GH_ERR_TOOBIG);
    assert_null(trust);
    assert_int_equal(gh_trust_new(keys, GH_TRUST_KEYS_MAX, &trust), GH_OK);
    uint8_t id[GH_KEY_ID_BYTES];
    key_id_of(&keys[GH_TRUST_KEYS_MAX - 1], id);
    struct gh_trusted_key found;
    assert_true(gh_trust_find(trust, id, &found));
    gh_trust_unref(trust);
}

static void *ref_and_unref(void *context)
{
    struct gh_trust *trust = context;
    for (int i = 0; i < 10000; i++)
        gh_trust_unref(gh_trust_ref(trust));
    gh_trust_unref(trust); /* the reference that was taken for this thread */
    return NULL;
}

/* Freed once, by the last one; a sanitizer sees both too early and never. */
static void test_shared_between_threads(void **state)
{
    (void)state;
    struct gh_issuer_key key = new_key(GH_KEY_ED25519, "shared");
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(&key, 1, &trust), GH_OK);
    pthread_t threads[4];
    for (size_t i = 0; i < GH_ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, gh_trust_ref(trust)), 0);
    gh_trust_unref(trust);
    for (size_t i = 0; i < GH_ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* --- a folder -----------------------------------------------------------------------------------
 */

static char folder[64];
static char files[16][128];
static size_t files_count;

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/gh-trust-XXXXXX");
    files_count = 0;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    while (files_count > 0)
        (void)remove(files[--files_count]);
    return rmdir(folder);
}

static void put_file(const char *name, const void *data, size_t size)
{
    assert_true(files_count < GH_ARRAY_SIZE(files));
    char *path = files[files_count++];
    assert_int_equal(gh_path_join(folder, name, path, sizeof(files[0])), GH_OK);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put_text(const char *name, const char *text)
{
    put_file(name, text, strlen(text));
}

static void copy_file(const char *from, const char *name)
{
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(gh_file_read(from, 100000, &data, &size, NULL), GH_OK);
    put_file(name, data, size);
    free(data);
}

static void test_load_vectors(void **state)
{
    (void)state;
    struct gh_trust *trust = NULL;
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_trust_load(VECTORS "/trust", &trust, &err), GH_OK);
    static const char *const names[] = {VECTORS "/trust/issuer.ed25519.pem",
                                        VECTORS "/trust/issuer.p256.pem"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        struct gh_public_key *key = NULL;
        assert_int_equal(gh_public_key_load(names[i], &key, NULL), GH_OK);
        uint8_t id[GH_KEY_ID_BYTES];
        gh_public_key_id(key, id);
        struct gh_trusted_key found;
        assert_true(gh_trust_find(trust, id, &found));
        assert_string_equal(found.issuer->issuer, ""); /* any: a file's name proves nothing */
        assert_int_equal(found.issuer->purposes,
                         GH_PURPOSE(GH_KIND_HEALTH) | GH_PURPOSE(GH_KIND_HOUSING) |
                             GH_PURPOSE(GH_KIND_VISITOR) | GH_PURPOSE(GH_KIND_STAFF));
        assert_true(found.issuer->not_before_s <= 0);
        assert_true(found.issuer->not_after_s >= INT64_C(1) << 53);
        gh_public_key_free(key);
    }
    gh_trust_unref(trust);
}

static void test_load_passes_over(void **state)
{
    (void)state;
    copy_file(VECTORS "/trust/issuer.p256.pem", "a.pem");
    put_text("README.md", "no key\n");
    put_text("issuer.jwks.json", "{}");
    put_text("ca.der", "0");
    put_text(".hidden.pem", "no key");
    put_text(".pem", "no key");
    put_text("key.pem.bak", "no key");
    put_text("cert.pem", "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n");
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_load(folder, &trust, NULL), GH_OK);
    assert_non_null(trust);
    gh_trust_unref(trust);
}

static void test_load_empty(void **state)
{
    (void)state;
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_load(folder, &trust, NULL), GH_OK);
    gh_trust_unref(trust);
}

/* A folder that is trusted in part would look like one that is trusted. */
static void check_refused(enum gh_status expected, const char *word)
{
    struct gh_trust *trust = (struct gh_trust *)1;
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_trust_load(folder, &trust, &err), expected);
    assert_null(trust);
    assert_int_equal(err.status, expected);
    assert_non_null(strstr(err.text, word));
}

static void test_load_garbage(void **state)
{
    (void)state;
    copy_file(VECTORS "/trust/issuer.p256.pem", "good.pem");
    put_text("bad.pem", "not a key at all\n");
    check_refused(GH_ERR_CORRUPT, "bad.pem");
}

static void test_load_private_key(void **state)
{
    (void)state;
    copy_file(VECTORS "/issuer.ed25519.key", "private.pem");
    check_refused(GH_ERR_CORRUPT, "private.pem");
}

static void test_load_same_key_twice(void **state)
{
    (void)state;
    copy_file(VECTORS "/trust/issuer.p256.pem", "a.pem");
    copy_file(VECTORS "/trust/issuer.p256.pem", "b.pem");
    check_refused(GH_ERR_EXISTS, "same key");
}

static void test_load_no_folder(void **state)
{
    (void)state;
    struct gh_trust *trust = (struct gh_trust *)1;
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_trust_load("/nowhere/at/all", &trust, &err), GH_ERR_NOTFOUND);
    assert_null(trust);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_int_not_equal(gh_trust_load(VECTORS "/issuer.ed25519.key", &trust, NULL), GH_OK);
    assert_null(trust);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_nothing_trusted),
        cmocka_unit_test(test_keys_that_are_none),
        cmocka_unit_test(test_at_most_64),
        cmocka_unit_test(test_shared_between_threads),
        cmocka_unit_test(test_load_vectors),
        IN_FOLDER(test_load_passes_over),
        IN_FOLDER(test_load_empty),
        IN_FOLDER(test_load_garbage),
        IN_FOLDER(test_load_private_key),
        IN_FOLDER(test_load_same_key_twice),
        cmocka_unit_test(test_load_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
