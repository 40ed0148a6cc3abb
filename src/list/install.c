/* SPDX-License-Identifier: Apache-2.0 */
/* What may take the place of the list at hand, and how: a new file, a delta, a newer manifest. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "list/delta.h"
#include "list/folder.h"
#include "list/manifest.h"
#include "list/snapshot.h"
#include "list/view.h"

/* What was offered, and what is there. On the heap: manifests are large. */
struct change {
    struct gh_bytes bytes; /* the new manifest as received */
    struct gh_manifest newer, current;
    char path[PATH_MAX]; /* of the list at hand; "": none */
};

/* --- what may replace what -------------------------------------------------------------------- */

static struct change *begin(const struct gh_public_key *list_key, struct gh_bytes manifest,
                            enum gh_status *status, struct gh_error *err)
{
    struct change *change = calloc(1, sizeof(*change));
    if (change == NULL) {
        *status = gh_fail(err, GH_ERR_NOMEM, "no memory for the list's manifest");
        return NULL;
    }
    change->bytes = manifest;
    if (manifest.size > GH_MANIFEST_MAX_BYTES) {
        *status = gh_fail(err, GH_ERR_CORRUPT, "the manifest is larger than %d bytes",
                          GH_MANIFEST_MAX_BYTES);
    } else {
        *status = gh_manifest_read(list_key, manifest, &change->newer, err);
    }
    return change;
}

static enum gh_status find_current(struct change *change, const char *folder,
                                   const struct gh_public_key *list_key, struct gh_error *err)
{
    sqlite3 *db;
    enum gh_status status =
        gh_list_find(folder, list_key, &db, change->path, &change->current, err);
    sqlite3_close(db);
    if (status != GH_OK) {
        change->path[0] = '\0';
    }
    return status;
}

static enum gh_status check_not_older(const struct change *change, struct gh_error *err)
{
    const struct gh_manifest *newer = &change->newer, *current = &change->current;
    if (newer->generation < current->generation) {
        return gh_fail(err, GH_ERR_ROLLBACK,
                       "generation %" PRIu64 " is older than the %" PRIu64 " that is here",
                       newer->generation, current->generation);
    }
    /* Within a generation only, so that one signed while the server's clock was ahead shuts out
     * none that follow. */
    if (newer->generation == current->generation && newer->issued_at_s < current->issued_at_s) {
        return gh_fail(err, GH_ERR_ROLLBACK, "the manifest was issued before the one that is here");
    }
    return GH_OK;
}

/* --- a new file ------------------------------------------------------------------------------- */

static bool is_cancelled(const atomic_bool *cancel)
{
    return cancel != NULL && atomic_load(cancel);
}

static enum gh_status open_snapshot(const char *path, uint64_t bytes, int *fd, struct gh_error *err)
{
    struct stat info;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, &info) != 0) {
        return gh_fail(err, GH_ERR_IO, "cannot open %s: %m", path);
    }
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != bytes) {
        return gh_fail(err, GH_ERR_CORRUPT,
                       "the snapshot has %jd bytes, not the manifest's %" PRIu64,
                       (intmax_t)info.st_size, bytes);
    }
    return GH_OK;
}

static enum gh_status hash_file(int fd, struct gh_sha256_context *context,
                                const atomic_bool *cancel, struct gh_error *err)
{
    uint8_t buffer[16384];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof(buffer))) != 0) {
        if (is_cancelled(cancel)) {
            return gh_fail(err, GH_ERR_AGAIN, "the list was not read to its end");
        }
        if (got < 0 && errno != EINTR) {
            return gh_fail(err, GH_ERR_IO, "cannot read the snapshot: %m");
        }
        gh_sha256_update(context, buffer, got > 0 ? (size_t)got : 0);
    }
    return GH_OK;
}

/* Before anything of it is looked at. *fd stands at its beginning, and is the caller's to close. */
static enum gh_status verify_snapshot(const char *path, const struct gh_manifest *manifest,
                                      const atomic_bool *cancel, int *fd, struct gh_error *err)
{
    uint8_t hash[GH_SHA256_BYTES];
    struct gh_sha256_context *context;
    enum gh_status status = open_snapshot(path, manifest->snapshot_bytes, fd, err);
    if (status != GH_OK) {
        return status;
    }
    if (gh_sha256_new(&context) != GH_OK) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory to read the snapshot");
    }
    status = hash_file(*fd, context, cancel, err);
    gh_sha256_finish(context, hash);
    if (status == GH_OK && memcmp(hash, manifest->snapshot_sha256, sizeof(hash)) != 0) {
        status =
            gh_fail(err, GH_ERR_CORRUPT, "the snapshot is not the one that the manifest names");
    }
    if (status == GH_OK && lseek(*fd, 0, SEEK_SET) != 0) {
        status = gh_fail(err, GH_ERR_IO, "cannot read the snapshot: %m");
    }
    return status;
}

static enum gh_status insert(void *context, const struct gh_record *record)
{
    return gh_list_store_insert(context, record);
}

/* What is built, and of what. */
struct build {
    const struct gh_public_key *list_key;
    const struct change *change;
    int snapshot;
    struct gh_bytes records; /* of the delta; decompressed */
    const atomic_bool *cancel;
};

static enum gh_status fill(const char *temporary, const struct build *build, struct gh_error *err)
{
    struct gh_list_store store = {.err = err};
    enum gh_status status = gh_list_store_create(&store, temporary);
    if (status == GH_OK) {
        status = gh_snapshot_read(build->snapshot, insert, &store, build->cancel, err);
    }
    if (status == GH_OK) {
        status = gh_delta_apply(&store, build->records);
    }
    if (status == GH_OK) {
        status = gh_list_store_commit(&store, &build->change->newer, build->change->bytes);
    }
    return gh_list_store_close(&store, status);
}

/* From here on it is changed through a WAL: the two bytes of the header that say so (SQLite's file
 * format, 1.3.3) are written when nobody has it open, so that no WAL is ever made under the
 * temporary name. */
static enum gh_status mark_wal(int fd, const char *temporary, struct gh_error *err)
{
    static const uint8_t wal[2] = {2, 2};
    if (pwrite(fd, wal, sizeof(wal), 18) != (ssize_t)sizeof(wal)) {
        return gh_fail(err, GH_ERR_IO, "cannot write %s: %m", temporary);
    }
    return GH_OK;
}

/* Opened once before the old one goes, as everybody will: also so that what SQLite needs beside it
 * is there, even if the disk is full or cannot be written when it is opened next. */
static enum gh_status try_file(const char *path, const struct build *build, struct gh_error *err)
{
    sqlite3 *db;
    GH_CLEANUP_FREE struct gh_manifest *manifest = malloc(sizeof(*manifest));
    if (manifest == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list's manifest");
    }
    enum gh_status status = gh_list_open_verified(path, build->list_key, &db, manifest, err);
    sqlite3_close(db);
    return status;
}

static enum gh_status build_file(const char *folder, const struct build *build,
                                 struct gh_error *err)
{
    char temporary[PATH_MAX], path[PATH_MAX];
    GH_CLEANUP_FD int fd = -1;
    const struct gh_list_file file = gh_list_new_file(folder, build->change->newer.generation);
    enum gh_status status = gh_list_file_path(folder, file, path, err);
    if (status == GH_OK) {
        status = gh_list_temporary(folder, temporary, &fd, err);
    }
    if (status != GH_OK) {
        return status;
    }
    status = fill(temporary, build, err);
    if (status == GH_OK) {
        status = mark_wal(fd, temporary, err);
    }
    if (status == GH_OK) {
        status = gh_file_commit(temporary, path, err);
    }
    if (status == GH_OK) {
        status = try_file(path, build, err);
    }
    if (status == GH_OK) {
        gh_list_remove_others(folder, file);
    } else {
        unlink(temporary); /* whichever it is called */
        unlink(path);
    }
    return status;
}

static enum gh_status install(const char *folder, struct build *build, const char *snapshot_path,
                              const struct gh_delta *delta, struct gh_error *err)
{
    const struct gh_manifest *newer = &build->change->newer;
    const struct gh_generation generation = gh_manifest_generation(newer);
    GH_CLEANUP_FD int snapshot = -1;
    GH_CLEANUP_FREE uint8_t *records = NULL;
    enum gh_status status = verify_snapshot(snapshot_path, newer, build->cancel, &snapshot, err);
    if (status != GH_OK) {
        return status;
    }
    if ((delta != NULL && delta->header.size > 0) ||
        !gh_generation_same(&newer->snapshot, &generation)) {
        status = gh_delta_open(build->list_key, delta, &newer->snapshot, newer, &records,
                               &build->records.size, err);
    }
    build->records.data = records;
    build->snapshot = snapshot;
    return status == GH_OK ? build_file(folder, build, err) : status;
}

enum gh_status gh_list_install(const char *folder, const struct gh_public_key *list_key,
                               struct gh_bytes manifest, const char *snapshot_path,
                               const struct gh_delta *delta, const atomic_bool *cancel,
                               struct gh_error *err)
{
    enum gh_status status;
    GH_CLEANUP_FD int lock = -1;
    GH_CLEANUP_FREE struct change *change = begin(list_key, manifest, &status, err);
    if (change != NULL && status == GH_OK) {
        status = gh_dir_make(folder, 0700, err);
    }
    if (status == GH_OK) {
        status = gh_list_lock(folder, &lock, err);
    }
    /* A list that cannot be read, or is of another key, is nothing to hold on to. */
    if (status == GH_OK && find_current(change, folder, list_key, NULL) == GH_OK) {
        status = check_not_older(change, err);
    }
    if (status != GH_OK) {
        return status;
    }
    struct build build = {.list_key = list_key, .change = change, .cancel = cancel};
    return install(folder, &build, snapshot_path, delta, err);
}

void gh_list_tidy(const char *folder, const struct gh_public_key *list_key)
{
    struct gh_list_file file;
    GH_CLEANUP_FD int lock = -1;
    GH_CLEANUP_FREE struct change *change = calloc(1, sizeof(*change));
    if (change == NULL || gh_list_lock(folder, &lock, NULL) != GH_OK) {
        return;
    }
    gh_list_remove_temporary(lock);
    if (find_current(change, folder, list_key, NULL) == GH_OK &&
        gh_list_file_of(change->path, &file)) {
        gh_list_remove_others(folder, file);
    }
}

/* --- changing the list at hand ---------------------------------------------------------------- */

/* Finds it, locked; the new manifest is not older and of its area. */
static struct change *begin_change(const char *folder, const struct gh_public_key *list_key,
                                   struct gh_bytes manifest, int *lock, enum gh_status *status,
                                   struct gh_error *err)
{
    struct change *change = begin(list_key, manifest, status, err);
    if (*status == GH_OK) {
        *status = gh_list_lock(folder, lock, err);
    }
    if (*status == GH_OK && find_current(change, folder, list_key, NULL) != GH_OK) {
        *status = gh_fail(err, GH_ERR_NOTFOUND, "there is no list in %s that can be read", folder);
    }
    if (*status == GH_OK) {
        *status = check_not_older(change, err);
    }
    return change;
}

static enum gh_status check_area(const struct change *change, enum gh_status bad,
                                 struct gh_error *err)
{
    return strcmp(change->newer.area, change->current.area) == 0
               ? GH_OK
               : gh_fail(err, bad, "the manifest is of another area than the list here");
}

enum gh_status gh_list_apply(const char *folder, const struct gh_public_key *list_key,
                             struct gh_bytes manifest, const struct gh_delta *delta,
                             struct gh_error *err)
{
    enum gh_status status;
    GH_CLEANUP_FD int lock = -1;
    GH_CLEANUP_FREE uint8_t *records = NULL;
    size_t size = 0;
    GH_CLEANUP_FREE struct change *change =
        begin_change(folder, list_key, manifest, &lock, &status, err);
    if (status == GH_OK) {
        status = check_area(change, GH_ERR_CORRUPT, err);
    }
    if (status == GH_OK) {
        const struct gh_generation from = gh_manifest_generation(&change->current);
        status = gh_delta_open(list_key, delta, &from, &change->newer, &records, &size, err);
    }
    if (status != GH_OK) {
        return status;
    }
    struct gh_list_store store = {.err = err};
    status = gh_list_store_open(&store, change->path);
    if (status == GH_OK) {
        status = gh_delta_apply(&store, (struct gh_bytes){.data = records, .size = size});
    }
    if (status == GH_OK) {
        status = gh_list_store_commit(&store, &change->newer, manifest);
    }
    return gh_list_store_close(&store, status);
}

/* Nothing but the manifest: the state is the same, and so is every view of it. */
static enum gh_status put_manifest(const struct change *change, struct gh_error *err)
{
    struct gh_list_store store = {.err = err};
    enum gh_status status = gh_list_store_open(&store, change->path);
    if (status == GH_OK) {
        status = gh_list_store_renew(&store, change->bytes);
    }
    return gh_list_store_close(&store, status);
}

enum gh_status gh_list_renew(const char *folder, const struct gh_public_key *list_key,
                             struct gh_bytes manifest, struct gh_error *err)
{
    enum gh_status status;
    GH_CLEANUP_FD int lock = -1;
    GH_CLEANUP_FREE struct change *change =
        begin_change(folder, list_key, manifest, &lock, &status, err);
    if (status == GH_OK) {
        status = check_area(change, GH_ERR_INVALID, err);
    }
    if (status != GH_OK) {
        return status;
    }
    const struct gh_generation newer = gh_manifest_generation(&change->newer),
                               current = gh_manifest_generation(&change->current);
    if (!gh_generation_same(&newer, &current)) {
        return gh_fail(err, GH_ERR_INVALID, "the manifest is of another generation than the list");
    }
    return change->newer.issued_at_s - change->current.issued_at_s >= GH_LIST_RENEW_S
               ? put_manifest(change, err)
               : GH_OK;
}
