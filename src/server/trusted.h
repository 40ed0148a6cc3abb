/* SPDX-License-Identifier: Apache-2.0 */
/* What the server itself verifies codes against: all issuers' keys that the list holds. */
#ifndef GATEHOUSE_SRC_SERVER_TRUSTED_H
#define GATEHOUSE_SRC_SERVER_TRUSTED_H

#include "server/server.h"

/* Our own and the foreign ones together: what stays under GH_TRUST_KEYS_MAX. */
#define GH_FOREIGN_KEYS_MAX (GH_TRUST_KEYS_MAX - GH_LIST_KEYS_MAX)

/* Make server->trust anew, after keys have changed. On an error it is NULL, which trusts nothing.
 */
GH_MUST_CHECK enum gh_status gh_server_renew_trust(struct gh_server *server);

#endif
