/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/receipt.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT_BYTES (32 + GH_ID_TEXT_BYTES + 20 + 2 * GH_SHA256_BYTES)

static struct gh_bytes text_of(gh_id gate, const struct gh_receipt *receipt, char text[TEXT_BYTES])
{
    char id[GH_ID_TEXT_BYTES], hash[2 * GH_SHA256_BYTES + 1];
    gh_id_format(gate, id);
    gh_hex_encode(receipt->hash, GH_SHA256_BYTES, hash);
    int size = snprintf(text, TEXT_BYTES, "gatehouse receipt v1 %s %" PRIu64 " %s", id,
                        receipt->through, hash);
    return (struct gh_bytes){(const uint8_t *)text, (size_t)size};
}

enum gh_status gh_receipt_sign(const struct gh_private_key *list_key, gh_id gate,
                               struct gh_receipt *receipt)
{
    char text[TEXT_BYTES];
    return gh_sign(list_key, text_of(gate, receipt, text), receipt->signature);
}

enum gh_status gh_receipt_verify(const struct gh_public_key *list_key, gh_id gate,
                                 const struct gh_receipt *receipt)
{
    char text[TEXT_BYTES];
    struct gh_bytes signature = {receipt->signature, sizeof(receipt->signature)};
    return gh_verify(list_key, text_of(gate, receipt, text), signature);
}
