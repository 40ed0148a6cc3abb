/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "code/inflate.h"
#include "used_time.h"

#define PACKED_BYTES 8192
#define PLAIN_BYTES 65536

/* --- packing --------------------------------------------------------------------------------- */

struct packed {
    uint8_t data[PACKED_BYTES];
    size_t size;
};

static void start(z_stream *stream, enum gh_deflate format, int level, int strategy,
                  struct packed *out)
{
    memset(stream, 0, sizeof(*stream));
    assert_int_equal(
        deflateInit2(stream, level, Z_DEFLATED, format == GH_DEFLATE_RAW ? -15 : 15, 8, strategy),
        Z_OK);
    stream->next_out = out->data;
    stream->avail_out = sizeof(out->data);
}

static void add(z_stream *stream, const void *data, size_t size, int flush)
{
    stream->next_in = (z_const Bytef *)data;
    stream->avail_in = (uInt)size;
    int result = deflate(stream, flush);
    assert_true(result == Z_OK || result == Z_STREAM_END);
    assert_int_equal(stream->avail_in, 0);
}

static void end(z_stream *stream, struct packed *out)
{
    out->size = stream->total_out;
    deflateEnd(stream);
}

static struct packed pack(enum gh_deflate format, int level, const void *data, size_t size)
{
    struct packed out;
    z_stream stream;
    start(&stream, format, level, Z_DEFAULT_STRATEGY, &out);
    add(&stream, data, size, Z_FINISH);
    end(&stream, &out);
    return out;
}

/* --- unpacking: from a block of exactly the input's size, into one of exactly the output's
 * --------- */

static uint8_t plain[PLAIN_BYTES];
static size_t plain_size;

static enum gh_status unpack_bytes(enum gh_deflate format, const void *data, size_t size,
                                   size_t capacity)
{
    uint8_t *in = malloc(size + (size == 0));
    uint8_t *out = malloc(capacity + (capacity == 0));
    assert_non_null(in);
    assert_non_null(out);
    memcpy(in, data, size);
    plain_size = SIZE_MAX;
    enum gh_status status =
        gh_inflate(format, (struct gh_bytes){in, size}, out, capacity, &plain_size);
    assert_true(plain_size <= capacity);
    memcpy(plain, out, plain_size);
    free(in);
    free(out);
    return status;
}

static enum gh_status unpack(enum gh_deflate format, const struct packed *packed, size_t capacity)
{
    return unpack_bytes(format, packed->data, packed->size, capacity);
}

static const enum gh_deflate formats[] = {GH_DEFLATE_ZLIB, GH_DEFLATE_RAW};
static const char text[] = "what the issuer said, and what the issuer said, and 0123456789";

/* --- what is taken --------------------------------------------------------------------------- */

static void test_every_level_and_size(void **state)
{
    (void)state;
    uint8_t data[2000];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)((i * i) >> 5);
    for (size_t f = 0; f < GH_ARRAY_SIZE(formats); f++) {
        for (int level = 0; level <= 9; level++) {
            for (size_t size = 0; size < sizeof(data); size += 37) {
                struct packed packed = pack(formats[f], level, data, size);
                /* exactly as much room as it needs */
                assert_int_equal(unpack(formats[f], &packed, size), GH_OK);
                assert_int_equal(plain_size, size);
                assert_memory_equal(plain, data, size);
            }
        }
    }
}

static void test_many_blocks(void **state)
{
    (void)state;
    for (size_t f = 0; f < GH_ARRAY_SIZE(formats); f++) {
        struct packed packed;
        z_stream stream;
        start(&stream, formats[f], 9, Z_DEFAULT_STRATEGY, &packed);
        for (int i = 0; i < 10; i++)
            add(&stream, text, sizeof(text), i % 2 == 0 ? Z_SYNC_FLUSH : Z_BLOCK);
        add(&stream, NULL, 0, Z_FINISH);
        end(&stream, &packed);
        assert_int_equal(unpack(formats[f], &packed, PLAIN_BYTES), GH_OK);
        assert_int_equal(plain_size, 10 * sizeof(text));
        assert_memory_equal(plain + 9 * sizeof(text), text, sizeof(text));
    }
}

/* --- what is not ----------------------------------------------------------------------------- */

static void test_too_many_blocks(void **state)
{
    (void)state;
    struct packed packed;
    z_stream stream;
    start(&stream, GH_DEFLATE_ZLIB, 9, Z_DEFAULT_STRATEGY, &packed);
    for (int i = 0; i < GH_INFLATE_BLOCKS_MAX; i++)
        add(&stream, "x", 1, Z_FULL_FLUSH);
    add(&stream, NULL, 0, Z_FINISH);
    end(&stream, &packed);
    assert_int_equal(unpack(GH_DEFLATE_ZLIB, &packed, PLAIN_BYTES), GH_ERR_CORRUPT);
}

static void test_too_big(void **state)
{
    (void)state;
    static uint8_t zeros[PLAIN_BYTES];
    for (size_t f = 0; f < GH_ARRAY_SIZE(formats); f++) {
        for (int level = 0; level <= 9; level += 3) {
            struct packed packed = pack(formats[f], level, zeros, 4000);
            for (size_t capacity = 0; capacity < 4000; capacity += capacity < 3990 ? 57 : 1) {
                assert_int_equal(unpack(formats[f], &packed, capacity), GH_ERR_TOOBIG);
                assert_int_equal(plain_size, capacity);
            }
        }
        struct packed bomb = pack(formats[f], 9, zeros, sizeof(zeros));
        assert_true(bomb.size < 100);
        assert_int_equal(unpack(formats[f], &bomb, sizeof(zeros) - 1), GH_ERR_TOOBIG);
        assert_int_equal(unpack(formats[f], &bomb, sizeof(zeros)), GH_OK);
    }
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t f = 0; f < GH_ARRAY_SIZE(formats); f++) {
        for (int level = 0; level <= 9; level += 3) {
            struct packed packed = pack(formats[f], level, text, sizeof(text));
            for (size_t size = 0; size < packed.size; size++) {
                assert_int_equal(unpack_bytes(formats[f], packed.data, size, PLAIN_BYTES),
                                 GH_ERR_TRUNCATED);
                /* also when the output is full already */
                assert_int_equal(unpack_bytes(formats[f], packed.data, size, sizeof(text)),
                                 GH_ERR_TRUNCATED);
            }
        }
    }
}

static void test_trailing(void **state)
{
    (void)state;
    for (size_t f = 0; f < GH_ARRAY_SIZE(formats); f++) {
        struct packed packed = pack(formats[f], 9, text, sizeof(text));
        for (int i = 0; i < 3; i++) {
            packed.data[packed.size++] = 0;
            assert_int_equal(unpack(formats[f], &packed, PLAIN_BYTES), GH_ERR_TRAILING);
        }
    }
}

static void test_other_formats(void **state)
{
    (void)state;
    struct packed zlib = pack(GH_DEFLATE_ZLIB, 9, text, sizeof(text));
    struct packed raw = pack(GH_DEFLATE_RAW, 9, text, sizeof(text));
    assert_int_equal(unpack(GH_DEFLATE_ZLIB, &raw, PLAIN_BYTES), GH_ERR_CORRUPT);
    assert_int_equal(unpack(GH_DEFLATE_RAW, &zlib, PLAIN_BYTES), GH_ERR_CORRUPT);
    static const uint8_t gzip[] = {0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff, 3, 0};
    assert_int_equal(unpack_bytes(GH_DEFLATE_ZLIB, gzip, sizeof(gzip), 100), GH_ERR_CORRUPT);
    static const uint8_t cose[] = {0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26};
    assert_int_equal(unpack_bytes(GH_DEFLATE_ZLIB, cose, sizeof(cose), 100), GH_ERR_CORRUPT);
}

static void test_dictionary(void **state)
{
    (void)state;
    struct packed packed;
    z_stream stream;
    start(&stream, GH_DEFLATE_ZLIB, 9, Z_DEFAULT_STRATEGY, &packed);
    assert_int_equal(deflateSetDictionary(&stream, (const Bytef *)text, 20), Z_OK);
    add(&stream, text, sizeof(text), Z_FINISH);
    end(&stream, &packed);
    assert_int_equal(unpack(GH_DEFLATE_ZLIB, &packed, PLAIN_BYTES), GH_ERR_CORRUPT);
}

/* The five bits behind the head of a stored block, and those behind the last block. */
static void test_padding(void **state)
{
    (void)state;
    static const uint8_t stored[] = {0x01, 0x01, 0x00, 0xfe, 0xff, 'x'};
    static const uint8_t fixed[] = {0x03, 0x00}; /* nothing, in 10 bits */
    static const uint8_t two[] = {0x00, 0x01, 0x00, 0xfe, 0xff, 'x',
                                  0x01, 0x01, 0x00, 0xfe, 0xff, 'y'};
    assert_int_equal(unpack_bytes(GH_DEFLATE_RAW, stored, sizeof(stored), 10), GH_OK);
    assert_int_equal(unpack_bytes(GH_DEFLATE_RAW, fixed, sizeof(fixed), 10), GH_OK);
    assert_int_equal(unpack_bytes(GH_DEFLATE_RAW, two, sizeof(two), 10), GH_OK);
    for (unsigned bit = 3; bit < 8; bit++) {
        uint8_t bytes[sizeof(two)];
        memcpy(bytes, stored, sizeof(stored));
        bytes[0] ^= (uint8_t)(1u << bit);
        assert_int_equal(unpack_bytes(GH_DEFLATE_RAW, bytes, sizeof(stored), 10), GH_ERR_CORRUPT);
        memcpy(bytes, two, sizeof(two));
        bytes[6] ^= (uint8_t)(1u << bit);
        assert_int_equal(unpack_bytes(GH_DEFLATE_RAW, bytes, sizeof(two), 10), GH_ERR_CORRUPT);
    }
    for (unsigned bit = 2; bit < 8; bit++) {
        uint8_t bytes[] = {fixed[0], (uint8_t)(1u << bit)};
        assert_int_equal(unpack_bytes(GH_DEFLATE_RAW, bytes, sizeof(bytes), 10), GH_ERR_CORRUPT);
    }
}

/* Each bit of what zlib's own header and checksum cover; the text has no string twice, which could
 * be pointed to in two ways. */
static void test_every_bit(void **state)
{
    (void)state;
    static const char words[] = "no three letters here come again: 0123456789 abcdfgjklmpquvwxyz";
    for (int level = 0; level <= 9; level++) {
        struct packed packed = pack(GH_DEFLATE_ZLIB, level, words, sizeof(words));
        for (size_t bit = 0; bit < packed.size * 8; bit++) {
            packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(unpack(GH_DEFLATE_ZLIB, &packed, PLAIN_BYTES), GH_OK);
            packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* --- one spelling ---------------------------------------------------------------------------- */

static bool well_spelled(const struct packed *packed)
{
    return gh_deflate_well_spelled((struct gh_bytes){packed->data, packed->size},
                                   (struct gh_bytes){plain, plain_size});
}

/* Texts like those of certificates: words, of which some come again. */
static size_t make_words(uint8_t *out, size_t size, unsigned seed, unsigned words)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned word = (seed >> 16) % words;
        for (unsigned j = 0; j < 3 + word % 9 && i < size; j++, i++)
            out[i] = (uint8_t)('A' + (word * 7 + j * j * word) % 61);
        if (i < size)
            out[i] = (uint8_t)(seed >> 24);
    }
    return size;
}

/* What zlib writes is well spelled, whatever it packs. */
static void test_what_zlib_writes(void **state)
{
    (void)state;
    static uint8_t data[4000];
    for (unsigned seed = 0; seed < 400; seed++) {
        size_t size = make_words(data, 50 + seed * 9, seed, 4 + seed % 60);
        for (int level = 0; level <= 9; level++) {
            struct packed packed = pack(GH_DEFLATE_ZLIB, level, data, size);
            assert_int_equal(unpack(GH_DEFLATE_ZLIB, &packed, PLAIN_BYTES), GH_OK);
            assert_true(well_spelled(&packed));
        }
    }
    static const int strategies[] = {Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED};
    size_t size = make_words(data, sizeof(data), 7, 20);
    for (size_t i = 0; i < GH_ARRAY_SIZE(strategies); i++) {
        struct packed packed;
        z_stream stream;
        start(&stream, GH_DEFLATE_ZLIB, 9, strategies[i], &packed);
        add(&stream, data, size / 2, Z_SYNC_FLUSH);
        add(&stream, data + size / 2, size - size / 2, Z_FINISH);
        end(&stream, &packed);
        assert_int_equal(unpack(GH_DEFLATE_ZLIB, &packed, PLAIN_BYTES), GH_OK);
        assert_true(well_spelled(&packed));
    }
}

/* Alterations of one bit that unpack to the same: there are some, and none is well spelled. */
static void test_other_spellings(void **state)
{
    (void)state;
    uint8_t data[400];
    size_t others = 0;
    for (unsigned seed = 0; seed < 20; seed++) {
        size_t size = make_words(data, sizeof(data), seed, 12);
        struct packed packed = pack(GH_DEFLATE_ZLIB, 9, data, size);
        for (size_t bit = 0; bit < packed.size * 8; bit++) {
            packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (unpack(GH_DEFLATE_ZLIB, &packed, PLAIN_BYTES) == GH_OK) {
                assert_memory_equal(plain, data, size);
                assert_false(well_spelled(&packed));
                others++;
            }
            packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    assert_true(others > 0);
}

/* --- by hand: packers that copy from where they like ------------------------------------------ */

struct bits {
    uint8_t data[4096];
    size_t count;
};

static void put_bit(struct bits *bits, unsigned bit)
{
    assert_true(bits->count / 8 < sizeof(bits->data));
    bits->data[bits->count / 8] |= (uint8_t)((bit & 1) << bits->count % 8);
    bits->count++;
}

/* Numbers stand in a stream from their lowest bit on, codes from their highest (RFC 1951, 3.1.1).
 */
static void put_number(struct bits *bits, unsigned number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        put_bit(bits, number >> i);
}

static void put_code(struct bits *bits, unsigned code, unsigned size)
{
    while (size > 0)
        put_bit(bits, code >> --size);
}

static void begin_stream(struct bits *bits)
{
    memset(bits, 0, sizeof(*bits));
    put_number(bits, 0x78, 8);
    put_number(bits, 0xda, 8);
}

/* One block with fixed codes: the literals, then three bytes again from so far back (17 to 24). */
static void pack_copy(struct bits *bits, const char *literals, unsigned distance)
{
    begin_stream(bits);
    put_number(bits, 1 | 1 << 1, 3);
    for (; *literals != '\0'; literals++)
        put_code(bits, 0x30 + (unsigned)*literals, 8);
    put_code(bits, 1, 7); /* 257: three bytes */
    put_code(bits, 8, 5); /* 17 and 3 bits more */
    put_number(bits, distance - 17, 3);
    put_code(bits, 0, 7);
}

static bool copy_is_taken(const char *literals, unsigned distance)
{
    struct bits bits;
    uint8_t made[64];
    size_t size = strlen(literals);
    memcpy(made, literals, size);
    memcpy(made + size, literals + size - distance, 3);
    pack_copy(&bits, literals, distance);
    return gh_deflate_well_spelled((struct gh_bytes){bits.data, (bits.count + 7) / 8},
                                   (struct gh_bytes){made, size + 3});
}

/* `abc` 17, 20 and 21 bytes back: one bit makes 17 of 21, two make 17 of 20. */
static void test_copies_from_far(void **state)
{
    (void)state;
    assert_true(copy_is_taken("...abc..............", 17));
    assert_true(copy_is_taken("abc.................", 20)); /* nothing is nearer */
    assert_true(copy_is_taken("abcabc..............", 20)); /* something is, but not by a bit */
    assert_true(copy_is_taken("abc.abc..............", 17));
    assert_false(copy_is_taken("abc.abc..............", 21));
}

/* Tables that repeat one length in small steps: each bit of them leads far on. */
static void test_time_of_spelling(void **state)
{
    (void)state;
    struct bits bits;
    begin_stream(&bits);
    for (int block = 0; block < 32; block++) {
        put_number(&bits, (block == 31) | 2 << 1, 3);
        put_number(&bits, 0, 5);  /* 257 literals and lengths */
        put_number(&bits, 29, 5); /* 30 distances */
        put_number(&bits, 15, 4);
        for (int i = 0; i < 19; i++) /* a bit each for 9 (the seventh) and for "again" (16) */
            put_number(&bits, i == 0 || i == 6, 3);
        put_code(&bits, 0, 1);
        for (int i = 0; i < 95; i++) {
            put_code(&bits, 1, 1);
            put_number(&bits, 0, 2);
        }
        put_code(&bits, 0, 1);
        put_code(&bits, 256, 9); /* the end */
    }
    int64_t best = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        int64_t start_ns = used_ns();
        assert_false(gh_deflate_well_spelled((struct gh_bytes){bits.data, (bits.count + 7) / 8},
                                             (struct gh_bytes){plain, 0}));
        int64_t took_ns = used_ns() - start_ns;
        best = took_ns < best ? took_ns : best;
    }
    assert_true(best < INT64_C(2000000));
}

/* It is told of a stream that was unpacked, but must stand what was not. */
static void test_spelling_of_rubbish(void **state)
{
    (void)state;
    uint8_t data[600];
    size_t size = make_words(data, sizeof(data), 3, 12);
    struct packed packed = pack(GH_DEFLATE_ZLIB, 9, data, size);
    for (size_t cut = 0; cut < packed.size - 4; cut++) {
        uint8_t *copy = malloc(cut + (cut == 0));
        assert_non_null(copy);
        memcpy(copy, packed.data, cut);
        assert_false(
            gh_deflate_well_spelled((struct gh_bytes){copy, cut}, (struct gh_bytes){data, size}));
        free(copy);
    }
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[64] = {0x78, 0xda};
        for (size_t j = 2; j < sizeof(bytes); j++)
            bytes[j] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
        uint8_t *little = malloc(20);
        assert_non_null(little);
        memcpy(little, data, 20);
        (void)gh_deflate_well_spelled((struct gh_bytes){bytes, sizeof(bytes)},
                                      (struct gh_bytes){little, 20});
        free(little);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_level_and_size),
        cmocka_unit_test(test_many_blocks),
        cmocka_unit_test(test_too_many_blocks),
        cmocka_unit_test(test_too_big),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_trailing),
        cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_dictionary),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_what_zlib_writes),
        cmocka_unit_test(test_other_spellings),
        cmocka_unit_test(test_copies_from_far),
        cmocka_unit_test(test_time_of_spelling),
        cmocka_unit_test(test_spelling_of_rubbish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
