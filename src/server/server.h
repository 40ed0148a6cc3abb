/* SPDX-License-Identifier: Apache-2.0 */
/* The server as a whole. One thread: everything happens in gh_server_run, but asking upstream
 * (upstream.h), what takes long about the list (list_worker.h), and entries (records.h). */
#ifndef GATEHOUSE_SRC_SERVER_SERVER_H
#define GATEHOUSE_SRC_SERVER_SERVER_H

#include "gatehouse/clock.h"
#include "server/db.h"
#include "server/keys.h"
#include "server/pace.h"
#include "server/publish.h"
#include "server/roster.h"
#include "server/settings.h"
#include "server/throttle.h"

struct gh_http_server;
struct gh_news;
struct gh_polls;
struct gh_records;
struct gh_upstream;
struct sd_event;
struct sd_event_source;

struct gh_server {
    struct gh_server_settings settings;
    const struct gh_clock *clock;
    const char *config_path; /* read again on SIGHUP; NULL: never */
    int lock;                /* holds state_dir against a second server */
    struct gh_db *db;
    struct gh_server_keys keys;
    struct gh_publisher *publisher;
    struct gh_roster *roster;
    struct gh_news *news;
    struct gh_throttle *throttle;
    struct gh_trust *trust; /* what codes are checked against (trusted.h) */
    char public_url[GH_URL_BYTES];
    char code_host[GH_URL_BYTES];
    char password_path[PATH_MAX]; /* admin-password */
    bool has_pin;
    uint8_t pin[GH_SHA256_BYTES];
    int listener;
    struct sd_event *event;
    struct gh_http_server *http;
    struct gh_polls *polls;
    uint64_t woken_for;           /* the generation of which the gates that wait know */
    struct gh_upstream *upstream; /* NULL: nobody is asked */
    struct sd_event_source *upstream_ready;
    int64_t older_at; /* when a gate was ahead of this database: the last alarm of it; 0: never */
    int64_t jumped_at_ns;       /* the last step that was taken then; likewise */
    struct gh_records *records; /* entries in, and their keeping; NULL unless it runs */
    struct gh_pace pace;        /* of the gates' questions */
    /* healthz: the last probe */
    int64_t probed_at_ns;
    enum gh_status probed;
};

/* Opens everything: keys, database, the listening socket (so that connections queue up from here).
 * clock outlives the server. GH_ERR_BUSY: another server uses state_dir, or the port. */
GH_MUST_CHECK enum gh_status gh_server_new(const struct gh_server_settings *settings,
                                           const struct gh_clock *clock, struct gh_server **out,
                                           struct gh_error *err);
void gh_server_free(struct gh_server *server); /* NULL is fine */

/* Answer until stopped: SIGTERM and SIGINT stop it, SIGHUP reloads config_path, and systemd is
 * told. The calling thread must have these three signals blocked. */
GH_MUST_CHECK enum gh_status gh_server_run(struct gh_server *server, struct gh_error *err);

#endif
