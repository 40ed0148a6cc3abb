/* SPDX-License-Identifier: Apache-2.0 */
/* SMART Health Cards. First byte: `0` texts, separated by spaces; `1` a JWS in its own letters; `2`
 * a header, a line end, and what is to be deflated and signed behind it; `3` a payload under a
 * right header; `4` what the deflated payload is, to be signed. */
#include <stdio.h>
#include <zlib.h>

#include "fuzz.h"

#define BUFFER_BYTES 65536
#define TEXTS_MAX 20
#define ISSUER "https://fuzz.example/issuer"

static struct gh_private_key *signer;
static struct gh_trust *trust;
static char header[256];

static void prepare(void)
{
    struct gh_issuer_key key;
    struct gh_trusted_key found;
    uint8_t thumbprint[GH_SHA256_BYTES];
    char json[256], x[64], y[64], kid[64];
    signer = fuzz_issuer(GH_KEY_P256, GH_PURPOSE(GH_KIND_SHC), &key);
    strcpy(key.issuer, ISSUER);
    trust = fuzz_trust(&key, 1);
    /* RFC 7638 by hand: an independent spelling of what the code under test computes */
    gh_base64url_encode(key.raw + 1, 32, x);
    gh_base64url_encode(key.raw + 33, 32, y);
    int size = snprintf(json, sizeof(json),
                        "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    gh_sha256((struct gh_bytes){(const uint8_t *)json, (size_t)size}, thumbprint);
    fuzz_require(gh_trust_find(trust, GH_KIND_SHC, thumbprint, 0, &found));
    gh_base64url_encode(thumbprint, sizeof(thumbprint), kid);
    (void)snprintf(header, sizeof(header), "{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"%s\"}",
                   kid);
}

static void read_texts(struct gh_bytes all)
{
    struct gh_bytes texts[TEXTS_MAX];
    size_t count = 0;
    const uint8_t *at = all.data, *end = all.data + all.size;
    while (at < end && count < TEXTS_MAX) {
        const uint8_t *stop = memchr(at, ' ', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        texts[count++] = (struct gh_bytes){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    struct gh_credential credential;
    if (count == 0)
        return;
    gh_code_read_parts(trust, texts, count, FUZZ_NOW_S, &credential);
    fuzz_check(&credential);
}

static void read_jws(const char *jws, size_t size)
{
    static char text[2 * BUFFER_BYTES + 8];
    size_t used = 5;
    memcpy(text, "shc:/", used);
    for (size_t i = 0; i < size && i < BUFFER_BYTES; i++) {
        unsigned value = (unsigned char)jws[i] - 45u;
        if (value > 99)
            return;
        text[used++] = (char)('0' + value / 10);
        text[used++] = (char)('0' + value % 10);
    }
    read_texts((struct gh_bytes){(const uint8_t *)text, used});
}

static void read_signed(struct gh_bytes head, struct gh_bytes packed)
{
    static char jws[BUFFER_BYTES];
    uint8_t signature[GH_SIGNATURE_BYTES];
    if (gh_base64url_text_bytes(head.size) + gh_base64url_text_bytes(packed.size) + 100 >
        sizeof(jws))
        return;
    gh_base64url_encode(head.data, head.size, jws);
    strcat(jws, ".");
    gh_base64url_encode(packed.data, packed.size, jws + strlen(jws));
    if (gh_sign(signer, (struct gh_bytes){(const uint8_t *)jws, strlen(jws)}, signature) != GH_OK)
        abort();
    strcat(jws, ".");
    gh_base64url_encode(signature, sizeof(signature), jws + strlen(jws));
    read_jws(jws, strlen(jws));
}

static void read_payload(struct gh_bytes head, struct gh_bytes payload)
{
    static uint8_t packed[BUFFER_BYTES];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)payload.data,
                       .avail_in = (uInt)payload.size,
                       .next_out = packed,
                       .avail_out = sizeof(packed)};
    if (deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    int result = deflate(&stream, Z_FINISH);
    (void)deflateEnd(&stream);
    if (result == Z_STREAM_END)
        read_signed(head, (struct gh_bytes){packed, stream.total_out});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (trust == NULL)
        prepare();
    if (size == 0)
        return 0;
    struct gh_bytes rest = {data + 1, size - 1};
    struct gh_bytes right = {(const uint8_t *)header, strlen(header)};
    const uint8_t *line = memchr(rest.data, '\n', rest.size);
    if (data[0] == '1') {
        read_jws((const char *)rest.data, rest.size);
    } else if (data[0] == '2' && line != NULL) {
        size_t head = (size_t)(line - rest.data);
        read_payload((struct gh_bytes){rest.data, head},
                     (struct gh_bytes){line + 1, rest.size - head - 1});
    } else if (data[0] == '3') {
        read_payload(right, rest);
    } else if (data[0] == '4') {
        read_signed(right, rest);
    } else {
        read_texts(rest);
    }
    return 0;
}
