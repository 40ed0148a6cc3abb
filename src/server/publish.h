/* SPDX-License-Identifier: Apache-2.0 */
/* What the gates are told about the list: the signed manifest of the newest generation, the
 * snapshot that it names, and the deltas that lead there. Snapshots (in folder, named by their
 * SHA-256) and deltas of many changes are made by a thread (list_worker.h): nobody waits for them
 * here. All functions are for the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_PUBLISH_H
#define GATEHOUSE_SRC_SERVER_PUBLISH_H

#include "gatehouse/clock.h"
#include "gatehouse/list.h"
#include "server/answer.h"
#include "server/db.h"
#include "server/keys.h"

#define GH_MANIFEST_FRESH_S 10 /* an older one is signed anew when somebody asks */

struct gh_publisher; /* opaque */

/* All pointers outlive it. Makes the folder. */
GH_MUST_CHECK enum gh_status gh_publisher_new(const char *folder, struct gh_db *db,
                                              struct gh_server_keys *keys, const char *area,
                                              const struct gh_clock *clock,
                                              struct gh_publisher **out, struct gh_error *err);
void gh_publisher_free(struct gh_publisher *publisher); /* NULL is fine */

/* The policy from now on; a changed one (or another area, or other keys than the last manifest's)
 * is a new generation. */
GH_MUST_CHECK enum gh_status gh_publisher_set_policy(struct gh_publisher *publisher,
                                                     const struct gh_policy *policy);

/* The number of the last news of nearly every gate from now on: answers with it are made once. */
void gh_publisher_set_news(struct gh_publisher *publisher, uint64_t number);

/* What to tell a gate that has `have` at hand (number 0: none): the newest manifest, with the delta
 * that leads there from its own list, or else from the snapshot; and that its last news have this
 * number. Borrowed until the next call of any function here. *other: the gate's list is another
 * one. GH_ERR_AGAIN: it is being made; gh_publisher_fd tells when to ask again. Else as the
 * database. */
GH_MUST_CHECK enum gh_status gh_publisher_answer(struct gh_publisher *publisher,
                                                 const struct gh_generation *have, uint64_t news,
                                                 struct gh_answer **out, bool *other);
/* While that is GH_ERR_AGAIN: what was said last about `have`, if it was the newest then. Nothing
 * is signed anew. GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_publisher_last(struct gh_publisher *publisher,
                                               const struct gh_generation *have, uint64_t news,
                                               struct gh_answer **out);

/* The generation that was signed last; number 0: none was. */
struct gh_generation gh_publisher_newest(const struct gh_publisher *publisher);

int gh_publisher_fd(const struct gh_publisher *publisher); /* readable: deliver */
void gh_publisher_deliver(struct gh_publisher *publisher); /* what was being made is made, or not */

/* A gate knows a generation that this database has not come to: the list goes on behind it, at most
 * GH_JUMP_MAX further than it is. GH_ERR_INVALID: it is not ahead, or too far. */
#define GH_JUMP_MAX UINT64_C(1000000)
GH_MUST_CHECK enum gh_status gh_publisher_jump(struct gh_publisher *publisher, uint64_t number);

/* The list key is about to be another one: what it was borrowed for is dropped, and made anew. */
void gh_publisher_forget_key(struct gh_publisher *publisher);

/* A snapshot by name (64 lower-case hex digits), for reading; the caller closes *fd.
 * GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_publisher_open(const struct gh_publisher *publisher,
                                               const char *name, int *fd, uint64_t *size);

/* When the snapshot in use was made; 0: there is none. */
int64_t gh_publisher_snapshot_made_at(const struct gh_publisher *publisher);

#endif
