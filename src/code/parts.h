/* SPDX-License-Identifier: Apache-2.0 */
/* A code's text taken apart, before anything is believed; and put together. */
#ifndef GATEHOUSE_SRC_CODE_PARTS_H
#define GATEHOUSE_SRC_CODE_PARTS_H

#include "code/claims.h"
#include "gatehouse/code.h"
#include "gatehouse/cose.h"

#define GH_CODE_PREFIX "GH1:"
#define GH_CODE_ENROLMENT_PREFIX "GHE1:"
#define GH_CODE_LINK_SCHEME "HTTPS://"
#define GH_CODE_LINK_PATH "/H/"

/* The name part of a housing link: 1 or more letters, digits, `.`, `-`, `:`. */
bool gh_code_host_valid(struct gh_bytes host);

/* Large (views point into `decoded`): never copied. */
struct gh_code_parts {
    enum gh_kind kind;
    struct gh_bytes message; /* the COSE_Sign1's bytes; size 0 when there is none */
    struct gh_cose_sign1 cose;
    struct gh_code_claims claims;
    uint8_t decoded[GH_CODE_OWN_MAX_BYTES]; /* every body is longer than what it stands for */
};

/* GH_REASON_OK: one of our own codes, in form; else NOT_A_CODE, TOO_LONG, UNSUPPORTED, MALFORMED.
 * kind and message are set as far as it went. */
enum gh_reason gh_code_parse(struct gh_bytes text, struct gh_code_parts *parts);

/* For an enrolment code that was parsed: GH_REASON_OK when it is signed by the key it carries, else
 * WRONG_KEY, FORGED or UNSUPPORTED. */
enum gh_reason gh_enrolment_authenticate(const struct gh_code_parts *parts);
/* Whether the clock allows it: GH_REASON_OK or EXPIRED. */
enum gh_reason gh_code_check_expiry(const struct gh_code_claims *claims, int64_t now_s);

/* Sign the claims into `message`. */
GH_MUST_CHECK enum gh_status gh_code_sign(const struct gh_private_key *key,
                                          const struct gh_code_claims *claims,
                                          struct gh_writer *message);
/* A writer over a text, with room kept for its NUL; and its end: GH_ERR_TOOBIG (and an empty text)
 * when it does not fit, or is longer than a reader takes. */
struct gh_writer gh_code_text_over(char *out, size_t out_bytes);
GH_MUST_CHECK enum gh_status gh_code_text_finish(const struct gh_writer *writer, char *out,
                                                 size_t out_bytes);

#endif
