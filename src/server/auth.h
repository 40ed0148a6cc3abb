/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: the bearer token of a person's session or of a gate. */
#ifndef GATEHOUSE_SRC_SERVER_AUTH_H
#define GATEHOUSE_SRC_SERVER_AUTH_H

#include "server/request.h"

#define GH_TOKEN_BYTES 44 /* a person's: 43 characters of base64url and NUL */
#define GH_SESSION_S (INT64_C(12) * 3600)
#define GH_GATE_SECRET_BYTES 32

/* Fill in role and user, or gate, and check them against the route. `header` is the value of
 * Authorization, or NULL. False after having answered. */
GH_MUST_CHECK bool gh_auth_check(struct gh_request *request, const char *header);

/* A new session's token for the user, written down by its hash. */
GH_MUST_CHECK enum gh_status gh_auth_open_session(struct gh_db *db, const char *user, int64_t now,
                                                  char token[GH_TOKEN_BYTES]);

#endif
