/* SPDX-License-Identifier: Apache-2.0 */
/* Another program that reads the journal all the while: its chain is whole at every moment, and
 * never shorter. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_JOURNAL_WATCH_H
#define GATEHOUSE_TESTS_UNIT_JOURNAL_WATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "journal_fixture.h"

struct watching {
    const struct place *place;
    pthread_t thread;
    atomic_bool done;
    const char *complaint;
};

static inline void *watch(void *context)
{
    struct watching *watching = context;
    struct gh_journal *reader;
    uint64_t seen = 0;
    if (gh_journal_open_reader(watching->place->path, &reader, NULL) != GH_OK) {
        watching->complaint = "cannot open";
        return NULL;
    }
    while (!atomic_load(&watching->done)) {
        uint64_t sequence, bad;
        uint8_t hash[GH_SHA256_BYTES];
        if (gh_journal_verify(reader, NULL, 0, &bad) != GH_OK ||
            gh_journal_head(reader, &sequence, hash) != GH_OK || sequence < seen) {
            watching->complaint = "not whole";
            break;
        }
        seen = sequence;
    }
    gh_journal_close(reader);
    return NULL;
}

static inline void start_watching(struct watching *watching, const struct place *place)
{
    watching->place = place;
    watching->complaint = NULL;
    atomic_init(&watching->done, false);
    assert_int_equal(pthread_create(&watching->thread, NULL, watch, watching), 0);
}

static inline void stop_watching(struct watching *watching)
{
    atomic_store(&watching->done, true);
    assert_int_equal(pthread_join(watching->thread, NULL), 0);
    if (watching->complaint != NULL) {
        fail_msg("%s", watching->complaint);
    }
}

#endif
