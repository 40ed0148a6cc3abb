/* SPDX-License-Identifier: Apache-2.0 */
/* The see thread: camera -> decode -> read. What it saw goes into a queue of sightings. A SMART
 * card in chunks is seen whole with each of its chunks once all of them were seen; until then a
 * chunk is a sighting with reason WAIT_PARTS. */
#ifndef GATEHOUSE_SRC_GATE_SEE_H
#define GATEHOUSE_SRC_GATE_SEE_H

#include "gate/camera.h"
#include "gate/reading.h"

struct gh_see; /* opaque */

/* Start the thread. The camera becomes the thread's: gh_see_stop frees it; on error it stays the
 * caller's. queue (of struct gh_sighting) and clock are borrowed and must outlive it. */
GH_MUST_CHECK enum gh_status gh_see_start(const struct gh_camera *camera,
                                          const struct gh_clock *clock, struct gh_queue *queue,
                                          struct gh_see **out, struct gh_error *err);
/* From now on codes are verified against trust (a reference is taken; NULL: nothing is trusted). */
void gh_see_set_trust(struct gh_see *see, struct gh_trust *trust);

/* Whom to ask about codes that are not known here, from the next frame on; NULL: nobody is asked.
 * The context outlives the thread. */
void gh_see_set_asker(struct gh_see *see, gh_see_ask_fn *ask, void *context);

/* A text that came by another way than the camera (readers.h), whole: like one in a frame of this
 * moment. Any thread; each way has a source of its own, which stays its caller's. */
void gh_see_text(struct gh_see *see, struct gh_reading_source *source, struct gh_bytes text);

struct gh_see_counts {
    uint64_t frames, broken_frames;
    uint64_t codes; /* from all sources */
    uint64_t turns; /* of the thread's loop: a watchdog sees it grow at least once a second */
    bool over;      /* a replay has ended */
};
struct gh_see_counts gh_see_count(const struct gh_see *see); /* any thread */
/* Why there is no picture: what the camera said last, until it gives one. "": it gives them, or has
 * not been asked. Any thread. */
void gh_see_trouble(struct gh_see *see, char trouble[GH_ERROR_TEXT_BYTES]);
void gh_see_stop(struct gh_see *see); /* waits for the thread; NULL is fine */

#endif
