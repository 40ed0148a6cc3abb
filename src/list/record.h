/* SPDX-License-Identifier: Apache-2.0 */
/* One thing on the list: a row of a snapshot, a record of a delta. What docs/protocol.md promises
 * of it is checked where it is read. */
#ifndef GATEHOUSE_SRC_LIST_RECORD_H
#define GATEHOUSE_SRC_LIST_RECORD_H

#include "code/cbor.h"
#include "gatehouse/list.h"

enum gh_record_kind { /* the numbers on the wire */
                      GH_RECORD_END = 0,
                      GH_RECORD_SUBJECT = 1,
                      GH_RECORD_HOME = 2,
                      GH_RECORD_FURTHER = 3, /* of a snapshot: further homes of people */
                      GH_RECORD_REVOKED = 4,
                      GH_RECORD_RECALLED = 5,
                      GH_RECORD_HASH = 6,
                      GH_RECORD_HOLDER = 7,
                      GH_RECORD_KEY = 8,
                      GH_RECORD_KINDS
};
const char *gh_record_name(enum gh_record_kind kind); /* "a person", ... */
/* Kinds come in this order: homes first, since people are said to live in them. */
unsigned gh_record_rank(enum gh_record_kind kind);

/* A foreign issuer's key, as it lies in its record. */
struct gh_key_record {
    enum gh_kind purpose; /* HCERT or SHC */
    enum gh_key_type type;
    struct gh_bytes key_id, raw, issuer;
    unsigned groups;
    int64_t not_before_s, not_after_s;
    bool revoked;
};

/* Small, since millions are read: what is long is borrowed from where it was read. */
struct gh_record {
    enum gh_record_kind kind;
    bool drop;             /* not on the list any more; of KEY: none of them is */
    gh_id id;              /* subject, home, credential, or holder */
    gh_id subject;         /* of a HOLDER */
    enum gh_colour colour; /* of a SUBJECT */
    const gh_id *homes;    /* likewise, ascending */
    size_t home_count;
    int64_t before_s;     /* RECALLED, HASH */
    struct gh_bytes hash; /* HASH: GH_REVOCATION_BYTES */
    struct gh_key_record key;
    struct gh_bytes item; /* the whole record, where it is one in CBOR */
};

/* The next record of a delta, or a stored key. homes: room for GH_LIST_HOMES_MAX, which
 * record->homes points to; NULL: people with homes are none. False for what is none. Whether a key
 * is one is not looked at: the keys of a list are tried together (keys.h). */
bool gh_record_read(struct gh_cbor_reader *cbor, gh_id *homes, struct gh_record *record);
/* By rank, then by what names the thing: 0 for two records about the same thing. Clearing the keys
 * comes before each of them. */
int gh_record_compare(const struct gh_record *a, const struct gh_record *b);

/* False, and nothing is written, for what gh_record_read would refuse. */
bool gh_record_put_key(struct gh_writer *writer, const struct gh_issuer_key *key);
/* A KEY record as the header of the trust wants it. */
void gh_record_key(const struct gh_record *record, struct gh_issuer_key *out);

#endif
