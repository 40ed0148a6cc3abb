/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a snapshot record by record, with everything checked that docs/protocol.md promises. */
#ifndef GATEHOUSE_SRC_LIST_SNAPSHOT_H
#define GATEHOUSE_SRC_LIST_SNAPSHOT_H

#include "code/cbor.h"
#include "gatehouse/bytes.h"
#include "gatehouse/status.h"

enum gh_record_kind { /* the numbers on the wire, and the order of the records */
                      GH_RECORD_SUBJECT = 1,
                      GH_RECORD_HOME = 2,
                      GH_RECORD_MEMBER = 3,
                      GH_RECORD_REVOKED = 4,
};

struct gh_record {
    enum gh_record_kind kind;
    uint64_t id;     /* subject, home, a member's home, or credential */
    uint64_t second; /* a subject's colour, a member's subject, else 0 */
};

struct gh_snapshot_reader {
    struct gh_cbor_reader cbor;
    struct gh_record last; /* kind 0 before the first */
    uint64_t count;
};

struct gh_snapshot_reader gh_snapshot_reader_over(struct gh_bytes snapshot);
/* GH_OK and the next record; GH_ERR_END behind the last; GH_ERR_CORRUPT for a record that is none,
 * out of order or there twice. */
GH_MUST_CHECK enum gh_status gh_snapshot_next(struct gh_snapshot_reader *reader,
                                              struct gh_record *record, struct gh_error *err);

#endif
