/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of keys and signatures share: a file of their own, and known keys. */
#ifndef GATEHOUSE_TESTS_CRYPTO_FIXTURE_H
#define GATEHOUSE_TESTS_CRYPTO_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/crypto.h"

/* Those that sign. */
static const enum gh_key_type types[] = {GH_KEY_ED25519, GH_KEY_P256};

static char path[64];

static inline int make_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/gatehouse-crypto-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static inline int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static inline struct gh_bytes view(const void *data, size_t size)
{
    return (struct gh_bytes){data, size};
}

/* Hex to bytes, in one of a few buffers that take turns. */
static inline struct gh_bytes hex(const char *text)
{
    static uint8_t buffers[4][128];
    static int turn;
    uint8_t *buffer = buffers[turn++ % 4];
    size_t size = strlen(text) / 2;
    assert_true(size <= sizeof(buffers[0]));
    assert_int_equal(gh_hex_decode(text, size * 2, buffer, size), GH_OK);
    return view(buffer, size);
}

static inline void write_file(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void write_pem(const char *label, const char *base64)
{
    char text[4096];
    int used = snprintf(text, sizeof(text), "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < strlen(base64); i += 64) {
        used += snprintf(text + used, sizeof(text) - (size_t)used, "%.64s\n", base64 + i);
    }
    snprintf(text + used, sizeof(text) - (size_t)used, "-----END %s-----\n", label);
    write_file(text);
}

static inline struct gh_private_key *new_private(enum gh_key_type type)
{
    struct gh_private_key *key;
    assert_int_equal(gh_private_key_generate(type, &key), GH_OK);
    assert_non_null(key);
    return key;
}

static inline struct gh_public_key *public_of(const struct gh_private_key *key)
{
    struct gh_public_key *half;
    assert_int_equal(gh_private_key_public(key, &half), GH_OK);
    assert_non_null(half);
    return half;
}

static inline struct gh_public_key *from_raw(enum gh_key_type type, struct gh_bytes raw)
{
    struct gh_public_key *key;
    assert_int_equal(gh_public_key_from_raw(type, raw, &key), GH_OK);
    return key;
}

static inline void assert_raw(const struct gh_public_key *key, struct gh_bytes raw)
{
    uint8_t out[GH_PUBLIC_KEY_MAX_BYTES];
    assert_int_equal(gh_public_key_raw(key, out), raw.size);
    assert_memory_equal(out, raw.data, raw.size);
}

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

#define P256_PRIVATE                                                                               \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIffH1136cspYG6+0iY7X1fCE9+E9LKh" \
    "RANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt"
#define P256_PUBLIC                                                                                \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs" \
    "3+257rn0s2ldbqkLJK2KRiMohYjlrQ=="

#endif
