/* SPDX-License-Identifier: Apache-2.0 */
#include "server/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "server/fingerprint.h"

#define MODULE "list"
#define CHUNK_BYTES 65536
#define KEPT 4 /* snapshots: a gate that has just read a manifest finds its own */
#define NAME_BYTES (2 * GH_SHA256_BYTES + 1)
/* A code that has been out of date for so long is refused for that, revoked or not. */
#define REVOKED_KEPT_S (INT64_C(7) * 86400)
/* A clock that was set back a little must not make manifests older than the last. */
#define STEP_BACK_S 300
/* What takes longer to build is not built for every change: at most a fifth of the time goes there.
 */
#define QUICK_NS (200 * GH_NS_PER_MS)

struct gh_snapshots {
    char folder[PATH_MAX];
    struct gh_db *db;
    struct gh_server_keys *keys;
    uint64_t keys_version; /* of those in the manifest */
    const struct gh_clock *clock;
    struct gh_manifest manifest; /* as it was signed last; generation 0: never */
    size_t size;
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    bool stale; /* policy changed */
    int64_t built_at_ns, build_took_ns;
};

enum gh_status gh_snapshots_new(const char *folder, struct gh_db *db, struct gh_server_keys *keys,
                                const char *area, const struct gh_clock *clock,
                                struct gh_snapshots **out, struct gh_error *err)
{
    *out = NULL;
    enum gh_status status = gh_dir_make(folder, 0700, err);
    if (status != GH_OK)
        return status;
    struct gh_snapshots *snapshots = calloc(1, sizeof(*snapshots));
    if (snapshots == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list");
    snprintf(snapshots->folder, sizeof(snapshots->folder), "%s", folder);
    snapshots->db = db;
    snapshots->keys = keys;
    snapshots->clock = clock;
    snprintf(snapshots->manifest.area, sizeof(snapshots->manifest.area), "%s", area);
    *out = snapshots;
    return GH_OK;
}

void gh_snapshots_free(struct gh_snapshots *snapshots)
{
    if (snapshots != NULL)
        gh_wipe(snapshots, sizeof(*snapshots)); /* the holder secret */
    free(snapshots);
}

/* --- what the manifest says besides the snapshot --- */

/* The keys as they are now: which of them are of use changes with time, too. */
static enum gh_status take_settings(struct gh_snapshots *snapshots)
{
    uint8_t hash[GH_SHA256_BYTES];
    struct gh_manifest *manifest = &snapshots->manifest;
    enum gh_status status = gh_server_keys_public(
        snapshots->keys, gh_clock_wall_s(snapshots->clock), manifest->keys, &manifest->key_count);
    memcpy(manifest->holder_secret, snapshots->keys->holder_secret,
           sizeof(manifest->holder_secret));
    snapshots->stale = true;
    if (status == GH_OK)
        status = gh_manifest_fingerprint(manifest, hash);
    if (status == GH_OK)
        status = gh_db_list_settings(snapshots->db, hash);
    if (status == GH_OK)
        snapshots->keys_version = snapshots->keys->version;
    return status;
}

enum gh_status gh_snapshots_set_policy(struct gh_snapshots *snapshots,
                                       const struct gh_policy *policy)
{
    snapshots->manifest.policy = *policy;
    return take_settings(snapshots);
}

/* --- building --- */

struct building {
    int fd;
    struct gh_sha256_context *hash;
    struct gh_writer chunk;
    uint64_t bytes;
    int error; /* errno */
};

static bool flush(struct building *building)
{
    const uint8_t *data = building->chunk.data;
    size_t left = building->chunk.size;
    gh_sha256_update(building->hash, data, left);
    building->bytes += left;
    building->chunk.size = 0;
    while (left > 0) {
        ssize_t written = write(building->fd, data, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            building->error = written < 0 ? errno : EIO;
            return false;
        }
        data += written;
        left -= (size_t)written;
    }
    return true;
}

/* A record that did not fit would leave the list without it, and nobody would know. */
static bool room(struct building *building)
{
    if (building->chunk.overflow)
        building->error = EMSGSIZE;
    return !building->chunk.overflow &&
           (building->chunk.capacity - building->chunk.size >= GH_SNAPSHOT_RECORD_MAX_BYTES ||
            flush(building));
}

static bool put_subject(void *context, gh_id subject, enum gh_colour colour)
{
    struct building *building = context;
    gh_snapshot_put_subject(&building->chunk, subject, colour);
    return room(building);
}

static bool put_home(void *context, gh_id home)
{
    struct building *building = context;
    gh_snapshot_put_home(&building->chunk, home);
    return room(building);
}

static bool put_member(void *context, gh_id home, gh_id subject)
{
    struct building *building = context;
    gh_snapshot_put_member(&building->chunk, home, subject);
    return room(building);
}

static bool put_revoked(void *context, gh_id credential)
{
    struct building *building = context;
    gh_snapshot_put_revoked(&building->chunk, credential);
    return room(building);
}

static bool put_recalled(void *context, gh_id subject, int64_t before_s)
{
    struct building *building = context;
    gh_snapshot_put_recalled(&building->chunk, subject, before_s);
    return room(building);
}

static bool put_revoked_hash(void *context, const uint8_t hash[GH_REVOCATION_BYTES],
                             int64_t before_s)
{
    struct building *building = context;
    gh_snapshot_put_revoked_hash(&building->chunk, hash, before_s);
    return room(building);
}

static bool put_holder(void *context, gh_id holder, gh_id subject)
{
    struct building *building = context;
    gh_snapshot_put_holder(&building->chunk, holder, subject);
    return room(building);
}

static bool put_key(void *context, const struct gh_issuer_key *key)
{
    struct building *building = context;
    gh_snapshot_put_key(&building->chunk, key);
    return room(building);
}

static enum gh_status write_records(struct gh_snapshots *snapshots, struct building *building,
                                    struct gh_db_list_state *state)
{
    const struct gh_db_list_visitor visitor = {
        .subject = put_subject,
        .home = put_home,
        .member = put_member,
        .revoked = put_revoked,
        .recalled = put_recalled,
        .revoked_hash = put_revoked_hash,
        .holder = put_holder,
        .key = put_key,
        .context = building,
    };
    uint64_t generation = 0;
    enum gh_status status = gh_db_list_read(
        snapshots->db, gh_clock_wall_s(snapshots->clock) - REVOKED_KEPT_S, &visitor, &generation);
    if (status == GH_OK && !flush(building))
        status = GH_ERR_AGAIN;
    if (status == GH_ERR_AGAIN)
        status = gh_status_from_errno(building->error);
    state->built = generation;
    state->bytes = building->bytes;
    return status;
}

static enum gh_status write_file(struct gh_snapshots *snapshots, const char *path,
                                 struct gh_db_list_state *state)
{
    GH_CLEANUP_FREE uint8_t *buffer = malloc(CHUNK_BYTES);
    GH_CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct building building = {.fd = fd, .chunk = gh_writer_over(buffer, CHUNK_BYTES)};
    if (fd < 0)
        return gh_status_from_errno(errno);
    enum gh_status status = buffer != NULL ? gh_sha256_new(&building.hash) : GH_ERR_NOMEM;
    if (status != GH_OK)
        return status;
    status = write_records(snapshots, &building, state);
    gh_sha256_finish(building.hash, state->sha256);
    return status;
}

static enum gh_status path_of(const struct gh_snapshots *snapshots, const char *name,
                              char out[PATH_MAX])
{
    return gh_path_join(snapshots->folder, name, out, PATH_MAX);
}

/* Write the snapshot of the current generation and put it under its own hash as a name. */
static enum gh_status build(struct gh_snapshots *snapshots, struct gh_db_list_state *state)
{
    char temporary[PATH_MAX], path[PATH_MAX], name[NAME_BYTES];
    int64_t began = gh_clock_monotonic_ns(snapshots->clock);
    enum gh_status status = path_of(snapshots, "building", temporary);
    if (status == GH_OK)
        status = write_file(snapshots, temporary, state);
    gh_hex_encode(state->sha256, GH_SHA256_BYTES, name);
    if (status == GH_OK)
        status = path_of(snapshots, name, path);
    if (status == GH_OK)
        status = gh_file_commit(temporary, path, NULL);
    if (status == GH_OK)
        status = gh_db_list_built(snapshots->db, state);
    if (status != GH_OK)
        (void)unlink(temporary);
    snapshots->built_at_ns = gh_clock_monotonic_ns(snapshots->clock);
    snapshots->build_took_ns = snapshots->built_at_ns - began;
    if (status == GH_OK)
        gh_log(GH_LOG_INFO, MODULE, "generation %" PRIu64 ": %" PRIu64 " bytes", state->built,
               state->bytes);
    return status;
}

/* Remove all but the newest snapshots. The one in use is among them: it was written last. */
static void clean(const struct gh_snapshots *snapshots, const char *current)
{
    DIR *folder = opendir(snapshots->folder);
    struct {
        char name[NAME_BYTES];
        struct timespec time;
    } kept[KEPT] = {0};
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct stat info;
        size_t oldest = 0;
        if (strlen(entry->d_name) != NAME_BYTES - 1 || strcmp(entry->d_name, current) == 0 ||
            fstatat(dirfd(folder), entry->d_name, &info, 0) != 0)
            continue;
        for (size_t i = 1; i < KEPT - 1; i++) /* and the current one */
            if (kept[i].time.tv_sec < kept[oldest].time.tv_sec ||
                (kept[i].time.tv_sec == kept[oldest].time.tv_sec &&
                 kept[i].time.tv_nsec < kept[oldest].time.tv_nsec))
                oldest = i;
        bool newer = info.st_mtim.tv_sec > kept[oldest].time.tv_sec ||
                     (info.st_mtim.tv_sec == kept[oldest].time.tv_sec &&
                      info.st_mtim.tv_nsec >= kept[oldest].time.tv_nsec);
        const char *victim = newer ? kept[oldest].name : entry->d_name;
        if (victim[0] != '\0')
            (void)unlinkat(dirfd(folder), victim, 0);
        if (newer) {
            memcpy(kept[oldest].name, entry->d_name, NAME_BYTES);
            kept[oldest].time = info.st_mtim;
        }
    }
    if (folder != NULL)
        closedir(folder);
}

/* --- the manifest --- */

static bool file_is_there(const struct gh_snapshots *snapshots,
                          const struct gh_db_list_state *state)
{
    char name[NAME_BYTES], path[PATH_MAX];
    struct stat info;
    gh_hex_encode(state->sha256, GH_SHA256_BYTES, name);
    return path_of(snapshots, name, path) == GH_OK && stat(path, &info) == 0 &&
           S_ISREG(info.st_mode) && (uint64_t)info.st_size == state->bytes;
}

static enum gh_status make_current(struct gh_snapshots *snapshots, struct gh_db_list_state *state)
{
    char name[NAME_BYTES];
    enum gh_status status = GH_OK;
    /* One generation has one content for ever: what was lost is not built again, but anew. */
    if (state->built == state->generation && !file_is_there(snapshots, state)) {
        gh_log(GH_LOG_WARNING, MODULE, "a snapshot is missing: making a new generation");
        status = gh_db_list_bump(snapshots->db);
    } else if (state->built == state->generation) {
        return GH_OK;
    }
    if (status == GH_OK)
        status = build(snapshots, state);
    if (status == GH_OK) {
        gh_hex_encode(state->sha256, GH_SHA256_BYTES, name);
        clean(snapshots, name);
    }
    return status;
}

static enum gh_status sign(struct gh_snapshots *snapshots, const struct gh_db_list_state *state)
{
    struct gh_manifest *manifest = &snapshots->manifest;
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    int64_t now = gh_clock_wall_s(snapshots->clock);
    if (now < manifest->issued_at_s && manifest->issued_at_s - now < STEP_BACK_S)
        now = manifest->issued_at_s;
    manifest->generation = state->built;
    manifest->issued_at_s = now;
    manifest->snapshot_bytes = state->bytes;
    memcpy(manifest->snapshot_sha256, state->sha256, GH_SHA256_BYTES);
    enum gh_status status = gh_manifest_write(snapshots->keys->list, manifest, &writer);
    if (status == GH_OK && writer.overflow)
        status = GH_ERR_TOOBIG;
    snapshots->size = 0;
    if (status != GH_OK)
        return status;
    memcpy(snapshots->bytes, bytes, writer.size);
    snapshots->size = writer.size;
    snapshots->stale = false;
    return GH_OK;
}

/* Signed a short while ago, and nothing that it says besides the snapshot has changed. */
static bool is_young(const struct gh_snapshots *snapshots)
{
    int64_t age = gh_clock_wall_s(snapshots->clock) - snapshots->manifest.issued_at_s;
    bool same_keys = !snapshots->keys->stale && snapshots->keys_version == snapshots->keys->version;
    return snapshots->size > 0 && !snapshots->stale && same_keys && age < GH_MANIFEST_FRESH_S &&
           age > -STEP_BACK_S;
}

static bool is_fresh(const struct gh_snapshots *snapshots, const struct gh_db_list_state *state)
{
    if (!is_young(snapshots))
        return false;
    if (snapshots->manifest.generation == state->generation)
        return true;
    return snapshots->build_took_ns > QUICK_NS &&
           gh_clock_monotonic_ns(snapshots->clock) - snapshots->built_at_ns <
               4 * snapshots->build_took_ns;
}

/* The clock was far ahead and is right again: within one generation gates would refuse the earlier
 * time of issue, so there has to be a later one. */
static enum gh_status step_back(struct gh_snapshots *snapshots)
{
    int64_t ahead_s = snapshots->manifest.issued_at_s - gh_clock_wall_s(snapshots->clock);
    if (snapshots->size == 0 || ahead_s < STEP_BACK_S)
        return GH_OK;
    gh_log(GH_LOG_WARNING, MODULE, "the clock went back: making a new generation");
    enum gh_status status = gh_db_list_bump(snapshots->db);
    if (status == GH_OK)
        snapshots->size = 0;
    return status;
}

enum gh_status gh_snapshots_manifest(struct gh_snapshots *snapshots, struct gh_bytes *out,
                                     struct gh_error *err)
{
    struct gh_db_list_state state;
    *out = (struct gh_bytes){0};
    enum gh_status status = step_back(snapshots);
    if (status == GH_OK && !is_young(snapshots))
        status = take_settings(snapshots);
    if (status == GH_OK)
        status = gh_db_list_state(snapshots->db, &state);
    if (status == GH_OK && !is_fresh(snapshots, &state)) {
        status = make_current(snapshots, &state);
        if (status == GH_OK)
            status = sign(snapshots, &state);
    }
    if (status != GH_OK)
        return gh_fail(err, status, "the list cannot be built: %s", gh_status_text(status));
    *out = (struct gh_bytes){snapshots->bytes, snapshots->size};
    return GH_OK;
}

enum gh_status gh_snapshots_open(const struct gh_snapshots *snapshots, const char *name, int *fd,
                                 uint64_t *size)
{
    char path[PATH_MAX];
    struct stat info;
    *fd = -1;
    if (strlen(name) != NAME_BYTES - 1 || name[strspn(name, "0123456789abcdef")] != '\0' ||
        path_of(snapshots, name, path) != GH_OK)
        return GH_ERR_NOTFOUND;
    GH_CLEANUP_FD int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0 || fstat(opened, &info) != 0 || !S_ISREG(info.st_mode))
        return opened < 0 ? gh_status_from_errno(errno) : GH_ERR_NOTFOUND;
    *size = (uint64_t)info.st_size;
    *fd = opened;
    opened = -1;
    return GH_OK;
}
