/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests that start a server each, and trouble it. */
#ifndef GATEHOUSE_TESTS_SERVER_ALONE_H
#define GATEHOUSE_TESTS_SERVER_ALONE_H

#include "test_server_harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>

/* --- a server a test --- */

static inline int set_up_harness(void **state)
{
    struct harness *harness = calloc(1, sizeof(*harness));
    assert_non_null(harness);
    harness_open(harness);
    *state = harness;
    return 0;
}

static inline int tear_down_harness(void **state)
{
    struct harness *harness = *state;
    if (harness->pid != 0) { /* the test has failed */
        kill(harness->pid, SIGKILL);
        (void)harness_wait(harness);
    }
    (void)umount2(in_folder(harness, "state"), MNT_DETACH);
    harness_close(harness);
    free(harness);
    return 0;
}

static inline int connect_to(const struct harness *harness)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(strrchr(harness->url, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static inline void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has closed: so be it */
        data += sent;
        size -= (size_t)sent;
    }
}

static inline void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

/* What comes back until the server closes or a deadline passes; returns whether it closed. */
static inline bool read_answer(int fd, char *out, size_t out_bytes, int64_t wait_ms)
{
    size_t used = 0;
    int64_t deadline = now_ms() + wait_ms;
    out[0] = '\0';
    while (now_ms() < deadline) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 100) <= 0)
            continue;
        char piece[4096];
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got <= 0)
            return true;
        for (ssize_t i = 0; i < got && used + 1 < out_bytes; i++)
            out[used++] = piece[i] != '\0' ? piece[i] : '?';
        out[used] = '\0';
    }
    return false;
}

static inline void expect_no_start(struct harness *harness, const char *word)
{
    char *log;
    assert_false(harness_try_start(harness));
    log = read_text(in_folder(harness, "log"));
    if (log == NULL || strstr(log, word) == NULL)
        fail_msg("the log does not say \"%s\": %s", word, log != NULL ? log : "");
    free(log);
}

static inline bool log_says(const struct harness *harness, const char *word)
{
    char *log = read_text(in_folder(harness, "log"));
    bool found = log != NULL && strstr(log, word) != NULL;
    free(log);
    return found;
}

static inline void wait_for_log(const struct harness *harness, const char *word)
{
    int64_t deadline = now_ms() + DEADLINE_MS;
    while (!log_says(harness, word)) {
        if (now_ms() > deadline)
            fail_msg("the log never says \"%s\"", word);
        pause_ms(5);
    }
}

#endif
