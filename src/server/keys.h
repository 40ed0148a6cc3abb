/* SPDX-License-Identifier: Apache-2.0 */
/* The server's own keys. Their private halves are files in state_dir/keys, mode 0600, Ed25519:
 * list.pem, or the one that follows it (list_key.h), signs manifests, deltas, receipts and
 * enrolment codes; those that sign health and housing codes follow one another, too (db.h has their
 * spans). A key's file is durable before the database knows of it, so that a file without a row is
 * one that never signed anything. holder.secret is the area's holder secret (trust.h). */
#ifndef GATEHOUSE_SRC_SERVER_KEYS_H
#define GATEHOUSE_SRC_SERVER_KEYS_H

#include <limits.h>

#include "gatehouse/code.h"
#include "gatehouse/list.h"
#include "gatehouse/trust.h"
#include "server/db.h"

struct gh_server_key {
    struct gh_db_key row;
    struct gh_private_key *private; /* NULL: signs no more */
};

/* One list key's word for the next one, signed (docs/protocol.md, section 4). */
#define GH_HANDOVER_BYTES 512
struct gh_handover {
    uint8_t from[GH_OWN_KEY_BYTES]; /* the public half of the key that signed it */
    uint8_t bytes[GH_HANDOVER_BYTES];
    size_t size;
};

struct gh_server_keys {
    struct gh_private_key *list;
    uint8_t list_raw[32];          /* the public half */
    struct gh_handover *handovers; /* from the first list key on to this one */
    size_t handover_count;
    uint8_t holder_secret[GH_HOLDER_SECRET_BYTES];
    char folder[PATH_MAX];
    char issuer[GH_OWN_ISSUER_BYTES];
    struct gh_db *db;
    struct gh_server_key *own; /* by purpose, oldest first */
    size_t own_count;
    bool stale;       /* the database knows more: read again before use */
    uint64_t version; /* another one: other keys */
};

/* Load from folder, and make what is not there yet: holder.secret, and with create (the first run)
 * the keys. Without create a missing key is an error: a new one in its place would turn every code
 * and every gate away. The keys of a server from before rotation are taken into the database. db
 * outlives *out. */
GH_MUST_CHECK enum gh_status gh_server_keys_open(const char *folder, const char *issuer,
                                                 struct gh_db *db, int64_t now, bool create,
                                                 struct gh_server_keys *out, struct gh_error *err);
void gh_server_keys_close(struct gh_server_keys *keys); /* leaves them empty; twice is fine */

/* Read them again if they are stale; the functions below do so themselves. */
GH_MUST_CHECK enum gh_status gh_server_keys_refresh(struct gh_server_keys *keys, int64_t now);

/* The key that signs a code of that kind issued at that time; lives until the next call of any of
 * these. GH_ERR_BUSY: none may, which is a matter of a wrong clock. */
GH_MUST_CHECK enum gh_status gh_server_keys_signer(struct gh_server_keys *keys, enum gh_kind kind,
                                                   int64_t issued_at,
                                                   const struct gh_private_key **out);

/* Our issuers' public keys as the gates need them now, at most GH_LIST_KEYS_MAX: those whose codes
 * can still be in use. When there are more, the oldest revoked ones are left out first, then the
 * oldest retired ones. */
GH_MUST_CHECK enum gh_status gh_server_keys_public(struct gh_server_keys *keys, int64_t now,
                                                   struct gh_issuer_key out[GH_LIST_KEYS_MAX],
                                                   size_t *count);

/* A new key of that purpose, which signs from `from` on, or a moment later, so that no code which
 * the one before has signed already falls out of that one's span. GH_ERR_INVALID: codes were issued
 * so much later that the clock must be wrong. Else as gh_db_key_add, and what writing the file
 * says. */
GH_MUST_CHECK enum gh_status gh_server_keys_rotate(struct gh_server_keys *keys,
                                                   enum gh_kind purpose, int64_t from, int64_t now,
                                                   gh_id *id, struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_server_keys_revoke(struct gh_server_keys *keys, gh_id id,
                                                   int64_t now); /* as gh_db_key_revoke */

enum gh_key_state { GH_KEY_NEXT, GH_KEY_ACTIVE, GH_KEY_RETIRED, GH_KEY_REVOKED };
const char *gh_key_state_name(enum gh_key_state state);
/* Of keys->own[index]. */
enum gh_key_state gh_server_keys_state(const struct gh_server_keys *keys, size_t index,
                                       int64_t now);

#endif
