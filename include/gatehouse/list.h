/* SPDX-License-Identifier: Apache-2.0 */
/* The list: what a gate knows. A signed manifest names a generation, its policy, the issuers' keys
 * and the snapshot, by its SHA-256; the gate keeps both in one SQLite file that is replaced whole.
 * Formats: docs/protocol.md. */
#ifndef GATEHOUSE_LIST_H
#define GATEHOUSE_LIST_H

#include "gatehouse/bytes.h"
#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"
#include "gatehouse/policy.h"
#include "gatehouse/trust.h"

/* --- manifest --- */
#define GH_LIST_KEYS_MAX 32
#define GH_MANIFEST_MAX_BYTES 32768
#define GH_AREA_BYTES 64

struct gh_manifest {
    char area[GH_AREA_BYTES]; /* 1..63 bytes, UTF-8; the gates of one area share a list */
    uint64_t generation;      /* from 1, never goes back */
    int64_t issued_at_s;      /* of this manifest: its age is the list's age */
    uint8_t snapshot_sha256[GH_SHA256_BYTES];
    uint64_t snapshot_bytes;
    struct gh_policy policy;
    struct gh_issuer_key keys[GH_LIST_KEYS_MAX]; /* of our own codes; revoked ones stay, marked */
    size_t key_count;
    uint8_t holder_secret[GH_HOLDER_SECRET_BYTES]; /* trust.h; all zero: none */
}; /* some 40 KB: keep it off the stacks of threads that have little */

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

/* --- snapshot: a CBOR sequence (RFC 8742) of records, as the server writes it, in the order of the
 * functions below, each sort ascending by what comes first in it, none twice. Each function appends
 * one record. --- */
void gh_snapshot_put_subject(struct gh_writer *writer, gh_id subject, enum gh_colour colour);
void gh_snapshot_put_home(struct gh_writer *writer, gh_id home); /* approved ones only */
void gh_snapshot_put_member(struct gh_writer *writer, gh_id home, gh_id subject);
void gh_snapshot_put_revoked(struct gh_writer *writer, gh_id credential);
/* Codes of the person that were issued before before_s are refused: a phone was lost. */
void gh_snapshot_put_recalled(struct gh_writer *writer, gh_id subject, int64_t before_s);
/* A foreign certificate, by one of its hashes (credential.h); before_s: only if issued before then;
 * INT64_MAX: always. */
void gh_snapshot_put_revoked_hash(struct gh_writer *writer, const uint8_t hash[GH_REVOCATION_BYTES],
                                  int64_t before_s);
/* The holder of foreign certificates (a keyed hash, trust.h) is this person. */
void gh_snapshot_put_holder(struct gh_writer *writer, gh_id holder, gh_id subject);
/* A foreign issuer's key: purposes HCERT or SHC; sorted by purposes, key_id, raw, issuer. For what
 * is none of these nothing is written and the writer overflows. Gates refuse a list whose keys,
 * together with the manifest's, make no trust: try gh_trust_new before. */
void gh_snapshot_put_key(struct gh_writer *writer, const struct gh_issuer_key *key);
#define GH_SNAPSHOT_RECORD_MAX_BYTES 1024

/* --- the gate's list file --- */
struct gh_list; /* opaque, read-only; one thread at a time */

/* Build path from a verified manifest (its bytes as received, kept in the file) and its snapshot:
 * size and SHA-256 are checked, every record is checked, the file is written beside path, synced,
 * renamed. On any error the old file stands: GH_ERR_CORRUPT (does not match the manifest, a bad
 * record, or keys that make no trust), GH_ERR_ROLLBACK (the generation is older than that of the
 * list in path, or the same and issued before, if that one is of the same key), GH_ERR_BUSY
 * (somebody else is building it), GH_ERR_NOSPACE, GH_ERR_READONLY, GH_ERR_IO. */
GH_MUST_CHECK enum gh_status gh_list_build(const char *path, const struct gh_public_key *list_key,
                                           struct gh_bytes manifest, struct gh_bytes snapshot,
                                           struct gh_error *err);
/* A newer manifest of the same snapshot (the same generation, or one that differs in policy or keys
 * only): the age starts anew. It is kept in `<path>.manifest`, replaced whole; the list file itself
 * is never changed in place (src/list/database.h says why). An open list does not see it.
 * GH_ERR_ROLLBACK, GH_ERR_INVALID (names another snapshot or area), and as gh_list_open and
 * gh_file_replace. */
GH_MUST_CHECK enum gh_status gh_list_refresh(const char *path, const struct gh_public_key *list_key,
                                             struct gh_bytes manifest, struct gh_error *err);
/* Opens and verifies the manifest inside. GH_ERR_NOTFOUND, GH_ERR_CORRUPT, GH_ERR_SIGNATURE. Goes
 * on reading the opened file when path is replaced meanwhile. */
GH_MUST_CHECK enum gh_status gh_list_open(const char *path, const struct gh_public_key *list_key,
                                          struct gh_list **out, struct gh_error *err);
void gh_list_close(struct gh_list *list);
const struct gh_manifest *
gh_list_manifest(const struct gh_list *list); /* lives as long as the list */
/* All issuers' keys that the list knows: the manifest's and the snapshot's, made when they are
 * found first (gh_trust_new_checked). GH_ERR_NOMEM, GH_ERR_CORRUPT, GH_ERR_IO. */
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
/* Either credential may be NULL (then its answers are false). list may be NULL. A failing look-up
 * (disk) is GH_ERR_IO or GH_ERR_CORRUPT: *out then says have_list = false, so that nobody is let in
 * by it. */
GH_MUST_CHECK enum gh_status gh_list_ask(struct gh_list *list, const struct gh_credential *health,
                                         const struct gh_credential *housing,
                                         struct gh_answers *out);

struct gh_list_counts {
    uint64_t subjects, homes, members, revoked;
};
GH_MUST_CHECK enum gh_status gh_list_count(struct gh_list *list, struct gh_list_counts *out);

#endif
