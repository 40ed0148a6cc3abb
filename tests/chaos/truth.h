/* SPDX-License-Identifier: Apache-2.0 */
/* The truth: every entry that a gate's journal ever held, as anybody has seen it there, in a file
 * of one canonical text a line; line n is entry n. What was seen once must be there for ever, byte
 * for byte, except where a prune entry says otherwise. */
#ifndef GATEHOUSE_TESTS_TRUTH_H
#define GATEHOUSE_TESTS_TRUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/bytes.h"
#include "gatehouse/journal.h"

struct truth {
    int fd;       /* -1: somebody else writes the file */
    char **texts; /* texts[n - 1] is entry n */
    uint64_t count;
};

/* Reads what the file has. writer: makes it if need be, and adds what is new; one at a time. */
void truth_open(struct truth *truth, const char *path, bool writer);
void truth_close(struct truth *truth);

/* Takes what is new in the journal below the gate's state folder. whole: also compares everything
 * that is there with what was. GH_ERR_NOTFOUND: no journal yet. GH_ERR_CORRUPT: something is lost,
 * or has changed; said on standard output. Others: it cannot be read right now. */
enum gh_status truth_collect(struct truth *truth, const char *state, bool whole);

/* How many of the first `count` entries say that somebody is let in. */
uint64_t truth_openings(const struct truth *truth, uint64_t count);

/* The gate's only journal below its state folder; false: there is none. */
bool chaos_journal_path(const char *state, char *path);

#endif
