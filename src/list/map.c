/* SPDX-License-Identifier: Apache-2.0 */
#include "list/map.h"

#include <string.h>

struct gh_map gh_map_open(struct gh_cbor_reader *reader)
{
    return (struct gh_map){.pairs = gh_cbor_map(reader)};
}

void gh_map_key(struct gh_cbor_reader *reader, struct gh_map *map, int64_t key)
{
    if (map->pairs == 0 || gh_cbor_int(reader) != key) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    map->pairs--;
    map->last = key;
}

bool gh_map_has(struct gh_cbor_reader *reader, struct gh_map *map, int64_t key)
{
    struct gh_cbor_reader ahead = *reader;
    if (map->pairs == 0 || gh_cbor_int(&ahead) != key || ahead.status != GH_OK) {
        return false;
    }
    gh_map_key(reader, map, key);
    return true;
}

void gh_map_close(struct gh_cbor_reader *reader, struct gh_map *map)
{
    for (; map->pairs > 0 && reader->status == GH_OK; map->pairs--) {
        int64_t key = gh_cbor_int(reader);
        if (key <= map->last) {
            gh_cbor_fail(reader, GH_ERR_INVALID);
        }
        map->last = key;
        gh_cbor_skip(reader);
    }
}

void gh_map_text(struct gh_cbor_reader *reader, char *out, size_t capacity)
{
    struct gh_bytes text = gh_cbor_text(reader);
    if (text.size >= capacity || (text.size > 0 && memchr(text.data, 0, text.size) != NULL)) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    if (text.size > 0) {
        memcpy(out, text.data, text.size);
    }
    out[text.size] = '\0';
}

void gh_map_bytes(struct gh_cbor_reader *reader, uint8_t *out, size_t size)
{
    struct gh_bytes bytes = gh_cbor_bytes(reader);
    if (bytes.size != size) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return;
    }
    memcpy(out, bytes.data, size);
}

unsigned gh_map_choice(struct gh_cbor_reader *reader, unsigned greatest)
{
    uint64_t value = gh_cbor_uint(reader);
    if (value > greatest) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return 0;
    }
    return (unsigned)value;
}
