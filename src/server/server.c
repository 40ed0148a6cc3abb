/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "gatehouse/file.h"
#include "gatehouse/http.h"
#include "gatehouse/log.h"
#include "server/db_list.h"
#include "server/http.h"
#include "server/listener.h"
#include "server/news.h"
#include "server/password.h"
#include "server/polls.h"
#include "server/records.h"
#include "server/trusted.h"
#include "server/upstream.h"

#define MODULE "server"
#define ROSTER_EVERY_US UINT64_C(60000000)

/* --- opening --- */

static enum gh_status path_in_state(const struct gh_server *server, const char *name,
                                    char out[PATH_MAX], struct gh_error *err)
{
    enum gh_status status = gh_path_join(server->settings.state_dir, name, out, PATH_MAX);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "the path of %s is too long", name);
}

static enum gh_status lock_state(struct gh_server *server, struct gh_error *err)
{
    char path[PATH_MAX];
    enum gh_status status = gh_dir_make(server->settings.state_dir, 0700, err);
    if (status == GH_OK)
        status = path_in_state(server, "lock", path, err);
    if (status != GH_OK)
        return status;
    server->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (server->lock < 0)
        return gh_fail(err, gh_status_from_errno(errno), "%.150s: %s", path, strerror(errno));
    if (flock(server->lock, LOCK_EX | LOCK_NB) != 0)
        return gh_fail(err, GH_ERR_BUSY, "another gatehouse-server uses %.150s",
                       server->settings.state_dir);
    return GH_OK;
}

/* The password first, then the user: a crash between leaves no user, and both are made again. */
static enum gh_status make_admin(struct gh_server *server, struct gh_error *err)
{
    char password[GH_ONE_TIME_PASSWORD_BYTES], line[GH_ONE_TIME_PASSWORD_BYTES + 1];
    struct gh_db_user admin = {.name = "admin", .role = GH_ROLE_ADMIN, .one_time = true};
    gh_password_one_time(password);
    int size = snprintf(line, sizeof(line), "%s\n", password);
    enum gh_status status = gh_password_hash(password, admin.password);
    if (status == GH_OK)
        status = gh_file_replace(server->password_path, 0600, line, (size_t)size, err);
    if (status == GH_OK)
        status = gh_db_user_add(server->db, &admin);
    gh_wipe(password, sizeof(password));
    gh_wipe(line, sizeof(line));
    if (status != GH_OK)
        return gh_fail(err, status, "the user admin cannot be made: %s", gh_status_text(status));
    gh_log(GH_LOG_NOTICE, MODULE, "made the user admin; its one-time password is in %s",
           server->password_path);
    return GH_OK;
}

static enum gh_status open_state(struct gh_server *server, struct gh_error *err)
{
    char path[PATH_MAX];
    uint64_t users = 0;
    enum gh_status status = path_in_state(server, "admin-password", server->password_path, err);
    if (status == GH_OK)
        status = path_in_state(server, "gatehouse.db", path, err);
    if (status == GH_OK)
        status = gh_db_open(path, &server->db, err);
    if (status == GH_OK)
        status = gh_db_user_count(server->db, &users);
    if (status == GH_OK)
        status = path_in_state(server, "keys", path, err);
    if (status == GH_OK)
        status =
            gh_server_keys_open(path, server->settings.issuer, server->db,
                                gh_clock_wall_s(server->clock), users == 0, &server->keys, err);
    if (status == GH_OK && users == 0)
        status = make_admin(server, err);
    if (status == GH_OK)
        status = gh_server_renew_trust(server);
    if (status == GH_OK)
        status = path_in_state(server, "lists", path, err);
    if (status == GH_OK)
        status = gh_publisher_new(path, server->db, &server->keys, server->settings.area,
                                  server->clock, &server->publisher, err);
    if (status == GH_OK)
        status = gh_publisher_set_policy(server->publisher, &server->settings.policy);
    if (status == GH_OK)
        status = gh_roster_new(server->db, &server->roster);
    if (status == GH_OK)
        status = gh_news_new(server, &server->news, err);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "state_dir: %s", gh_status_text(status));
}

static enum gh_status load_pin(struct gh_server *server, struct gh_error *err)
{
    if (!gh_server_settings_tls(&server->settings))
        return GH_OK;
    enum gh_status status =
        gh_certificate_spki_sha256(server->settings.tls_certificate, server->pin, err);
    server->has_pin = status == GH_OK;
    return status;
}

static enum gh_status open_listener(struct gh_server *server, struct gh_error *err)
{
    struct gh_listen_address address;
    const struct gh_server_settings *settings = &server->settings;
    enum gh_status status = gh_listen_parse(settings->listen, &address, err);
    if (status == GH_OK)
        status = gh_listen_open(&address, &server->listener, err);
    if (status == GH_OK && settings->public_url[0] != '\0')
        snprintf(server->public_url, sizeof(server->public_url), "%s", settings->public_url);
    else if (status == GH_OK)
        status = gh_listen_url(&address, gh_server_settings_tls(settings), server->public_url,
                               sizeof(server->public_url));
    if (status == GH_OK)
        status = gh_server_code_host(server->public_url, server->code_host,
                                     sizeof(server->code_host), err);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "[server] listen cannot be used");
}

static enum gh_status open_all(struct gh_server *server, struct gh_error *err)
{
    if (gh_password_init() != GH_OK)
        return gh_fail(err, GH_ERR_IO, "libsodium does not start");
    enum gh_status status = gh_http_global_init();
    if (status == GH_OK)
        status = gh_throttle_new(&server->throttle);
    if (status == GH_OK)
        status = load_pin(server, err);
    if (status == GH_OK)
        status = lock_state(server, err);
    if (status == GH_OK)
        status = open_state(server, err);
    if (status == GH_OK)
        status = open_listener(server, err);
    return status;
}

enum gh_status gh_server_new(const struct gh_server_settings *settings,
                             const struct gh_clock *clock, struct gh_server **out,
                             struct gh_error *err)
{
    *out = NULL;
    struct gh_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the server");
    server->settings = *settings;
    server->clock = clock;
    server->lock = server->listener = -1;
    enum gh_status status = open_all(server, err);
    if (status != GH_OK) {
        gh_server_free(server);
        return gh_fail(err, status, "%s", gh_status_text(status));
    }
    *out = server;
    return GH_OK;
}

void gh_server_free(struct gh_server *server)
{
    if (server == NULL)
        return;
    gh_http_server_stop(server->http);
    sd_event_unref(server->event);
    gh_news_free(server->news);
    gh_publisher_free(server->publisher);
    gh_roster_free(server->roster);
    gh_trust_unref(server->trust);
    gh_server_keys_close(&server->keys);
    gh_db_close(server->db);
    gh_throttle_free(server->throttle);
    gh_cleanup_fd(&server->listener);
    gh_cleanup_fd(&server->lock);
    free(server);
}

/* --- running --- */

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    struct gh_server *server = context;
    (void)source, (void)info;
    gh_log(GH_LOG_NOTICE, MODULE, "stopping");
    return sd_event_exit(server->event, 0);
}

/* The TLS files may be new ones under the same names. The daemon is made anew on the same listening
 * socket; connections that are open break off, and come again. */
static void reload_tls(struct gh_server *server)
{
    struct gh_error err = {0};
    struct gh_http_server *http = NULL;
    uint8_t before[GH_SHA256_BYTES];
    if (!gh_server_settings_tls(&server->settings) || gh_http_server_tls_is_current(server->http))
        return;
    memcpy(before, server->pin, sizeof(before));
    enum gh_status status =
        gh_certificate_check(server->settings.tls_certificate, server->settings.tls_key, &err);
    if (status == GH_OK) {
        gh_http_server_stop(server->http);
        server->http = NULL;
        status = gh_http_server_start(server, &http, &err);
        server->http = http;
        if (status != GH_OK)
            (void)sd_event_exit(server->event, 1);
    }
    if (status == GH_OK)
        status = load_pin(server, &err);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, MODULE, "TLS: %s", err.text);
    else if (memcmp(before, server->pin, sizeof(before)) != 0)
        gh_log(GH_LOG_WARNING, MODULE,
               "the TLS key is another one: gates that pinned the old one cannot connect");
}

static int on_upstream(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source, (void)fd, (void)events;
    gh_upstream_deliver(context);
    return 0;
}

static void drop_upstream(struct gh_server *server)
{
    server->upstream_ready = sd_event_source_disable_unref(server->upstream_ready);
    gh_upstream_free(server->upstream);
    server->upstream = NULL;
}

/* Nothing has changed unless all of it could be. */
static enum gh_status change_upstream(struct gh_server *server,
                                      const struct gh_server_settings *settings,
                                      struct gh_error *err)
{
    struct gh_upstream *fresh = NULL;
    sd_event_source *ready = NULL;
    if (gh_server_settings_upstream(settings)) {
        enum gh_status status =
            gh_upstream_new(&settings->upstream, settings->policy.upstream.deadline_ms,
                            server->keys.holder_secret, server->clock, &fresh, err);
        if (status != GH_OK)
            return status;
        if (sd_event_add_io(server->event, &ready, gh_upstream_fd(fresh), EPOLLIN, on_upstream,
                            fresh) < 0) {
            gh_upstream_free(fresh);
            return gh_fail(err, GH_ERR_NOMEM, "the event loop takes nothing more");
        }
    }
    drop_upstream(server);
    server->upstream = fresh;
    server->upstream_ready = ready;
    return GH_OK;
}

static void take_settings(struct gh_server *server, const struct gh_server_settings *fresh)
{
    server->settings.log_level = fresh->log_level;
    gh_log_set_level(fresh->log_level);
    server->settings.policy = fresh->policy;
    server->settings.upstream = fresh->upstream;
    server->settings.retention = fresh->retention;
    gh_news_take_policy(server->news);
    enum gh_status status = gh_publisher_set_policy(server->publisher, &fresh->policy);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, MODULE, "the policy cannot be written down: %s", gh_status_text(status));
    const struct gh_server_settings *now = &server->settings;
    if (strcmp(now->listen, fresh->listen) != 0 || strcmp(now->state_dir, fresh->state_dir) != 0 ||
        strcmp(now->public_url, fresh->public_url) != 0 || strcmp(now->area, fresh->area) != 0 ||
        strcmp(now->issuer, fresh->issuer) != 0 ||
        strcmp(now->tls_certificate, fresh->tls_certificate) != 0 ||
        strcmp(now->tls_key, fresh->tls_key) != 0)
        gh_log(GH_LOG_WARNING, MODULE,
               "log level, policy, upstream and retention are taken over; what else has "
               "changed needs a restart");
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    struct gh_server *server = context;
    struct gh_error err = {0};
    (void)source, (void)info;
    if (server->config_path == NULL)
        return 0;
    (void)sd_notify(0, "RELOADING=1");
    struct gh_server_settings *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL || gh_server_settings_load(server->config_path, fresh, &err) != GH_OK ||
        change_upstream(server, fresh, &err) != GH_OK)
        gh_log(GH_LOG_ERR, MODULE, "not reloaded: %s", err.text);
    else
        take_settings(server, fresh);
    free(fresh);
    reload_tls(server);
    (void)sd_notify(0, "READY=1");
    return 0;
}

/* --- the list --- */

/* At the end of a turn of the loop: several changes in one are one to the gates. */
static int on_turn_end(sd_event_source *source, void *context)
{
    struct gh_server *server = context;
    uint64_t generation = gh_db_generation(server->db);
    (void)source;
    if (server->polls != NULL && generation != server->woken_for) {
        server->woken_for = generation;
        gh_polls_wake(server->polls);
    }
    gh_news_look(server->news);
    return 0;
}

static int on_list_made(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct gh_server *server = context;
    (void)source, (void)fd, (void)events;
    gh_publisher_deliver(server->publisher);
    if (server->polls != NULL)
        gh_polls_wake(server->polls);
    return 0;
}

static void write_roster(struct gh_server *server)
{
    if (gh_roster_write(server->roster, server->db) != GH_OK)
        gh_log(GH_LOG_WARNING, MODULE, "when gates were seen last cannot be written down");
}

static int on_roster_time(sd_event_source *source, uint64_t usec, void *context)
{
    (void)usec;
    write_roster(context);
    (void)sd_event_source_set_time_relative(source, ROSTER_EVERY_US);
    return 0;
}

/* So many that the others still get through. */
static size_t polls_at_most(const struct gh_server *server)
{
    size_t connections = gh_http_server_connections(server->http);
    size_t others = connections / 16 > 64 ? connections / 16 : 64;
    return connections > 2 * others ? connections - others : connections / 2;
}

static enum gh_status start_list(struct gh_server *server, struct gh_error *err)
{
    sd_event_source *timer = NULL;
    server->woken_for = gh_db_generation(server->db);
    if (sd_event_add_post(server->event, NULL, on_turn_end, server) < 0 ||
        sd_event_add_io(server->event, NULL, gh_publisher_fd(server->publisher), EPOLLIN,
                        on_list_made, server) < 0 ||
        sd_event_add_time_relative(server->event, &timer, CLOCK_MONOTONIC, ROSTER_EVERY_US, 0,
                                   on_roster_time, server) < 0 ||
        sd_event_source_set_enabled(timer, SD_EVENT_ON) < 0 ||
        sd_event_source_set_floating(timer, 1) < 0)
        return gh_fail(err, GH_ERR_NOMEM, "the event loop takes nothing more");
    sd_event_source_unref(timer);
    enum gh_status status = gh_polls_new(server, polls_at_most(server), &server->polls);
    if (status == GH_OK)
        status = gh_news_start(server->news, err);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "no memory for those who wait");
}

static void stop_list(struct gh_server *server)
{
    gh_news_stop(server->news);
    gh_polls_free(server->polls);
    server->polls = NULL;
    write_roster(server);
}

static enum gh_status prepare_loop(struct gh_server *server, struct gh_error *err)
{
    int result = sd_event_new(&server->event);
    if (result >= 0)
        result = sd_event_add_signal(server->event, NULL, SIGTERM, on_terminate, server);
    if (result >= 0)
        result = sd_event_add_signal(server->event, NULL, SIGINT, on_terminate, server);
    if (result >= 0)
        result = sd_event_add_signal(server->event, NULL, SIGHUP, on_reload, server);
    if (result >= 0)
        result = sd_event_set_watchdog(server->event, 1);
    return result >= 0 ? GH_OK
                       : gh_fail(err, gh_status_from_errno(-result), "the event loop: %s",
                                 strerror(-result));
}

static enum gh_status announce(struct gh_server *server, struct gh_error *err)
{
    char line[GH_URL_BYTES + 1];
    if (server->settings.url_file[0] != '\0') {
        int size = snprintf(line, sizeof(line), "%s\n", server->public_url);
        enum gh_status status =
            gh_file_replace(server->settings.url_file, 0644, line, (size_t)size, err);
        if (status != GH_OK)
            return status;
    }
    gh_log(GH_LOG_NOTICE, MODULE, "gatehouse-server %s answers on %s", GH_VERSION,
           server->public_url);
    (void)sd_notify(0, "READY=1");
    return GH_OK;
}

enum gh_status gh_server_run(struct gh_server *server, struct gh_error *err)
{
    enum gh_status status = prepare_loop(server, err);
    if (status == GH_OK)
        status = change_upstream(server, &server->settings, err);
    if (status == GH_OK)
        status = gh_records_start(server, &server->records, err);
    if (status == GH_OK)
        status = gh_http_server_start(server, &server->http, err);
    if (status == GH_OK)
        status = start_list(server, err);
    if (status == GH_OK)
        status = announce(server, err);
    if (status == GH_OK) {
        int result = sd_event_loop(server->event);
        if (result != 0)
            status = gh_fail(err, GH_ERR_IO, "the event loop ended: %s",
                             result < 0 ? strerror(-result) : "a reload failed");
    }
    (void)sd_notify(0, "STOPPING=1");
    gh_http_server_stop(server->http);
    server->http = NULL;
    stop_list(server);
    gh_records_stop(server->records);
    server->records = NULL;
    drop_upstream(server);
    server->event = sd_event_unref(server->event);
    return status;
}
