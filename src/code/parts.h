/* SPDX-License-Identifier: Apache-2.0 */
/* A code's text taken apart, before anything is believed; and put together. */
#ifndef GATEHOUSE_SRC_CODE_PARTS_H
#define GATEHOUSE_SRC_CODE_PARTS_H

#include "code/claims.h"
#include "gatehouse/code.h"
#include "gatehouse/cose.h"

/* `GH_CLEANUP_PUBLIC_KEY struct gh_public_key *key = NULL;`: freed when the scope ends. */
#define GH_CLEANUP_PUBLIC_KEY __attribute__((cleanup(gh_cleanup_public_key)))
static inline void gh_cleanup_public_key(struct gh_public_key **key)
{
    gh_public_key_free(*key);
}

#define GH_CODE_PREFIX "GH1:"
#define GH_CODE_PRESENTATION_PREFIX "GHP1:"
#define GH_CODE_ENROLMENT_PREFIX "GHE1:"
#define GH_CODE_LINK_SCHEME "HTTPS://"
#define GH_CODE_LINK_PATH "/H/"

/* The name part of a housing link: 1 or more letters, digits, `.`, `-`, `:`. */
bool gh_code_host_valid(struct gh_bytes host);

/* A phone's word around a health code. */
struct gh_presentation {
    bool is_one;
    struct gh_cose_sign1 cose; /* what the phone signed; its cwt is the code */
    int64_t at_s;
    gh_id id;
};

/* Large (views point into `decoded`): never copied. */
struct gh_code_parts {
    enum gh_kind kind;
    struct gh_bytes message;   /* the COSE_Sign1's bytes, a presentation's whole; size 0: none */
    struct gh_cose_sign1 cose; /* the issuer's */
    struct gh_code_claims claims;
    struct gh_presentation presentation;
    struct gh_bytes beginning; /* of a link, in upper case: it is signed along; else size 0 */
    uint8_t decoded[GH_CODE_OWN_MAX_BYTES]; /* every body is longer than what it stands for */
    uint8_t link[GH_CODE_OWN_MAX_BYTES];    /* the beginning */
};

/* GH_REASON_OK: one of our own codes, in form, or (kind says so) a foreign certificate that was not
 * looked into; else NOT_A_CODE, TOO_LONG, or what is wrong with its form. kind and message are set
 * as far as it went; *body is what follows the beginning that tells kinds apart. */
enum gh_reason gh_code_parse(struct gh_bytes text, struct gh_bytes *body,
                             struct gh_code_parts *parts);

/* The same of one message by an issuer, into parts->cose and parts->claims. */
enum gh_reason gh_code_parse_issued(struct gh_bytes message, struct gh_code_parts *parts);

/* What is inside a presentation's protected header (a code, see gh_code_parse_issued) and payload,
 * once its COSE_Sign1 is in parts->presentation.cose. */
enum gh_reason gh_presentation_parse(struct gh_code_parts *parts);
/* GH_REASON_OK when the phone that the claims name signed it; SIGNATURE_RANGE, WRONG_ALGORITHM,
 * FORGED, or BAD_CONTENT when the issuer named a key that is none. */
enum gh_reason gh_presentation_authenticate(const struct gh_code_parts *parts);
/* What tells it from the phone's other ones. */
void gh_presentation_identify(const struct gh_presentation *presentation,
                              uint8_t identity[GH_IDENTITY_BYTES]);

/* A foreign certificate, whose verdict goes into out: every field is set but kind, which is there.
 * body: behind `HC1:`; texts: one or more whole `shc:/...` texts. */
void gh_hcert_read(const struct gh_trust *trust, struct gh_bytes body, int64_t now_s,
                   struct gh_credential *out);
void gh_shc_read(const struct gh_trust *trust, const struct gh_bytes *texts, size_t count,
                 int64_t now_s, struct gh_credential *out);

/* An identity: the first half of SHA-256 over these bytes. */
void gh_code_hash(struct gh_bytes bytes, uint8_t identity[GH_IDENTITY_BYTES]);
/* That of a code that is its issuer's word: what was signed, however it was spelled. number: its
 * cti, or where it has none SHA-256 over what was signed (GH_SHA256_BYTES at most). */
void gh_code_identify(enum gh_kind kind, const uint8_t key_id[GH_KEY_ID_BYTES],
                      struct gh_bytes number, uint8_t identity[GH_IDENTITY_BYTES]);

/* What a form that could not be read is called: INVALID is MALFORMED, TRUNCATED, TRAILING,
 * TOOBIG is TOO_DEEP, EXISTS is DUPLICATE_KEY, RANGE is BAD_TIME, the rest is MALFORMED. */
enum gh_reason gh_code_form_reason(enum gh_status status);
/* What a signature that was not accepted is called: INVALID is SIGNATURE_FORM, RANGE is
 * SIGNATURE_RANGE, UNSUPPORTED is WRONG_ALGORITHM, the rest (no memory to verify with, too) is
 * FORGED. */
enum gh_reason gh_code_signature_reason(enum gh_status status);

/* What could not be unpacked is called: TRUNCATED, TRAILING, TOOBIG is TOO_LARGE, the rest is
 * BAD_COMPRESSION. */
enum gh_reason gh_code_inflate_reason(enum gh_status status);

/* Keyed hashes that stand for a foreign certificate's holder and number (trust.h); 0 without a
 * secret, and of a holder without any name or without a birth date, who could be anybody. All as
 * the certificate spells them. */
gh_id gh_holder_id(const struct gh_trust *trust, struct gh_bytes family_name,
                   struct gh_bytes given_name, struct gh_bytes birth_date);
gh_id gh_certificate_id(const struct gh_trust *trust, enum gh_kind kind, struct gh_bytes number);

/* For an enrolment code that was parsed: GH_REASON_OK when it is signed by the key it carries, else
 * WRONG_KEY, WRONG_ALGORITHM or FORGED. */
enum gh_reason gh_enrolment_authenticate(const struct gh_code_parts *parts);
/* Whether the clock allows it: GH_REASON_OK or EXPIRED. */
enum gh_reason gh_code_check_expiry(const struct gh_code_claims *claims, int64_t now_s);

/* Sign the claims, and the beginning of a link (else empty), into `message`. */
GH_MUST_CHECK enum gh_status gh_code_sign(const struct gh_private_key *key,
                                          const struct gh_code_claims *claims,
                                          struct gh_bytes beginning, struct gh_writer *message);
/* A writer over a text, with room kept for its NUL; and its end: GH_ERR_TOOBIG (and an empty text)
 * when it does not fit, or is longer than a reader takes. */
struct gh_writer gh_code_text_over(char *out, size_t out_bytes);
GH_MUST_CHECK enum gh_status gh_code_text_finish(const struct gh_writer *writer, char *out,
                                                 size_t out_bytes);

#endif
