/* SPDX-License-Identifier: Apache-2.0 */
/* What stands for the holder and the number of a foreign certificate, everywhere outside this room:
 * HMAC-SHA-256 under the area's secret, the first 64 bits. Each part goes in with its length, so
 * that no two people share an input. */
#include <string.h>

#include "code/parts.h"

#define INPUT_BYTES 2048

/* 0 is "nobody": the hash that is 0, once in 2^64, becomes 1. */
static gh_id keyed(const struct gh_trust *trust, const struct gh_writer *input)
{
    const uint8_t *secret = gh_trust_holder_secret(trust);
    uint8_t hash[GH_SHA256_BYTES];
    if (secret == NULL || input->overflow)
        return 0;
    gh_hmac_sha256((struct gh_bytes){secret, GH_HOLDER_SECRET_BYTES},
                   (struct gh_bytes){input->data, input->size}, hash);
    gh_id id = gh_be64(hash);
    return id != 0 ? id : 1;
}

static void put_part(struct gh_writer *writer, struct gh_bytes part)
{
    uint8_t size[8];
    gh_put_be64(size, part.size);
    gh_writer_put(writer, size, sizeof(size));
    gh_writer_put(writer, part.data, part.size);
}

gh_id gh_holder_id(const struct gh_trust *trust, struct gh_bytes family_name,
                   struct gh_bytes given_name, struct gh_bytes birth_date)
{
    uint8_t buffer[INPUT_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    if (family_name.size + given_name.size == 0 || birth_date.size == 0)
        return 0; /* it could be anybody */
    gh_writer_put_text(&writer, "holder");
    put_part(&writer, family_name);
    put_part(&writer, given_name);
    put_part(&writer, birth_date);
    gh_id id = keyed(trust, &writer);
    gh_wipe(buffer, sizeof(buffer));
    return id;
}

gh_id gh_certificate_id(const struct gh_trust *trust, enum gh_kind kind, struct gh_bytes number)
{
    uint8_t buffer[INPUT_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_writer_put_text(&writer, "certificate");
    gh_writer_put_byte(&writer, (uint8_t)kind);
    put_part(&writer, number);
    gh_id id = keyed(trust, &writer);
    gh_wipe(buffer, sizeof(buffer));
    return id;
}
