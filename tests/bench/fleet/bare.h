/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the server's database after the outage, and what SQLite alone takes for the same rows.
 */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_BARE_H
#define GATEHOUSE_TESTS_BENCH_FLEET_BARE_H

#include "bench/fleet/outage.h"

/* Every gate's entries are there, each once, with the hash of its text, chained, up to the hash
 * that the gate's last one has; nothing was refused, nobody raised an alarm. The program ends if it
 * is not so. The server has been stopped. */
void fleet_stored_check(const struct fleet_town *town, const struct fleet_batches *batches);
/* The same rows in the same order into a table with the same schema and indexes, in transactions
 * of so many: only the insertions are timed, not the reading. Returns nanoseconds. */
int64_t fleet_bare_insert(const struct fleet_town *town, size_t rows_each);

#endif
