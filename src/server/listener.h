/* SPDX-License-Identifier: Apache-2.0 */
/* The address that the server listens on. */
#ifndef GATEHOUSE_SRC_SERVER_LISTENER_H
#define GATEHOUSE_SRC_SERVER_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "gatehouse/status.h"

struct gh_listen_address {
    struct sockaddr_storage socket;
    socklen_t size;
};

/* `host:port`, `[v6]:port`; port 0 to 65535. */
GH_MUST_CHECK enum gh_status gh_listen_parse(const char *text, struct gh_listen_address *out,
                                             struct gh_error *err);
bool gh_listen_is_loopback(const struct gh_listen_address *address);
bool gh_listen_is_any(const struct gh_listen_address *address);

/* A listening, non-blocking socket; *address gets the port that was given for port 0. */
GH_MUST_CHECK enum gh_status gh_listen_open(struct gh_listen_address *address, int *fd,
                                            struct gh_error *err);

/* `http://host:port` or `https://...`; the default port of the scheme is left out. */
GH_MUST_CHECK enum gh_status gh_listen_url(const struct gh_listen_address *address, bool tls,
                                           char *out, size_t out_bytes);

#endif
