/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in the server: how they come in, how they are kept, and when they go. What takes long is
 * done in threads (ingest.h, crew.h); all functions are for the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_RECORDS_H
#define GATEHOUSE_SRC_SERVER_RECORDS_H

#include "server/chain.h"
#include "server/ingest.h"

struct gh_server;
struct gh_records; /* opaque */

/* In server->event, beside server->db. Retention goes on from here by itself, as the settings say
 * at each step. */
GH_MUST_CHECK enum gh_status gh_records_start(struct gh_server *server, struct gh_records **out,
                                              struct gh_error *err);
/* After HTTP has stopped: what waits for its answer waits no more. NULL is fine. */
void gh_records_stop(struct gh_records *records);

struct gh_ingest *gh_records_ingest(struct gh_records *records);

struct gh_check; /* opaque: a chain that is being checked */
/* Called once for each: status as of gh_chain_check. */
typedef void gh_records_checked_fn(void *context, enum gh_status status,
                                   const struct gh_chain_report *report);
/* GH_ERR_BUSY: enough are being checked already; GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_records_check(struct gh_records *records, gh_id gate,
                                              gh_records_checked_fn *done, void *context,
                                              struct gh_check **out);
/* Nobody waits for it any more: done is not called. */
void gh_records_forget(struct gh_check *check);

#endif
