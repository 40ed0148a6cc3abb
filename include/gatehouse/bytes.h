/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes: borrowed views, a writer over a caller's buffer, identifiers and their text, hex,
 * base64url. */
#ifndef GATEHOUSE_BYTES_H
#define GATEHOUSE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse/status.h"

#define GH_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* A borrowed view; lives as long as what it points into. data may be NULL when size is 0. */
struct gh_bytes {
    const uint8_t *data;
    size_t size;
};

bool gh_bytes_equal(struct gh_bytes a,
                    struct gh_bytes b); /* NOT for secrets: see gh_crypto_equal */

/* Appends to a buffer that the caller owns. Once something did not fit, `overflow` stays set,
 * nothing more is written, and size stays where it was: check once at the end. */
struct gh_writer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool overflow;
};

static inline struct gh_writer gh_writer_over(void *buffer, size_t capacity)
{
    return (struct gh_writer){.data = (uint8_t *)buffer, .capacity = capacity};
}

void gh_writer_put(struct gh_writer *writer, const void *data, size_t size);
void gh_writer_put_text(struct gh_writer *writer, const char *text); /* without its NUL */
void gh_writer_put_byte(struct gh_writer *writer, uint8_t byte);

/* An opaque random identifier of a subject, a home, a gate or a credential. 0 means none and is
 * never given out. Text: exactly 16 lower-case hex digits. */
typedef uint64_t gh_id;
#define GH_ID_TEXT_BYTES 17
void gh_id_format(gh_id id, char out[GH_ID_TEXT_BYTES]);
/* GH_ERR_INVALID unless exactly 16 lower-case hex digits that are not all 0. size excludes any NUL.
 */
GH_MUST_CHECK enum gh_status gh_id_parse(const char *text, size_t size, gh_id *id);

/* out holds 2*size+1 bytes, NUL-terminated, lower case. */
void gh_hex_encode(const void *data, size_t size, char *out);
/* Exactly 2*size digits, either case, into out[size]; text_size is the text's length without NUL.
 */
GH_MUST_CHECK enum gh_status gh_hex_decode(const char *text, size_t text_size, void *out,
                                           size_t size);

/* RFC 4648 section 5, unpadded. gh_base64url_text_bytes counts the NUL. */
static inline size_t gh_base64url_text_bytes(size_t size)
{
    return (size * 4 + 2) / 3 + 1;
}
void gh_base64url_encode(const void *data, size_t size, char *out);
/* Strict: no padding, no white space, unused bits zero. *size in: capacity, out: bytes written.
 * GH_ERR_TOOBIG when it does not fit, GH_ERR_INVALID for anything else. */
GH_MUST_CHECK enum gh_status gh_base64url_decode(const char *text, size_t text_size, void *out,
                                                 size_t *size);

/* Big-endian, any alignment. */
uint16_t gh_be16(const uint8_t *bytes);
uint32_t gh_be32(const uint8_t *bytes);
uint64_t gh_be64(const uint8_t *bytes);
void gh_put_be64(uint8_t out[8], uint64_t value);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool gh_utf8_valid(const void *data, size_t size);

#endif
