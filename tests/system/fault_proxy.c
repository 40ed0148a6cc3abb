/* SPDX-License-Identifier: Apache-2.0 */
/* fault_proxy PORT: stands between gates and their server and spoils their talk. Listens on a free
 * port of 127.0.0.1, says `listening <port>` on standard output, and passes HTTP requests on to
 * 127.0.0.1:PORT, each on a connection of its own, answers piece by piece as they come. Lines on
 * standard input change what it does, each answered by `ok` on standard output once it holds:
 *
 *   pass             pass on (at the start)
 *   500              answer 500, do not pass on
 *   retry-after N    answer 503 with Retry-After: N, do not pass on
 *   hang             take requests and never answer, do not pass on
 *   garbage          answer with bytes that are not HTTP, do not pass on
 *   refuse           nobody listens, open connections are broken off
 *   duplicate        send the request to the server twice, pass on the second answer: a GET both at
 *                    once, all others one after the other
 *   delay MS         pass on the request so much later, and the answer so much later
 *   slow N           pass on, the answer N bytes at a time, 20 times a second, as long as that
 * holds half             pass on, and break off in the middle of the answer's body cut N pass on,
 * and break off after N bytes of the answer, its head among them half-close       pass on up to the
 * middle of the answer's body, and then close only our direction of the connection: what the client
 * sends is taken and goes nowhere drop             pass on the request, keep the answer, and say
 * nothing more
 *
 * What holds is looked at when a request comes, and again when its answer does: a request that
 * waits for its answer gets the last five as well. Ends with status 0 when standard input does. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fakes/fault_server.h"

#define ANSWER_MAX_BYTES ((size_t)256 * 1024 * 1024)
#define SERVER_TIMEOUT_MS 120000 /* longer than any long poll */
#define PIECE_BYTES 65536
#define SLOW_MS 50

enum manner { PASS, DUPLICATE, DELAY, SLOW, HALF, CUT, HALF_CLOSE, DROP };
struct how {
    enum manner manner;
    unsigned number; /* DELAY: ms; SLOW, CUT: bytes */
};

static uint16_t upstream_port;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct how how_now; /* under lock */

static struct how current(void)
{
    pthread_mutex_lock(&lock);
    struct how how = how_now;
    pthread_mutex_unlock(&lock);
    return how;
}

/* --- sockets: every wait ends when the client goes ---------------------------------------------
 */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until fd (-1: none) is ready. false: the client is gone, or the time is over. */
static bool await(int fd, short events, int client, int64_t timeout_ms)
{
    int64_t until_ms = now_ms() + timeout_ms;
    for (;;) {
        struct pollfd fds[] = {{.fd = client, .events = POLLRDHUP}, {.fd = fd, .events = events}};
        int64_t left_ms = until_ms - now_ms();
        int ready = poll(fds, 2, left_ms > 0 ? (int)left_ms : 0);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        return ready > 0 && fds[0].revents == 0;
    }
}

static bool client_is_there(int client)
{
    struct pollfd fd = {.fd = client, .events = POLLRDHUP};
    return poll(&fd, 1, 0) == 0;
}

/* false: the client went meanwhile. */
static bool pause_ms(int client, unsigned ms)
{
    (void)await(-1, 0, client, ms);
    return client_is_there(client);
}

static bool send_all(int fd, const void *data, size_t size, int client)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EINTR) {
            if (!await(fd, POLLOUT, client, SERVER_TIMEOUT_MS)) {
                return false;
            }
        } else {
            return false;
        }
    }
    return true;
}

/* How many bytes came; 0 at the end, and -1 when there will be none. */
static ssize_t receive(int fd, char *out, size_t size, int client)
{
    for (;;) {
        if (!await(fd, POLLIN, client, SERVER_TIMEOUT_MS)) {
            return -1;
        }
        ssize_t got = recv(fd, out, size, MSG_DONTWAIT);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR)) {
            return got;
        }
    }
}

static int connect_upstream(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(upstream_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* --- the request -------------------------------------------------------------------------------
 */

/* The head as it came, but for the connection's own headers: the server is to close behind its
 * answer, so that the end of the connection is the end of the answer. */
static bool send_head(int fd, const char *head, int client)
{
    const char *line = head, *end;
    while ((end = strstr(line, "\r\n")) != NULL && end != line) {
        size_t size = (size_t)(end - line) + 2;
        if (strncasecmp(line, "Connection:", 11) != 0 && strncasecmp(line, "Expect:", 7) != 0 &&
            !send_all(fd, line, size, client)) {
            return false;
        }
        line = end + 2;
    }
    static const char last[] = "Connection: close\r\n\r\n";
    return send_all(fd, last, sizeof(last) - 1, client);
}

/* The connection on which the answer comes; -1: the server cannot be reached. */
static int ask(const struct fault_request *request)
{
    int fd = connect_upstream();
    if (fd >= 0 && (!send_head(fd, request->head, request->fd) ||
                    !send_all(fd, request->body, request->size, request->fd))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* --- the answer --------------------------------------------------------------------------------
 */

struct answer {
    char *bytes; /* malloc'ed */
    size_t size, capacity;
};

static bool keep_piece(struct answer *answer, const char *piece, size_t size)
{
    if (size > answer->capacity - answer->size) {
        size_t capacity = 2 * (answer->capacity + size);
        char *bigger = capacity > ANSWER_MAX_BYTES ? NULL : realloc(answer->bytes, capacity);
        if (bigger == NULL) {
            return false;
        }
        answer->bytes = bigger;
        answer->capacity = capacity;
    }
    memcpy(answer->bytes + answer->size, piece, size);
    answer->size += size;
    return true;
}

/* All that is still to come. */
static bool keep_rest(int fd, struct answer *answer, int client)
{
    char piece[PIECE_BYTES];
    ssize_t got;
    while ((got = receive(fd, piece, sizeof(piece), client)) > 0) {
        if (!keep_piece(answer, piece, (size_t)got)) {
            return false;
        }
    }
    return got == 0;
}

/* Behind the headers and half of the body, or, without a body, in the middle of the headers. */
static size_t half_of(const struct answer *answer)
{
    const char *end = memmem(answer->bytes, answer->size, "\r\n\r\n", 4);
    size_t head = end != NULL ? (size_t)(end - answer->bytes) + 4 : 0;
    return answer->size - head >= 2 ? head + (answer->size - head) / 2 : answer->size / 2;
}

static bool send_slowly(const char *piece, size_t size, int client)
{
    while (size > 0) {
        struct how how = current();
        size_t part = how.manner == SLOW && how.number < size ? how.number : size;
        if (!send_all(client, piece, part, client) ||
            (how.manner == SLOW && !pause_ms(client, SLOW_MS))) {
            return false;
        }
        piece += part;
        size -= part;
    }
    return true;
}

/* What comes behind `first`, as it comes, up to `left` bytes of both. */
static void stream(int fd, const char *first, size_t size, size_t left, int client)
{
    char piece[PIECE_BYTES];
    ssize_t got = (ssize_t)size;
    memcpy(piece, first, size);
    while (got > 0 && left > 0) {
        size_t part = (size_t)got < left ? (size_t)got : left;
        if (!send_slowly(piece, part, client)) {
            return;
        }
        left -= part;
        got = left > 0 ? receive(fd, piece, sizeof(piece), client) : 0;
    }
}

static void pass_half(int fd, const char *first, size_t size, bool half_close, int client)
{
    struct answer answer = {0};
    if (keep_piece(&answer, first, size) && keep_rest(fd, &answer, client) &&
        send_all(client, answer.bytes, half_of(&answer), client) && half_close) {
        char ignored[256];
        shutdown(client, SHUT_WR);
        while (recv(client, ignored, sizeof(ignored), 0) > 0) {
        }
    }
    free(answer.bytes);
}

static void pass_answer(int fd, int client)
{
    char piece[PIECE_BYTES];
    struct answer dropped = {0};
    ssize_t got = receive(fd, piece, sizeof(piece), client);
    if (got <= 0) {
        return; /* the server broke off: so do we */
    }
    struct how how = current();
    switch (how.manner) {
    case HALF:
    case HALF_CLOSE:
        pass_half(fd, piece, (size_t)got, how.manner == HALF_CLOSE, client);
        break;
    case DROP:
        (void)keep_rest(fd, &dropped, client);
        free(dropped.bytes);
        (void)pause_ms(client, INT32_MAX);
        break;
    case CUT:
        stream(fd, piece, (size_t)got, how.number, client);
        break;
    case DELAY:
        if (!pause_ms(client, how.number)) {
            break;
        }
        /* fall through */
    case PASS:
    case SLOW:
    case DUPLICATE:
        stream(fd, piece, (size_t)got, SIZE_MAX, client);
        break;
    }
}

static struct fault_answer bad_gateway(void)
{
    static const char text[] = "the server behind the fault proxy cannot be reached";
    return fault_answer_make(502, "text/plain", text, sizeof(text) - 1);
}

static struct fault_answer pass_on(void *context, const struct fault_request *request)
{
    (void)context;
    struct how how = current();
    int first = -1;
    if (how.manner == DELAY && !pause_ms(request->fd, how.number)) {
        return (struct fault_answer){.close = true};
    }
    if (how.manner == DUPLICATE) {
        struct answer ignored = {0};
        first = ask(request);
        if (first >= 0 && strcmp(request->method, "GET") != 0) {
            (void)keep_rest(first, &ignored, request->fd);
            free(ignored.bytes);
        }
    }
    int fd = ask(request);
    if (fd >= 0) {
        pass_answer(fd, request->fd);
        close(fd);
    }
    if (first >= 0) {
        close(first);
    }
    return fd >= 0 || !client_is_there(request->fd) ? (struct fault_answer){.close = true}
                                                    : bad_gateway();
}

/* --- what it is told ---------------------------------------------------------------------------
 */

static void behave(struct fault_server *server, enum fault fault, enum manner manner,
                   unsigned number)
{
    pthread_mutex_lock(&lock);
    how_now = (struct how){manner, number};
    pthread_mutex_unlock(&lock);
    fault_server_set(server, fault);
    fault_server_refuse(server, false);
}

static bool obey(struct fault_server *server, const char *line)
{
    static const struct {
        const char *word;
        bool has_number;
        enum fault fault;
        enum manner manner;
    } words[] = {
        {"pass", false, FAULT_NONE, PASS},
        {"500", false, FAULT_500, PASS},
        {"retry-after", true, FAULT_503, PASS},
        {"hang", false, FAULT_HANG, PASS},
        {"half", false, FAULT_NONE, HALF},
        {"garbage", false, FAULT_GARBAGE, PASS},
        {"cut", true, FAULT_NONE, CUT},
        {"half-close", false, FAULT_NONE, HALF_CLOSE},
        {"delay", true, FAULT_NONE, DELAY},
        {"slow", true, FAULT_NONE, SLOW},
        {"duplicate", false, FAULT_NONE, DUPLICATE},
        {"drop", false, FAULT_NONE, DROP},
    };
    char word[32], rest[2];
    unsigned number = 0;
    int parts = sscanf(line, "%31s %u %1s", word, &number, rest);
    if (parts == 1 && strcmp(word, "refuse") == 0) {
        fault_server_refuse(server, true);
        return true;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (parts == (words[i].has_number ? 2 : 1) && strcmp(word, words[i].word) == 0) {
            fault_server_set_retry_after(server, number);
            behave(server, words[i].fault, words[i].manner, number);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    char line[128];
    unsigned long port = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (port == 0 || port > 65535) {
        fprintf(stderr, "usage: fault_proxy PORT\n");
        return 2;
    }
    upstream_port = (uint16_t)port;
    signal(SIGPIPE, SIG_IGN); /* whoever drives us may not care for what we say */
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct fault_server *server = fault_server_start(pass_on, NULL);
    printf("listening %u\n", fault_server_port(server));
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (obey(server, line)) {
            printf("ok\n");
        } else {
            fprintf(stderr, "fault_proxy: what is \"%s\"?\n", line);
        }
    }
    fault_server_stop(server);
    return 0;
}
