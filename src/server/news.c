/* SPDX-License-Identifier: Apache-2.0 */
#include "server/news.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "server/db_news.h"
#include "server/list_folder.h"
#include "server/polls.h"
#include "server/publish.h"
#include "server/server.h"

#define MODULE "news"
#define SHOW_EVERY_NS (GH_NS_PER_S / 2)
#define SHOW_EACH_NS (GH_NS_PER_MS / 10) /* and so much more for each gate that waits */
#define TIDY_EVERY_US UINT64_C(60000000)
/* Gates' clocks may be behind by this. */
#define EARLIER_S 300
#define NAME_BYTES ((size_t)2 * GH_SHA256_BYTES + 1)

struct gh_news {
    struct gh_server *server;
    char folder[PATH_MAX];
    struct gh_db_news shown;
    uint64_t first;   /* the number at the start: all before were given by a server before this */
    int64_t shown_ns; /* when movements were shown last */
    bool to_one;      /* an announcement to one gate was made, and is not shown yet */
    sd_event_source *timer, *tidy;
    bool armed;
};

/* --- showing --- */

static uint64_t of_most(const struct gh_db_news *news)
{
    return news->moved > news->common ? news->moved : news->common;
}

uint64_t gh_news_number(const struct gh_news *news, const struct gh_roster_gate *gate)
{
    uint64_t number = gh_db_news_number(&news->shown, gate->id);
    return gate->news > number ? gate->news : number;
}

uint64_t gh_news_through(const struct gh_news *news, const struct gh_roster_gate *gate)
{
    uint64_t number = of_most(&news->shown);
    return gate->news > number ? gate->news : number;
}

uint64_t gh_news_after(const struct gh_news *news, const struct gh_roster_gate *gate,
                       uint64_t asked)
{
    return asked <= news->first || asked <= gate->news_asked ? asked : 0;
}

static void show(struct gh_news *news, const struct gh_db_news *now, int64_t now_ns)
{
    if (now->moved != news->shown.moved)
        news->shown_ns = now_ns;
    news->shown = *now;
    news->to_one = false;
    gh_publisher_set_news(news->server->publisher, of_most(now));
    if (news->server->polls != NULL)
        gh_polls_wake(news->server->polls);
}

void gh_news_look(struct gh_news *news)
{
    const struct gh_server *server = news->server;
    const struct gh_db_news now = gh_db_news_now(server->db);
    bool announced = now.common != news->shown.common || news->to_one;
    if (!announced && now.moved == news->shown.moved)
        return;
    size_t waiting = server->polls != NULL ? gh_polls_open(server->polls) : 0;
    int64_t now_ns = gh_clock_monotonic_ns(server->clock);
    int64_t due_ns = news->shown_ns + SHOW_EVERY_NS + (int64_t)waiting * SHOW_EACH_NS;
    if (announced || news->shown_ns == 0 || now_ns >= due_ns) {
        show(news, &now, now_ns);
    } else if (news->timer != NULL && !news->armed) {
        news->armed = true;
        (void)sd_event_source_set_time_relative(news->timer,
                                                (uint64_t)(due_ns - now_ns) / 1000 + 1);
        (void)sd_event_source_set_enabled(news->timer, SD_EVENT_ONESHOT);
    }
}

/* The turn of the loop that it makes ends with a look. */
static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source, (void)usec;
    ((struct gh_news *)context)->armed = false;
    return 0;
}

void gh_news_take_policy(struct gh_news *news)
{
    const struct gh_passback_policy *passback = &news->server->settings.policy.passback;
    gh_db_movements_keep(news->server->db,
                         passback->rule == GH_PASSBACK_OFF ? 0 : passback->forgive_s);
}

/* --- signing --- */

static enum gh_status sign(const struct gh_news *news, const struct gh_announcement *announcement,
                           struct gh_writer *writer)
{
    return gh_announcement_write(news->server->keys.list, news->server->settings.area, announcement,
                                 writer);
}

struct living {
    struct gh_announcement said[2 * GH_ANNOUNCEMENTS_MAX];
    size_t count;
    bool more;
};

static bool collect(void *context, const struct gh_db_announcement *announcement)
{
    struct living *living = context;
    living->more = living->count == GH_ARRAY_SIZE(living->said);
    if (!living->more)
        living->said[living->count++] = announcement->said;
    return !living->more;
}

/* Those that have not expired, the newest first; of very many that were cancelled, not all. */
static enum gh_status read_living(const struct gh_news *news, gh_id id, struct living *out)
{
    memset(out, 0, sizeof(*out));
    return gh_db_announcements_read(news->server->db, id, gh_clock_wall_s(news->server->clock),
                                    collect, out);
}

void gh_news_sign_again(struct gh_news *news)
{
    struct living living;
    uint64_t number;
    enum gh_status status = read_living(news, 0, &living);
    for (size_t i = 0; status == GH_OK && i < living.count; i++) {
        uint8_t bytes[GH_ANNOUNCEMENT_SIGNED_BYTES];
        struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
        status = sign(news, &living.said[i], &writer);
        if (status == GH_OK)
            status = gh_db_announcement_sign(news->server->db, living.said[i].id,
                                             (struct gh_bytes){bytes, writer.size}, false, &number);
    }
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, MODULE, "announcements that gates have not got yet cannot be signed: %s",
               gh_status_text(status));
}

/* --- announcing --- */

static enum gh_status path_of(const struct gh_news *news, const uint8_t sha256[GH_SHA256_BYTES],
                              char out[PATH_MAX])
{
    char name[NAME_BYTES];
    gh_hex_encode(sha256, GH_SHA256_BYTES, name);
    return gh_path_join(news->folder, name, out, PATH_MAX);
}

static void tidy(struct gh_news *news);

/* The sound first: whoever hears of it can fetch it. */
static enum gh_status publish(struct gh_news *news, const struct gh_news_announcement *wanted,
                              const struct gh_db_announcement *announcement, uint64_t *number)
{
    struct gh_db_announcement made = *announcement;
    char path[PATH_MAX];
    struct gh_error err = {0};
    uint8_t bytes[GH_ANNOUNCEMENT_SIGNED_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    enum gh_status status = sign(news, &made.said, &writer);
    made.signature = (struct gh_bytes){bytes, writer.size};
    if (status == GH_OK)
        status = path_of(news, made.said.sha256, path);
    if (status == GH_OK)
        status = gh_file_replace(path, 0600, wanted->sound.data, wanted->sound.size, &err);
    if (err.status != GH_OK)
        gh_log(GH_LOG_ERR, MODULE, "a sound cannot be kept: %s", err.text);
    return status == GH_OK ? gh_db_announcement_add(news->server->db, &made, number) : status;
}

enum gh_status gh_news_announce(struct gh_news *news, const struct gh_news_announcement *wanted,
                                gh_id *id)
{
    uint64_t number = 0;
    int64_t now = gh_clock_wall_s(news->server->clock);
    struct gh_db_announcement made = {
        .said = {.id = gh_random_id(),
                 .gate = wanted->gate != NULL ? wanted->gate->id : 0,
                 .bytes = wanted->sound.size,
                 .from_s = now - EARLIER_S,
                 .until_s = now + wanted->expires_s,
                 .repeat = wanted->repeat},
        .sent_at = now,
        .ms = gh_wav_ms(&wanted->wav),
        .text = wanted->text,
    };
    gh_sha256(wanted->sound, made.said.sha256);
    *id = made.said.id;
    enum gh_status status = publish(news, wanted, &made, &number);
    if (status != GH_OK) {
        tidy(news);
        return status;
    }
    if (wanted->gate != NULL) {
        wanted->gate->news = number;
        news->to_one = true;
    }
    return GH_OK;
}

static enum gh_status cancel(struct gh_news *news, struct gh_announcement *said)
{
    uint64_t number;
    uint8_t bytes[GH_ANNOUNCEMENT_SIGNED_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    said->cancelled = true;
    enum gh_status status = sign(news, said, &writer);
    if (status == GH_OK)
        status = gh_db_announcement_sign(news->server->db, said->id,
                                         (struct gh_bytes){bytes, writer.size}, true, &number);
    struct gh_roster_gate *gate = gh_roster_find(news->server->roster, said->gate);
    if (status == GH_OK && said->gate != 0 && gate != NULL) {
        gate->news = number;
        news->to_one = true;
    }
    return status;
}

static bool is_there(void *context, const struct gh_db_announcement *announcement)
{
    (void)announcement;
    *(bool *)context = true;
    return true;
}

enum gh_status gh_news_cancel(struct gh_news *news, gh_id id)
{
    struct living living;
    bool known = false;
    enum gh_status status = read_living(news, id, &living);
    if (status == GH_OK && living.count == 0) {
        status = gh_db_announcements_read(news->server->db, id, INT64_MIN, is_there, &known);
        return status == GH_OK && !known ? GH_ERR_NOTFOUND : status;
    }
    if (status == GH_OK && !living.said[0].cancelled)
        status = cancel(news, &living.said[0]);
    if (status == GH_OK)
        tidy(news);
    return status;
}

/* --- sounds --- */

enum gh_status gh_news_open_sound(const struct gh_news *news, const char *name, int *fd,
                                  uint64_t *size)
{
    return gh_list_folder_open(news->folder, name, fd, size);
}

static bool is_wanted(const struct living *living, const char *file)
{
    char name[NAME_BYTES];
    for (size_t i = 0; i < living->count; i++) {
        gh_hex_encode(living->said[i].sha256, GH_SHA256_BYTES, name);
        if (!living->said[i].cancelled && strcmp(name, file) == 0)
            return true;
    }
    return false;
}

/* Sounds that nobody may play any more, and what a cut has left behind. */
static void tidy(struct gh_news *news)
{
    struct living living;
    const struct dirent *entry;
    if (read_living(news, 0, &living) != GH_OK || living.more)
        return;
    DIR *folder = opendir(news->folder);
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.' && !is_wanted(&living, entry->d_name))
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
}

static int on_tidy(sd_event_source *source, uint64_t usec, void *context)
{
    (void)usec;
    tidy(context);
    (void)sd_event_source_set_time_relative(source, TIDY_EVERY_US);
    return 0;
}

/* --- life --- */

enum gh_status gh_news_new(struct gh_server *server, struct gh_news **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_news *news = calloc(1, sizeof(*news));
    if (news == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for news");
    news->server = server;
    enum gh_status status =
        gh_path_join(server->settings.state_dir, "announcements", news->folder, PATH_MAX);
    if (status == GH_OK)
        status = gh_dir_make(news->folder, 0700, err);
    if (status != GH_OK) {
        gh_news_free(news);
        return gh_fail(err, status, "the folder for announcements cannot be used");
    }
    gh_news_take_policy(news);
    gh_news_sign_again(news); /* the list key may have changed right before the end */
    tidy(news);
    const struct gh_db_news now = gh_db_news_now(server->db);
    show(news, &now, 0);
    news->first = of_most(&now);
    *out = news;
    return GH_OK;
}

void gh_news_free(struct gh_news *news)
{
    if (news == NULL)
        return;
    gh_news_stop(news);
    free(news);
}

enum gh_status gh_news_start(struct gh_news *news, struct gh_error *err)
{
    sd_event *event = news->server->event;
    if (sd_event_add_time(event, &news->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, news) < 0 ||
        sd_event_source_set_enabled(news->timer, SD_EVENT_OFF) < 0 ||
        sd_event_add_time_relative(event, &news->tidy, CLOCK_MONOTONIC, TIDY_EVERY_US, 0, on_tidy,
                                   news) < 0 ||
        sd_event_source_set_enabled(news->tidy, SD_EVENT_ON) < 0)
        return gh_fail(err, GH_ERR_NOMEM, "the event loop takes nothing more");
    return GH_OK;
}

void gh_news_stop(struct gh_news *news)
{
    news->timer = sd_event_source_disable_unref(news->timer);
    news->tidy = sd_event_source_disable_unref(news->tidy);
    news->armed = false;
}
