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

#include "crypto_fixture.h"

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

/* Those of the other forms (DER, most of all) are longer or shorter, and are another thing to say
 * to a guard than a forgery. */
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
                             size == GH_SIGNATURE_BYTES ? GH_OK : GH_ERR_INVALID);
        }
        assert_int_equal(gh_verify(half, view("x", 1), view(NULL, 0)), GH_ERR_INVALID);
        assert_int_equal(gh_verify(half, view("x", 1), view(signature, SIZE_MAX)), GH_ERR_INVALID);
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

/* RFC 7515's signature, as X.509 and TLS would write it. */
static void es256_signatures_in_der_are_none(void **state)
{
    (void)state;
    struct gh_public_key *key = from_raw(GH_KEY_P256, hex(JWS_RAW));
    struct gh_bytes der =
        hex("304502200ed1215379636c483c2f7f155807d402a3b228033af97c7e17819ac3169ea665022100c50a07d3"
            "8c3c70e5d8f12daf084a5480a66590c5f293509a8f3f7f8a83a354d5");
    struct gh_bytes message = view(JWS_MESSAGE, strlen(JWS_MESSAGE));
    assert_int_equal(der.size, 71);
    assert_int_equal(gh_verify(key, message, der), GH_ERR_INVALID);
    gh_public_key_free(key);
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

#define N "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define ALL_ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static enum gh_status verify_numbers(const struct gh_public_key *key, const char *r, const char *s)
{
    uint8_t signature[GH_SIGNATURE_BYTES];
    memcpy(signature, hex(r).data, 32);
    memcpy(signature + 32, hex(s).data, 32);
    return gh_verify(key, view("x", 1), view(signature, 64));
}

static void numbers_out_of_range_are_told_from_forgeries(void **state)
{
    (void)state;
    static const char *const in_range[] = {
        "0000000000000000000000000000000000000000000000000000000000000001",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", /* n - 1 */
        "fffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0100000000000000000000000000000000000000000000000000000000000000",
    };
    static const char *const outside[] = {
        ZERO,
        N,
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552", /* n + 1 */
        "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", /* p */
        ALL_ONES,
    };
    struct gh_public_key *key = from_raw(GH_KEY_P256, hex(JWS_RAW));
    for (size_t i = 0; i < GH_ARRAY_SIZE(in_range); i++) {
        for (size_t j = 0; j < GH_ARRAY_SIZE(in_range); j++)
            assert_int_equal(verify_numbers(key, in_range[i], in_range[j]), GH_ERR_SIGNATURE);
        for (size_t j = 0; j < GH_ARRAY_SIZE(outside); j++) {
            assert_int_equal(verify_numbers(key, in_range[i], outside[j]), GH_ERR_RANGE);
            assert_int_equal(verify_numbers(key, outside[j], in_range[i]), GH_ERR_RANGE);
        }
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(outside); i++)
        for (size_t j = 0; j < GH_ARRAY_SIZE(outside); j++)
            assert_int_equal(verify_numbers(key, outside[i], outside[j]), GH_ERR_RANGE);
    assert_true(ERR_peek_error() == 0);
    gh_public_key_free(key);
}

/* Ed25519 has numbers of its own: these are all just wrong. */
static void strange_ed25519_numbers_are_no_signature(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        ZERO, ALL_ONES,
        "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", /* the order, LE */
        "0100000000000000000000000000000000000000000000000000000000000000", /* the identity */
    };
    struct gh_public_key *key = from_raw(GH_KEY_ED25519, hex(ed25519_vectors[1].raw));
    for (size_t r = 0; r < GH_ARRAY_SIZE(numbers); r++)
        for (size_t s = 0; s < GH_ARRAY_SIZE(numbers); s++)
            assert_int_equal(verify_numbers(key, numbers[r], numbers[s]), GH_ERR_SIGNATURE);
    gh_public_key_free(key);
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
        cmocka_unit_test(es256_signatures_in_der_are_none),
        cmocka_unit_test(numbers_out_of_range_are_told_from_forgeries),
        cmocka_unit_test(strange_ed25519_numbers_are_no_signature),
        cmocka_unit_test(ed25519_signatures_have_one_spelling),
        cmocka_unit_test(one_key_verifies_in_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
