/* SPDX-License-Identifier: Apache-2.0 */
#include "list/snapshot.h"

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

/* --- reading ---------------------------------------------------------------------------------- */

struct gh_snapshot_reader gh_snapshot_reader_over(struct gh_bytes snapshot)
{
    return (struct gh_snapshot_reader){.cbor = gh_cbor_reader_over(snapshot)};
}

static bool read_record(struct gh_cbor_reader *cbor, struct gh_record *record)
{
    size_t items = gh_cbor_array(cbor);
    uint64_t kind = gh_cbor_uint(cbor);
    if (cbor->status != GH_OK || kind < GH_RECORD_SUBJECT || kind > GH_RECORD_REVOKED) {
        return false;
    }
    record->kind = (enum gh_record_kind)kind;
    bool pair = record->kind == GH_RECORD_SUBJECT || record->kind == GH_RECORD_MEMBER;
    if (items != (pair ? 3 : 2)) {
        return false;
    }
    record->id = gh_cbor_uint(cbor);
    record->second = pair ? gh_cbor_uint(cbor) : 0;
    if (cbor->status != GH_OK || record->id == 0) {
        return false;
    }
    return record->kind == GH_RECORD_SUBJECT
               ? record->second >= GH_COLOUR_GREEN && record->second <= GH_COLOUR_RED
               : !pair || record->second != 0;
}

static bool follows(const struct gh_record *record, const struct gh_record *last)
{
    if (record->kind != last->kind) {
        return record->kind > last->kind;
    }
    if (record->id != last->id) {
        return record->id > last->id;
    }
    return record->kind == GH_RECORD_MEMBER && record->second > last->second;
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
        gh_cbor_fail(&reader->cbor, GH_ERR_INVALID); /* whoever asks again hears the same */
        return gh_fail(err, GH_ERR_CORRUPT, "record %llu of the snapshot is not valid",
                       (unsigned long long)reader->count + 1);
    }
    if (reader->count > 0 && !follows(&next, &reader->last)) {
        gh_cbor_fail(&reader->cbor, GH_ERR_INVALID);
        return gh_fail(err, GH_ERR_CORRUPT, "record %llu of the snapshot is out of order",
                       (unsigned long long)reader->count + 1);
    }
    reader->last = next;
    reader->count++;
    *record = next;
    return GH_OK;
}
