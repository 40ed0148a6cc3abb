/* SPDX-License-Identifier: Apache-2.0 */
/* replayer PORT ANSWER SNAPSHOT: stands where the server was, on 127.0.0.1:PORT, and answers every
 * question about the list with what the server answered long ago (witness.h). All else gets 503.
 * Says `asked` on standard output whenever it has given the old answer. Runs until it is ended. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chaos/disk.h"
#include "gatehouse/file.h"

#define FILE_MAX_BYTES ((size_t)64 << 20)

struct old {
    uint8_t *data;
    size_t size;
};

static struct old read_old(const char *path)
{
    struct old old;
    struct gh_error err = {0};
    if (gh_file_read(path, FILE_MAX_BYTES, &old.data, &old.size, &err) != GH_OK)
        chaos_die("%s", err.text);
    return old;
}

static void send_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    ssize_t sent;
    for (; size > 0 && (sent = send(fd, at, size, MSG_NOSIGNAL)) > 0; size -= (size_t)sent)
        at += sent;
}

static void answer(int fd, int status, const char *type, const struct old *old)
{
    char head[256];
    int size = snprintf(head, sizeof(head),
                        "HTTP/1.1 %d Replayed\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n",
                        status, type, old->size);
    send_all(fd, head, (size_t)size);
    send_all(fd, old->data, old->size);
}

/* One request a connection; what it says besides its first line does not matter. */
static void serve(int fd, const struct old *list, const struct old *snapshot)
{
    static const struct old nothing = {NULL, 0};
    char head[8192];
    size_t used = 0;
    ssize_t got;
    head[0] = '\0';
    while (strstr(head, "\r\n\r\n") == NULL && used + 1 < sizeof(head) &&
           (got = recv(fd, head + used, sizeof(head) - 1 - used, 0)) > 0) {
        used += (size_t)got;
        head[used] = '\0';
    }
    if (strncmp(head, "GET /api/v1/list/snapshots/", 27) == 0) {
        answer(fd, 200, "application/zstd", snapshot);
    } else if (strncmp(head, "GET /api/v1/list", 16) == 0) {
        answer(fd, 200, "application/cbor", list);
        puts("asked");
    } else {
        answer(fd, 503, "application/json", &nothing);
    }
    shutdown(fd, SHUT_WR);
    while (recv(fd, head, sizeof(head), 0) > 0) {
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct timeval patience = {.tv_sec = 5};
    int yes = 1, fd;
    if (argc != 4)
        chaos_die("usage: replayer PORT ANSWER SNAPSHOT");
    struct old list = read_old(argv[2]), snapshot = read_old(argv[3]);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 16) != 0)
        chaos_die("cannot listen on port %s: %s", argv[1], strerror(errno));
    puts("listening");
    while ((fd = accept(listener, NULL, NULL)) >= 0 || errno == EINTR) {
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        serve(fd, &list, &snapshot);
        close(fd);
    }
    return 2;
}
