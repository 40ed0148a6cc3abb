/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/shc_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void *room(size_t bytes)
{
    void *memory = calloc(1, bytes);
    must(memory != NULL);
    return memory;
}

static char *base64url(const void *data, size_t bytes)
{
    char *text = room(gh_base64url_text_bytes(bytes));
    gh_base64url_encode(data, bytes, text);
    return text;
}

/* --- keys ------------------------------------------------------------------------------------ */

static void raw_key(const struct gh_private_key *key, uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES])
{
    struct gh_public_key *public = NULL;
    must(gh_private_key_public(key, &public) == GH_OK);
    must(gh_public_key_raw(public, raw) == 65);
    gh_public_key_free(public);
}

void shc_kid(const struct gh_private_key *key, char out[SHC_KID_BYTES])
{
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES], hash[GH_SHA256_BYTES];
    char members[256];
    raw_key(key, raw);
    char *x = base64url(raw + 1, 32), *y = base64url(raw + 33, 32);
    int size = snprintf(members, sizeof(members),
                        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    gh_sha256((struct gh_bytes){(const uint8_t *)members, (size_t)size}, hash);
    gh_base64url_encode(hash, sizeof(hash), out);
    free(x);
    free(y);
}

struct gh_issuer_key shc_issuer_key(const struct gh_private_key *key, const char *iss)
{
    struct gh_issuer_key out = {.type = GH_KEY_P256,
                                .raw_bytes = 65,
                                .purposes = GH_PURPOSE(GH_KIND_SHC),
                                .not_before_s = INT64_MIN,
                                .not_after_s = INT64_MAX};
    raw_key(key, out.raw);
    snprintf(out.issuer, sizeof(out.issuer), "%s", iss);
    return out;
}

/* --- payload --------------------------------------------------------------------------------- */

char *shc_payload(const char *iss, const char *times, const char *bundle_entries)
{
    static const char form[] =
        "{\"iss\":\"%s\",%s,\"vc\":{\"type\":[\"https://smarthealth.cards#health-card\","
        "\"https://smarthealth.cards#immunization\"],\"credentialSubject\":{\"fhirVersion\":\"4.0."
        "1\",\"fhirBundle\":{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[%s]}},"
        "\"rid\":\"rid-1\"}}";
    char *out = NULL;
    must(asprintf(&out, form, iss, times, bundle_entries) > 0);
    return out;
}

char *shc_person_payload(void)
{
    return shc_payload(
        SHC_ISS, "\"nbf\":1620000000",
        "{\"fullUrl\":\"resource:0\",\"resource\":{\"resourceType\":\"Patient\",\"name\":[{"
        "\"family\":\"Muster\",\"given\":[\"Erika\",\"B.\"]}],\"birthDate\":\"1964-08-12\"}},"
        "{\"fullUrl\":\"resource:1\",\"resource\":{\"resourceType\":\"Immunization\",\"status\":"
        "\"completed\",\"vaccineCode\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/sid/cvx\","
        "\"code\":\"207\"}]},\"patient\":{\"reference\":\"resource:0\"},\"occurrenceDateTime\":"
        "\"2021-01-01\"}},"
        "{\"fullUrl\":\"resource:2\",\"resource\":{\"resourceType\":\"Immunization\",\"status\":"
        "\"completed\",\"vaccineCode\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/sid/cvx\","
        "\"code\":\"207\"}]},\"patient\":{\"reference\":\"resource:0\"},\"occurrenceDateTime\":"
        "\"2021-01-29\"}}");
}

uint8_t *shc_deflate(const void *data, size_t bytes, size_t *size)
{
    z_stream stream = {.zalloc = NULL};
    must(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    uLong most = deflateBound(&stream, (uLong)bytes);
    uint8_t *out = room(most);
    stream.next_in = (z_const Bytef *)data;
    stream.avail_in = (uInt)bytes;
    stream.next_out = out;
    stream.avail_out = (uInt)most;
    must(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    *size = stream.total_out;
    deflateEnd(&stream);
    return out;
}

/* --- JWS ------------------------------------------------------------------------------------- */

static char *header_of(const struct shc_spec *spec)
{
    char kid[SHC_KID_BYTES], json[256];
    if (spec->header != NULL)
        return base64url(spec->header, strlen(spec->header));
    if (spec->kid == NULL)
        shc_kid(spec->key, kid);
    int size = snprintf(json, sizeof(json), "{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"%s\"}",
                        spec->kid != NULL ? spec->kid : kid);
    return base64url(json, (size_t)size);
}

static char *payload_of(const struct shc_spec *spec)
{
    size_t bytes = spec->payload_bytes > 0 ? spec->payload_bytes : strlen(spec->payload);
    if (spec->packed)
        return base64url(spec->payload, bytes);
    size_t size = 0;
    uint8_t *packed = shc_deflate(spec->payload, bytes, &size);
    char *text = base64url(packed, size);
    free(packed);
    return text;
}

static char *signature_of(const struct shc_spec *spec, const char *message)
{
    uint8_t signature[GH_SIGNATURE_BYTES];
    struct gh_bytes bytes = {(const uint8_t *)message, strlen(message)};
    if (spec->signature != NULL)
        return base64url(spec->signature, spec->signature_bytes);
    must(gh_sign(spec->key, bytes, signature) == GH_OK);
    return base64url(signature, sizeof(signature));
}

char *shc_jws(const struct shc_spec *spec)
{
    char *header = header_of(spec), *payload = payload_of(spec), *message = NULL, *out = NULL;
    must(asprintf(&message, "%s.%s", header, payload) > 0);
    char *signature = signature_of(spec, message);
    must(asprintf(&out, "%s.%s", message, signature) > 0);
    free(header);
    free(payload);
    free(message);
    free(signature);
    return out;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* Behind `prefix`, the characters from first on as pairs of digits. */
static char *numeric(const char *prefix, const char *first, size_t count)
{
    size_t start = strlen(prefix);
    char *out = room(start + 2 * count + 1);
    memcpy(out, prefix, start);
    for (size_t i = 0; i < count; i++) {
        int value = first[i] - 45;
        must(value >= 0 && value <= 77);
        out[start + 2 * i] = (char)('0' + value / 10);
        out[start + 2 * i + 1] = (char)('0' + value % 10);
    }
    return out;
}

char *shc_text(const char *jws)
{
    return numeric("shc:/", jws, strlen(jws));
}

char *shc_chunk(const char *jws, size_t number, size_t count)
{
    char prefix[64];
    size_t size = strlen(jws), from = size * (number - 1) / count, to = size * number / count;
    snprintf(prefix, sizeof(prefix), "shc:/%zu/%zu/", number, count);
    return numeric(prefix, jws + from, to - from);
}

char *shc_card(const struct gh_private_key *key, const char *payload)
{
    struct shc_spec spec = {.key = key, .payload = payload};
    char *jws = shc_jws(&spec), *text = shc_text(jws);
    free(jws);
    return text;
}
