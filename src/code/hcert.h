/* SPDX-License-Identifier: Apache-2.0 */
/* What an HCERT's signed payload says (ehn-dcc-development/eu-dcc-hcert-spec, and the schema of its
 * certificate, eu-dcc-schema). Names, birth date and number are views that must not leave the
 * reader. */
#ifndef GATEHOUSE_SRC_CODE_HCERT_H
#define GATEHOUSE_SRC_CODE_HCERT_H

#include "code/cbor.h"
#include "gatehouse/certificate.h"

/* Whether a key is this text. */
bool gh_hcert_key_is(const struct gh_cbor_key *key, const char *name);
/* A text; possibly under tag 0 (RFC 8949, section 3.4.1) or 1004 (RFC 8943), with which some mark
 * dates. Empty for any other item. */
struct gh_bytes gh_hcert_text(struct gh_cbor_reader *cbor);

#define GH_HCERT_NUMBER_MAX_BYTES 256 /* the schema says 80 */

/* One vaccination, test or recovery. Views borrow from the payload. */
struct gh_hcert_entry {
    bool has_fact; /* false: its date is none; what it tells counts for nothing */
    struct gh_fact fact;
    struct gh_bytes number;  /* ci; may be empty */
    struct gh_bytes country; /* co; may be empty */
};
/* The next item of the reader, which fails with GH_ERR_INVALID when it is not such an entry. */
void gh_hcert_entry_read(struct gh_cbor_reader *cbor, enum gh_fact_group group,
                         struct gh_hcert_entry *out);

struct gh_hcert_claims {
    int64_t issued_at_s;    /* iat; a fraction is cut: readers' clocks are in whole seconds too */
    int64_t expires_at_s;   /* exp, likewise: the last second of validity */
    struct gh_bytes issuer; /* iss, else the first entry's country: 0 to GH_ISSUER_BYTES - 1 bytes
                               of printable ASCII */
    enum gh_fact_group group;
    struct gh_fact facts[GH_FACTS_MAX]; /* the newest come first */
    size_t fact_count;                  /* may be 0 */
    struct gh_bytes number;             /* of the first entry, as they stand in the certificate */
    struct gh_bytes family_name, given_name, birth_date; /* likewise; any may be empty */
};
/* GH_ERR_INVALID (or UNSUPPORTED): not what an HCERT must say; the others as the CBOR reader has
 * them, GH_ERR_RANGE for a time that is none or negative. */
GH_MUST_CHECK enum gh_status gh_hcert_claims_read(struct gh_bytes payload,
                                                  struct gh_hcert_claims *out);

#endif
