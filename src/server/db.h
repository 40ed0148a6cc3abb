/* SPDX-License-Identifier: Apache-2.0 */
/* What the server keeps, in the words of its domain. Only db_sqlite*.c knows the database behind.
 * Entries, news and the list have headers of their own: db_entries.h, db_news.h, db_list.h.
 *
 * One thread a connection. Every function is one transaction: done and durable when it returns
 * GH_OK, not done at all otherwise, unless said. Any function may return GH_ERR_NOSPACE,
 * GH_ERR_READONLY, GH_ERR_IO, GH_ERR_CORRUPT, GH_ERR_BUSY or GH_ERR_NOMEM; what it returns besides
 * is said at it. Times are seconds since 1970. Texts handed to a callback live until it returns; a
 * callback that returns false ends the reading (GH_OK). What changes the list (colours, people,
 * approved homes, members, revocations, what the manifest says) makes a new generation in the same
 * transaction. */
#ifndef GATEHOUSE_SRC_SERVER_DB_H
#define GATEHOUSE_SRC_SERVER_DB_H

#include "gatehouse/bytes.h"
#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"
#include "gatehouse/trust.h"
#include "server/key_files.h"

struct gh_db; /* opaque */

/* Open or create, bring an older schema up to date. GH_ERR_UNSUPPORTED: a newer one. */
GH_MUST_CHECK enum gh_status gh_db_open(const char *path, struct gh_db **out, struct gh_error *err);
void gh_db_close(struct gh_db *db);
/* Another connection to the same database, for another thread: what one has committed the other
 * sees. Both may write, one transaction at a time; the one that is opened with yields = true gives
 * way to the others (src/server/db_sqlite.c). */
GH_MUST_CHECK enum gh_status gh_db_open_beside(const struct gh_db *db, bool yields,
                                               struct gh_db **out, struct gh_error *err);
/* Whether a change can be made durable now. */
GH_MUST_CHECK enum gh_status gh_db_probe(struct gh_db *db);

/* --- users and their sessions --- */

enum gh_role { GH_ROLE_NONE, GH_ROLE_ADMIN, GH_ROLE_LANDLORD, GH_ROLE_INSPECTOR };
const char *gh_role_name(enum gh_role role);
GH_MUST_CHECK enum gh_status gh_role_parse(const char *name, enum gh_role *role);

#define GH_USER_BYTES 65
#define GH_PASSWORD_HASH_BYTES 128 /* crypto_pwhash_STRBYTES */

struct gh_db_user {
    char name[GH_USER_BYTES];
    enum gh_role role;
    char password[GH_PASSWORD_HASH_BYTES];
    bool one_time;
};
GH_MUST_CHECK enum gh_status gh_db_user_add(struct gh_db *db,
                                            const struct gh_db_user *user); /* GH_ERR_EXISTS */
GH_MUST_CHECK enum gh_status gh_db_user_find(struct gh_db *db, const char *name,
                                             struct gh_db_user *out); /* GH_ERR_NOTFOUND */
/* A password of the user's own choice: no longer one-time; all sessions of the user end. */
GH_MUST_CHECK enum gh_status gh_db_user_set_password(struct gh_db *db, const char *name,
                                                     const char *password);
GH_MUST_CHECK enum gh_status gh_db_user_count(struct gh_db *db, uint64_t *count);

GH_MUST_CHECK enum gh_status gh_db_session_add(struct gh_db *db,
                                               const uint8_t token_sha256[GH_SHA256_BYTES],
                                               const char *user, int64_t now, int64_t expires_at);
/* GH_ERR_NOTFOUND also when it has expired. */
GH_MUST_CHECK enum gh_status gh_db_session_find(struct gh_db *db,
                                                const uint8_t token_sha256[GH_SHA256_BYTES],
                                                int64_t now, char user[GH_USER_BYTES],
                                                enum gh_role *role);

/* --- people --- */

struct gh_db_person {
    gh_id id;
    const char *ref;
    const char *name;
    enum gh_colour status;
};
typedef bool gh_db_person_fn(void *context, const struct gh_db_person *person);
typedef bool gh_db_id_fn(void *context, gh_id id);

/* ref: only that one, or NULL. By id, after `after` (0: from the first). */
GH_MUST_CHECK enum gh_status gh_db_people_read(struct gh_db *db, const char *ref, gh_id after,
                                               unsigned limit, gh_db_person_fn *each,
                                               void *context);
/* One person; GH_ERR_NOTFOUND. each may be NULL. */
GH_MUST_CHECK enum gh_status gh_db_person_read(struct gh_db *db, gh_id id, gh_db_person_fn *each,
                                               void *context);
GH_MUST_CHECK enum gh_status gh_db_person_homes(struct gh_db *db, gh_id id, gh_db_id_fn *each,
                                                void *context);
GH_MUST_CHECK enum gh_status gh_db_person_set_status(struct gh_db *db, gh_id id,
                                                     enum gh_colour status); /* GH_ERR_NOTFOUND */

/* Many people in one transaction: begin, then put for each, then end, which keeps all or nothing.
 * After an error of put only end(keep = false) may follow. Nothing else may be called between. */
enum gh_db_change { GH_DB_ADDED, GH_DB_UPDATED, GH_DB_UNCHANGED };
GH_MUST_CHECK enum gh_status gh_db_import_begin(struct gh_db *db);
GH_MUST_CHECK enum gh_status gh_db_import_put(struct gh_db *db, const char *ref, const char *name,
                                              enum gh_colour status, enum gh_db_change *change);
GH_MUST_CHECK enum gh_status gh_db_import_end(struct gh_db *db, bool keep);

/* --- credentials: what was issued --- */

struct gh_db_credential {
    gh_id id;
    enum gh_kind kind;
    gh_id about; /* the person, or for housing codes the home */
    int64_t issued_at;
    int64_t expires_at; /* INT64_MAX: never */
    int64_t revoked_at; /* 0: not revoked */
};
GH_MUST_CHECK enum gh_status gh_db_credential_add(struct gh_db *db,
                                                  const struct gh_db_credential *credential);
GH_MUST_CHECK enum gh_status gh_db_credential_find(struct gh_db *db, gh_id id,
                                                   struct gh_db_credential *out);
/* When the last code of that kind was issued; INT64_MIN: none was. */
GH_MUST_CHECK enum gh_status gh_db_credential_latest(struct gh_db *db, enum gh_kind kind,
                                                     int64_t *issued_at);
/* GH_OK also when it was revoked before. A revoked housing code is no longer its home's.
 * GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_db_credential_revoke(struct gh_db *db, gh_id id, int64_t now);

/* --- people's codes and certificates as a whole --- */

/* All codes of the person that were issued until now are refused from here on: those issued before
 * *before, which is now + 1, or later if there was a recall that says so. GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_db_person_recall(struct gh_db *db, gh_id person, int64_t now,
                                                 int64_t *before);
/* Codes of the person issued before *before are refused; INT64_MIN: there was no recall. */
GH_MUST_CHECK enum gh_status gh_db_person_recalled(struct gh_db *db, gh_id person, int64_t *before);
/* The holder of foreign certificates (a keyed hash) is this person; GH_OK also when that is known.
 * GH_ERR_NOTFOUND: no such person; GH_ERR_EXISTS: the holder is somebody else. */
GH_MUST_CHECK enum gh_status gh_db_holder_link(struct gh_db *db, gh_id holder, gh_id person);
/* The person is no holder any more. GH_OK also when there was none; GH_ERR_NOTFOUND: no such
 * person.
 */
GH_MUST_CHECK enum gh_status gh_db_holders_unlink(struct gh_db *db, gh_id person);

/* --- issuers' keys: ours --- */

#define GH_KEY_FILE_BYTES 64
struct gh_db_key {
    gh_id id;             /* its key id (crypto.h), big-endian */
    enum gh_kind purpose; /* HEALTH or HOUSING */
    uint8_t raw[GH_OWN_KEY_BYTES];
    char file[GH_KEY_FILE_BYTES]; /* of the private half, in the folder of keys */
    int64_t not_before;           /* of the codes that it signs, both ends included */
    int64_t not_after;            /* INT64_MAX: the last one of its purpose */
    int64_t revoked_at;           /* 0: not revoked */
};
typedef bool gh_db_key_fn(void *context, const struct gh_db_key *key);

/* By purpose, oldest first. */
GH_MUST_CHECK enum gh_status gh_db_keys_read(struct gh_db *db, gh_db_key_fn *each, void *context);
/* One more of its purpose, the last one from now on: the one that was last signs until
 * key->not_before. revoked_at and not_after do not count. GH_ERR_REFUSED: another one waits for its
 * time already. GH_ERR_EXISTS: this key is there. */
GH_MUST_CHECK enum gh_status gh_db_key_add(struct gh_db *db, const struct gh_db_key *key,
                                           int64_t now);
/* Never to be believed again, whenever it signed. For one that waits for its time the one before it
 * goes on; for one that signs now, the one that waits takes over at once. GH_ERR_REFUSED: no other
 * could sign then; GH_ERR_NOTFOUND; GH_OK also when it was revoked before. */
GH_MUST_CHECK enum gh_status gh_db_key_revoke(struct gh_db *db, gh_id id, int64_t now);
/* SHA-256 of the area's holder secret (trust.h), by which a lost or another one is noticed.
 * GH_ERR_NOTFOUND: not written down yet. */
GH_MUST_CHECK enum gh_status gh_db_secret_find(struct gh_db *db, uint8_t sha256[GH_SHA256_BYTES]);
GH_MUST_CHECK enum gh_status gh_db_secret_set(struct gh_db *db,
                                              const uint8_t sha256[GH_SHA256_BYTES]);

/* --- issuers' keys: foreign ones --- */

struct gh_db_trusted {
    gh_id id;
    struct gh_issuer_key key; /* revoked as revoked_at says */
    int64_t revoked_at;       /* 0: not revoked */
};
typedef bool gh_db_trusted_fn(void *context, const struct gh_db_trusted *trusted);

/* In the order of the snapshot. */
GH_MUST_CHECK enum gh_status gh_db_trust_read(struct gh_db *db, gh_db_trusted_fn *each,
                                              void *context);
/* All or none; those that are there stay what they are, revoked ones too. GH_ERR_TOOBIG: there
 * would be more than `limit`. */
GH_MUST_CHECK enum gh_status gh_db_trust_add(struct gh_db *db, const struct gh_issuer_key *keys,
                                             size_t count, uint64_t limit, uint64_t *added);
/* Stays, marked, so that gates can say why they refuse; GH_OK also when it was revoked before.
 * GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_db_trust_revoke(struct gh_db *db, gh_id id, int64_t now);
GH_MUST_CHECK enum gh_status gh_db_trust_forget(struct gh_db *db, gh_id id); /* GH_ERR_NOTFOUND */

/* --- foreign certificates that were revoked --- */

struct gh_db_revocation {
    uint8_t hash[GH_REVOCATION_BYTES];
    int64_t before;     /* only if issued before then; INT64_MAX: always */
    int64_t expires_at; /* needs no mention from then on; INT64_MAX: always */
};
/* All or none. Of two about one hash the one that revokes more counts, and the later expiry.
 * *added: how many changed anything; what they say is known otherwise. GH_ERR_TOOBIG: there would
 * be more than `limit`, those that expired long ago not counted: they are forgotten here. */
GH_MUST_CHECK enum gh_status gh_db_revocations_add(struct gh_db *db,
                                                   const struct gh_db_revocation *list,
                                                   size_t count, uint64_t limit, int64_t now,
                                                   uint64_t *added);
/* Whether a certificate with this hash, issued then, is revoked now. */
GH_MUST_CHECK enum gh_status gh_db_revocation_find(struct gh_db *db,
                                                   const uint8_t hash[GH_REVOCATION_BYTES],
                                                   int64_t issued_at, int64_t now, bool *revoked);

/* --- homes --- */

enum gh_home_state {
    GH_HOME_STATE_APPLIED = 1,
    GH_HOME_STATE_INSPECTED = 2,
    GH_HOME_STATE_REFUSED = 3,
    GH_HOME_STATE_APPROVED = 4,
};
struct gh_db_home {
    gh_id id;
    const char *address;
    const char *owner; /* a user's name */
    enum gh_home_state state;
    gh_id credential; /* of its current housing code; 0: none yet */
    const char *code; /* its text; NULL: none yet */
};
typedef bool gh_db_home_fn(void *context, const struct gh_db_home *home);

GH_MUST_CHECK enum gh_status gh_db_home_add(struct gh_db *db, gh_id id, const char *address,
                                            const char *owner, int64_t now);
GH_MUST_CHECK enum gh_status gh_db_homes_read(struct gh_db *db, const char *owner, /* NULL: all */
                                              gh_db_home_fn *each, void *context);
GH_MUST_CHECK enum gh_status gh_db_home_read(struct gh_db *db, gh_id id, gh_db_home_fn *each,
                                             void *context); /* GH_ERR_NOTFOUND */
GH_MUST_CHECK enum gh_status gh_db_home_members(struct gh_db *db, gh_id id, gh_db_id_fn *each,
                                                void *context);
/* These three: GH_ERR_NOTFOUND (the home, or the person), GH_ERR_REFUSED (the home's state does not
 * allow it). note may be NULL. GH_ERR_TOOBIG: the person has GH_LIST_HOMES_MAX homes already. */
GH_MUST_CHECK enum gh_status gh_db_home_inspect(struct gh_db *db, gh_id id, bool passed,
                                                const char *note);
GH_MUST_CHECK enum gh_status gh_db_home_approve(struct gh_db *db, gh_id id);
GH_MUST_CHECK enum gh_status gh_db_home_put_member(struct gh_db *db, gh_id id, gh_id person);
/* GH_OK also when the person was no member; GH_ERR_NOTFOUND for the home. */
GH_MUST_CHECK enum gh_status gh_db_home_drop_member(struct gh_db *db, gh_id id, gh_id person);
/* The home's new code: its credential is written down, the one before is revoked. GH_ERR_NOTFOUND,
 * GH_ERR_REFUSED unless approved. */
GH_MUST_CHECK enum gh_status gh_db_home_set_code(struct gh_db *db, gh_id id, const char *code,
                                                 const struct gh_db_credential *credential);

/* --- gates --- */

enum gh_gate_state { GH_GATE_WAITING = 1, GH_GATE_ENROLLED = 2, GH_GATE_SHUT_OUT = 3 };
#define GH_GATE_NAME_BYTES 101
struct gh_db_gate {
    gh_id id;
    char name[GH_GATE_NAME_BYTES];
    enum gh_gate_state state;
    uint8_t token_sha256[GH_SHA256_BYTES]; /* of the enrolment code */
    int64_t token_expires_at;
    uint8_t secret_sha256[GH_SHA256_BYTES]; /* once enrolled */
    int64_t last_seen_at;                   /* 0: never; up to a minute late */
    uint64_t last_sequence;
    uint64_t alarms;
};
typedef bool gh_db_gate_fn(void *context, const struct gh_db_gate *gate);

/* id, name, token_sha256 and token_expires_at of *gate count. */
GH_MUST_CHECK enum gh_status gh_db_gate_add(struct gh_db *db, const struct gh_db_gate *gate,
                                            int64_t now);
GH_MUST_CHECK enum gh_status gh_db_gate_find(struct gh_db *db, gh_id id,
                                             struct gh_db_gate *out); /* GH_ERR_NOTFOUND */
GH_MUST_CHECK enum gh_status gh_db_gates_read(struct gh_db *db, gh_db_gate_fn *each, void *context);
/* From waiting to enrolled; GH_ERR_REFUSED in any other state. */
GH_MUST_CHECK enum gh_status gh_db_gate_enrol(struct gh_db *db, gh_id id,
                                              const uint8_t secret_sha256[GH_SHA256_BYTES],
                                              int64_t now);
GH_MUST_CHECK enum gh_status gh_db_gate_shut_out(struct gh_db *db, gh_id id); /* GH_ERR_NOTFOUND */
struct gh_db_seen {
    gh_id gate;
    int64_t at;
};
/* When they were seen last. */
GH_MUST_CHECK enum gh_status gh_db_gates_seen(struct gh_db *db, const struct gh_db_seen *seen,
                                              size_t count);

struct gh_db_counts {
    uint64_t entries, refused, alarms, gates, generation;
};
GH_MUST_CHECK enum gh_status gh_db_count(struct gh_db *db, struct gh_db_counts *out);

#endif
