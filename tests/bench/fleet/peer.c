/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/fleet/fleet.h"
#include "gatehouse/clock.h"

#define EVENTS 512
#define LOOK_EVERY_NS (100 * GH_NS_PER_MS)
#define IN_BYTES 2048
#define IN_HEAD_MAX_BYTES 4096
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define OWN_ADDRESSES 200

/* --- connections --- */

static void watch(struct fleet_peer *peer, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (peer->watched == events)
        return;
    if (epoll_ctl(peer->loop->epoll, peer->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, peer->fd,
                  &event) != 0)
        fleet_fail("epoll_ctl: %s", strerror(errno));
    peer->watched = events;
}

static void disconnect(struct fleet_peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
    peer->watched = 0;
    peer->used = false;
}

static void end_with(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    peer->state = FLEET_IDLE;
    peer->due_ns = 0;
    peer->done(peer, outcome);
}

static void lost(struct fleet_peer *peer)
{
    disconnect(peer);
    end_with(peer, FLEET_LOST);
}

static void connect_to_server(struct fleet_peer *peer)
{
    const int on = 1;
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (peer->fd < 0)
        fleet_fail("socket: %s", strerror(errno));
    (void)setsockopt(peer->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    (void)setsockopt(peer->fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
    if (bind(peer->fd, (const struct sockaddr *)&peer->own, sizeof(peer->own)) != 0)
        fleet_fail("bind: %s", strerror(errno));
    peer->loop->connects++;
    peer->state = FLEET_CONNECTING;
    /* What goes wrong at once is said by the first event, like everything else. */
    if (connect(peer->fd, (const struct sockaddr *)&peer->server, sizeof(peer->server)) != 0 &&
        errno != EINPROGRESS)
        fleet_fail("connect: %s", strerror(errno));
    watch(peer, EPOLLOUT);
}

/* --- the request --- */

static void send_rest(struct fleet_peer *peer)
{
    size_t whole = peer->head_size + peer->body.size;
    while (peer->sent < whole) {
        struct iovec parts[2];
        int count = 0;
        size_t of_body = peer->sent > peer->head_size ? peer->sent - peer->head_size : 0;
        if (peer->sent < peer->head_size)
            parts[count++] = (struct iovec){peer->head + peer->sent, peer->head_size - peer->sent};
        if (of_body < peer->body.size)
            parts[count++] = (struct iovec){(uint8_t *)(uintptr_t)peer->body.data + of_body,
                                            peer->body.size - of_body};
        ssize_t size = writev(peer->fd, parts, count);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN) {
            peer->state = FLEET_SENDING;
            watch(peer, EPOLLIN | EPOLLOUT);
            return;
        }
        if (size < 0)
            break; /* the answer may be here all the same: reading tells */
        peer->sent += (size_t)size;
    }
    peer->state = FLEET_READING;
    watch(peer, EPOLLIN);
}

static void begin(struct fleet_peer *peer)
{
    peer->sent = 0;
    peer->in_size = 0;
    peer->head_read = false;
    if (peer->fd < 0)
        connect_to_server(peer);
    else
        send_rest(peer);
}

static void write_head(struct fleet_peer *peer, const struct fleet_request *request)
{
    char more[160] = "";
    if (request->content_type != NULL)
        snprintf(more, sizeof(more), "Content-Type: %s\r\n%sContent-Length: %zu\r\n",
                 request->content_type, request->zstd ? "Content-Encoding: zstd\r\n" : "",
                 request->body.size);
    int size = snprintf(peer->head, sizeof(peer->head),
                        "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n%s%s%s%s\r\n",
                        request->method, request->path,
                        request->bearer != NULL ? "Authorization: Bearer " : "",
                        request->bearer != NULL ? request->bearer : "",
                        request->bearer != NULL ? "\r\n" : "", more);
    if (size < 0 || (size_t)size >= sizeof(peer->head))
        fleet_fail("a request's head is too long");
    peer->head_size = (size_t)size;
}

void fleet_peer_ask(struct fleet_peer *peer, const struct fleet_request *request)
{
    if (peer->state != FLEET_IDLE)
        fleet_fail("a peer is asked to ask twice");
    write_head(peer, request);
    peer->body = request->body;
    peer->due_ns = fleet_now_ns() + request->timeout_ms * GH_NS_PER_MS;
    begin(peer);
}

void fleet_peer_rest(struct fleet_peer *peer, int64_t until_ns)
{
    peer->due_ns = until_ns;
}

/* --- the answer --- */

static int64_t number_of(const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0 || (*end != '\r' && *end != ' '))
        fleet_fail("an answer's header has no number where one belongs");
    return number;
}

static void read_line(struct fleet_peer *peer, const char *line, int64_t *length)
{
    if (strncasecmp(line, "Content-Length:", 15) == 0)
        *length = number_of(line + 15 + strspn(line + 15, " "));
    else if (strncasecmp(line, "Retry-After:", 12) == 0)
        peer->retry_after_s = number_of(line + 12 + strspn(line + 12, " "));
    else if (strncasecmp(line, "Connection: close\r", 18) == 0)
        peer->closes = true;
    else if (strncasecmp(line, "Transfer-Encoding:", 18) == 0)
        fleet_fail("an answer in chunks: not for gates");
}

/* False while there is more to come. */
static bool read_head(struct fleet_peer *peer)
{
    int64_t length = -1;
    peer->in[peer->in_size] = '\0';
    const char *text = (const char *)peer->in;
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL) {
        if (peer->in_size > IN_HEAD_MAX_BYTES)
            fleet_fail("an answer without an end of its head");
        return false;
    }
    if (strncmp(text, "HTTP/1.1 ", 9) != 0)
        fleet_fail("not an answer in HTTP/1.1");
    peer->status = (int)number_of(text + 9);
    peer->retry_after_s = -1;
    peer->closes = false;
    for (const char *line = strstr(text, "\r\n") + 2; line < end; line = strstr(line, "\r\n") + 2)
        read_line(peer, line, &length);
    if (length < 0 && peer->status == 204)
        length = 0;
    if (length < 0 || (uint64_t)length > ANSWER_MAX_BYTES)
        fleet_fail("an answer of status %d without a length", peer->status);
    peer->body_at = (size_t)(end + 4 - text);
    peer->body_size = (size_t)length;
    peer->head_read = true;
    return true;
}

static void make_room(struct fleet_peer *peer)
{
    size_t wanted = peer->head_read ? peer->body_at + peer->body_size : peer->in_size + IN_BYTES;
    if (wanted + 1 <= peer->in_capacity)
        return;
    uint8_t *larger = realloc(peer->in, wanted + 1);
    if (larger == NULL)
        fleet_fail("no memory for an answer");
    peer->in = larger;
    peer->in_capacity = wanted + 1;
}

static void answered(struct fleet_peer *peer)
{
    if (peer->in_size > peer->body_at + peer->body_size)
        fleet_fail("more came than was asked for");
    peer->in[peer->in_size] = '\0';
    peer->answer = (struct gh_bytes){peer->in + peer->body_at, peer->body_size};
    peer->used = true;
    if (peer->closes || peer->sent < peer->head_size + peer->body.size)
        disconnect(peer);
    end_with(peer, FLEET_ANSWERED);
}

/* The connection has ended. One that was kept and ended before the server can have seen our
 * question may have been closed at the same moment: asked anew, as any client does. */
static void ended(struct fleet_peer *peer)
{
    bool anew = peer->used && peer->in_size == 0;
    disconnect(peer);
    if (peer->state == FLEET_IDLE)
        return;
    if (anew)
        begin(peer);
    else
        lost(peer);
}

static void take(struct fleet_peer *peer)
{
    while (true) {
        make_room(peer);
        ssize_t size =
            recv(peer->fd, peer->in + peer->in_size, peer->in_capacity - 1 - peer->in_size, 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN)
            return;
        if (size <= 0) {
            ended(peer);
            return;
        }
        if (peer->state == FLEET_IDLE)
            fleet_fail("an answer to no question");
        peer->in_size += (size_t)size;
        if ((peer->head_read || read_head(peer)) &&
            peer->in_size >= peer->body_at + peer->body_size) {
            answered(peer);
            return;
        }
    }
}

static void connected(struct fleet_peer *peer)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
        lost(peer);
    else
        send_rest(peer);
}

/* --- the loop --- */

static void on_event(struct fleet_peer *peer, unsigned events)
{
    if (peer->fd < 0)
        return; /* shut by another one's `done` in this same turn */
    if (peer->state == FLEET_CONNECTING)
        connected(peer);
    else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        take(peer);
    else if (peer->state == FLEET_SENDING)
        send_rest(peer);
}

static void look_at_times(struct fleet_loop *loop, int64_t now_ns)
{
    loop->looked_ns = now_ns;
    for (struct fleet_peer *peer = loop->first; peer != NULL; peer = peer->next) {
        if (peer->due_ns == 0 || peer->due_ns > now_ns)
            continue;
        bool rested = peer->state == FLEET_IDLE;
        if (!rested)
            disconnect(peer);
        end_with(peer, rested ? FLEET_RESTED : FLEET_LATE);
    }
}

void fleet_loop_open(struct fleet_loop *loop)
{
    *loop = (struct fleet_loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (loop->epoll < 0)
        fleet_fail("epoll: %s", strerror(errno));
}

void fleet_loop_turn(struct fleet_loop *loop, int wait_ms)
{
    struct epoll_event events[EVENTS];
    const int look_ms = (int)(LOOK_EVERY_NS / GH_NS_PER_MS);
    fleet_check_stopped();
    int count = epoll_wait(loop->epoll, events, EVENTS, wait_ms < look_ms ? wait_ms : look_ms);
    if (count < 0 && errno != EINTR)
        fleet_fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++)
        on_event(events[i].data.ptr, events[i].events);
    int64_t now_ns = fleet_now_ns();
    if (now_ns - loop->looked_ns >= LOOK_EVERY_NS)
        look_at_times(loop, now_ns);
}

void fleet_loop_close(struct fleet_loop *loop)
{
    close(loop->epoll);
    loop->epoll = -1;
}

void fleet_peer_open(struct fleet_peer *peer, struct fleet_loop *loop,
                     const struct sockaddr_in *server, unsigned number, fleet_peer_fn *done,
                     void *context)
{
    *peer = (struct fleet_peer){.loop = loop,
                                .server = *server,
                                .done = done,
                                .context = context,
                                .fd = -1,
                                .next = loop->first};
    peer->own.sin_family = AF_INET;
    peer->own.sin_addr.s_addr = htonl(0x7f000101 + number % OWN_ADDRESSES);
    loop->first = peer;
}

void fleet_peer_shut(struct fleet_peer *peer)
{
    disconnect(peer);
    peer->state = FLEET_IDLE;
    peer->due_ns = 0;
}

void fleet_peer_free(struct fleet_peer *peer)
{
    struct fleet_peer **link = &peer->loop->first;
    fleet_peer_shut(peer);
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    free(peer->in);
    peer->in = NULL;
}

/* --- one question, answered now --- */

struct exchange {
    bool over;
    enum fleet_outcome outcome;
};

static void exchanged(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    *(struct exchange *)peer->context = (struct exchange){true, outcome};
}

void fleet_peer_exchange(struct fleet_peer *peer, const struct fleet_request *request)
{
    struct exchange exchange = {0};
    fleet_peer_fn *done = peer->done;
    void *context = peer->context;
    peer->done = exchanged;
    peer->context = &exchange;
    fleet_peer_ask(peer, request);
    while (!exchange.over)
        fleet_loop_turn(peer->loop, 1000);
    peer->done = done;
    peer->context = context;
    if (exchange.outcome != FLEET_ANSWERED)
        fleet_fail("%s %s: no answer", request->method, request->path);
}
