/* SPDX-License-Identifier: Apache-2.0 */
/* What the server keeps, in the words of its domain. Only db_sqlite*.c knows the database behind.
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

#include "gatehouse/announcement.h"
#include "gatehouse/bytes.h"
#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"
#include "gatehouse/entry.h"
#include "gatehouse/list.h"
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

/* --- alarms: what an administrator must hear of --- */

enum gh_alarm {
    GH_ALARM_GAP = 1,
    GH_ALARM_FORK,
    GH_ALARM_BROKEN,
    GH_ALARM_NOT_AN_ENTRY,
    GH_ALARM_CLONED,
    GH_ALARM_LIST_REFUSED,
    GH_ALARM_PRUNED_EARLY,
    GH_ALARM_OLDER_DATABASE,
    GH_ALARM_FORCED,
    GH_ALARM_TAMPER,
    GH_ALARM_FIRE,
    GH_ALARM_END
};
const char *gh_alarm_name(enum gh_alarm alarm); /* protocol.md, section 5 */
/* One row for each gate and kind an hour, which counts what follows; a new row is counted at the
 * gate, too. text: one sentence, no names. sequence 0: none. In a transaction of its own, or of the
 * caller's. */
GH_MUST_CHECK enum gh_status gh_db_alarm_add(struct gh_db *db, gh_id gate, enum gh_alarm alarm,
                                             uint64_t sequence, const char *text, int64_t now);
/* How often each was raised since the database was opened; from memory, of any thread. */
void gh_db_alarms_raised(const struct gh_db *db, uint64_t out[GH_ALARM_END]);

struct gh_db_alarm {
    uint64_t row;
    int64_t at, last_at; /* of the first, and of the last that it counts */
    uint64_t count;
    gh_id gate;
    const char *gate_name;
    enum gh_alarm kind;
    uint64_t sequence; /* of the first; 0: none */
    const char *text;  /* likewise */
};
typedef bool gh_db_alarm_fn(void *context, const struct gh_db_alarm *alarm);
/* By row, after `after`; gate 0: any. */
GH_MUST_CHECK enum gh_status gh_db_alarms_read(struct gh_db *db, uint64_t after, gh_id gate,
                                               unsigned limit, gh_db_alarm_fn *each, void *context);

/* --- entries --- */

#define GH_REFUSAL_BYTES 128
#define GH_DB_BOOT_BYTES 16

/* One item of a batch. In: what was received, and in `refusal` why it is no acceptable entry ("" if
 * nothing is wrong with it as such). Out: what became of it. */
struct gh_db_item {
    uint64_t sequence; /* 0: unknown */
    const char *text;  /* canonical form; of what is refused, whatever there is */
    size_t text_size;
    uint8_t hash[GH_SHA256_BYTES]; /* of text */
    uint8_t previous[GH_SHA256_BYTES];
    enum gh_entry_type type;
    gh_id subject, home;
    int64_t time_ms;                /* by the gate's clock; 0: which it does not trust */
    uint8_t boot[GH_DB_BOOT_BYTES]; /* all zero: not said */
    /* What it is an alarm of, though it is stored, or because it is refused; 0: nothing */
    enum gh_alarm alarm;
    const char *alarm_text; /* of one that is stored; static */
    /* PRUNE: the receipt that it names, whose signature is good; through 0: none */
    uint64_t receipt_through;
    uint8_t receipt_hash[GH_SHA256_BYTES];
    /* PASSAGE that opened: which way the gate leads; NONE: no movement */
    enum gh_direction direction;
    uint64_t unused;    /* DOOR: the passage after which nobody went through; 0: none */
    gh_id announcement; /* ANNOUNCEMENT: which, and what became of it; 0: none */
    enum gh_announcement_event announced;
    char refusal[GH_REFUSAL_BYTES];
};
struct gh_db_batch {
    uint64_t acknowledged; /* what needs no sending again; never beyond the batch */
    uint64_t stored, known;
    /* All entries up to `acknowledged` are stored, and this is the hash of that one. */
    bool whole;
    uint8_t hash[GH_SHA256_BYTES];
};
/* Store batches of gates', several in one transaction; refused items are kept aside and are alarms,
 * each once. Begin, then put for each, then end, whatever put has said.
 * What fails in one batch is undone in that one alone; none is durable before end returns GH_OK,
 * and after any other status nothing of any of them is there. Nothing else may be called between.
 */
struct gh_db_group {
    struct gh_db *db;
    enum gh_status lost; /* GH_OK, or why the whole transaction is undone already */
};
GH_MUST_CHECK enum gh_status gh_db_group_begin(struct gh_db *db, struct gh_db_group *out);
GH_MUST_CHECK enum gh_status gh_db_group_put(struct gh_db_group *group, gh_id gate,
                                             struct gh_db_item *items, size_t count, int64_t now,
                                             struct gh_db_batch *out);
/* Another connection waits for its turn: time to end. */
bool gh_db_group_is_waited_for(const struct gh_db_group *group);
GH_MUST_CHECK enum gh_status gh_db_group_end(struct gh_db_group *group);

struct gh_db_entry {
    uint64_t row;
    gh_id gate;
    const char *gate_name;
    int64_t received_at;
    const char *name;    /* of the person; NULL: none or not known */
    const char *address; /* of the home; likewise */
    const char *text;    /* canonical JSON */
};
struct gh_db_entry_filter {
    uint64_t after; /* row; 0: from the first */
    unsigned limit;
    gh_id gate;              /* 0: any */
    enum gh_entry_type type; /* if any_type is false */
    bool any_type;
    int64_t from, until; /* received from then on, and before; 0: any time */
};
typedef bool gh_db_entry_fn(void *context, const struct gh_db_entry *entry);
GH_MUST_CHECK enum gh_status gh_db_entries_read(struct gh_db *db,
                                                const struct gh_db_entry_filter *filter,
                                                gh_db_entry_fn *each, void *context);

/* What was refused and kept aside: the dead letters. */
struct gh_db_refused {
    uint64_t row;
    int64_t received_at;
    gh_id gate;
    const char *gate_name;
    uint64_t sequence;
    const char *reason;
    struct gh_bytes text; /* as much as was kept of it, any bytes */
};
typedef bool gh_db_refused_fn(void *context, const struct gh_db_refused *refused);
/* By row, after `after`; gate 0: any. */
GH_MUST_CHECK enum gh_status gh_db_refused_read(struct gh_db *db, uint64_t after, gh_id gate,
                                                unsigned limit, gh_db_refused_fn *each,
                                                void *context);

/* --- entries: how they are kept --- */

/* What stands in the place of a gate's first entries: all up to checkpoint.through are gone, but
 * for the hash of that one. */
struct gh_db_chain {
    uint64_t last;                /* the highest number ever stored */
    struct gh_receipt checkpoint; /* through 0: none */
};
GH_MUST_CHECK enum gh_status gh_db_chain_find(struct gh_db *db, gh_id gate,
                                              struct gh_db_chain *out); /* GH_ERR_NOTFOUND */
struct gh_db_link {
    uint64_t sequence;
    uint8_t hash[GH_SHA256_BYTES], previous[GH_SHA256_BYTES];
    struct gh_bytes text; /* empty: the contents are gone */
};
typedef bool gh_db_link_fn(void *context, const struct gh_db_link *link);
/* By number, after `after`. */
GH_MUST_CHECK enum gh_status gh_db_chain_read(struct gh_db *db, gh_id gate, uint64_t after,
                                              unsigned limit, gh_db_link_fn *each, void *context);

/* Look at up to `limit` entries of a type, at most GH_DB_ERASE_MAX, behind the row *after; those
 * received before `before` become husks: number, hash, and the hash of the one before. Ends at the
 * first that is younger; one from what is the future now waits for its own time, and keeps nothing
 * behind it waiting. *after: to go on from; 0: from the first again. */
#define GH_DB_ERASE_MAX 256
GH_MUST_CHECK enum gh_status gh_db_entries_erase(struct gh_db *db, enum gh_entry_type type,
                                                 int64_t before, int64_t now, unsigned limit,
                                                 uint64_t *after, unsigned *erased);
/* Of the first gate with husks behind *gate (0: any): up to where nothing but husks follows on its
 * checkpoint, with the hash; through 0: nowhere. At most `limit` more than now. *gate 0: there is
 * no such gate. */
GH_MUST_CHECK enum gh_status gh_db_husks_find(struct gh_db *db, gh_id *gate, unsigned limit,
                                              struct gh_receipt *out);
/* Husks go up to there, and the receipt, which is signed, is the gate's checkpoint. GH_ERR_REFUSED:
 * they are not what it says. */
GH_MUST_CHECK enum gh_status gh_db_checkpoint_set(struct gh_db *db, gh_id gate,
                                                  const struct gh_receipt *receipt);
/* Those from before `before`, at most `limit`. */
GH_MUST_CHECK enum gh_status gh_db_refused_drop(struct gh_db *db, int64_t before, unsigned limit);
GH_MUST_CHECK enum gh_status gh_db_alarms_drop(struct gh_db *db, int64_t before, unsigned limit);

/* --- news (protocol.md, section 7): movements, and announcements. They are numbered together, and
 * a number is never given twice. --- */

/* From memory, of any thread: what is committed. Of a database that was opened anew `common` is the
 * last number that was given. */
struct gh_db_news {
    uint64_t common;       /* announcements to all */
    uint64_t moved;        /* the last movement, */
    gh_id moved_at;        /* at which gate, */
    uint64_t moved_before; /* and the last one at any other gate */
};
struct gh_db_news gh_db_news_now(const struct gh_db *db);
/* The last number that is for this gate, which did not see its own movements as news. */
uint64_t gh_db_news_number(const struct gh_db_news *news, gh_id gate);

/* Movements are made of entries that are stored from now on, for all connections: those of the last
 * forgive_s seconds by a clock that was trusted. 0: none are. */
void gh_db_movements_keep(struct gh_db *db, int64_t forgive_s);

struct gh_db_news_row {
    uint64_t number;
    struct gh_bytes announcement; /* as it was signed; empty: it is a movement */
    gh_id gate, subject;
    enum gh_direction direction;
    int64_t at_ms;
    bool undone;
};
typedef bool gh_db_news_fn(void *context, const struct gh_db_news_row *row);
/* What there is for the gate, by number, after `after` and up to `through`: other gates' movements,
 * each person's last one alone, and what was undone (not after 0: who asks so has nothing to
 * forget); announcements to it or to all that have not expired, cancelled ones too. */
GH_MUST_CHECK enum gh_status gh_db_news_read(struct gh_db *db, gh_id gate, uint64_t after,
                                             uint64_t through, int64_t now, unsigned limit,
                                             gh_db_news_fn *each, void *context);
/* What is nobody's news any more, at most `limit` rows of each kind; and announcements that were
 * sent before `before` and have expired, with what became of them. */
GH_MUST_CHECK enum gh_status gh_db_news_drop(struct gh_db *db, int64_t now, int64_t before,
                                             unsigned limit);

#define GH_ANNOUNCEMENT_TEXT_BYTES 201
struct gh_db_announcement {
    struct gh_announcement said; /* until_s: when it expires */
    int64_t sent_at, ms;         /* ms: how long it takes, once */
    const char *text;
    struct gh_bytes signature;                 /* the whole of what is signed */
    uint64_t told[GH_ANNOUNCEMENT_SILENT + 1]; /* read only: how many gates said so, by event */
};
typedef bool gh_db_announcement_fn(void *context, const struct gh_db_announcement *announcement);
/* *number: of the news that it is. GH_ERR_TOOBIG: GH_ANNOUNCEMENTS_MAX are alive at `sent_at`. */
GH_MUST_CHECK enum gh_status gh_db_announcement_add(struct gh_db *db,
                                                    const struct gh_db_announcement *announcement,
                                                    uint64_t *number);
/* Another signature in the place of the one there; `cancelled`: it is news once more, and *number
 * the new one. GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_db_announcement_sign(struct gh_db *db, gh_id id,
                                                     struct gh_bytes signature, bool cancelled,
                                                     uint64_t *number);
/* Those that expire after `alive_at` (INT64_MIN: all); id 0: any. Newest first. GH_OK also when
 * there are none. */
GH_MUST_CHECK enum gh_status gh_db_announcements_read(struct gh_db *db, gh_id id, int64_t alive_at,
                                                      gh_db_announcement_fn *each, void *context);

struct gh_db_counts {
    uint64_t entries, refused, alarms, gates, generation;
};
GH_MUST_CHECK enum gh_status gh_db_count(struct gh_db *db, struct gh_db_counts *out);

/* --- the list --- */

/* The newest generation that is committed; from memory, of any thread. */
uint64_t gh_db_generation(const struct gh_db *db);

/* A new generation if what the manifest says besides the list (policy, keys, area) is not what it
 * said last; `fingerprint` stands for it. */
GH_MUST_CHECK enum gh_status gh_db_list_settings(struct gh_db *db,
                                                 const uint8_t fingerprint[GH_SHA256_BYTES]);
struct gh_db_snapshot {
    struct gh_generation generation; /* number 0: none */
    uint8_t sha256[GH_SHA256_BYTES]; /* of the file */
    uint64_t bytes;                  /* likewise */
    int64_t made_at;
    uint64_t people; /* in it */
};
struct gh_db_list_state {
    struct gh_generation now;
    struct gh_db_snapshot snapshot; /* the one that was built last */
    /* What may stand otherwise since the snapshot; UINT64_MAX: no delta leads from it. */
    uint64_t changes;
};
GH_MUST_CHECK enum gh_status gh_db_list_state(struct gh_db *db, struct gh_db_list_state *out);
GH_MUST_CHECK enum gh_status gh_db_list_built(struct gh_db *db,
                                              const struct gh_db_snapshot *snapshot);
/* A new generation in which nothing else is new. */
GH_MUST_CHECK enum gh_status gh_db_list_bump(struct gh_db *db);
/* Likewise, with this number. GH_ERR_INVALID: it is not a later one. */
GH_MUST_CHECK enum gh_status gh_db_list_jump(struct gh_db *db, uint64_t number);
/* The things on the list that may stand otherwise since `from`, at most (some may be counted
 * twice). GH_ERR_NOTFOUND: that is not known: from another past, too long ago, or too much has
 * changed. */
GH_MUST_CHECK enum gh_status gh_db_list_distance(struct gh_db *db, const struct gh_generation *from,
                                                 uint64_t *changes);
/* *other: the database knows a generation of that number, and it is another one. */
GH_MUST_CHECK enum gh_status
gh_db_list_is_other(struct gh_db *db, const struct gh_generation *generation, bool *other);
/* What expired before `cutoff` is not on the list from now on (and what did not, is): revoked
 * credentials and foreign certificates, and recalls, when all codes they are about have. A new
 * generation if anything comes or goes. */
GH_MUST_CHECK enum gh_status gh_db_list_age(struct gh_db *db, int64_t cutoff);
GH_MUST_CHECK enum gh_status gh_db_list_cutoff(struct gh_db *db, int64_t *cutoff);
/* About when a manifest was signed last, which is no change of the list; 0: never. */
GH_MUST_CHECK enum gh_status gh_db_list_signed(struct gh_db *db, int64_t *at);
GH_MUST_CHECK enum gh_status gh_db_list_set_signed(struct gh_db *db, int64_t at);

/* How things stand on the list. Each function returns false to stop (GH_ERR_AGAIN then). homes:
 * approved ones, ascending, at most GH_LIST_HOMES_MAX. */
#define GH_HEALTH_VALID_MAX_S INT64_C(31536000) /* no code of a person is valid for longer */
struct gh_db_list_visitor {
    bool (*home)(void *context, gh_id home);
    bool (*subject)(void *context, gh_id subject, enum gh_colour colour, const gh_id *homes,
                    size_t home_count);
    bool (*revoked)(void *context, gh_id credential);
    bool (*recalled)(void *context, gh_id subject, int64_t before_s);
    bool (*hash)(void *context, const uint8_t hash[GH_REVOCATION_BYTES], int64_t before_s);
    bool (*holder)(void *context, gh_id holder, gh_id subject);
    bool (*key)(void *context, const struct gh_issuer_key *key);
    void *context;
};
/* Everything, at one moment, in the order of the snapshot, which is that of the functions.
 * *generation: the one that was read. */
GH_MUST_CHECK enum gh_status gh_db_list_read(struct gh_db *db,
                                             const struct gh_db_list_visitor *visitor,
                                             struct gh_generation *generation);
/* What is not on the list any more. */
struct gh_db_drop_visitor {
    bool (*home)(void *context, gh_id home);
    bool (*subject)(void *context, gh_id subject);
    bool (*revoked)(void *context, gh_id credential);
    bool (*recalled)(void *context, gh_id subject);
    bool (*hash)(void *context, const uint8_t hash[GH_REVOCATION_BYTES]);
    bool (*holder)(void *context, gh_id holder);
    bool (*keys)(void *context); /* all of them; those that there are follow */
    void *context;
};
/* What may stand otherwise since `from`, each thing once, at one moment: how it stands (put), or
 * that it does not (drop). *to: the generation that was read. GH_ERR_NOTFOUND as above. */
GH_MUST_CHECK enum gh_status gh_db_list_read_since(struct gh_db *db,
                                                   const struct gh_generation *from,
                                                   const struct gh_db_list_visitor *put,
                                                   const struct gh_db_drop_visitor *drop,
                                                   struct gh_generation *to);

#endif
