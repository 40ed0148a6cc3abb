/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gatehouse/receipt.h"

#define GATE 0xa1

struct keys {
    struct gh_private_key *private[2];
    struct gh_public_key *public[2];
};

static int make_keys(void **state)
{
    static struct keys keys;
    *state = &keys;
    for (int i = 0; i < 2; i++) {
        if (gh_private_key_generate(GH_KEY_ED25519, &keys.private[i]) != GH_OK ||
            gh_private_key_public(keys.private[i], &keys.public[i]) != GH_OK) {
            return -1;
        }
    }
    return 0;
}

static int free_keys(void **state)
{
    struct keys *keys = *state;
    for (int i = 0; i < 2; i++) {
        gh_private_key_free(keys->private[i]);
        gh_public_key_free(keys->public[i]);
    }
    return 0;
}

static struct gh_receipt signed_by(const struct keys *keys)
{
    struct gh_receipt receipt = {.through = 17};
    memset(receipt.hash, 0xab, sizeof(receipt.hash));
    assert_int_equal(gh_receipt_sign(keys->private[0], GATE, &receipt), GH_OK);
    return receipt;
}

static void it_is_over_the_text_of_the_protocol(void **state)
{
    const struct keys *keys = *state;
    static const char text[] = "gatehouse receipt v1 00000000000000a1 17 "
                               "abababababababababababababababababababababababababababababababab";
    struct gh_receipt receipt = signed_by(keys);
    struct gh_bytes message = {(const uint8_t *)text, strlen(text)};
    struct gh_bytes signature = {receipt.signature, sizeof(receipt.signature)};
    assert_int_equal(gh_verify(keys->public[0], message, signature), GH_OK);
}

static void only_what_was_signed_is_true(void **state)
{
    const struct keys *keys = *state;
    struct gh_receipt receipt = signed_by(keys), other = receipt;
    assert_int_equal(gh_receipt_verify(keys->public[0], GATE, &receipt), GH_OK);
    assert_int_equal(gh_receipt_verify(keys->public[1], GATE, &receipt), GH_ERR_SIGNATURE);
    assert_int_equal(gh_receipt_verify(keys->public[0], GATE + 1, &receipt), GH_ERR_SIGNATURE);
    other.through = 18;
    assert_int_equal(gh_receipt_verify(keys->public[0], GATE, &other), GH_ERR_SIGNATURE);
    other.through = UINT64_MAX; /* as long as the text can get */
    assert_int_equal(gh_receipt_sign(keys->private[0], UINT64_MAX, &other), GH_OK);
    assert_int_equal(gh_receipt_verify(keys->public[0], UINT64_MAX, &other), GH_OK);
    for (size_t i = 0; i < GH_SHA256_BYTES; i++) {
        other = receipt;
        other.hash[i] ^= 1;
        assert_int_equal(gh_receipt_verify(keys->public[0], GATE, &other), GH_ERR_SIGNATURE);
    }
    for (size_t i = 0; i < GH_SIGNATURE_BYTES; i++) {
        other = receipt;
        other.signature[i] ^= 1;
        assert_int_equal(gh_receipt_verify(keys->public[0], GATE, &other), GH_ERR_SIGNATURE);
    }
    memset(&other, 0, sizeof(other));
    assert_int_equal(gh_receipt_verify(keys->public[0], GATE, &other), GH_ERR_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_over_the_text_of_the_protocol),
        cmocka_unit_test(only_what_was_signed_is_true),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
