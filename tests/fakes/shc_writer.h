/* SPDX-License-Identifier: Apache-2.0 */
/* Writes SMART Health Cards for tests, benches and fuzz seeds: good ones, and every kind of bad
 * one. Its own code throughout, so that a mistake in the reader does not cancel out. What it
 * returns is the caller's to free; it aborts where there is no memory or a key that cannot sign. */
#ifndef GATEHOUSE_TESTS_SHC_WRITER_H
#define GATEHOUSE_TESTS_SHC_WRITER_H

#include "gatehouse/crypto.h"
#include "gatehouse/trust.h"

#define SHC_ISS "https://issuer.example/cards"
#define SHC_NBF INT64_C(1620000000) /* 2021-05-03T00:00:00Z */
#define SHC_KID_BYTES 44

/* A P-256 key's RFC 7638 thumbprint in base64url. */
void shc_kid(const struct gh_private_key *key, char out[SHC_KID_BYTES]);
/* The key as a gate trusts it, at any time. */
struct gh_issuer_key shc_issuer_key(const struct gh_private_key *key, const char *iss);

/* JSON. bundle_entries: what is between the brackets of `entry`. The card has rid "rid-1". */
char *shc_payload(const char *iss, const char *times, const char *bundle_entries);
/* The payload of a person with two doses of Moderna, from SHC_NBF without end. */
char *shc_person_payload(void);

struct shc_spec {
    const struct gh_private_key *key;
    const char *header;    /* NULL: {"zip":"DEF","alg":"ES256","kid":...} */
    const char *kid;       /* of that header; NULL: the key's */
    const void *payload;   /* JSON */
    size_t payload_bytes;  /* 0: strlen(payload) */
    bool packed;           /* the payload is as it should be sent: not to be deflated */
    const void *signature; /* NULL: the true one */
    size_t signature_bytes;
};
char *shc_jws(const struct shc_spec *spec);

/* Raw deflate; *size: how much. */
uint8_t *shc_deflate(const void *data, size_t bytes, size_t *size);

char *shc_text(const char *jws);                               /* shc:/DIGITS */
char *shc_chunk(const char *jws, size_t number, size_t count); /* shc:/C/N/DIGITS, about equal */
char *shc_card(const struct gh_private_key *key, const char *payload); /* in one text */

#endif
