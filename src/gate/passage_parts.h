/* SPDX-License-Identifier: Apache-2.0 */
/* What the passage's own files share: the codes in sight (passage_codes.c). */
#ifndef GATEHOUSE_SRC_GATE_PASSAGE_PARTS_H
#define GATEHOUSE_SRC_GATE_PASSAGE_PARTS_H

#include "gate/passage.h"

bool gh_passage_is_card(const struct gh_passage_code *code);
bool gh_passage_is_person(const struct gh_passage_code *code);
/* Codes that do not say whose they are are each somebody else's. */
bool gh_passage_same_person(const struct gh_credential *a, const struct gh_credential *b);
/* The code itself, however it was spelled; a copy of a phone's screen is another than the phone. */
bool gh_passage_same_code(const struct gh_credential *a, const struct gh_credential *b);
bool gh_passage_in_sight(const struct gh_passage *passage, const struct gh_passage_code *code,
                         int64_t now_ns);
/* Its reason is a WAIT: something else is asked meanwhile. */
bool gh_passage_is_waited_for(const struct gh_credential *credential);

/* The code's place, as if it had just been put there; NULL: it was in sight all along, or there is
 * no room. */
struct gh_passage_code *gh_passage_remember(struct gh_passage *passage,
                                            const struct gh_credential *credential, int64_t now_ns);
void gh_passage_wait_until(struct gh_passage_code *code, int64_t deadline_ns);
void gh_passage_rest(struct gh_passage_code *code);

#endif
