/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that many requests get: made once, shared by all connections that are sending it. For
 * the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_ANSWER_H
#define GATEHOUSE_SRC_SERVER_ANSWER_H

#include "gatehouse/bytes.h"

struct MHD_Response;

struct gh_answer {
    struct gh_bytes body;
    struct MHD_Response *response; /* for request.c */
    unsigned users;
    /* of the list's: the number of the last news, and where it stands, at the end of the body */
    uint64_t news;
    size_t news_at;
};

/* Status 200. data (malloc'ed) is taken over, also when it fails; type has static lifetime.
 * GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_answer_new(const char *type, uint8_t *data, size_t size,
                                           struct gh_answer **out);
/* One user more; returns it. */
struct gh_answer *gh_answer_ref(struct gh_answer *answer);
/* One less: with the last one it goes, but connections finish what they send. NULL is fine. */
void gh_answer_free(struct gh_answer *answer);

#endif
