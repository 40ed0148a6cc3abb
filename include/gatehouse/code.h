/* SPDX-License-Identifier: Apache-2.0 */
/* A code's text <-> what it says. The formats are in docs/codes.md: COSE_Sign1 (RFC 9052) over a
 * CWT (RFC 8392), as `GH1:` + base45 (RFC 9285) for health codes on paper, visitor and staff codes,
 * `GHP1:` + base45 for a phone's presentation of a health code, `GHE1:` + base45 for enrolment
 * codes, and `HTTPS://HOST/H/` + base32 (RFC 4648, unpadded) for housing codes; HCERT (`HC1:`) and
 * SMART Health Cards (`shc:/`). */
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

#define GH_PRESENTATION_AGE_S 15 /* how far a presentation's time may be from ours, either way */
#define GH_PARTS_MAX 16          /* chunks of one SMART Health Card */

/* Read and authenticate one code's bytes (any bytes: hostile, binary, NULs). Never fails: the
 * verdict is out->reason, every field of *out is set. No allocation that grows with the input; at
 * most one signature verification, two for a presentation (the issuer's and the phone's), and as
 * many as there are keys of one id, 4 at most, for an HCERT. trust may be NULL (nothing is
 * trusted). Revocation is not looked at here (list.h), nor whether a presentation was seen before.
 * An enrolment code is authentic here when it verifies under the key that it carries; its
 * credential is about nobody (gh_enrolment_read tells the rest). One chunk of several is
 * WAIT_PARTS. */
void gh_code_read(const struct gh_trust *trust, struct gh_bytes text, int64_t now_s,
                  struct gh_credential *out);
/* The same for a code of several texts, at least one: the chunks of one SMART Health Card, in any
 * order. count 1 is gh_code_read; texts that are no chunks of one card, and more than GH_PARTS_MAX,
 * are BAD_PARTS, missing ones WAIT_PARTS. */
void gh_code_read_parts(const struct gh_trust *trust, const struct gh_bytes *texts, size_t count,
                        int64_t now_s, struct gh_credential *out);

/* Chunks as a camera meets them, one after the other, again and again. Zero it first. Chunks of
 * another card (another count, or another text under one number) begin anew, and so do chunks after
 * GH_PARTS_PAUSE_S without one: who walks away leaves nothing behind. */
#define GH_PARTS_PAUSE_S 20
#define GH_PARTS_TEXT_BYTES 16384 /* of all chunks together; more is BAD_PARTS */
struct gh_parts {
    int64_t last_ns;
    size_t count, have;                 /* N; how many of them are here */
    struct gh_bytes part[GH_PARTS_MAX]; /* views into `text` */
    size_t used;
    uint8_t text[GH_PARTS_TEXT_BYTES];
};
/* true: the text is a chunk `shc:/C/N/...` with N above 1 (a wrong one too) and was taken; when
 * none is missing any more, parts->have == parts->count, and gh_code_read_parts(parts->part, ...)
 * reads the card. false: it is something else, to be read by itself. */
bool gh_parts_take(struct gh_parts *parts, struct gh_bytes text, int64_t now_ns);
void gh_parts_forget(struct gh_parts *parts); /* wiped */

/* What is signed into a health, housing, visitor or staff code. */
struct gh_claims {
    enum gh_kind kind;
    gh_id id;              /* cti, not 0 */
    gh_id about;           /* the person, or for a housing code the home; not 0 */
    enum gh_colour colour; /* health codes only */
    int64_t issued_at_s;   /* 0..2^53 */
    int64_t expires_at_s;  /* after issued_at_s; INT64_MAX: none */
    /* A health code's: the key of the phone that must present it (RFC 8747), Ed25519 or P-256;
     * NULL: on paper. Not for other kinds. */
    const struct gh_public_key *holder;
    const char *issuer; /* 1..63 bytes of printable ASCII */
    const char *host;   /* housing codes: HOST or HOST:PORT, letters, digits, `.`, `-`, `:`; written
                           in upper case */
};
/* The code's text into out, NUL-terminated. GH_ERR_INVALID for claims against the rules above,
 * GH_ERR_TOOBIG when it does not fit or is longer than GH_CODE_OWN_MAX_BYTES; out is "" then. */
GH_MUST_CHECK enum gh_status gh_code_write(const struct gh_private_key *key,
                                           const struct gh_claims *claims, char *out,
                                           size_t out_bytes);

/* What a phone shows: its own signature over this moment and the code that names its key. `code` is
 * a health code's text, `GH1:`...; out holds GH_CODE_OWN_MAX_BYTES + 1. GH_ERR_INVALID: no health
 * code bound to a phone; GH_ERR_SIGNATURE: bound to another key. The code itself is not verified: a
 * phone need not know the issuer. */
GH_MUST_CHECK enum gh_status gh_code_present(const struct gh_private_key *phone,
                                             struct gh_bytes code, int64_t at_s, char *out,
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
