/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gatehouse/crypto.h"

struct gh_queue {
    pthread_mutex_t lock;
    int fd;
    size_t message_bytes, capacity;
    size_t first, count;
    uint64_t dropped;
    uint8_t messages[];
};

enum gh_status gh_queue_new(size_t message_bytes, size_t capacity, struct gh_queue **out)
{
    *out = NULL;
    if (message_bytes == 0 || capacity == 0 || capacity > SIZE_MAX / 2 / message_bytes)
        return GH_ERR_INVALID;
    struct gh_queue *queue = calloc(1, sizeof(*queue) + message_bytes * capacity);
    if (!queue)
        return GH_ERR_NOMEM;
    queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->fd < 0) {
        enum gh_status status = gh_status_from_errno(errno);
        free(queue);
        return status;
    }
    pthread_mutex_init(&queue->lock, NULL);
    queue->message_bytes = message_bytes;
    queue->capacity = capacity;
    *out = queue;
    return GH_OK;
}

void gh_queue_free(struct gh_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_destroy(&queue->lock);
    close(queue->fd);
    free(queue);
}

bool gh_queue_push(struct gh_queue *queue, const void *message)
{
    pthread_mutex_lock(&queue->lock);
    bool fits = queue->count < queue->capacity;
    if (fits) {
        size_t slot = (queue->first + queue->count) % queue->capacity;
        memcpy(queue->messages + slot * queue->message_bytes, message, queue->message_bytes);
        queue->count++;
    } else {
        queue->dropped++;
    }
    pthread_mutex_unlock(&queue->lock);
    if (fits) {
        const uint64_t one = 1;
        /* It can only fail when the counter is full: then the reader is awake anyway. */
        ssize_t written = write(queue->fd, &one, sizeof(one));
        (void)written;
    }
    return fits;
}

bool gh_queue_pop(struct gh_queue *queue, void *message)
{
    pthread_mutex_lock(&queue->lock);
    bool found = queue->count > 0;
    if (found) {
        uint8_t *slot = queue->messages + queue->first * queue->message_bytes;
        memcpy(message, slot, queue->message_bytes);
        gh_wipe(slot, queue->message_bytes); /* it may hold a secret */
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
    } else {
        /* Under the lock, so that a push after this is heard. */
        uint64_t count;
        ssize_t got = read(queue->fd, &count, sizeof(count));
        (void)got;
    }
    pthread_mutex_unlock(&queue->lock);
    return found;
}

size_t gh_queue_room(struct gh_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t room = queue->capacity - queue->count;
    pthread_mutex_unlock(&queue->lock);
    return room;
}

int gh_queue_fd(const struct gh_queue *queue)
{
    return queue->fd;
}

uint64_t gh_queue_dropped(struct gh_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    uint64_t dropped = queue->dropped;
    pthread_mutex_unlock(&queue->lock);
    return dropped;
}
