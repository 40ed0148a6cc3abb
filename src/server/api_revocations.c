/* SPDX-License-Identifier: Apache-2.0 */
#include <microhttpd.h>

#include "server/api.h"
#include "server/revocation_batch.h"
#include "server/server.h"

#define ITEMS_MAX 131072                  /* more do not fit in the body */
#define REVOCATIONS_MAX UINT64_C(1000000) /* 20 MB of a snapshot */

/* Batches that have expired as a whole are no mistake of whoever sends all that there are. */
static size_t drop_expired(struct gh_revocation_batch *batch, int64_t now)
{
    size_t kept = 0, all = batch->count;
    for (size_t i = 0; i < all; i++)
        if (batch->list[i].expires_at > now)
            batch->list[kept++] = batch->list[i];
    batch->count = kept;
    return all - kept;
}

static void store(struct gh_request *request, struct gh_revocation_batch *batch)
{
    uint64_t added = 0;
    int64_t now = gh_clock_wall_s(request->server->clock);
    size_t expired = drop_expired(batch, now);
    enum gh_status status = gh_db_revocations_add(request->server->db, batch->list, batch->count,
                                                  REVOCATIONS_MAX, now, &added);
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:I, s:I, s:I}", "added", (json_int_t)added, "known",
                                 (json_int_t)(batch->count - added), "expired",
                                 (json_int_t)expired));
    else if (status == GH_ERR_TOOBIG)
        gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, "too_many_revocations",
                        "there would be more than a million revocations, which is all that a list "
                        "holds");
    else
        gh_answer_status(request, status);
}

void gh_api_revocations_add(struct gh_request *request)
{
    struct gh_revocation_body body = {0};
    struct gh_revocation_batch batch;
    struct gh_error why = {0};
    const struct gh_member members[] = {
        {"country", GH_MEMBER_LINE, true, 1, 8, &body.country},
        {"expires", GH_MEMBER_LINE, true, 1, 64, &body.expires},
        {"kid", GH_MEMBER_LINE, false, 1, 128, &body.kid},
        {"hashType", GH_MEMBER_LINE, true, 1, 32, &body.hash_type},
        {"entries", GH_MEMBER_ARRAY, true, 0, ITEMS_MAX, &body.entries},
        {"method", GH_MEMBER_LINE, true, 1, 32, &body.method},
        {"ctr", GH_MEMBER_JSON, true, 0, 0, &body.ctr},
        {"rids", GH_MEMBER_ARRAY, true, 0, ITEMS_MAX, &body.rids},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    enum gh_status status = gh_revocation_batch_read(&body, &batch, &why);
    if (status == GH_OK)
        store(request, &batch);
    else if (status == GH_ERR_INVALID)
        gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, "bad_batch", why.text);
    else
        gh_answer_status(request, status);
    gh_revocation_batch_close(&batch);
}
