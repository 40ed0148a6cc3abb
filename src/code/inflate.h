/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking what a code's issuer compressed (RFC 1950, RFC 1951), by zlib, in one go: into a buffer
 * that bounds it, without allocation, and with one spelling less than zlib takes: bits that mean
 * nothing must be 0. */
#ifndef GATEHOUSE_SRC_CODE_INFLATE_H
#define GATEHOUSE_SRC_CODE_INFLATE_H

#include "gatehouse/bytes.h"

enum gh_deflate {
    GH_DEFLATE_ZLIB, /* with zlib's header and its checksum */
    GH_DEFLATE_RAW,  /* with neither */
};

/* A writer has no use for more blocks in what a code can hold, and each takes time to read. */
#define GH_INFLATE_BLOCKS_MAX 32

/* *size: how much was written, also when it fails; the caller wipes that (it may hold names).
 * GH_ERR_CORRUPT: not of the format, a wrong checksum, padding that is not 0, too many blocks;
 * GH_ERR_TRUNCATED: it ends too early; GH_ERR_TOOBIG: more than capacity comes out;
 * GH_ERR_TRAILING: something follows; GH_ERR_NOMEM: this zlib needs more memory than was thought.
 */
GH_MUST_CHECK enum gh_status gh_inflate(enum gh_deflate format, struct gh_bytes in, void *out,
                                        size_t capacity, size_t *size);

/* Of a zlib stream that gh_inflate took, and what it made of it: whether no bit of it, turned over,
 * would make the same in fewer symbols or of a nearer place. True for streams whose header does not
 * claim that they were packed as usual or better (RFC 1950, FLEVEL 2 and 3). These are the last
 * freedoms that the checksum leaves: of two spellings that a bit tells apart one was altered, and
 * good packers write the better one. Not that all packers do: any other spelling is taken. Also
 * false when trying would take too long, which no code needs. */
bool gh_deflate_well_spelled(struct gh_bytes packed, struct gh_bytes plain);

#endif
