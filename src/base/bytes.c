/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/bytes.h"

#include <string.h>

bool gh_bytes_equal(struct gh_bytes a, struct gh_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* --- writer --------------------------------------------------------------------------------------
 */

void gh_writer_put(struct gh_writer *writer, const void *data, size_t size)
{
    if (writer->overflow || size > writer->capacity - writer->size) {
        writer->overflow = true;
        return;
    }
    if (size > 0) {
        memcpy(writer->data + writer->size, data, size);
        writer->size += size;
    }
}

void gh_writer_put_text(struct gh_writer *writer, const char *text)
{
    gh_writer_put(writer, text, strlen(text));
}

void gh_writer_put_byte(struct gh_writer *writer, uint8_t byte)
{
    gh_writer_put(writer, &byte, 1);
}

/* --- hex and identifiers
 * --------------------------------------------------------------------------- */

static const char hex_digits[] = "0123456789abcdef";

void gh_hex_encode(const void *data, size_t size, char *out)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        *out++ = hex_digits[bytes[i] >> 4];
        *out++ = hex_digits[bytes[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

enum gh_status gh_hex_decode(const char *text, size_t text_size, void *out, size_t size)
{
    if (text_size % 2 != 0 || text_size / 2 != size) {
        return GH_ERR_INVALID;
    }
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return GH_ERR_INVALID;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return GH_OK;
}

void gh_id_format(gh_id id, char out[GH_ID_TEXT_BYTES])
{
    uint8_t bytes[8];
    gh_put_be64(bytes, id);
    gh_hex_encode(bytes, sizeof(bytes), out);
}

enum gh_status gh_id_parse(const char *text, size_t size, gh_id *id)
{
    if (text == NULL || size != GH_ID_TEXT_BYTES - 1) {
        return GH_ERR_INVALID;
    }
    gh_id value = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = text[i] >= 'A' && text[i] <= 'F' ? -1 : hex_value(text[i]);
        if (digit < 0) {
            return GH_ERR_INVALID;
        }
        value = value << 4 | (gh_id)digit;
    }
    if (value == 0) {
        return GH_ERR_INVALID;
    }
    *id = value;
    return GH_OK;
}

/* --- base64url
 * --------------------------------------------------------------------------------------- */

static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void gh_base64url_encode(const void *data, size_t size, char *out)
{
    const uint8_t *bytes = data;
    uint32_t bits = 0;
    unsigned int count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[i];
        count += 8;
        while (count >= 6) {
            count -= 6;
            *out++ = base64url_digits[bits >> count & 63];
        }
    }
    if (count > 0) {
        *out++ = base64url_digits[bits << (6 - count) & 63];
    }
    *out = '\0';
}

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum gh_status gh_base64url_decode(const char *text, size_t text_size, void *out, size_t *size)
{
    if (text_size % 4 == 1) {
        return GH_ERR_INVALID;
    }
    size_t out_size = text_size / 4 * 3 + (text_size % 4 > 0 ? text_size % 4 - 1 : 0);
    if (out_size > *size) {
        return GH_ERR_TOOBIG;
    }
    uint8_t *bytes = out;
    uint32_t bits = 0;
    unsigned int count = 0;
    for (size_t i = 0; i < text_size; i++) {
        int value = base64url_value(text[i]);
        if (value < 0) {
            return GH_ERR_INVALID;
        }
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *bytes++ = (uint8_t)(bits >> count);
        }
    }
    /* Two texts must never stand for the same bytes. */
    if ((bits & ((1U << count) - 1)) != 0) {
        return GH_ERR_INVALID;
    }
    *size = out_size;
    return GH_OK;
}

/* --- big-endian numbers
 * -------------------------------------------------------------------------------- */

uint16_t gh_be16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t gh_be32(const uint8_t *bytes)
{
    return (uint32_t)gh_be16(bytes) << 16 | gh_be16(bytes + 2);
}

uint64_t gh_be64(const uint8_t *bytes)
{
    return (uint64_t)gh_be32(bytes) << 32 | gh_be32(bytes + 4);
}

void gh_put_be64(uint8_t out[8], uint64_t value)
{
    for (int i = 7; i >= 0; i--) {
        out[i] = (uint8_t)value;
        value >>= 8;
    }
}

/* --- UTF-8
 * --------------------------------------------------------------------------------------------- */

/* The size of the well-formed character at bytes, 0 if there is none (RFC 3629, section 4: only the
 * second byte has a range of its own, and it rules out overlong forms, surrogates and what lies
 * beyond U+10FFFF). */
static size_t utf8_character_size(const uint8_t *bytes, size_t size)
{
    uint8_t lead = bytes[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || size < wanted) {
        return 0;
    }
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < wanted; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return wanted;
}

bool gh_utf8_valid(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    while (size > 0) {
        size_t step = utf8_character_size(bytes, size);
        if (step == 0) {
            return false;
        }
        bytes += step;
        size -= step;
    }
    return true;
}
