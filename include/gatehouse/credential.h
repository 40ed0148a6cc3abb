/* SPDX-License-Identifier: Apache-2.0 */
/* What a code says once it was read, of fixed size, so that it can be copied between threads. */
#ifndef GATEHOUSE_CREDENTIAL_H
#define GATEHOUSE_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/bytes.h"
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

/* Ordered: of two, the larger is the worse and wins. The numbers are those on the wire. */
enum gh_colour { GH_COLOUR_NONE = 0, GH_COLOUR_GREEN = 1, GH_COLOUR_YELLOW = 2, GH_COLOUR_RED = 3 };
const char *gh_colour_name(enum gh_colour colour); /* "none", "green", "yellow", "red" */
GH_MUST_CHECK enum gh_status gh_colour_parse(const char *name, enum gh_colour *colour);

#define GH_ISSUER_BYTES 64 /* an issuer's name, its NUL included */
#define GH_IDENTITY_BYTES 16

struct gh_credential {
    enum gh_kind kind;
    enum gh_reason
        reason;     /* GH_REASON_OK: authentic and in time; anything else: what is wrong with it */
    bool authentic; /* signed by a trusted key that may sign this kind: the claims below are the
                       issuer's word; else they are all 0. Does not say that it is valid: see reason
                     */
    gh_id id;       /* cti */
    gh_id subject;  /* the person of a health, visitor or staff code, else 0 */
    gh_id home;     /* the home of a housing code, else 0 */
    enum gh_colour colour; /* of a health code, else GH_COLOUR_NONE */
    int64_t issued_at_s;
    int64_t expires_at_s;            /* INT64_MAX when the code names no end */
    uint8_t key_id[GH_KEY_ID_BYTES]; /* as the code says it, also when it is not authentic; or 0 */
    char issuer[GH_ISSUER_BYTES];    /* "" when not known */
    /* What tells two codes apart: equal for every spelling of one signed code, different for
     * different codes. For what could not be decoded, a hash of the text. Public, not a secret. */
    uint8_t identity[GH_IDENTITY_BYTES];
};

#endif
