/* SPDX-License-Identifier: Apache-2.0 */
/* Which 32 bytes are an Ed25519 public key. */
#include <openssl/bn.h>
#include <string.h>

#include "crypto/keys.h"

/* The y coordinates of the points of small order, big-endian: 0, 1, -1 and the two of order 8. With
 * such a key, one signature fits many messages. */
static const char *const small_order[] = {
    "00",
    "01",
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
    "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
    "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
};

static bool is_small_order(const BIGNUM *y)
{
    for (size_t i = 0; i < GH_ARRAY_SIZE(small_order); i++) {
        BIGNUM *known = NULL;
        bool equal = BN_hex2bn(&known, small_order[i]) == 0 || BN_cmp(y, known) == 0;
        BN_free(known);
        if (equal) {
            return true;
        }
    }
    return false;
}

/* RFC 8032, section 5.1.3: there is an x with -x^2 + y^2 = 1 + d x^2 y^2 (mod p) if and only if
 * u/v is a square, and so u*v, where u = y^2 - 1 and v = d y^2 + 1. */
static bool has_x(const BIGNUM *y, const BIGNUM *p, const BIGNUM *d, BN_CTX *context)
{
    BN_CTX_start(context);
    BIGNUM *square = BN_CTX_get(context);
    BIGNUM *u = BN_CTX_get(context);
    BIGNUM *v = BN_CTX_get(context);
    bool found = v != NULL && BN_mod_sqr(square, y, p, context) == 1 &&
                 BN_mod_sub(u, square, BN_value_one(), p, context) == 1 &&
                 BN_mod_mul(v, square, d, p, context) == 1 &&
                 BN_mod_add(v, v, BN_value_one(), p, context) == 1 &&
                 BN_mod_mul(u, u, v, p, context) == 1 && BN_kronecker(u, p, context) == 1;
    BN_CTX_end(context);
    return found;
}

/* libcrypto takes any 32 bytes for an Ed25519 key and finds out when it verifies. */
bool gh_ed25519_is_point(const uint8_t raw[GH_ED25519_RAW_BYTES])
{
    uint8_t bytes[GH_ED25519_RAW_BYTES];
    memcpy(bytes, raw, sizeof(bytes));
    bytes[31] &= 0x7F; /* the top bit is the sign of x */

    BIGNUM *p = NULL;
    BIGNUM *d = NULL;
    BN_CTX *context = BN_CTX_new();
    BIGNUM *y = BN_lebin2bn(bytes, sizeof(bytes), NULL);
    bool good =
        context != NULL && y != NULL &&
        BN_hex2bn(&p, "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed") > 0 &&
        BN_hex2bn(&d, "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3") > 0 &&
        BN_cmp(y, p) < 0 && !is_small_order(y) && has_x(y, p, d, context);
    BN_free(y);
    BN_free(d);
    BN_free(p);
    BN_CTX_free(context);
    return good;
}
