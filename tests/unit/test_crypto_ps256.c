/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "crypto_fixture.h"

#define RSA_BYTES 256

static EVP_PKEY *rsa; /* of 2048 bits, new in each run */
static struct gh_public_key *rsa_public;
static uint8_t rsa_raw[GH_PUBLIC_KEY_MAX_BYTES];
static size_t rsa_raw_bytes;
static const uint8_t message[] = "what a signer signs";

static int make_rsa(void **state)
{
    (void)state;
    uint8_t *der = NULL;
    rsa = EVP_RSA_gen(2048);
    int size = rsa != NULL ? i2d_PublicKey(rsa, &der) : -1;
    if (size <= 0 || size > (int)sizeof(rsa_raw))
        return -1;
    rsa_raw_bytes = (size_t)size;
    memcpy(rsa_raw, der, rsa_raw_bytes);
    OPENSSL_free(der);
    return gh_public_key_from_raw(GH_KEY_PS256, view(rsa_raw, rsa_raw_bytes), &rsa_public) != GH_OK;
}

static int free_rsa(void **state)
{
    (void)state;
    gh_public_key_free(rsa_public);
    EVP_PKEY_free(rsa);
    return 0;
}

struct scheme {
    int padding;
    const char *hash, *mgf1_hash;
    int salt_bytes;
};
static const struct scheme ps256 = {RSA_PKCS1_PSS_PADDING, "SHA256", "SHA256", 32};

static void sign_as(const struct scheme *scheme, struct gh_bytes text, uint8_t out[RSA_BYTES])
{
    EVP_PKEY_CTX *pkey_context = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = RSA_BYTES;
    assert_int_equal(
        EVP_DigestSignInit_ex(context, &pkey_context, scheme->hash, NULL, NULL, rsa, NULL), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pkey_context, scheme->padding), 1);
    if (scheme->padding == RSA_PKCS1_PSS_PADDING) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(pkey_context, scheme->mgf1_hash, NULL),
                         1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_context, scheme->salt_bytes), 1);
    }
    assert_int_equal(EVP_DigestSign(context, out, &size, text.data, text.size), 1);
    assert_int_equal(size, RSA_BYTES);
    EVP_MD_CTX_free(context);
}

static enum gh_status verify(const uint8_t signature[RSA_BYTES])
{
    return gh_verify(rsa_public, view(message, sizeof(message)), view(signature, RSA_BYTES));
}

/* --- signatures --- */

/* Keys and signatures by the openssl program: `openssl dgst -sha256 -sigopt rsa_padding_mode:pss
 * -sigopt rsa_pss_saltlen:32 -sign` over "what a signer signs". */
static const struct {
    const char *raw, *signature;
} known[] = {
    {"3082010a0282010100d1fbf65211df7125e1a20c1fb2c034213d30bbcf393697d7eb3f1298f4a9834342e9f4"
     "c2898c7992dfde924f7f47027805ea8218b2c0acf3b787bdcb334b9a06a5d205f0ffd2b4470c5fcc37fe26a3"
     "9f14e4d0ccfdbf64a2b67e0e7775b79e797d5772814641072f77b62cb54929bf6df396293565c88fff2dc7d6"
     "9f6a33bbe3cf99dcecfd424237e86e50e8924fa7de70ae7c6f62584fa599809e1e1da8bff20712b8718e4364"
     "0e80aed3ee8e1d8c03daf23da82db70b900a4810e60b2b134d65cbd823527bef3c634f99b8b4d12b5da531f4"
     "554f03fefa894e1bd44982e219e61b6fd810b82293d0eae852e2a5dc390ff575e726dba3b522b4d5db343c52"
     "ed0203010001",
     "0a1dbf07afac2437c0bfc01053d3ce9ccb4d42f176df301b3702c40f33a2ebdf5d4c730cf0f29e2432e9d853"
     "5cd3e9db1ec1900497aa927076a756e0bf46376538d70250ff65370dcb0c7fed763207932e63db9a3ae6cfd7"
     "f0a15f35cc748d33018fb67becf3eac7ab44ee153ae3c66af45821c6b6712292127e6f8f192e44439b119bd7"
     "8ce102ab9a0b096d0556710b3d868f35b5c76ec0e9441afc6783ce5c7e3f89b26004b431cda9231ba84f224f"
     "1344c9f4835dfa1c265aae0cc0f7958305680485c0ad950c0023e18e727b4d74ba8738a2157fd04b647f1d1e"
     "0e4b02092f4563e5266aa492c070c7d25d3722cf239e54038576b6371861328139b70eb1"},
    {"3082018a0282018100cad9f0c0947a5d35f825fe8961d0948a73425a9dfb2cd53373982c2ddf21d8dc20c702"
     "06f9a86896c22d0458eb1376490f35bd021abc1e402bece836e96d88eae4c67de942ab0155884e5b030b7029"
     "1ec257dc299331800941c3d7b806a3fbb59242ccbaeb8fc2585877030eff6cb7b9d2a0e39aebc484b27c6a7b"
     "99accefdf60d84b9a7c2130a61f486d81e56845baeb70034774a3be6cf6a68eab534d36a183ce18a20ceca78"
     "7d497d62001111194ad7da162f180dd9b9fe1409fcf1a3f0c0ac60eaa472953f91ff71a225a46d6eee5e0bab"
     "d8245a176b87397abf791b6e284ba8dcd6800e7bbbe368f974eeada5b43980c728403217488eac4238eb734e"
     "83aed8ffba5933f12851ad985449e6544335395df3fdf27294de47d9f9f5789b69633c5baa8502f30e4bbf76"
     "0910a9084b98c0db2a3dcedac5977d6ea8e908dca132e052d20b890ae4018e677eaefec3f82a00a0f8084d27"
     "7184614158827725efe5122118daa6aa4cb5919837738cc48fb65bd3a8a0918dfb0de9ed622c7ef09d020301"
     "0001",
     "17b1d9c30f556f979d07d08bd52c2d78cc0550b561e2511de0dcf6219dbec85567023ffe4d1a184d7563d769"
     "d6ec0d7bc5b2f5a9550bad73e5596a1e5fd5f61a23da04207989888ce360df32efbc74127d2b4725896777d3"
     "9ee9bf7ed01458be8e3bdb81d4fafd7b5a15a3db6c6ece9a44f6466bce3f3bbe1d505fbf5f455dd96ec3114f"
     "e99a6d81bf448f4b34221d5ca0900f5a870dad3113640b5a3084ab3e08cd7d56b5aa22a5762e3f7e8d4c429b"
     "17cf054f3d4b319ecb76395cab3fb71c31513d3522d8e3b430b3aa5ce8a5ba5cda90c6ebeba95a313cb4d005"
     "d2b606fe5886dfec5ce076a070349d8fb23f41d3ec3e82e4eb0adbb1c0bb39cbac9e0b767b55e2b2baa9cebd"
     "6a84edc9468f8693a8e996448a302333b134c12bf2bde122c88a84998dc21f5b4e04c5414fcd36fb176e483a"
     "82446fc4cbbca37f5ea66c68fa2024f936fca4308d78b2ca5a55e51394892a62b5589a66e738c565620eb6f3"
     "1dba02506fc8b3b733a1a1f2bac272046b66d7ee6a95bef89de4807545bfa0bc"},
};

static size_t long_hex(const char *text, uint8_t out[GH_PUBLIC_KEY_MAX_BYTES])
{
    size_t size = strlen(text) / 2;
    assert_true(size <= GH_PUBLIC_KEY_MAX_BYTES);
    assert_int_equal(gh_hex_decode(text, size * 2, out, size), GH_OK);
    return size;
}

static void ps256_known_answers(void **state)
{
    (void)state;
    struct gh_bytes text = view("what a signer signs", 19);
    for (size_t i = 0; i < GH_ARRAY_SIZE(known); i++) {
        uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES], signature[GH_PUBLIC_KEY_MAX_BYTES];
        size_t raw_size = long_hex(known[i].raw, raw);
        size_t size = long_hex(known[i].signature, signature);
        struct gh_public_key *key = from_raw(GH_KEY_PS256, view(raw, raw_size));
        assert_int_equal(gh_public_key_type(key), GH_KEY_PS256);
        assert_raw(key, view(raw, raw_size));
        assert_int_equal(gh_verify(key, text, view(signature, size)), GH_OK);
        assert_int_equal(gh_verify(key, view("What a signer signs", 19), view(signature, size)),
                         GH_ERR_SIGNATURE);
        assert_int_equal(gh_verify(rsa_public, text, view(signature, size)),
                         size == RSA_BYTES ? GH_ERR_SIGNATURE : GH_ERR_INVALID);
        gh_public_key_free(key);
    }
}

static void messages_of_all_sizes_verify(void **state)
{
    (void)state;
    static uint8_t text[70000];
    static const size_t sizes[] = {0, 1, 31, 32, 33, 1000, sizeof(text)};
    gh_random(text, sizeof(text));
    for (size_t i = 0; i < GH_ARRAY_SIZE(sizes); i++) {
        uint8_t signature[RSA_BYTES];
        struct gh_bytes whole = view(text, sizes[i]);
        sign_as(&ps256, whole, signature);
        if (sizes[i] == 0)
            whole.data = NULL;
        assert_int_equal(gh_verify(rsa_public, whole, view(signature, RSA_BYTES)), GH_OK);
        assert_int_equal(gh_verify(rsa_public, whole, view(signature, RSA_BYTES)), GH_OK);
        if (sizes[i] > 0) {
            whole.size--;
            assert_int_equal(gh_verify(rsa_public, whole, view(signature, RSA_BYTES)),
                             GH_ERR_SIGNATURE);
        }
    }
}

static void no_bit_may_change(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES], text[sizeof(message)];
    memcpy(text, message, sizeof(text));
    sign_as(&ps256, view(message, sizeof(message)), signature);
    for (size_t bit = 0; bit < sizeof(signature) * 8; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(verify(signature), GH_ERR_SIGNATURE);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < sizeof(text) * 8; bit++) {
        text[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(
            gh_verify(rsa_public, view(text, sizeof(text)), view(signature, RSA_BYTES)),
            GH_ERR_SIGNATURE);
        text[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(verify(signature), GH_OK);
    assert_true(ERR_peek_error() == 0);
}

static void other_schemes_are_refused(void **state)
{
    (void)state;
    static const struct scheme others[] = {
        {RSA_PKCS1_PSS_PADDING, "SHA256", "SHA256", 0},
        {RSA_PKCS1_PSS_PADDING, "SHA256", "SHA256", 20},
        {RSA_PKCS1_PSS_PADDING, "SHA256", "SHA256", 31},
        {RSA_PKCS1_PSS_PADDING, "SHA256", "SHA256", 33},
        {RSA_PKCS1_PSS_PADDING, "SHA256", "SHA256", 222}, /* as much as there is room for */
        {RSA_PKCS1_PSS_PADDING, "SHA1", "SHA1", 20},
        {RSA_PKCS1_PSS_PADDING, "SHA1", "SHA1", 32},
        {RSA_PKCS1_PSS_PADDING, "SHA256", "SHA1", 32},
        {RSA_PKCS1_PSS_PADDING, "SHA384", "SHA384", 48},
        {RSA_PKCS1_PSS_PADDING, "SHA512", "SHA256", 32},
        {RSA_PKCS1_PADDING, "SHA256", NULL, 0},
    };
    uint8_t signature[RSA_BYTES];
    for (size_t i = 0; i < GH_ARRAY_SIZE(others); i++) {
        sign_as(&others[i], view(message, sizeof(message)), signature);
        assert_int_equal(verify(signature), GH_ERR_SIGNATURE);
    }
    sign_as(&ps256, view(message, sizeof(message)), signature);
    assert_int_equal(verify(signature), GH_OK);
}

static void signatures_are_as_long_as_the_modulus(void **state)
{
    (void)state;
    uint8_t signature[GH_SIGNATURE_MAX_BYTES + 1] = {0};
    sign_as(&ps256, view(message, sizeof(message)), signature);
    for (size_t size = 0; size <= sizeof(signature); size++)
        assert_int_equal(
            gh_verify(rsa_public, view(message, sizeof(message)), view(signature, size)),
            size == RSA_BYTES ? GH_OK : GH_ERR_INVALID);
    assert_int_equal(
        gh_verify(rsa_public, view(message, sizeof(message)), view(signature, SIZE_MAX)),
        GH_ERR_INVALID);
}

static void strange_numbers_are_no_signature(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES] = {0};
    assert_int_equal(verify(signature), GH_ERR_SIGNATURE);
    signature[RSA_BYTES - 1] = 1;
    assert_int_equal(verify(signature), GH_ERR_SIGNATURE);
    memset(signature, 0xff, sizeof(signature)); /* above every modulus */
    assert_int_equal(verify(signature), GH_ERR_SIGNATURE);
    memcpy(signature, rsa_raw + 9, sizeof(signature)); /* the modulus: 0, not reduced */
    assert_int_equal(verify(signature), GH_ERR_SIGNATURE);
    assert_true(ERR_peek_error() == 0);
}

static void *verify_often(void *argument)
{
    for (int i = 0; i < 100; i++) {
        uint8_t signature[RSA_BYTES];
        memcpy(signature, argument, sizeof(signature));
        signature[i] ^= i % 2 == 0 ? 0 : 1;
        if (verify(signature) != (i % 2 == 0 ? GH_OK : GH_ERR_SIGNATURE))
            return argument;
    }
    return NULL;
}

static void one_key_verifies_in_many_threads(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES];
    pthread_t threads[4];
    sign_as(&ps256, view(message, sizeof(message)), signature);
    for (size_t i = 0; i < GH_ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, signature), 0);
    for (size_t i = 0; i < GH_ARRAY_SIZE(threads); i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

/* --- keys --- */

/* A DER RSAPublicKey of our making: numbers as they shall stand there, heads as long as needed. */
static struct gh_bytes make_raw(const uint8_t *modulus, size_t modulus_bytes,
                                const uint8_t *exponent, size_t exponent_bytes)
{
    static uint8_t out[700];
    size_t inner = 4 + modulus_bytes + 2 + exponent_bytes;
    struct gh_writer writer = gh_writer_over(out, sizeof(out));
    const uint8_t heads[] = {0x30, 0x82, (uint8_t)(inner >> 8),         (uint8_t)inner,
                             0x02, 0x82, (uint8_t)(modulus_bytes >> 8), (uint8_t)modulus_bytes};
    gh_writer_put(&writer, heads, sizeof(heads));
    gh_writer_put(&writer, modulus, modulus_bytes);
    gh_writer_put_byte(&writer, 0x02);
    gh_writer_put_byte(&writer, (uint8_t)exponent_bytes);
    gh_writer_put(&writer, exponent, exponent_bytes);
    assert_false(writer.overflow);
    return view(out, writer.size);
}

/* Odd, of that many bits. Nobody can tell whether it is the product of two primes. */
static size_t make_modulus(size_t bits, uint8_t out[600])
{
    size_t size = bits / 8 + 1; /* with the zero that keeps it positive where it is needed */
    memset(out, 0, 600);
    out[size - 1 - (bits - 1) / 8] = (uint8_t)(1 << (bits - 1) % 8);
    out[size - 1] |= 1;
    return size;
}

static enum gh_status import(struct gh_bytes raw)
{
    struct gh_public_key *key = (struct gh_public_key *)path;
    enum gh_status status = gh_public_key_from_raw(GH_KEY_PS256, raw, &key);
    assert_int_equal(status == GH_OK, key != NULL);
    assert_true(ERR_peek_error() == 0);
    gh_public_key_free(key);
    return status;
}

static void moduli_have_limits(void **state)
{
    (void)state;
    static const struct {
        size_t bits;
        enum gh_status status;
    } moduli[] = {
        {512, GH_ERR_INVALID}, {1024, GH_ERR_INVALID}, {2047, GH_ERR_INVALID}, {2048, GH_OK},
        {2049, GH_OK},         {2056, GH_OK},          {3072, GH_OK},          {4095, GH_OK},
        {4096, GH_OK},         {4097, GH_ERR_INVALID}, {4160, GH_ERR_INVALID},
    };
    static const uint8_t exponent[] = {1, 0, 1};
    uint8_t modulus[600];
    for (size_t i = 0; i < GH_ARRAY_SIZE(moduli); i++) {
        size_t size = make_modulus(moduli[i].bits, modulus);
        assert_int_equal(import(make_raw(modulus, size, exponent, sizeof(exponent))),
                         moduli[i].status);
        modulus[size - 1] &= 0xfe; /* no product of odd primes is even */
        assert_int_equal(import(make_raw(modulus, size, exponent, sizeof(exponent))),
                         GH_ERR_INVALID);
    }
    /* The longest signature there is has 512 bytes, and such a key verifies without harm. */
    size_t size = make_modulus(4096, modulus);
    struct gh_public_key *key =
        from_raw(GH_KEY_PS256, make_raw(modulus, size, exponent, sizeof(exponent)));
    uint8_t signature[GH_SIGNATURE_MAX_BYTES] = {0x7f};
    assert_int_equal(gh_verify(key, view("x", 1), view(signature, sizeof(signature))),
                     GH_ERR_SIGNATURE);
    assert_int_equal(gh_verify(key, view("x", 1), view(signature, sizeof(signature) - 1)),
                     GH_ERR_INVALID);
    gh_public_key_free(key);
}

static void exponents_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *exponent;
        enum gh_status status;
    } exponents[] = {
        {"03", GH_OK},
        {"010001", GH_OK},
        {"00ffffffff", GH_OK},  /* 32 bits */
        {"00", GH_ERR_INVALID}, /* 0 */
        {"01", GH_ERR_INVALID}, /* a signature would be its own message */
        {"02", GH_ERR_INVALID}, /* even */
        {"010000", GH_ERR_INVALID},
        {"0100000001", GH_ERR_INVALID}, /* 33 bits */
        {"7fffffffffffffffff", GH_ERR_INVALID},
        {"fd", GH_ERR_INVALID},   /* -3 */
        {"0003", GH_ERR_INVALID}, /* 3 with a zero too many: not DER */
        {"", GH_ERR_INVALID},
    };
    uint8_t modulus[600];
    size_t size = make_modulus(2048, modulus);
    for (size_t i = 0; i < GH_ARRAY_SIZE(exponents); i++) {
        struct gh_bytes exponent = hex(exponents[i].exponent);
        assert_int_equal(import(make_raw(modulus, size, exponent.data, exponent.size)),
                         exponents[i].status);
    }
}

/* One key has one spelling: all that BER would allow besides is refused. */
static void only_der_is_a_key(void **state)
{
    (void)state;
    uint8_t other[GH_PUBLIC_KEY_MAX_BYTES + 8];
    assert_int_equal(import(view(rsa_raw, rsa_raw_bytes)), GH_OK);
    assert_int_equal(rsa_raw[9] & 0x80, 0x80); /* where the modulus begins */

    for (size_t size = 0; size < rsa_raw_bytes; size++)
        assert_int_equal(import(view(rsa_raw, size)), GH_ERR_INVALID);
    assert_int_equal(import(view(NULL, 0)), GH_ERR_INVALID);
    assert_int_equal(import(view(rsa_raw, SIZE_MAX)), GH_ERR_INVALID);
    memcpy(other, rsa_raw, rsa_raw_bytes);
    other[rsa_raw_bytes] = 0;
    assert_int_equal(import(view(other, rsa_raw_bytes + 1)), GH_ERR_INVALID);

    /* a longer head than needed: 30 83 00 01 0a for 30 82 01 0a */
    memcpy(other, (const uint8_t[]){0x30, 0x83, 0}, 3);
    memcpy(other + 3, rsa_raw + 2, rsa_raw_bytes - 2);
    assert_int_equal(import(view(other, rsa_raw_bytes + 1)), GH_ERR_INVALID);
    /* an indefinite length, and its end */
    memcpy(other, (const uint8_t[]){0x30, 0x80}, 2);
    memcpy(other + 2, rsa_raw + 4, rsa_raw_bytes - 4);
    memset(other + rsa_raw_bytes - 2, 0, 2);
    assert_int_equal(import(view(other, rsa_raw_bytes)), GH_ERR_INVALID);
    /* the modulus below zero: its sign's byte taken away */
    assert_int_equal(import(make_raw(rsa_raw + 9, RSA_BYTES, rsa_raw + rsa_raw_bytes - 3, 3)),
                     GH_ERR_INVALID);
    /* no sequence, other things in it */
    static const size_t places[] = {0, 4, 265};
    for (size_t i = 0; i < GH_ARRAY_SIZE(places); i++) {
        memcpy(other, rsa_raw, rsa_raw_bytes);
        other[places[i]] = 0x04;
        assert_int_equal(import(view(other, rsa_raw_bytes)), GH_ERR_INVALID);
    }
    /* a third number, as in a private key */
    memcpy(other, rsa_raw, rsa_raw_bytes);
    memcpy(other + rsa_raw_bytes, (const uint8_t[]){0x02, 0x01, 0x03}, 3);
    other[3] = (uint8_t)(other[3] + 3);
    assert_int_equal(import(view(other, rsa_raw_bytes + 3)), GH_ERR_INVALID);
    assert_int_equal(import(hex("3000")), GH_ERR_INVALID);
    assert_int_equal(import(hex("3003020103")), GH_ERR_INVALID);
}

/* Every byte altered, one after the other: refused, or another key of which nothing verifies. */
static void altered_keys_take_nothing_down(void **state)
{
    (void)state;
    uint8_t signature[RSA_BYTES], other[GH_PUBLIC_KEY_MAX_BYTES];
    sign_as(&ps256, view(message, sizeof(message)), signature);
    for (size_t i = 0; i < rsa_raw_bytes * 8; i++) {
        struct gh_public_key *key = NULL;
        memcpy(other, rsa_raw, rsa_raw_bytes);
        other[i / 8] ^= (uint8_t)(1 << i % 8);
        if (gh_public_key_from_raw(GH_KEY_PS256, view(other, rsa_raw_bytes), &key) == GH_OK)
            assert_int_not_equal(
                gh_verify(key, view(message, sizeof(message)), view(signature, RSA_BYTES)), GH_OK);
        gh_public_key_free(key);
    }
}

static void ids_and_pem(void **state)
{
    (void)state;
    uint8_t id[GH_KEY_ID_BYTES], hash[GH_SHA256_BYTES];
    gh_public_key_id(rsa_public, id);
    gh_sha256(view(rsa_raw, rsa_raw_bytes), hash);
    assert_memory_equal(id, hash, sizeof(id));

    char pem[1024];
    assert_int_equal(gh_public_key_pem(rsa_public, pem, sizeof(pem)), GH_OK);
    assert_int_equal(gh_public_key_pem(rsa_public, pem, strlen(pem)), GH_ERR_TOOBIG);
    assert_int_equal(gh_public_key_pem(rsa_public, pem, strlen(pem) + 1), GH_OK);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *read = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    assert_int_equal(EVP_PKEY_eq(read, rsa), 1);
    EVP_PKEY_free(read);
    BIO_free(bio);

    /* A file that holds it is none of our own keys. */
    struct gh_public_key *key = (struct gh_public_key *)path;
    assert_int_equal(make_file(NULL), 0);
    write_file(pem);
    assert_int_equal(gh_public_key_load(path, &key, NULL), GH_ERR_UNSUPPORTED);
    assert_null(key);
    assert_int_equal(remove_file(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ps256_known_answers),
        cmocka_unit_test(messages_of_all_sizes_verify),
        cmocka_unit_test(no_bit_may_change),
        cmocka_unit_test(other_schemes_are_refused),
        cmocka_unit_test(signatures_are_as_long_as_the_modulus),
        cmocka_unit_test(strange_numbers_are_no_signature),
        cmocka_unit_test(one_key_verifies_in_many_threads),
        cmocka_unit_test(moduli_have_limits),
        cmocka_unit_test(exponents_are_checked),
        cmocka_unit_test(only_der_is_a_key),
        cmocka_unit_test(altered_keys_take_nothing_down),
        cmocka_unit_test(ids_and_pem),
    };
    return cmocka_run_group_tests(tests, make_rsa, free_rsa);
}
