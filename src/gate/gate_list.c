/* SPDX-License-Identifier: Apache-2.0 */
/* The list that the gate decides by, and the keys that codes are believed by. */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "gate/gate_parts.h"
#include "gatehouse/log.h"

#define KEYS_ARRIVE_NS GH_NS_PER_S /* in the see thread, at the latest */

static void use_policy(struct gh_gate *gate)
{
    gate->policy = gate->list ? gh_list_manifest(gate->list)->policy : gh_policy_initial();
    gh_passage_set_policy(&gate->passage, &gate->policy);
    if (gate->options.peers.policy)
        gate->options.peers.policy(gate->options.peers.context, &gate->policy);
}

static void use_keys(struct gh_gate *gate)
{
    struct gh_trust *trust = NULL;

    if (gate->list) {
        enum gh_status status = gh_list_trust(gate->list, &trust);
        if (status != GH_OK)
            gh_log(GH_LOG_ERR, "list", "its issuers' keys cannot be used: %s",
                   gh_status_text(status));
    }
    gh_trust_unref(gate->trust);
    gate->trust = trust;
    gate->keys_ns = gh_gate_now_ns(gate);
    gate->options.peers.trust(gate->options.peers.context, trust);
}

static enum gh_status open_list(struct gh_gate *gate, struct gh_list **out, struct gh_error *err)
{
    char path[PATH_MAX];

    *out = NULL;
    enum gh_status status = gh_courier_list_path(gate->options.state_dir, path);
    if (status == GH_OK)
        status = gh_list_open(path, gate->list_key, out, err);
    if (status != GH_OK)
        return status;
    /* Somebody may have put an old file back. */
    const struct gh_manifest *manifest = gh_list_manifest(*out);
    if (manifest->generation < gate->identity.generation) {
        gh_list_close(*out);
        *out = NULL;
        return gh_fail(err, GH_ERR_ROLLBACK, "the list file is older than the newest list known");
    }
    return GH_OK;
}

void gh_gate_load_list(struct gh_gate *gate)
{
    struct gh_error err = {0};
    struct gh_list *list;

    enum gh_status status = open_list(gate, &list, &err);
    if (status != GH_OK) {
        /* The one in use, if any, goes on being used. */
        if (status != GH_ERR_NOTFOUND)
            gh_log(GH_LOG_ERR, "list", "%s", err.text[0] ? err.text : gh_status_text(status));
        return;
    }
    bool other = !gate->list ||
                 gh_list_manifest(gate->list)->generation != gh_list_manifest(list)->generation;
    gh_list_close(gate->list);
    gate->list = list;
    use_policy(gate);
    use_keys(gate);

    struct gh_list_counts counts;
    if (other && gh_list_count(list, &counts) == GH_OK)
        gh_log(GH_LOG_NOTICE, "list",
               "generation %" PRIu64 ": %" PRIu64 " persons, %" PRIu64 " homes",
               gh_list_manifest(list)->generation, counts.subjects, counts.homes);
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
