/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/crypto.h"

static const enum gh_key_type types[] = {GH_KEY_ED25519, GH_KEY_P256};

static char path[64];

static int make_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/gatehouse-crypto-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct gh_bytes view(const void *data, size_t size)
{
    return (struct gh_bytes){data, size};
}

/* Hex to bytes, in one of a few buffers that take turns. */
static struct gh_bytes hex(const char *text)
{
    static uint8_t buffers[4][128];
    static int turn;
    uint8_t *buffer = buffers[turn++ % 4];
    size_t size = strlen(text) / 2;
    assert_true(size <= sizeof(buffers[0]));
    assert_int_equal(gh_hex_decode(text, size * 2, buffer, size), GH_OK);
    return view(buffer, size);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_pem(const char *label, const char *base64)
{
    char text[4096];
    int used = snprintf(text, sizeof(text), "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < strlen(base64); i += 64) {
        used += snprintf(text + used, sizeof(text) - (size_t)used, "%.64s\n", base64 + i);
    }
    snprintf(text + used, sizeof(text) - (size_t)used, "-----END %s-----\n", label);
    write_file(text);
}

static struct gh_private_key *new_private(enum gh_key_type type)
{
    struct gh_private_key *key;
    assert_int_equal(gh_private_key_generate(type, &key), GH_OK);
    assert_non_null(key);
    return key;
}

static struct gh_public_key *public_of(const struct gh_private_key *key)
{
    struct gh_public_key *half;
    assert_int_equal(gh_private_key_public(key, &half), GH_OK);
    assert_non_null(half);
    return half;
}

static struct gh_public_key *from_raw(enum gh_key_type type, struct gh_bytes raw)
{
    struct gh_public_key *key;
    assert_int_equal(gh_public_key_from_raw(type, raw, &key), GH_OK);
    return key;
}

static void assert_raw(const struct gh_public_key *key, struct gh_bytes raw)
{
    uint8_t out[GH_PUBLIC_KEY_MAX_BYTES];
    assert_int_equal(gh_public_key_raw(key, out), raw.size);
    assert_memory_equal(out, raw.data, raw.size);
}

/* --- known answers
 * --------------------------------------------------------------------------------- */

/* RFC 8032, section 7.1, tests 1 to 3; the secret key inside the PKCS #8 of RFC 8410. */
static const struct {
    const char *pem, *raw, *message, *signature;
} ed25519_vectors[] = {
    {"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"MC4CAQAwBQYDK2VwBCIEIMWqjfQ/n4N77bdELzHct7Fm04U1B28JS4XOOi4LRFj3",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void ed25519_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(ed25519_vectors); i++) {
        struct gh_bytes raw = hex(ed25519_vectors[i].raw);
        struct gh_bytes message = hex(ed25519_vectors[i].message);
        struct gh_bytes expected = hex(ed25519_vectors[i].signature);
        struct gh_private_key *key;
        struct gh_error err = {0};
        write_pem("PRIVATE KEY", ed25519_vectors[i].pem);
        assert_int_equal(gh_private_key_load(path, &key, &err), GH_OK);
        assert_int_equal(gh_private_key_type(key), GH_KEY_ED25519);
        uint8_t signature[GH_SIGNATURE_BYTES];
        assert_int_equal(gh_sign(key, message, signature), GH_OK);
        assert_memory_equal(signature, expected.data, sizeof(signature));

        struct gh_public_key *half = public_of(key);
        assert_raw(half, raw);
        assert_int_equal(gh_verify(half, message, expected), GH_OK);
        gh_public_key_free(half);
        half = from_raw(GH_KEY_ED25519, raw);
        assert_int_equal(gh_verify(half, message, expected), GH_OK);
        assert_int_equal(gh_verify(half, view("x", 1), expected), GH_ERR_SIGNATURE);
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

/* RFC 7515, appendix A.3. */
#define JWS_RAW                                                                                    \
    "047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445"                           \
    "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad"
#define JWS_MESSAGE                                                                                \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"                        \
    "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define JWS_SIGNATURE                                                                              \
    "0ed1215379636c483c2f7f155807d402a3b228033af97c7e17819ac3169ea665"                             \
    "c50a07d38c3c70e5d8f12daf084a5480a66590c5f293509a8f3f7f8a83a354d5"
/* RFC 6979, appendix A.2.5, message "sample". */
#define DSA_RAW                                                                                    \
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                           \
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define DSA_SIGNATURE                                                                              \
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"                             \
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"

static void es256_known_answers(void **state)
{
    (void)state;
    struct gh_public_key *key = from_raw(GH_KEY_P256, hex(JWS_RAW));
    struct gh_bytes message = view(JWS_MESSAGE, strlen(JWS_MESSAGE));
    assert_int_equal(gh_public_key_type(key), GH_KEY_P256);
    assert_raw(key, hex(JWS_RAW));
    assert_int_equal(gh_verify(key, message, hex(JWS_SIGNATURE)), GH_OK);
    assert_int_equal(gh_verify(key, message, hex(DSA_SIGNATURE)), GH_ERR_SIGNATURE);
    message.size--;
    assert_int_equal(gh_verify(key, message, hex(JWS_SIGNATURE)), GH_ERR_SIGNATURE);
    gh_public_key_free(key);

    key = from_raw(GH_KEY_P256, hex(DSA_RAW));
    assert_int_equal(gh_verify(key, view("sample", 6), hex(DSA_SIGNATURE)), GH_OK);
    assert_int_equal(gh_verify(key, view("Sample", 6), hex(DSA_SIGNATURE)), GH_ERR_SIGNATURE);
    gh_public_key_free(key);
}

/* --- signing and verifying
 * ------------------------------------------------------------------------ */

static void what_is_signed_verifies(void **state)
{
    (void)state;
    static uint8_t message[100000];
    static const size_t sizes[] = {0, 1, 31, 32, 33, 1000, sizeof(message)};
    gh_random(message, sizeof(message));
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_private_key *key = new_private(types[t]);
        struct gh_public_key *half = public_of(key);
        struct gh_private_key *other = new_private(types[t]);
        struct gh_public_key *other_half = public_of(other);
        assert_int_equal(gh_private_key_type(key), types[t]);
        assert_int_equal(gh_public_key_type(half), types[t]);
        for (size_t i = 0; i < GH_ARRAY_SIZE(sizes); i++) {
            struct gh_bytes text = view(sizes[i] > 0 ? message : NULL, sizes[i]);
            uint8_t signature[GH_SIGNATURE_BYTES];
            assert_int_equal(gh_sign(key, text, signature), GH_OK);
            assert_int_equal(gh_verify(half, text, view(signature, 64)), GH_OK);
            assert_int_equal(gh_verify(half, text, view(signature, 64)), GH_OK); /* again */
            assert_int_equal(gh_verify(other_half, text, view(signature, 64)), GH_ERR_SIGNATURE);
            if (sizes[i] > 0) {
                message[sizes[i] / 2] ^= 0x10;
                assert_int_equal(gh_verify(half, text, view(signature, 64)), GH_ERR_SIGNATURE);
                message[sizes[i] / 2] ^= 0x10;
            }
        }
        gh_public_key_free(other_half);
        gh_private_key_free(other);
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

static void no_bit_of_a_signature_may_change(void **state)
{
    (void)state;
    static const uint8_t message[] = "one bit";
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_private_key *key = new_private(types[t]);
        struct gh_public_key *half = public_of(key);
        uint8_t signature[GH_SIGNATURE_BYTES];
        assert_int_equal(gh_sign(key, view(message, sizeof(message)), signature), GH_OK);
        for (size_t bit = 0; bit < sizeof(signature) * 8; bit++) {
            signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(gh_verify(half, view(message, sizeof(message)), view(signature, 64)),
                             GH_ERR_SIGNATURE);
            signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(gh_verify(half, view(message, sizeof(message)), view(signature, 64)),
                         GH_OK);
        assert_true(ERR_peek_error() == 0); /* a forged code leaves nothing for curl to find */
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

static void signatures_have_one_length(void **state)
{
    (void)state;
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_private_key *key = new_private(types[t]);
        struct gh_public_key *half = public_of(key);
        uint8_t signature[GH_SIGNATURE_BYTES * 2] = {0};
        assert_int_equal(gh_sign(key, view("x", 1), signature), GH_OK);
        for (size_t size = 0; size <= sizeof(signature); size++) {
            assert_int_equal(gh_verify(half, view("x", 1), view(signature, size)),
                             size == GH_SIGNATURE_BYTES ? GH_OK : GH_ERR_SIGNATURE);
        }
        assert_int_equal(gh_verify(half, view("x", 1), view(NULL, 0)), GH_ERR_SIGNATURE);
        assert_int_equal(gh_verify(half, view("x", 1), view(signature, SIZE_MAX)),
                         GH_ERR_SIGNATURE);
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

/* r and s are 32 bytes also when they begin with zeros: one in 128 signatures has one that does,
 * and half of the rest need the byte that keeps them positive in DER. */
static void es256_numbers_are_padded(void **state)
{
    (void)state;
    struct gh_private_key *key = new_private(GH_KEY_P256);
    struct gh_public_key *half = public_of(key);
    int short_r = 0, short_s = 0, rounds = 0;
    for (; rounds < 20000 && (short_r < 2 || short_s < 2); rounds++) {
        uint8_t signature[GH_SIGNATURE_BYTES];
        assert_int_equal(gh_sign(key, view(&rounds, sizeof(rounds)), signature), GH_OK);
        assert_int_equal(gh_verify(half, view(&rounds, sizeof(rounds)), view(signature, 64)),
                         GH_OK);
        short_r += signature[0] == 0;
        short_s += signature[32] == 0;
    }
    assert_true(short_r >= 2 && short_s >= 2);
    gh_public_key_free(half);
    gh_private_key_free(key);
}

static void strange_numbers_are_no_signature(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000001",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", /* the order n */
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", /* Ed25519's, LE */
        "0100000000000000000000000000000000000000000000000000000000000000", /* its identity */
    };
    struct gh_public_key *keys[] = {from_raw(GH_KEY_P256, hex(JWS_RAW)),
                                    from_raw(GH_KEY_ED25519, hex(ed25519_vectors[1].raw))};
    for (size_t k = 0; k < GH_ARRAY_SIZE(keys); k++) {
        for (size_t r = 0; r < GH_ARRAY_SIZE(numbers); r++) {
            for (size_t s = 0; s < GH_ARRAY_SIZE(numbers); s++) {
                uint8_t signature[GH_SIGNATURE_BYTES];
                memcpy(signature, hex(numbers[r]).data, 32);
                memcpy(signature + 32, hex(numbers[s]).data, 32);
                assert_int_equal(gh_verify(keys[k], view("x", 1), view(signature, 64)),
                                 GH_ERR_SIGNATURE);
            }
        }
        gh_public_key_free(keys[k]);
    }
}

/* Signing the same thing gives one Ed25519 signature; S + L must not be a second one. */
static void ed25519_signatures_have_one_spelling(void **state)
{
    (void)state;
    struct gh_public_key *key = from_raw(GH_KEY_ED25519, hex(ed25519_vectors[1].raw));
    struct gh_bytes order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    uint8_t signature[GH_SIGNATURE_BYTES];
    memcpy(signature, hex(ed25519_vectors[1].signature).data, sizeof(signature));
    unsigned int carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned int)signature[32 + i] + order.data[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(gh_verify(key, view("\x72", 1), view(signature, 64)), GH_ERR_SIGNATURE);
    gh_public_key_free(key);
}

struct verifier {
    const struct gh_public_key *key;
    uint8_t signature[GH_SIGNATURE_BYTES];
};

static void *verify_often(void *argument)
{
    const struct verifier *verifier = argument;
    for (int i = 0; i < 200; i++) {
        uint8_t signature[GH_SIGNATURE_BYTES];
        memcpy(signature, verifier->signature, sizeof(signature));
        enum gh_status expected = i % 2 == 0 ? GH_OK : GH_ERR_SIGNATURE;
        signature[i % 64] ^= i % 2 == 0 ? 0 : 1;
        if (gh_verify(verifier->key, view("shared", 6), view(signature, 64)) != expected) {
            return argument;
        }
    }
    return NULL;
}

static void one_key_verifies_in_many_threads(void **state)
{
    (void)state;
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_private_key *key = new_private(types[t]);
        struct gh_public_key *half = public_of(key);
        struct verifier verifier = {.key = half};
        assert_int_equal(gh_sign(key, view("shared", 6), verifier.signature), GH_OK);
        pthread_t threads[8];
        for (size_t i = 0; i < GH_ARRAY_SIZE(threads); i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &verifier), 0);
        }
        for (size_t i = 0; i < GH_ARRAY_SIZE(threads); i++) {
            void *failed;
            assert_int_equal(pthread_join(threads[i], &failed), 0);
            assert_null(failed);
        }
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

/* --- raw keys
 * --------------------------------------------------------------------------------------- */

static void assert_no_key(enum gh_key_type type, struct gh_bytes raw)
{
    struct gh_public_key *key = (struct gh_public_key *)path;
    assert_int_equal(gh_public_key_from_raw(type, raw, &key), GH_ERR_INVALID);
    assert_null(key);
    assert_true(ERR_peek_error() == 0);
}

static void raw_keys_have_one_length(void **state)
{
    (void)state;
    static const char *const good[] = {NULL, JWS_RAW};
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_bytes raw = hex(good[t] != NULL ? good[t] : ed25519_vectors[0].raw);
        for (size_t size = 0; size <= 100; size++) {
            if (size != raw.size) {
                assert_no_key(types[t], view(raw.data, size));
            }
        }
        assert_no_key(types[t], view(NULL, 0));
        assert_no_key(types[t], view(raw.data, SIZE_MAX));
        assert_no_key((enum gh_key_type)0, raw);
        assert_no_key((enum gh_key_type) - 9, raw);
        gh_public_key_free(from_raw(types[t], raw));
    }
}

static void points_off_the_curve_are_no_keys(void **state)
{
    (void)state;
    uint8_t point[65];
    for (size_t bit = 0; bit < sizeof(point) * 8; bit++) { /* also the forms 00, 02, 03, 05 .. */
        memcpy(point, hex(JWS_RAW).data, sizeof(point));
        point[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_no_key(GH_KEY_P256, view(point, sizeof(point)));
    }
    memset(point, 0, sizeof(point));
    assert_no_key(GH_KEY_P256, view(point, sizeof(point)));
    point[0] = 4;
    assert_no_key(GH_KEY_P256, view(point, sizeof(point)));
    /* The hybrid forms are the same point, spelled otherwise. */
    memcpy(point, hex(JWS_RAW).data, sizeof(point));
    point[0] = 6;
    assert_no_key(GH_KEY_P256, view(point, sizeof(point)));
    point[0] = 7;
    assert_no_key(GH_KEY_P256, view(point, sizeof(point)));
    gh_public_key_free(from_raw(
        GH_KEY_P256, hex("040000000000000000000000000000000000000000000000000000000000000000"
                         "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4")));
    /* x + p, y: the same point, were the numbers reduced. */
    assert_no_key(GH_KEY_P256,
                  hex("04ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
                      "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4"));
}

static void ed25519_points_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0200000000000000000000000000000000000000000000000000000000000000", /* y = 2: no x */
        "0700000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000", /* small order */
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = p + 0, 1, 3 */
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        assert_no_key(GH_KEY_ED25519, hex(bad[i]));
    }
    static const char *const good[] = {
        "0300000000000000000000000000000000000000000000000000000000000000",
        "0300000000000000000000000000000000000000000000000000000000000080",
        "5866666666666666666666666666666666666666666666666666666666666666", /* the base point */
        "eaffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++) {
        gh_public_key_free(from_raw(GH_KEY_ED25519, hex(good[i])));
    }
    for (int i = 0; i < 50; i++) { /* and no honest key is turned away */
        struct gh_private_key *key = new_private(GH_KEY_ED25519);
        gh_public_key_free(public_of(key));
        gh_private_key_free(key);
    }
}

static void key_ids_come_from_the_raw_key(void **state)
{
    (void)state;
    uint8_t id[GH_KEY_ID_BYTES];
    struct gh_public_key *key = from_raw(GH_KEY_ED25519, hex(ed25519_vectors[1].raw));
    gh_public_key_id(key, id);
    assert_memory_equal(id, hex("39f713d0a644253f").data, sizeof(id));
    gh_public_key_free(key);
    key = from_raw(GH_KEY_P256, hex(JWS_RAW));
    gh_public_key_id(key, id);
    assert_memory_equal(id, hex("dcd2446ca98830c8").data, sizeof(id));
    gh_public_key_free(key);
}

/* --- files
 * ------------------------------------------------------------------------------------------ */

static void private_keys_are_saved_and_loaded(void **state)
{
    (void)state;
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_private_key *key = new_private(types[t]), *loaded = NULL;
        struct gh_public_key *half = public_of(key);
        assert_int_equal(chmod(path, 0644), 0);
        assert_int_equal(gh_private_key_save(key, path, NULL), GH_OK);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
        assert_int_equal(gh_private_key_load(path, &loaded, NULL), GH_OK);
        assert_int_equal(gh_private_key_type(loaded), types[t]);
        uint8_t signature[GH_SIGNATURE_BYTES];
        assert_int_equal(gh_sign(loaded, view("x", 1), signature), GH_OK);
        assert_int_equal(gh_verify(half, view("x", 1), view(signature, 64)), GH_OK);
        struct gh_error err = {0};
        assert_int_equal(gh_private_key_save(key, "/tmp/gatehouse-missing/key", &err),
                         GH_ERR_NOTFOUND);
        assert_int_equal(err.status, GH_ERR_NOTFOUND);
        gh_private_key_free(loaded);
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

static void public_keys_travel_as_pem(void **state)
{
    (void)state;
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_private_key *key = new_private(types[t]);
        struct gh_public_key *half = public_of(key), *loaded;
        uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
        char pem[256], small[256];
        assert_int_equal(gh_public_key_pem(half, pem, sizeof(pem)), GH_OK);
        size_t size = strlen(pem);
        assert_int_equal(strncmp(pem, "-----BEGIN PUBLIC KEY-----\n", 27), 0);
        assert_int_equal(gh_public_key_pem(half, small, size + 1), GH_OK);
        assert_string_equal(small, pem);
        assert_int_equal(gh_public_key_pem(half, small, size), GH_ERR_TOOBIG);
        assert_int_equal(gh_public_key_pem(half, NULL, 0), GH_ERR_TOOBIG);
        write_file(pem);
        assert_int_equal(gh_public_key_load(path, &loaded, NULL), GH_OK);
        assert_int_equal(gh_public_key_type(loaded), types[t]);
        assert_raw(loaded, view(raw, gh_public_key_raw(half, raw)));
        gh_public_key_free(loaded);
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

#define P256_PRIVATE                                                                               \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIffH1136cspYG6+0iY7X1fCE9+E9LKh" \
    "RANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt"
#define P256_PUBLIC                                                                                \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs" \
    "3+257rn0s2ldbqkLJK2KRiMohYjlrQ=="

/* RFC 7515, appendix A.3 again, as files; the private one also without its public half. */
static void known_files_are_loaded(void **state)
{
    (void)state;
    static const char *const private_keys[] = {
        P256_PRIVATE, "MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCCOmxCecZCYv5gEh98fXXfpyylgbr7S"
                      "JjtfV8IT34T0sg=="};
    for (size_t i = 0; i < GH_ARRAY_SIZE(private_keys); i++) {
        struct gh_private_key *key = NULL;
        write_pem("PRIVATE KEY", private_keys[i]);
        assert_int_equal(gh_private_key_load(path, &key, NULL), GH_OK);
        assert_int_equal(gh_private_key_type(key), GH_KEY_P256);
        struct gh_public_key *half = public_of(key);
        assert_raw(half, hex(JWS_RAW));
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
    struct gh_public_key *key = NULL;
    write_pem("PUBLIC KEY", P256_PUBLIC);
    assert_int_equal(gh_public_key_load(path, &key, NULL), GH_OK);
    assert_raw(key, hex(JWS_RAW));
    gh_public_key_free(key);
}

/* Load both ways what is in the file now. */
static void assert_both_refuse(enum gh_status private_status, enum gh_status public_status)
{
    struct gh_private_key *private_key = (struct gh_private_key *)path;
    struct gh_public_key *public_key = (struct gh_public_key *)path;
    struct gh_error err = {0};
    assert_int_equal(gh_private_key_load(path, &private_key, &err), private_status);
    assert_null(private_key);
    assert_int_equal(err.status, private_status);
    assert_non_null(strstr(err.text, path));
    err = (struct gh_error){0};
    assert_int_equal(gh_public_key_load(path, &public_key, &err), public_status);
    assert_null(public_key);
    assert_int_equal(err.status, public_status);
    assert_non_null(strstr(err.text, path));
    assert_true(ERR_peek_error() == 0);
}

static void other_kinds_of_key_are_refused(void **state)
{
    (void)state;
    static const char *const private_keys[] = {
        /* X25519 */
        "MC4CAQAwBQYDK2VuBCIEIJjQld/VkhW1iT+ofTPnXv5QSlPMLWhrJ1EsTuZJ9oV9",
        /* Ed448 */
        "MEcCAQAwBQYDK2VxBDsEOW40TUKP4GBAzIJ0A9zYA2+udG+MeCOPDmon9wvF5vEWRVfJ/ZJIGotplUJpGXtRNk0P"
        "MRZVm44Zbw==",
        /* P-384 */
        "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCVz8l1M7L3TKHchKz9R9usxlGAL0eXBAe2W8lUODUL"
        "ZulBkamptDDHWufKxah6MXyhZANiAAQ38+ClhoJqDQBLlc9aGJ1xXqryo2Q0aFTG53Q9YDqIYOu99nbY6DFyPaRa"
        "Xu/iuY9bIiKTyyHK8VlIYDqVThjjt7xeywnQ4yw1QLzkC9g3ZetdyGD8k9IFcD18TkDQ5Ao=",
        /* secp256k1 */
        "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgqMoHUAhGcVICPXtIOKs0PDvpOqN0gzjKLA/bdwQQRseh"
        "RANCAATdGcuUMLZQBKtGLkDOO19EnIDUrH6Rm1Gpi6K9JQlqx1EVtGxmbXR9F7tuoGV7AZEoWj/3vspOnD3d/GT0"
        "NU42",
        /* an algorithm that nobody knows: 1.2.3.4 */
        "MCwCAQAwBQYDKgMEBCAwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ==",
    };
    static const char *const public_keys[] = {
        "MCowBQYDK2VuAyEAQ8085AooH8XsFEAZXG+1YFNE5uGXvgjxIGLzLakO/1Q=",
        "MEMwBQYDK2VxAzoAsAsTgO54B+hRzyuvcrX9rkklrTl+Z/SKhoIgkbymISduRQcIPWtybdcPpae6EDCqM0JsrvM7"
        "tqUA",
        "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEN/PgpYaCag0AS5XPWhidcV6q8qNkNGhUxud0PWA6iGDrvfZ22Ogxcj2k"
        "Wl7v4rmPWyIik8shyvFZSGA6lU4Y47e8XssJ0OMsNUC85AvYN2XrXchg/JPSBXA9fE5A0OQK",
        /* P-256, but with its curve described instead of named */
        "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////"
        "////MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7"
        "zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP"
        "40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVR"
        "AgEBA0IABHzAxPztZl1UeerRWmhx3KPaDVMQh5dinQLM8JC52ccNWr+Xko0lJuz/smt4EJT80hR0iUUhPCcvP1pw"
        "k2OBRDQ=",
        /* RSA */
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC754VleR0Z9wASOuOXJOT09QFwnfDiq5sgZB0Z0MhY3NqoYxIo"
        "Mb8IhoxKa2KRMOBXbrdkrdUx2AftnUOee39u4hyIQ3DEqMOTxveNXhlHWDrj0wEJTciJdB/RSeSMp0kO2GaVC7vQ"
        "7xyMQ1B9VP41YO7RkXb/efrpY9WAiRKoewIDAQAB",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(private_keys); i++) {
        write_pem("PRIVATE KEY", private_keys[i]);
        assert_both_refuse(GH_ERR_UNSUPPORTED, GH_ERR_CORRUPT);
        write_pem("PUBLIC KEY", public_keys[i]);
        assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_UNSUPPORTED);
    }
}

static void encrypted_keys_are_refused_without_asking(void **state)
{
    (void)state;
    write_pem(
        "ENCRYPTED PRIVATE KEY",
        "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAikUVLobE6BaAICCAAwDAYIKoZIhvcNAgkFADAd");
    assert_both_refuse(GH_ERR_UNSUPPORTED, GH_ERR_UNSUPPORTED);
    static const char *const labels[] = {"PRIVATE KEY", "PUBLIC KEY"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(labels); i++) {
        char text[600];
        snprintf(text, sizeof(text),
                 "-----BEGIN %s-----\nProc-Type: 4,ENCRYPTED\n"
                 "DEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n%s\n-----END %s-----\n",
                 labels[i], ed25519_vectors[0].pem, labels[i]);
        write_file(text);
        assert_both_refuse(GH_ERR_UNSUPPORTED, GH_ERR_UNSUPPORTED);
    }
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "not a key\n",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCow\n",
        "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        write_file(texts[i]);
        assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_CORRUPT);
    }
    static const char *const bodies[] = {
        "AAAA",
        "MAA=",
        /* the private number of another key than the public point */
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnCQmL+YBIffH1136cspYG6+0iY7X1fCE9+E"
        "9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpG"
        "IyiFiOWt",
        /* points: off P-256, compressed, of small order, with a byte too many */
        ("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b"
         "focs3+257rn0s2ldbqkLJK2KRiMohYjlrA=="),
        "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAC94HSNzpt4WTE1D0nY1VmUKevj1IsMBbOPFoaSWyGlZ0=",
        "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0ZgwA",
        /* private key of 31 bytes */
        "MC0CAQAwBQYDK2VwBCEEH0zNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKY=",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(bodies); i++) {
        write_pem("PRIVATE KEY", bodies[i]);
        assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_CORRUPT);
        write_pem("PUBLIC KEY", bodies[i]);
        assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_CORRUPT);
    }
    write_pem("EC PRIVATE KEY", /* SEC 1, not PKCS #8 */
              "MHcCAQEEIO08jpdQq5jpCJUxIz2YS9dDq3e1PkxlTn63JGL06eOZoAoGCCqGSM49AwEHoUQDQgAE94HSNzpt"
              "4WTE1D0nY1VmUKevj1IsMBbOPFoaSWyGlZ3bu0ofNobiiITN2cDoXn32k0Ua5KIihAPPbTVOxKBhxg==");
    assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_CORRUPT);
}

static void key_files_have_a_limit(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, '\n', sizeof(text) - 1);
    write_file(text);
    assert_both_refuse(GH_ERR_TOOBIG, GH_ERR_TOOBIG);
    char made[sizeof(path)];
    memcpy(made, path, sizeof(path));
    strcpy(path, "/tmp");
    assert_both_refuse(GH_ERR_INVALID, GH_ERR_INVALID);
    strcpy(path, "/tmp/gatehouse-missing/key");
    assert_both_refuse(GH_ERR_NOTFOUND, GH_ERR_NOTFOUND);
    memcpy(path, made, sizeof(path));
}

/* A good file with any one letter altered: refused, or still a key, but nothing goes down. */
static void altered_key_files_take_nothing_down(void **state)
{
    (void)state;
    static const char *const bodies[] = {P256_PRIVATE, P256_PUBLIC, NULL};
    for (size_t b = 0; b < GH_ARRAY_SIZE(bodies); b++) {
        const char *body = bodies[b] != NULL ? bodies[b] : ed25519_vectors[0].pem;
        for (size_t i = 0; i < strlen(body); i++) {
            char altered[300];
            snprintf(altered, sizeof(altered), "%s", body);
            altered[i] = altered[i] == 'A' ? '/' : 'A';
            struct gh_private_key *private_key;
            struct gh_public_key *public_key;
            write_pem("PRIVATE KEY", altered);
            enum gh_status status = gh_private_key_load(path, &private_key, NULL);
            assert_true((status == GH_OK) == (private_key != NULL));
            gh_private_key_free(private_key);
            write_pem("PUBLIC KEY", altered);
            status = gh_public_key_load(path, &public_key, NULL);
            assert_true((status == GH_OK) == (public_key != NULL));
            gh_public_key_free(public_key);
        }
    }
}

static void strange_types_are_not_generated(void **state)
{
    (void)state;
    struct gh_private_key *key = (struct gh_private_key *)path;
    assert_int_equal(gh_private_key_generate((enum gh_key_type)0, &key), GH_ERR_INVALID);
    assert_null(key);
    gh_private_key_free(NULL);
    gh_public_key_free(NULL);
}

/* --- hash, randomness, memory
 * ---------------------------------------------------------------------- */

/* FIPS 180-4, and the million letters of its examples in pieces of every size. */
static void sha256_known_answers(void **state)
{
    (void)state;
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256(view(NULL, 0), hash);
    assert_memory_equal(
        hash, hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").data, 32);
    gh_sha256(view("abc", 3), hash);
    assert_memory_equal(
        hash, hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").data, 32);

    static char letters[1000];
    memset(letters, 'a', sizeof(letters));
    struct gh_sha256_context *context;
    assert_int_equal(gh_sha256_new(&context), GH_OK);
    size_t left = 1000000;
    for (size_t piece = 0; left > 0; piece = (piece + 1) % sizeof(letters)) {
        size_t size = piece < left ? piece : left;
        gh_sha256_update(context, size > 0 ? letters : NULL, size);
        left -= size;
    }
    gh_sha256_finish(context, hash);
    assert_memory_equal(
        hash, hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0").data, 32);
}

static void random_bytes_look_random(void **state)
{
    (void)state;
    static uint8_t bytes[200001];
    unsigned int counts[256] = {0};
    bytes[sizeof(bytes) - 1] = 0xA5;
    gh_random(bytes, sizeof(bytes) - 1);
    assert_int_equal(bytes[sizeof(bytes) - 1], 0xA5);
    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        counts[bytes[i]]++;
    }
    for (size_t i = 0; i < 256; i++) { /* 781 expected; ten standard deviations are 280 */
        assert_in_range(counts[i], 501, 1061);
    }
    gh_random(NULL, 0);
    gh_id last = 0;
    for (int i = 0; i < 1000; i++) {
        gh_id id = gh_random_id();
        assert_true(id != 0 && id != last);
        last = id;
    }
}

static void memory_is_compared_and_wiped(void **state)
{
    (void)state;
    char secret[64];
    memset(secret, 's', sizeof(secret));
    char same[64];
    memcpy(same, secret, sizeof(same));
    assert_true(gh_crypto_equal(secret, same, sizeof(same)));
    assert_true(gh_crypto_equal(NULL, NULL, 0));
    for (size_t bit = 0; bit < sizeof(same) * 8; bit++) {
        same[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(gh_crypto_equal(secret, same, sizeof(same)));
        same[bit / 8] ^= (char)(1 << bit % 8);
    }
    gh_wipe(secret + 1, sizeof(secret) - 2);
    assert_int_equal(secret[0], 's');
    assert_int_equal(secret[63], 's');
    for (size_t i = 1; i < 63; i++) {
        assert_int_equal(secret[i], 0);
    }
    gh_wipe(NULL, 0);
}

#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEY_TEST(ed25519_known_answers),
        cmocka_unit_test(es256_known_answers),
        cmocka_unit_test(what_is_signed_verifies),
        cmocka_unit_test(no_bit_of_a_signature_may_change),
        cmocka_unit_test(signatures_have_one_length),
        cmocka_unit_test(es256_numbers_are_padded),
        cmocka_unit_test(strange_numbers_are_no_signature),
        cmocka_unit_test(ed25519_signatures_have_one_spelling),
        cmocka_unit_test(one_key_verifies_in_many_threads),
        cmocka_unit_test(raw_keys_have_one_length),
        cmocka_unit_test(points_off_the_curve_are_no_keys),
        cmocka_unit_test(ed25519_points_are_checked),
        cmocka_unit_test(key_ids_come_from_the_raw_key),
        KEY_TEST(private_keys_are_saved_and_loaded),
        KEY_TEST(public_keys_travel_as_pem),
        KEY_TEST(known_files_are_loaded),
        KEY_TEST(other_kinds_of_key_are_refused),
        KEY_TEST(encrypted_keys_are_refused_without_asking),
        KEY_TEST(broken_files_are_refused),
        KEY_TEST(key_files_have_a_limit),
        KEY_TEST(altered_key_files_take_nothing_down),
        cmocka_unit_test(strange_types_are_not_generated),
        cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(random_bytes_look_random),
        cmocka_unit_test(memory_is_compared_and_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
