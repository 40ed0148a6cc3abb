/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine and this generator cost by themselves: a process that does nothing but hold
 * connections in one epoll loop and, when told by a PATCH, writes the same bytes to each that waits
 * behind a GET. */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_MIRROR_H
#define GATEHOUSE_TESTS_BENCH_FLEET_MIRROR_H

#include <netinet/in.h>
#include <sys/types.h>

#include "gatehouse/bytes.h"

struct fleet_mirror {
    pid_t pid;
    struct sockaddr_in address;
};

/* answer: head and body, as the real server sent them; borrowed until it returns. */
void fleet_mirror_start(struct fleet_mirror *mirror, struct gh_bytes answer);
void fleet_mirror_stop(struct fleet_mirror *mirror);

#endif
