/* SPDX-License-Identifier: Apache-2.0 */
/* Zstandard (RFC 8878), whole buffers at once. Files are streamed where they are read (src/list).
 */
#ifndef GATEHOUSE_COMPRESS_H
#define GATEHOUSE_COMPRESS_H

#include "gatehouse/bytes.h"

/* One frame with its content's size in its head. *out is malloc'ed, the caller's. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_zstd_compress(struct gh_bytes data, uint8_t **out, size_t *size);
/* Exactly one frame that says how large its content is: at most max_bytes, else GH_ERR_TOOBIG
 * before anything is allocated. GH_ERR_CORRUPT for anything else. *out is malloc'ed, with a NUL
 * behind its size, the caller's; NULL on error. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_zstd_decompress(struct gh_bytes frame, size_t max_bytes,
                                                uint8_t **out, size_t *size);

#endif
