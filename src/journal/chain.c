/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/chain.h"

#include <jansson.h>
#include <string.h>

#include "gatehouse/file.h"

static enum gh_status check_body(uint64_t sequence, const json_t *object, struct gh_bytes body,
                                 struct gh_chain_link *link)
{
    GH_CLEANUP_FREE char *canonical = NULL;
    size_t size;
    enum gh_status status = gh_entry_canonical(object, &canonical, &size);
    if (status != GH_OK) {
        return status == GH_ERR_NOMEM ? status : GH_ERR_CORRUPT;
    }
    const json_t *number = json_object_get(object, "seq");
    const char *previous = json_string_value(json_object_get(object, "prev"));
    if (size != body.size || memcmp(canonical, body.data, size) != 0 || !json_is_integer(number) ||
        (uint64_t)json_integer_value(number) != sequence || previous == NULL ||
        gh_hex_decode(previous, strlen(previous), link->previous, GH_SHA256_BYTES) != GH_OK) {
        return GH_ERR_CORRUPT;
    }
    return GH_OK;
}

enum gh_status gh_chain_link_read(uint64_t sequence, struct gh_bytes body, struct gh_bytes hash,
                                  struct gh_chain_link *out)
{
    memset(out, 0, sizeof(*out));
    struct gh_chain_link link = {.sequence = sequence, .erased = body.size == 0};
    if (link.erased && hash.size == GH_SHA256_BYTES) {
        memcpy(link.hash, hash.data, GH_SHA256_BYTES);
        *out = link;
        return GH_OK;
    }
    gh_entry_hash(body, link.hash);
    if (hash.size != GH_SHA256_BYTES || memcmp(hash.data, link.hash, GH_SHA256_BYTES) != 0) {
        return GH_ERR_CORRUPT;
    }
    json_t *object = json_loadb((const char *)body.data, body.size, JSON_REJECT_DUPLICATES, NULL);
    enum gh_status status =
        object == NULL ? GH_ERR_CORRUPT : check_body(sequence, object, body, &link);
    json_decref(object);
    if (status == GH_OK) {
        *out = link;
    }
    return status;
}

bool gh_chain_follows(const struct gh_chain_link *link, const struct gh_chain_link *before)
{
    return link->sequence == before->sequence + 1 &&
           (link->erased || memcmp(link->previous, before->hash, GH_SHA256_BYTES) == 0);
}

void gh_chain_sum(uint8_t sum[GH_SHA256_BYTES], const uint8_t hash[GH_SHA256_BYTES])
{
    uint8_t both[2 * GH_SHA256_BYTES];
    memcpy(both, sum, GH_SHA256_BYTES);
    memcpy(both + GH_SHA256_BYTES, hash, GH_SHA256_BYTES);
    gh_sha256((struct gh_bytes){.data = both, .size = sizeof(both)}, sum);
}
