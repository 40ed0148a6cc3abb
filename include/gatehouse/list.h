/* SPDX-License-Identifier: Apache-2.0 */
/* The list: what a gate knows. A signed manifest names a generation, its policy, the issuers' keys
 * and a snapshot, by its SHA-256; a signed delta leads from one generation to a later one. The gate
 * keeps what they say in a folder: one SQLite file, which a snapshot replaces whole and a delta
 * changes in one transaction, so that no look-up ever sees half a list. Formats: docs/protocol.md.
 */
#ifndef GATEHOUSE_LIST_H
#define GATEHOUSE_LIST_H

#include <stdatomic.h>

#include "gatehouse/bytes.h"
#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"
#include "gatehouse/policy.h"
#include "gatehouse/trust.h"

/* --- manifest --- */
#define GH_LIST_KEYS_MAX 32
#define GH_MANIFEST_MAX_BYTES 32768
#define GH_AREA_BYTES 64

/* One numbered state of a list. The tag is drawn when the generation is made: two generations of
 * one number that are not the same (the server's database was put back from a backup) have two. */
#define GH_LIST_TAG_BYTES 8
struct gh_generation {
    uint64_t number; /* from 1; 0: none */
    uint8_t tag[GH_LIST_TAG_BYTES];
};
bool gh_generation_same(const struct gh_generation *a, const struct gh_generation *b);

struct gh_manifest {
    char area[GH_AREA_BYTES]; /* 1..63 bytes, UTF-8; the gates of one area share a list */
    uint64_t generation;      /* from 1, never goes back */
    uint8_t tag[GH_LIST_TAG_BYTES];
    int64_t issued_at_s; /* of this manifest: its age is the list's age */
    /* The snapshot to begin from: of this generation, or of an earlier one, from which a delta
     * leads here. */
    struct gh_generation snapshot;
    uint8_t snapshot_sha256[GH_SHA256_BYTES]; /* of the compressed file, as it is fetched */
    uint64_t snapshot_bytes;                  /* likewise */
    struct gh_policy policy;
    struct gh_issuer_key keys[GH_LIST_KEYS_MAX]; /* of our own codes; revoked ones stay, marked */
    size_t key_count;
    uint8_t holder_secret[GH_HOLDER_SECRET_BYTES]; /* trust.h; all zero: none */
}; /* some 40 KB: keep it off the stacks of threads that have little */

struct gh_generation gh_manifest_generation(const struct gh_manifest *manifest);

/* COSE_Sign1 over the manifest's CBOR with external_aad "gatehouse list manifest v1". Append to
 * writer. GH_ERR_INVALID for what gh_manifest_read would refuse, GH_ERR_TOOBIG. */
GH_MUST_CHECK enum gh_status gh_manifest_write(const struct gh_private_key *list_key,
                                               const struct gh_manifest *manifest,
                                               struct gh_writer *writer);
/* Verify, then believe: GH_ERR_SIGNATURE, GH_ERR_CORRUPT (not signed at all, or signed, but not a
 * manifest), GH_ERR_TOOBIG. Map keys behind those that this build knows are passed over; what must
 * not be passed over comes with another version. *out is all zero on error. */
GH_MUST_CHECK enum gh_status gh_manifest_read(const struct gh_public_key *list_key,
                                              struct gh_bytes bytes, struct gh_manifest *out,
                                              struct gh_error *err);

/* --- snapshot: the whole list at one generation, sorted and compressed (docs/protocol.md). One
 * pass, little memory: some 10 bytes for each approved home, and one block. --- */
struct gh_snapshot_writer; /* opaque */

/* Writes to fd (borrowed) from where it stands. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_snapshot_writer_new(int fd, struct gh_snapshot_writer **out);
/* In the order of these functions; within each, ascending by what comes first and none twice. What
 * is out of order, no identifier, or too much is remembered as GH_ERR_INVALID and said by finish;
 * after an error nothing more is done. */
#define GH_LIST_HOMES_MAX 64 /* of one person */
void gh_snapshot_writer_home(struct gh_snapshot_writer *writer,
                             gh_id home); /* approved ones only */
/* homes: ascending, all put before. */
void gh_snapshot_writer_subject(struct gh_snapshot_writer *writer, gh_id subject,
                                enum gh_colour colour, const gh_id *homes, size_t home_count);
void gh_snapshot_writer_revoked(struct gh_snapshot_writer *writer, gh_id credential);
/* Codes of the person that were issued before before_s are refused: a phone was lost. */
void gh_snapshot_writer_recalled(struct gh_snapshot_writer *writer, gh_id subject,
                                 int64_t before_s);
/* A foreign certificate, by one of its hashes (credential.h); before_s: only if issued before then;
 * INT64_MAX: always. */
void gh_snapshot_writer_hash(struct gh_snapshot_writer *writer,
                             const uint8_t hash[GH_REVOCATION_BYTES], int64_t before_s);
/* The holder of foreign certificates (a keyed hash, trust.h) is this person. */
void gh_snapshot_writer_holder(struct gh_snapshot_writer *writer, gh_id holder, gh_id subject);
/* A foreign issuer's key: purposes HCERT or SHC; by purposes, key_id, raw, issuer. Gates refuse a
 * list whose keys, together with the manifest's, make no trust: try gh_trust_new before. */
void gh_snapshot_writer_key(struct gh_snapshot_writer *writer, const struct gh_issuer_key *key);
/* Write what is left. *bytes and sha256: of all that was written. Not synced. The first error of
 * all: GH_ERR_INVALID, GH_ERR_NOSPACE, GH_ERR_IO, GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_snapshot_writer_finish(struct gh_snapshot_writer *writer,
                                                       uint8_t sha256[GH_SHA256_BYTES],
                                                       uint64_t *bytes);
void gh_snapshot_writer_free(struct gh_snapshot_writer *writer); /* NULL is fine */

/* --- delta: what changed, as it stands at the later generation. Records may come in any order of
 * kinds, but each thing once. Each function appends one record to a writer of the caller's. --- */
void gh_delta_put_subject(struct gh_writer *writer, gh_id subject, enum gh_colour colour,
                          const gh_id *homes, size_t home_count); /* all of the person's */
void gh_delta_put_home(struct gh_writer *writer, gh_id home);
void gh_delta_put_revoked(struct gh_writer *writer, gh_id credential);
void gh_delta_put_recalled(struct gh_writer *writer, gh_id subject, int64_t before_s);
void gh_delta_put_hash(struct gh_writer *writer, const uint8_t hash[GH_REVOCATION_BYTES],
                       int64_t before_s);
void gh_delta_put_holder(struct gh_writer *writer, gh_id holder, gh_id subject);
/* What is not on the list any more; GH_OK to the gate also where it was not there. */
void gh_delta_drop_subject(struct gh_writer *writer, gh_id subject);
void gh_delta_drop_home(struct gh_writer *writer, gh_id home);
void gh_delta_drop_revoked(struct gh_writer *writer, gh_id credential);
void gh_delta_drop_recalled(struct gh_writer *writer, gh_id subject);
void gh_delta_drop_hash(struct gh_writer *writer, const uint8_t hash[GH_REVOCATION_BYTES]);
void gh_delta_drop_holder(struct gh_writer *writer, gh_id holder);
/* Foreign keys change as a whole: first this, then all that there are. */
void gh_delta_clear_keys(struct gh_writer *writer);
void gh_delta_put_key(struct gh_writer *writer, const struct gh_issuer_key *key);

#define GH_DELTA_RECORD_MAX_BYTES 1024
#define GH_DELTA_MAX_BYTES (16u << 20) /* of records, compressed or not */
#define GH_DELTA_HEADER_MAX_BYTES 1024

struct gh_delta_header {
    char area[GH_AREA_BYTES];
    struct gh_generation from, to;
};
/* Sign and compress. Append the header (COSE_Sign1, external_aad "gatehouse list delta v1", which
 * names the records by their SHA-256) to header_out; *records_out (malloc'ed, the caller's) goes
 * beside it. Records are not looked at. GH_ERR_INVALID (no area, or it does not lead forwards),
 * GH_ERR_TOOBIG, GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_delta_seal(const struct gh_private_key *list_key,
                                           const struct gh_delta_header *delta,
                                           struct gh_bytes records, struct gh_writer *header_out,
                                           uint8_t **records_out, size_t *records_bytes);
/* Verify, then believe: as gh_manifest_read. Says what it leads from and to; the records are looked
 * at when they are applied. */
GH_MUST_CHECK enum gh_status gh_delta_read(const struct gh_public_key *list_key,
                                           struct gh_bytes header, struct gh_delta_header *out,
                                           struct gh_error *err);

/* A delta on its way: both as received; header.size 0: there is none. */
struct gh_delta {
    struct gh_bytes header, records;
};

/* --- the gate's list: a folder (made if it is not there, 0700) with one SQLite file, named by the
 * generation it was built at; deltas are applied to it in place, in WAL mode. One writer at a time
 * (GH_ERR_BUSY); readers in other threads, and any number of processes, beside it. --- */

/* What is at hand. GH_ERR_NOTFOUND: no list that can be read and verified under this key. */
GH_MUST_CHECK enum gh_status gh_list_head(const char *folder, const struct gh_public_key *list_key,
                                          struct gh_manifest *out);
/* Build from a snapshot in a file, and the delta from the snapshot's generation to the manifest's
 * (none where they are the same), beside the list that is there; sync, rename, and only then remove
 * the one before. manifest: its bytes as received, kept. Everything is checked before it counts;
 * on any error the old list stands: GH_ERR_CORRUPT (size or SHA-256 is not the manifest's, a bad
 * record, keys that make no trust, a delta that leads from or to elsewhere), GH_ERR_SIGNATURE,
 * GH_ERR_ROLLBACK (older than the one at hand, by generation, or the same generation and issued
 * before), GH_ERR_NOSPACE, GH_ERR_READONLY, GH_ERR_IO, GH_ERR_NOMEM. *cancel (NULL: never) is
 * looked at now and then: GH_ERR_AGAIN. GH_ERR_BUSY; GH_ERR_NOTFOUND, GH_ERR_EXISTS (the folder
 * cannot be made). Memory: some 10 bytes for each home, besides 16 MiB. */
GH_MUST_CHECK enum gh_status gh_list_install(const char *folder,
                                             const struct gh_public_key *list_key,
                                             struct gh_bytes manifest, const char *snapshot_path,
                                             const struct gh_delta *delta,
                                             const atomic_bool *cancel, struct gh_error *err);
/* Apply a delta from the generation at hand to the manifest's, in one transaction, durable when it
 * returns GH_OK. Errors as above, and GH_ERR_NOTFOUND (no list at hand); the list is as before. */
GH_MUST_CHECK enum gh_status gh_list_apply(const char *folder, const struct gh_public_key *list_key,
                                           struct gh_bytes manifest, const struct gh_delta *delta,
                                           struct gh_error *err);
/* A newer manifest of the very same generation: the age starts anew. Written to the card only if
 * the one there is older by GH_LIST_RENEW_S or more: after a cut of power the list counts as a
 * little older than it is, which is the safe side. GH_ERR_ROLLBACK, GH_ERR_INVALID (another
 * generation), and as above. */
#define GH_LIST_RENEW_S 600
GH_MUST_CHECK enum gh_status gh_list_renew(const char *folder, const struct gh_public_key *list_key,
                                           struct gh_bytes manifest, struct gh_error *err);

/* Remove what a writer left behind that was killed: a list half built, and those before the one at
 * hand. They take the room that the next one needs. */
void gh_list_tidy(const char *folder, const struct gh_public_key *list_key);

struct gh_list; /* a view of one generation, read-only; one thread at a time */

/* Opens the list at hand and verifies its manifest. GH_ERR_NOTFOUND, GH_ERR_CORRUPT,
 * GH_ERR_SIGNATURE. It goes on being readable when another one is installed; what asks it after a
 * delta was applied gets GH_ERR_AGAIN: open it anew. */
GH_MUST_CHECK enum gh_status gh_list_open_latest(const char *folder,
                                                 const struct gh_public_key *list_key,
                                                 struct gh_list **out, struct gh_error *err);
/* The view's list was issued anew, then: its age counts from there. Earlier times change nothing.
 */
void gh_list_touch(struct gh_list *list, int64_t issued_at_s);
/* For comparing two lists: SHA-256 over everything that the generation holds, sorted; does not
 * depend on how the list came to be, nor on when its manifest was signed. Reads all of it.
 * GH_ERR_AGAIN, GH_ERR_CORRUPT, GH_ERR_IO, GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_list_digest(struct gh_list *list, uint8_t out[GH_SHA256_BYTES]);
void gh_list_close(struct gh_list *list);
const struct gh_manifest *
gh_list_manifest(const struct gh_list *list); /* lives as long as the list */
/* All issuers' keys that the list knows: the manifest's and the snapshot's, made when they are
 * found first (gh_trust_new_checked). GH_ERR_AGAIN, GH_ERR_CORRUPT, GH_ERR_IO, GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_list_trust(struct gh_list *list, struct gh_trust **out);

/* What the list says about what was shown. */
struct gh_answers {
    bool have_list;
    int64_t issued_at_s; /* of the manifest; 0 without a list */
    uint64_t generation;
    gh_id subject; /* whom health is about: its own subject, or of a certificate, or of a code that
                      the authority answered for, the person that its holder is known as (else the
                      keyed hash itself); 0 without */
    bool subject_known;
    enum gh_colour subject_colour;
    bool subject_has_home; /* a member of at least one approved home */
    bool home_approved;
    bool member;                          /* of the very home whose code was shown */
    bool health_revoked, housing_revoked; /* the credential, its hashes, or all of the person's */
};
/* All answers are of one generation. GH_ERR_AGAIN: see gh_list_open_latest.
 * Either credential may be NULL (then its answers are false). list may be NULL. A failing look-up
 * (disk) is GH_ERR_IO or GH_ERR_CORRUPT: *out then says have_list = false, so that nobody is let in
 * by it. */
GH_MUST_CHECK enum gh_status gh_list_ask(struct gh_list *list, const struct gh_credential *health,
                                         const struct gh_credential *housing,
                                         struct gh_answers *out);

struct gh_list_counts {
    uint64_t subjects, homes, members, revoked;
};
/* Kept with the list: nothing is counted. Errors as gh_list_trust. */
GH_MUST_CHECK enum gh_status gh_list_count(struct gh_list *list, struct gh_list_counts *out);

#endif
