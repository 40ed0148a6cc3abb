/* SPDX-License-Identifier: Apache-2.0 */
/* What a code says once it was read, of fixed size, so that it can be copied between threads. */
#ifndef GATEHOUSE_CREDENTIAL_H
#define GATEHOUSE_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/bytes.h"
#include "gatehouse/certificate.h"
#include "gatehouse/colour.h"
#include "gatehouse/crypto.h"
#include "gatehouse/reason.h"

enum gh_kind {
    GH_KIND_UNKNOWN = 0,
    GH_KIND_HEALTH = 1, /* 1 to 5 are also the numbers on the wire (docs/codes.md) */
    GH_KIND_HOUSING = 2,
    GH_KIND_VISITOR = 3,
    GH_KIND_STAFF = 4,
    GH_KIND_ENROLMENT = 5,
    GH_KIND_HCERT = 6,
    GH_KIND_SHC = 7,
};
const char *
gh_kind_name(enum gh_kind kind); /* "unknown", "health", ... as in the contract of `code read` */

/* A foreign health certificate: HCERT or SMART Health Card. */
static inline bool gh_kind_is_certificate(enum gh_kind kind)
{
    return kind == GH_KIND_HCERT || kind == GH_KIND_SHC;
}

/* What a person is known by at a gate: our own health code, or a foreign certificate. */
static inline bool gh_kind_is_health(enum gh_kind kind)
{
    return kind == GH_KIND_HEALTH || gh_kind_is_certificate(kind);
}

/* How one of our own health codes is carried. */
enum gh_form {
    GH_FORM_NONE = 0,  /* the code does not say: all other kinds, or what is not authentic */
    GH_FORM_PAPER = 1, /* stands alone; can be copied */
    GH_FORM_PHONE = 2, /* bound to a phone's key, which has signed this presentation of it */
};
const char *gh_form_name(enum gh_form form); /* "none", "paper", "phone" */

#define GH_OWN_ISSUER_BYTES 64 /* the name of an issuer of our own codes, its NUL included */
#define GH_ISSUER_BYTES 256    /* of any issuer: a SMART card's is a URL */
#define GH_IDENTITY_BYTES 16

/* What revokes a foreign certificate: 16 bytes each. For an HCERT the first halves of SHA-256 over
 * UVCI, issuing country and UVCI, and signature (for ES256: its r), as the EU revocation scheme
 * takes them (dgc-gateway, revocation list); for a SMART card, of "shc", its key id and its rid. */
#define GH_REVOCATION_BYTES 16
#define GH_REVOCATIONS_MAX 3

struct gh_credential {
    enum gh_kind kind;
    enum gh_reason
        reason;     /* GH_REASON_OK: authentic and in time; anything else: what is wrong with it */
    bool authentic; /* signed by a trusted key that may sign this kind: the claims below are the
                       issuer's word; else they are all 0. Does not say that it is valid: see reason
                     */
    gh_id id;       /* cti; of a foreign certificate a keyed hash of its identifier */
    gh_id subject;  /* the person of a health, visitor or staff code; of a foreign certificate a
                       keyed hash of its holder (trust.h); else 0 */
    gh_id home;     /* the home of a housing code, else 0 */
    enum gh_colour colour; /* of a health code, else GH_COLOUR_NONE */
    bool upstream; /* its colour is the word of the authority that was asked, not of a rule */
    int64_t issued_at_s;
    int64_t expires_at_s;   /* the first second at which it is over; INT64_MAX: it names no end */
    enum gh_form form;      /* of a health code */
    int64_t presented_at_s; /* PHONE: when the phone signed, by its own clock */
    uint8_t presentation[GH_IDENTITY_BYTES]; /* PHONE: tells one presentation from the next */
    struct gh_fact facts[GH_FACTS_MAX];      /* of a foreign certificate: the newest come first */
    size_t fact_count;
    uint8_t revocations[GH_REVOCATIONS_MAX][GH_REVOCATION_BYTES]; /* likewise */
    size_t revocation_count;
    uint8_t key_id[GH_KEY_ID_BYTES]; /* as the code says it, also when it is not authentic; or 0 */
    char issuer[GH_ISSUER_BYTES];    /* "" when not known */
    /* What tells two codes apart: equal for every spelling of one signed code, different for
     * different codes. For what could not be decoded, a hash of the text. Public, not a secret. */
    uint8_t identity[GH_IDENTITY_BYTES];
};

/* What revokes SMART cards by the id that their issuer gave them (vc.rid) under one of its keys:
 * the first 16 bytes of SHA-256 over "shc", the key's id as a card spells it (43 characters of
 * base64url), ".", and the rid (1 to 24 characters of base64url). GH_ERR_INVALID for others. */
GH_MUST_CHECK enum gh_status gh_shc_revocation(const char *kid, const char *rid,
                                               uint8_t out[GH_REVOCATION_BYTES]);

#endif
