/* SPDX-License-Identifier: Apache-2.0 */
/* The camera of a gate that has none. The thread that sees goes on turning, for the watchdog. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gate/camera.h"

#define SIDE 32 /* pixels: no frame ever comes, but the decoder wants a size */

struct none {
    int wake_fd;
};

static enum gh_status none_next(void *context, int64_t timeout_ms, struct gh_frame *frame,
                                struct gh_error *err)
{
    const struct none *none = context;
    struct pollfd fd = {.fd = none->wake_fd, .events = POLLIN};
    uint64_t count;

    (void)frame;
    (void)err;
    if (poll(&fd, 1, timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX) == 1) {
        ssize_t got = read(none->wake_fd, &count, sizeof(count));
        (void)got; /* it was woken, whatever it says */
    }
    return GH_ERR_AGAIN;
}

static void none_wake(void *context)
{
    const struct none *none = context;
    const uint64_t one = 1;

    ssize_t written = write(none->wake_fd, &one, sizeof(one));
    (void)written; /* it can only fail when it is awake already */
}

static void none_free(void *context)
{
    struct none *none = context;

    close(none->wake_fd);
    free(none);
}

enum gh_status gh_camera_none_new(struct gh_camera *out, struct gh_error *err)
{
    *out = (struct gh_camera){0};
    struct none *none = malloc(sizeof(*none));
    if (!none)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the camera");
    none->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (none->wake_fd < 0) {
        enum gh_status status = gh_status_from_errno(errno);
        status = gh_fail(err, status, "no event descriptor: %s", strerror(errno));
        free(none);
        return status;
    }
    *out = (struct gh_camera){.next = none_next,
                              .wake = none_wake,
                              .free = none_free,
                              .context = none,
                              .max_width = SIDE,
                              .max_height = SIDE};
    return GH_OK;
}
