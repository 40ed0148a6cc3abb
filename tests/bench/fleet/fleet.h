/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of the load generator share: ending with a word, the temporary folder, the
 * children, time and figures. One process, one thread; whatever is wrong ends it (fleet_fail): a
 * figure that was measured on the way to an error is worth nothing. */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_H
#define GATEHOUSE_TESTS_BENCH_FLEET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gatehouse/status.h"

#define FLEET_LOG "server.log" /* in the temporary folder */

/* Say what is wrong, show the end of the server's log, end the children, remove the folder, exit 1.
 */
_Noreturn void fleet_fail(const char *format, ...) GH_PRINTF(1, 2);
/* The same for an expression that is not GH_OK, and for calls that may be out of memory. */
void fleet_must(enum gh_status status, const char *what);
void *fleet_allocate(size_t count, size_t size); /* zeroed */

/* Signals and the temporary folder; before anything else. */
void fleet_begin(void);
const char *fleet_folder(void);
/* Where a signal asked for it: end, with everything tidied up. Long loops call it. */
void fleet_check_stopped(void);

/* A child of ours from now on: ended with us, however we end. In the child: fleet_child_begin. */
void fleet_child_add(pid_t pid);
void fleet_child_begin(void);
/* SIGTERM, and SIGKILL after ten seconds. */
void fleet_child_end(pid_t pid);

int64_t fleet_now_ns(void); /* CLOCK_MONOTONIC */
double fleet_ms(int64_t ns);
double fleet_s(int64_t ns);
int64_t fleet_cpu_ns(pid_t pid); /* processor time of a process so far, user and system */

/* Of many durations. */
struct fleet_spread {
    int64_t p50_ns, p99_ns, last_ns;
};
struct fleet_spread fleet_spread_of(int64_t *durations_ns, size_t count); /* sorts them */

/* Memory of a process: all that is resident, of it what is its own (not mapped files), and the most
 * that ever was resident. */
struct fleet_memory {
    size_t resident_kib, own_kib, peak_kib;
};
struct fleet_memory fleet_memory_of(pid_t pid);

#endif
