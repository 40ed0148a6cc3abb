/* SPDX-License-Identifier: Apache-2.0 */
/* From a code's text to a sighting in the gate's queue: the part of the way that the camera and the
 * scanners share. What all sources have in common (whom to trust, whom to ask, where sightings go)
 * is one gh_reading; each source has a gh_reading_source of its own, so that the chunks of a card
 * that is held up to the camera do not mix with those that somebody else scans. */
#ifndef GATEHOUSE_SRC_GATE_READING_H
#define GATEHOUSE_SRC_GATE_READING_H

#include <pthread.h>
#include <stdatomic.h>

#include "gate/queue.h"
#include "gatehouse/clock.h"
#include "gatehouse/code.h"
#include "gatehouse/trust.h"

/* One code in one frame: an immutable message. */
struct gh_sighting {
    int64_t captured_ns; /* of its frame */
    struct gh_credential credential;
    struct gh_enrolment enrolment; /* only when the credential is a true enrolment code */
};

/* A code that no key or form is known for was seen: NOT_A_CODE or FOREIGN, and of one text (a card
 * in chunks is not asked about). true: the health authority is asked (at this, or already): the
 * sighting's reason becomes WAIT_ANSWER, and gh_gate_answered is owed. Called from each thread that
 * reads, for every frame that shows the code; it must not block. text is borrowed. */
typedef bool gh_see_ask_fn(void *context, struct gh_bytes text,
                           const struct gh_credential *credential);

struct gh_reading {
    const struct gh_clock *clock; /* borrowed, like the queue */
    struct gh_queue *queue;       /* of struct gh_sighting */
    pthread_mutex_t lock;         /* of the three below */
    struct gh_trust *trust;       /* NULL: nothing is trusted */
    gh_see_ask_fn *ask;           /* NULL: nobody is asked */
    void *ask_context;
    atomic_uint_fast64_t codes;
};

/* Zero it first. One thread at a time; the rest belongs to reading.c. */
struct gh_reading_source {
    struct gh_parts parts; /* of a card that is shown one chunk after the other */
    /* the frame that is being looked at */
    struct gh_trust *trust;
    gh_see_ask_fn *ask;
    void *ask_context;
    int64_t captured_ns;
};

void gh_reading_init(struct gh_reading *reading, const struct gh_clock *clock,
                     struct gh_queue *queue);
void gh_reading_destroy(struct gh_reading *reading); /* no source has a frame any more */

/* From the next frame on, for all sources; any thread. A reference to trust is taken. */
void gh_reading_set_trust(struct gh_reading *reading, struct gh_trust *trust);
void gh_reading_set_asker(struct gh_reading *reading, gh_see_ask_fn *ask, void *context);

/* One frame, or one moment: begin, each text that is in it, end. All of them are read by one and
 * the same trust. */
void gh_reading_begin(struct gh_reading *reading, struct gh_reading_source *source,
                      int64_t captured_ns);
void gh_reading_text(struct gh_reading *reading, struct gh_reading_source *source,
                     struct gh_bytes text);
void gh_reading_end(struct gh_reading_source *source);
/* Wipe what a source remembers; at the end, and when its bearer has gone. */
void gh_reading_forget(struct gh_reading_source *source);

/* What one code says, as a sighting: the part of the way that benches time alone. */
void gh_see_read(struct gh_bytes text, const struct gh_trust *trust, int64_t now_s,
                 int64_t captured_ns, struct gh_sighting *out);

#endif
