/* SPDX-License-Identifier: Apache-2.0 */
#include "server/records.h"

#include <stdlib.h>
#include <systemd/sd-event.h>

#include "server/server.h"

struct gh_records {
    struct gh_server *server;
    struct gh_ingest *ingest;
    sd_event_source *ingest_ready;
};

struct gh_ingest *gh_records_ingest(struct gh_records *records)
{
    return records->ingest;
}

static int on_ingest(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source, (void)fd, (void)events;
    gh_ingest_deliver(context);
    return 0;
}

/* --- life --- */

static enum gh_status start_ingest(struct gh_records *records, struct gh_error *err)
{
    struct gh_server *server = records->server;
    enum gh_status status = gh_ingest_new(server->db, server->clock, &records->ingest, err);
    if (status == GH_OK)
        status = gh_ingest_add_key(records->ingest, server->keys.list_raw);
    if (status == GH_OK &&
        sd_event_add_io(server->event, &records->ingest_ready, gh_ingest_fd(records->ingest),
                        EPOLLIN, on_ingest, records->ingest) < 0)
        status = GH_ERR_NOMEM;
    return status == GH_OK ? GH_OK : gh_fail(err, status, "entries cannot be taken in");
}

enum gh_status gh_records_start(struct gh_server *server, struct gh_records **out,
                                struct gh_error *err)
{
    *out = NULL;
    struct gh_records *records = calloc(1, sizeof(*records));
    if (records == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for entries");
    records->server = server;
    enum gh_status status = start_ingest(records, err);
    if (status != GH_OK) {
        gh_records_stop(records);
        return status;
    }
    *out = records;
    return GH_OK;
}

void gh_records_stop(struct gh_records *records)
{
    if (records == NULL)
        return;
    sd_event_source_disable_unref(records->ingest_ready);
    gh_ingest_free(records->ingest);
    free(records);
}
