/* SPDX-License-Identifier: Apache-2.0 */
#include "list/keys.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 64

/* One more of them; NULL with the reason in *status. */
static struct gh_issuer_key *one_more(struct gh_list_keys *keys, enum gh_status *status,
                                      struct gh_error *err)
{
    if (keys->count == GH_TRUST_KEYS_MAX) {
        *status = gh_fail(err, GH_ERR_CORRUPT, "the list has more than %d issuers' keys",
                          GH_TRUST_KEYS_MAX);
        return NULL;
    }
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity > 0 ? 2 * keys->capacity : CAPACITY_FIRST;
        struct gh_issuer_key *more = realloc(keys->key, capacity * sizeof(*more));
        if (more == NULL) {
            *status = gh_fail(err, GH_ERR_NOMEM, "no memory for the issuers' keys");
            return NULL;
        }
        keys->key = more;
        keys->capacity = capacity;
    }
    *status = GH_OK;
    return &keys->key[keys->count++];
}

enum gh_status gh_list_keys_add_manifest(struct gh_list_keys *keys,
                                         const struct gh_manifest *manifest, struct gh_error *err)
{
    enum gh_status status = GH_OK;
    for (size_t i = 0; i < manifest->key_count && status == GH_OK; i++) {
        struct gh_issuer_key *key = one_more(keys, &status, err);
        if (key != NULL) {
            *key = manifest->keys[i];
        }
    }
    return status;
}

enum gh_status gh_list_keys_add(struct gh_list_keys *keys, const struct gh_record *record,
                                struct gh_error *err)
{
    enum gh_status status;
    struct gh_issuer_key *key = one_more(keys, &status, err);
    if (key != NULL) {
        gh_record_key(record, key);
    }
    return status;
}

/* Which key is none by itself; otherwise two do not go together. */
static enum gh_status blame(const struct gh_list_keys *keys, struct gh_error *err)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct gh_trust *trust;
        enum gh_status status = gh_trust_new(&keys->key[i], 1, NULL, &trust);
        gh_trust_unref(trust);
        if (status != GH_OK) {
            char key_id[2 * GH_KEY_ID_BYTES + 1];
            gh_hex_encode(keys->key[i].key_id, GH_KEY_ID_BYTES, key_id);
            return gh_fail(err, GH_ERR_CORRUPT, "the list's issuer's key %zu (%s) is not valid",
                           i + 1, key_id);
        }
    }
    return gh_fail(err, GH_ERR_CORRUPT, "an issuer's key is in the list twice");
}

enum gh_status gh_list_keys_trust(const struct gh_list_keys *keys,
                                  const struct gh_manifest *manifest, struct gh_trust **out,
                                  struct gh_error *err)
{
    const uint8_t *secret = gh_manifest_holder_secret(manifest);
    enum gh_status status = keys->checked
                                ? gh_trust_new_checked(keys->key, keys->count, secret, out)
                                : gh_trust_new(keys->key, keys->count, secret, out);
    if (status == GH_ERR_NOMEM) {
        return gh_fail(err, status, "no memory for the issuers' keys");
    }
    return status == GH_OK ? GH_OK : blame(keys, err);
}

void gh_list_keys_free(struct gh_list_keys *keys)
{
    free(keys->key);
    *keys = (struct gh_list_keys){0};
}

const uint8_t *gh_manifest_holder_secret(const struct gh_manifest *manifest)
{
    static const uint8_t none[GH_HOLDER_SECRET_BYTES];
    return gh_crypto_equal(manifest->holder_secret, none, sizeof(none)) ? NULL
                                                                        : manifest->holder_secret;
}
