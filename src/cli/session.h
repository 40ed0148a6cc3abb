/* SPDX-License-Identifier: Apache-2.0 */
/* Which server the tool talks to, and as whom: what `login` leaves for the other commands. It holds
 * a bearer token but never a password. */
#ifndef GATEHOUSE_SRC_CLI_SESSION_H
#define GATEHOUSE_SRC_CLI_SESSION_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/crypto.h"
#include "gatehouse/status.h"

#define GH_SERVER_URL_BYTES 256
#define GH_SESSION_TOKEN_BYTES 128

struct gh_session {
    char server[GH_SERVER_URL_BYTES];   /* base URL, no trailing slash */
    char token[GH_SESSION_TOKEN_BYTES]; /* secret; "": not logged in yet */
    char ca_file[PATH_MAX];             /* absolute; "": the system's */
    bool has_pin;
    uint8_t pin[GH_SHA256_BYTES];
};

/* Where it lies: $GATEHOUSE_SESSION, or gatehouse/session.json below $XDG_CONFIG_HOME or ~/.config.
 * GH_ERR_NOTFOUND when none of them is set, GH_ERR_TOOBIG. */
GH_MUST_CHECK enum gh_status gh_session_path(char *out, size_t out_bytes, struct gh_error *err);

/* GH_ERR_NOTFOUND: nobody has logged in; GH_ERR_CORRUPT; else as gh_file_read. */
GH_MUST_CHECK enum gh_status gh_session_load(struct gh_session *out, struct gh_error *err);

/* Mode 0600, whole or not at all; folders that are missing on the way are made with mode 0700. */
GH_MUST_CHECK enum gh_status gh_session_save(const struct gh_session *session,
                                             struct gh_error *err);

#endif
