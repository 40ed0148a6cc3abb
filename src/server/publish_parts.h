/* SPDX-License-Identifier: Apache-2.0 */
/* Between the two files of the publisher; nobody else includes this. */
#ifndef GATEHOUSE_SRC_SERVER_PUBLISH_PARTS_H
#define GATEHOUSE_SRC_SERVER_PUBLISH_PARTS_H

#include <limits.h>

#include "gatehouse/clock.h"
#include "server/delta_cache.h"
#include "server/list_worker.h"
#include "server/publish.h"

struct gh_publisher {
    char folder[PATH_MAX];
    struct gh_db *db;
    struct gh_server_keys *keys;
    uint64_t keys_version; /* of those in the manifest */
    const struct gh_clock *clock;
    struct gh_list_worker *worker;
    struct gh_manifest wanted; /* what it is to say besides the list: policy, keys, secret */
    bool stale;                /* ... and could not be written down */
    int64_t settings_retry_ns; /* not before then */
    uint8_t fingerprint[GH_SHA256_BYTES];
    int64_t cutoff;
    int64_t signed_at;             /* as it is written down */
    struct gh_db_list_state state; /* of the manifest's generation */
    bool snapshot_lost;
    bool blocked; /* nothing can be said until there is a snapshot */
    int64_t retry_at_ns;
    struct gh_manifest manifest; /* as it was signed last; generation 0: never */
    size_t size;
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    struct gh_answer *plain; /* without a delta, and of which generation */
    struct gh_generation plain_of;
    struct gh_delta_cache deltas;
    uint64_t news;            /* of nearly every gate */
    struct gh_answer *single; /* the last one that was for one gate alone */
};

static inline int64_t gh_publisher_now_ns(const struct gh_publisher *publisher)
{
    return gh_clock_monotonic_ns(publisher->clock);
}

/* The manifest of the newest generation, unless it is at hand; GH_ERR_AGAIN: a snapshot has to be
 * made before. */
GH_MUST_CHECK enum gh_status gh_publisher_renew(struct gh_publisher *publisher);
/* The newest manifest, but for an earlier generation. */
GH_MUST_CHECK enum gh_status gh_publisher_sign_for(struct gh_publisher *publisher,
                                                   const struct gh_generation *generation,
                                                   struct gh_writer *writer);
/* One that the worker has made, or could not. */
void gh_publisher_take_snapshot(struct gh_publisher *publisher, const struct gh_list_job *job);

#endif
