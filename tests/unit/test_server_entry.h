/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server: an entry like any other. */
#ifndef GATEHOUSE_TESTS_SERVER_ENTRY_H
#define GATEHOUSE_TESTS_SERVER_ENTRY_H

#include <string.h>

#include "gatehouse/entry.h"

static inline struct gh_entry entry_of(gh_id gate, uint64_t sequence, const uint8_t *previous)
{
    struct gh_entry entry = {
        .type = GH_ENTRY_PASSAGE,
        .gate = gate,
        .sequence = sequence,
        .wall_ms = INT64_C(1600000000000) + (int64_t)sequence,
        .clock_trusted = true,
        .monotonic_ms = (int64_t)sequence,
        .boot_id = "00112233445566778899aabbccddeeff",
        .outcome = GH_OUTCOME_DENY,
        .reason = GH_REASON_NOT_A_CODE,
        .generation = 1,
    };
    memcpy(entry.previous, previous, GH_SHA256_BYTES);
    return entry;
}

#endif
