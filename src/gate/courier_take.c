/* SPDX-License-Identifier: Apache-2.0 */
/* What the server answers about the list: verified, made the list at hand, told, pinned. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code/cbor.h"
#include "gate/courier_parts.h"
#include "gatehouse/log.h"

#define SNAPSHOT_MAX_BYTES (UINT64_C(512) << 20)
#define HANDOVERS_MAX 256

/* One answer, on its way. */
struct take {
    struct gh_courier *courier;
    struct gh_list_outcome *outcome;
    struct gh_error *err;
    struct gh_bytes manifest_bytes;
    struct gh_delta delta;
    struct gh_cbor_reader handovers; /* before the first */
    size_t handover_count;
    struct gh_manifest manifest;
    struct gh_delta_header delta_header; /* where there is a delta */
    struct gh_identity identity;         /* with the key that signed it */
    struct gh_public_key *key;           /* likewise */
    bool key_is_new;
};

static enum gh_status parse(struct gh_bytes answer, struct take *take)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(answer);

    bool five = gh_cbor_array(&reader) == 5;
    take->manifest_bytes = gh_cbor_bytes(&reader);
    take->delta.header = gh_cbor_bytes(&reader);
    take->delta.records = gh_cbor_bytes(&reader);
    take->handover_count = gh_cbor_array(&reader);
    take->handovers = reader;
    for (size_t i = 0; i < take->handover_count && reader.status == GH_OK; i++)
        (void)gh_cbor_bytes(&reader);
    take->outcome->number = gh_cbor_uint(&reader);
    if (gh_cbor_finish(&reader) != GH_OK || !five || take->handover_count > HANDOVERS_MAX ||
        (take->delta.header.size == 0 && take->delta.records.size > 0))
        return gh_fail(take->err, GH_ERR_REFUSED, "the server's answer makes no sense");
    take->outcome->says_number = true;
    return GH_OK;
}

/* --- whether it is to be believed --- */

static enum gh_status refuse(struct take *take, enum gh_status status, enum gh_list_trouble trouble)
{
    take->outcome->trouble = trouble;
    take->outcome->offered = take->manifest.generation; /* 0 until it was verified */
    return status;
}

static enum gh_status use_key(struct take *take)
{
    struct gh_bytes raw = {take->identity.list_key, GH_LIST_KEY_BYTES};

    gh_public_key_free(take->key);
    take->key = NULL;
    return gh_public_key_from_raw(GH_KEY_ED25519, raw, &take->key);
}

static enum gh_status read_manifest(struct take *take, struct gh_error *err)
{
    return gh_manifest_read(take->key, take->manifest_bytes, &take->manifest, err);
}

/* By the list key, or else by the one that it leads to. */
static enum gh_status verify(struct take *take)
{
    struct gh_error err = {0};

    enum gh_status status = use_key(take);
    if (status == GH_OK)
        status = read_manifest(take, &err);
    if (status == GH_ERR_SIGNATURE &&
        gh_courier_follow(&take->identity, take->handovers, take->handover_count)) {
        status = use_key(take);
        if (status == GH_OK)
            status = read_manifest(take, NULL);
        take->key_is_new = status == GH_OK;
    }
    if (status == GH_OK)
        return GH_OK;
    gh_fail(take->err, status, "%s", err.text[0] ? err.text : gh_status_text(status));
    if (status == GH_ERR_CORRUPT || status == GH_ERR_TOOBIG)
        return refuse(take, status, GH_LIST_TROUBLE_CORRUPT);
    if (status != GH_ERR_SIGNATURE)
        return status;
    /* identity: with what the handovers said, too, which a retired key would not tell */
    bool retired = gh_courier_is_retired(&take->identity, take->manifest_bytes, take->handovers,
                                         take->handover_count);
    return refuse(take, status, retired ? GH_LIST_TROUBLE_RETIRED_KEY : GH_LIST_TROUBLE_SIGNATURE);
}

/* Never back, never another area's. The generation is what never goes back; a time of issue only
 * counts within a generation, so that one list signed while the server's clock was ahead does not
 * shut out all that follow. */
static enum gh_status check_manifest(struct take *take)
{
    const struct gh_identity *identity = &take->identity;
    const struct gh_manifest *manifest = &take->manifest;

    if (strcmp(manifest->area, identity->area) != 0) {
        gh_fail(take->err, GH_ERR_INVALID, "the list offered is for another area");
        return refuse(take, GH_ERR_INVALID, GH_LIST_TROUBLE_AREA);
    }
    if (manifest->generation < identity->generation) {
        gh_fail(take->err, GH_ERR_ROLLBACK,
                "the list offered is generation %" PRIu64 ", older than %" PRIu64,
                manifest->generation, identity->generation);
        return refuse(take, GH_ERR_ROLLBACK, GH_LIST_TROUBLE_ROLLBACK);
    }
    if (manifest->generation == identity->generation &&
        manifest->issued_at_s < identity->list_issued_at_s) {
        gh_fail(take->err, GH_ERR_ROLLBACK, "the list offered was issued before the one at hand");
        return refuse(take, GH_ERR_ROLLBACK, GH_LIST_TROUBLE_ROLLBACK);
    }
    if (manifest->snapshot_bytes > SNAPSHOT_MAX_BYTES)
        return gh_fail(take->err, GH_ERR_TOOBIG, "the list offered is too large");
    return GH_OK;
}

static enum gh_status fail_delta(struct take *take, const char *why)
{
    gh_fail(take->err, GH_ERR_CORRUPT, "the list offered: %s", why);
    return refuse(take, GH_ERR_CORRUPT, GH_LIST_TROUBLE_CORRUPT);
}

/* Where it leads to must be where the manifest is; where it leads from is looked at later. */
static enum gh_status check_delta(struct take *take)
{
    struct gh_generation target = gh_manifest_generation(&take->manifest);

    if (take->delta.header.size == 0)
        return GH_OK;
    enum gh_status status = gh_delta_read(take->key, take->delta.header, &take->delta_header, NULL);
    if (status == GH_ERR_NOMEM)
        return status;
    if (status != GH_OK)
        return fail_delta(take, "its delta is not signed by the list key, or is none");
    if (strcmp(take->delta_header.area, take->manifest.area) != 0 ||
        !gh_generation_same(&take->delta_header.to, &target))
        return fail_delta(take, "its delta leads elsewhere");
    return GH_OK;
}

/* --- making it the list at hand --- */

static void nothing_at_hand(struct gh_courier *courier)
{
    courier->watch.at_hand = (struct gh_generation){0};
}

/* Before anything that the new key has signed counts. */
static enum gh_status pin_key(struct take *take)
{
    struct gh_courier *courier = take->courier;

    if (!take->key_is_new)
        return GH_OK;
    enum gh_status status = gh_identity_save(courier->identity_path, &take->identity, take->err);
    if (status != GH_OK)
        return status;
    courier->list.identity = take->identity;
    status = gh_lane_use_key(&courier->list);
    if (status != GH_OK)
        return status;
    take->key_is_new = false;
    gh_log(GH_LOG_NOTICE, GH_COURIER_MODULE, "list: its key was followed by key %" PRIu64,
           take->identity.list_key_number);
    gh_courier_publish(courier);
    return GH_OK;
}

/* The list first, then the gate, then the pin: after a cut before the pin the list is the newer
 * one, and remembered at the next start. */
static void announce(struct take *take)
{
    struct gh_courier *courier = take->courier;
    struct gh_identity *identity = &courier->list.identity;
    struct gh_error err = {0};

    courier->watch.at_hand = gh_manifest_generation(&take->manifest);
    courier->watch.troubled = 0;
    identity->generation = take->manifest.generation;
    memcpy(identity->list_tag, take->manifest.tag, GH_LIST_TAG_BYTES);
    identity->list_issued_at_s = take->manifest.issued_at_s;
    take->outcome->news = true;
    gh_lane_tell(&courier->list, GH_COURIER_LIST);
    if (gh_identity_save(courier->identity_path, identity, &err) != GH_OK)
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the list's generation cannot be saved: %s",
               err.text);
    gh_courier_remove_parts(courier, NULL);
}

/* What the list's folder says of it. A list that is not there any more, or not what it was, is
 * brought anew. */
static enum gh_status list_failed(struct take *take, enum gh_status status)
{
    if (status == GH_ERR_NOTFOUND || status == GH_ERR_SIGNATURE || status == GH_ERR_INVALID)
        nothing_at_hand(take->courier);
    if (status == GH_ERR_ROLLBACK)
        return refuse(take, status, GH_LIST_TROUBLE_ROLLBACK);
    return status;
}

static enum gh_status renew(struct take *take)
{
    struct gh_courier *courier = take->courier;
    struct gh_identity *identity = &courier->list.identity;

    /* Whole, where it is the same to the second. */
    if (take->manifest.issued_at_s == identity->list_issued_at_s)
        return GH_OK;
    enum gh_status status =
        gh_list_renew(courier->list_path, take->key, take->manifest_bytes, take->err);
    if (status == GH_ERR_CORRUPT)
        nothing_at_hand(courier);
    if (status != GH_OK)
        return list_failed(take, status);
    /* The list itself tells when it was issued: the card is spared a write a minute. */
    identity->list_issued_at_s = take->manifest.issued_at_s;
    gh_lane_tell(&courier->list, GH_COURIER_AGE);
    return GH_OK;
}

static enum gh_status apply(struct take *take)
{
    struct gh_courier *courier = take->courier;

    enum gh_status status =
        gh_list_apply(courier->list_path, take->key, take->manifest_bytes, &take->delta, take->err);
    if (status == GH_ERR_CORRUPT) {
        /* Whichever of the two it is: the next answer leads from a snapshot. */
        nothing_at_hand(courier);
        return refuse(take, status, GH_LIST_TROUBLE_CORRUPT);
    }
    if (status != GH_OK)
        return list_failed(take, status);
    announce(take);
    return GH_OK;
}

static enum gh_status install(struct take *take)
{
    struct gh_courier *courier = take->courier;
    char path[PATH_MAX];
    bool resumed;

    enum gh_status status = gh_courier_fetch_snapshot(courier, &take->manifest, path, &resumed,
                                                      take->outcome, take->err);
    if (status == GH_OK)
        status = pin_key(take);
    if (status == GH_OK) {
        status = gh_list_install(courier->list_path, take->key, take->manifest_bytes, path,
                                 &take->delta, &courier->stop, take->err);
        if (status != GH_OK && status != GH_ERR_AGAIN)
            (void)unlink(path);
    }
    if (status == GH_OK)
        announce(take);
    else if (status == GH_ERR_CORRUPT && !resumed) /* else it may be our own disk: once more */
        return refuse(take, status, GH_LIST_TROUBLE_CORRUPT);
    return status == GH_OK ? GH_OK : list_failed(take, status);
}

static enum gh_status make_it_so(struct take *take)
{
    struct gh_courier *courier = take->courier;
    const struct gh_generation *at_hand = &courier->watch.at_hand;
    struct gh_generation offered = gh_manifest_generation(&take->manifest);
    bool delta = take->delta.header.size > 0;

    if (!take->key_is_new && gh_generation_same(at_hand, &offered))
        return renew(take);
    if (!take->key_is_new && delta && gh_generation_same(at_hand, &take->delta_header.from))
        return apply(take);
    if (delta ? gh_generation_same(&take->delta_header.from, &take->manifest.snapshot)
              : gh_generation_same(&offered, &take->manifest.snapshot))
        return install(take);
    if (at_hand->number == 0)
        return fail_delta(take, "its delta leads from elsewhere");
    /* It leads on from what we have; but that was signed by the key before, or is not what the
     * server thinks. With nothing at hand the answer begins at the snapshot. */
    nothing_at_hand(courier);
    take->outcome->ask_again = true;
    return GH_OK;
}

enum gh_status gh_courier_take_list(struct gh_courier *courier, struct gh_bytes answer,
                                    struct gh_list_outcome *outcome, struct gh_error *err)
{
    struct take *take = calloc(1, sizeof(*take)); /* a manifest is large */

    if (!take)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list");
    take->courier = courier;
    take->outcome = outcome;
    take->err = err;
    take->identity = courier->list.identity;
    enum gh_status status = parse(answer, take);
    if (status == GH_OK)
        status = verify(take);
    if (status == GH_OK)
        status = check_manifest(take);
    if (status == GH_OK)
        status = check_delta(take);
    if (status == GH_OK)
        status = make_it_so(take);
    gh_public_key_free(take->key);
    gh_wipe(take, sizeof(*take));
    free(take);
    return status;
}

void gh_courier_remember_list(struct gh_courier *courier)
{
    struct gh_identity *identity = &courier->list.identity;
    struct gh_manifest *head = malloc(sizeof(*head));

    gh_list_tidy(courier->list_path, courier->list.list_key);
    if (head && gh_list_head(courier->list_path, courier->list.list_key, head) == GH_OK) {
        courier->watch.at_hand = gh_manifest_generation(head);
        if (head->generation > identity->generation ||
            (head->generation == identity->generation &&
             head->issued_at_s > identity->list_issued_at_s)) {
            identity->generation = head->generation;
            memcpy(identity->list_tag, head->tag, GH_LIST_TAG_BYTES);
            identity->list_issued_at_s = head->issued_at_s;
        }
    }
    free(head);
}
