/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of fixed-size messages between two threads. Never blocks, never allocates after
 * it was made; a message that does not fit is dropped and counted. The file descriptor (an eventfd)
 * is readable while something may be inside: poll it, then pop until false. */
#ifndef GATEHOUSE_SRC_GATE_QUEUE_H
#define GATEHOUSE_SRC_GATE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse/status.h"

struct gh_queue; /* opaque */

GH_MUST_CHECK enum gh_status gh_queue_new(size_t message_bytes, size_t capacity,
                                          struct gh_queue **out);
void gh_queue_free(struct gh_queue *queue); /* NULL is fine; nobody may use it any more */
bool gh_queue_push(struct gh_queue *queue, const void *message); /* copies; false: full */
bool gh_queue_pop(struct gh_queue *queue,
                  void *message);             /* false: empty; then the descriptor is quiet */
size_t gh_queue_room(struct gh_queue *queue); /* for so many more, at this moment */
int gh_queue_fd(const struct gh_queue *queue);
uint64_t gh_queue_dropped(struct gh_queue *queue);

#endif
