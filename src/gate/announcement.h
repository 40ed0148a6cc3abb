/* SPDX-License-Identifier: Apache-2.0 */
/* An announcement: a sound that the administrator sends to one gate or to all, which comes before
 * everything else that a gate has to say (docs/protocol.md, section 7). */
#ifndef GATEHOUSE_SRC_GATE_ANNOUNCEMENT_H
#define GATEHOUSE_SRC_GATE_ANNOUNCEMENT_H

#include "gatehouse/announcement.h"
#include "gatehouse/entry.h"

/* What the courier hands to the voice: verified, and its sound kept in the state folder. */
struct gh_announcement_job {
    struct gh_announcement announcement;
    /* Of the WAV file; the voice reads it, the courier removes it. "": the sound never came. Then
     * it has expired; or, before that, cannot be kept, and has failed. */
    char path[512];
};
/* What the voice says when it is done with it, or cannot be. */
struct gh_announced {
    gh_id id;
    enum gh_announcement_event event;
};

#endif
