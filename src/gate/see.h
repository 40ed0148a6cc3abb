/* SPDX-License-Identifier: Apache-2.0 */
/* The see thread: camera -> decode -> read. What it saw goes into a queue of sightings. A SMART
 * card in chunks is seen whole with each of its chunks once all of them were seen; until then a
 * chunk is a sighting with reason WAIT_PARTS. */
#ifndef GATEHOUSE_SRC_GATE_SEE_H
#define GATEHOUSE_SRC_GATE_SEE_H

#include "gate/camera.h"
#include "gate/queue.h"
#include "gatehouse/code.h"
#include "gatehouse/trust.h"

/* One code in one frame: an immutable message. */
struct gh_sighting {
    int64_t captured_ns; /* of its frame */
    struct gh_credential credential;
    struct gh_enrolment enrolment; /* only when the credential is a true enrolment code */
};

struct gh_see; /* opaque */

/* Start the thread. The camera becomes the thread's: gh_see_stop frees it; on error it stays the
 * caller's. queue (of struct gh_sighting) and clock are borrowed and must outlive it. */
GH_MUST_CHECK enum gh_status gh_see_start(const struct gh_camera *camera,
                                          const struct gh_clock *clock, struct gh_queue *queue,
                                          struct gh_see **out, struct gh_error *err);
/* From now on codes are verified against trust (a reference is taken; NULL: nothing is trusted). */
void gh_see_set_trust(struct gh_see *see, struct gh_trust *trust);

/* A code that no key or form is known for was seen: NOT_A_CODE or FOREIGN, and of one text (a card
 * in chunks is not asked about). true: the health authority is asked (at this, or already): the
 * sighting's reason becomes WAIT_ANSWER, and gh_gate_answered is owed. Called from the thread that
 * sees, for every frame that shows the code; it must not block. text is borrowed. */
typedef bool gh_see_ask_fn(void *context, struct gh_bytes text,
                           const struct gh_credential *credential);
/* From the next frame on; NULL: nobody is asked. The context outlives the thread. */
void gh_see_set_asker(struct gh_see *see, gh_see_ask_fn *ask, void *context);

/* A text that came by another way than the camera (readers.h), whole: from now on like one in a
 * frame of this moment. Any thread; each has its own card in chunks. */
void gh_see_text(struct gh_see *see, struct gh_bytes text);

struct gh_see_counts {
    uint64_t frames, codes, broken_frames;
    uint64_t turns; /* of the thread's loop: a watchdog sees it grow at least once a second */
    bool over;      /* a replay has ended */
};
struct gh_see_counts gh_see_count(const struct gh_see *see); /* any thread */
void gh_see_stop(struct gh_see *see); /* waits for the thread; NULL is fine */

/* What one code says, as a sighting: the part of the way that benches time alone. */
void gh_see_read(struct gh_bytes text, const struct gh_trust *trust, int64_t now_s,
                 int64_t captured_ns, struct gh_sighting *out);

#endif
