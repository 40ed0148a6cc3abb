/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/courier_parts.h"
#include "gatehouse/log.h"

#define SNAPSHOT_MAX_BYTES (UINT64_C(512) << 20)
#define SNAPSHOT_TIMEOUT_MS 600000
#define ERROR_MAX_BYTES 4096

/* Never back, never another area's. The generation is what never goes back; a time of issue only
 * counts within a generation, so that one list signed while the server's clock was ahead does not
 * shut out all that follow. */
static enum gh_status acceptable(const struct gh_identity *identity,
                                 const struct gh_manifest *manifest, struct gh_error *err)
{
    if (strcmp(manifest->area, identity->area) != 0)
        return gh_fail(err, GH_ERR_INVALID, "the list offered is for another area");
    if (manifest->generation < identity->generation)
        return gh_fail(err, GH_ERR_ROLLBACK,
                       "the list offered is generation %" PRIu64 ", older than %" PRIu64,
                       manifest->generation, identity->generation);
    if (manifest->generation == identity->generation &&
        manifest->issued_at_s < identity->list_issued_at_s)
        return gh_fail(err, GH_ERR_ROLLBACK, "the list offered was issued before the one at hand");
    if (manifest->snapshot_bytes > SNAPSHOT_MAX_BYTES)
        return gh_fail(err, GH_ERR_TOOBIG, "the list offered is too large");
    return GH_OK;
}

static enum gh_status fetch_snapshot(struct gh_courier *courier, const struct gh_manifest *manifest,
                                     struct gh_http_response *snapshot, struct gh_error *err)
{
    char digest[2 * GH_SHA256_BYTES + 1], path[128];

    gh_hex_encode(manifest->snapshot_sha256, GH_SHA256_BYTES, digest);
    snprintf(path, sizeof(path), "/api/v1/list/snapshots/%s", digest);
    struct gh_http_request request = {
        .method = "GET",
        .path = path,
        .timeout_ms = SNAPSHOT_TIMEOUT_MS,
        /* Also room for the server to say why not. */
        .max_response_bytes =
            manifest->snapshot_bytes > ERROR_MAX_BYTES ? manifest->snapshot_bytes : ERROR_MAX_BYTES,
    };
    return gh_courier_request(courier, &request, snapshot, err);
}

/* The file first, then the pin: after a cut between the two the file is the newer one, and
 * remembered at the next start. */
static void pin(struct gh_courier *courier, const struct gh_manifest *manifest)
{
    struct gh_error err = {0};

    /* The list's own file tells when it was issued: the card is spared a write a minute. */
    bool news = courier->identity.generation != manifest->generation;
    courier->identity.generation = manifest->generation;
    courier->identity.list_issued_at_s = manifest->issued_at_s;
    memcpy(courier->list_sha256, manifest->snapshot_sha256, GH_SHA256_BYTES);
    if (news && gh_identity_save(courier->identity_path, &courier->identity, &err) != GH_OK)
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the list's generation cannot be saved: %s",
               err.text);
    gh_courier_tell(courier, GH_COURIER_LIST);
}

static enum gh_status take_manifest(struct gh_courier *courier, struct gh_bytes bytes,
                                    int64_t *retry_after_s, struct gh_error *err)
{
    struct gh_manifest manifest;

    enum gh_status status = gh_manifest_read(courier->list_key, bytes, &manifest, err);
    if (status == GH_OK)
        status = acceptable(&courier->identity, &manifest, err);
    if (status != GH_OK)
        return status;

    bool same = memcmp(manifest.snapshot_sha256, courier->list_sha256, GH_SHA256_BYTES) == 0;
    if (same && manifest.generation == courier->identity.generation &&
        manifest.issued_at_s == courier->identity.list_issued_at_s)
        return GH_OK;

    if (same) {
        status = gh_list_refresh(courier->list_path, courier->list_key, bytes, err);
        /* Not the file that was put there: it is fetched whole the next time. */
        if (status == GH_ERR_NOTFOUND || status == GH_ERR_CORRUPT || status == GH_ERR_SIGNATURE ||
            status == GH_ERR_INVALID)
            memset(courier->list_sha256, 0, GH_SHA256_BYTES);
    } else {
        struct gh_http_response snapshot;
        status = fetch_snapshot(courier, &manifest, &snapshot, err);
        *retry_after_s = snapshot.retry_after_s;
        if (status == GH_OK) {
            struct gh_bytes records = {snapshot.body, snapshot.size};
            status = gh_list_build(courier->list_path, courier->list_key, bytes, records, err);
        }
        gh_http_response_free(&snapshot);
    }
    if (status == GH_OK)
        pin(courier, &manifest);
    return status;
}

void gh_courier_turn_list(struct gh_courier *courier, int64_t now_ns)
{
    struct gh_http_response response;
    struct gh_error err = {0};
    struct gh_http_request request = {
        .method = "GET",
        .path = "/api/v1/list/manifest",
        .max_response_bytes = GH_MANIFEST_MAX_BYTES,
    };

    enum gh_status status = gh_courier_request(courier, &request, &response, &err);
    int64_t retry_after_s = response.retry_after_s;
    if (status == GH_OK) {
        struct gh_bytes bytes = {response.body, response.size};
        status = take_manifest(courier, bytes, &retry_after_s, &err);
    }
    gh_http_response_free(&response);

    now_ns = gh_clock_monotonic_ns(courier->options.clock); /* it took its time */
    if (status == GH_OK) {
        gh_backoff_succeeded(&courier->list, now_ns, courier->options.poll_ms);
        return;
    }
    if (status != GH_ERR_AGAIN)
        gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "list: %s",
               err.text[0] ? err.text : gh_status_text(status));
    gh_backoff_failed(&courier->list, now_ns, retry_after_s);
}
