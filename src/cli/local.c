/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/client.h"
#include "gatehouse/file.h"

#define ANSWER_MAX_BYTES (256u << 10)
#define PATIENCE_S 10

static enum gh_status fail(struct gh_error *err, const char *path, int error)
{
    if (error == ENOENT || error == ECONNREFUSED)
        return gh_fail(err, GH_ERR_NOTFOUND,
                       "no gate answers at %s: it does not run, or has another `control` in its "
                       "configuration (--socket)",
                       path);
    if (error == EACCES)
        return gh_fail(err, GH_ERR_DENIED, "%s: only root and the group gatehouse may ask", path);
    if (error == EPIPE || error == ECONNRESET)
        return gh_fail(err, GH_ERR_IO, "the gate hung up: too many ask it at once");
    if (error == EAGAIN)
        return gh_fail(err, GH_ERR_TIMEOUT, "the gate does not answer: it may be hanging");
    return gh_fail(err, gh_status_from_errno(error), "%s: %s", path, strerror(error));
}

static enum gh_status connect_to(const char *path, int *fd, struct gh_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};

    if (strlen(path) >= sizeof(address.sun_path))
        return gh_fail(err, GH_ERR_TOOBIG, "the socket's path is too long");
    memcpy(address.sun_path, path, strlen(path));
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(*fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return fail(err, path, errno);
    return GH_OK;
}

static enum gh_status read_answer(const char *path, int fd, char **answer, struct gh_error *err)
{
    size_t size = 0;
    char *text = malloc(ANSWER_MAX_BYTES + 1);

    if (!text)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the answer");
    for (;;) {
        ssize_t got = recv(fd, text + size, ANSWER_MAX_BYTES - size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(text);
            return fail(err, path, errno);
        }
        size += (size_t)got;
        if (got == 0 || size == ANSWER_MAX_BYTES)
            break;
    }
    if (size == 0) {
        free(text);
        return fail(err, path, ECONNRESET);
    }
    text[size] = '\0';
    *answer = text;
    return GH_OK;
}

enum gh_status gh_local_ask(const char *socket_path, const char *question, char **answer,
                            struct gh_error *err)
{
    char line[128];
    GH_CLEANUP_FD int fd = -1;

    *answer = NULL;
    int length = snprintf(line, sizeof(line), "%s\n", question);
    if (length < 0 || (size_t)length >= sizeof(line))
        return gh_fail(err, GH_ERR_TOOBIG, "the question is too long");
    enum gh_status status = connect_to(socket_path, &fd, err);
    if (status != GH_OK)
        return status;
    if (send(fd, line, (size_t)length, MSG_NOSIGNAL) != length)
        return fail(err, socket_path, errno);
    return read_answer(socket_path, fd, answer, err);
}

enum gh_status gh_local_state(const char *socket_path, json_t **state, struct gh_error *err)
{
    GH_CLEANUP_FREE char *answer = NULL;

    *state = NULL;
    enum gh_status status = gh_local_ask(socket_path, "status", &answer, err);
    if (status != GH_OK)
        return status;
    *state = json_loads(answer, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(*state)) {
        gh_json_release(state);
        return gh_fail(err, GH_ERR_CORRUPT, "what answers at %s is no gate", socket_path);
    }
    return GH_OK;
}
