/* SPDX-License-Identifier: Apache-2.0 */
#include "server/revocation_batch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/clock.h"

#define RID_MAX_BYTES 24          /* spec.smarthealth.cards, "Revocation" */
#define UNKNOWN_KID "UNKNOWN_KID" /* where a gateway's member state does not say */
#define TIME_DIGITS_MAX 12

/* Standard base64 with its padding. */
static bool decode(const char *text, uint8_t *out, size_t capacity, size_t *size)
{
    return text != NULL && sodium_base642bin(out, capacity, text, strlen(text), NULL, size, NULL,
                                             sodium_base64_VARIANT_ORIGINAL) == 0;
}

/* --- the EU's --- */

static enum gh_status read_entry(const json_t *entry, size_t number, int64_t expires_at,
                                 struct gh_db_revocation *out, struct gh_error *err)
{
    uint8_t hash[GH_SHA256_BYTES];
    size_t size = 0;
    const char *text = json_string_value(json_object_get(entry, "hash"));
    if (!decode(text, hash, sizeof(hash), &size) ||
        (size != GH_REVOCATION_BYTES && size != GH_SHA256_BYTES) || json_object_size(entry) != 1)
        return gh_fail(err, GH_ERR_INVALID, "entry %zu is not {\"hash\": base64 of 16 or 32 bytes}",
                       number);
    *out = (struct gh_db_revocation){.before = INT64_MAX, .expires_at = expires_at};
    memcpy(out->hash, hash, sizeof(out->hash));
    return GH_OK;
}

/* The kid says who revokes; a hash is of its certificate whoever does. It is only looked at. */
static bool kid_is_good(const char *kid)
{
    uint8_t bytes[16];
    size_t size = 0;
    return strcmp(kid, UNKNOWN_KID) == 0 ||
           (decode(kid, bytes, sizeof(bytes), &size) && size == GH_KEY_ID_BYTES);
}

static enum gh_status check_eu(const struct gh_revocation_body *body, int64_t *expires_at,
                               struct gh_error *err)
{
    static const char *const types[] = {"SIGNATURE", "UCI", "COUNTRYCODEUCI"};
    size_t type = 0;
    *expires_at = INT64_MAX;
    if (body->method != NULL || body->rids != NULL || body->ctr != NULL)
        return gh_fail(err, GH_ERR_INVALID, "a batch has either entries or rids");
    if (body->entries == NULL || body->hash_type == NULL)
        return gh_fail(err, GH_ERR_INVALID, "the member \"%s\" is missing",
                       body->entries == NULL ? "entries" : "hashType");
    while (type < GH_ARRAY_SIZE(types) && strcmp(types[type], body->hash_type) != 0)
        type++;
    if (type == GH_ARRAY_SIZE(types))
        return gh_fail(err, GH_ERR_INVALID, "hashType must be SIGNATURE, UCI or COUNTRYCODEUCI");
    if (!kid_is_good(body->kid))
        return gh_fail(err, GH_ERR_INVALID, "kid must be 8 bytes in base64");
    if (body->country != NULL && strlen(body->country) != 2)
        return gh_fail(err, GH_ERR_INVALID, "country must be two letters");
    if (body->expires != NULL && gh_time_parse(body->expires, expires_at) != GH_OK)
        return gh_fail(err, GH_ERR_INVALID, "expires must be a time (RFC 3339)");
    return GH_OK;
}

static enum gh_status read_eu(const struct gh_revocation_body *body,
                              struct gh_revocation_batch *out, struct gh_error *err)
{
    int64_t expires_at;
    enum gh_status status = check_eu(body, &expires_at, err);
    for (size_t i = 0; status == GH_OK && i < json_array_size(body->entries); i++)
        status = read_entry(json_array_get(body->entries, i), i + 1, expires_at,
                            &out->list[out->count++], err);
    return status;
}

/* --- a SMART Health Card issuer's --- */

/* False for what is no rid, or no time behind it. */
static bool read_rid(const char *kid, const char *text, struct gh_db_revocation *out)
{
    char rid[RID_MAX_BYTES + 1] = "";
    size_t size = strcspn(text, ".");
    const char *suffix = text + size;
    *out = (struct gh_db_revocation){.before = INT64_MAX, .expires_at = INT64_MAX};
    if (*suffix == '.') {
        size_t digits = strspn(++suffix, "0123456789");
        if (digits == 0 || digits > TIME_DIGITS_MAX || suffix[digits] != '\0')
            return false;
        out->before = strtoll(suffix, NULL, 10);
    }
    if (size > RID_MAX_BYTES)
        return false;
    memcpy(rid, text, size);
    return gh_shc_revocation(kid, rid, out->hash) == GH_OK;
}

static enum gh_status check_shc(const struct gh_revocation_body *body, struct gh_error *err)
{
    uint8_t hash[GH_REVOCATION_BYTES];
    if (body->country != NULL || body->expires != NULL || body->hash_type != NULL)
        return gh_fail(err, GH_ERR_INVALID, "a batch has either entries or rids");
    if (body->method == NULL || strcmp(body->method, "rid") != 0)
        return gh_fail(err, GH_ERR_INVALID, "method must be \"rid\"");
    if (gh_shc_revocation(body->kid, "rid", hash) != GH_OK)
        return gh_fail(err, GH_ERR_INVALID, "kid must be a key's thumbprint in base64url");
    if (body->ctr != NULL && !json_is_integer(body->ctr) && !json_is_string(body->ctr))
        return gh_fail(err, GH_ERR_INVALID, "ctr must be a number");
    return GH_OK;
}

static enum gh_status read_shc(const struct gh_revocation_body *body,
                               struct gh_revocation_batch *out, struct gh_error *err)
{
    enum gh_status status = check_shc(body, err);
    for (size_t i = 0; status == GH_OK && i < json_array_size(body->rids); i++) {
        const char *text = json_string_value(json_array_get(body->rids, i));
        if (text == NULL || !read_rid(body->kid, text, &out->list[out->count++]))
            status = gh_fail(err, GH_ERR_INVALID,
                             "rid %zu is not 1 to 24 letters of base64url, with or without "
                             "`.SECONDS` behind them",
                             i + 1);
    }
    return status;
}

/* --- */

enum gh_status gh_revocation_batch_read(const struct gh_revocation_body *body,
                                        struct gh_revocation_batch *out, struct gh_error *err)
{
    bool shc = body->rids != NULL && body->entries == NULL;
    size_t most = json_array_size(shc ? body->rids : body->entries);
    *out = (struct gh_revocation_batch){.list = calloc(most + 1, sizeof(*out->list))};
    if (out->list == NULL)
        return GH_ERR_NOMEM;
    enum gh_status status = shc ? read_shc(body, out, err) : read_eu(body, out, err);
    if (status != GH_OK)
        gh_revocation_batch_close(out);
    return status;
}

void gh_revocation_batch_close(struct gh_revocation_batch *batch)
{
    free(batch->list);
    *batch = (struct gh_revocation_batch){0};
}
