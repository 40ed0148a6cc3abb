/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that sees, a fake camera, and pictures of codes. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_SEE_SCENE_H
#define GATEHOUSE_TESTS_UNIT_SEE_SCENE_H

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fakes/fake_camera.h"
#include "fakes/gate_fixture.h"
#include "fakes/qr_picture.h"
#include "gate/see.h"
#include "gatehouse/qr.h"

#define PATIENCE_MS 20000
#define SIDE 800 /* of the fake camera's frames, pixels */

static struct fixture fixture;
static struct gh_fake_camera fake;
static struct gh_camera camera;
static struct gh_queue *queue;
static struct gh_trust *trust;
static struct gh_see *see;
static uint8_t picture[SIDE * SIDE], other_picture[SIDE * SIDE];

static inline int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_make_list(&fixture);
    gh_fake_camera_init(&fake, &fixture.clock.clock, GH_ERR_AGAIN);
    camera = gh_fake_camera(&fake, SIDE, SIDE);
    assert_int_equal(gh_queue_new(sizeof(struct gh_sighting), 4, &queue), GH_OK);
    assert_int_equal(gh_trust_new(fixture.manifest.keys, 1, NULL, &trust), GH_OK);
    memset(picture, 0xff, sizeof(picture));
    memset(other_picture, 0xff, sizeof(other_picture));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    gh_see_stop(see);
    see = NULL;
    gh_queue_free(queue);
    gh_trust_unref(trust);
    gh_fake_camera_destroy(&fake);
    fixture_destroy(&fixture);
    return 0;
}

/* Draw a code into a picture, its upper left corner at (x, y). */
static inline void draw(uint8_t *luma, const char *text, unsigned scale, unsigned x, unsigned y)
{
    struct gh_qr qr;
    uint8_t *symbol = NULL;
    uint32_t side;

    assert_int_equal(
        gh_qr_encode((struct gh_bytes){(const uint8_t *)text, strlen(text)}, GH_QR_MEDIUM, &qr),
        GH_OK);
    assert_int_equal(qr_picture(&qr, scale, &symbol, &side), GH_OK);
    gh_qr_free(&qr);
    assert_true(x + side <= SIDE && y + side <= SIDE);
    for (uint32_t row = 0; row < side; row++)
        memcpy(luma + (size_t)(y + row) * SIDE + x, symbol + (size_t)row * side, side);
    free(symbol);
}

static inline void add_frame(const uint8_t *luma)
{
    struct gh_frame frame = {
        .luma = luma, .width = SIDE, .height = SIDE, .stride_bytes = SIDE, .step_bytes = 1};
    gh_fake_camera_add_frame(&fake, &frame);
}

static inline void start(void)
{
    struct gh_error err = {0};

    if (gh_see_start(&camera, &fixture.clock.clock, queue, &see, &err) != GH_OK)
        fail_msg("%s", err.text);
}

static inline struct gh_sighting next_sighting(void)
{
    struct gh_sighting sighting;
    struct pollfd fd = {.fd = gh_queue_fd(queue), .events = POLLIN};

    while (!gh_queue_pop(queue, &sighting)) {
        if (poll(&fd, 1, PATIENCE_MS) != 1)
            fail_msg("nothing was seen");
    }
    return sighting;
}

/* Wait until it has come so far. */
static inline struct gh_see_counts wait_for(bool (*enough)(const struct gh_see_counts *counts))
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        struct gh_see_counts counts = gh_see_count(see);
        if (enough(&counts))
            return counts;
        nanosleep(&(struct timespec){.tv_nsec = GH_NS_PER_MS}, NULL);
    }
    fail_msg("it does not go on");
    return gh_see_count(see);
}

static uint64_t turns_before;

static inline bool turned(const struct gh_see_counts *counts)
{
    return counts->turns > turns_before;
}

static inline void draw_health(uint8_t *luma)
{
    char text[FIXTURE_CODE_BYTES];

    fixture_health(&fixture, ANNA, text);
    draw(luma, text, 4, 0, 0);
}

#endif
