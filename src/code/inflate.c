/* SPDX-License-Identifier: Apache-2.0 */
#include "code/inflate.h"

#include <stdalign.h>
#include <zlib.h>

#include "gatehouse/crypto.h"

#define WINDOW_BITS 15
#define INPUT_MAX_BYTES (1u << 26) /* its bits can be counted on any board */
#define ARENA_BYTES 65536          /* zlib wants its state, 7 KB, and a window, 32 KB */

/* All the memory that zlib gets: on the stack, so that nothing is allocated and that the window,
 * a copy of what was unpacked, can be wiped. */
struct arena {
    alignas(64) uint8_t memory[ARENA_BYTES];
    size_t used;
    uint8_t spare; /* a byte of output that is not wanted */
};

static voidpf take(voidpf opaque, uInt items, uInt size)
{
    struct arena *arena = opaque;
    size_t wanted = ((size_t)items * size + 63) & ~(size_t)63;
    if (wanted > sizeof(arena->memory) - arena->used)
        return Z_NULL;
    void *memory = arena->memory + arena->used;
    arena->used += wanted;
    return memory;
}

static void give_back(voidpf opaque, voidpf memory)
{
    (void)opaque, (void)memory; /* all at once, at the end */
}

/* --- bits without meaning -------------------------------------------------------------------- */

/* Up to 8 bits from that bit on, as far as there are any; deflate fills bytes from the lowest. */
static unsigned bits_at(struct gh_bytes in, size_t bit, unsigned count)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < count && (bit + i) / 8 < in.size; i++)
        bits |= (in.data[(bit + i) / 8] >> (bit + i) % 8 & 1u) << i;
    return bits;
}

/* Between two blocks, or behind the last one, `bit` bits into the input. What is skipped up to the
 * next whole byte must be 0: behind the last block, and behind the head of a stored one (RFC 1951,
 * 3.2.3: one bit, whether it is the last, two of its type, 0 for stored). zlib does not look. */
static bool padding_is_zero(struct gh_bytes in, size_t bit, bool was_last)
{
    if (!was_last) {
        if (bits_at(in, bit + 1, 2) != 0)
            return true;
        bit += 3;
    }
    return bits_at(in, bit, (unsigned)((8 - bit % 8) % 8)) == 0;
}

/* --- the stream ------------------------------------------------------------------------------ */

/* zlib cannot go on: the input is over, or the output full. Whether anything would follow tells. */
static enum gh_status why_stuck(z_stream *stream)
{
    struct arena *arena = stream->opaque;
    if (stream->avail_out > 0)
        return GH_ERR_TRUNCATED;
    stream->next_out = &arena->spare;
    stream->avail_out = 1;
    int result = inflate(stream, Z_BLOCK);
    if (stream->avail_out == 0)
        return GH_ERR_TOOBIG;
    return result == Z_DATA_ERROR ? GH_ERR_CORRUPT : GH_ERR_TRUNCATED;
}

/* One step: to the next border between blocks, or to the end (GH_ERR_END). */
static enum gh_status step(z_stream *stream)
{
    switch (inflate(stream, Z_BLOCK)) {
    case Z_OK:
        return GH_OK;
    case Z_STREAM_END:
        return GH_ERR_END;
    case Z_BUF_ERROR:
        return why_stuck(stream);
    case Z_MEM_ERROR:
        return GH_ERR_NOMEM;
    default: /* damaged, or wanting a dictionary that nobody agreed on */
        return GH_ERR_CORRUPT;
    }
}

static enum gh_status run(z_stream *stream, struct gh_bytes in, bool raw)
{
    enum gh_status status;
    size_t borders = 0;
    if (raw && !padding_is_zero(in, 0, false))
        return GH_ERR_CORRUPT; /* zlib stops behind its own header, but not before a first byte */
    while ((status = step(stream)) == GH_OK) {
        bool at_border = (stream->data_type & 128) != 0;
        bool was_last = (stream->data_type & 64) != 0;
        size_t bit = (in.size - stream->avail_in) * 8 - (stream->data_type & 7);
        if (at_border && (borders++ > GH_INFLATE_BLOCKS_MAX || !padding_is_zero(in, bit, was_last)))
            return GH_ERR_CORRUPT;
    }
    if (status != GH_ERR_END)
        return status;
    return stream->avail_in == 0 ? GH_OK : GH_ERR_TRAILING;
}

enum gh_status gh_inflate(enum gh_deflate format, struct gh_bytes in, void *out, size_t capacity,
                          size_t *size)
{
    *size = 0;
    if (in.size == 0)
        return GH_ERR_TRUNCATED;
    if (in.size > INPUT_MAX_BYTES || capacity > INPUT_MAX_BYTES)
        return GH_ERR_TOOBIG;
    struct arena arena;
    arena.used = 0;
    arena.spare = 0;
    z_stream stream = {.zalloc = take, .zfree = give_back, .opaque = &arena};
    bool raw = format == GH_DEFLATE_RAW;
    if (inflateInit2(&stream, raw ? -WINDOW_BITS : WINDOW_BITS) != Z_OK)
        return GH_ERR_NOMEM;
    stream.next_in = (z_const Bytef *)in.data;
    stream.avail_in = (uInt)in.size;
    stream.next_out = capacity > 0 ? out : &arena.spare;
    stream.avail_out = (uInt)capacity;
    enum gh_status status = run(&stream, in, raw);
    *size = stream.total_out < capacity ? stream.total_out : capacity;
    inflateEnd(&stream);
    gh_wipe(arena.memory, arena.used);
    gh_wipe(&arena.spare, sizeof(arena.spare));
    return status;
}
