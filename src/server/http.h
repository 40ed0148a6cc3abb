/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP and TLS: libmicrohttpd inside the server's event loop, without threads of its own. Only
 * http.c, request*.c and answer*.c call it. */
#ifndef GATEHOUSE_SRC_SERVER_HTTP_H
#define GATEHOUSE_SRC_SERVER_HTTP_H

#include "server/request.h"
#include "server/server.h"

/* Serve on server->listener, in server->event, with the TLS files of its settings. The listener
 * stays the server's. */
GH_MUST_CHECK enum gh_status
gh_http_server_start(struct gh_server *server, struct gh_http_server **out, struct gh_error *err);
void gh_http_server_stop(struct gh_http_server *http); /* NULL is fine; running answers break off */

/* In a handler, in place of an answer: it comes later, by gh_answer_* and gh_request_resume in the
 * server's thread. Until then the connection rests. gone(waits_for) is called instead when the
 * request ends before it is resumed; neither may be touched then. */
void gh_request_wait(struct gh_request *request, void (*gone)(void *waits_for), void *waits_for);
void gh_request_resume(struct gh_request *request);

/* With TLS: whether its files are those that it serves with. */
bool gh_http_server_tls_is_current(const struct gh_http_server *http);

/* How many there may be at once. */
unsigned gh_http_server_connections(const struct gh_http_server *http);

/* How many answers there were with this status. */
uint64_t gh_http_server_answered(const struct gh_http_server *http, unsigned status);
#define GH_HTTP_STATUSES 600

#endif
