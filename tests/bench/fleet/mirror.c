/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/mirror.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/fleet/fleet.h"

#define EVENTS 512
#define BACKLOG 4096
#define HOLDS_MAX 65536
#define REQUEST_BYTES 2048

/* By file descriptor. A request of the generator's comes in one piece. */
static bool waits[HOLDS_MAX];

static void write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (written < 0)
            return; /* it has gone */
        at += written;
        size -= (size_t)written;
    }
}

static void answer_all(struct gh_bytes answer)
{
    for (int fd = 0; fd < HOLDS_MAX; fd++) {
        if (waits[fd]) {
            waits[fd] = false;
            write_all(fd, answer.data, answer.size);
        }
    }
}

static void serve(int fd, struct gh_bytes answer)
{
    static const char done[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    char request[REQUEST_BYTES];
    ssize_t size = read(fd, request, sizeof(request));
    if (size <= 0) {
        waits[fd] = false;
        close(fd);
    } else if (size > 5 && memcmp(request, "PATCH", 5) == 0) {
        answer_all(answer);
        write_all(fd, done, sizeof(done) - 1);
    } else {
        waits[fd] = true;
    }
}

static void take_in(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd >= HOLDS_MAX || (fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0))
        _exit(1);
}

_Noreturn static void run(int listener, struct gh_bytes answer)
{
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    fleet_child_begin();
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
        _exit(1);
    while (true) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                take_in(epoll, listener);
            else
                serve(events[i].data.fd, answer);
        }
    }
}

void fleet_mirror_start(struct fleet_mirror *mirror, struct gh_bytes answer)
{
    socklen_t size = sizeof(mirror->address);
    mirror->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&mirror->address, size) != 0 ||
        listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&mirror->address, &size) != 0)
        fleet_fail("the baseline's server: %s", strerror(errno));
    mirror->pid = fork();
    if (mirror->pid < 0)
        fleet_fail("fork: %s", strerror(errno));
    if (mirror->pid == 0)
        run(listener, answer);
    close(listener);
    fleet_child_add(mirror->pid);
}

void fleet_mirror_stop(struct fleet_mirror *mirror)
{
    fleet_child_end(mirror->pid);
}
