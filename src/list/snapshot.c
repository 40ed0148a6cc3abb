/* SPDX-License-Identifier: Apache-2.0 */
#include "list/snapshot.h"

#include <string.h>

#include "gatehouse/list.h"

/* --- writing ---------------------------------------------------------------------------------- */

static void put_head(struct gh_writer *writer, enum gh_record_kind kind, size_t items)
{
    gh_cbor_put_array(writer, items);
    gh_cbor_put_uint(writer, kind);
}

void gh_snapshot_put_subject(struct gh_writer *writer, gh_id subject, enum gh_colour colour)
{
    put_head(writer, GH_RECORD_SUBJECT, 3);
    gh_cbor_put_uint(writer, subject);
    gh_cbor_put_uint(writer, colour);
}

void gh_snapshot_put_home(struct gh_writer *writer, gh_id home)
{
    put_head(writer, GH_RECORD_HOME, 2);
    gh_cbor_put_uint(writer, home);
}

void gh_snapshot_put_member(struct gh_writer *writer, gh_id home, gh_id subject)
{
    put_head(writer, GH_RECORD_MEMBER, 3);
    gh_cbor_put_uint(writer, home);
    gh_cbor_put_uint(writer, subject);
}

void gh_snapshot_put_revoked(struct gh_writer *writer, gh_id credential)
{
    put_head(writer, GH_RECORD_REVOKED, 2);
    gh_cbor_put_uint(writer, credential);
}

void gh_snapshot_put_recalled(struct gh_writer *writer, gh_id subject, int64_t before_s)
{
    put_head(writer, GH_RECORD_RECALLED, 3);
    gh_cbor_put_uint(writer, subject);
    gh_cbor_put_int(writer, before_s);
}

void gh_snapshot_put_revoked_hash(struct gh_writer *writer, const uint8_t hash[GH_REVOCATION_BYTES],
                                  int64_t before_s)
{
    bool always = before_s == INT64_MAX;
    put_head(writer, GH_RECORD_HASH, always ? 2 : 3);
    gh_cbor_put_bytes(writer, hash, GH_REVOCATION_BYTES);
    if (!always) {
        gh_cbor_put_int(writer, before_s);
    }
}

void gh_snapshot_put_holder(struct gh_writer *writer, gh_id holder, gh_id subject)
{
    put_head(writer, GH_RECORD_HOLDER, 3);
    gh_cbor_put_uint(writer, holder);
    gh_cbor_put_uint(writer, subject);
}

void gh_snapshot_put_key(struct gh_writer *writer, const struct gh_issuer_key *key)
{
    bool hcert = key->purposes == GH_PURPOSE(GH_KIND_HCERT);
    bool shc = key->purposes == GH_PURPOSE(GH_KIND_SHC);
    if ((!hcert && !shc) || key->raw_bytes > sizeof(key->raw) ||
        memchr(key->issuer, 0, sizeof(key->issuer)) == NULL) {
        writer->overflow = true; /* is no record */
        return;
    }
    put_head(writer, GH_RECORD_KEY, 10);
    gh_cbor_put_uint(writer, hcert ? GH_KIND_HCERT : GH_KIND_SHC);
    gh_cbor_put_int(writer, key->type);
    gh_cbor_put_bytes(writer, key->key_id, GH_KEY_ID_BYTES);
    gh_cbor_put_bytes(writer, key->raw, key->raw_bytes);
    gh_cbor_put_uint(writer, key->groups);
    gh_cbor_put_int(writer, key->not_before_s);
    gh_cbor_put_int(writer, key->not_after_s);
    gh_cbor_put_bool(writer, key->revoked);
    gh_cbor_put_text(writer, key->issuer);
}

/* --- reading: a record's items behind its kind -------------------------------------------------
 */

static bool get_subject(struct gh_cbor_reader *cbor, size_t items, struct gh_record *record)
{
    record->id = gh_cbor_uint(cbor);
    record->second = gh_cbor_uint(cbor);
    return items == 3 && record->id != 0 && record->second >= GH_COLOUR_GREEN &&
           record->second <= GH_COLOUR_RED;
}

static bool get_one(struct gh_cbor_reader *cbor, size_t items, struct gh_record *record)
{
    record->id = gh_cbor_uint(cbor);
    return items == 2 && record->id != 0;
}

static bool get_two(struct gh_cbor_reader *cbor, size_t items, struct gh_record *record)
{
    record->id = gh_cbor_uint(cbor);
    record->second = gh_cbor_uint(cbor);
    return items == 3 && record->id != 0 && record->second != 0;
}

static bool get_recalled(struct gh_cbor_reader *cbor, size_t items, struct gh_record *record)
{
    record->id = gh_cbor_uint(cbor);
    record->before_s = gh_cbor_int(cbor);
    return items == 3 && record->id != 0;
}

/* "Always" has one form: nothing. */
static bool get_hash(struct gh_cbor_reader *cbor, size_t items, struct gh_record *record)
{
    record->hash = gh_cbor_bytes(cbor);
    record->before_s = items == 3 ? gh_cbor_int(cbor) : INT64_MAX;
    return record->hash.size == GH_REVOCATION_BYTES &&
           (items == 2 || (items == 3 && record->before_s != INT64_MAX));
}

/* An HCERT may be of any issuer's name, and says by groups what it signs; a SMART card's is known
 * by its URL alone. */
static bool key_fits(const struct gh_key_record *key, uint64_t purpose, int64_t type,
                     uint64_t groups)
{
    bool issuer_fits =
        key->issuer.size < GH_ISSUER_BYTES &&
        (key->issuer.size == 0 || memchr(key->issuer.data, 0, key->issuer.size) == NULL);
    if (!issuer_fits || key->key_id.size != GH_KEY_ID_BYTES || key->raw.size == 0 ||
        key->raw.size > GH_PUBLIC_KEY_MAX_BYTES) {
        return false;
    }
    if (purpose == GH_KIND_HCERT) {
        return (type == GH_KEY_P256 || type == GH_KEY_PS256) && groups != 0 &&
               (groups & ~(uint64_t)GH_GROUPS_ALL) == 0;
    }
    return purpose == GH_KIND_SHC && type == GH_KEY_P256 && groups == 0 && key->issuer.size > 0;
}

static bool get_key(struct gh_cbor_reader *cbor, size_t items, struct gh_record *record)
{
    struct gh_key_record *key = &record->key;
    uint64_t purpose = gh_cbor_uint(cbor);
    int64_t type = gh_cbor_int(cbor);
    key->key_id = gh_cbor_bytes(cbor);
    key->raw = gh_cbor_bytes(cbor);
    uint64_t groups = gh_cbor_uint(cbor);
    key->not_before_s = gh_cbor_int(cbor);
    key->not_after_s = gh_cbor_int(cbor);
    key->revoked = gh_cbor_bool(cbor);
    key->issuer = gh_cbor_text(cbor);
    if (cbor->status != GH_OK || items != 10 || !key_fits(key, purpose, type, groups)) {
        return false;
    }
    key->purpose = (enum gh_kind)purpose;
    key->type = (enum gh_key_type)type;
    key->groups = (unsigned)groups;
    return true;
}

static const struct {
    bool (*get)(struct gh_cbor_reader *cbor, size_t items, struct gh_record *record);
    const char *name;
} kinds[] = {
    [0] = {NULL, "of an unknown kind"},
    [GH_RECORD_SUBJECT] = {get_subject, "a person"},
    [GH_RECORD_HOME] = {get_one, "a home"},
    [GH_RECORD_MEMBER] = {get_two, "a member"},
    [GH_RECORD_REVOKED] = {get_one, "a revoked credential"},
    [GH_RECORD_RECALLED] = {get_recalled, "a recalled person"},
    [GH_RECORD_HASH] = {get_hash, "a revoked certificate"},
    [GH_RECORD_HOLDER] = {get_two, "a holder"},
    [GH_RECORD_KEY] = {get_key, "an issuer's key"},
};

static bool read_record(struct gh_cbor_reader *cbor, struct gh_record *record)
{
    size_t start = cbor->offset;
    size_t items = gh_cbor_array(cbor);
    uint64_t kind = gh_cbor_uint(cbor);
    if (cbor->status != GH_OK || kind == 0 || kind >= GH_ARRAY_SIZE(kinds)) {
        return false;
    }
    record->kind = (enum gh_record_kind)kind;
    if (!kinds[kind].get(cbor, items, record) || cbor->status != GH_OK) {
        return false;
    }
    record->item = (struct gh_bytes){cbor->input.data + start, cbor->offset - start};
    return true;
}

/* --- their order -------------------------------------------------------------------------------
 */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Byte by byte; of two that begin alike the shorter comes first. */
static int compare_bytes(struct gh_bytes a, struct gh_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : compare_numbers(a.size, b.size);
}

static int compare_keys(const struct gh_key_record *a, const struct gh_key_record *b)
{
    int order = compare_numbers(a->purpose, b->purpose);
    if (order == 0) {
        order = compare_bytes(a->key_id, b->key_id);
    }
    if (order == 0) {
        order = compare_bytes(a->raw, b->raw);
    }
    return order != 0 ? order : compare_bytes(a->issuer, b->issuer);
}

static bool follows(const struct gh_record *record, const struct gh_record *last)
{
    if (record->kind != last->kind) {
        return record->kind > last->kind;
    }
    switch (record->kind) {
    case GH_RECORD_HASH:
        return compare_bytes(record->hash, last->hash) > 0;
    case GH_RECORD_KEY:
        return compare_keys(&record->key, &last->key) > 0;
    case GH_RECORD_MEMBER:
        return record->id > last->id || (record->id == last->id && record->second > last->second);
    default:
        return record->id > last->id;
    }
}

struct gh_snapshot_reader gh_snapshot_reader_over(struct gh_bytes snapshot)
{
    return (struct gh_snapshot_reader){.cbor = gh_cbor_reader_over(snapshot)};
}

static enum gh_status fail_record(struct gh_snapshot_reader *reader, enum gh_record_kind kind,
                                  const char *what, struct gh_error *err)
{
    gh_cbor_fail(&reader->cbor, GH_ERR_INVALID); /* whoever asks again hears the same */
    return gh_fail(err, GH_ERR_CORRUPT, "record %llu of the snapshot, %s, is %s",
                   (unsigned long long)reader->count + 1, kinds[kind].name, what);
}

enum gh_status gh_snapshot_next(struct gh_snapshot_reader *reader, struct gh_record *record,
                                struct gh_error *err)
{
    *record = (struct gh_record){0};
    if (reader->cbor.status == GH_OK && reader->cbor.offset == reader->cbor.input.size) {
        return GH_ERR_END;
    }
    struct gh_record next = {0};
    if (!read_record(&reader->cbor, &next)) {
        return fail_record(reader, next.kind, "not valid", err);
    }
    if (reader->count > 0 && !follows(&next, &reader->last)) {
        return fail_record(reader, next.kind, "out of order", err);
    }
    reader->last = next;
    reader->count++;
    *record = next;
    return GH_OK;
}

void gh_record_key(const struct gh_record *record, struct gh_issuer_key *out)
{
    const struct gh_key_record *key = &record->key;
    *out = (struct gh_issuer_key){.type = key->type,
                                  .raw_bytes = key->raw.size,
                                  .purposes = GH_PURPOSE(key->purpose),
                                  .groups = key->groups,
                                  .not_before_s = key->not_before_s,
                                  .not_after_s = key->not_after_s,
                                  .revoked = key->revoked};
    memcpy(out->raw, key->raw.data, key->raw.size);
    memcpy(out->key_id, key->key_id.data, GH_KEY_ID_BYTES);
    if (key->issuer.size > 0) {
        memcpy(out->issuer, key->issuer.data, key->issuer.size);
    }
}
