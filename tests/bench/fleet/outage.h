/* SPDX-License-Identifier: Apache-2.0 */
/* After an outage all gates come back at once, each with a batch of entries, compressed, chained to
 * one another as its journal would have them. Meanwhile one gate waits for the list, which changes
 * once a second. */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_OUTAGE_H
#define GATEHOUSE_TESTS_BENCH_FLEET_OUTAGE_H

#include "bench/fleet/fleet.h"
#include "bench/fleet/town.h"

#define FLEET_BATCH_ENTRIES 200

struct fleet_batch {
    uint8_t *frame; /* the request's body, compressed */
    size_t frame_bytes;
    uint8_t last_hash[GH_SHA256_BYTES]; /* of the batch's last entry */
};
struct fleet_batches {
    struct fleet_batch *batch; /* one for each gate of the town */
    size_t count;
    uint64_t plain_bytes, frame_bytes; /* of all bodies */
};
void fleet_batches_make(struct fleet_batches *batches, const struct fleet_town *town);
void fleet_batches_free(struct fleet_batches *batches);

struct fleet_outage {
    int64_t took_ns, server_cpu_ns, own_cpu_ns;
    struct fleet_spread acknowledged; /* from the beginning to each gate's acknowledgement */
    uint64_t refused_for_now;         /* 503 and 429 */
    uint64_t late, lost; /* no answer within a gate's patience; connections that broke */
    uint64_t again;      /* batches that were stored and sent again all the same */
    size_t changes;
    struct fleet_spread list; /* from the change's request to the gate that waits */
};
/* All batches, until each is acknowledged; every answer is verified, receipts too. */
void fleet_outage_run(const struct fleet_batches *batches, struct fleet_town *town,
                      struct fleet_outage *out);

#endif
