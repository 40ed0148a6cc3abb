/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/fault_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX_BYTES 16384
#define BODY_MAX_BYTES (16 * 1024 * 1024)

struct connection {
    struct connection *next;
    struct fault_server *server;
    pthread_t thread;
    int fd; /* -1 once closed; under the server's lock */
    bool done;
};

struct fault_server {
    fault_handler *handler;
    void *context;
    pthread_t thread; /* accepts */
    int reserved; /* bound and never listening: keeps the port ours while connections are refused */
    int listener; /* -1 while refusing; the accepting thread's */
    int wake;     /* eventfd */
    uint16_t port;
    char url[32];

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool stopping;
    bool refuse, refused; /* what is wanted, and what is */
    enum fault fault;
    unsigned retry_after_s;
    unsigned requests, connection_count;
    char last_head[HEAD_MAX_BYTES + 1];
    struct connection *connections;
};

static void die(const char *what)
{
    perror(what);
    abort();
}

static void *must(void *memory)
{
    if (memory == NULL) {
        die("fault_server: memory");
    }
    return memory;
}

/* --- answers ---------------------------------------------------------------------------------- */

struct fault_answer fault_answer_make(int status, const char *content_type, const void *body,
                                      size_t size)
{
    char head[256];
    int head_size = snprintf(
        head, sizeof(head), "HTTP/1.1 %d Status\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
        status, content_type != NULL ? content_type : "text/plain", size);
    struct fault_answer answer = {.size = (size_t)head_size + size};
    answer.bytes = must(malloc(answer.size + 1));
    memcpy(answer.bytes, head, (size_t)head_size);
    if (size > 0) {
        memcpy(answer.bytes + head_size, body, size);
    }
    return answer;
}

static struct fault_answer echo(const struct fault_request *request)
{
    size_t capacity = strlen(request->method) + strlen(request->path) + request->size + 3;
    char *body = must(malloc(capacity));
    int size = snprintf(body, capacity, "%s %s\n", request->method, request->path);
    if (request->size > 0) {
        memcpy(body + size, request->body, request->size);
    }
    struct fault_answer answer =
        fault_answer_make(200, "text/plain", body, (size_t)size + request->size);
    free(body);
    return answer;
}

static bool send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool send_text(int fd, const char *text)
{
    return send_all(fd, text, strlen(text));
}

/* Behind the headers and half of the body, or, without a body, in the middle of the headers. */
static size_t half_of(const struct fault_answer *answer)
{
    const char *end = memmem(answer->bytes, answer->size, "\r\n\r\n", 4);
    size_t head = end != NULL ? (size_t)(end - answer->bytes) + 4 : 0;
    return answer->size - head >= 2 ? head + (answer->size - head) / 2 : answer->size / 2;
}

static bool send_endless(int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    char chunk[4096 + 8];
    int size = snprintf(chunk, sizeof(chunk), "1000\r\n");
    memset(chunk + size, 'x', 4096);
    memcpy(chunk + size + 4096, "\r\n", 2);
    bool good = send_all(fd, head, sizeof(head) - 1);
    while (good) {
        good = send_all(fd, chunk, (size_t)size + 4096 + 2);
    }
    return false;
}

/* Until the client goes, or the server stops (which shuts the socket down). */
static bool hang(int fd)
{
    char ignored[256];
    ssize_t got;
    do {
        got = recv(fd, ignored, sizeof(ignored), 0);
    } while (got > 0 || (got < 0 && errno == EINTR));
    return false;
}

static bool ask_handler(struct fault_server *server, int fd, const struct fault_request *request,
                        bool half)
{
    struct fault_answer answer =
        server->handler != NULL ? server->handler(server->context, request) : echo(request);
    bool keep =
        send_all(fd, answer.bytes, half ? half_of(&answer) : answer.size) && !half && !answer.close;
    free(answer.bytes);
    return keep;
}

/* Returns whether the connection is to be kept. */
static bool answer_with(struct fault_server *server, int fd, const struct fault_request *request,
                        enum fault fault, unsigned retry_after_s)
{
    char text[256];
    switch (fault) {
    case FAULT_NONE:
        return ask_handler(server, fd, request, false);
    case FAULT_HALF:
        return ask_handler(server, fd, request, true);
    case FAULT_500:
        return send_text(fd,
                         "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nfault");
    case FAULT_503:
        snprintf(text, sizeof(text),
                 "HTTP/1.1 503 Service Unavailable\r\nRetry-After: %u\r\nContent-Length: 5\r\n\r\n"
                 "fault",
                 retry_after_s);
        return send_text(fd, text);
    case FAULT_HANG:
        return hang(fd);
    case FAULT_GARBAGE:
        (void)send_text(fd, "\x16\x03\x01 what is this? \xff\xfe\r\n\r\n\x01\x02\x03");
        return false;
    case FAULT_OVERSIZED:
        return send_endless(fd);
    case FAULT_UNENDED:
        (void)send_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"half\": ");
        return false;
    case FAULT_REDIRECT:
        return send_text(fd, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
                             "Content-Length: 0\r\n\r\n");
    case FAULT_CLOSE:
    default:
        return false;
    }
}

/* --- requests --------------------------------------------------------------------------------- */

struct input {
    char *data; /* HEAD_MAX_BYTES + BODY_MAX_BYTES at most */
    size_t size, capacity;
};

static bool receive(int fd, struct input *input)
{
    if (input->size + 1 >= input->capacity) {
        if (input->capacity > HEAD_MAX_BYTES + BODY_MAX_BYTES) {
            return false;
        }
        input->capacity = input->capacity == 0 ? 4096 : 2 * input->capacity;
        input->data = must(realloc(input->data, input->capacity));
    }
    ssize_t got;
    do {
        got = recv(fd, input->data + input->size, input->capacity - input->size - 1, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return false;
    }
    input->size += (size_t)got;
    input->data[input->size] = '\0';
    return true;
}

/* Content-Length; 0 without one. */
static size_t body_size(const char *head)
{
    const char *at = strcasestr(head, "\r\nContent-Length:");
    return at != NULL ? strtoul(at + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Receive one whole request; *head_size: with the empty line. */
static bool receive_request(int fd, struct input *input, size_t *head_size, size_t *size)
{
    const char *end = NULL;
    while (input->size == 0 || (end = strstr(input->data, "\r\n\r\n")) == NULL) {
        if (input->size > HEAD_MAX_BYTES || !receive(fd, input) || input->data[0] < 'A' ||
            input->data[0] > 'Z') { /* no method begins so: TLS, say */
            return false;
        }
    }
    *head_size = (size_t)(end - input->data) + 4;
    char kept = input->data[*head_size];
    input->data[*head_size] = '\0';
    *size = body_size(input->data);
    bool expects = strcasestr(input->data, "\r\nExpect: 100-continue") != NULL;
    input->data[*head_size] = kept;
    if (*size > BODY_MAX_BYTES || (expects && !send_text(fd, "HTTP/1.1 100 Continue\r\n\r\n"))) {
        return false;
    }
    while (input->size < *head_size + *size) {
        if (!receive(fd, input)) {
            return false;
        }
    }
    return true;
}

static enum fault note_request(struct fault_server *server, const char *head, unsigned *retry)
{
    pthread_mutex_lock(&server->lock);
    snprintf(server->last_head, sizeof(server->last_head), "%s", head);
    server->requests++;
    enum fault fault = server->fault;
    *retry = server->retry_after_s;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return fault;
}

static bool serve_request(struct fault_server *server, int fd, struct input *input)
{
    size_t head_size, size;
    if (!receive_request(fd, input, &head_size, &size)) {
        return false;
    }
    char *head = must(strndup(input->data, head_size));
    struct fault_request request = {
        .head = head, .body = (const uint8_t *)input->data + head_size, .size = size, .fd = fd};
    unsigned retry;
    bool keep = false;
    if (sscanf(head, "%15s %511s", request.method, request.path) == 2) {
        enum fault fault = note_request(server, head, &retry);
        keep = answer_with(server, fd, &request, fault, retry);
    }
    free(head);
    input->size -= head_size + size;
    memmove(input->data, input->data + head_size + size, input->size + 1);
    return keep;
}

static void *serve_connection(void *context)
{
    struct connection *connection = context;
    struct input input = {0};
    while (serve_request(connection->server, connection->fd, &input)) {
    }
    free(input.data);
    pthread_mutex_lock(&connection->server->lock);
    close(connection->fd);
    connection->fd = -1;
    connection->done = true;
    pthread_mutex_unlock(&connection->server->lock);
    return NULL;
}

/* --- connections ------------------------------------------------------------------------------ */

/* Join the threads of connections that are over; all: break off the others first. */
static void reap(struct fault_server *server, bool all)
{
    struct connection *over = NULL;
    pthread_mutex_lock(&server->lock);
    for (struct connection **at = &server->connections; *at != NULL;) {
        struct connection *connection = *at;
        if (all && connection->fd >= 0) {
            shutdown(connection->fd, SHUT_RDWR);
        }
        if (all || connection->done) {
            *at = connection->next;
            connection->next = over;
            over = connection;
        } else {
            at = &connection->next;
        }
    }
    pthread_mutex_unlock(&server->lock);
    while (over != NULL) {
        struct connection *next = over->next;
        pthread_join(over->thread, NULL);
        free(over);
        over = next;
    }
}

static void accept_one(struct fault_server *server)
{
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct connection *connection = must(calloc(1, sizeof(*connection)));
    connection->server = server;
    connection->fd = fd;
    pthread_mutex_lock(&server->lock);
    connection->next = server->connections;
    server->connections = connection;
    server->connection_count++;
    if (pthread_create(&connection->thread, NULL, serve_connection, connection) != 0) {
        die("fault_server: thread");
    }
    pthread_mutex_unlock(&server->lock);
}

static int bind_socket(uint16_t port)
{
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        die("fault_server: bind");
    }
    return fd;
}

static int listen_on(uint16_t port)
{
    int fd = bind_socket(port);
    if (listen(fd, 64) != 0) {
        die("fault_server: listen");
    }
    return fd;
}

/* In the accepting thread, so that no connection is accepted behind refuse's back. */
static bool obey(struct fault_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool refuse = server->refuse;
    bool stopping = server->stopping;
    pthread_mutex_unlock(&server->lock);
    if (refuse && server->listener >= 0) {
        close(server->listener);
        server->listener = -1;
        reap(server, true);
    } else if (!refuse && server->listener < 0) {
        server->listener = listen_on(server->port);
    }
    pthread_mutex_lock(&server->lock);
    server->refused = refuse;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return !stopping;
}

static void *accept_connections(void *context)
{
    struct fault_server *server = context;
    do {
        struct pollfd fds[] = {{.fd = server->wake, .events = POLLIN},
                               {.fd = server->listener, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) {
            continue;
        }
        uint64_t count;
        if (fds[0].revents != 0 && read(server->wake, &count, sizeof(count)) < 0) {
            die("fault_server: wake");
        }
        if (fds[1].revents != 0) {
            accept_one(server);
        }
        reap(server, false);
    } while (obey(server));
    return NULL;
}

static void wake(struct fault_server *server)
{
    uint64_t one = 1;
    if (write(server->wake, &one, sizeof(one)) != sizeof(one)) {
        die("fault_server: wake");
    }
}

/* --- from outside ----------------------------------------------------------------------------- */

struct fault_server *fault_server_start(fault_handler *handler, void *context)
{
    struct fault_server *server = must(calloc(1, sizeof(*server)));
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    pthread_condattr_t monotonic;
    server->handler = handler;
    server->context = context;
    server->retry_after_s = 7;
    server->wake = eventfd(0, EFD_CLOEXEC);
    server->reserved = bind_socket(0);
    if (server->wake < 0 ||
        getsockname(server->reserved, (struct sockaddr *)&address, &size) != 0) {
        die("fault_server: start");
    }
    server->port = ntohs(address.sin_port);
    server->listener = listen_on(server->port);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", server->port);
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&server->thread, NULL, accept_connections, server) != 0) {
        die("fault_server: thread");
    }
    return server;
}

void fault_server_stop(struct fault_server *server)
{
    if (server == NULL) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    wake(server);
    pthread_join(server->thread, NULL);
    reap(server, true);
    if (server->listener >= 0) {
        close(server->listener);
    }
    close(server->reserved);
    close(server->wake);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

uint16_t fault_server_port(const struct fault_server *server)
{
    return server->port;
}

const char *fault_server_url(const struct fault_server *server)
{
    return server->url;
}

void fault_server_set(struct fault_server *server, enum fault fault)
{
    pthread_mutex_lock(&server->lock);
    server->fault = fault;
    pthread_mutex_unlock(&server->lock);
}

void fault_server_set_retry_after(struct fault_server *server, unsigned seconds)
{
    pthread_mutex_lock(&server->lock);
    server->retry_after_s = seconds;
    pthread_mutex_unlock(&server->lock);
}

void fault_server_refuse(struct fault_server *server, bool refuse)
{
    pthread_mutex_lock(&server->lock);
    server->refuse = refuse;
    wake(server);
    while (server->refused != refuse) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

unsigned fault_server_requests(struct fault_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned requests = server->requests;
    pthread_mutex_unlock(&server->lock);
    return requests;
}

unsigned fault_server_connections(struct fault_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned connections = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return connections;
}

bool fault_server_wait(struct fault_server *server, unsigned requests, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&server->lock);
    int result = 0;
    while (server->requests < requests && result == 0) {
        result = pthread_cond_timedwait(&server->changed, &server->lock, &until);
    }
    bool reached = server->requests >= requests;
    pthread_mutex_unlock(&server->lock);
    return reached;
}

void fault_server_last_head(struct fault_server *server, char *out, size_t out_bytes)
{
    pthread_mutex_lock(&server->lock);
    snprintf(out, out_bytes, "%s", server->last_head);
    pthread_mutex_unlock(&server->lock);
}
