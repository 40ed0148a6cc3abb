/* SPDX-License-Identifier: Apache-2.0 */
/* A code's text <-> what it says. The formats are in docs/codes.md: COSE_Sign1 (RFC 9052) over a
 * CWT (RFC 8392), as `GH1:` + base45 (RFC 9285) for health, visitor and staff codes, `GHE1:` +
 * base45 for enrolment codes, and `HTTPS://HOST/H/` + base32 (RFC 4648, unpadded) for housing
 * codes. */
#ifndef GATEHOUSE_CODE_H
#define GATEHOUSE_CODE_H

#include "gatehouse/bytes.h"
#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"
#include "gatehouse/trust.h"

#define GH_CODE_TEXT_MAX_BYTES                                                                     \
    7089 /* the most a QR code can hold (ISO/IEC 18004, 40-L numeric)                              \
          */
#define GH_CODE_OWN_MAX_BYTES                                                                      \
    1024                  /* the most one of our own codes is: longer ones are TOO_LONG unread */
#define GH_CODE_SKEW_S 60 /* a code may be issued this far in the gate's future: clocks differ */

/* Read and authenticate one code's bytes (any bytes: hostile, binary, NULs). Never fails: the
 * verdict is out->reason, every field of *out is set. No allocation that grows with the input; at
 * most one signature verification. trust may be NULL (nothing is trusted). Revocation is not looked
 * at here (list.h). An enrolment code is authentic here when it verifies under the key that it
 * carries; its credential is about nobody (gh_enrolment_read tells the rest). */
void gh_code_read(const struct gh_trust *trust, struct gh_bytes text, int64_t now_s,
                  struct gh_credential *out);

/* What is signed into a health, housing, visitor or staff code. */
struct gh_claims {
    enum gh_kind kind;
    gh_id id;              /* cti, not 0 */
    gh_id about;           /* the person, or for a housing code the home; not 0 */
    enum gh_colour colour; /* health codes only */
    int64_t issued_at_s;   /* 0..2^53 */
    int64_t expires_at_s;  /* after issued_at_s; INT64_MAX: none */
    const char *issuer;    /* 1..63 bytes of printable ASCII */
    const char *host; /* housing codes: HOST or HOST:PORT, letters, digits, `.`, `-`, `:`; written
                         in upper case */
};
/* The code's text into out, NUL-terminated. GH_ERR_INVALID for claims against the rules above,
 * GH_ERR_TOOBIG when it does not fit or is longer than GH_CODE_OWN_MAX_BYTES; out is "" then. */
GH_MUST_CHECK enum gh_status gh_code_write(const struct gh_private_key *key,
                                           const struct gh_claims *claims, char *out,
                                           size_t out_bytes);

#define GH_ENROLMENT_TOKEN_BYTES 16
#define GH_URL_BYTES 256

/* What a gate needs to know to enrol: signed by the very list key that it carries, which catches
 * damage; trust comes from who holds it up. */
struct gh_enrolment {
    gh_id gate;
    char url[GH_URL_BYTES]; /* of the server, `https://host[:port]` or `http://...`, no trailing
                               slash */
    uint8_t token[GH_ENROLMENT_TOKEN_BYTES]; /* one-time, secret */
    uint8_t list_key[32]; /* Ed25519, verifies the list's manifests from now on */
    bool has_pin;
    uint8_t pin[GH_SHA256_BYTES]; /* SHA-256 of the server's TLS SubjectPublicKeyInfo, for servers
                                     without a public CA */
    int64_t issued_at_s, expires_at_s;
};
GH_MUST_CHECK enum gh_status gh_enrolment_write(const struct gh_private_key *list_key,
                                                const struct gh_enrolment *enrolment, char *out,
                                                size_t out_bytes);
/* GH_REASON_OK and *out, else what is wrong (NOT_A_CODE for other kinds). A clock that is behind is
 * no reason to refuse: only expiry is checked, and only against now_s. */
enum gh_reason gh_enrolment_read(struct gh_bytes text, int64_t now_s, struct gh_enrolment *out);

#endif
