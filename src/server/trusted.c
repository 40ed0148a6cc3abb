/* SPDX-License-Identifier: Apache-2.0 */
#include "server/trusted.h"

#include <stdlib.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"

struct gathering {
    struct gh_issuer_key *keys; /* GH_TRUST_KEYS_MAX */
    size_t count;
};

static bool gather(void *context, const struct gh_db_trusted *trusted)
{
    struct gathering *gathering = context;
    if (gathering->count == GH_TRUST_KEYS_MAX)
        return false;
    gathering->keys[gathering->count++] = trusted->key;
    return true;
}

enum gh_status gh_server_renew_trust(struct gh_server *server)
{
    GH_CLEANUP_FREE struct gh_issuer_key *keys = calloc(GH_TRUST_KEYS_MAX, sizeof(*keys));
    struct gathering gathering = {.keys = keys};
    gh_trust_unref(server->trust);
    server->trust = NULL;
    if (keys == NULL)
        return GH_ERR_NOMEM;
    enum gh_status status = gh_server_keys_public(&server->keys, gh_clock_wall_s(server->clock),
                                                  keys, &gathering.count);
    if (status == GH_OK)
        status = gh_db_trust_read(server->db, gather, &gathering);
    if (status == GH_OK)
        status = gh_trust_new(keys, gathering.count, server->keys.holder_secret, &server->trust);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "server", "the issuers' keys cannot be used: %s",
               gh_status_text(status));
    return status;
}
