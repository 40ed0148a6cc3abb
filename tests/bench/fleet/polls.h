/* SPDX-License-Identifier: Apache-2.0 */
/* Long polls of many gates, and how long a change takes to each of them. */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_POLLS_H
#define GATEHOUSE_TESTS_BENCH_FLEET_POLLS_H

#include "bench/fleet/fleet.h"
#include "bench/fleet/reference.h"
#include "bench/fleet/town.h"
#include "bench/fleet/word.h"

#define FLEET_WAIT_S 50
#define FLEET_LIST_PATH_BYTES 160

/* The poll of a gate that has gate->list. path lives as long as the request. */
void fleet_list_request(const struct fleet_gate *gate, int wait_s, char path[FLEET_LIST_PATH_BYTES],
                        struct fleet_request *request);
void fleet_ask_for_list(struct fleet_peer *peer, const struct fleet_gate *gate, int wait_s);

struct fleet_poller;
struct fleet_polls {
    struct fleet_town *town;
    struct sockaddr_in address;
    pid_t server;
    bool mirrored; /* the answers are those that the real server gave */
    struct fleet_words words;
    struct fleet_poller *pollers;
    size_t count, have; /* gates, and how many of them have what they wait for */
    int64_t *times_ns;  /* scratch, one for each */
    uint64_t refused, lost;
    struct gh_bytes answer; /* one with a delta, head and all, as it came; malloc'ed */
};

/* What one change cost. */
struct fleet_change {
    int64_t saved_ns; /* until the administrator had the answer */
    struct fleet_spread spread;
};

/* Every gate of the town takes the manifest that there is and then waits for the next one.
 * mirrored: of a process that plays the server, at that address. */
void fleet_polls_open(struct fleet_polls *polls, struct fleet_town *town, pid_t server,
                      const struct sockaddr_in *address, bool mirrored);
/* Until every question has been sent and the server has nothing more to do. */
void fleet_polls_settle(struct fleet_polls *polls);
/* Make the change, and wait until every gate has it and waits again; then the reference gate
 * (NULL: there is none) applies it. */
void fleet_polls_change(struct fleet_polls *polls, struct fleet_peer *changer,
                        const struct fleet_request *request, struct fleet_reference *reference,
                        struct fleet_change *out);
/* Disconnects; the answer stays. */
void fleet_polls_close(struct fleet_polls *polls);

#endif
