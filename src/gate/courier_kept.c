/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements as they are kept, in `announcements` of the state folder: ID.cose, what the server
 * signed; SHA256.wav, its sound, and SHA256.part while that comes; ID.done in their place, with the
 * second until which it could be told again, once it is known what became of it. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define SLACK_S 86400 /* of a clock that is set back */
#define TELL_AGAIN_MS 1000
#define MARK_AGAIN_MS 10000
#define MARK_MAX_BYTES 32

static int64_t now_s(const struct gh_courier *courier)
{
    return gh_clock_wall_s(courier->options.clock);
}

/* Until it may not be played any more; below 0: since then. Whoever has the list key may sign any
 * time that there is. */
static int64_t left_s(const struct gh_courier *courier, const struct gh_kept *kept)
{
    int64_t left;

    if (__builtin_sub_overflow(kept->said.until_s, now_s(courier), &left))
        return kept->said.until_s < 0 ? INT64_MIN : INT64_MAX;
    return left;
}

/* --- names --- */

static enum gh_status path_of(const struct gh_courier *courier, gh_id id, const char *suffix,
                              char *out, size_t out_bytes)
{
    char text[GH_ID_TEXT_BYTES], name[GH_ID_TEXT_BYTES + 8];

    gh_id_format(id, text);
    snprintf(name, sizeof(name), "%s.%s", text, suffix);
    return gh_path_join(courier->desk.folder, name, out, out_bytes);
}

static void sound_name(const struct gh_announcement *said, const char *suffix, char *out,
                       size_t out_bytes)
{
    char digest[2 * GH_SHA256_BYTES + 1];

    gh_hex_encode(said->sha256, GH_SHA256_BYTES, digest);
    snprintf(out, out_bytes, "%s.%s", digest, suffix);
}

enum gh_status gh_kept_sound_path(const struct gh_courier *courier,
                                  const struct gh_announcement *said, const char *suffix, char *out,
                                  size_t out_bytes)
{
    char name[2 * GH_SHA256_BYTES + 8];

    sound_name(said, suffix, name, sizeof(name));
    return gh_path_join(courier->desk.folder, name, out, out_bytes);
}

/* --- places --- */

static struct gh_kept *find(struct gh_news_desk *desk, gh_id id)
{
    for (size_t i = 0; i < desk->kept_count; i++)
        if (desk->kept[i].said.id == id)
            return &desk->kept[i];
    return NULL;
}

static bool is_alive(const struct gh_kept *kept)
{
    return kept->state != GH_KEPT_DONE;
}

static void forget(struct gh_courier *courier, struct gh_kept *kept)
{
    struct gh_news_desk *desk = &courier->desk;
    char path[PATH_MAX];

    if (path_of(courier, kept->said.id, "done", path, sizeof(path)) == GH_OK)
        (void)unlink(path);
    *kept = desk->kept[--desk->kept_count];
}

/* NULL: as many are alive as a server lets live. Of those that are done the one goes that could be
 * told again for the shortest time. */
static struct gh_kept *new_place(struct gh_courier *courier)
{
    struct gh_news_desk *desk = &courier->desk;
    struct gh_kept *victim = NULL;
    size_t alive = 0;

    for (size_t i = 0; i < desk->kept_count; i++) {
        struct gh_kept *kept = &desk->kept[i];
        alive += is_alive(kept);
        if (!is_alive(kept) && (!victim || kept->said.until_s < victim->said.until_s))
            victim = kept;
    }
    if (alive >= GH_ANNOUNCEMENTS_MAX)
        return NULL;
    if (desk->kept_count == GH_KEPT_MAX)
        forget(courier, victim);
    struct gh_kept *fresh = &desk->kept[desk->kept_count++];
    *fresh = (struct gh_kept){.backoff = {.first_ms = courier->options.backoff_first_ms,
                                          .greatest_ms = courier->options.backoff_max_ms}};
    return fresh;
}

/* Two may have one sound. */
static void remove_sound(const struct gh_courier *courier, const struct gh_kept *kept)
{
    static const char *const suffixes[] = {"wav", "part"};
    const struct gh_news_desk *desk = &courier->desk;
    char path[PATH_MAX];

    for (size_t i = 0; i < desk->kept_count; i++)
        if (is_alive(&desk->kept[i]) &&
            memcmp(desk->kept[i].said.sha256, kept->said.sha256, GH_SHA256_BYTES) == 0)
            return;
    for (size_t i = 0; i < GH_ARRAY_SIZE(suffixes); i++)
        if (gh_kept_sound_path(courier, &kept->said, suffixes[i], path, sizeof(path)) == GH_OK)
            (void)unlink(path);
}

/* --- done --- */

static enum gh_status write_mark(const struct gh_courier *courier, const struct gh_kept *kept,
                                 struct gh_error *err)
{
    char path[PATH_MAX], text[MARK_MAX_BYTES];

    int size = snprintf(text, sizeof(text), "%" PRId64 "\n", kept->said.until_s);
    enum gh_status status = gh_dir_make(courier->desk.folder, 0700, err);
    if (status == GH_OK)
        status = path_of(courier, kept->said.id, "done", path, sizeof(path));
    if (status == GH_OK)
        status = gh_file_replace(path, 0600, text, (size_t)size, err);
    return status;
}

/* The mark goes first: whoever finds the announcement without its sound fetches it once more. But
 * on a full disk there is room for a mark only once the sound has gone. */
static void mark(struct gh_courier *courier, struct gh_kept *kept)
{
    char path[PATH_MAX];
    struct gh_error err = {0};

    enum gh_status status = write_mark(courier, kept, NULL);
    remove_sound(courier, kept);
    if (status != GH_OK)
        status = write_mark(courier, kept, &err);
    if (status != GH_OK) {
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE,
               "an announcement that is done with may be played again after a restart: %s",
               err.text[0] ? err.text : gh_status_text(status));
        return;
    }
    kept->told = true;
    if (path_of(courier, kept->said.id, "cose", path, sizeof(path)) == GH_OK)
        (void)unlink(path);
}

void gh_kept_done(struct gh_courier *courier, gh_id id)
{
    struct gh_kept *kept = find(&courier->desk, id);

    if (!kept || kept->state == GH_KEPT_DONE)
        return;
    kept->state = GH_KEPT_DONE;
    kept->told = false;
    mark(courier, kept);
}

/* --- what the server gives --- */

static enum gh_status believe(const struct gh_courier *courier, struct gh_bytes bytes,
                              struct gh_announcement *out, struct gh_error *err)
{
    const struct gh_identity *identity = &courier->news.identity;

    enum gh_status status =
        gh_announcement_read(courier->news.list_key, identity->area, bytes, out);
    if (status == GH_ERR_NOMEM)
        return gh_fail(err, status, "no memory for an announcement");
    if (status == GH_ERR_SIGNATURE)
        return gh_fail(err, GH_ERR_DENIED, "an announcement that is not signed by the list's key");
    if (status == GH_ERR_DENIED ||
        (status == GH_OK && out->gate != 0 && out->gate != identity->gate))
        return gh_fail(err, GH_ERR_DENIED, "an announcement that is for others");
    if (status != GH_OK)
        return gh_fail(err, GH_ERR_DENIED, "what should be a signed announcement is none");
    return GH_OK;
}

static enum gh_status save(const struct gh_courier *courier, gh_id id, struct gh_bytes bytes,
                           struct gh_error *err)
{
    char path[PATH_MAX];

    enum gh_status status = gh_dir_make(courier->desk.folder, 0700, err);
    if (status == GH_OK)
        status = path_of(courier, id, "cose", path, sizeof(path));
    if (status == GH_OK)
        status = gh_file_replace(path, 0600, bytes.data, bytes.size, err);
    return status == GH_OK
               ? GH_OK
               : gh_fail(err, status, "an announcement cannot be kept: %s", gh_status_text(status));
}

static void cancel(struct gh_courier *courier, struct gh_kept *kept,
                   const struct gh_announcement *said)
{
    if (kept && kept->state == GH_KEPT_DONE)
        return;
    if (!kept) { /* so that what was signed before it is not taken any more */
        kept = new_place(courier);
        if (!kept)
            return;
        kept->state = GH_KEPT_DONE;
    } else if (kept->state == GH_KEPT_WANTED) {
        kept->state = GH_KEPT_LOST;
    }
    kept->said = *said;
    kept->told = false;
}

bool gh_kept_has_sound(const struct gh_courier *courier, const struct gh_announcement *said)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    uint8_t hash[GH_SHA256_BYTES];
    char path[PATH_MAX];
    size_t size;

    if (gh_kept_sound_path(courier, said, "wav", path, sizeof(path)) != GH_OK ||
        gh_file_read(path, GH_ANNOUNCEMENT_MAX_BYTES, &data, &size, NULL) != GH_OK)
        return false;
    gh_sha256((struct gh_bytes){data, size}, hash);
    if (size == said->bytes && memcmp(hash, said->sha256, sizeof(hash)) == 0)
        return true;
    (void)unlink(path);
    return false;
}

enum gh_status gh_kept_take(struct gh_courier *courier, struct gh_bytes bytes, struct gh_error *err)
{
    struct gh_announcement said;

    enum gh_status status = believe(courier, bytes, &said, err);
    if (status != GH_OK)
        return status;
    struct gh_kept *kept = find(&courier->desk, said.id);
    if (said.cancelled) {
        cancel(courier, kept, &said);
        return GH_OK;
    }
    if (kept && (kept->state == GH_KEPT_DONE || kept->said.cancelled))
        return GH_OK;
    if (kept) /* a newer key may have signed it */
        return save(courier, said.id, bytes, err);
    kept = new_place(courier);
    if (!kept)
        return gh_fail(err, GH_ERR_DENIED, "more announcements than a server lets live");
    kept->said = said;
    kept->state = gh_kept_has_sound(courier, &said) ? GH_KEPT_READY : GH_KEPT_WANTED;
    status = save(courier, said.id, bytes, err);
    if (status != GH_OK)
        courier->desk.kept_count--;
    return status;
}

/* --- telling --- */

static bool tell(struct gh_courier *courier, const struct gh_kept *kept)
{
    struct gh_courier_event event = {.type = GH_COURIER_ANNOUNCEMENT,
                                     .identity = courier->news.identity,
                                     .announcement = {.announcement = kept->said}};
    struct gh_announcement_job *job = &event.announcement;

    if (gh_queue_room(courier->options.events) == 0)
        return false;
    if (kept->state == GH_KEPT_READY &&
        gh_kept_sound_path(courier, &kept->said, "wav", job->path, sizeof(job->path)) != GH_OK)
        job->path[0] = '\0';
    gh_lane_push(&courier->news, &event);
    return true;
}

/* Returns in how many ms to look again. */
static int64_t tick(struct gh_courier *courier, struct gh_kept *kept)
{
    const int64_t left = left_s(courier, kept);

    if (kept->state == GH_KEPT_WANTED && left > 0)
        return left < MARK_AGAIN_MS ? left * 1000 : INT64_MAX;
    if (kept->state == GH_KEPT_WANTED) {
        kept->state = GH_KEPT_LOST;
        kept->told = false;
    }
    if (kept->state != GH_KEPT_DONE && !kept->told) {
        kept->told = tell(courier, kept);
        if (!kept->told)
            return TELL_AGAIN_MS;
        if (!kept->said.cancelled)
            return INT64_MAX;
        kept->state = GH_KEPT_DONE;
        kept->told = false;
    }
    /* The gate heard of it a day ago, and has never said what became of it. */
    if (kept->state != GH_KEPT_DONE && left <= -SLACK_S) {
        kept->state = GH_KEPT_DONE;
        kept->told = false;
    }
    if (kept->state == GH_KEPT_DONE && !kept->told)
        mark(courier, kept);
    return kept->state == GH_KEPT_DONE && !kept->told ? MARK_AGAIN_MS : INT64_MAX;
}

int64_t gh_kept_tick(struct gh_courier *courier)
{
    struct gh_news_desk *desk = &courier->desk;
    int64_t least = INT64_MAX;

    for (size_t i = 0; i < desk->kept_count; i++) {
        int64_t ms = tick(courier, &desk->kept[i]);
        least = ms < least ? ms : least;
    }
    for (size_t i = desk->kept_count; i-- > 0;) {
        struct gh_kept *kept = &desk->kept[i];
        if (kept->state == GH_KEPT_DONE && kept->told && left_s(courier, kept) <= -SLACK_S)
            forget(courier, kept);
    }
    return least;
}

/* --- from the disk --- */

/* `ID.SUFFIX`, in the one spelling. */
static bool is_named(const char *name, const char *suffix, gh_id *id)
{
    const char *dot = strchr(name, '.');

    return dot && strcmp(dot + 1, suffix) == 0 &&
           gh_id_parse(name, (size_t)(dot - name), id) == GH_OK;
}

static void load_done(struct gh_courier *courier, const char *path, gh_id id)
{
    GH_CLEANUP_FREE uint8_t *text = NULL;
    size_t size;

    if (courier->desk.kept_count == GH_KEPT_MAX ||
        gh_file_read(path, MARK_MAX_BYTES, &text, &size, NULL) != GH_OK)
        return;
    /* One that cannot be read is kept for as long as one can be told again. */
    errno = 0;
    char *end;
    int64_t until_s = strtoll((const char *)text, &end, 10);
    if (errno != 0 || end == (const char *)text || *end != '\n' || until_s > INT64_MAX / 2 ||
        until_s < INT64_MIN / 2)
        until_s = now_s(courier) + SLACK_S;
    courier->desk.kept[courier->desk.kept_count++] = (struct gh_kept){
        .said = {.id = id, .until_s = until_s}, .state = GH_KEPT_DONE, .told = true};
}

/* What is not believed goes: by another list key, say, and the server gives it again. */
static void load_one(struct gh_courier *courier, const char *path, gh_id id)
{
    GH_CLEANUP_FREE uint8_t *bytes = NULL;
    struct gh_announcement said;
    size_t size;

    if (find(&courier->desk, id) ||
        gh_file_read(path, GH_ANNOUNCEMENT_SIGNED_BYTES, &bytes, &size, NULL) != GH_OK ||
        believe(courier, (struct gh_bytes){bytes, size}, &said, NULL) != GH_OK || said.id != id ||
        said.cancelled) {
        (void)unlink(path);
        return;
    }
    struct gh_kept *kept = new_place(courier);
    if (!kept)
        return;
    kept->said = said;
    kept->state = gh_kept_has_sound(courier, &said) ? GH_KEPT_READY : GH_KEPT_WANTED;
}

static bool is_sound_of_one(const struct gh_courier *courier, const char *name)
{
    const struct gh_news_desk *desk = &courier->desk;
    char sound[2 * GH_SHA256_BYTES + 8];

    for (size_t i = 0; i < desk->kept_count; i++) {
        const struct gh_kept *kept = &desk->kept[i];
        if (!is_alive(kept))
            continue;
        sound_name(&kept->said, kept->state == GH_KEPT_READY ? "wav" : "part", sound,
                   sizeof(sound));
        if (strcmp(sound, name) == 0)
            return true;
    }
    return false;
}

enum pass { PASS_DONE, PASS_SIGNED, PASS_REST, PASSES };

static void look_at_file(struct gh_courier *courier, enum pass pass, const char *name)
{
    char path[PATH_MAX];
    gh_id id;

    if (name[0] == '.' || gh_path_join(courier->desk.folder, name, path, sizeof(path)) != GH_OK)
        return;
    bool done = is_named(name, "done", &id), is_signed = !done && is_named(name, "cose", &id);
    if (pass == PASS_DONE && done)
        load_done(courier, path, id);
    else if (pass == PASS_SIGNED && is_signed)
        load_one(courier, path, id);
    else if (pass == PASS_REST && !(done || is_signed) && !is_sound_of_one(courier, name))
        (void)unlink(path);
}

void gh_kept_load(struct gh_courier *courier)
{
    courier->desk.kept_count = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        DIR *folder = opendir(courier->desk.folder);
        const struct dirent *entry;
        while (folder && (entry = readdir(folder)))
            look_at_file(courier, (enum pass)pass, entry->d_name);
        if (folder)
            closedir(folder);
    }
}
