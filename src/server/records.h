/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in the server: how they come in, and how they are kept. What takes long is done in
 * threads (ingest.h, crew.h); all functions are for the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_RECORDS_H
#define GATEHOUSE_SRC_SERVER_RECORDS_H

#include "server/ingest.h"

struct gh_server;
struct gh_records; /* opaque */

/* In server->event, beside server->db. */
GH_MUST_CHECK enum gh_status gh_records_start(struct gh_server *server, struct gh_records **out,
                                              struct gh_error *err);
/* After HTTP has stopped: what waits for its answer waits no more. NULL is fine. */
void gh_records_stop(struct gh_records *records);

struct gh_ingest *gh_records_ingest(struct gh_records *records);

#endif
