/* SPDX-License-Identifier: Apache-2.0 */
/* The payload of our own codes: a CWT's claims (RFC 8392), docs/codes.md. */
#ifndef GATEHOUSE_SRC_CODE_CLAIMS_H
#define GATEHOUSE_SRC_CODE_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "code/cnf.h"
#include "gatehouse/bytes.h"
#include "gatehouse/credential.h"

enum {
    GH_CLAIM_ISS = 1,
    GH_CLAIM_SUB = 2,
    GH_CLAIM_EXP = 4,
    GH_CLAIM_IAT = 6,
    GH_CLAIM_CTI = 7,
    GH_CLAIM_CNF = 8,
    GH_CLAIM_OWN = -65537, /* private use (RFC 8392, section 9.1): a map of the ones below */
};

enum {
    GH_OWN_KIND = 1,
    GH_OWN_COLOUR = 2,
    GH_OWN_TOKEN = 3,
    GH_OWN_LIST_KEY = 4,
    GH_OWN_PIN = 5,
    GH_OWN_PAPER = 6,
};

#define GH_CODE_SECONDS_MAX (INT64_C(1) << 53)
#define GH_CLAIMS_MAX_BYTES 512 /* more than any payload that fits into one of our codes */

struct gh_code_claims {
    enum gh_kind kind; /* GH_KIND_HEALTH to GH_KIND_ENROLMENT */
    gh_id id;          /* 0 in an enrolment code */
    gh_id about;       /* person, home, or the gate of an enrolment code */
    enum gh_colour colour;
    int64_t issued_at_s, expires_at_s;
    bool paper; /* a health code that stands alone */
    bool bound; /* a health code that is good only with a proof by the key in cnf */
    struct gh_cnf cnf;
    struct gh_bytes issuer; /* views borrow from the payload; of an enrolment code: the URL */
    struct gh_bytes token, list_key, pin; /* of an enrolment code; pin.size 0: none */
};

/* Read and check everything that needs no key and no clock: GH_REASON_OK, or the first thing that
 * makes these no claims of ours. *out is always set: kind is what was read of it before the
 * failure. */
GH_MUST_CHECK enum gh_reason gh_code_claims_read(struct gh_bytes payload,
                                                 struct gh_code_claims *out);
/* A time in our own codes: whole seconds, 0 to this. The reader fails with GH_ERR_RANGE for another
 * number. */
int64_t gh_code_seconds(struct gh_cbor_reader *reader);
/* bstr of 8 bytes that are not all 0; else the reader fails with GH_ERR_INVALID. */
gh_id gh_code_id(struct gh_cbor_reader *reader);
/* Append the payload, keys in order (RFC 8949, 4.2.1), then read it back: what a reader would
 * refuse is GH_ERR_INVALID here. */
GH_MUST_CHECK enum gh_status gh_code_claims_write(struct gh_writer *writer,
                                                  const struct gh_code_claims *claims);

#endif
