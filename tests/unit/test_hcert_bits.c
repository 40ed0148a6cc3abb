/* SPDX-License-Identifier: Apache-2.0 */
/* One bit of a valid HCERT turned over, each in turn: of its text, and of the bytes that the text
 * stands for. None is taken for anything else than that HCERT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hcert_fixture.h"

#include "code/base45.h"
#include "code/inflate.h"

static enum gh_reason reason_of(const void *text, size_t size)
{
    struct gh_credential credential;
    gh_code_read(trust, (struct gh_bytes){text, size}, NOW, &credential);
    return credential.reason;
}

static void turn(void *bytes, size_t bit)
{
    ((uint8_t *)bytes)[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

struct opened {
    uint8_t packed[8192], plain[16384];
    size_t packed_bytes, plain_bytes;
};

static void open_text(const char *text, struct opened *out)
{
    struct gh_writer writer = gh_writer_over(out->packed, sizeof(out->packed));
    struct gh_bytes body = {(const uint8_t *)text + 4, strlen(text) - 4};
    assert_int_equal(gh_base45_decode(body, &writer), GH_OK);
    out->packed_bytes = writer.size;
    assert_int_equal(gh_inflate(GH_DEFLATE_ZLIB, (struct gh_bytes){out->packed, writer.size},
                                out->plain, sizeof(out->plain), &out->plain_bytes),
                     GH_OK);
}

/* A character stands for up to 16 bits of the packed bytes. Very rarely those that
 * one of its bits changes spell the same content in another way (inflate.h looks for single bits):
 * the same code, then, and not one altered bit of the packed bytes. */
static void is_the_same_code(const char *text, size_t bit)
{
    static struct opened altered, good;
    char copy[HCERT_TEXT_BYTES];
    unsigned bits = 0;

    open_text(text, &altered);
    strcpy(copy, text);
    turn(copy, bit);
    open_text(copy, &good);
    for (size_t i = 0; i < good.packed_bytes && i < altered.packed_bytes; i++)
        bits += (unsigned)__builtin_popcount(good.packed[i] ^ altered.packed[i]);
    if (good.packed_bytes != altered.packed_bytes || bits < 2 ||
        good.plain_bytes != altered.plain_bytes ||
        memcmp(good.plain, altered.plain, good.plain_bytes) != 0)
        fail_msg("bit %zu of the text", bit);
}

static void check_text_bits(char *text)
{
    size_t size = strlen(text);
    for (size_t bit = 0; bit < size * 8; bit++) {
        turn(text, bit);
        if (reason_of(text, size) == GH_REASON_OK)
            is_the_same_code(text, bit);
        turn(text, bit);
    }
    assert_int_equal(reason_of(text, size), GH_REASON_OK);
}

static void check_byte_bits(const char *text)
{
    static uint8_t packed[8192];
    static char altered[HCERT_TEXT_BYTES];
    struct gh_writer writer = gh_writer_over(packed, sizeof(packed));
    struct gh_bytes body = {(const uint8_t *)text + 4, strlen(text) - 4};
    assert_int_equal(gh_base45_decode(body, &writer), GH_OK);
    for (size_t bit = 0; bit < writer.size * 8; bit++) {
        turn(packed, bit);
        hcert_text((struct gh_bytes){packed, writer.size}, altered);
        if (reason_of(altered, strlen(altered)) == GH_REASON_OK)
            fail_msg("bit %zu of the bytes", bit);
        turn(packed, bit);
    }
}

static void check_signer(const struct hcert_signer *signer)
{
    static char text[HCERT_TEXT_BYTES];
    static const struct hcert hcerts[] = {
        {.level = 9},
        {.level = 6},
        {.protected_header = "{1: %A}", .unprotected_header = "{4: %K}"},
        /* two entries much alike, so that there is something to copy from two places */
        {.claims = "{1: 'AT', 4: 1651536000, 6: 1620000000, -260: {1: {'v': [" HCERT_VACCINATION
                   ", " HCERT_VACCINATION ", " HCERT_VACCINATION "], " HCERT_NAME "}}}"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(hcerts); i++) {
        hcert_write(signer, &hcerts[i], text);
        check_byte_bits(text);
        check_text_bits(text);
    }
}

static void test_es256(void **state)
{
    (void)state;
    check_signer(es256);
}

static void test_ps256(void **state)
{
    (void)state;
    check_signer(ps256);
}

/* The message's bits, packed anew by whoever turned them over. What is signed is refused as forged;
 * what frames it is what CBOR needs, or chooses the key. */
static void test_message(void **state)
{
    (void)state;
    static uint8_t message[HCERT_BYTES], packed[HCERT_BYTES];
    static char text[HCERT_TEXT_BYTES];
    size_t size = hcert_message(es256, &(struct hcert){0}, message);
    for (size_t bit = 0; bit < size * 8; bit++) {
        turn(message, bit);
        struct gh_bytes bytes = {packed,
                                 hcert_compress((struct gh_bytes){message, size}, 9, packed)};
        hcert_text(bytes, text);
        if (reason_of(text, strlen(text)) == GH_REASON_OK)
            fail_msg("bit %zu of the message", bit);
        turn(message, bit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_es256),
        cmocka_unit_test(test_ps256),
        cmocka_unit_test(test_message),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
