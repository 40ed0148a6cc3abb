/* SPDX-License-Identifier: Apache-2.0 */
/* One gate that does what a real gate does with what it is sent: fetches the snapshot, installs it,
 * applies every delta, and can say in the end whether all changes are in its list and whether that
 * is the very list that a gate gets that begins anew. */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_REFERENCE_H
#define GATEHOUSE_TESTS_BENCH_FLEET_REFERENCE_H

#include "bench/fleet/town.h"
#include "bench/fleet/word.h"

struct fleet_reference {
    struct fleet_town *town;
    struct fleet_gate *gate; /* the town's last one */
    struct fleet_words words;
    char folder[560];
    struct fleet_peer poll, other; /* other: snapshots, and polls that do not wait */
    bool waits;                    /* its long poll is open */
    bool has_news;                 /* an answer came that is not applied yet */
    int64_t came_ns;               /* when it came */
    uint64_t deltas, snapshots;    /* taken since it was opened */
};

/* Installs the list that there is. */
void fleet_reference_open(struct fleet_reference *reference, struct fleet_town *town);
/* Open the long poll if it is not. */
void fleet_reference_wait(struct fleet_reference *reference);
/* Apply what came; *has_news is false then, and the poll is not open. */
void fleet_reference_apply(struct fleet_reference *reference);
/* Catch up by polls that do not wait, until the list at hand is the server's; then everybody who
 * was set to red must be red in it and its digest that of a list that is installed anew. The
 * program ends if it is not so. */
void fleet_reference_check(struct fleet_reference *reference);
void fleet_reference_free(struct fleet_reference *reference);

#endif
