/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a snapshot record by record, with everything checked that docs/protocol.md promises. */
#ifndef GATEHOUSE_SRC_LIST_SNAPSHOT_H
#define GATEHOUSE_SRC_LIST_SNAPSHOT_H

#include "code/cbor.h"
#include "gatehouse/bytes.h"
#include "gatehouse/status.h"
#include "gatehouse/trust.h"

enum gh_record_kind { /* the numbers on the wire, and the order of the records */
                      GH_RECORD_SUBJECT = 1,
                      GH_RECORD_HOME = 2,
                      GH_RECORD_MEMBER = 3,
                      GH_RECORD_REVOKED = 4,
                      GH_RECORD_RECALLED = 5,
                      GH_RECORD_HASH = 6,
                      GH_RECORD_HOLDER = 7,
                      GH_RECORD_KEY = 8,
};

/* A foreign issuer's key, as it lies in the snapshot. */
struct gh_key_record {
    enum gh_kind purpose; /* HCERT or SHC */
    enum gh_key_type type;
    struct gh_bytes key_id, raw, issuer;
    unsigned groups;
    int64_t not_before_s, not_after_s;
    bool revoked;
};

/* Small, since millions are read: what is long is borrowed from the snapshot. */
struct gh_record {
    enum gh_record_kind kind;
    struct gh_bytes item; /* the whole record */
    union {
        struct {             /* all others */
            uint64_t id;     /* subject, home, a member's home, credential, or holder */
            uint64_t second; /* a subject's colour, a member's or a holder's subject, else 0 */
        };
        struct gh_bytes hash; /* HASH: GH_REVOCATION_BYTES */
        struct gh_key_record key;
    };
    int64_t before_s; /* RECALLED, HASH */
};

struct gh_snapshot_reader {
    struct gh_cbor_reader cbor;
    struct gh_record last; /* kind 0 before the first */
    uint64_t count;
};

struct gh_snapshot_reader gh_snapshot_reader_over(struct gh_bytes snapshot);
/* GH_OK and the next record; GH_ERR_END behind the last; GH_ERR_CORRUPT for a record that is none,
 * out of order or there twice. Whether a key is one is not looked at: the keys of a list are tried
 * together (keys.h). */
GH_MUST_CHECK enum gh_status gh_snapshot_next(struct gh_snapshot_reader *reader,
                                              struct gh_record *record, struct gh_error *err);

/* A KEY record as the header of the trust wants it. */
void gh_record_key(const struct gh_record *record, struct gh_issuer_key *out);

#endif
