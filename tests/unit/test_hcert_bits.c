/* SPDX-License-Identifier: Apache-2.0 */
/* One bit of a valid HCERT turned over, each in turn: of its text, and of the bytes that the text
 * stands for. None is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hcert_fixture.h"

#include "code/base45.h"

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

static void check_text_bits(char *text)
{
    size_t size = strlen(text);
    for (size_t bit = 0; bit < size * 8; bit++) {
        turn(text, bit);
        if (reason_of(text, size) == GH_REASON_OK)
            fail_msg("bit %zu of the text", bit);
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
