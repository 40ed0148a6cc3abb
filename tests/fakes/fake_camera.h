/* SPDX-License-Identifier: Apache-2.0 */
/* A camera that gives frames from memory. Obeys gate/camera.h: a frame stays as it is until the
 * next call, wake ends a waiting next from any thread, no frame is larger than was said. */
#ifndef GATEHOUSE_TESTS_FAKE_CAMERA_H
#define GATEHOUSE_TESTS_FAKE_CAMERA_H

#include <pthread.h>
#include <stdbool.h>

#include "gate/camera.h"

#define GH_FAKE_CAMERA_STEPS_MAX 64

/* What one call of next answers. */
struct gh_fake_camera_step {
    enum gh_status status; /* GH_OK: the frame below */
    struct gh_frame frame; /* borrowed; captured_ns is filled in when it is given */
};

struct gh_fake_camera {
    const struct gh_clock *clock;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct gh_fake_camera_step steps[GH_FAKE_CAMERA_STEPS_MAX];
    size_t count, given;
    enum gh_status after; /* behind the last step: GH_ERR_AGAIN (waits) or GH_ERR_END */
    bool woken, freed;
    unsigned frees, wakes;
    int64_t longest_ms; /* that anybody would have waited for a picture */
};

void gh_fake_camera_init(struct gh_fake_camera *fake, const struct gh_clock *clock,
                         enum gh_status after);
void gh_fake_camera_destroy(struct gh_fake_camera *fake); /* when nobody uses it any more */
struct gh_camera gh_fake_camera(struct gh_fake_camera *fake, uint32_t max_width,
                                uint32_t max_height);
/* Any thread, also while next waits. */
void gh_fake_camera_add_frame(struct gh_fake_camera *fake, const struct gh_frame *frame);
void gh_fake_camera_add_failure(struct gh_fake_camera *fake, enum gh_status status);

#endif
