/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "server/deadline.h"
#include "server/request_take.h"
#include "server/tls_files.h"

#define MODULE "http"
#define CONNECTIONS_MAX 20000
#define CONNECTION_BYTES 8192 /* for a request's head and the pieces of its body */
#define QUIET_S 15            /* a connection on which nothing moves for so long is closed */
#define HEADERS_S 30          /* for a request's head to arrive, whole, however it trickles */
#define ANSWER_S 900          /* for an answer to leave, likewise */
#define FOR_EVER_S (INT64_MAX / GH_NS_PER_S / 4)
#define SWEEP_S 2
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

#if MHD_VERSION >= 0x00097701
#define STRICT MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define STRICT MHD_OPTION_STRICT_FOR_CLIENT
#endif

struct gh_http_server {
    struct gh_server *server;
    struct MHD_Daemon *daemon;
    sd_event_source *ready, *again, *timer, *sweeper;
    struct gh_tls_files tls; /* none without TLS */
    struct gh_deadline ring;
    unsigned connections;       /* at most */
    struct gh_request *waiting; /* for their answers */
    bool resumed;               /* one of them, since the library ran: it has more to do at once */
    int watch;                  /* epoll: those who wait, and may go away */
    sd_event_source *gone;
    uint64_t answered[GH_HTTP_STATUSES];
};

uint64_t gh_http_server_answered(const struct gh_http_server *http, unsigned status)
{
    return status < GH_HTTP_STATUSES ? http->answered[status] : 0;
}

unsigned gh_http_server_connections(const struct gh_http_server *http)
{
    return http->connections;
}

/* --- deadlines --- */

static int64_t in_seconds(const struct gh_http_server *http, int64_t seconds)
{
    return gh_clock_monotonic_ns(http->server->clock) + seconds * GH_NS_PER_S;
}

static void set_deadline(struct gh_http_server *http, struct MHD_Connection *connection,
                         int64_t seconds)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info != NULL && info->socket_context != NULL)
        ((struct gh_deadline *)info->socket_context)->at_ns = in_seconds(http, seconds);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct gh_http_server *http = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info != NULL)
            *socket_context =
                gh_deadline_add(&http->ring, info->connect_fd, in_seconds(http, HEADERS_S));
    } else {
        gh_deadline_remove(*socket_context);
        *socket_context = NULL;
    }
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *context)
{
    struct gh_http_server *http = context;
    unsigned over = gh_deadlines_sweep(&http->ring, gh_clock_monotonic_ns(http->server->clock));
    if (over > 0)
        gh_log(GH_LOG_INFO, MODULE, "closed %u connections that took too long", over);
    (void)sd_event_source_set_time(source, usec + SWEEP_S * UINT64_C(1000000));
    return 0;
}

/* --- answers that come later --- */

static int socket_of(const struct gh_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info != NULL ? info->connect_fd : -1;
}

void gh_request_wait(struct gh_request *request, void (*gone)(void *waits_for), void *waits_for)
{
    struct gh_http_server *http = request->server->http;
    struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = request};
    request->waiting = true;
    request->gone = gone;
    request->waits_for = waits_for;
    request->before_waiting = NULL;
    request->after_waiting = http->waiting;
    if (http->waiting != NULL)
        http->waiting->before_waiting = request;
    http->waiting = request;
    set_deadline(http, request->connection, FOR_EVER_S); /* whoever lets it wait ends that */
    /* The library does not look at a connection that rests. */
    (void)epoll_ctl(http->watch, EPOLL_CTL_ADD, socket_of(request), &event);
    MHD_suspend_connection(request->connection);
}

static void wake_up(struct gh_http_server *http, struct gh_request *request)
{
    if (request->before_waiting != NULL)
        request->before_waiting->after_waiting = request->after_waiting;
    else
        http->waiting = request->after_waiting;
    if (request->after_waiting != NULL)
        request->after_waiting->before_waiting = request->before_waiting;
    request->waiting = false;
    (void)epoll_ctl(http->watch, EPOLL_CTL_DEL, socket_of(request), NULL);
    MHD_resume_connection(request->connection);
}

void gh_request_resume(struct gh_request *request)
{
    struct gh_http_server *http = request->server->http;
    request->gone = NULL;
    wake_up(http, request);
    http->resumed = true;
    (void)sd_event_source_set_enabled(http->again, SD_EVENT_ONESHOT);
}

/* The other side has closed its end. What it asked for is called off; the library notices when it
 * tries to answer. */
static int on_gone(sd_event_source *source, int fd, uint32_t ready, void *context)
{
    struct epoll_event events[64];
    (void)source, (void)ready, (void)context;
    int count = epoll_wait(fd, events, GH_ARRAY_SIZE(events), 0);
    for (int i = 0; i < count; i++) {
        struct gh_request *request = events[i].data.ptr;
        if (request->gone != NULL)
            request->gone(request->waits_for);
        gh_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable",
                        "the connection was closed while its answer was waited for");
        gh_request_resume(request);
    }
    return 0;
}

/* --- a request --- */

static enum MHD_Result send_answer(struct gh_http_server *http, struct gh_request *request)
{
    if (request->response == NULL)
        gh_answer_status(request, GH_ERR_UNSUPPORTED); /* a handler forgot: 500 */
    if (request->response == NULL)
        return MHD_NO;
    if (request->shared == NULL && !gh_response_headers(request->response))
        return MHD_NO;
    if (request->status < GH_HTTP_STATUSES)
        http->answered[request->status]++;
    gh_log(GH_LOG_DEBUG, MODULE, "%s %s: %u", request->route != NULL ? request->route->method : "?",
           request->route != NULL ? request->route->pattern : "?", request->status);
    set_deadline(http, request->connection, ANSWER_S);
    return MHD_queue_response(request->connection, request->status, request->response);
}

static enum MHD_Result begin(struct gh_http_server *http, struct MHD_Connection *mhd,
                             const char *url, const char *method, void **context)
{
    struct gh_request *request = gh_request_new(http->server, mhd, url);
    if (request == NULL)
        return MHD_NO;
    *context = request;
    gh_request_look(request, method);
    set_deadline(http, mhd,
                 request->route != NULL && request->route->time_s > HEADERS_S
                     ? request->route->time_s
                     : HEADERS_S);
    /* An answer that needs no body goes out at once if the client waits for it before it sends
     * one, or wants to send a very large one. Else the body is read first and thrown away: a
     * client that is still writing might never see the answer. */
    if (request->response != NULL &&
        (gh_request_header(request, MHD_HTTP_HEADER_EXPECT) != NULL ||
         request->declared >
             (uint64_t)GH_DRAIN_BYTES + (request->route != NULL ? request->route->body_bytes : 0)))
        return send_answer(http, request);
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **context)
{
    struct gh_http_server *http = cls;
    struct gh_request *request = *context;
    (void)version;
    if (request == NULL)
        return begin(http, mhd, url, method, context);
    if (*data_size > 0) {
        bool more = gh_request_take(request, data, *data_size);
        *data_size = 0;
        return more ? MHD_YES : MHD_NO;
    }
    if (request->response == NULL)
        request->route->handler(request);
    if (request->waiting)
        return MHD_YES;
    return send_answer(http, request);
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode how)
{
    (void)how;
    if (*context != NULL)
        gh_request_free(*context);
    *context = NULL;
    set_deadline(cls, mhd, HEADERS_S);
}

/* --- the loop --- */

/* The library has more to do at once (data that TLS has decrypted already, say), or at a time. */
static void arm(struct gh_http_server *http)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    uint64_t now;
    bool wanted = MHD_get_timeout(http->daemon, &ms) == MHD_YES || http->resumed;
    bool later = wanted && !http->resumed && ms > 0 &&
                 sd_event_now(http->server->event, CLOCK_MONOTONIC, &now) >= 0;
    if (later)
        (void)sd_event_source_set_time(http->timer, now + ms * 1000);
    (void)sd_event_source_set_enabled(http->timer, later ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
    (void)sd_event_source_set_enabled(http->again,
                                      wanted && !later ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int run(struct gh_http_server *http)
{
    http->resumed = false;
    if (MHD_run(http->daemon) != MHD_YES)
        gh_log(GH_LOG_ERR, MODULE, "the HTTP library failed");
    arm(http);
    return 0;
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source, (void)fd, (void)events;
    return run(context);
}

static int on_again(sd_event_source *source, void *context)
{
    (void)source;
    return run(context);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source, (void)usec;
    return run(context);
}

/* --- start and stop --- */

GH_PRINTF(2, 0) static void on_message(void *context, const char *format, va_list arguments)
{
    char text[256];
    (void)context;
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    gh_log(GH_LOG_DEBUG, MODULE, "%s", text);
}

static unsigned connection_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur > CONNECTIONS_MAX + 64)
        return CONNECTIONS_MAX;
    return limit.rlim_cur > 128 ? (unsigned)limit.rlim_cur - 64 : 64;
}

static enum gh_status load_tls(struct gh_http_server *http, struct gh_error *err)
{
    const struct gh_server_settings *settings = &http->server->settings;
    if (!gh_server_settings_tls(settings))
        return GH_OK;
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return gh_fail(err, GH_ERR_UNSUPPORTED, "this libmicrohttpd was built without TLS");
    return gh_tls_files_read(settings->tls_certificate, settings->tls_key, &http->tls, err);
}

bool gh_http_server_tls_is_current(const struct gh_http_server *http)
{
    const struct gh_server_settings *settings = &http->server->settings;
    return gh_tls_files_are(settings->tls_certificate, settings->tls_key, &http->tls);
}

static enum gh_status start_daemon(struct gh_http_server *http, struct gh_error *err)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (http->tls.key != NULL ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, http->tls.certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, http->tls.key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,
        MHD_OPTION_LISTEN_SOCKET, http->server->listener, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)QUIET_S, MHD_OPTION_CONNECTION_LIMIT, http->connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, STRICT, 1,
        MHD_OPTION_ARRAY, http->tls.key != NULL ? tls : plain, MHD_OPTION_END);
    return http->daemon != NULL ? GH_OK
                                : gh_fail(err, GH_ERR_IO,
                                          "the HTTP library does not start (is the certificate one "
                                          "that GnuTLS takes?)");
}

static enum gh_status join_loop(struct gh_http_server *http, struct gh_error *err)
{
    sd_event *event = http->server->event;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uint64_t now = 0;
    if (info == NULL || sd_event_now(event, CLOCK_MONOTONIC, &now) < 0 ||
        sd_event_add_io(event, &http->ready, info->epoll_fd, EPOLLIN, on_ready, http) < 0 ||
        sd_event_add_io(event, &http->gone, http->watch, EPOLLIN, on_gone, http) < 0 ||
        sd_event_add_defer(event, &http->again, on_again, http) < 0 ||
        sd_event_source_set_enabled(http->again, SD_EVENT_OFF) < 0 ||
        sd_event_add_time(event, &http->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, http) < 0 ||
        sd_event_source_set_enabled(http->timer, SD_EVENT_OFF) < 0 ||
        sd_event_add_time(event, &http->sweeper, CLOCK_MONOTONIC, now + SWEEP_S * UINT64_C(1000000),
                          0, on_sweep, http) < 0 ||
        sd_event_source_set_enabled(http->sweeper, SD_EVENT_ON) < 0)
        return gh_fail(err, GH_ERR_IO, "the event loop does not take the HTTP library");
    return GH_OK;
}

enum gh_status gh_http_server_start(struct gh_server *server, struct gh_http_server **out,
                                    struct gh_error *err)
{
    *out = NULL;
    struct gh_http_server *http = calloc(1, sizeof(*http));
    if (http == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for HTTP");
    http->server = server;
    http->connections = connection_limit();
    http->watch = epoll_create1(EPOLL_CLOEXEC);
    gh_deadlines_init(&http->ring);
    enum gh_status status =
        http->watch >= 0 ? load_tls(http, err)
                         : gh_fail(err, gh_status_from_errno(errno), "epoll: %s", strerror(errno));
    if (status == GH_OK)
        status = start_daemon(http, err);
    if (status == GH_OK)
        status = join_loop(http, err);
    if (status != GH_OK) {
        gh_http_server_stop(http);
        return status;
    }
    *out = http;
    return GH_OK;
}

void gh_http_server_stop(struct gh_http_server *http)
{
    if (http == NULL)
        return;
    sd_event_source_disable_unref(http->ready);
    sd_event_source_disable_unref(http->gone);
    sd_event_source_disable_unref(http->again);
    sd_event_source_disable_unref(http->timer);
    sd_event_source_disable_unref(http->sweeper);
    while (http->waiting != NULL) /* the library does not stop while a connection rests */
        wake_up(http, http->waiting);
    if (http->daemon != NULL) {
        (void)MHD_quiesce_daemon(http->daemon); /* gives the listening socket back */
        MHD_stop_daemon(http->daemon);
    }
    gh_cleanup_fd(&http->watch);
    gh_tls_files_free(&http->tls);
    free(http);
}
