/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/list.h"

#include <limits.h>
#include <string.h>

#include "code/cbor.h"
#include "gatehouse/cose.h"

#define MANIFEST_VERSION 1
#define NUMBER_MAX (UINT64_C(1) << 53)   /* generations and sizes are also spoken of in JSON */
#define TIME_MAX_S INT64_C(253402300799) /* the end of the year 9999 */
#define AGE_MAX_S (INT64_C(100) * 366 * 86400) /* so that no sum of times overflows */

/* Keys of the maps: docs/protocol.md, section 4. */
enum manifest_key {
    KEY_VERSION = 1,
    KEY_AREA,
    KEY_GENERATION,
    KEY_ISSUED_AT,
    KEY_SNAPSHOT_SHA256,
    KEY_SNAPSHOT_BYTES,
    KEY_POLICY,
    KEY_ISSUERS,
    MANIFEST_KEYS = KEY_ISSUERS
};
enum policy_key {
    KEY_HOME_RULE = 1,
    KEY_PASSAGE_TIMEOUT,
    KEY_DEBOUNCE,
    KEY_LIST_MAX_AGE,
    POLICY_KEYS = KEY_LIST_MAX_AGE
};
enum issuer_key {
    KEY_ALGORITHM = 1,
    KEY_RAW,
    KEY_PURPOSES,
    KEY_NOT_BEFORE,
    KEY_NOT_AFTER,
    KEY_ISSUER,
    ISSUER_KEYS = KEY_ISSUER
};

static const char aad_text[] = "gatehouse list manifest v1";

static struct gh_bytes external_aad(void)
{
    return (struct gh_bytes){.data = (const uint8_t *)aad_text, .size = sizeof(aad_text) - 1};
}

/* --- what a manifest may say, for writer and reader alike ------------------------------------- */

static bool policy_fits(const struct gh_policy *policy)
{
    return policy->home_rule >= GH_HOME_NONE && policy->home_rule <= GH_HOME_CODE &&
           policy->passage_timeout_ms >= 1000 && policy->passage_timeout_ms <= 60000 &&
           policy->debounce_ms >= 500 && policy->debounce_ms <= 60000 &&
           policy->list_max_age_s >= 60 && policy->list_max_age_s <= AGE_MAX_S;
}

static bool text_fits(const char *text, size_t capacity)
{
    size_t size = strnlen(text, capacity);
    return size < capacity && gh_utf8_valid(text, size);
}

/* What is wrong with the manifest, NULL when nothing is. */
static const char *misfit(const struct gh_manifest *manifest)
{
    if (!text_fits(manifest->area, GH_AREA_BYTES) || manifest->area[0] == '\0') {
        return "area";
    }
    if (manifest->generation < 1 || manifest->generation > NUMBER_MAX) {
        return "generation";
    }
    if (manifest->issued_at_s < 0 || manifest->issued_at_s > TIME_MAX_S) {
        return "issue time";
    }
    if (manifest->snapshot_bytes > NUMBER_MAX) {
        return "snapshot size";
    }
    if (!policy_fits(&manifest->policy)) {
        return "policy";
    }
    if (manifest->key_count > GH_LIST_KEYS_MAX) {
        return "number of issuers' keys";
    }
    for (size_t i = 0; i < manifest->key_count; i++) {
        if (!text_fits(manifest->keys[i].issuer, GH_ISSUER_BYTES)) {
            return "issuer";
        }
    }
    return NULL;
}

/* The keys must make a trust, or the gate would take a list whose codes it cannot verify. */
static enum gh_status check(const struct gh_manifest *manifest, enum gh_status bad,
                            struct gh_error *err)
{
    const char *what = misfit(manifest);
    if (what != NULL) {
        return gh_fail(err, bad, "the manifest's %s is not valid", what);
    }
    struct gh_trust *trust = NULL;
    enum gh_status status = gh_trust_new(manifest->keys, manifest->key_count, &trust);
    gh_trust_unref(trust);
    if (status == GH_ERR_NOMEM) {
        return gh_fail(err, status, "no memory for the issuers' keys");
    }
    if (status != GH_OK) {
        return gh_fail(err, bad, "an issuer's key in the manifest is not valid, or there twice");
    }
    return GH_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_policy(struct gh_writer *writer, const struct gh_policy *policy)
{
    gh_cbor_put_map(writer, POLICY_KEYS);
    gh_cbor_put_uint(writer, KEY_HOME_RULE);
    gh_cbor_put_uint(writer, policy->home_rule);
    gh_cbor_put_uint(writer, KEY_PASSAGE_TIMEOUT);
    gh_cbor_put_int(writer, policy->passage_timeout_ms);
    gh_cbor_put_uint(writer, KEY_DEBOUNCE);
    gh_cbor_put_int(writer, policy->debounce_ms);
    gh_cbor_put_uint(writer, KEY_LIST_MAX_AGE);
    gh_cbor_put_int(writer, policy->list_max_age_s);
}

static void put_issuer(struct gh_writer *writer, const struct gh_issuer_key *key)
{
    gh_cbor_put_map(writer, ISSUER_KEYS);
    gh_cbor_put_uint(writer, KEY_ALGORITHM);
    gh_cbor_put_int(writer, key->type);
    gh_cbor_put_uint(writer, KEY_RAW);
    gh_cbor_put_bytes(writer, key->raw, key->raw_bytes);
    gh_cbor_put_uint(writer, KEY_PURPOSES);
    gh_cbor_put_uint(writer, key->purposes);
    gh_cbor_put_uint(writer, KEY_NOT_BEFORE);
    gh_cbor_put_int(writer, key->not_before_s);
    gh_cbor_put_uint(writer, KEY_NOT_AFTER);
    gh_cbor_put_int(writer, key->not_after_s);
    gh_cbor_put_uint(writer, KEY_ISSUER);
    gh_cbor_put_text(writer, key->issuer);
}

static void put_manifest(struct gh_writer *writer, const struct gh_manifest *manifest)
{
    gh_cbor_put_map(writer, MANIFEST_KEYS);
    gh_cbor_put_uint(writer, KEY_VERSION);
    gh_cbor_put_uint(writer, MANIFEST_VERSION);
    gh_cbor_put_uint(writer, KEY_AREA);
    gh_cbor_put_text(writer, manifest->area);
    gh_cbor_put_uint(writer, KEY_GENERATION);
    gh_cbor_put_uint(writer, manifest->generation);
    gh_cbor_put_uint(writer, KEY_ISSUED_AT);
    gh_cbor_put_int(writer, manifest->issued_at_s);
    gh_cbor_put_uint(writer, KEY_SNAPSHOT_SHA256);
    gh_cbor_put_bytes(writer, manifest->snapshot_sha256, GH_SHA256_BYTES);
    gh_cbor_put_uint(writer, KEY_SNAPSHOT_BYTES);
    gh_cbor_put_uint(writer, manifest->snapshot_bytes);
    gh_cbor_put_uint(writer, KEY_POLICY);
    put_policy(writer, &manifest->policy);
    gh_cbor_put_uint(writer, KEY_ISSUERS);
    gh_cbor_put_array(writer, manifest->key_count);
    for (size_t i = 0; i < manifest->key_count; i++) {
        put_issuer(writer, &manifest->keys[i]);
    }
}

enum gh_status gh_manifest_write(const struct gh_private_key *list_key,
                                 const struct gh_manifest *manifest, struct gh_writer *writer)
{
    enum gh_status status = check(manifest, GH_ERR_INVALID, NULL);
    if (status != GH_OK) {
        return status;
    }
    uint8_t buffer[GH_MANIFEST_MAX_BYTES];
    struct gh_writer payload = gh_writer_over(buffer, sizeof(buffer));
    put_manifest(&payload, manifest);
    if (payload.overflow) {
        return GH_ERR_TOOBIG;
    }
    size_t before = writer->size;
    status = gh_cose_write(writer, list_key,
                           (struct gh_bytes){.data = payload.data, .size = payload.size},
                           external_aad());
    if (status == GH_OK && writer->size - before > GH_MANIFEST_MAX_BYTES) {
        status = GH_ERR_TOOBIG;
    }
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Our maps hold the keys 1..known, in this order. What a later server adds behind them for later
 * gates is passed over; what a gate must not pass over comes with another version. */
struct map {
    size_t pairs;
    int64_t last;
};

static struct map open_map(struct gh_cbor_reader *reader)
{
    return (struct map){.pairs = gh_cbor_map(reader)};
}

static void next_key(struct gh_cbor_reader *reader, struct map *map, int64_t key)
{
    if (map->pairs == 0 || gh_cbor_int(reader) != key) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    map->pairs--;
    map->last = key;
}

static void close_map(struct gh_cbor_reader *reader, struct map *map)
{
    for (; map->pairs > 0 && reader->status == GH_OK; map->pairs--) {
        int64_t key = gh_cbor_int(reader);
        if (key <= map->last) {
            gh_cbor_fail(reader, GH_ERR_INVALID);
        }
        map->last = key;
        gh_cbor_skip(reader);
    }
}

static void get_text(struct gh_cbor_reader *reader, char *out, size_t capacity)
{
    struct gh_bytes text = gh_cbor_text(reader);
    if (text.size >= capacity || (text.size > 0 && memchr(text.data, 0, text.size) != NULL)) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    if (text.size > 0) {
        memcpy(out, text.data, text.size);
    }
    out[text.size] = '\0';
}

static void get_policy(struct gh_cbor_reader *reader, struct gh_policy *policy)
{
    struct map map = open_map(reader);
    next_key(reader, &map, KEY_HOME_RULE);
    uint64_t rule = gh_cbor_uint(reader);
    if (rule > GH_HOME_CODE) { /* before it becomes an enum, which may be narrower */
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    policy->home_rule = (enum gh_home_rule)rule;
    next_key(reader, &map, KEY_PASSAGE_TIMEOUT);
    policy->passage_timeout_ms = gh_cbor_int(reader);
    next_key(reader, &map, KEY_DEBOUNCE);
    policy->debounce_ms = gh_cbor_int(reader);
    next_key(reader, &map, KEY_LIST_MAX_AGE);
    policy->list_max_age_s = gh_cbor_int(reader);
    close_map(reader, &map);
}

static void get_issuer(struct gh_cbor_reader *reader, struct gh_issuer_key *key)
{
    struct map map = open_map(reader);
    next_key(reader, &map, KEY_ALGORITHM);
    int64_t type = gh_cbor_int(reader);
    next_key(reader, &map, KEY_RAW);
    struct gh_bytes raw = gh_cbor_bytes(reader);
    next_key(reader, &map, KEY_PURPOSES);
    uint64_t purposes = gh_cbor_uint(reader);
    next_key(reader, &map, KEY_NOT_BEFORE);
    key->not_before_s = gh_cbor_int(reader);
    next_key(reader, &map, KEY_NOT_AFTER);
    key->not_after_s = gh_cbor_int(reader);
    next_key(reader, &map, KEY_ISSUER);
    get_text(reader, key->issuer, sizeof(key->issuer));
    close_map(reader, &map);
    if ((type != GH_KEY_ED25519 && type != GH_KEY_P256) || raw.size > sizeof(key->raw) ||
        purposes > UINT_MAX) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    key->type = (enum gh_key_type)type;
    if (raw.size > 0) {
        memcpy(key->raw, raw.data, raw.size);
    }
    key->raw_bytes = raw.size;
    key->purposes = (unsigned)purposes;
}

static void get_issuers(struct gh_cbor_reader *reader, struct gh_manifest *out)
{
    size_t count = gh_cbor_array(reader);
    if (count > GH_LIST_KEYS_MAX) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    for (size_t i = 0; i < count && reader->status == GH_OK; i++) {
        get_issuer(reader, &out->keys[i]);
    }
    out->key_count = count;
}

static void get_snapshot_hash(struct gh_cbor_reader *reader, struct gh_manifest *out)
{
    struct gh_bytes hash = gh_cbor_bytes(reader);
    if (hash.size != GH_SHA256_BYTES) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    memcpy(out->snapshot_sha256, hash.data, GH_SHA256_BYTES);
}

static enum gh_status get_manifest(struct gh_bytes payload, struct gh_manifest *out,
                                   struct gh_error *err)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(payload);
    struct map map = open_map(&reader);
    next_key(&reader, &map, KEY_VERSION);
    uint64_t version = gh_cbor_uint(&reader);
    if (reader.status == GH_OK && version != MANIFEST_VERSION) {
        return gh_fail(err, GH_ERR_CORRUPT, "the manifest is of another version");
    }
    next_key(&reader, &map, KEY_AREA);
    get_text(&reader, out->area, sizeof(out->area));
    next_key(&reader, &map, KEY_GENERATION);
    out->generation = gh_cbor_uint(&reader);
    next_key(&reader, &map, KEY_ISSUED_AT);
    out->issued_at_s = gh_cbor_int(&reader);
    next_key(&reader, &map, KEY_SNAPSHOT_SHA256);
    get_snapshot_hash(&reader, out);
    next_key(&reader, &map, KEY_SNAPSHOT_BYTES);
    out->snapshot_bytes = gh_cbor_uint(&reader);
    next_key(&reader, &map, KEY_POLICY);
    get_policy(&reader, &out->policy);
    next_key(&reader, &map, KEY_ISSUERS);
    get_issuers(&reader, out);
    close_map(&reader, &map);
    if (gh_cbor_finish(&reader) != GH_OK) {
        return gh_fail(err, GH_ERR_CORRUPT, "the list key signed something that is no manifest");
    }
    return check(out, GH_ERR_CORRUPT, err);
}

enum gh_status gh_manifest_read(const struct gh_public_key *list_key, struct gh_bytes bytes,
                                struct gh_manifest *out, struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    if (bytes.size > GH_MANIFEST_MAX_BYTES) {
        return gh_fail(err, GH_ERR_TOOBIG, "the manifest is larger than %d bytes",
                       GH_MANIFEST_MAX_BYTES);
    }
    struct gh_cose_sign1 message;
    /* Algorithm and key must stand where the signature covers them. */
    if (gh_cose_parse(bytes, &message) != GH_OK || !message.headers_protected) {
        return gh_fail(err, GH_ERR_CORRUPT, "what should be a signed manifest is none");
    }
    enum gh_status status = gh_cose_verify(&message, list_key, external_aad());
    if (status == GH_ERR_SIGNATURE) {
        return gh_fail(err, status, "the manifest is not signed by this list's key");
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "the manifest cannot be verified: %s", gh_status_text(status));
    }
    status = get_manifest(message.payload, out, err);
    if (status != GH_OK) {
        memset(out, 0, sizeof(*out)); /* half a manifest is none */
    }
    return status;
}
