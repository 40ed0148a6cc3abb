/* SPDX-License-Identifier: Apache-2.0 */
#include "code/claims.h"

#include <string.h>

#include "code/cbor.h"
#include "code/parts.h"

/* What was there, beside what it said. */
struct reading {
    struct gh_cbor_reader cbor;
    struct gh_code_claims claims;
    bool has_sub, has_iat, has_cti, has_own;
};

/* --- one claim ------------------------------------------------------------------------------- */

static void read_sub(struct reading *reading)
{
    struct gh_bytes text = gh_cbor_text(&reading->cbor);
    if (reading->cbor.status == GH_OK)
        gh_cbor_fail(&reading->cbor,
                     gh_id_parse((const char *)text.data, text.size, &reading->claims.about));
    reading->has_sub = true;
}

gh_id gh_code_id(struct gh_cbor_reader *reader)
{
    struct gh_bytes bytes = gh_cbor_bytes(reader);
    gh_id id = bytes.size == sizeof(id) ? gh_be64(bytes.data) : 0;
    if (id == 0)
        gh_cbor_fail(reader, GH_ERR_INVALID);
    return id;
}

/* Floats are for others: a fraction of a second has no meaning here, and one time one spelling. */
int64_t gh_code_seconds(struct gh_cbor_reader *reader)
{
    if (gh_cbor_peek(reader) == GH_CBOR_FLOAT)
        gh_cbor_fail(reader, GH_ERR_RANGE);
    int64_t seconds = gh_cbor_seconds(reader, false);
    if (seconds < 0)
        gh_cbor_fail(reader, GH_ERR_RANGE);
    return seconds;
}

/* The mark is there or it is not: there is no `false`. */
static bool read_paper(struct gh_cbor_reader *cbor)
{
    bool paper = gh_cbor_bool(cbor);
    if (!paper)
        gh_cbor_fail(cbor, GH_ERR_INVALID);
    return paper;
}

static enum gh_kind read_kind(struct gh_cbor_reader *cbor)
{
    uint64_t kind = gh_cbor_uint(cbor);
    if (kind >= GH_KIND_HEALTH && kind <= GH_KIND_ENROLMENT)
        return (enum gh_kind)kind;
    gh_cbor_fail(cbor, GH_ERR_INVALID);
    return GH_KIND_UNKNOWN;
}

static enum gh_colour read_colour(struct gh_cbor_reader *cbor)
{
    uint64_t colour = gh_cbor_uint(cbor);
    if (colour >= GH_COLOUR_GREEN && colour <= GH_COLOUR_RED)
        return (enum gh_colour)colour;
    gh_cbor_fail(cbor, GH_ERR_INVALID);
    return GH_COLOUR_NONE;
}

static struct gh_bytes read_exactly(struct gh_cbor_reader *cbor, size_t size)
{
    struct gh_bytes bytes = gh_cbor_bytes(cbor);
    if (bytes.size != size)
        gh_cbor_fail(cbor, GH_ERR_INVALID);
    return bytes;
}

static void read_own(struct reading *reading)
{
    struct gh_cbor_reader *cbor = &reading->cbor;
    struct gh_code_claims *claims = &reading->claims;
    struct gh_cbor_keys seen = {.count = 0};
    for (size_t pairs = gh_cbor_map(cbor); pairs > 0 && cbor->status == GH_OK; pairs--) {
        switch (gh_cbor_map_key(cbor, &seen).number) {
        case GH_OWN_KIND:
            claims->kind = read_kind(cbor);
            break;
        case GH_OWN_COLOUR:
            claims->colour = read_colour(cbor);
            break;
        case GH_OWN_TOKEN:
            claims->token = read_exactly(cbor, GH_ENROLMENT_TOKEN_BYTES);
            break;
        case GH_OWN_LIST_KEY:
            claims->list_key = read_exactly(cbor, sizeof(((struct gh_enrolment *)0)->list_key));
            break;
        case GH_OWN_PIN:
            claims->pin = read_exactly(cbor, GH_SHA256_BYTES);
            break;
        case GH_OWN_PAPER:
            claims->paper = read_paper(cbor);
            break;
        default:
            gh_cbor_skip(cbor);
        }
    }
    reading->has_own = true;
}

static void read_claim(struct reading *reading, int64_t label)
{
    struct gh_cbor_reader *cbor = &reading->cbor;
    switch (label) {
    case GH_CLAIM_ISS:
        reading->claims.issuer = gh_cbor_text(cbor);
        break;
    case GH_CLAIM_SUB:
        read_sub(reading);
        break;
    case GH_CLAIM_EXP:
        reading->claims.expires_at_s = gh_code_seconds(cbor);
        break;
    case GH_CLAIM_IAT:
        reading->claims.issued_at_s = gh_code_seconds(cbor);
        reading->has_iat = true;
        break;
    case GH_CLAIM_CTI:
        reading->claims.id = gh_code_id(cbor);
        reading->has_cti = true;
        break;
    case GH_CLAIM_CNF:
        reading->claims.cnf = gh_cnf_read(cbor);
        reading->claims.bound = true;
        break;
    case GH_CLAIM_OWN:
        read_own(reading);
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
    return name.size > 0 && name.size < GH_OWN_ISSUER_BYTES;
}

static bool is_host_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
}

/* Digits of a port number, 1 to 65535. */
static bool is_port(const uint8_t *digits, size_t size)
{
    uint32_t port = 0;
    for (size_t i = 0; i < size; i++) {
        if (i == 5 || digits[i] < '0' || digits[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(digits[i] - '0');
    }
    return port >= 1 && port <= 65535;
}

/* https://HOST[:PORT] or http://HOST[:PORT], nothing behind it: paths are the protocol's. */
static bool is_server_url(struct gh_bytes url)
{
    static const char *const schemes[] = {"https://", "http://"};
    size_t start = 0;
    for (size_t i = 0; i < GH_ARRAY_SIZE(schemes) && start == 0; i++) {
        size_t size = strlen(schemes[i]);
        if (url.size > size && memcmp(url.data, schemes[i], size) == 0)
            start = size;
    }
    if (start == 0 || url.size >= GH_URL_BYTES)
        return false;
    size_t end = start;
    while (end < url.size && is_host_character(url.data[end]))
        end++;
    if (end == start)
        return false;
    return end == url.size ||
           (url.data[end] == ':' && is_port(url.data + end + 1, url.size - end - 1));
}

static bool is_enrolment(const struct gh_code_claims *claims)
{
    return is_server_url(claims->issuer) && claims->colour == GH_COLOUR_NONE &&
           claims->token.size > 0 && claims->list_key.size > 0 && !claims->paper && !claims->bound;
}

static bool fits_its_kind(const struct reading *reading)
{
    const struct gh_code_claims *claims = &reading->claims;
    if (claims->kind == GH_KIND_ENROLMENT)
        return is_enrolment(claims);
    bool health = claims->kind == GH_KIND_HEALTH;
    /* A health code says how it is carried, in one way: so none is taken for what it is not. */
    bool carried = health ? claims->paper != claims->bound : !claims->paper && !claims->bound;
    return is_issuer_name(claims->issuer) && reading->has_cti && carried &&
           health == (claims->colour != GH_COLOUR_NONE) && claims->token.size == 0 &&
           claims->list_key.size == 0 && claims->pin.size == 0;
}

static enum gh_reason check(const struct reading *reading)
{
    const struct gh_code_claims *claims = &reading->claims;
    if (!reading->has_sub || !reading->has_iat || !reading->has_own ||
        claims->kind == GH_KIND_UNKNOWN || !fits_its_kind(reading))
        return GH_REASON_MALFORMED;
    if (claims->expires_at_s <= claims->issued_at_s)
        return GH_REASON_TIMES_CONTRADICT;
    return GH_REASON_OK;
}

enum gh_reason gh_code_claims_read(struct gh_bytes payload, struct gh_code_claims *out)
{
    struct reading reading = {.cbor = gh_cbor_reader_over(payload),
                              .claims = {.expires_at_s = INT64_MAX}};
    struct gh_cbor_keys seen = {.count = 0};
    struct gh_cbor_reader *cbor = &reading.cbor;
    for (size_t pairs = gh_cbor_map(cbor); pairs > 0 && cbor->status == GH_OK; pairs--) {
        struct gh_cbor_key key = gh_cbor_map_key(cbor, &seen);
        read_claim(&reading, key.number);
    }
    *out = reading.claims;
    enum gh_reason form = gh_code_form_reason(gh_cbor_finish(cbor));
    return form == GH_REASON_OK ? check(&reading) : form;
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_own(struct gh_writer *writer, const struct gh_code_claims *claims)
{
    bool colour = claims->colour != GH_COLOUR_NONE;
    bool enrolment = claims->kind == GH_KIND_ENROLMENT;
    bool pin = claims->pin.size > 0;
    gh_cbor_put_map(writer, 1u + colour + 2u * enrolment + pin + claims->paper);
    gh_cbor_put_uint(writer, GH_OWN_KIND);
    gh_cbor_put_uint(writer, claims->kind);
    if (colour) {
        gh_cbor_put_uint(writer, GH_OWN_COLOUR);
        gh_cbor_put_uint(writer, claims->colour);
    }
    if (enrolment) {
        gh_cbor_put_uint(writer, GH_OWN_TOKEN);
        gh_cbor_put_bytes(writer, claims->token.data, claims->token.size);
        gh_cbor_put_uint(writer, GH_OWN_LIST_KEY);
        gh_cbor_put_bytes(writer, claims->list_key.data, claims->list_key.size);
    }
    if (pin) {
        gh_cbor_put_uint(writer, GH_OWN_PIN);
        gh_cbor_put_bytes(writer, claims->pin.data, claims->pin.size);
    }
    if (claims->paper) {
        gh_cbor_put_uint(writer, GH_OWN_PAPER);
        gh_cbor_put_bool(writer, true);
    }
}

static void put_claims(struct gh_writer *writer, const struct gh_code_claims *claims,
                       const char *issuer)
{
    bool ends = claims->expires_at_s != INT64_MAX;
    bool has_id = claims->kind != GH_KIND_ENROLMENT;
    char about[GH_ID_TEXT_BYTES];
    gh_id_format(claims->about, about);
    gh_cbor_put_map(writer, 4u + ends + has_id + claims->bound);
    gh_cbor_put_uint(writer, GH_CLAIM_ISS);
    gh_cbor_put_text(writer, issuer);
    gh_cbor_put_uint(writer, GH_CLAIM_SUB);
    gh_cbor_put_text(writer, about);
    if (ends) {
        gh_cbor_put_uint(writer, GH_CLAIM_EXP);
        gh_cbor_put_int(writer, claims->expires_at_s);
    }
    gh_cbor_put_uint(writer, GH_CLAIM_IAT);
    gh_cbor_put_int(writer, claims->issued_at_s);
    if (has_id) {
        uint8_t id[sizeof(gh_id)];
        gh_put_be64(id, claims->id);
        gh_cbor_put_uint(writer, GH_CLAIM_CTI);
        gh_cbor_put_bytes(writer, id, sizeof(id));
    }
    if (claims->bound) {
        gh_cbor_put_uint(writer, GH_CLAIM_CNF);
        gh_cnf_put(writer, &claims->cnf);
    }
    gh_cbor_put_int(writer, GH_CLAIM_OWN);
    put_own(writer, claims);
}

enum gh_status gh_code_claims_write(struct gh_writer *writer, const struct gh_code_claims *claims)
{
    char issuer[GH_URL_BYTES];
    if (claims->issuer.size >= sizeof(issuer))
        return GH_ERR_INVALID;
    memcpy(issuer, claims->issuer.data, claims->issuer.size);
    issuer[claims->issuer.size] = '\0';
    size_t start = writer->size;
    put_claims(writer, claims, issuer);
    if (writer->overflow)
        return GH_ERR_TOOBIG;
    struct gh_bytes payload = {.data = writer->data + start, .size = writer->size - start};
    struct gh_code_claims back;
    return gh_code_claims_read(payload, &back) == GH_REASON_OK ? GH_OK : GH_ERR_INVALID;
}
