/* SPDX-License-Identifier: Apache-2.0 */
/* Who this gate is: what it learned from its enrolment code, the secret it drew, and how far its
 * list has come. One small JSON file in the state folder, mode 0600, replaced whole. */
#ifndef GATEHOUSE_SRC_GATE_IDENTITY_H
#define GATEHOUSE_SRC_GATE_IDENTITY_H

#include "gatehouse/code.h"
#include "gatehouse/list.h"

#define GH_GATE_SECRET_BYTES 32
#define GH_LIST_KEY_BYTES 32   /* Ed25519, raw */
#define GH_RETIRED_KEYS_MAX 16 /* the oldest are forgotten */
#define GH_GATE_NAME_BYTES 101 /* 100 bytes are the most that the server gives */

struct gh_identity {
    bool enrolled; /* the server has said yes; until then token holds */
    gh_id gate;    /* 0: no enrolment code was ever shown */
    char url[GH_URL_BYTES];
    /* Newest first pinned, then believed. Those that it followed are kept to tell a list by a
     * retired key from one by nobody's, and to check what they once signed rightly. */
    uint8_t list_key[GH_LIST_KEY_BYTES];
    uint64_t list_key_number; /* 0: the first one, or what number it has is not known */
    uint8_t retired_keys[GH_RETIRED_KEYS_MAX][GH_LIST_KEY_BYTES]; /* oldest first */
    size_t retired_count;
    bool has_pin;
    uint8_t pin[GH_SHA256_BYTES];
    uint8_t token[GH_ENROLMENT_TOKEN_BYTES]; /* until enrolled */
    uint8_t secret[GH_GATE_SECRET_BYTES];
    char name[GH_GATE_NAME_BYTES]; /* of the gate, from the server */
    char area[GH_AREA_BYTES];
    /* The newest list ever accepted: an older one is refused even when the list's own file is gone.
     */
    uint64_t generation;
    uint8_t list_tag[GH_LIST_TAG_BYTES];
    int64_t list_issued_at_s;
};

/* The list key is followed by another one. */
void gh_identity_follow(struct gh_identity *identity, const uint8_t key[GH_LIST_KEY_BYTES],
                        uint64_t number);

/* A new identity from an enrolment code, with a secret of its own; not yet saved. */
void gh_identity_from_enrolment(const struct gh_enrolment *enrolment, struct gh_identity *out);

/* GH_ERR_NOTFOUND: never enrolled, *out is all zero. GH_ERR_CORRUPT with a sentence: must be looked
 * at by a person. */
GH_MUST_CHECK enum gh_status gh_identity_load(const char *path, struct gh_identity *out,
                                              struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_identity_save(const char *path, const struct gh_identity *identity,
                                              struct gh_error *err);

/* `<gate id>.<secret in hex>`, the gate's bearer token. */
#define GH_BEARER_BYTES (GH_ID_TEXT_BYTES + 2 * GH_GATE_SECRET_BYTES + 1)
void gh_identity_bearer(const struct gh_identity *identity, char out[GH_BEARER_BYTES]);

#endif
