/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gatehouse/log.h"

#define PAUSE_US 1000000

struct client {
    struct gh_control *control;
    int fd; /* -1: this place is free */
    sd_event_source *io, *timer;
    char line[GH_CONTROL_LINE_BYTES];
    size_t line_size;
    char *answer; /* NULL: the question is not whole yet */
    size_t answer_size, sent;
};

struct gh_control {
    sd_event *event;
    gh_control_answer_fn *answer;
    void *context;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int fd;
    bool bound;
    sd_event_source *listener;
    sd_event_source *pause; /* the listener's, after which it is tried again */
    struct client clients[GH_CONTROL_CLIENTS];
};

static void hang_up(struct client *client)
{
    client->io = sd_event_source_unref(client->io);
    client->timer = sd_event_source_unref(client->timer);
    if (client->fd >= 0)
        close(client->fd);
    free(client->answer);
    *client = (struct client){.control = client->control, .fd = -1};
}

static int on_patience(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    hang_up(context);
    return 0;
}

/* --- one client --- */

static void send_some(struct client *client)
{
    ssize_t sent = send(client->fd, client->answer + client->sent,
                        client->answer_size - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent > 0)
        client->sent += (size_t)sent;
    if (sent < 0 || client->sent == client->answer_size)
        hang_up(client);
}

static bool is_question(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (line[i] < 0x20 || line[i] > 0x7e)
            return false;
    return true;
}

/* size: of the line, without its end. */
static void answer_line(struct client *client, size_t size)
{
    struct gh_control *control = client->control;

    client->answer = malloc(GH_CONTROL_ANSWER_BYTES);
    if (!client->answer || !is_question(client->line, size)) {
        hang_up(client);
        return;
    }
    struct gh_writer writer = gh_writer_over(client->answer, GH_CONTROL_ANSWER_BYTES);
    control->answer(control->context, client->line, &writer);
    client->answer_size = writer.size;
    if (client->answer_size == 0) {
        hang_up(client);
        return;
    }
    sd_event_source_set_io_events(client->io, EPOLLOUT);
    send_some(client);
}

static void read_some(struct client *client)
{
    ssize_t got = recv(client->fd, client->line + client->line_size,
                       sizeof(client->line) - client->line_size, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) { /* went away in the middle of a line */
        hang_up(client);
        return;
    }
    client->line_size += (size_t)got;
    char *end = memchr(client->line, '\n', client->line_size);
    if (end) {
        *end = '\0';
        answer_line(client, (size_t)(end - client->line));
    } else if (client->line_size == sizeof(client->line)) {
        hang_up(client);
    }
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    struct client *client = context;

    (void)source;
    (void)fd;
    if (client->answer)
        send_some(client);
    else if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_some(client);
    return 0;
}

/* --- coming in --- */

static struct client *free_place(struct gh_control *control)
{
    for (size_t i = 0; i < GH_CONTROL_CLIENTS; i++)
        if (control->clients[i].fd < 0)
            return &control->clients[i];
    return NULL;
}

static int on_pause(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    return sd_event_source_set_enabled(((struct gh_control *)context)->listener, SD_EVENT_ON);
}

/* Whoever knocks while there is no descriptor left stays at the door, and would be told of for
 * ever.
 */
static void pause_listener(struct gh_control *control)
{
    gh_log(GH_LOG_WARNING, "control", "nobody is let in: %s", strerror(errno));
    (void)sd_event_source_set_enabled(control->listener, SD_EVENT_OFF);
    (void)sd_event_source_set_time_relative(control->pause, PAUSE_US);
    (void)sd_event_source_set_enabled(control->pause, SD_EVENT_ONESHOT);
}

static int on_listener(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    struct gh_control *control = context;

    (void)source;
    (void)revents;
    int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            pause_listener(control);
        return 0;
    }
    struct client *client = free_place(control);
    if (!client) {
        close(accepted);
        return 0;
    }
    client->fd = accepted;
    int r = sd_event_add_io(control->event, &client->io, accepted, EPOLLIN, on_client, client);
    if (r >= 0)
        r = sd_event_add_time_relative(control->event, &client->timer, CLOCK_MONOTONIC,
                                       GH_CONTROL_PATIENCE_S * UINT64_C(1000000), 0, on_patience,
                                       client);
    if (r < 0)
        hang_up(client);
    return 0;
}

/* --- start and end --- */

/* What an earlier process left behind; nothing else is ever removed. */
static enum gh_status make_room(const char *path, struct gh_error *err)
{
    struct stat there;

    if (lstat(path, &there) != 0)
        return GH_OK;
    if (!S_ISSOCK(there.st_mode))
        return gh_fail(err, GH_ERR_EXISTS, "control: %s is there, and no socket", path);
    if (unlink(path) != 0)
        return gh_fail(err, gh_status_from_errno(errno), "control: %s: %s", path, strerror(errno));
    return GH_OK;
}

static enum gh_status listen_at(struct gh_control *control, struct gh_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, control->path, sizeof(address.sun_path));
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (control->fd >= 0)
        control->bound = bind(control->fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (control->bound && chmod(control->path, 0660) == 0 &&
        listen(control->fd, GH_CONTROL_CLIENTS) == 0)
        return GH_OK;
    return gh_fail(err, gh_status_from_errno(errno), "control: cannot listen at %s: %s",
                   control->path, strerror(errno));
}

static int add_sources(struct gh_control *control)
{
    int r = sd_event_add_io(control->event, &control->listener, control->fd, EPOLLIN, on_listener,
                            control);

    if (r >= 0)
        r = sd_event_add_time_relative(control->event, &control->pause, CLOCK_MONOTONIC, PAUSE_US,
                                       0, on_pause, control);
    return r >= 0 ? sd_event_source_set_enabled(control->pause, SD_EVENT_OFF) : r;
}

enum gh_status gh_control_new(sd_event *event, const char *path, gh_control_answer_fn *answer,
                              void *context, struct gh_control **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_control *control = calloc(1, sizeof(*control));
    if (!control)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the control socket");
    control->event = event;
    control->answer = answer;
    control->context = context;
    control->fd = -1;
    for (size_t i = 0; i < GH_CONTROL_CLIENTS; i++)
        control->clients[i] = (struct client){.control = control, .fd = -1};
    enum gh_status status = GH_OK;
    if (strlen(path) >= sizeof(control->path))
        status = gh_fail(err, GH_ERR_TOOBIG, "control: the socket's path is too long");
    if (status == GH_OK)
        status = make_room(path, err);
    if (status == GH_OK) {
        snprintf(control->path, sizeof(control->path), "%s", path);
        status = listen_at(control, err);
    }
    if (status == GH_OK && add_sources(control) < 0)
        status = gh_fail(err, GH_ERR_IO, "control: the event loop does not take the socket");
    if (status != GH_OK) {
        gh_control_free(control);
        return status;
    }
    *out = control;
    return GH_OK;
}

void gh_control_free(struct gh_control *control)
{
    if (!control)
        return;
    for (size_t i = 0; i < GH_CONTROL_CLIENTS; i++)
        hang_up(&control->clients[i]);
    sd_event_source_unref(control->listener);
    sd_event_source_unref(control->pause);
    if (control->fd >= 0)
        close(control->fd);
    if (control->bound)
        (void)unlink(control->path);
    free(control);
}
