/* SPDX-License-Identifier: Apache-2.0 */
/* A delta: its records written, sealed, and believed. */
#include "list/delta.h"

#include <stdlib.h>
#include <string.h>

#include "gatehouse/compress.h"
#include "gatehouse/cose.h"
#include "list/manifest.h"
#include "list/map.h"

#define DELTA_VERSION 1

enum delta_key {
    KEY_VERSION = 1,
    KEY_AREA,
    KEY_FROM,
    KEY_FROM_TAG,
    KEY_TO,
    KEY_TO_TAG,
    KEY_SHA256,
    KEY_BYTES,
    DELTA_KEYS = KEY_BYTES
};

static const char aad_text[] = "gatehouse list delta v1";

static struct gh_bytes external_aad(void)
{
    return (struct gh_bytes){.data = (const uint8_t *)aad_text, .size = sizeof(aad_text) - 1};
}

/* --- records ---------------------------------------------------------------------------------- */

static void put_head(struct gh_writer *writer, enum gh_record_kind kind, size_t more)
{
    gh_cbor_put_array(writer, 1 + more);
    gh_cbor_put_uint(writer, kind);
}

static void put_drop(struct gh_writer *writer, enum gh_record_kind kind, size_t more)
{
    gh_cbor_put_array(writer, 1 + more);
    gh_cbor_put_int(writer, -(int64_t)kind);
}

void gh_delta_put_subject(struct gh_writer *writer, gh_id subject, enum gh_colour colour,
                          const gh_id *homes, size_t home_count)
{
    put_head(writer, GH_RECORD_SUBJECT, 2 + home_count);
    gh_cbor_put_uint(writer, subject);
    gh_cbor_put_uint(writer, colour);
    for (size_t i = 0; i < home_count; i++)
        gh_cbor_put_uint(writer, homes[i]);
}

void gh_delta_put_home(struct gh_writer *writer, gh_id home)
{
    put_head(writer, GH_RECORD_HOME, 1);
    gh_cbor_put_uint(writer, home);
}

void gh_delta_put_revoked(struct gh_writer *writer, gh_id credential)
{
    put_head(writer, GH_RECORD_REVOKED, 1);
    gh_cbor_put_uint(writer, credential);
}

void gh_delta_put_recalled(struct gh_writer *writer, gh_id subject, int64_t before_s)
{
    put_head(writer, GH_RECORD_RECALLED, 2);
    gh_cbor_put_uint(writer, subject);
    gh_cbor_put_int(writer, before_s);
}

void gh_delta_put_hash(struct gh_writer *writer, const uint8_t hash[GH_REVOCATION_BYTES],
                       int64_t before_s)
{
    bool always = before_s == INT64_MAX;
    put_head(writer, GH_RECORD_HASH, always ? 1 : 2);
    gh_cbor_put_bytes(writer, hash, GH_REVOCATION_BYTES);
    if (!always)
        gh_cbor_put_int(writer, before_s);
}

void gh_delta_put_holder(struct gh_writer *writer, gh_id holder, gh_id subject)
{
    put_head(writer, GH_RECORD_HOLDER, 2);
    gh_cbor_put_uint(writer, holder);
    gh_cbor_put_uint(writer, subject);
}

void gh_delta_drop_subject(struct gh_writer *writer, gh_id subject)
{
    put_drop(writer, GH_RECORD_SUBJECT, 1);
    gh_cbor_put_uint(writer, subject);
}

void gh_delta_drop_home(struct gh_writer *writer, gh_id home)
{
    put_drop(writer, GH_RECORD_HOME, 1);
    gh_cbor_put_uint(writer, home);
}

void gh_delta_drop_revoked(struct gh_writer *writer, gh_id credential)
{
    put_drop(writer, GH_RECORD_REVOKED, 1);
    gh_cbor_put_uint(writer, credential);
}

void gh_delta_drop_recalled(struct gh_writer *writer, gh_id subject)
{
    put_drop(writer, GH_RECORD_RECALLED, 1);
    gh_cbor_put_uint(writer, subject);
}

void gh_delta_drop_hash(struct gh_writer *writer, const uint8_t hash[GH_REVOCATION_BYTES])
{
    put_drop(writer, GH_RECORD_HASH, 1);
    gh_cbor_put_bytes(writer, hash, GH_REVOCATION_BYTES);
}

void gh_delta_drop_holder(struct gh_writer *writer, gh_id holder)
{
    put_drop(writer, GH_RECORD_HOLDER, 1);
    gh_cbor_put_uint(writer, holder);
}

void gh_delta_clear_keys(struct gh_writer *writer)
{
    put_drop(writer, GH_RECORD_KEY, 0);
}

void gh_delta_put_key(struct gh_writer *writer, const struct gh_issuer_key *key)
{
    if (!gh_record_put_key(writer, key))
        writer->overflow = true; /* is no record */
}

/* --- sealing ---------------------------------------------------------------------------------- */

static bool header_fits(const struct gh_delta_header *header)
{
    return gh_list_area_fits(header->area) && header->from.number >= 1 &&
           header->from.number < header->to.number && header->to.number <= GH_GENERATION_MAX;
}

static void put_generation(struct gh_writer *writer, int key,
                           const struct gh_generation *generation)
{
    gh_cbor_put_int(writer, key);
    gh_cbor_put_uint(writer, generation->number);
    gh_cbor_put_int(writer, key + 1);
    gh_cbor_put_bytes(writer, generation->tag, GH_LIST_TAG_BYTES);
}

static enum gh_status write_header(const struct gh_private_key *list_key,
                                   const struct gh_delta_header *delta, struct gh_bytes packed,
                                   struct gh_writer *header_out)
{
    uint8_t buffer[GH_DELTA_HEADER_MAX_BYTES], hash[GH_SHA256_BYTES];
    struct gh_writer payload = gh_writer_over(buffer, sizeof(buffer));
    gh_sha256(packed, hash);
    gh_cbor_put_map(&payload, DELTA_KEYS);
    gh_cbor_put_uint(&payload, KEY_VERSION);
    gh_cbor_put_uint(&payload, DELTA_VERSION);
    gh_cbor_put_uint(&payload, KEY_AREA);
    gh_cbor_put_text(&payload, delta->area);
    put_generation(&payload, KEY_FROM, &delta->from);
    put_generation(&payload, KEY_TO, &delta->to);
    gh_cbor_put_uint(&payload, KEY_SHA256);
    gh_cbor_put_bytes(&payload, hash, sizeof(hash));
    gh_cbor_put_uint(&payload, KEY_BYTES);
    gh_cbor_put_uint(&payload, packed.size);
    return gh_cose_write(header_out, list_key, (struct gh_bytes){payload.data, payload.size},
                         external_aad());
}

enum gh_status gh_delta_seal(const struct gh_private_key *list_key,
                             const struct gh_delta_header *delta, struct gh_bytes records,
                             struct gh_writer *header_out, uint8_t **records_out,
                             size_t *records_bytes)
{
    *records_out = NULL;
    *records_bytes = 0;
    if (!header_fits(delta))
        return GH_ERR_INVALID;
    if (records.size > GH_DELTA_MAX_BYTES)
        return GH_ERR_TOOBIG;
    enum gh_status status = gh_zstd_compress(records, records_out, records_bytes);
    if (status == GH_OK && *records_bytes > GH_DELTA_MAX_BYTES)
        status = GH_ERR_TOOBIG;
    if (status == GH_OK)
        status = write_header(list_key, delta, (struct gh_bytes){*records_out, *records_bytes},
                              header_out);
    if (status != GH_OK) {
        free(*records_out);
        *records_out = NULL;
        *records_bytes = 0;
    }
    return status;
}

/* --- believing -------------------------------------------------------------------------------- */

static void get_generation(struct gh_cbor_reader *reader, struct gh_map *map, int64_t key,
                           struct gh_generation *out)
{
    gh_map_key(reader, map, key);
    out->number = gh_cbor_uint(reader);
    gh_map_key(reader, map, key + 1);
    gh_map_bytes(reader, out->tag, GH_LIST_TAG_BYTES);
}

/* What a header that was verified says of its records, as they are received. */
struct sealed {
    struct gh_delta_header header;
    uint8_t records_sha256[GH_SHA256_BYTES];
    uint64_t records_bytes;
};

static bool get_header(struct gh_bytes payload, struct sealed *out)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(payload);
    struct gh_map map = gh_map_open(&reader);
    gh_map_key(&reader, &map, KEY_VERSION);
    bool good = gh_cbor_uint(&reader) == DELTA_VERSION;
    gh_map_key(&reader, &map, KEY_AREA);
    gh_map_text(&reader, out->header.area, sizeof(out->header.area));
    get_generation(&reader, &map, KEY_FROM, &out->header.from);
    get_generation(&reader, &map, KEY_TO, &out->header.to);
    gh_map_key(&reader, &map, KEY_SHA256);
    gh_map_bytes(&reader, out->records_sha256, GH_SHA256_BYTES);
    gh_map_key(&reader, &map, KEY_BYTES);
    out->records_bytes = gh_cbor_uint(&reader);
    gh_map_close(&reader, &map);
    return good && gh_cbor_finish(&reader) == GH_OK && header_fits(&out->header) &&
           out->records_bytes <= GH_DELTA_MAX_BYTES;
}

static enum gh_status read_sealed(const struct gh_public_key *list_key, struct gh_bytes header,
                                  struct sealed *out, struct gh_error *err)
{
    struct gh_cose_sign1 message;
    memset(out, 0, sizeof(*out));
    if (header.size > GH_DELTA_HEADER_MAX_BYTES)
        return gh_fail(err, GH_ERR_TOOBIG, "the delta's header is larger than %d bytes",
                       GH_DELTA_HEADER_MAX_BYTES);
    if (gh_cose_parse(header, false, &message) != GH_OK || !message.headers_protected)
        return gh_fail(err, GH_ERR_CORRUPT, "what should be a signed delta is none");
    enum gh_status status = gh_cose_verify(&message, list_key, external_aad());
    if (status == GH_ERR_NOMEM)
        return gh_fail(err, status, "no memory to verify the delta");
    if (status != GH_OK)
        return gh_fail(err, GH_ERR_SIGNATURE, "the delta is not signed by this list's key");
    if (!get_header(message.payload, out)) {
        memset(out, 0, sizeof(*out));
        return gh_fail(err, GH_ERR_CORRUPT, "the list key signed something that is no delta");
    }
    return GH_OK;
}

enum gh_status gh_delta_read(const struct gh_public_key *list_key, struct gh_bytes header,
                             struct gh_delta_header *out, struct gh_error *err)
{
    struct sealed sealed;
    enum gh_status status = read_sealed(list_key, header, &sealed, err);
    *out = sealed.header;
    return status;
}

static enum gh_status check_records(const struct sealed *sealed, struct gh_bytes records,
                                    struct gh_error *err)
{
    uint8_t hash[GH_SHA256_BYTES];
    if (records.size == sealed->records_bytes) {
        gh_sha256(records, hash);
        if (memcmp(hash, sealed->records_sha256, sizeof(hash)) == 0)
            return GH_OK;
    }
    return gh_fail(err, GH_ERR_CORRUPT, "the delta's records are not those that it names");
}

static enum gh_status check_way(const struct gh_delta_header *header,
                                const struct gh_generation *from, const struct gh_manifest *to,
                                struct gh_error *err)
{
    const struct gh_generation generation = gh_manifest_generation(to);
    if (strcmp(header->area, to->area) != 0)
        return gh_fail(err, GH_ERR_CORRUPT, "the delta is of another area");
    if (!gh_generation_same(&header->from, from))
        return gh_fail(err, GH_ERR_CORRUPT, "the delta leads from another generation");
    if (!gh_generation_same(&header->to, &generation))
        return gh_fail(err, GH_ERR_CORRUPT, "the delta leads to another generation");
    return GH_OK;
}

enum gh_status gh_delta_open(const struct gh_public_key *list_key, const struct gh_delta *delta,
                             const struct gh_generation *from, const struct gh_manifest *to,
                             uint8_t **records, size_t *size, struct gh_error *err)
{
    struct sealed sealed;
    *records = NULL;
    *size = 0;
    if (delta == NULL || delta->header.size == 0 || delta->header.size > GH_DELTA_HEADER_MAX_BYTES)
        return gh_fail(err, GH_ERR_CORRUPT, "there is no delta that leads to the manifest's list");
    enum gh_status status = read_sealed(list_key, delta->header, &sealed, err);
    if (status == GH_OK)
        status = check_way(&sealed.header, from, to, err);
    if (status == GH_OK)
        status = check_records(&sealed, delta->records, err);
    if (status != GH_OK)
        return status;
    status = gh_zstd_decompress(delta->records, GH_DELTA_MAX_BYTES, records, size);
    if (status == GH_ERR_NOMEM)
        return gh_fail(err, status, "no memory for the delta's records");
    return status == GH_OK
               ? GH_OK
               : gh_fail(err, GH_ERR_CORRUPT, "the delta's records cannot be decompressed");
}
