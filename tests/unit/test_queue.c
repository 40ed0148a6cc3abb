/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gate/queue.h"
#include "gate/see.h"

#define PATIENCE_MS 20000 /* a thread that is not heard for so long has been lost */

static struct gh_queue *new_queue(size_t message_bytes, size_t capacity)
{
    struct gh_queue *queue = NULL;

    assert_int_equal(gh_queue_new(message_bytes, capacity, &queue), GH_OK);
    assert_non_null(queue);
    return queue;
}

static bool readable(const struct gh_queue *queue, int timeout_ms)
{
    struct pollfd fd = {.fd = gh_queue_fd(queue), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1 && (fd.revents & POLLIN) != 0;
}

static void test_first_in_first_out(void **state)
{
    (void)state;
    struct gh_queue *queue = new_queue(sizeof(uint32_t), 3);
    uint32_t next_in = 0, next_out = 0, got;

    assert_false(gh_queue_pop(queue, &got));
    for (int round = 0; round < 100; round++) { /* round and round the ring */
        for (unsigned i = 0; i < 1u + (unsigned)round % 3; i++, next_in++)
            assert_true(gh_queue_push(queue, &next_in));
        while (gh_queue_pop(queue, &got))
            assert_int_equal(got, next_out++);
        assert_int_equal(next_out, next_in);
    }
    assert_int_equal(gh_queue_dropped(queue), 0);
    gh_queue_free(queue);
}

/* What does not fit is the new one, and it is counted. */
static void test_full(void **state)
{
    (void)state;
    struct gh_queue *queue = new_queue(sizeof(uint32_t), 4);
    uint32_t got;

    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(gh_queue_push(queue, &i), i < 4);
    assert_int_equal(gh_queue_room(queue), 0);
    assert_int_equal(gh_queue_dropped(queue), 6);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(gh_queue_pop(queue, &got));
        assert_int_equal(got, i);
    }
    assert_false(gh_queue_pop(queue, &got));
    assert_int_equal(gh_queue_room(queue), 4);
    got = 77;
    assert_true(gh_queue_push(queue, &got)); /* room again */
    assert_int_equal(gh_queue_room(queue), 3);
    assert_int_equal(gh_queue_dropped(queue), 6);
    gh_queue_free(queue);
}

static void test_copies(void **state)
{
    (void)state;
    struct gh_queue *queue = new_queue(sizeof(struct gh_sighting), 2);
    struct gh_sighting in, kept, out;

    memset(&in, 0x5a, sizeof(in));
    kept = in;
    assert_true(gh_queue_push(queue, &in));
    memset(&in, 0, sizeof(in));
    memset(&out, 0, sizeof(out));
    assert_true(gh_queue_pop(queue, &out));
    assert_memory_equal(&out, &kept, sizeof(out));
    gh_queue_free(queue);

    queue = new_queue(1, 1); /* the smallest, not a byte beyond it */
    uint8_t *byte = malloc(1);
    assert_non_null(byte);
    *byte = 0xa5;
    assert_true(gh_queue_push(queue, byte));
    *byte = 0;
    assert_true(gh_queue_pop(queue, byte));
    assert_int_equal(*byte, 0xa5);
    free(byte);
    gh_queue_free(queue);
}

static void test_descriptor(void **state)
{
    (void)state;
    struct gh_queue *queue = new_queue(sizeof(int), 4);
    int message = 1;

    assert_false(readable(queue, 0));
    assert_true(gh_queue_push(queue, &message));
    assert_true(readable(queue, 0));
    assert_true(gh_queue_push(queue, &message));
    assert_true(gh_queue_pop(queue, &message));
    assert_true(readable(queue, 0)); /* one is left */
    assert_true(gh_queue_pop(queue, &message));
    assert_false(gh_queue_pop(queue, &message));
    assert_false(readable(queue, 0));
    assert_false(gh_queue_pop(queue, &message)); /* does not block */
    assert_true(gh_queue_push(queue, &message));
    assert_true(readable(queue, 0));
    gh_queue_free(queue);
}

static void test_impossible(void **state)
{
    (void)state;
    struct gh_queue *queue = (struct gh_queue *)1;

    assert_int_not_equal(gh_queue_new(0, 4, &queue), GH_OK);
    assert_null(queue);
    assert_int_not_equal(gh_queue_new(4, 0, &queue), GH_OK);
    assert_null(queue);
    assert_int_not_equal(gh_queue_new(SIZE_MAX / 2, 4, &queue), GH_OK);
    assert_null(queue);
    gh_queue_free(NULL);
}

/* --- between threads --- */

#define MESSAGES 100000u
#define PRODUCERS 2u

struct message {
    uint32_t producer, number;
    uint8_t filling[56]; /* long enough to be seen torn */
};

struct producer {
    struct gh_queue *queue;
    uint32_t index;
    bool patient; /* again until it fits; else what does not fit is lost */
    uint32_t refused;
    pthread_t thread;
};

static void *produce(void *argument)
{
    struct producer *producer = argument;

    for (uint32_t i = 0; i < MESSAGES; i++) {
        struct message message = {.producer = producer->index, .number = i};
        memset(message.filling, (int)(i & 0xff), sizeof(message.filling));
        while (!gh_queue_push(producer->queue, &message)) {
            producer->refused++;
            if (!producer->patient)
                break;
            sched_yield();
        }
    }
    /* The last one says so: MESSAGES is no number that was counted. */
    struct message last = {.producer = producer->index, .number = MESSAGES};
    while (!gh_queue_push(producer->queue, &last)) {
        producer->refused++;
        sched_yield();
    }
    return NULL;
}

static void check_whole(const struct message *message)
{
    if (message->number == MESSAGES)
        return;
    for (size_t i = 0; i < sizeof(message->filling); i++) {
        if (message->filling[i] != (message->number & 0xff))
            fail_msg("message %u is torn", message->number);
    }
}

/* Each producer's numbers come in order, none twice; returns how many came. */
static unsigned consume(struct gh_queue *queue)
{
    uint32_t expected[PRODUCERS] = {0}, ended = 0;
    unsigned count = 0;
    struct message message;

    while (ended < PRODUCERS) {
        if (!readable(queue, PATIENCE_MS))
            fail_msg("a wake-up was lost");
        while (gh_queue_pop(queue, &message)) {
            check_whole(&message);
            assert_true(message.producer < PRODUCERS);
            assert_true(message.number >= expected[message.producer]);
            expected[message.producer] = message.number + 1;
            count++;
            ended += message.number == MESSAGES;
        }
    }
    return count;
}

static void run_threads(bool patient)
{
    struct gh_queue *queue = new_queue(sizeof(struct message), 8);
    struct producer producers[PRODUCERS];
    uint64_t refused = 0;

    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.queue = queue, .index = i, .patient = patient};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    unsigned received = consume(queue);
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_join(producers[i].thread, NULL), 0);
        refused += producers[i].refused;
    }
    assert_int_equal(gh_queue_dropped(queue), refused);
    if (patient)
        assert_int_equal(received, PRODUCERS * (MESSAGES + 1));
    else
        assert_true(received >= PRODUCERS && received <= PRODUCERS * (MESSAGES + 1));
    gh_queue_free(queue);
}

static void test_threads(void **state)
{
    (void)state;
    run_threads(true);
}

static void test_threads_that_drop(void **state)
{
    (void)state;
    run_threads(false);
}

struct echo {
    struct gh_queue *in, *out;
    unsigned rounds;
    bool lost;
};

static void *answer(void *argument)
{
    struct echo *echo = argument;
    unsigned message;

    for (unsigned i = 0; i < echo->rounds; i++) {
        while (!gh_queue_pop(echo->in, &message)) {
            if (!readable(echo->in, PATIENCE_MS)) {
                echo->lost = true;
                return NULL;
            }
        }
        (void)gh_queue_push(echo->out, &message);
    }
    return NULL;
}

/* Both sleep before every message: each wake-up counts. */
static void test_no_wakeup_is_lost(void **state)
{
    (void)state;
    struct echo echo = {new_queue(sizeof(unsigned), 1), new_queue(sizeof(unsigned), 1), 20000,
                        false};
    pthread_t thread;
    unsigned got;

    assert_int_equal(pthread_create(&thread, NULL, answer, &echo), 0);
    for (unsigned i = 0; i < echo.rounds; i++) {
        assert_true(gh_queue_push(echo.in, &i));
        while (!gh_queue_pop(echo.out, &got))
            assert_true(readable(echo.out, PATIENCE_MS));
        assert_int_equal(got, i);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(echo.lost);
    gh_queue_free(echo.in);
    gh_queue_free(echo.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_in_first_out),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_descriptor),
        cmocka_unit_test(test_impossible),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_threads_that_drop),
        cmocka_unit_test(test_no_wakeup_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
