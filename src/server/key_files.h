/* SPDX-License-Identifier: Apache-2.0 */
/* Private halves as files in state_dir/keys. Between keys.c and list_key.c. */
#ifndef GATEHOUSE_SRC_SERVER_KEY_FILES_H
#define GATEHOUSE_SRC_SERVER_KEY_FILES_H

#include <limits.h>

#include "gatehouse/bytes.h"
#include "gatehouse/crypto.h"

#define GH_OWN_KEY_BYTES 32 /* Ed25519 */

/* `folder/name`. GH_ERR_TOOBIG. */
GH_MUST_CHECK enum gh_status gh_key_path(const char *folder, const char *name, char out[PATH_MAX],
                                         struct gh_error *err);
/* A new Ed25519 key, durable under that path. */
GH_MUST_CHECK enum gh_status gh_key_make(const char *path, const char *name,
                                         struct gh_private_key **out, struct gh_error *err);
/* The one that is there; with create made if it is not. GH_ERR_NOTFOUND, GH_ERR_UNSUPPORTED: not
 * Ed25519. */
GH_MUST_CHECK enum gh_status gh_key_open(const char *folder, const char *name, bool create,
                                         struct gh_private_key **out, struct gh_error *err);
/* Why a key that was lost is not made anew. */
enum gh_status gh_key_missing(const char *name, struct gh_error *err);
/* The public half's raw form and its id. */
GH_MUST_CHECK enum gh_status gh_key_raw(const struct gh_private_key *key,
                                        uint8_t raw[GH_OWN_KEY_BYTES], gh_id *id);

#endif
