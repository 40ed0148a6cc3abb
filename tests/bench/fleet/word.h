/* SPDX-License-Identifier: Apache-2.0 */
/* The server's word about the list, as a gate takes it: taken apart and verified under the list
 * key. Thousands of gates get the very same bytes, which are verified once. */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_WORD_H
#define GATEHOUSE_TESTS_BENCH_FLEET_WORD_H

#include "gatehouse/list.h"

struct fleet_word {
    struct gh_generation now;   /* the manifest's */
    struct gh_generation from;  /* what the delta leads from; 0: there is none */
    struct gh_bytes manifest;   /* views into the answer */
    struct gh_bytes delta_head; /* size 0: there is none */
    struct gh_bytes records;
};

#define FLEET_WORDS_KEPT 8

struct fleet_words {
    const struct gh_public_key *list_key; /* borrowed */
    struct fleet_kept_word {
        uint8_t *bytes;
        size_t size;
        struct fleet_word word;
    } kept[FLEET_WORDS_KEPT];
    size_t next;
    uint64_t different; /* how many were verified */
};

/* The program ends if it does not verify. Lives until seven other answers have come. */
const struct fleet_word *fleet_word_of(struct fleet_words *words, struct gh_bytes answer);
void fleet_words_free(struct fleet_words *words);

#endif
