/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "server/db_list.h"
#include "server/key_files.h"
#include "server/list_key.h"

#define MODULE "server"
#define SECRET_FILE "holder.secret"

/* --- the holder secret --- */

/* Made once: with another one, nobody's certificates would be theirs any more. */
static enum gh_status make_secret(struct gh_server_keys *keys, const char *path, bool known,
                                  struct gh_error *err)
{
    if (known)
        return gh_key_missing(SECRET_FILE, err);
    gh_random(keys->holder_secret, sizeof(keys->holder_secret));
    return gh_file_replace(path, 0600, keys->holder_secret, sizeof(keys->holder_secret), err);
}

static enum gh_status load_secret(struct gh_server_keys *keys, const char *path, bool known,
                                  struct gh_error *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    struct gh_error why = {0};
    enum gh_status status = gh_file_read(path, sizeof(keys->holder_secret), &data, &size, &why);
    if (status == GH_ERR_NOTFOUND)
        return make_secret(keys, path, known, err);
    if (status == GH_OK && size != sizeof(keys->holder_secret))
        status = gh_fail(&why, GH_ERR_CORRUPT, "keys/" SECRET_FILE " is damaged");
    if (status == GH_OK)
        memcpy(keys->holder_secret, data, size);
    if (data != NULL)
        gh_wipe(data, size);
    free(data);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "%s", why.text);
}

static enum gh_status open_secret(struct gh_server_keys *keys, struct gh_error *err)
{
    char path[PATH_MAX];
    uint8_t written[GH_SHA256_BYTES], hash[GH_SHA256_BYTES];
    enum gh_status status = gh_db_secret_find(keys->db, written);
    bool known = status == GH_OK;
    if (status == GH_OK || status == GH_ERR_NOTFOUND)
        status = gh_key_path(keys->folder, SECRET_FILE, path, err);
    if (status == GH_OK)
        status = load_secret(keys, path, known, err);
    if (status != GH_OK)
        return status;
    gh_sha256((struct gh_bytes){keys->holder_secret, sizeof(keys->holder_secret)}, hash);
    if (!known)
        return gh_db_secret_set(keys->db, hash);
    return gh_crypto_equal(hash, written, sizeof(hash))
               ? GH_OK
               : gh_fail(err, GH_ERR_CORRUPT,
                         "keys/" SECRET_FILE " is not the one that this database was made with");
}

/* --- those that follow one another --- */

static void free_own(struct gh_server_key *own, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gh_private_key_free(own[i].private);
    free(own);
}

struct reading {
    struct gh_server_key *own;
    size_t count, capacity;
    enum gh_status status;
};

static bool take_row(void *context, const struct gh_db_key *row)
{
    struct reading *reading = context;
    if (reading->count == reading->capacity) {
        size_t wanted = reading->capacity * 2 + 8;
        struct gh_server_key *larger = realloc(reading->own, wanted * sizeof(*larger));
        if (larger == NULL) {
            reading->status = GH_ERR_NOMEM;
            return false;
        }
        reading->own = larger;
        reading->capacity = wanted;
    }
    reading->own[reading->count++] = (struct gh_server_key){.row = *row};
    return true;
}

static enum gh_status load_private(const struct gh_server_keys *keys, struct gh_server_key *key,
                                   struct gh_error *err)
{
    uint8_t raw[GH_OWN_KEY_BYTES];
    gh_id id;
    enum gh_status status = gh_key_open(keys->folder, key->row.file, false, &key->private, err);
    if (status == GH_OK)
        status = gh_key_raw(key->private, raw, &id);
    if (status == GH_OK && memcmp(raw, key->row.raw, sizeof(raw)) != 0)
        status = gh_fail(err, GH_ERR_CORRUPT,
                         "keys/%s is not the key that this database was made with", key->row.file);
    return status;
}

/* All that may sign, or may again when a clock is put right; of those whose time is over it does no
 * harm when the file is gone. */
static enum gh_status load_privates(const struct gh_server_keys *keys, struct reading *reading,
                                    int64_t now, struct gh_error *err)
{
    for (size_t i = 0; i < reading->count; i++) {
        struct gh_server_key *key = &reading->own[i];
        if (key->row.revoked_at != 0)
            continue;
        bool over = key->row.not_after < now;
        enum gh_status status = load_private(keys, key, over ? NULL : err);
        if (status != GH_OK) {
            gh_private_key_free(key->private);
            key->private = NULL;
            if (!over)
                return status;
        }
    }
    return GH_OK;
}

static enum gh_status reload(struct gh_server_keys *keys, int64_t now, struct gh_error *err)
{
    struct reading reading = {.status = GH_OK};
    keys->stale = true;
    enum gh_status status = gh_db_keys_read(keys->db, take_row, &reading);
    if (status == GH_OK)
        status = reading.status;
    if (status == GH_OK)
        status = load_privates(keys, &reading, now, err);
    if (status != GH_OK) {
        free_own(reading.own, reading.count);
        return status;
    }
    free_own(keys->own, keys->own_count);
    keys->own = reading.own;
    keys->own_count = reading.count;
    keys->stale = false;
    keys->version++;
    return GH_OK;
}

enum gh_status gh_server_keys_refresh(struct gh_server_keys *keys, int64_t now)
{
    struct gh_error err = {0};
    if (!keys->stale)
        return GH_OK;
    enum gh_status status = reload(keys, now, &err);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, MODULE, "the keys cannot be read: %s",
               err.text[0] != '\0' ? err.text : gh_status_text(status));
    return status;
}

static enum gh_status write_down(struct gh_server_keys *keys, const struct gh_private_key *key,
                                 enum gh_kind purpose, const char *file, int64_t from, int64_t now,
                                 gh_id *id)
{
    struct gh_db_key row = {.purpose = purpose, .not_before = from};
    snprintf(row.file, sizeof(row.file), "%s", file);
    enum gh_status status = gh_key_raw(key, row.raw, &row.id);
    if (status == GH_OK)
        status = gh_db_key_add(keys->db, &row, now);
    *id = row.id;
    return status;
}

static bool has_purpose(const struct gh_server_keys *keys, enum gh_kind purpose)
{
    for (size_t i = 0; i < keys->own_count; i++)
        if (keys->own[i].row.purpose == purpose)
            return true;
    return false;
}

/* The first one of its purpose: of a new server, or of one from before keys had rows. It is valid
 * since ever. */
static enum gh_status open_first(struct gh_server_keys *keys, enum gh_kind purpose,
                                 const char *file, int64_t now, bool create, struct gh_error *err)
{
    gh_id id;
    struct gh_private_key *key = NULL;
    if (has_purpose(keys, purpose))
        return GH_OK;
    enum gh_status status = gh_key_open(keys->folder, file, create, &key, err);
    if (status == GH_OK)
        status = write_down(keys, key, purpose, file, 0, now, &id);
    gh_private_key_free(key);
    return status == GH_OK ? reload(keys, now, err) : status;
}

static enum gh_status open_all(struct gh_server_keys *keys, int64_t now, bool create,
                               struct gh_error *err)
{
    enum gh_status status = gh_list_key_open(keys, create, err);
    if (status == GH_OK)
        status = open_secret(keys, err);
    if (status == GH_OK)
        status = reload(keys, now, err);
    if (status == GH_OK)
        status = open_first(keys, GH_KIND_HEALTH, "health.pem", now, create, err);
    if (status == GH_OK)
        status = open_first(keys, GH_KIND_HOUSING, "housing.pem", now, create, err);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "the keys: %s", gh_status_text(status));
}

enum gh_status gh_server_keys_open(const char *folder, const char *issuer, struct gh_db *db,
                                   int64_t now, bool create, struct gh_server_keys *out,
                                   struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    snprintf(out->folder, sizeof(out->folder), "%s", folder);
    snprintf(out->issuer, sizeof(out->issuer), "%s", issuer);
    out->db = db;
    enum gh_status status = gh_dir_make(folder, 0700, err);
    if (status == GH_OK)
        status = open_all(out, now, create, err);
    if (status != GH_OK)
        gh_server_keys_close(out);
    return status;
}

void gh_server_keys_close(struct gh_server_keys *keys)
{
    gh_private_key_free(keys->list);
    free(keys->handovers);
    free_own(keys->own, keys->own_count);
    gh_wipe(keys, sizeof(*keys));
}

/* --- change --- */

static bool one_waits(const struct gh_server_keys *keys, enum gh_kind purpose, int64_t now)
{
    for (size_t i = 0; i < keys->own_count; i++)
        if (keys->own[i].row.purpose == purpose && keys->own[i].row.revoked_at == 0 &&
            keys->own[i].row.not_before > now)
            return true;
    return false;
}

/* The old key's span ends where the new one's begins, and gates refuse what it signed beyond: a
 * clock that woke up in the past must not make all codes that are out in the world worthless. */
static enum gh_status choose_beginning(struct gh_server_keys *keys, enum gh_kind purpose,
                                       int64_t now, int64_t *from, struct gh_error *err)
{
    int64_t latest = INT64_MIN;
    enum gh_status status = gh_server_keys_refresh(keys, now);
    if (status == GH_OK && one_waits(keys, purpose, now))
        return GH_ERR_REFUSED;
    if (status == GH_OK)
        status = gh_db_credential_latest(keys->db, purpose, &latest);
    if (status != GH_OK || latest <= *from)
        return status;
    if (latest > *from + GH_CODE_SKEW_S)
        return gh_fail(err, GH_ERR_INVALID,
                       "%s codes were issued later than that: is the clock right?",
                       gh_kind_name(purpose));
    *from = latest;
    return GH_OK;
}

enum gh_status gh_server_keys_rotate(struct gh_server_keys *keys, enum gh_kind purpose,
                                     int64_t from, int64_t now, gh_id *id, struct gh_error *err)
{
    char path[PATH_MAX], file[GH_KEY_FILE_BYTES];
    struct gh_private_key *key = NULL;
    snprintf(file, sizeof(file), "%s-%016" PRIx64 ".pem", gh_kind_name(purpose), gh_random_id());
    enum gh_status status = choose_beginning(keys, purpose, now, &from, err);
    if (status == GH_OK)
        status = gh_key_path(keys->folder, file, path, err);
    if (status == GH_OK)
        status = gh_key_make(path, file, &key, err);
    if (status == GH_OK) {
        keys->stale = true;
        status = write_down(keys, key, purpose, file, from, now, id);
        /* Of a commit that failed nobody knows for sure that it did: the file stays. */
        if (status == GH_ERR_REFUSED || status == GH_ERR_EXISTS)
            (void)unlink(path);
    }
    gh_private_key_free(key);
    return status == GH_OK ? reload(keys, now, err) : status;
}

enum gh_status gh_server_keys_revoke(struct gh_server_keys *keys, gh_id id, int64_t now)
{
    keys->stale = true;
    enum gh_status status = gh_db_key_revoke(keys->db, id, now);
    return status == GH_OK ? reload(keys, now, NULL) : status;
}

/* --- use --- */

/* The newest one that may. They overlap in the second in which one takes over from the other. */
static const struct gh_server_key *signer_at(const struct gh_server_keys *keys, enum gh_kind kind,
                                             int64_t at)
{
    const struct gh_server_key *found = NULL;
    for (size_t i = 0; i < keys->own_count; i++) {
        const struct gh_db_key *row = &keys->own[i].row;
        if (row->purpose == kind && row->revoked_at == 0 && row->not_before <= at &&
            at <= row->not_after)
            found = &keys->own[i];
    }
    return found;
}

enum gh_status gh_server_keys_signer(struct gh_server_keys *keys, enum gh_kind kind,
                                     int64_t issued_at, const struct gh_private_key **out)
{
    *out = NULL;
    enum gh_status status = gh_server_keys_refresh(keys, issued_at);
    if (status != GH_OK)
        return status;
    const struct gh_server_key *key = signer_at(keys, kind, issued_at);
    if (key == NULL || key->private == NULL) {
        gh_log(GH_LOG_ERR, MODULE, "no key may sign a %s code now: is the clock right?",
               gh_kind_name(kind));
        return GH_ERR_BUSY;
    }
    *out = key->private;
    return GH_OK;
}

enum gh_key_state gh_server_keys_state(const struct gh_server_keys *keys, size_t index, int64_t now)
{
    const struct gh_server_key *key = &keys->own[index];
    if (key->row.revoked_at != 0)
        return GH_KEY_REVOKED;
    if (key->row.not_before > now)
        return GH_KEY_NEXT;
    return signer_at(keys, key->row.purpose, now) == key ? GH_KEY_ACTIVE : GH_KEY_RETIRED;
}

const char *gh_key_state_name(enum gh_key_state state)
{
    static const char *const names[] = {"next", "active", "retired", "revoked"};
    return names[state];
}

/* --- as the gates need them --- */

enum rank { RANK_NEEDED, RANK_RETIRED, RANK_REVOKED, RANK_OVER };

static enum rank rank_of(const struct gh_db_key *row, int64_t now)
{
    bool revoked = row->revoked_at != 0;
    int64_t last = revoked && row->revoked_at < row->not_after ? row->revoked_at : row->not_after;
    if (!revoked && last >= now)
        return RANK_NEEDED;
    /* Housing codes have no end. */
    if (row->purpose == GH_KIND_HEALTH && last < now - GH_HEALTH_VALID_MAX_S - GH_CODE_SKEW_S)
        return RANK_OVER;
    return revoked ? RANK_REVOKED : RANK_RETIRED;
}

/* Whether the key at `a` has a better right to its place than that at `b`. */
static bool goes_before(const struct gh_server_keys *keys, size_t a, size_t b, int64_t now)
{
    const struct gh_db_key *first = &keys->own[a].row, *second = &keys->own[b].row;
    enum rank first_rank = rank_of(first, now), second_rank = rank_of(second, now);
    if (first_rank != second_rank)
        return first_rank < second_rank;
    return first->not_before != second->not_before ? first->not_before > second->not_before : a > b;
}

static bool has_a_place(const struct gh_server_keys *keys, size_t index, int64_t now)
{
    size_t better = 0;
    for (size_t i = 0; i < keys->own_count; i++)
        better += i != index && goes_before(keys, i, index, now);
    return better < GH_LIST_KEYS_MAX && rank_of(&keys->own[index].row, now) != RANK_OVER;
}

static void describe(const struct gh_server_keys *keys, const struct gh_db_key *row,
                     struct gh_issuer_key *out)
{
    *out = (struct gh_issuer_key){
        .type = GH_KEY_ED25519,
        .raw_bytes = sizeof(row->raw),
        .purposes = GH_PURPOSE(row->purpose),
        .not_before_s = row->not_before,
        .not_after_s = row->not_after,
        .revoked = row->revoked_at != 0,
    };
    memcpy(out->raw, row->raw, sizeof(row->raw));
    gh_put_be64(out->key_id, row->id);
    snprintf(out->issuer, sizeof(out->issuer), "%s", keys->issuer);
}

enum gh_status gh_server_keys_public(struct gh_server_keys *keys, int64_t now,
                                     struct gh_issuer_key out[GH_LIST_KEYS_MAX], size_t *count)
{
    *count = 0;
    enum gh_status status = gh_server_keys_refresh(keys, now);
    for (size_t i = 0; status == GH_OK && i < keys->own_count; i++)
        if (has_a_place(keys, i, now))
            describe(keys, &keys->own[i].row, &out[(*count)++]);
    return status;
}
