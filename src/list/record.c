/* SPDX-License-Identifier: Apache-2.0 */
#include "list/record.h"

#include <string.h>

static const struct {
    const char *name;
    unsigned rank;
} kinds[GH_RECORD_KINDS] = {
    [GH_RECORD_END] = {"the end", 9},
    [GH_RECORD_HOME] = {"a home", 1},
    [GH_RECORD_SUBJECT] = {"a person", 2},
    [GH_RECORD_FURTHER] = {"a further home", 3},
    [GH_RECORD_REVOKED] = {"a revoked credential", 4},
    [GH_RECORD_RECALLED] = {"a recalled person", 5},
    [GH_RECORD_HASH] = {"a revoked certificate", 6},
    [GH_RECORD_HOLDER] = {"a holder", 7},
    [GH_RECORD_KEY] = {"an issuer's key", 8},
};

const char *gh_record_name(enum gh_record_kind kind)
{
    return kinds[kind].name;
}

unsigned gh_record_rank(enum gh_record_kind kind)
{
    return kinds[kind].rank;
}

/* --- reading: a record's items behind its kind -------------------------------------------------
 */

static bool get_homes(struct gh_cbor_reader *cbor, size_t count, gh_id *homes,
                      struct gh_record *record)
{
    if (count > (homes != NULL ? GH_LIST_HOMES_MAX : 0)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        homes[i] = gh_cbor_uint(cbor);
        if (homes[i] <= (i > 0 ? homes[i - 1] : 0)) {
            return false;
        }
    }
    record->homes = homes;
    record->home_count = count;
    return true;
}

static bool get_subject(struct gh_cbor_reader *cbor, size_t items, gh_id *homes,
                        struct gh_record *record)
{
    uint64_t colour = gh_cbor_uint(cbor);
    if (items < 3 || colour < GH_COLOUR_GREEN || colour > GH_COLOUR_RED) {
        return false;
    }
    record->colour = (enum gh_colour)colour;
    return get_homes(cbor, items - 3, homes, record);
}

/* "Always" has one form: nothing. */
static bool get_hash(struct gh_cbor_reader *cbor, size_t items, struct gh_record *record)
{
    record->hash = gh_cbor_bytes(cbor);
    record->before_s = INT64_MAX;
    if (record->hash.size != GH_REVOCATION_BYTES || record->drop || items == 2) {
        return record->hash.size == GH_REVOCATION_BYTES && items == 2;
    }
    record->before_s = gh_cbor_int(cbor);
    return items == 3 && record->before_s != INT64_MAX;
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
    if (record->drop) {
        return items == 1;
    }
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

/* What is named by an identifier. */
static bool get_thing(struct gh_cbor_reader *cbor, size_t items, gh_id *homes,
                      struct gh_record *record)
{
    record->id = gh_cbor_uint(cbor);
    if (record->id == 0) {
        return false;
    }
    if (record->drop) {
        return items == 2;
    }
    switch (record->kind) {
    case GH_RECORD_SUBJECT:
        return get_subject(cbor, items, homes, record);
    case GH_RECORD_RECALLED:
        record->before_s = gh_cbor_int(cbor);
        return items == 3;
    case GH_RECORD_HOLDER:
        record->subject = gh_cbor_uint(cbor);
        return items == 3 && record->subject != 0;
    default:
        return items == 2;
    }
}

bool gh_record_read(struct gh_cbor_reader *cbor, gh_id *homes, struct gh_record *record)
{
    *record = (struct gh_record){0};
    size_t start = cbor->offset;
    size_t items = gh_cbor_array(cbor);
    int64_t kind = gh_cbor_int(cbor);
    record->drop = kind < 0;
    kind = kind < -GH_RECORD_KEY ? 0 : kind < 0 ? -kind : kind;
    if (cbor->status != GH_OK || kind == GH_RECORD_END || kind == GH_RECORD_FURTHER ||
        kind > GH_RECORD_KEY) {
        return false;
    }
    record->kind = (enum gh_record_kind)kind;
    bool good = record->kind == GH_RECORD_HASH  ? get_hash(cbor, items, record)
                : record->kind == GH_RECORD_KEY ? get_key(cbor, items, record)
                                                : get_thing(cbor, items, homes, record);
    record->item = (struct gh_bytes){cbor->input.data + start, cbor->offset - start};
    return good && cbor->status == GH_OK;
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

static int compare_keys(const struct gh_record *one, const struct gh_record *other)
{
    const struct gh_key_record *a = &one->key, *b = &other->key;
    int order = compare_numbers(other->drop, one->drop);
    if (order == 0) {
        order = compare_numbers(a->purpose, b->purpose);
    }
    if (order == 0) {
        order = compare_bytes(a->key_id, b->key_id);
    }
    if (order == 0) {
        order = compare_bytes(a->raw, b->raw);
    }
    return order != 0 ? order : compare_bytes(a->issuer, b->issuer);
}

int gh_record_compare(const struct gh_record *a, const struct gh_record *b)
{
    if (a->kind != b->kind) {
        return compare_numbers(gh_record_rank(a->kind), gh_record_rank(b->kind));
    }
    switch (a->kind) {
    case GH_RECORD_HASH:
        return compare_bytes(a->hash, b->hash);
    case GH_RECORD_KEY:
        return compare_keys(a, b);
    default:
        return compare_numbers(a->id, b->id);
    }
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void put_key(struct gh_writer *writer, const struct gh_issuer_key *key)
{
    bool hcert = key->purposes == GH_PURPOSE(GH_KIND_HCERT);
    gh_cbor_put_array(writer, 10);
    gh_cbor_put_uint(writer, GH_RECORD_KEY);
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

bool gh_record_put_key(struct gh_writer *writer, const struct gh_issuer_key *key)
{
    if ((key->purposes != GH_PURPOSE(GH_KIND_HCERT) && key->purposes != GH_PURPOSE(GH_KIND_SHC)) ||
        key->raw_bytes > sizeof(key->raw) || memchr(key->issuer, 0, sizeof(key->issuer)) == NULL) {
        return false;
    }
    uint8_t buffer[GH_DELTA_RECORD_MAX_BYTES];
    struct gh_writer own = gh_writer_over(buffer, sizeof(buffer));
    put_key(&own, key);
    struct gh_cbor_reader cbor = gh_cbor_reader_over((struct gh_bytes){own.data, own.size});
    struct gh_record record;
    if (own.overflow || !gh_record_read(&cbor, NULL, &record)) {
        return false;
    }
    gh_writer_put(writer, own.data, own.size);
    return true;
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
