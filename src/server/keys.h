/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own keys, in state_dir/keys: list.pem signs manifests and enrolment codes,
 * health.pem health codes, housing.pem housing codes. Ed25519, mode 0600. */
#ifndef GATEHOUSE_SRC_SERVER_KEYS_H
#define GATEHOUSE_SRC_SERVER_KEYS_H

#include "gatehouse/crypto.h"
#include "gatehouse/trust.h"

struct gh_server_keys {
    struct gh_private_key *list, *health, *housing;
    uint8_t list_raw[32];            /* the public half */
    struct gh_issuer_key issuers[2]; /* health, housing: as they go into the manifest */
};

/* Load from folder; create: make those that are not there (the first run). Without create a missing
 * key is an error: a new one in its place would turn every code and every gate away. */
GH_MUST_CHECK enum gh_status gh_server_keys_open(const char *folder, const char *issuer,
                                                 bool create, struct gh_server_keys *out,
                                                 struct gh_error *err);
void gh_server_keys_close(struct gh_server_keys *keys); /* leaves them empty; twice is fine */

#endif
