/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/cbor_text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/cbor.h"

#define BREAK 0xff
#define FLOAT64 0xfb

struct parser {
    const char *at, *all;
    struct gh_writer *writer;
};

static void put_item(struct parser *parser);

static _Noreturn void wrong(const struct parser *parser)
{
    fprintf(stderr, "cbor_text: cannot read \"%s\" in \"%s\"\n", parser->at, parser->all);
    abort();
}

static bool take(struct parser *parser, const char *token)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
    if (strncmp(parser->at, token, strlen(token)) != 0)
        return false;
    parser->at += strlen(token);
    return true;
}

static void need(struct parser *parser, const char *token)
{
    if (!take(parser, token))
        wrong(parser);
}

/* --- simple ones ----------------------------------------------------------------------------- */

static void put_float(struct gh_writer *writer, double number)
{
    uint64_t bits;
    uint8_t bytes[8];
    memcpy(&bits, &number, sizeof(bits));
    gh_put_be64(bytes, bits);
    gh_writer_put_byte(writer, FLOAT64);
    gh_writer_put(writer, bytes, sizeof(bytes));
}

static const char *take_quoted(struct parser *parser, size_t *size)
{
    const char *start = parser->at;
    const char *end = strchr(start, '\'');
    if (end == NULL)
        wrong(parser);
    *size = (size_t)(end - start);
    parser->at = end + 1;
    return start;
}

static void put_text(struct parser *parser)
{
    size_t size;
    const char *start = take_quoted(parser, &size);
    char *text = strndup(start, size);
    if (text == NULL)
        abort();
    gh_cbor_put_text(parser->writer, text);
    free(text);
}

static void put_hex(struct parser *parser, bool raw)
{
    size_t digits;
    const char *start = take_quoted(parser, &digits);
    uint8_t *bytes = malloc(digits + 1);
    if (bytes == NULL || gh_hex_decode(start, digits, bytes, digits / 2) != GH_OK)
        wrong(parser);
    if (raw)
        gh_writer_put(parser->writer, bytes, digits / 2);
    else
        gh_cbor_put_bytes(parser->writer, bytes, digits / 2);
    free(bytes);
}

/* An integer, a float when it has a point or an exponent, or a tag when a bracket follows. */
static void put_number(struct parser *parser)
{
    char *end;
    double number = strtod(parser->at, &end);
    if (end == parser->at)
        wrong(parser);
    size_t size = (size_t)(end - parser->at);
    bool is_float = memchr(parser->at, '.', size) != NULL || memchr(parser->at, 'e', size) != NULL;
    bool is_negative = *parser->at == '-';
    uint64_t value = strtoull(parser->at + is_negative, NULL, 10);
    parser->at = end;
    if (is_float)
        put_float(parser->writer, number);
    else if (is_negative)
        gh_cbor_put_int(parser->writer, -(int64_t)value);
    else if (!take(parser, "("))
        gh_cbor_put_uint(parser->writer, value);
    else {
        gh_cbor_put_tag(parser->writer, value);
        put_item(parser);
        need(parser, ")");
    }
}

/* --- containers ------------------------------------------------------------------------------ */

static size_t put_items(struct parser *parser, const char *end, bool pairs)
{
    size_t count = 0;
    while (!take(parser, end)) {
        if (count++ > 0)
            need(parser, ",");
        bool raw = take(parser, "x'");
        if (raw)
            put_hex(parser, true);
        else
            put_item(parser);
        if (pairs && take(parser, ":"))
            put_item(parser);
        else if (pairs && !raw)
            wrong(parser);
    }
    return count;
}

/* The items first, into a space of their own, since their number stands before them. */
static void put_container(struct parser *parser, const char *end, bool pairs, uint8_t indefinite)
{
    struct gh_writer *outer = parser->writer;
    if (take(parser, "_")) {
        gh_writer_put_byte(outer, indefinite);
        put_items(parser, end, pairs);
        gh_writer_put_byte(outer, BREAK);
        return;
    }
    uint8_t *space = malloc(outer->capacity);
    if (space == NULL)
        abort();
    struct gh_writer inner = gh_writer_over(space, outer->capacity);
    parser->writer = &inner;
    size_t count = put_items(parser, end, pairs);
    parser->writer = outer;
    if (pairs)
        gh_cbor_put_map(outer, count);
    else
        gh_cbor_put_array(outer, count);
    gh_writer_put(outer, inner.data, inner.size);
    free(space);
}

static void put_chunks(struct parser *parser)
{
    need(parser, "_");
    take(parser, ""); /* the space */
    gh_writer_put_byte(parser->writer, *parser->at == 'h' ? 0x5f : 0x7f);
    put_items(parser, ")", false);
    gh_writer_put_byte(parser->writer, BREAK);
}

static void put_item(struct parser *parser)
{
    if (take(parser, "{"))
        put_container(parser, "}", true, 0xbf);
    else if (take(parser, "["))
        put_container(parser, "]", false, 0x9f);
    else if (take(parser, "("))
        put_chunks(parser);
    else if (take(parser, "h'"))
        put_hex(parser, false);
    else if (take(parser, "x'"))
        put_hex(parser, true);
    else if (take(parser, "'"))
        put_text(parser);
    else if (take(parser, "null"))
        gh_writer_put_byte(parser->writer, 0xf6);
    else if (take(parser, "undefined"))
        gh_writer_put_byte(parser->writer, 0xf7);
    else if (take(parser, "true"))
        gh_cbor_put_bool(parser->writer, true);
    else if (take(parser, "false"))
        gh_cbor_put_bool(parser->writer, false);
    else if (take(parser, "NaN"))
        put_float(parser->writer, (double)NAN);
    else if (take(parser, "Infinity"))
        put_float(parser->writer, (double)INFINITY);
    else if (take(parser, "-Infinity"))
        put_float(parser->writer, -(double)INFINITY);
    else
        put_number(parser);
}

void cbor_put_notation(struct gh_writer *writer, const char *notation)
{
    struct parser parser = {.at = notation, .all = notation, .writer = writer};
    put_item(&parser);
    while (take(&parser, "x'"))
        put_hex(&parser, true);
    take(&parser, "");
    if (*parser.at != '\0' || writer->overflow)
        wrong(&parser);
}
