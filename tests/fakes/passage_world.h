/* SPDX-License-Identifier: Apache-2.0 */
/* A gate in small around a passage, for its tests: decides by a rule of its own and writes down in
 * words what stood. Fails the running test when the passage breaks its contract. */
#ifndef GATEHOUSE_TESTS_PASSAGE_WORLD_H
#define GATEHOUSE_TESTS_PASSAGE_WORLD_H

#include "gate/passage.h"

#define TIMEOUT_MS 8000
#define DEBOUNCE_MS 3000
#define FRAME_MS 100

/* A gate in small: what stood as decided is written down in one line of words, such as
 * `wait(A) open(A1) deny(x) guard(B!)`: a person's letter, a home's digit, `!` for a final step.
 * A, B, C and P live in home 1, D in home 2, R is red, P has gone this way before. */
struct world {
    struct gh_passage passage;
    struct gh_policy policy;
    bool home_code;   /* the rule: the housing code is needed */
    bool temperature; /* and a temperature */
    bool measured, fever;
    int64_t now_ms;
    char trace[4096];
    unsigned opened;
};

struct gh_policy world_policy(int64_t timeout_ms, int64_t debounce_ms);
void world_init(struct world *world);
/* One letter or digit a code: "A" to "Z" health codes, "1" to "9" housing codes, others garbage. */
struct gh_credential world_code(char name);
bool world_lives_in(gh_id subject, gh_id home);
void world_see_code(struct world *world, const struct gh_credential *code);
void world_see(struct world *world, const char *names); /* all in one frame */
void world_pass_ms(struct world *world, int64_t ms);
/* Held up in every frame for so long, from now on. */
void world_hold(struct world *world, const char *names, int64_t ms);
void world_measure(struct world *world, bool fever); /* somebody, now */
int64_t world_deadline_ms(const struct world *world);
void world_assert_quiet(const struct world *world);

#endif
