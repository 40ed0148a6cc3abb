/* SPDX-License-Identifier: Apache-2.0 */
/* A writer of HCERTs, for tests, benches and fuzz seeds: any headers, claims, type of key and
 * compression, with keys and certificates made on the fly. Mistakes end the program: they are the
 * test's. */
#ifndef GATEHOUSE_TESTS_FAKES_HCERT_WRITER_H
#define GATEHOUSE_TESTS_FAKES_HCERT_WRITER_H

#include "gatehouse/code.h"

#define HCERT_TEXT_BYTES (GH_CODE_TEXT_MAX_BYTES + 1)
#define HCERT_BYTES 65536 /* of a message that a test makes */

/* A document signer: a key and its self-signed certificate, valid from 2020 until 2040. */
struct hcert_signer;
/* type: GH_KEY_P256 or GH_KEY_PS256. rsa_bits: of the latter, else 0. groups: GH_GROUP(...) | ...,
 * in its extended key usage; 0: the certificate has none. */
struct hcert_signer *hcert_signer_new(enum gh_key_type type, unsigned rsa_bits, unsigned groups);
void hcert_signer_free(struct hcert_signer *signer);                 /* NULL is fine */
struct gh_bytes hcert_signer_der(const struct hcert_signer *signer); /* lives as long as it */
/* As a list describes it: for HCERT, any time, any issuer, the groups of its certificate. */
struct gh_issuer_key hcert_signer_key(const struct hcert_signer *signer);
/* The trust in this one signer. holder_secret as in gh_trust_new. */
struct gh_trust *hcert_signer_trust(const struct hcert_signer *signer,
                                    const uint8_t *holder_secret);

/* What is to be written; zeroed it is an honest vaccination certificate. CBOR is given in the
 * notation of cbor_text.h; %K in a header stands for the signer's kid and %A for its alg. */
struct hcert {
    const char *claims;             /* NULL: HCERT_CLAIMS */
    const char *protected_header;   /* NULL: "{1: %A, 4: %K}"; "": no bytes at all */
    const char *unprotected_header; /* NULL: "{}" */
    const char *signature;          /* h'...' instead of the true one; NULL: the true one */
    const char *frame;              /* NULL: "18([%P, %U, %C, %S])" of the four above */
    int level;                      /* of zlib, 1 to 9; 0: 9; -1: stored */
};
#define HCERT_IAT INT64_C(1620000000) /* 2021-05-03T00:00:00Z */
#define HCERT_EXP INT64_C(1651536000) /* a year later */
#define HCERT_VACCINATION                                                                          \
    "{'tg': '840539006', 'vp': '1119349007', 'mp': 'EU/1/20/1528', 'ma': 'ORG-100030215', "        \
    "'dn': 2, 'sd': 2, 'dt': '2021-04-18', 'co': 'AT', 'is': 'Ministry of Health', "               \
    "'ci': 'URN:UVCI:01:AT:10807843F94AEE0EE5093FBC254BD813#B'}"
#define HCERT_NAME                                                                                 \
    "'ver': '1.3.0', 'dob': '1998-02-26', 'nam': {'fn': 'Musterfrau', 'fnt': 'MUSTERFRAU', "       \
    "'gn': 'Gabriele', 'gnt': 'GABRIELE'}"
#define HCERT_CLAIMS                                                                               \
    "{1: 'AT', 4: 1651536000, 6: 1620000000, -260: {1: {'v': [" HCERT_VACCINATION "], " HCERT_NAME \
    "}}}"

/* The COSE message; returns its size. */
size_t hcert_message(const struct hcert_signer *signer, const struct hcert *hcert,
                     uint8_t out[HCERT_BYTES]);
/* zlib's compression of anything, HCERT_BYTES at most; returns its size. */
size_t hcert_compress(struct gh_bytes bytes, int level, uint8_t out[HCERT_BYTES]);
/* `HC1:` and base45. */
void hcert_text(struct gh_bytes packed, char out[HCERT_TEXT_BYTES]);
/* All three. */
void hcert_write(const struct hcert_signer *signer, const struct hcert *hcert,
                 char out[HCERT_TEXT_BYTES]);

#endif
