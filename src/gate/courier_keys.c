/* SPDX-License-Identifier: Apache-2.0 */
/* Handovers: the list key says which one follows it. */
#include <stdlib.h>
#include <string.h>

#include "code/cbor.h"
#include "gate/courier_parts.h"
#include "gatehouse/cose.h"

#define HANDOVER_AAD "gatehouse list handover v1"

struct handover {
    struct gh_cose_sign1 message; /* borrowed */
    struct gh_bytes area;
    uint64_t number; /* of the new key, from 1 */
    struct gh_bytes key;
};

/* What it says; whether that is true is another question. */
static bool read_handover(struct gh_bytes bytes, struct handover *out)
{
    static const char *const names[] = {"version", "area", "number", "key"};

    if (gh_cose_parse(bytes, false, &out->message) != GH_OK)
        return false;
    struct gh_cbor_reader reader = gh_cbor_reader_over(out->message.payload);
    uint64_t version = 0;
    if (gh_cbor_map(&reader) != GH_ARRAY_SIZE(names))
        return false;
    for (uint64_t key = 1; key <= GH_ARRAY_SIZE(names); key++) {
        if (gh_cbor_uint(&reader) != key)
            return false;
        if (key == 1)
            version = gh_cbor_uint(&reader);
        else if (key == 2)
            out->area = gh_cbor_text(&reader);
        else if (key == 3)
            out->number = gh_cbor_uint(&reader);
        else
            out->key = gh_cbor_bytes(&reader);
    }
    return gh_cbor_finish(&reader) == GH_OK && version == 1 && out->number > 0 &&
           out->number <= INT64_MAX && out->key.size == GH_LIST_KEY_BYTES;
}

static enum gh_status key_from(const uint8_t raw[GH_LIST_KEY_BYTES], struct gh_public_key **out)
{
    return gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){raw, GH_LIST_KEY_BYTES}, out);
}

/* By identity's own key, to the very next one. That number is not known of a key that came with the
 * enrolment: then the key's own word is enough. */
static bool is_next(const struct gh_identity *identity, const struct handover *handover)
{
    const struct gh_bytes aad = {(const uint8_t *)HANDOVER_AAD, sizeof(HANDOVER_AAD) - 1};
    struct gh_bytes area = {(const uint8_t *)identity->area, strlen(identity->area)};
    struct gh_public_key *key = NULL, *next = NULL;

    if ((identity->list_key_number > 0 && handover->number != identity->list_key_number + 1) ||
        !gh_bytes_equal(handover->area, area))
        return false;
    bool good = key_from(identity->list_key, &key) == GH_OK &&
                gh_cose_verify(&handover->message, key, aad) == GH_OK &&
                key_from(handover->key.data, &next) == GH_OK;
    gh_public_key_free(key);
    gh_public_key_free(next);
    return good;
}

bool gh_courier_follow(struct gh_identity *identity, struct gh_cbor_reader items, size_t count)
{
    struct handover handover;
    bool followed = false;

    for (size_t i = 0; i < count; i++) {
        if (!read_handover(gh_cbor_bytes(&items), &handover) || !is_next(identity, &handover))
            continue;
        gh_identity_follow(identity, handover.key.data, handover.number);
        followed = true;
    }
    return followed;
}

static bool signed_by(const uint8_t raw[GH_LIST_KEY_BYTES], struct gh_bytes bytes)
{
    struct gh_public_key *key = NULL;
    struct gh_manifest *manifest = malloc(sizeof(*manifest));

    bool good = manifest && key_from(raw, &key) == GH_OK &&
                gh_manifest_read(key, bytes, manifest, NULL) == GH_OK;
    gh_public_key_free(key);
    free(manifest);
    return good;
}

/* Keys that this gate never knew are only what somebody calls them: that is enough to say why a
 * list is refused, and for nothing else. */
static bool is_named_before(const struct gh_identity *identity, struct gh_bytes manifest,
                            struct gh_cbor_reader items, size_t count)
{
    struct handover handover;
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        if (!read_handover(gh_cbor_bytes(&items), &handover))
            continue;
        if (memcmp(handover.key.data, identity->list_key, GH_LIST_KEY_BYTES) == 0)
            return found;
        found = found || signed_by(handover.key.data, manifest);
    }
    return false;
}

bool gh_courier_is_retired(const struct gh_identity *identity, struct gh_bytes manifest,
                           struct gh_cbor_reader items, size_t count)
{
    for (size_t i = 0; i < identity->retired_count; i++) {
        if (signed_by(identity->retired_keys[i], manifest))
            return true;
    }
    return is_named_before(identity, manifest, items, count);
}
