/* SPDX-License-Identifier: Apache-2.0 */
/* fault_proxy PORT: stands between a gate and its server and spoils their talk. Listens on a free
 * port of 127.0.0.1, says `listening <port>` on standard output, and passes HTTP requests on to
 * 127.0.0.1:PORT. Lines on standard input change what it does, each answered by `ok` on standard
 * output once it holds:
 *
 *   pass             pass on (at the start)
 *   500              answer 500, do not pass on
 *   retry-after N    answer 503 with Retry-After: N, do not pass on
 *   hang             take requests and never answer, do not pass on
 *   half             pass on, and break off in the middle of the answer's body
 *   garbage          answer with bytes that are not HTTP, do not pass on
 *   refuse           nobody listens, open connections are broken off
 *
 * Ends with status 0 when standard input does. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fakes/fault_server.h"

#define ANSWER_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define SERVER_TIMEOUT_S 60

static uint16_t upstream_port;

static struct fault_answer bad_gateway(void)
{
    static const char text[] = "the server behind the fault proxy cannot be reached";
    return fault_answer_make(502, "text/plain", text, sizeof(text) - 1);
}

static int connect_upstream(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(upstream_port)};
    struct timeval timeout = {.tv_sec = SERVER_TIMEOUT_S};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
                    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool send_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* The head as it came, but for the connection's own headers: the server is to close behind its
 * answer, so that the end of the connection is the end of the answer. */
static bool send_head(int fd, const char *head)
{
    const char *line = head, *end;
    while ((end = strstr(line, "\r\n")) != NULL && end != line) {
        size_t size = (size_t)(end - line) + 2;
        if (strncasecmp(line, "Connection:", 11) != 0 && strncasecmp(line, "Expect:", 7) != 0 &&
            !send_all(fd, line, size)) {
            return false;
        }
        line = end + 2;
    }
    static const char last[] = "Connection: close\r\n\r\n";
    return send_all(fd, last, sizeof(last) - 1);
}

static bool receive_answer(int fd, struct fault_answer *answer)
{
    size_t capacity = 0;
    for (;;) {
        if (answer->size == capacity) {
            capacity = capacity == 0 ? 65536 : 2 * capacity;
            char *bigger = capacity > ANSWER_MAX_BYTES ? NULL : realloc(answer->bytes, capacity);
            if (bigger == NULL) {
                return false;
            }
            answer->bytes = bigger;
        }
        ssize_t got = recv(fd, answer->bytes + answer->size, capacity - answer->size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 && answer->size > 0;
        }
        answer->size += (size_t)got;
    }
}

static struct fault_answer pass_on(void *context, const struct fault_request *request)
{
    (void)context;
    struct fault_answer answer = {.close = true};
    int fd = connect_upstream();
    bool good = fd >= 0 && send_head(fd, request->head) &&
                send_all(fd, request->body, request->size) && receive_answer(fd, &answer);
    if (fd >= 0) {
        close(fd);
    }
    if (!good) {
        free(answer.bytes);
        return bad_gateway();
    }
    return answer;
}

static bool obey(struct fault_server *server, const char *line)
{
    static const struct {
        const char *word;
        enum fault fault;
    } words[] = {
        {"pass", FAULT_NONE}, {"500", FAULT_500},         {"hang", FAULT_HANG},
        {"half", FAULT_HALF}, {"garbage", FAULT_GARBAGE},
    };
    unsigned seconds;
    if (strcmp(line, "refuse") == 0) {
        fault_server_refuse(server, true);
        return true;
    }
    if (sscanf(line, "retry-after %u", &seconds) == 1) {
        fault_server_set_retry_after(server, seconds);
        fault_server_set(server, FAULT_503);
        fault_server_refuse(server, false);
        return true;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(line, words[i].word) == 0) {
            fault_server_set(server, words[i].fault);
            fault_server_refuse(server, false);
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
