/* SPDX-License-Identifier: Apache-2.0 */
/* SMART Health Cards (spec.smarthealth.cards), taken apart step by step: texts, JWS, JSON, FHIR.
 * What is accepted and refused, and why, is in docs/codes.md. */
#ifndef GATEHOUSE_SRC_CODE_SHC_H
#define GATEHOUSE_SRC_CODE_SHC_H

#include "code/parts.h"

struct json_t;

#define GH_SHC_PREFIX "shc:/"
#define GH_SHC_JWS_MAX_BYTES 8192    /* of GH_PARTS_TEXT_BYTES: two digits a character */
#define GH_SHC_HEADER_MAX_BYTES 512  /* of its JSON; published ones have 80 */
#define GH_SHC_PACKED_MAX_BYTES 6144 /* of these: four characters for three bytes */
#define GH_SHC_JSON_MAX_BYTES 65536  /* unpacked; the longest published card has 30178 */
#define GH_SHC_KID_TEXT_BYTES 44     /* 32 bytes in base64url, and NUL */
#define GH_SHC_JSON_DEPTH_MAX 32     /* the deepest published card has 12 */

/* --- texts (shc_parts.c) --- */

/* All texts of one card to its JWS. */
enum gh_reason gh_shc_join(const struct gh_bytes *texts, size_t count, struct gh_writer *jws);

/* --- JWS (shc_jws.c) --- */

struct gh_shc_jws {
    struct gh_bytes signed_text;           /* `header.payload`, a view into the text */
    char kid[GH_SHC_KID_TEXT_BYTES];       /* as it is spelled; "" until it was read */
    uint8_t thumbprint[GH_SHA256_BYTES];   /* kid decoded */
    uint8_t signature[GH_SIGNATURE_BYTES]; /* r and s */
    struct gh_bytes packed;                /* the payload, deflated, in the caller's buffer */
};
/* The compact serialization (RFC 7515, 7.1). Only its form is looked at. */
enum gh_reason gh_shc_jws_read(struct gh_bytes text, uint8_t packed[GH_SHC_PACKED_MAX_BYTES],
                               struct gh_shc_jws *out);

/* --- JSON (shc_json.c) --- */

/* One object, whole, no name twice, numbers as reals. What its tree takes of the heap is bounded
 * before there is any, to GH_SHC_TREE_MAX_BYTES about. TOO_DEEP, TOO_LARGE, TRUNCATED, TRAILING,
 * DUPLICATE_KEY, BAD_TIME for a number that is none, else MALFORMED. */
#define GH_SHC_TREE_MAX_BYTES 589824 /* the longest published card counts as 425000 */
enum gh_reason gh_shc_json_read(struct gh_bytes text, struct json_t **out);
/* Its texts wiped: they are names. NULL is fine. */
void gh_shc_json_free(struct json_t *tree);
/* A member that is a text, else NULL. object may be anything, also NULL. */
const char *gh_shc_json_text(const struct json_t *object, const char *name);

/* --- FHIR (shc_bundle.c, shc_vocabulary.c) --- */

/* The facts in a bundle, and its patient as a keyed hash, into out; BAD_CONTENT: no bundle. */
enum gh_reason gh_shc_bundle_read(const struct gh_trust *trust, const struct json_t *bundle,
                                  struct gh_credential *out);

#define GH_SHC_CVX_JANSSEN 212
/* 0 unless it is the CVX code of a vaccine against COVID-19. */
unsigned gh_shc_covid_vaccine(const char *cvx);
/* GH_TEST_ANY unless it is the LOINC code of a test for the virus itself. */
enum gh_test_kind gh_shc_covid_test(const char *loinc);
/* GH_RESULT_ANY unless the SNOMED CT concept is a known result. */
enum gh_test_result gh_shc_test_result(const char *snomed);

#endif
