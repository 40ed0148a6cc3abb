/* SPDX-License-Identifier: Apache-2.0 */
/* The deltas that gates really ask for, by what they lead from: sealed once, answered often. What
 * is asked for least often lately goes first. */
#ifndef GATEHOUSE_SRC_SERVER_DELTA_CACHE_H
#define GATEHOUSE_SRC_SERVER_DELTA_CACHE_H

#include "server/answer.h"
#include "server/list_files.h"

#define GH_DELTAS_CACHED 64
#define GH_DELTAS_CACHED_BYTES ((size_t)64 << 20)

struct gh_cached_delta {
    struct gh_generation from; /* number 0: a free place */
    /* GH_OK; GH_ERR_AGAIN: it is being made; GH_ERR_NOTFOUND: none leads from there */
    enum gh_status status;
    struct gh_list_delta delta; /* if GH_OK, and it is not late */
    struct gh_answer *answer;   /* NULL: not asked for since the manifest was signed */
    bool late;                  /* leads to what was the newest a moment ago; only the answer */
    int64_t made_at_ns;         /* of a late one */
    uint64_t used;
};
struct gh_delta_cache {
    struct gh_cached_delta places[GH_DELTAS_CACHED];
    uint64_t uses;
};

/* What these return lives until the next call of one that puts, notes or clears. NULL: nothing is
 * known. */
struct gh_cached_delta *gh_delta_cache_find(struct gh_delta_cache *cache,
                                            const struct gh_generation *from);
/* Remember that there is none (yet). */
struct gh_cached_delta *gh_delta_cache_note(struct gh_delta_cache *cache,
                                            const struct gh_generation *from,
                                            enum gh_status status);
/* Take over a delta to the newest generation; *delta is empty then. */
struct gh_cached_delta *gh_delta_cache_put(struct gh_delta_cache *cache,
                                           struct gh_list_delta *delta);
/* Take over the answer that holds a late one. It counts for GH_LATE_DELTA_NS. */
#define GH_LATE_DELTA_NS INT64_C(10000000000)
void gh_delta_cache_put_late(struct gh_delta_cache *cache, const struct gh_generation *from,
                             struct gh_answer *answer, int64_t now_ns);
void gh_delta_cache_drop(struct gh_delta_cache *cache, const struct gh_generation *from);
/* A manifest was signed: answers hold an older one, and deltas that lead elsewhere than `newest`
 * are of no use. */
void gh_delta_cache_renew(struct gh_delta_cache *cache, const struct gh_generation *newest,
                          int64_t now_ns);
void gh_delta_cache_clear(struct gh_delta_cache *cache);

#endif
