/* SPDX-License-Identifier: Apache-2.0 */
/* The list that the gate decides by, and the keys that codes are believed by. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "gate/gate_parts.h"
#include "gatehouse/log.h"

#define KEYS_ARRIVE_NS GH_NS_PER_S /* in the see thread, at the latest */
#define COMPLAIN_AGAIN_NS (3600 * GH_NS_PER_S)

static void use_policy(struct gh_gate *gate)
{
    gate->policy = gate->list ? gh_list_manifest(gate->list)->policy : gh_policy_initial();
    gh_passage_set_policy(&gate->passage, &gate->policy);
    if (gate->options.peers.policy)
        gate->options.peers.policy(gate->options.peers.context, &gate->policy);
}

/* Takes over trust. */
static void use_keys(struct gh_gate *gate, struct gh_trust *trust)
{
    gh_trust_unref(gate->trust);
    gate->trust = trust;
    gate->keys_ns = gh_gate_now_ns(gate);
    gate->options.peers.trust(gate->options.peers.context, trust);
}

static bool is_pinned(const struct gh_manifest *manifest, const struct gh_identity *identity)
{
    return manifest->generation == identity->generation &&
           memcmp(manifest->tag, identity->list_tag, GH_LIST_TAG_BYTES) == 0;
}

/* The newest word about when the list at hand was issued need not be on the disk. */
static void use_age(struct gh_gate *gate)
{
    if (gate->list && is_pinned(gh_list_manifest(gate->list), &gate->identity))
        gh_list_touch(gate->list, gate->identity.list_issued_at_s);
}

/* Its key is followed by another one, and the list is not there yet that the new one signed: the
 * power may have gone between the two. What lies here was taken under the key before, and goes on;
 * but only what is pinned, so that whoever has a retired key cannot give us another. */
static enum gh_status open_retired(const struct gh_identity *identity, const char *folder,
                                   struct gh_list **out)
{
    enum gh_status status = GH_ERR_NOTFOUND;

    for (size_t i = identity->retired_count; i > 0 && status != GH_OK; i--) {
        struct gh_bytes raw = {identity->retired_keys[i - 1], GH_LIST_KEY_BYTES};
        struct gh_public_key *key = NULL;
        status = gh_public_key_from_raw(GH_KEY_ED25519, raw, &key);
        if (status == GH_OK)
            status = gh_list_open_latest(folder, key, out, NULL);
        gh_public_key_free(key);
    }
    if (status != GH_OK)
        return status;
    const struct gh_manifest *manifest = gh_list_manifest(*out);
    if (is_pinned(manifest, identity) && strcmp(manifest->area, identity->area) == 0)
        return GH_OK;
    gh_list_close(*out);
    *out = NULL;
    return GH_ERR_SIGNATURE;
}

static enum gh_status open_list(struct gh_gate *gate, struct gh_list **out, struct gh_error *err)
{
    char folder[PATH_MAX];

    *out = NULL;
    enum gh_status status = gh_courier_list_path(gate->options.state_dir, folder);
    if (status == GH_OK)
        status = gh_list_open_latest(folder, gate->list_key, out, err);
    if (status == GH_ERR_SIGNATURE && open_retired(&gate->identity, folder, out) == GH_OK)
        return GH_OK;
    if (status != GH_OK)
        return status;
    /* Somebody may have put an old one back. */
    const struct gh_manifest *manifest = gh_list_manifest(*out);
    if (manifest->generation < gate->identity.generation) {
        gh_list_close(*out);
        *out = NULL;
        return gh_fail(err, GH_ERR_ROLLBACK, "the list is older than the newest one known");
    }
    return GH_OK;
}

/* Both of one generation: a delta may be applied between the one and the other. *trust NULL: the
 * keys cannot be read, and that was said. */
static enum gh_status open_with_keys(struct gh_gate *gate, struct gh_list **list,
                                     struct gh_trust **trust, struct gh_error *err)
{
    enum gh_status status, keys = GH_ERR_AGAIN;

    for (int tries = 0; keys == GH_ERR_AGAIN && tries < GH_GATE_LIST_TRIES; tries++) {
        if (tries > 0)
            gh_list_close(*list);
        status = open_list(gate, list, err);
        if (status != GH_OK)
            return status;
        keys = gh_list_trust(*list, trust);
    }
    if (keys != GH_OK)
        gh_log(GH_LOG_ERR, "list", "its issuers' keys cannot be used: %s", gh_status_text(keys));
    return GH_OK;
}

void gh_gate_load_list(struct gh_gate *gate)
{
    struct gh_error err = {0};
    struct gh_list *list;
    struct gh_trust *trust = NULL;

    enum gh_status status = open_with_keys(gate, &list, &trust, &err);
    if (status != GH_OK) {
        /* The one in use, if any, goes on being used. */
        if (status != GH_ERR_NOTFOUND)
            gh_log(GH_LOG_ERR, "list", "%s", err.text[0] ? err.text : gh_status_text(status));
        return;
    }
    const struct gh_manifest *manifest = gh_list_manifest(list);
    bool other = !gate->list || gh_list_manifest(gate->list)->generation != manifest->generation ||
                 memcmp(gh_list_manifest(gate->list)->tag, manifest->tag, GH_LIST_TAG_BYTES) != 0;
    gh_list_close(gate->list);
    gate->list = list;
    use_age(gate);
    use_policy(gate);
    use_keys(gate, trust);
    struct gh_list_counts counts;
    if (other && gh_list_count(list, &counts) != GH_OK) /* it has gone on already */
        gh_log(GH_LOG_NOTICE, "list", "generation %" PRIu64, manifest->generation);
    else if (other)
        gh_log(GH_LOG_NOTICE, "list",
               "generation %" PRIu64 ": %" PRIu64 " persons, %" PRIu64 " homes",
               manifest->generation, counts.subjects, counts.homes);
}

/* --- the courier's news of it --- */

/* The list key may have been followed by another one. */
static void use_list_key(struct gh_gate *gate, const struct gh_identity *identity)
{
    struct gh_bytes raw = {identity->list_key, sizeof(identity->list_key)};
    struct gh_public_key *key = NULL;

    if (memcmp(gate->identity.list_key, raw.data, raw.size) == 0)
        return;
    if (gh_public_key_from_raw(GH_KEY_ED25519, raw, &key) != GH_OK) {
        gh_log(GH_LOG_ERR, "list", "the new list key cannot be used");
        return;
    }
    gh_public_key_free(gate->list_key);
    gate->list_key = key;
    memcpy(gate->identity.list_key, raw.data, raw.size);
    memcpy(gate->identity.retired_keys, identity->retired_keys, sizeof(identity->retired_keys));
    gate->identity.retired_count = identity->retired_count;
}

static void use_pins(struct gh_gate *gate, const struct gh_identity *identity)
{
    use_list_key(gate, identity);
    gate->identity.generation = identity->generation;
    memcpy(gate->identity.list_tag, identity->list_tag, GH_LIST_TAG_BYTES);
    gate->identity.list_issued_at_s = identity->list_issued_at_s;
}

void gh_gate_list_came(struct gh_gate *gate, const struct gh_identity *identity)
{
    use_pins(gate, identity);
    gh_gate_load_list(gate);
}

void gh_gate_list_renewed(struct gh_gate *gate, const struct gh_identity *identity)
{
    use_pins(gate, identity);
    /* The one before it may be in use still: what told of it was lost, or it could not be opened.
     */
    if (gate->list && is_pinned(gh_list_manifest(gate->list), &gate->identity))
        use_age(gate);
    else
        gh_gate_load_list(gate);
}

void gh_gate_list_refused(struct gh_gate *gate, enum gh_list_trouble trouble, uint64_t offered)
{
    struct gh_entry entry = {.type = GH_ENTRY_LIST, .trouble = trouble, .offered = offered};

    (void)gh_gate_look(gate);
    gh_log(GH_LOG_ERR, "list", "one that was offered is refused: %s",
           gh_list_trouble_name(trouble));
    gh_gate_write(gate, &entry);
}

void gh_gate_list_unreadable(struct gh_gate *gate, enum gh_status status)
{
    int64_t now_ns = gh_gate_now_ns(gate);

    gh_log(GH_LOG_ERR, "list", "it cannot be read: %s", gh_status_text(status));
    if ((status != GH_ERR_CORRUPT && status != GH_ERR_IO) || now_ns < gate->complain_ns)
        return;
    /* A card that spoils every copy is not worn out by new ones. */
    gate->complain_ns = now_ns + COMPLAIN_AGAIN_NS;
    if (gate->options.peers.unreadable)
        gate->options.peers.unreadable(gate->options.peers.context);
}

/* What an HCERT is about, which its key must be for; nothing for other kinds. */
static unsigned groups_of(const struct gh_credential *credential)
{
    unsigned groups = 0;

    if (credential->kind != GH_KIND_HCERT)
        return 0;
    for (size_t i = 0; i < credential->fact_count; i++)
        groups |= GH_GROUP(credential->facts[i].group);
    return groups;
}

/* What its issuer's keys say of it now. Several foreign keys may share an id, and which one it was
 * that signed is not known any more: one that is revoked counts, else one that allows it. */
static enum gh_reason allowed(const struct gh_gate *gate, const struct gh_credential *credential)
{
    struct gh_bytes issuer = {(const uint8_t *)credential->issuer, strlen(credential->issuer)};
    enum gh_reason reason = GH_REASON_FOREIGN;
    struct gh_trusted_key key;

    for (size_t nth = 0;
         gh_trust_find(gate->trust, credential->kind, credential->key_id, nth, &key); nth++) {
        enum gh_reason one = gh_issuer_key_allows(
            key.issuer, credential->kind, groups_of(credential), credential->issued_at_s, issuer);
        if (one == GH_REASON_KEY_REVOKED)
            return one;
        if (nth == 0 || (reason != GH_REASON_OK && one != GH_REASON_WRONG_ISSUER))
            reason = one;
    }
    return reason;
}

void gh_gate_believe_again(const struct gh_gate *gate, struct gh_credential *credential)
{
    if (!gate->list || credential->upstream)
        return;
    credential->reason = allowed(gate, credential);
    credential->authentic = credential->reason == GH_REASON_OK;
}

bool gh_gate_read_too_early(const struct gh_gate *gate, const struct gh_sighting *sighting)
{
    const struct gh_credential *credential = &sighting->credential;
    struct gh_trusted_key key;

    return credential->reason == GH_REASON_FOREIGN &&
           sighting->captured_ns < gate->keys_ns + KEYS_ARRIVE_NS &&
           gh_trust_find(gate->trust, credential->kind, credential->key_id, 0, &key);
}
