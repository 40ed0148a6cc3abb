/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GATEHOUSE_SRC_SERVER_LIST_ANSWER_H
#define GATEHOUSE_SRC_SERVER_LIST_ANSWER_H

#include "server/answer.h"
#include "server/keys.h"
#include "server/list_files.h"

/* What GET /list answers: [manifest, delta, records, handovers, news] (docs/protocol.md, section
 * 4). delta: NULL: none. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_list_answer(struct gh_bytes manifest,
                                            const struct gh_list_delta *delta,
                                            const struct gh_server_keys *keys, uint64_t news,
                                            struct gh_answer **out);
/* The same with another number of news. */
GH_MUST_CHECK enum gh_status gh_list_answer_renumber(const struct gh_answer *answer, uint64_t news,
                                                     struct gh_answer **out);

#endif
