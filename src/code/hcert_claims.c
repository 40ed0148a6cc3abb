/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/claims.h"
#include "code/hcert.h"

#define CLAIM_HCERT (-260)
#define HCERT_EU_V1 1
#define DATE_BYTES 10 /* 2021-05-03 */

/* What was there, beside what it said. */
struct reading {
    struct gh_cbor_reader cbor;
    struct gh_hcert_claims *claims;
    bool has_iat, has_exp, has_entry;
    struct gh_bytes country;              /* of the first entry */
    struct gh_bytes names[4], birth_date; /* in the order of name_keys */
};

enum { FAMILY_TRANSLITERATED, FAMILY, GIVEN_TRANSLITERATED, GIVEN };
static const char *const name_keys[] = {"fnt", "fn", "gnt", "gn"};

/* --- pieces ---------------------------------------------------------------------------------- */

/* A group that is not there. */
static bool take_null(struct gh_cbor_reader *cbor)
{
    if (gh_cbor_peek(cbor) != GH_CBOR_NULL)
        return false;
    gh_cbor_skip(cbor);
    return true;
}

static int64_t read_time(struct gh_cbor_reader *cbor)
{
    int64_t seconds = gh_cbor_seconds(cbor, false);
    if (seconds < 0)
        gh_cbor_fail(cbor, GH_ERR_RANGE);
    return seconds;
}

/* --- the certificate ------------------------------------------------------------------------- */

/* The newest first; of the same time, the later dose. */
static bool comes_before(const struct gh_fact *a, const struct gh_fact *b)
{
    return a->at_s != b->at_s ? a->at_s > b->at_s : a->dose > b->dose;
}

/* Of more than there is room for, the newest stay. */
static void add_fact(struct gh_hcert_claims *claims, const struct gh_fact *fact)
{
    if (claims->fact_count == GH_FACTS_MAX) {
        if (!comes_before(fact, &claims->facts[GH_FACTS_MAX - 1]))
            return;
        claims->fact_count--;
    }
    size_t place = claims->fact_count++;
    for (; place > 0 && comes_before(fact, &claims->facts[place - 1]); place--)
        claims->facts[place] = claims->facts[place - 1];
    claims->facts[place] = *fact;
}

static void read_group(struct reading *reading, enum gh_fact_group group)
{
    struct gh_cbor_reader *cbor = &reading->cbor;
    struct gh_hcert_claims *claims = reading->claims;
    if (take_null(cbor))
        return;
    for (size_t left = gh_cbor_open_array(cbor); gh_cbor_more(cbor, &left);) {
        struct gh_hcert_entry entry;
        gh_hcert_entry_read(cbor, group, &entry);
        if (cbor->status != GH_OK)
            return;
        if (reading->has_entry && claims->group != group) {
            gh_cbor_fail(cbor, GH_ERR_INVALID);
            return;
        }
        if (!reading->has_entry) {
            reading->has_entry = true;
            claims->group = group;
            claims->number = entry.number;
            reading->country = entry.country;
        }
        if (entry.has_fact)
            add_fact(claims, &entry.fact);
    }
}

static void read_names(struct reading *reading)
{
    struct gh_cbor_reader *cbor = &reading->cbor;
    struct gh_cbor_keys seen = {.count = 0};
    for (size_t left = gh_cbor_open_map(cbor); gh_cbor_more(cbor, &left);) {
        struct gh_cbor_key key = gh_cbor_map_key(cbor, &seen);
        size_t i = 0;
        while (i < GH_ARRAY_SIZE(name_keys) && !gh_hcert_key_is(&key, name_keys[i]))
            i++;
        if (i < GH_ARRAY_SIZE(name_keys))
            reading->names[i] = gh_hcert_text(cbor);
        else
            gh_cbor_skip(cbor);
    }
}

static void read_certificate(struct reading *reading)
{
    struct gh_cbor_reader *cbor = &reading->cbor;
    struct gh_cbor_keys seen = {.count = 0};
    for (size_t left = gh_cbor_open_map(cbor); gh_cbor_more(cbor, &left);) {
        struct gh_cbor_key key = gh_cbor_map_key(cbor, &seen);
        if (gh_hcert_key_is(&key, "v"))
            read_group(reading, GH_FACT_VACCINATION);
        else if (gh_hcert_key_is(&key, "t"))
            read_group(reading, GH_FACT_TEST);
        else if (gh_hcert_key_is(&key, "r"))
            read_group(reading, GH_FACT_RECOVERY);
        else if (gh_hcert_key_is(&key, "nam"))
            read_names(reading);
        else if (gh_hcert_key_is(&key, "dob"))
            reading->birth_date = gh_hcert_text(cbor);
        else
            gh_cbor_skip(cbor);
    }
}

/* --- the claims around it -------------------------------------------------------------------- */

static void read_hcert(struct reading *reading)
{
    struct gh_cbor_reader *cbor = &reading->cbor;
    struct gh_cbor_keys seen = {.count = 0};
    for (size_t left = gh_cbor_open_map(cbor); gh_cbor_more(cbor, &left);) {
        struct gh_cbor_key key = gh_cbor_map_key(cbor, &seen);
        if (!key.is_text && key.number == HCERT_EU_V1)
            read_certificate(reading);
        else
            gh_cbor_skip(cbor);
    }
}

static void read_claim(struct reading *reading, int64_t label)
{
    struct gh_cbor_reader *cbor = &reading->cbor;
    switch (label) {
    case GH_CLAIM_ISS:
        reading->claims->issuer = gh_hcert_text(cbor);
        break;
    case GH_CLAIM_EXP:
        reading->claims->expires_at_s = read_time(cbor);
        reading->has_exp = true;
        break;
    case GH_CLAIM_IAT:
        reading->claims->issued_at_s = read_time(cbor);
        reading->has_iat = true;
        break;
    case CLAIM_HCERT:
        read_hcert(reading);
        break;
    default:
        gh_cbor_skip(cbor);
    }
}

/* --- do they make sense together ------------------------------------------------------------- */

static bool is_issuer_name(struct gh_bytes name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < 0x20 || name.data[i] > 0x7e)
            return false;
    return name.size < GH_ISSUER_BYTES;
}

/* The transliterated names are the ones that every issuer spells alike. A birth date is a date:
 * some encoders have made a date-time of it. */
static void fill_holder(const struct reading *reading, struct gh_hcert_claims *claims)
{
    const struct gh_bytes *names = reading->names;
    claims->family_name =
        names[names[FAMILY_TRANSLITERATED].size > 0 ? FAMILY_TRANSLITERATED : FAMILY];
    claims->given_name = names[names[GIVEN_TRANSLITERATED].size > 0 ? GIVEN_TRANSLITERATED : GIVEN];
    claims->birth_date = reading->birth_date;
    if (claims->birth_date.size > DATE_BYTES && claims->birth_date.data[DATE_BYTES] == 'T')
        claims->birth_date.size = DATE_BYTES;
}

enum gh_status gh_hcert_claims_read(struct gh_bytes payload, struct gh_hcert_claims *out)
{
    memset(out, 0, sizeof(*out));
    struct reading reading = {.cbor = gh_cbor_reader_over(payload), .claims = out};
    struct gh_cbor_reader *cbor = &reading.cbor;
    struct gh_cbor_keys seen = {.count = 0};
    cbor->indefinite = true;
    for (size_t left = gh_cbor_open_map(cbor); gh_cbor_more(cbor, &left);)
        read_claim(&reading, gh_cbor_map_key(cbor, &seen).number);
    enum gh_status status = gh_cbor_finish(cbor);
    if (status != GH_OK)
        return status;
    if (out->issuer.size == 0)
        out->issuer = reading.country;
    fill_holder(&reading, out);
    bool whole =
        reading.has_iat && reading.has_exp && reading.has_entry && is_issuer_name(out->issuer);
    return whole ? GH_OK : GH_ERR_INVALID;
}
