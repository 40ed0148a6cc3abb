/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the courier's news lane: a server that has news, and a sound. */
#ifndef GATEHOUSE_TESTS_COURIER_NEWS_H
#define GATEHOUSE_TESTS_COURIER_NEWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/courier_desk.h"
#include "fakes/wav_writer.h"
#include "gate/courier_parts.h"

#define NEWS_PATH "/api/v1/news"
#define MOVEMENT(id, direction, at_ms)                                                             \
    "{\"gate\":\"00000000000000b2\",\"subject\":\"00000000000000" id                               \
    "\",\"direction\":\"" direction "\",\"at_ms\":" at_ms "}"

static struct desk desk;
static struct fixture *const fixture = &desk.fixture;
static struct wav_file sound;
static char *bodies[32]; /* of answers that are offered */
static size_t body_count;

static inline int set_up_news(void **state)
{
    (void)state;
    desk_init(&desk);
    sound = wav_file_make(&(struct wav_shape){.frames = 9000});
    return 0;
}

static inline int tear_down_news(void **state)
{
    (void)state;
    fixture_empty_disk();
    desk_destroy(&desk);
    wav_file_free(&sound);
    while (body_count > 0)
        free(bodies[--body_count]);
    return 0;
}

#define NEWS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_news, tear_down_news)

/* --- the server --- */

/* The list's answers say this from now on, each time; all other answers that were offered stay. */
static inline void offer_number(uint64_t number)
{
    desk.news = number;
    for (size_t i = 0; i < desk.server.answer_count; i++)
        if (strcmp(desk.server.answers[i].path, LIST_PATH) == 0)
            desk.server.answers[i].times = 0;
    desk_forget_delta(&desk);
    desk_offer_answer(&desk, GH_FAKE_FOREVER);
}

static inline void offer_news(uint64_t number, const char *presence, const char *announcements,
                              bool more)
{
    size_t size = strlen(presence) + strlen(announcements) + 128;
    char *body = malloc(size);
    assert_non_null(body);
    assert_true(body_count < GH_ARRAY_SIZE(bodies));
    bodies[body_count++] = body;
    snprintf(body, size,
             "{\"news\":%" PRIu64 ",\"presence\":[%s],\"announcements\":[%s],\"more\":%s}", number,
             presence, announcements, more ? "true" : "false");
    const struct gh_fake_answer answer = {
        .path = NEWS_PATH, .body = body, .content_type = "application/json", .times = 1};
    gh_fake_transport_add(&desk.server, &answer);
}

/* As the list key signs it, with the sound; what is 0 is as it should be. In quotes. */
static inline const char *announcement_by(const struct gh_private_key *key, const char *area,
                                          const struct gh_announcement *wanted)
{
    static char texts[4][GH_ANNOUNCEMENT_SIGNED_BYTES * 2];
    static unsigned next;
    char *text = texts[next++ % 4];
    uint8_t bytes[GH_ANNOUNCEMENT_SIGNED_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    struct gh_announcement said = *wanted;
    if (said.bytes == 0)
        said.bytes = sound.size;
    if (said.sha256[0] == 0 && said.sha256[1] == 0)
        gh_sha256((struct gh_bytes){sound.data, sound.size}, said.sha256);
    if (said.from_s == 0)
        said.from_s = FIXTURE_NOW_S - 300;
    if (said.until_s == 0)
        said.until_s = FIXTURE_NOW_S + 600;
    if (said.repeat == 0)
        said.repeat = 1;
    assert_int_equal(gh_announcement_write(key, area, &said, &writer), GH_OK);
    text[0] = '"';
    gh_base64url_encode(bytes, writer.size, text + 1);
    strcat(text, "\"");
    return text;
}

static inline const char *announcement(const struct gh_announcement *wanted)
{
    return announcement_by(fixture->list_key, FIXTURE_AREA, wanted);
}

static inline const char *sound_name(void)
{
    static char name[2 * GH_SHA256_BYTES + 1];
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){sound.data, sound.size}, hash);
    gh_hex_encode(hash, sizeof(hash), name);
    return name;
}

static inline const char *sound_path(void)
{
    static char path[160];
    snprintf(path, sizeof(path), "/api/v1/announcements/%s", sound_name());
    return path;
}

static inline void offer_sound(uint32_t times)
{
    const struct gh_fake_answer answer = {.path = sound_path(),
                                          .times = times,
                                          .body = sound.data,
                                          .size = sound.size,
                                          .content_type = "audio/wav"};
    gh_fake_transport_add(&desk.server, &answer);
}

/* A handler of the fake server. */
static inline enum gh_status give_sound(void *context, const struct gh_http_request *request,
                                        struct gh_http_response *response)
{
    (void)context;
    (void)request;
    response->status = 200;
    response->body = malloc(sound.size + 1);
    assert_non_null(response->body);
    memcpy(response->body, sound.data, sound.size);
    response->size = sound.size;
    return GH_OK;
}

/* --- what was asked and told --- */

static inline void turns(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)desk_turn(&desk);
        gh_fake_clock_advance_ms(&fixture->clock, 1);
        desk.courier->watch.backoff.next_ns = 0; /* the list is asked for in each */
    }
}

static inline void assert_asked(size_t index, uint64_t after)
{
    const struct gh_fake_request *request =
        gh_fake_transport_request(&desk.server, NEWS_PATH, index);
    char wanted[64];
    assert_non_null(request);
    snprintf(wanted, sizeof(wanted), NEWS_PATH "?after=%" PRIu64, after);
    assert_string_equal(request->path, wanted);
}

static inline bool list_question_says(size_t index, const char *words)
{
    const struct gh_fake_request *request =
        gh_fake_transport_request(&desk.server, LIST_PATH, index);
    assert_non_null(request);
    size_t size = strlen(request->path), end = strlen(words);
    return size > end && strcmp(request->path + size - end, words) == 0;
}

static inline const struct gh_courier_event *event_of(enum gh_courier_event_type type, size_t index)
{
    for (size_t i = 0; i < desk.event_count; i++)
        if (desk.events[i].type == type && index-- == 0)
            return &desk.events[i];
    fail_msg("there is no such event");
    return NULL;
}

#endif
