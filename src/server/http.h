/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP and TLS: libmicrohttpd inside the server's event loop, without threads of its own. Only
 * http.c and request.c know it. */
#ifndef GATEHOUSE_SRC_SERVER_HTTP_H
#define GATEHOUSE_SRC_SERVER_HTTP_H

#include "server/server.h"

/* Serve on server->listener, in server->event, with the TLS files of its settings. The listener
 * stays the server's. */
GH_MUST_CHECK enum gh_status
gh_http_server_start(struct gh_server *server, struct gh_http_server **out, struct gh_error *err);
void gh_http_server_stop(struct gh_http_server *http); /* NULL is fine; running answers break off */

/* With TLS: whether its files are those that it serves with. */
bool gh_http_server_tls_is_current(const struct gh_http_server *http);

/* How many answers there were with this status. */
uint64_t gh_http_server_answered(const struct gh_http_server *http, unsigned status);
#define GH_HTTP_STATUSES 600

#endif
