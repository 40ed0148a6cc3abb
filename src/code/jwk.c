/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/jwk.h"

#include <jansson.h>
#include <string.h>

#define NUMBER_BYTES 32
#define NUMBER_TEXT_BYTES 44 /* in base64url, its NUL included */
#define THUMBPRINT_TEXT_BYTES NUMBER_TEXT_BYTES
#define HTTPS "https://"

_Static_assert(GH_SHA256_BYTES == NUMBER_BYTES, "a thumbprint is as long as a coordinate");

/* --- one key --- */

/* A member that is a text; size 0 when it is none. */
static struct gh_bytes text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    return (struct gh_bytes){(const uint8_t *)text, text != NULL ? json_string_length(value) : 0};
}

static bool is(struct gh_bytes text, const char *wanted)
{
    return gh_bytes_equal(text, (struct gh_bytes){(const uint8_t *)wanted, strlen(wanted)});
}

/* Each number is given whole, leading zeros included (RFC 7518, 6.2.1.2; RFC 8037, 2). */
static bool read_number(const json_t *object, const char *name, uint8_t out[NUMBER_BYTES])
{
    struct gh_bytes text = text_of(object, name);
    size_t size = NUMBER_BYTES;
    return gh_base64url_decode((const char *)text.data, text.size, out, &size) == GH_OK &&
           size == NUMBER_BYTES;
}

static enum gh_status read_okp(const json_t *object, struct gh_jwk *out, struct gh_error *err)
{
    out->type = GH_KEY_ED25519;
    out->raw_bytes = NUMBER_BYTES;
    if (!read_number(object, "x", out->raw))
        return gh_fail(err, GH_ERR_INVALID, "the key's x is not 32 bytes in base64url");
    return GH_OK;
}

static enum gh_status read_ec(const json_t *object, struct gh_jwk *out, struct gh_error *err)
{
    out->type = GH_KEY_P256;
    out->raw_bytes = 1 + 2 * NUMBER_BYTES;
    out->raw[0] = 4;
    if (!read_number(object, "x", out->raw + 1) ||
        !read_number(object, "y", out->raw + 1 + NUMBER_BYTES))
        return gh_fail(err, GH_ERR_INVALID, "the key's x or y is not 32 bytes in base64url");
    return GH_OK;
}

static enum gh_status read_members(const json_t *object, struct gh_jwk *out, struct gh_error *err)
{
    if (!json_is_object(object))
        return gh_fail(err, GH_ERR_INVALID, "a key is an object");
    if (json_object_get(object, "d") != NULL)
        return gh_fail(err, GH_ERR_INVALID,
                       "the key is a private one, which is not sent to anybody");
    struct gh_bytes kty = text_of(object, "kty");
    struct gh_bytes crv = text_of(object, "crv");
    bool okp = is(kty, "OKP");
    bool ec = is(kty, "EC");
    if (kty.size == 0 || ((okp || ec) && crv.size == 0))
        return gh_fail(err, GH_ERR_INVALID, "the key does not say of which type it is");
    if (okp && is(crv, "Ed25519"))
        return read_okp(object, out, err);
    if (ec && is(crv, "P-256"))
        return read_ec(object, out, err);
    return gh_fail(err, GH_ERR_UNSUPPORTED, "the key is neither Ed25519 nor P-256");
}

static enum gh_status check_point(const struct gh_jwk *jwk, struct gh_error *err)
{
    struct gh_public_key *key = NULL;
    enum gh_status status =
        gh_public_key_from_raw(jwk->type, (struct gh_bytes){jwk->raw, jwk->raw_bytes}, &key);
    gh_public_key_free(key);
    if (status == GH_ERR_NOMEM)
        return gh_fail(err, status, "no memory for a key");
    return status == GH_OK ? GH_OK
                           : gh_fail(err, GH_ERR_INVALID, "the key is no point of its curve");
}

enum gh_status gh_jwk_parse(const struct json_t *object, struct gh_jwk *out, struct gh_error *err)
{
    struct gh_jwk jwk = {.raw_bytes = 0};
    *out = jwk;
    enum gh_status status = read_members(object, &jwk, err);
    if (status == GH_OK)
        status = check_point(&jwk, err);
    if (status == GH_OK)
        *out = jwk;
    return status;
}

void gh_jwk_thumbprint(const struct gh_jwk *jwk, uint8_t out[GH_SHA256_BYTES])
{
    char json[160]; /* the longer of the two has 131 bytes */
    char number[NUMBER_TEXT_BYTES];
    struct gh_writer writer = gh_writer_over(json, sizeof(json));
    bool ec = jwk->type == GH_KEY_P256;
    gh_base64url_encode(jwk->raw + (ec ? 1 : 0), NUMBER_BYTES, number);
    gh_writer_put_text(&writer, ec ? "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""
                                   : "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
    gh_writer_put_text(&writer, number);
    if (ec) {
        gh_base64url_encode(jwk->raw + 1 + NUMBER_BYTES, NUMBER_BYTES, number);
        gh_writer_put_text(&writer, "\",\"y\":\"");
        gh_writer_put_text(&writer, number);
    }
    gh_writer_put_text(&writer, "\"}");
    gh_sha256((struct gh_bytes){writer.data, writer.size}, out);
}

/* --- a set of keys --- */

static void cleanup_json(json_t **json)
{
    json_decref(*json);
}

/* Its iss must be the same text as in its cards, so that only what could stand there is taken. */
static enum gh_status read_issuer(const json_t *set, char out[GH_ISSUER_BYTES],
                                  struct gh_error *err)
{
    struct gh_bytes issuer = text_of(set, "iss");
    size_t scheme = strlen(HTTPS);
    bool good = issuer.size > scheme && issuer.size < GH_ISSUER_BYTES &&
                memcmp(issuer.data, HTTPS, scheme) == 0 && issuer.data[issuer.size - 1] != '/';
    for (size_t i = 0; good && i < issuer.size; i++)
        good = issuer.data[i] > ' ' && issuer.data[i] < 0x7f;
    if (!good)
        return gh_fail(err, GH_ERR_INVALID,
                       "its iss is not an https URL without a / at the end, of at most %d bytes",
                       GH_ISSUER_BYTES - 1);
    memcpy(out, issuer.data, issuer.size);
    out[issuer.size] = '\0';
    return GH_OK;
}

static bool kid_is(const json_t *object, const uint8_t thumbprint[GH_SHA256_BYTES])
{
    char text[THUMBPRINT_TEXT_BYTES];
    gh_base64url_encode(thumbprint, GH_SHA256_BYTES, text);
    return is(text_of(object, "kid"), text);
}

/* One key of the set into *key; GH_ERR_UNSUPPORTED for one that signs no cards. */
static enum gh_status read_key(const json_t *object, struct gh_issuer_key *key,
                               struct gh_error *err)
{
    struct gh_jwk jwk;
    struct gh_error why = {.status = GH_OK};
    uint8_t thumbprint[GH_SHA256_BYTES];
    bool for_cards = is(text_of(object, "use"), "sig") && is(text_of(object, "alg"), "ES256");
    /* A private key is wrong here whatever it is for. */
    if (json_is_object(object) && !for_cards && json_object_get(object, "d") == NULL)
        return GH_ERR_UNSUPPORTED;
    enum gh_status status = gh_jwk_parse(object, &jwk, &why);
    if (status == GH_ERR_UNSUPPORTED || (status == GH_OK && jwk.type != GH_KEY_P256))
        return GH_ERR_UNSUPPORTED;
    if (status != GH_OK)
        return gh_fail(err, status, "%s", why.text);
    gh_jwk_thumbprint(&jwk, thumbprint);
    if (!kid_is(object, thumbprint))
        return gh_fail(err, GH_ERR_INVALID, "a key's kid is not its thumbprint");
    key->type = jwk.type;
    key->raw_bytes = jwk.raw_bytes;
    memcpy(key->raw, jwk.raw, jwk.raw_bytes);
    memcpy(key->key_id, thumbprint, sizeof(key->key_id));
    return GH_OK;
}

static enum gh_status read_keys(const json_t *keys, struct gh_issuer_key *key, gh_jwks_key_fn *each,
                                void *context, size_t *passed_over, struct gh_error *err)
{
    for (size_t i = 0; i < json_array_size(keys); i++) {
        enum gh_status status = read_key(json_array_get(keys, i), key, err);
        if (status == GH_OK && !each(context, key))
            return GH_OK;
        if (status != GH_OK && status != GH_ERR_UNSUPPORTED)
            return status;
        if (status == GH_ERR_UNSUPPORTED && passed_over != NULL)
            ++*passed_over;
    }
    return GH_OK;
}

enum gh_status gh_jwks_read(struct gh_bytes text, gh_jwks_key_fn *each, void *context,
                            size_t *passed_over, struct gh_error *err)
{
    if (text.size > GH_JWKS_MAX_BYTES)
        return gh_fail(err, GH_ERR_TOOBIG, "larger than %d bytes", GH_JWKS_MAX_BYTES);
    json_error_t why;
    __attribute__((cleanup(cleanup_json))) json_t *set = json_loadb(
        text.size > 0 ? (const char *)text.data : "", text.size, JSON_REJECT_DUPLICATES, &why);
    if (set == NULL && json_error_code(&why) == json_error_out_of_memory)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for a JWK set");
    if (set == NULL)
        return gh_fail(err, GH_ERR_INVALID, "not JSON from line %d on", why.line);
    const json_t *keys = json_object_get(set, "keys");
    if (!json_is_array(keys))
        return gh_fail(err, GH_ERR_INVALID, "not a JWK set: it has no array of keys");
    struct gh_issuer_key key = {
        .purposes = GH_PURPOSE(GH_KIND_SHC),
        .not_before_s = INT64_MIN,
        .not_after_s = INT64_MAX,
    };
    enum gh_status status = read_issuer(set, key.issuer, err);
    return status == GH_OK ? read_keys(keys, &key, each, context, passed_over, err) : status;
}
