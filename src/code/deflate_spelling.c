/* SPDX-License-Identifier: Apache-2.0 */
/* Deflate (RFC 1951) says "this string again, so many bytes back", and where a string stands twice
 * before, either place will do: one bit turned over, and the code reads as before, checksum and
 * all. zlib does not tell which place was named, so the symbols are read here once more, beside
 * what zlib made of them. Of two spellings that one bit tells apart, the better one is taken: other
 * spellings are the business of whoever packed. */
#include <string.h>

#include "code/inflate.h"

#define CODE_BITS_MAX 15
#define LITERALS 288
#define DISTANCES 30
#define BLOCK_END 256
#define LENGTHS_MAX (LITERALS + 32)
#define NO_BIT SIZE_MAX
#define TRIED_MAX (1u << 17) /* bits read again; a code needs some ten thousand */

struct walk {
    struct gh_bytes in, plain;
    size_t bit;    /* of the input, the next one */
    size_t turned; /* the one that is read turned over, or NO_BIT */
    size_t done;   /* of plain, where the next symbol's bytes stand */
    size_t tried;  /* what trying other spellings has cost */
    bool failed;   /* not what gh_inflate takes; or too much to try */
};

/* A canonical Huffman code: how many symbols have each length, and the symbols in order. */
struct huffman {
    uint16_t count[CODE_BITS_MAX + 1];
    uint16_t symbol[LITERALS];
};

/* --- bits and symbols ------------------------------------------------------------------------- */

static unsigned take_bit(struct walk *walk)
{
    if (walk->bit / 8 >= walk->in.size) {
        walk->failed = true;
        return 0;
    }
    unsigned bit = walk->in.data[walk->bit / 8] >> walk->bit % 8 & 1u;
    bit ^= walk->bit == walk->turned;
    walk->bit++;
    return bit;
}

static unsigned take_bits(struct walk *walk, unsigned count)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < count; i++)
        bits |= take_bit(walk) << i;
    return bits;
}

static void make_huffman(struct huffman *huffman, const uint8_t *lengths, size_t symbols)
{
    uint16_t start[CODE_BITS_MAX + 2] = {0};
    memset(huffman->count, 0, sizeof(huffman->count));
    for (size_t i = 0; i < symbols; i++)
        huffman->count[lengths[i]]++;
    huffman->count[0] = 0; /* not used at all */
    for (size_t i = 1; i <= CODE_BITS_MAX; i++)
        start[i + 1] = (uint16_t)(start[i] + huffman->count[i]);
    for (size_t i = 0; i < symbols; i++)
        if (lengths[i] != 0)
            huffman->symbol[start[lengths[i]]++] = (uint16_t)i;
}

static unsigned take_symbol(struct walk *walk, const struct huffman *huffman)
{
    int code = 0, first = 0, index = 0;
    for (size_t length = 1; length <= CODE_BITS_MAX && !walk->failed; length++) {
        int count = huffman->count[length];
        code |= (int)take_bit(walk);
        if (code - first < count)
            return huffman->symbol[index + code - first];
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    walk->failed = true;
    return 0;
}

/* --- copies ----------------------------------------------------------------------------------- */

static size_t take_length(struct walk *walk, unsigned symbol)
{
    static const uint16_t base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    if (symbol >= GH_ARRAY_SIZE(base)) {
        walk->failed = true;
        return 0;
    }
    return base[symbol] + take_bits(walk, extra[symbol]);
}

static size_t take_distance(struct walk *walk, unsigned symbol)
{
    static const uint16_t base[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                    33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                    1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    if (symbol >= GH_ARRAY_SIZE(base)) {
        walk->failed = true;
        return 0;
    }
    return base[symbol] + take_bits(walk, symbol < 2 ? 0 : symbol / 2 - 1);
}

/* What is read from that bit on when another one is turned over; it is paid for when it was read.
 */
static struct walk turn(const struct walk *walk, size_t from, size_t turned)
{
    struct walk other = *walk;
    other.bit = from;
    other.turned = turned;
    return other;
}

static void pay(struct walk *walk, size_t bits)
{
    walk->tried += bits;
    if (walk->tried > TRIED_MAX)
        walk->failed = true;
}

/* Whether one bit of what says the distance, from bit `from` on, would say a nearer place where the
 * same string stands. */
static bool is_nearer_by_a_bit(struct walk *walk, size_t from, const struct huffman *distances,
                               size_t length, size_t distance)
{
    const uint8_t *here = walk->plain.data + walk->done;
    for (size_t bit = from; bit < walk->bit && !walk->failed; bit++) {
        struct walk other = turn(walk, from, bit);
        size_t nearer = take_distance(&other, take_symbol(&other, distances));
        pay(walk, other.bit - from);
        if (!other.failed && other.bit == walk->bit && nearer < distance &&
            memcmp(here - nearer, here, length) == 0)
            return true;
    }
    return false;
}

/* The symbols of a block; false when one of them copies from further than it has to. */
static bool walk_symbols(struct walk *walk, const struct huffman *literals,
                         const struct huffman *distances)
{
    while (!walk->failed) {
        unsigned symbol = take_symbol(walk, literals);
        size_t length = 1;
        if (symbol == BLOCK_END)
            return !walk->failed;
        if (symbol > BLOCK_END) {
            length = take_length(walk, symbol - BLOCK_END - 1);
            size_t from = walk->bit;
            size_t distance = take_distance(walk, take_symbol(walk, distances));
            if (walk->failed || distance > walk->done || length > walk->plain.size - walk->done ||
                is_nearer_by_a_bit(walk, from, distances, length, distance))
                return false;
        }
        walk->done += length;
        if (walk->done > walk->plain.size)
            return false;
    }
    return false;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static bool walk_stored(struct walk *walk)
{
    walk->bit = (walk->bit + 7) / 8 * 8;
    size_t size = take_bits(walk, 16);
    take_bits(walk, 16); /* the same, turned over */
    walk->bit += size * 8;
    walk->done += size;
    return !walk->failed && walk->done <= walk->plain.size;
}

static bool walk_fixed(struct walk *walk)
{
    uint8_t lengths[LITERALS];
    struct huffman literals, distances;
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    make_huffman(&literals, lengths, LITERALS);
    memset(lengths, 5, DISTANCES);
    make_huffman(&distances, lengths, DISTANCES);
    return walk_symbols(walk, &literals, &distances);
}

/* Symbols 16 (the last length again), 17 and 18 (not used): how many times. */
static size_t take_times(struct walk *walk, unsigned symbol)
{
    if (symbol == 16)
        return 3 + take_bits(walk, 2);
    return symbol == 17 ? 3 + take_bits(walk, 3) : 11 + take_bits(walk, 7);
}

/* What says which lengths two codes have. */
struct lengths {
    struct huffman code;
    uint8_t length[LENGTHS_MAX]; /* of both codes, one behind the other */
    size_t literals, all;
    struct {
        size_t bit, have; /* where a symbol begins, and how many lengths were known by then */
    } at[LENGTHS_MAX + 1];
    size_t symbols;
};

/* The next symbol's lengths behind the first `have`, into `out`: how many; 0 when it failed. */
static size_t take_lengths(struct walk *walk, const struct lengths *lengths, size_t have,
                           uint8_t out[LENGTHS_MAX])
{
    unsigned symbol = take_symbol(walk, &lengths->code);
    bool repeats = symbol > CODE_BITS_MAX;
    size_t times = repeats ? take_times(walk, symbol) : 1;
    if (walk->failed || times > lengths->all - have || (symbol == 16 && have == 0)) {
        walk->failed = true;
        return 0;
    }
    unsigned length = symbol == 16 ? out[have - 1] : (repeats ? 0 : symbol);
    memset(out + have, (int)length, times);
    return times;
}

/* Whether the nth symbol and those behind it say the same in fewer symbols when that bit is turned
 * over: a repetition in place of what it repeats. */
static bool is_shorter_by_a_bit(struct walk *walk, const struct lengths *lengths, size_t nth,
                                size_t bit)
{
    uint8_t length[LENGTHS_MAX];
    size_t have = lengths->at[nth].have, symbols = 0, meet = nth;
    struct walk other = turn(walk, lengths->at[nth].bit, bit);
    bool same = true;
    memcpy(length, lengths->length, have);
    while (same && have < lengths->all) {
        size_t times = take_lengths(&other, lengths, have, length);
        same = times > 0 && memcmp(length + have, lengths->length + have, times) == 0;
        have += times;
        symbols++;
        while (meet < lengths->symbols && lengths->at[meet].bit < other.bit)
            meet++;
        if (lengths->at[meet].bit == other.bit && lengths->at[meet].have == have)
            break;
    }
    pay(walk, have - lengths->at[nth].have + other.bit - lengths->at[nth].bit);
    return same && lengths->at[meet].bit == other.bit && lengths->at[meet].have == have &&
           symbols < meet - nth;
}

/* False when one bit would have said them shorter. */
static bool walk_lengths(struct walk *walk, struct lengths *lengths)
{
    for (size_t have = 0; have < lengths->all && !walk->failed;) {
        lengths->at[lengths->symbols].bit = walk->bit;
        lengths->at[lengths->symbols++].have = have;
        have += take_lengths(walk, lengths, have, lengths->length);
    }
    lengths->at[lengths->symbols].bit = walk->bit;
    lengths->at[lengths->symbols].have = lengths->all;
    for (size_t i = 0; i < lengths->symbols && !walk->failed; i++)
        for (size_t bit = lengths->at[i].bit; bit < lengths->at[i + 1].bit; bit++)
            if (is_shorter_by_a_bit(walk, lengths, i, bit))
                return false;
    return !walk->failed;
}

static bool walk_dynamic(struct walk *walk)
{
    static const uint8_t order[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                    11, 4,  12, 3, 13, 2, 14, 1, 15};
    struct lengths lengths = {.literals = 257 + take_bits(walk, 5)};
    struct huffman literals, distances;
    uint8_t bits[sizeof(order)] = {0};
    lengths.all = lengths.literals + 1 + take_bits(walk, 5);
    size_t count = 4 + take_bits(walk, 4);
    for (size_t i = 0; i < count; i++)
        bits[order[i]] = (uint8_t)take_bits(walk, 3);
    make_huffman(&lengths.code, bits, sizeof(bits));
    if (lengths.literals > LITERALS || !walk_lengths(walk, &lengths))
        return false;
    make_huffman(&literals, lengths.length, lengths.literals);
    make_huffman(&distances, lengths.length + lengths.literals, lengths.all - lengths.literals);
    return walk_symbols(walk, &literals, &distances);
}

bool gh_deflate_well_spelled(struct gh_bytes packed, struct gh_bytes plain)
{
    if (packed.size < 2 || packed.data[1] >> 6 < 2)
        return packed.size >= 2;
    struct walk walk = {.in = packed, .plain = plain, .bit = 16, .turned = NO_BIT};
    bool good = true, last = false;
    while (good && !last) {
        last = take_bit(&walk) != 0;
        unsigned type = take_bits(&walk, 2);
        good = type == 0   ? walk_stored(&walk)
               : type == 1 ? walk_fixed(&walk)
                           : type == 2 && walk_dynamic(&walk);
    }
    return good && walk.done == plain.size;
}
