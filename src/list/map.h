/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of a manifest: integer keys from 1 on, in order. What a later server adds behind those
 * that this build knows is passed over; what a gate must not pass over comes with another version.
 * What an earlier server does not say yet is left as it was. After a failure everything fails. */
#ifndef GATEHOUSE_SRC_LIST_MAP_H
#define GATEHOUSE_SRC_LIST_MAP_H

#include "code/cbor.h"

struct gh_map {
    size_t pairs; /* left */
    int64_t last; /* key */
};

struct gh_map gh_map_open(struct gh_cbor_reader *reader);
/* The next key must be this one; its value is read next. */
void gh_map_key(struct gh_cbor_reader *reader, struct gh_map *map, int64_t key);
/* Whether the next key is this one: then its value is read next. */
bool gh_map_has(struct gh_cbor_reader *reader, struct gh_map *map, int64_t key);
void gh_map_close(struct gh_cbor_reader *reader, struct gh_map *map);

/* A value that is a text without a NUL, shorter than capacity. */
void gh_map_text(struct gh_cbor_reader *reader, char *out, size_t capacity);
/* One that is exactly so many bytes. */
void gh_map_bytes(struct gh_cbor_reader *reader, uint8_t *out, size_t size);
/* One that is 0..greatest: to be checked before it becomes an enum, which may be narrower. */
unsigned gh_map_choice(struct gh_cbor_reader *reader, unsigned greatest);

#endif
