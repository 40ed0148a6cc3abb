/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto_fixture.h"

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

/* RFC 4231, sections 4.2 to 4.8; repeated bytes are given as one and how many. */
static const struct {
    const char *key;
    size_t key_repeats;
    const char *message;
    size_t message_repeats, hash_bytes;
    const char *hash;
} hmac_vectors[] = {
    {"0b", 20, "4869205468657265", 1, 32,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", 1, "7768617420646f2079612077616e7420666f72206e6f7468696e673f", 1, 32,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"aa", 20, "dd", 50, 32, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819", 1, "cd", 50, 32,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"0c", 20, "546573742057697468205472756e636174696f6e", 1, 16,
     "a3b6167473100ee06e0c796c2955552b"},
    {"aa", 131,
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048"
     "617368204b6579204669727374",
     1, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"aa", 131,
     "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65"
     "206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b"
     "6579206e6565647320746f20626520686173686564206265666f7265206265696e6720757365642062792074"
     "686520484d414320616c676f726974686d2e",
     1, 32, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static struct gh_bytes repeat(const char *text, size_t times, uint8_t buffer[256])
{
    size_t size = strlen(text) / 2;
    assert_true(size * times <= 256);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(gh_hex_decode(text, size * 2, buffer + i * size, size), GH_OK);
    return view(buffer, size * times);
}

static void hmac_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(hmac_vectors); i++) {
        uint8_t key[256], message[256], hash[GH_SHA256_BYTES];
        gh_hmac_sha256(repeat(hmac_vectors[i].key, hmac_vectors[i].key_repeats, key),
                       repeat(hmac_vectors[i].message, hmac_vectors[i].message_repeats, message),
                       hash);
        assert_memory_equal(hash, hex(hmac_vectors[i].hash).data, hmac_vectors[i].hash_bytes);
    }
}

/* RFC 2104 by hand: H(key ^ opad, H(key ^ ipad, message)), for keys of every size around the
 * block's, and messages of none and some bytes. */
static void hmac_of_any_key_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 5000};
    static uint8_t key[5000];
    gh_random(key, sizeof(key));
    for (size_t i = 0; i < GH_ARRAY_SIZE(sizes); i++) {
        for (size_t size = 0; size <= 3; size += 3) {
            uint8_t inner[64 + 3], outer[64 + 32], expected[32], hash[32], again[32];
            uint8_t block[64] = {0};
            if (sizes[i] > sizeof(block))
                gh_sha256(view(key, sizes[i]), block);
            else
                memcpy(block, key, sizes[i]);
            for (size_t b = 0; b < sizeof(block); b++) {
                inner[b] = block[b] ^ 0x36;
                outer[b] = block[b] ^ 0x5c;
            }
            memcpy(inner + 64, "abc", size);
            gh_sha256(view(inner, 64 + size), outer + 64);
            gh_sha256(view(outer, sizeof(outer)), expected);
            gh_hmac_sha256(view(sizes[i] > 0 ? key : NULL, sizes[i]),
                           view(size > 0 ? "abc" : NULL, size), hash);
            assert_memory_equal(hash, expected, sizeof(hash));
            gh_hmac_sha256(view(key, sizes[i]), view("abc", size), again); /* not NULL: the same */
            assert_memory_equal(again, expected, sizeof(again));
        }
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_known_answers),         cmocka_unit_test(hmac_known_answers),
        cmocka_unit_test(hmac_of_any_key_size),         cmocka_unit_test(random_bytes_look_random),
        cmocka_unit_test(memory_is_compared_and_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
