/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <openssl/err.h>

#include "crypto_fixture.h"

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

static void number_of(unsigned int value, uint8_t out[32])
{
    memset(out, 0, 32);
    out[31] = (uint8_t)value;
}

static void p256_points_are_decompressed(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        bool odd;
    } known[] = {
        {JWS_RAW, true},
        {DSA_RAW, true},
        {"040000000000000000000000000000000000000000000000000000000000000005"
         "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc",
         false},
        {"040000000000000000000000000000000000000000000000000000000000000005"
         "ba6dbc4555a7e7fa016ec431667e8521ee35afc49b265c3accbea3f7cdb70433",
         true},
        {"040000000000000000000000000000000000000000000000000000000000000000"
         "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
         false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(known); i++) {
        struct gh_bytes raw = hex(known[i].raw);
        uint8_t out[65];
        assert_int_equal(gh_p256_decompress(raw.data + 1, known[i].odd, out), GH_OK);
        assert_memory_equal(out, raw.data, sizeof(out));
        /* the other parity is the point opposite, which is a key too, and not this one */
        assert_int_equal(gh_p256_decompress(raw.data + 1, !known[i].odd, out), GH_OK);
        assert_memory_equal(out, raw.data, 33);
        assert_memory_not_equal(out, raw.data, sizeof(out));
        gh_public_key_free(from_raw(GH_KEY_P256, view(out, sizeof(out))));
    }
}

/* Which of the first numbers are x coordinates was reckoned by Euler's criterion, elsewhere. */
static void numbers_that_are_no_coordinate_are_refused(void **state)
{
    (void)state;
    static const unsigned char on_curve[40] = {
        [0] = 1,  [5] = 1,  [6] = 1,  [8] = 1,  [9] = 1,  [12] = 1, [13] = 1, [17] = 1, [23] = 1,
        [24] = 1, [25] = 1, [26] = 1, [29] = 1, [31] = 1, [34] = 1, [35] = 1, [37] = 1, [39] = 1};
    uint8_t x[32], out[65];
    for (unsigned int i = 0; i < GH_ARRAY_SIZE(on_curve); i++) {
        number_of(i, x);
        enum gh_status expected = on_curve[i] ? GH_OK : GH_ERR_INVALID;
        assert_int_equal(gh_p256_decompress(x, false, out), expected);
        assert_int_equal(gh_p256_decompress(x, true, out), expected);
    }
    static const char *const outside[] = {
        "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", /* p, for 0 */
        "ffffffff00000001000000000000000000000001000000000000000000000004", /* p + 5 */
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(outside); i++)
        for (int odd = 0; odd < 2; odd++)
            assert_int_equal(gh_p256_decompress(hex(outside[i]).data, odd == 1, out),
                             GH_ERR_INVALID);
    assert_true(ERR_peek_error() == 0);
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

static void strange_types_are_not_generated(void **state)
{
    (void)state;
    struct gh_private_key *key = (struct gh_private_key *)path;
    assert_int_equal(gh_private_key_generate((enum gh_key_type)0, &key), GH_ERR_INVALID);
    assert_null(key);
    key = (struct gh_private_key *)path;
    assert_int_equal(gh_private_key_generate(GH_KEY_PS256, &key), GH_ERR_INVALID); /* verifies */
    assert_null(key);
    gh_private_key_free(NULL);
    gh_public_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_keys_have_one_length),
        cmocka_unit_test(points_off_the_curve_are_no_keys),
        cmocka_unit_test(p256_points_are_decompressed),
        cmocka_unit_test(numbers_that_are_no_coordinate_are_refused),
        cmocka_unit_test(ed25519_points_are_checked),
        cmocka_unit_test(key_ids_come_from_the_raw_key),
        cmocka_unit_test(strange_types_are_not_generated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
