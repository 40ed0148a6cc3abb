/* SPDX-License-Identifier: Apache-2.0 */
/* make bench-fleet: many gates over real HTTP against one real server. FLEET_GATES (10000) of them
 * wait for the list while a person is set to red, FLEET_CHANGES (5) times; then all come back at
 * once after an outage with 200 entries each. Beside both, in the same run, what the machine does
 * without the server: the same bytes through a loop that only writes them, the same rows into
 * SQLite. Exit 0 whatever the figures are; 1 if anything is wrong: an answer that does not verify,
 * an entry that is missing, a list that is not the server's. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/fleet/bare.h"
#include "bench/fleet/mirror.h"
#include "bench/fleet/outage.h"
#include "bench/fleet/polls.h"

#define GATES_INITIAL 10000
#define CHANGES_INITIAL 5
#define CHANGES_MAX 100
#define DESCRIPTORS_BESIDE 200 /* of the server, for its database and the rest */
#define AIM_P99_MS 1000
#define AIM_SHARE 0.5
#define AIM_MIB 300

struct figures {
    size_t gates, changes;
    int64_t set_up_ns, prepare_ns;
    struct fleet_memory before, waiting;
    size_t answer_bytes;
    struct fleet_change server[CHANGES_MAX], mirror[CHANGES_MAX];
    uint64_t refused, lost;
    struct fleet_outage outage;
    uint64_t plain_bytes, frame_bytes;
    struct fleet_memory after;
    int64_t bare_ns, bare_large_ns;
};

static size_t number_from(const char *name, size_t initial, size_t greatest)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || text[0] == '\0')
        return initial;
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number == 0 || number > greatest)
        fleet_fail("%s must be from 1 to %zu", name, greatest);
    return number;
}

/* A connection is a descriptor here and one in the server. */
static size_t fit(size_t gates)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        fleet_fail("the limit of descriptors: %s", strerror(errno));
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max == RLIM_INFINITY || gates + DESCRIPTORS_BESIDE <= limit.rlim_max)
        return gates;
    if (limit.rlim_max <= DESCRIPTORS_BESIDE)
        fleet_fail("a process may have %ju descriptors here: too few", (uintmax_t)limit.rlim_max);
    size_t fewer = (size_t)limit.rlim_max - DESCRIPTORS_BESIDE;
    printf("A process may have %ju descriptors here (ulimit -Hn): %zu gates in place of %zu.\n",
           (uintmax_t)limit.rlim_max, fewer, gates);
    return fewer;
}

static void say(const char *what)
{
    printf("# %s\n", what);
    fflush(stdout);
}

/* --- the parts --- */

static void measure_mirror(struct figures *figures, struct fleet_town *town, struct gh_bytes answer)
{
    struct fleet_mirror mirror;
    struct fleet_polls polls;
    struct fleet_peer changer;
    const struct fleet_request request = {.method = "PATCH", .path = "/", .timeout_ms = 60000};
    fleet_mirror_start(&mirror, answer);
    fleet_peer_open(&changer, town->loop, &mirror.address, 0, NULL, NULL);
    fleet_polls_open(&polls, town, mirror.pid, &mirror.address, true);
    fleet_polls_settle(&polls);
    for (size_t i = 0; i < figures->changes; i++)
        fleet_polls_change(&polls, &changer, &request, NULL, &figures->mirror[i]);
    fleet_polls_close(&polls);
    fleet_peer_free(&changer);
    fleet_mirror_stop(&mirror);
}

static void measure_polls(struct figures *figures, struct fleet_town *town,
                          struct fleet_reference *reference)
{
    struct fleet_polls polls;
    struct fleet_request request;
    figures->before = fleet_memory_of(town->pid);
    fleet_polls_open(&polls, town, town->pid, &town->address, false);
    fleet_polls_settle(&polls);
    figures->waiting = fleet_memory_of(town->pid);
    fleet_reference_wait(reference);
    for (size_t i = 0; i < figures->changes; i++) {
        fleet_town_next_change(town, &request);
        fleet_polls_change(&polls, &town->admin, &request, reference, &figures->server[i]);
    }
    size_t waiting = fleet_town_waiting(town);
    if (waiting != polls.count + 1)
        fleet_fail("the server says that %zu gates wait, but %zu do", waiting, polls.count + 1);
    figures->refused = polls.refused;
    figures->lost = polls.lost;
    figures->answer_bytes = polls.answer.size;
    fleet_polls_close(&polls);
    fleet_reference_check(reference);
    say("the same without the server");
    measure_mirror(figures, town, polls.answer);
    free((void *)(uintptr_t)polls.answer.data);
}

static void measure_outage(struct figures *figures, struct fleet_town *town,
                           struct fleet_reference *reference, struct fleet_batches *batches)
{
    int64_t began_ns = fleet_now_ns();
    say("entries of an outage are written");
    fleet_batches_make(batches, town);
    figures->prepare_ns = fleet_now_ns() - began_ns;
    figures->plain_bytes = batches->plain_bytes;
    figures->frame_bytes = batches->frame_bytes;
    say("all come back at once");
    fleet_outage_run(batches, town, &figures->outage);
    figures->after = fleet_memory_of(town->pid);
    fleet_reference_check(reference);
}

static void measure(struct figures *figures)
{
    struct fleet_loop loop;
    static struct fleet_town town;
    struct fleet_reference reference;
    struct fleet_batches batches;
    int64_t began_ns = fleet_now_ns();
    fleet_loop_open(&loop);
    say("a server, people and gates are set up");
    fleet_town_start(&town, &loop);
    fleet_town_import(&town);
    fleet_town_enrol(&town, figures->gates);
    fleet_reference_open(&reference, &town);
    figures->set_up_ns = fleet_now_ns() - began_ns;
    say("the gates wait for the list");
    measure_polls(figures, &town, &reference);
    measure_outage(figures, &town, &reference, &batches);
    fleet_reference_free(&reference);
    fleet_town_stop(&town);
    say("what is stored is compared, then inserted by SQLite alone");
    fleet_stored_check(&town, &batches);
    figures->bare_ns = fleet_bare_insert(&town, FLEET_BATCH_ENTRIES);
    figures->bare_large_ns = fleet_bare_insert(&town, (size_t)10 * FLEET_BATCH_ENTRIES);
    fleet_batches_free(&batches);
    fleet_town_free(&town);
    fleet_loop_close(&loop);
}

/* --- the table --- */

static int by_p99(const void *a, const void *b)
{
    int64_t x = ((const struct fleet_change *)a)->spread.p99_ns;
    int64_t y = ((const struct fleet_change *)b)->spread.p99_ns;
    return x < y ? -1 : x > y;
}

static void print_change(const char *name, const struct fleet_change *change)
{
    printf("  %-44s %9.1f %9.1f %9.1f %9.1f\n", name, fleet_ms(change->spread.p50_ns),
           fleet_ms(change->spread.p99_ns), fleet_ms(change->spread.last_ns),
           fleet_ms(change->saved_ns));
}

static void print_changes(struct figures *figures)
{
    struct fleet_change *server = figures->server, *mirror = figures->mirror;
    size_t middle = (figures->changes - 1) / 2, worst = figures->changes - 1;
    qsort(server, figures->changes, sizeof(*server), by_p99);
    qsort(mirror, figures->changes, sizeof(*mirror), by_p99);
    printf("\nOne person set to red, %zu times, %zu gates waiting: ms to a gate (answers of %zu "
           "bytes)\n",
           figures->changes, figures->gates, figures->answer_bytes);
    printf("  %-44s %9s %9s %9s %9s\n", "", "p50", "p99", "last", "saved");
    print_change("server, middle one", &server[middle]);
    print_change("server, slowest one", &server[worst]);
    print_change("a bare loop that writes the same, middle one", &mirror[middle]);
    printf("  %-44s %9.2f %9.2f %9.2f\n", "server / bare loop",
           (double)server[middle].spread.p50_ns / (double)mirror[middle].spread.p50_ns,
           (double)server[middle].spread.p99_ns / (double)mirror[middle].spread.p99_ns,
           (double)server[middle].spread.last_ns / (double)mirror[middle].spread.last_ns);
    printf("  aim: p99 under %d ms: %s\n", AIM_P99_MS,
           fleet_ms(server[worst].spread.p99_ns) < AIM_P99_MS ? "reached" : "MISSED");
    if (figures->refused + figures->lost > 0)
        printf("  polls refused with 503: %" PRIu64 ", connections lost: %" PRIu64 "\n",
               figures->refused, figures->lost);
}

static void print_memory(const struct figures *figures)
{
    const struct fleet_memory *before = &figures->before, *waiting = &figures->waiting;
    double mib = (double)waiting->resident_kib / 1024;
    printf("\nThe server's memory, MiB\n  %-44s %9s %9s\n", "", "resident", "its own");
    printf("  %-44s %9.1f %9.1f\n", "before the first poll", (double)before->resident_kib / 1024,
           (double)before->own_kib / 1024);
    printf("  %-44s %9.1f %9.1f\n", "all waiting", mib, (double)waiting->own_kib / 1024);
    printf("  %-44s %9.0f %9.0f\n", "bytes a poll",
           ((double)waiting->resident_kib - (double)before->resident_kib) * 1024 /
               (double)figures->gates,
           ((double)waiting->own_kib - (double)before->own_kib) * 1024 / (double)figures->gates);
    printf("  %-44s %9.1f %9.1f\n", "after the outage", (double)figures->after.resident_kib / 1024,
           (double)figures->after.own_kib / 1024);
    printf("  %-44s %9.1f\n", "the most there was, in the outage",
           (double)figures->after.peak_kib / 1024);
    printf("  aim: all waiting, under %d MiB: %s\n", AIM_MIB, mib < AIM_MIB ? "reached" : "MISSED");
}

static void print_outage(const struct figures *figures)
{
    const struct fleet_outage *outage = &figures->outage;
    double entries = (double)figures->gates * FLEET_BATCH_ENTRIES;
    double rate = entries / fleet_s(outage->took_ns), bare = entries / fleet_s(figures->bare_ns);
    double large = entries / fleet_s(figures->bare_large_ns);
    printf("\nAll %zu gates back at once, %d entries each (%.0f bytes an entry, %.0f compressed)\n",
           figures->gates, FLEET_BATCH_ENTRIES, (double)figures->plain_bytes / entries,
           (double)figures->frame_bytes / entries);
    printf("  %-44s %9s %9s\n", "", "entries/s", "s");
    printf("  %-44s %9.0f %9.1f\n", "server, until the last is acknowledged", rate,
           fleet_s(outage->took_ns));
    printf("  %-44s %9.0f %9.1f\n", "SQLite alone, 200 rows a transaction", bare,
           fleet_s(figures->bare_ns));
    printf("  %-44s %9.0f %9.1f\n", "SQLite alone, 2000 rows a transaction", large,
           fleet_s(figures->bare_large_ns));
    printf("  %-44s %9.2f\n", "server / SQLite alone, 200 rows", rate / bare);
    printf("  %-44s %9.2f\n", "server / SQLite alone, 2000 rows", rate / large);
    printf("  aim: at least %.1f of SQLite alone: %s\n", AIM_SHARE,
           rate >= AIM_SHARE * bare ? "reached" : "MISSED");
    printf("  acknowledged after s: p50 %.1f, p99 %.1f, last %.1f\n",
           fleet_s(outage->acknowledged.p50_ns), fleet_s(outage->acknowledged.p99_ns),
           fleet_s(outage->acknowledged.last_ns));
    printf("  asked to come later (503): %" PRIu64 "; no answer in time: %" PRIu64
           "; connections lost: %" PRIu64 "; batches sent twice: %" PRIu64 "\n",
           outage->refused_for_now, outage->late, outage->lost, outage->again);
    printf("  processor time: server %.1f s, generator %.1f s\n", fleet_s(outage->server_cpu_ns),
           fleet_s(outage->own_cpu_ns));
    printf("  meanwhile %zu changes of the list, ms to a gate that waits: p50 %.1f, p99 %.1f, last "
           "%.1f\n",
           outage->changes, fleet_ms(outage->list.p50_ns), fleet_ms(outage->list.p99_ns),
           fleet_ms(outage->list.last_ns));
}

int main(void)
{
    static struct figures figures;
    fleet_begin();
    figures.gates = fit(number_from("FLEET_GATES", GATES_INITIAL, 1000000));
    figures.changes = number_from("FLEET_CHANGES", CHANGES_INITIAL, CHANGES_MAX);
    printf("%zu gates, %d people, one server, plain HTTP on 127.0.0.1; %ld cores for all\n",
           figures.gates, FLEET_PEOPLE, sysconf(_SC_NPROCESSORS_ONLN));
    measure(&figures);
    printf("\nSet-up (gates enrolled over HTTP) %.1f s, entries prepared in %.1f s\n",
           fleet_s(figures.set_up_ns), fleet_s(figures.prepare_ns));
    print_changes(&figures);
    print_memory(&figures);
    print_outage(&figures);
    return 0;
}
