/* SPDX-License-Identifier: Apache-2.0 */
/* What tells two codes apart (docs/codes.md, section 7). */
#include <string.h>

#include "code/parts.h"

void gh_code_hash(struct gh_bytes bytes, uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256(bytes, hash);
    memcpy(identity, hash, GH_IDENTITY_BYTES);
}

void gh_code_identify(enum gh_kind kind, const uint8_t key_id[GH_KEY_ID_BYTES],
                      struct gh_bytes number, uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t buffer[3 + GH_KEY_ID_BYTES + GH_SHA256_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_writer_put_text(&writer, "id");
    gh_writer_put_byte(&writer, (uint8_t)kind);
    gh_writer_put(&writer, key_id, GH_KEY_ID_BYTES);
    gh_writer_put(&writer, number.data, number.size);
    gh_code_hash((struct gh_bytes){writer.data, writer.size}, identity);
}
