/* SPDX-License-Identifier: Apache-2.0 */
#include "server/list_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"

/* --- the snapshot --- */

struct writing {
    struct gh_snapshot_writer *writer;
    const atomic_bool *stop;
    uint64_t people;
};

static bool go_on(const struct writing *writing)
{
    return !atomic_load(writing->stop);
}

static bool write_home(void *context, gh_id home)
{
    struct writing *writing = context;
    gh_snapshot_writer_home(writing->writer, home);
    return go_on(writing);
}

static bool write_subject(void *context, gh_id subject, enum gh_colour colour, const gh_id *homes,
                          size_t home_count)
{
    struct writing *writing = context;
    gh_snapshot_writer_subject(writing->writer, subject, colour, homes, home_count);
    writing->people++;
    return go_on(writing);
}

static bool write_revoked(void *context, gh_id credential)
{
    struct writing *writing = context;
    gh_snapshot_writer_revoked(writing->writer, credential);
    return go_on(writing);
}

static bool write_recalled(void *context, gh_id subject, int64_t before_s)
{
    struct writing *writing = context;
    gh_snapshot_writer_recalled(writing->writer, subject, before_s);
    return go_on(writing);
}

static bool write_hash(void *context, const uint8_t hash[GH_REVOCATION_BYTES], int64_t before_s)
{
    struct writing *writing = context;
    gh_snapshot_writer_hash(writing->writer, hash, before_s);
    return go_on(writing);
}

static bool write_holder(void *context, gh_id holder, gh_id subject)
{
    struct writing *writing = context;
    gh_snapshot_writer_holder(writing->writer, holder, subject);
    return go_on(writing);
}

static bool write_key(void *context, const struct gh_issuer_key *key)
{
    struct writing *writing = context;
    gh_snapshot_writer_key(writing->writer, key);
    return go_on(writing);
}

static enum gh_status write_all(struct gh_db *db, struct writing *writing,
                                struct gh_db_snapshot *out)
{
    const struct gh_db_list_visitor visitor = {
        .home = write_home,
        .subject = write_subject,
        .revoked = write_revoked,
        .recalled = write_recalled,
        .hash = write_hash,
        .holder = write_holder,
        .key = write_key,
        .context = writing,
    };
    enum gh_status status = gh_db_list_read(db, &visitor, &out->generation);
    if (status == GH_OK)
        status = gh_snapshot_writer_finish(writing->writer, out->sha256, &out->bytes);
    out->people = writing->people;
    return status;
}

static enum gh_status write_file(struct gh_db *db, const char *path, const atomic_bool *stop,
                                 struct gh_db_snapshot *out)
{
    struct writing writing = {.stop = stop};
    GH_CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return gh_status_from_errno(errno);
    enum gh_status status = gh_snapshot_writer_new(fd, &writing.writer);
    if (status != GH_OK)
        return status;
    status = write_all(db, &writing, out);
    gh_snapshot_writer_free(writing.writer);
    return status;
}

enum gh_status gh_list_write_snapshot(struct gh_db *db, const char *folder, int64_t now_s,
                                      const atomic_bool *stop, struct gh_db_snapshot *out)
{
    char temporary[PATH_MAX], path[PATH_MAX], name[GH_SNAPSHOT_NAME_BYTES];
    memset(out, 0, sizeof(*out));
    out->made_at = now_s;
    enum gh_status status = gh_path_join(folder, "building", temporary, sizeof(temporary));
    if (status != GH_OK)
        return status;
    status = write_file(db, temporary, stop, out);
    gh_hex_encode(out->sha256, sizeof(out->sha256), name);
    if (status == GH_OK)
        status = gh_path_join(folder, name, path, sizeof(path));
    if (status == GH_OK)
        status = gh_file_commit(temporary, path, NULL);
    if (status != GH_OK)
        (void)unlink(temporary);
    return status;
}

/* --- a delta --- */

#define FIRST_BYTES ((size_t)16 * GH_DELTA_RECORD_MAX_BYTES)

struct recording {
    struct gh_writer writer;
    const atomic_bool *stop;
    enum gh_status status;
};

/* Room for one more record. */
static bool room(struct recording *recording)
{
    struct gh_writer *writer = &recording->writer;
    if (writer->capacity - writer->size >= GH_DELTA_RECORD_MAX_BYTES)
        return true;
    size_t wanted = writer->capacity == 0 ? FIRST_BYTES : writer->capacity * 2;
    if (wanted > GH_DELTA_MAX_BYTES)
        wanted = GH_DELTA_MAX_BYTES;
    if (wanted - writer->size < GH_DELTA_RECORD_MAX_BYTES) {
        recording->status = GH_ERR_TOOBIG;
        return false;
    }
    uint8_t *larger = realloc(writer->data, wanted);
    if (larger == NULL) {
        recording->status = GH_ERR_NOMEM;
        return false;
    }
    writer->data = larger;
    writer->capacity = wanted;
    return true;
}

/* After each record: there is room for the next one, always. */
static bool recorded(struct recording *recording)
{
    return room(recording) && !atomic_load(recording->stop);
}

static bool put_home(void *context, gh_id home)
{
    struct recording *recording = context;
    gh_delta_put_home(&recording->writer, home);
    return recorded(recording);
}

static bool put_subject(void *context, gh_id subject, enum gh_colour colour, const gh_id *homes,
                        size_t home_count)
{
    struct recording *recording = context;
    gh_delta_put_subject(&recording->writer, subject, colour, homes, home_count);
    return recorded(recording);
}

static bool put_revoked(void *context, gh_id credential)
{
    struct recording *recording = context;
    gh_delta_put_revoked(&recording->writer, credential);
    return recorded(recording);
}

static bool put_recalled(void *context, gh_id subject, int64_t before_s)
{
    struct recording *recording = context;
    gh_delta_put_recalled(&recording->writer, subject, before_s);
    return recorded(recording);
}

static bool put_hash(void *context, const uint8_t hash[GH_REVOCATION_BYTES], int64_t before_s)
{
    struct recording *recording = context;
    gh_delta_put_hash(&recording->writer, hash, before_s);
    return recorded(recording);
}

static bool put_holder(void *context, gh_id holder, gh_id subject)
{
    struct recording *recording = context;
    gh_delta_put_holder(&recording->writer, holder, subject);
    return recorded(recording);
}

static bool put_key(void *context, const struct gh_issuer_key *key)
{
    struct recording *recording = context;
    gh_delta_put_key(&recording->writer, key);
    return recorded(recording);
}

static bool drop_home(void *context, gh_id home)
{
    struct recording *recording = context;
    gh_delta_drop_home(&recording->writer, home);
    return recorded(recording);
}

static bool drop_subject(void *context, gh_id subject)
{
    struct recording *recording = context;
    gh_delta_drop_subject(&recording->writer, subject);
    return recorded(recording);
}

static bool drop_revoked(void *context, gh_id credential)
{
    struct recording *recording = context;
    gh_delta_drop_revoked(&recording->writer, credential);
    return recorded(recording);
}

static bool drop_recalled(void *context, gh_id subject)
{
    struct recording *recording = context;
    gh_delta_drop_recalled(&recording->writer, subject);
    return recorded(recording);
}

static bool drop_hash(void *context, const uint8_t hash[GH_REVOCATION_BYTES])
{
    struct recording *recording = context;
    gh_delta_drop_hash(&recording->writer, hash);
    return recorded(recording);
}

static bool drop_holder(void *context, gh_id holder)
{
    struct recording *recording = context;
    gh_delta_drop_holder(&recording->writer, holder);
    return recorded(recording);
}

static bool clear_keys(void *context)
{
    struct recording *recording = context;
    gh_delta_clear_keys(&recording->writer);
    return recorded(recording);
}

static enum gh_status record(struct gh_db *db, const struct gh_generation *from,
                             struct recording *recording, struct gh_generation *to)
{
    const struct gh_db_list_visitor put = {
        .home = put_home,
        .subject = put_subject,
        .revoked = put_revoked,
        .recalled = put_recalled,
        .hash = put_hash,
        .holder = put_holder,
        .key = put_key,
        .context = recording,
    };
    const struct gh_db_drop_visitor drop = {
        .home = drop_home,
        .subject = drop_subject,
        .revoked = drop_revoked,
        .recalled = drop_recalled,
        .hash = drop_hash,
        .holder = drop_holder,
        .keys = clear_keys,
        .context = recording,
    };
    if (!room(recording))
        return recording->status;
    enum gh_status status = gh_db_list_read_since(db, from, &put, &drop, to);
    if (status == GH_ERR_AGAIN && recording->status != GH_OK)
        status = recording->status;
    return status == GH_OK && recording->writer.overflow ? GH_ERR_TOOBIG : status;
}

enum gh_status gh_list_make_delta(struct gh_db *db, const struct gh_private_key *list_key,
                                  const char *area, const struct gh_generation *from,
                                  const atomic_bool *stop, struct gh_list_delta *out)
{
    struct recording recording = {.stop = stop};
    struct gh_delta_header header = {.from = *from};
    memset(out, 0, sizeof(*out));
    enum gh_status status = record(db, from, &recording, &header.to);
    if (status == GH_OK) {
        const struct gh_bytes records = {recording.writer.data, recording.writer.size};
        struct gh_writer writer = gh_writer_over(out->header, sizeof(out->header));
        snprintf(header.area, sizeof(header.area), "%s", area);
        status =
            gh_delta_seal(list_key, &header, records, &writer, &out->records, &out->records_size);
        out->header_size = writer.size;
        if (status == GH_OK && writer.overflow)
            status = GH_ERR_TOOBIG;
    }
    free(recording.writer.data);
    out->from = header.from;
    out->to = header.to;
    if (status != GH_OK)
        gh_list_delta_clear(out);
    return status;
}

void gh_list_delta_clear(struct gh_list_delta *delta)
{
    free(delta->records);
    memset(delta, 0, sizeof(*delta));
}
