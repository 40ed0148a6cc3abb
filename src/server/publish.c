/* SPDX-License-Identifier: Apache-2.0 */
/* The newest manifest, and the snapshot that it names. */
#include "server/publish_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "server/fingerprint.h"
#include "server/list_answer.h"
#include "server/list_folder.h"

#define MODULE "list"
#define DAY_S INT64_C(86400)
/* A code that has been out of date for so long is refused for that, revoked or not. */
#define REVOKED_KEPT_S (7 * DAY_S)
/* A clock that was set back a little must not make manifests older than the last. */
#define STEP_BACK_S 300
#define SIGNED_EVERY_S 60 /* when that was is written down */
/* A snapshot is made anew when so much has changed since, of a list of any size: what a gate
 * fetches besides is small, and deltas still lead from it for a long while. */
#define CHANGES_MIN 1000
#define CHANGES_PEOPLE 50 /* one in so many */
#define CHANGES_MAX 100000
#define RETRY_NS (10 * GH_NS_PER_S)

enum gh_status gh_publisher_new(const char *folder, struct gh_db *db, struct gh_server_keys *keys,
                                const char *area, const struct gh_clock *clock,
                                struct gh_publisher **out, struct gh_error *err)
{
    *out = NULL;
    enum gh_status status = gh_dir_make(folder, 0700, err);
    if (status != GH_OK)
        return status;
    struct gh_publisher *publisher = calloc(1, sizeof(*publisher));
    if (publisher == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list");
    snprintf(publisher->folder, sizeof(publisher->folder), "%s", folder);
    snprintf(publisher->manifest.area, sizeof(publisher->manifest.area), "%s", area);
    publisher->db = db;
    publisher->keys = keys;
    publisher->clock = clock;
    status = gh_db_list_cutoff(db, &publisher->cutoff);
    if (status == GH_OK)
        status = gh_db_list_signed(db, &publisher->signed_at);
    publisher->manifest.issued_at_s = publisher->signed_at;
    if (status == GH_OK)
        status = gh_list_worker_new(db, publisher->folder, publisher->manifest.area, clock,
                                    &publisher->worker, err);
    if (status != GH_OK) {
        gh_publisher_free(publisher);
        return gh_fail(err, status, "the list cannot be read: %s", gh_status_text(status));
    }
    *out = publisher;
    return GH_OK;
}

void gh_publisher_free(struct gh_publisher *publisher)
{
    if (publisher == NULL)
        return;
    gh_list_worker_free(publisher->worker);
    gh_delta_cache_clear(&publisher->deltas);
    gh_answer_free(publisher->plain);
    gh_answer_free(publisher->single);
    gh_wipe(publisher, sizeof(*publisher)); /* the holder secret */
    free(publisher);
}

static int64_t now_s(const struct gh_publisher *publisher)
{
    return gh_clock_wall_s(publisher->clock);
}

/* --- what the manifest says besides the list --- */

/* The keys as they are now: which of them are of use changes with time, too. What cannot be written
 * down does not count: a manifest never says what its generation does not stand for. */
static enum gh_status take_settings(struct gh_publisher *publisher)
{
    uint8_t hash[GH_SHA256_BYTES];
    struct gh_manifest *wanted = &publisher->wanted;
    publisher->stale = true;
    memcpy(wanted->area, publisher->manifest.area, sizeof(wanted->area));
    memcpy(wanted->holder_secret, publisher->keys->holder_secret, sizeof(wanted->holder_secret));
    enum gh_status status =
        gh_server_keys_public(publisher->keys, now_s(publisher), wanted->keys, &wanted->key_count);
    if (status == GH_OK)
        status = gh_manifest_fingerprint(wanted, hash);
    if (status == GH_OK && memcmp(hash, publisher->fingerprint, sizeof(hash)) != 0)
        status = gh_db_list_settings(publisher->db, hash);
    if (status != GH_OK)
        return status;
    struct gh_manifest *manifest = &publisher->manifest;
    manifest->policy = wanted->policy;
    memcpy(manifest->keys, wanted->keys, sizeof(manifest->keys));
    manifest->key_count = wanted->key_count;
    memcpy(manifest->holder_secret, wanted->holder_secret, sizeof(manifest->holder_secret));
    memcpy(publisher->fingerprint, hash, sizeof(hash));
    publisher->keys_version = publisher->keys->version;
    publisher->stale = false;
    publisher->settings_retry_ns = 0;
    return GH_OK;
}

enum gh_status gh_publisher_set_policy(struct gh_publisher *publisher,
                                       const struct gh_policy *policy)
{
    publisher->wanted.policy = *policy;
    return take_settings(publisher);
}

/* --- signing --- */

static enum gh_status write_manifest(struct gh_publisher *publisher, struct gh_writer *writer)
{
    enum gh_status status = gh_manifest_write(publisher->keys->list, &publisher->manifest, writer);
    return status == GH_OK && writer->overflow ? GH_ERR_TOOBIG : status;
}

static void set_generation(struct gh_manifest *manifest, const struct gh_generation *generation)
{
    manifest->generation = generation->number;
    memcpy(manifest->tag, generation->tag, sizeof(manifest->tag));
}

enum gh_status gh_publisher_sign_for(struct gh_publisher *publisher,
                                     const struct gh_generation *generation,
                                     struct gh_writer *writer)
{
    set_generation(&publisher->manifest, generation);
    enum gh_status status = write_manifest(publisher, writer);
    set_generation(&publisher->manifest, &publisher->state.now);
    return status;
}

/* So that a server that starts with an earlier time knows that its clock went back. */
static void write_time(struct gh_publisher *publisher, int64_t now)
{
    int64_t since = now - publisher->signed_at;
    if (since > -SIGNED_EVERY_S && since < SIGNED_EVERY_S)
        return;
    if (gh_db_list_set_signed(publisher->db, now) == GH_OK)
        publisher->signed_at = now;
}

/* The manifest of publisher->state, and the answer for those who have that generation. */
static enum gh_status sign(struct gh_publisher *publisher)
{
    struct gh_manifest *manifest = &publisher->manifest;
    const struct gh_db_snapshot *snapshot = &publisher->state.snapshot;
    struct gh_writer writer = gh_writer_over(publisher->bytes, sizeof(publisher->bytes));
    struct gh_answer *plain = NULL;
    int64_t now = now_s(publisher);
    if (now < manifest->issued_at_s && manifest->issued_at_s - now < STEP_BACK_S)
        now = manifest->issued_at_s;
    write_time(publisher, now);
    set_generation(manifest, &publisher->state.now);
    manifest->issued_at_s = now;
    manifest->snapshot = snapshot->generation;
    manifest->snapshot_bytes = snapshot->bytes;
    memcpy(manifest->snapshot_sha256, snapshot->sha256, GH_SHA256_BYTES);
    publisher->size = 0;
    enum gh_status status = write_manifest(publisher, &writer);
    if (status == GH_OK)
        status = gh_list_answer((struct gh_bytes){writer.data, writer.size}, NULL, publisher->keys,
                                publisher->news, &plain);
    if (status != GH_OK)
        return status;
    publisher->size = writer.size;
    gh_answer_free(publisher->plain);
    publisher->plain = plain;
    publisher->plain_of = publisher->state.now;
    gh_delta_cache_renew(&publisher->deltas, &publisher->state.now, gh_publisher_now_ns(publisher));
    return GH_OK;
}

static bool has_same_keys(const struct gh_publisher *publisher)
{
    return !publisher->keys->stale && publisher->keys_version == publisher->keys->version;
}

/* Signed a short while ago, of the newest generation, and nothing else has changed. */
static bool is_current(const struct gh_publisher *publisher)
{
    int64_t age = now_s(publisher) - publisher->manifest.issued_at_s;
    bool settled = (!publisher->stale && has_same_keys(publisher)) ||
                   gh_publisher_now_ns(publisher) < publisher->settings_retry_ns;
    return publisher->size > 0 && settled &&
           publisher->manifest.generation == gh_db_generation(publisher->db) &&
           age < GH_MANIFEST_FRESH_S && age > -STEP_BACK_S;
}

/* The clock was far ahead and is right again: within one generation gates would refuse the earlier
 * time of issue, so there has to be a later one. */
static enum gh_status step_back(struct gh_publisher *publisher)
{
    if (publisher->manifest.issued_at_s - now_s(publisher) < STEP_BACK_S)
        return GH_OK;
    gh_log(GH_LOG_WARNING, MODULE, "the clock went back: making a new generation");
    enum gh_status status = gh_db_list_bump(publisher->db);
    if (status == GH_OK)
        publisher->manifest.issued_at_s = INT64_MIN / 2;
    return status;
}

static void let_it_age(struct gh_publisher *publisher)
{
    int64_t cutoff = now_s(publisher) - REVOKED_KEPT_S;
    int64_t passed = cutoff - publisher->cutoff;
    if (passed < DAY_S && passed > -DAY_S)
        return;
    enum gh_status status = gh_db_list_age(publisher->db, cutoff);
    if (status == GH_OK)
        publisher->cutoff = cutoff;
    else
        gh_log(GH_LOG_WARNING, MODULE, "what has long expired stays on the list: %s",
               gh_status_text(status));
}

/* --- the snapshot --- */

static bool is_due(const struct gh_publisher *publisher)
{
    const struct gh_db_list_state *state = &publisher->state;
    uint64_t enough = state->snapshot.people / CHANGES_PEOPLE;
    enough = enough < CHANGES_MIN ? CHANGES_MIN : enough > CHANGES_MAX ? CHANGES_MAX : enough;
    int64_t age_s = now_s(publisher) - state->snapshot.made_at;
    return state->changes > enough || (state->changes > 0 && (age_s >= DAY_S || age_s <= -DAY_S));
}

static bool is_needed(const struct gh_publisher *publisher)
{
    const struct gh_db_snapshot *snapshot = &publisher->state.snapshot;
    return publisher->state.changes == UINT64_MAX || publisher->snapshot_lost ||
           !gh_list_folder_has(publisher->folder, snapshot);
}

/* GH_ERR_AGAIN: nothing can be said before it is there. */
static enum gh_status look_after_snapshot(struct gh_publisher *publisher)
{
    bool needed = is_needed(publisher);
    bool due = needed || is_due(publisher);
    if (due && gh_publisher_now_ns(publisher) >= publisher->retry_at_ns) {
        enum gh_status status =
            gh_list_worker_ask(publisher->worker, GH_LIST_JOB_SNAPSHOT, NULL, NULL);
        if (status != GH_OK && status != GH_ERR_EXISTS && status != GH_ERR_BUSY)
            return status;
        if (needed && status != GH_ERR_BUSY)
            publisher->retry_at_ns = INT64_MAX; /* it is delivered */
    }
    publisher->blocked = needed;
    return needed ? GH_ERR_AGAIN : GH_OK;
}

void gh_publisher_take_snapshot(struct gh_publisher *publisher, const struct gh_list_job *job)
{
    enum gh_status status = job->status;
    if (status == GH_OK)
        status = gh_db_list_built(publisher->db, &job->snapshot);
    publisher->blocked = false;
    publisher->retry_at_ns = status == GH_OK ? 0 : gh_publisher_now_ns(publisher) + RETRY_NS;
    if (status != GH_OK) {
        gh_log(GH_LOG_ERR, MODULE, "the snapshot cannot be made: %s", gh_status_text(status));
        return;
    }
    publisher->snapshot_lost = false;
    publisher->size = 0; /* the manifest names another one now */
    gh_list_folder_clean(publisher->folder, &job->snapshot);
    gh_log(GH_LOG_INFO, MODULE, "snapshot of generation %" PRIu64 ": %" PRIu64 " bytes",
           job->snapshot.generation.number, job->snapshot.bytes);
}

/* --- the newest manifest --- */

enum gh_status gh_publisher_renew(struct gh_publisher *publisher)
{
    struct gh_db_list_state state;
    if (is_current(publisher))
        return GH_OK;
    if (publisher->blocked && gh_publisher_now_ns(publisher) < publisher->retry_at_ns)
        return GH_ERR_AGAIN;
    enum gh_status status = step_back(publisher);
    if (status != GH_OK)
        return status;
    /* A full disk is no reason to let the list grow old. */
    let_it_age(publisher);
    status = take_settings(publisher);
    if (status != GH_OK && publisher->plain != NULL) {
        gh_log(GH_LOG_ERR, MODULE, "policy and keys stay what they were: %s",
               gh_status_text(status));
        publisher->settings_retry_ns = gh_publisher_now_ns(publisher) + RETRY_NS;
        status = GH_OK;
    }
    if (status == GH_OK)
        status = gh_db_list_state(publisher->db, &state);
    if (status != GH_OK)
        return status;
    publisher->state = state;
    status = look_after_snapshot(publisher);
    if (status != GH_OK)
        return status;
    status = sign(publisher);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, MODULE, "the manifest cannot be signed: %s", gh_status_text(status));
    return status;
}

struct gh_generation gh_publisher_newest(const struct gh_publisher *publisher)
{
    return publisher->plain_of;
}

enum gh_status gh_publisher_jump(struct gh_publisher *publisher, uint64_t number)
{
    uint64_t now = gh_db_generation(publisher->db);
    if (number <= now || number - now > GH_JUMP_MAX)
        return GH_ERR_INVALID;
    return gh_db_list_jump(publisher->db, number + 1);
}

void gh_publisher_forget_key(struct gh_publisher *publisher)
{
    gh_list_worker_drop(publisher->worker);
    gh_delta_cache_clear(&publisher->deltas);
    publisher->blocked = false;
    publisher->retry_at_ns = 0;
    publisher->size = 0;
}

enum gh_status gh_publisher_open(const struct gh_publisher *publisher, const char *name, int *fd,
                                 uint64_t *size)
{
    return gh_list_folder_open(publisher->folder, name, fd, size);
}

int64_t gh_publisher_snapshot_made_at(const struct gh_publisher *publisher)
{
    const struct gh_db_snapshot *snapshot = &publisher->state.snapshot;
    return snapshot->generation.number != 0 ? snapshot->made_at : 0;
}
