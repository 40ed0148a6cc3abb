/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/list.h"

#include <limits.h>
#include <string.h>

#include "gatehouse/cose.h"
#include "list/keys.h"
#include "list/manifest.h"
#include "list/map.h"
#include "list/policy.h"

#define MANIFEST_VERSION 2
#define SNAPSHOT_MAX_BYTES (UINT64_C(1) << 53)
#define TIME_MAX_S INT64_C(253402300799) /* the end of the year 9999 */

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
    KEY_HOLDER_SECRET,
    KEY_TAG,
    KEY_SNAPSHOT_GENERATION,
    KEY_SNAPSHOT_TAG,
    MANIFEST_KEYS = KEY_SNAPSHOT_TAG
};
enum issuer_key {
    KEY_ALGORITHM = 1,
    KEY_RAW,
    KEY_PURPOSES,
    KEY_NOT_BEFORE,
    KEY_NOT_AFTER,
    KEY_ISSUER,
    KEY_REVOKED,
    ISSUER_KEYS = KEY_REVOKED
};

static const char aad_text[] = "gatehouse list manifest v1";

static struct gh_bytes external_aad(void)
{
    return (struct gh_bytes){.data = (const uint8_t *)aad_text, .size = sizeof(aad_text) - 1};
}

/* --- what a manifest may say, for writer and reader alike ------------------------------------- */

static bool text_fits(const char *text, size_t capacity)
{
    size_t size = strnlen(text, capacity);
    return size < capacity && gh_utf8_valid(text, size);
}

/* Keys of our own codes only: foreign ones are in the snapshot, where there is room for them. */
static const char *key_misfit(const struct gh_issuer_key *key)
{
    if (key->type != GH_KEY_ED25519 && key->type != GH_KEY_P256) {
        return "algorithm of an issuer's key";
    }
    if (key->purposes == 0 || (key->purposes & ~GH_PURPOSES_OWN) != 0 || key->groups != 0) {
        return "purpose of an issuer's key";
    }
    return text_fits(key->issuer, GH_OWN_ISSUER_BYTES) ? NULL : "issuer";
}

bool gh_generation_same(const struct gh_generation *a, const struct gh_generation *b)
{
    return a->number == b->number && memcmp(a->tag, b->tag, GH_LIST_TAG_BYTES) == 0;
}

struct gh_generation gh_manifest_generation(const struct gh_manifest *manifest)
{
    struct gh_generation generation = {.number = manifest->generation};
    memcpy(generation.tag, manifest->tag, GH_LIST_TAG_BYTES);
    return generation;
}

/* A snapshot is of an earlier generation, or of this very one. */
static bool snapshot_fits(const struct gh_manifest *manifest)
{
    const struct gh_generation generation = gh_manifest_generation(manifest);
    return manifest->snapshot.number >= 1 && (manifest->snapshot.number < generation.number ||
                                              gh_generation_same(&manifest->snapshot, &generation));
}

bool gh_list_area_fits(const char area[GH_AREA_BYTES])
{
    return area[0] != '\0' && text_fits(area, GH_AREA_BYTES);
}

/* What is wrong with the manifest, NULL when nothing is. */
static const char *misfit(const struct gh_manifest *manifest)
{
    if (!gh_list_area_fits(manifest->area)) {
        return "area";
    }
    if (manifest->generation < 1 || manifest->generation > GH_GENERATION_MAX) {
        return "generation";
    }
    if (manifest->issued_at_s < 0 || manifest->issued_at_s > TIME_MAX_S) {
        return "issue time";
    }
    if (!snapshot_fits(manifest)) {
        return "snapshot's generation";
    }
    if (manifest->snapshot_bytes > SNAPSHOT_MAX_BYTES) {
        return "snapshot size";
    }
    const char *what = gh_policy_misfit(&manifest->policy);
    if (what != NULL) {
        return what;
    }
    if (manifest->key_count > GH_LIST_KEYS_MAX) {
        return "number of issuers' keys";
    }
    for (size_t i = 0; i < manifest->key_count && what == NULL; i++) {
        what = key_misfit(&manifest->keys[i]);
    }
    return what;
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
    enum gh_status status = gh_trust_new(manifest->keys, manifest->key_count, NULL, &trust);
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
    gh_cbor_put_uint(writer, KEY_REVOKED);
    gh_cbor_put_bool(writer, key->revoked);
}

static void put_issuers(struct gh_writer *writer, const struct gh_manifest *manifest)
{
    gh_cbor_put_array(writer, manifest->key_count);
    for (size_t i = 0; i < manifest->key_count; i++) {
        put_issuer(writer, &manifest->keys[i]);
    }
}

void gh_manifest_put_rules(struct gh_writer *writer, const struct gh_manifest *manifest)
{
    gh_cbor_put_text(writer, manifest->area);
    gh_policy_put(writer, &manifest->policy);
    put_issuers(writer, manifest);
    gh_cbor_put_bytes(writer, manifest->holder_secret, GH_HOLDER_SECRET_BYTES);
}

static void put_manifest(struct gh_writer *writer, const struct gh_manifest *manifest)
{
    const uint8_t *secret = gh_manifest_holder_secret(manifest);
    gh_cbor_put_map(writer, secret != NULL ? MANIFEST_KEYS : MANIFEST_KEYS - 1);
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
    gh_policy_put(writer, &manifest->policy);
    gh_cbor_put_uint(writer, KEY_ISSUERS);
    put_issuers(writer, manifest);
    if (secret != NULL) {
        gh_cbor_put_uint(writer, KEY_HOLDER_SECRET);
        gh_cbor_put_bytes(writer, secret, GH_HOLDER_SECRET_BYTES);
    }
    gh_cbor_put_uint(writer, KEY_TAG);
    gh_cbor_put_bytes(writer, manifest->tag, GH_LIST_TAG_BYTES);
    gh_cbor_put_uint(writer, KEY_SNAPSHOT_GENERATION);
    gh_cbor_put_uint(writer, manifest->snapshot.number);
    gh_cbor_put_uint(writer, KEY_SNAPSHOT_TAG);
    gh_cbor_put_bytes(writer, manifest->snapshot.tag, GH_LIST_TAG_BYTES);
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

static void get_issuer(struct gh_cbor_reader *reader, struct gh_issuer_key *key)
{
    struct gh_map map = gh_map_open(reader);
    gh_map_key(reader, &map, KEY_ALGORITHM);
    int64_t type = gh_cbor_int(reader);
    gh_map_key(reader, &map, KEY_RAW);
    struct gh_bytes raw = gh_cbor_bytes(reader);
    gh_map_key(reader, &map, KEY_PURPOSES);
    uint64_t purposes = gh_cbor_uint(reader);
    gh_map_key(reader, &map, KEY_NOT_BEFORE);
    key->not_before_s = gh_cbor_int(reader);
    gh_map_key(reader, &map, KEY_NOT_AFTER);
    key->not_after_s = gh_cbor_int(reader);
    gh_map_key(reader, &map, KEY_ISSUER);
    gh_map_text(reader, key->issuer, sizeof(key->issuer));
    if (gh_map_has(reader, &map, KEY_REVOKED)) {
        key->revoked = gh_cbor_bool(reader);
    }
    gh_map_close(reader, &map);
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

static enum gh_status get_manifest(struct gh_bytes payload, struct gh_manifest *out,
                                   struct gh_error *err)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(payload);
    struct gh_map map = gh_map_open(&reader);
    gh_map_key(&reader, &map, KEY_VERSION);
    uint64_t version = gh_cbor_uint(&reader);
    if (reader.status == GH_OK && version != MANIFEST_VERSION) {
        return gh_fail(err, GH_ERR_CORRUPT, "the manifest is of another version");
    }
    gh_map_key(&reader, &map, KEY_AREA);
    gh_map_text(&reader, out->area, sizeof(out->area));
    gh_map_key(&reader, &map, KEY_GENERATION);
    out->generation = gh_cbor_uint(&reader);
    gh_map_key(&reader, &map, KEY_ISSUED_AT);
    out->issued_at_s = gh_cbor_int(&reader);
    gh_map_key(&reader, &map, KEY_SNAPSHOT_SHA256);
    gh_map_bytes(&reader, out->snapshot_sha256, GH_SHA256_BYTES);
    gh_map_key(&reader, &map, KEY_SNAPSHOT_BYTES);
    out->snapshot_bytes = gh_cbor_uint(&reader);
    gh_map_key(&reader, &map, KEY_POLICY);
    gh_policy_get(&reader, &out->policy);
    gh_map_key(&reader, &map, KEY_ISSUERS);
    get_issuers(&reader, out);
    if (gh_map_has(&reader, &map, KEY_HOLDER_SECRET)) {
        gh_map_bytes(&reader, out->holder_secret, GH_HOLDER_SECRET_BYTES);
    }
    gh_map_key(&reader, &map, KEY_TAG);
    gh_map_bytes(&reader, out->tag, GH_LIST_TAG_BYTES);
    gh_map_key(&reader, &map, KEY_SNAPSHOT_GENERATION);
    out->snapshot.number = gh_cbor_uint(&reader);
    gh_map_key(&reader, &map, KEY_SNAPSHOT_TAG);
    gh_map_bytes(&reader, out->snapshot.tag, GH_LIST_TAG_BYTES);
    gh_map_close(&reader, &map);
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
    if (gh_cose_parse(bytes, false, &message) != GH_OK || !message.headers_protected) {
        return gh_fail(err, GH_ERR_CORRUPT, "what should be a signed manifest is none");
    }
    enum gh_status status = gh_cose_verify(&message, list_key, external_aad());
    if (status == GH_ERR_NOMEM) {
        return gh_fail(err, status, "no memory to verify the manifest");
    }
    if (status != GH_OK) { /* also: another algorithm, or a signature of another form */
        return gh_fail(err, GH_ERR_SIGNATURE, "the manifest is not signed by this list's key");
    }
    status = get_manifest(message.payload, out, err);
    if (status != GH_OK) {
        memset(out, 0, sizeof(*out)); /* half a manifest is none */
    }
    return status;
}
