/* SPDX-License-Identifier: Apache-2.0 */
/* One real gatehouse-server with a fresh state folder, an administrator's session with it, people
 * and gates: everything over HTTP, as in life. */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_TOWN_H
#define GATEHOUSE_TESTS_BENCH_FLEET_TOWN_H

#include "bench/fleet/peer.h"
#include "gatehouse/clock.h"
#include "gatehouse/list.h"

#define FLEET_PEOPLE 1000
#define FLEET_TOKEN_BYTES 96

struct fleet_gate {
    gh_id id;
    char token[FLEET_TOKEN_BYTES]; /* its bearer token: `<id>.<secret>` */
    char boot[GH_BOOT_ID_TEXT_BYTES];
    struct gh_generation list; /* that it has */
};

struct fleet_town {
    struct fleet_loop *loop;
    pid_t pid;
    struct sockaddr_in address;
    char state_dir[512];
    struct fleet_peer admin;
    char admin_token[FLEET_TOKEN_BYTES];
    struct fleet_gate *gates; /* gate_count, and behind them the reference gate */
    size_t gate_count;
    gh_id people[FLEET_PEOPLE];
    size_t people_changed; /* how many of them were set to red */
    struct gh_public_key *list_key;
};

/* Start the server ($BUILD/gatehouse-server) and log in. */
void fleet_town_start(struct fleet_town *town, struct fleet_loop *loop);
void fleet_town_import(struct fleet_town *town);
/* gate_count gates and the reference gate are added and enrol. */
void fleet_town_enrol(struct fleet_town *town, size_t gate_count);
/* The next person who is still green is to be red: fills *request (its texts live until the next
 * call). */
void fleet_town_next_change(struct fleet_town *town, struct fleet_request *request);
/* How many gates the server says are waiting for the list. */
size_t fleet_town_waiting(struct fleet_town *town);
/* Stops the server; its files, and who the gates are, stay. */
void fleet_town_stop(struct fleet_town *town);
void fleet_town_free(struct fleet_town *town);

#endif
