/* SPDX-License-Identifier: Apache-2.0 */
/* inquiry.c: an answer in time, whatever the server does, and no text that outlives its question.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inquiry_fixture.h"

/* --- in time --- */

static void test_a_late_answer_is_none(void **state)
{
    (void)state;
    const struct gh_fake_answer in_time = {.path = PATH,
                                           .takes_ms = DEADLINE_MS,
                                           .body = "{\"verdict\":\"valid\",\"colour\":\"green\"}"};
    struct gh_fake_answer late = in_time;
    late.takes_ms = DEADLINE_MS + 1;
    gh_fake_transport_add(&server, &in_time);
    gh_fake_transport_add(&server, &late);
    assert_true(ask("HC1:IN TIME"));
    gh_inquiry_turn(inquiry);
    assert_int_equal(next_answer().reason, GH_REASON_OK);
    assert_true(ask("HC1:LATE"));
    gh_inquiry_turn(inquiry);
    struct gh_credential answer = next_answer();
    same_but_reason(&answer, "HC1:LATE", GH_REASON_UPSTREAM_UNREACHABLE);
}

/* The time that it waited for others is its own. */
static void test_the_deadline_runs_from_the_sighting(void **state)
{
    (void)state;
    const struct gh_fake_answer slow = {
        .path = PATH, .takes_ms = 500, .times = 3, .body = "{\"verdict\":\"invalid\"}"};
    gh_fake_transport_add(&server, &slow);
    assert_true(ask("HC1:A"));
    gh_fake_clock_advance_ms(&clock_, 100);
    assert_true(ask("HC1:B"));
    assert_true(ask("HC1:C"));
    gh_inquiry_turn(inquiry);
    assert_int_equal(asked(), 2);
    assert_int_equal(gh_fake_transport_request(&server, PATH, 0)->timeout_ms, 700);
    assert_int_equal(gh_fake_transport_request(&server, PATH, 1)->timeout_ms, 300);
    assert_int_equal(next_answer().reason, GH_REASON_UPSTREAM_REFUSED);
    assert_int_equal(next_answer().reason, GH_REASON_UPSTREAM_UNREACHABLE); /* took 500 */
    assert_int_equal(next_answer().reason, GH_REASON_UPSTREAM_UNREACHABLE); /* was not asked */
    no_answer();
}

/* --- in its own thread, in real time --- */

static int64_t now_ms(void)
{
    return gh_clock_monotonic_ns(gh_clock_system()) / GH_NS_PER_MS;
}

static struct gh_credential wait_for_answer(int64_t timeout_ms)
{
    struct gh_credential answer;
    int64_t until = now_ms() + timeout_ms;
    while (!gh_queue_pop(answers, &answer)) {
        if (now_ms() > until)
            fail_msg("no answer within %lld ms", (long long)timeout_ms);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return answer;
}

static void start_thread(gh_connect_fn *connect)
{
    gh_inquiry_stop(inquiry);
    start_with(gh_clock_system(), connect);
    assert_int_equal(gh_inquiry_start(inquiry, NULL), GH_OK);
}

static void test_an_answer_comes_whatever_the_server_does(void **state)
{
    (void)state;
    policy.deadline_ms = 2000;
    start_thread(gh_fake_connect);
    const struct gh_fake_answer hanging = {.path = PATH, .blocks = true, .times = 1};
    gh_fake_transport_add(&server, &hanging);
    answer_with(200, "{\"verdict\":\"invalid\"}", GH_FAKE_FOREVER);
    int64_t before = now_ms();
    assert_true(ask("HC1:A"));
    assert_true(gh_fake_transport_wait_blocked(&server, 10000));
    int64_t asking = now_ms();
    assert_true(ask("HC1:A") && ask("HC1:B")); /* neither waits for the other */
    assert_true(now_ms() - asking < policy.deadline_ms);
    struct gh_credential answer = wait_for_answer(3 * policy.deadline_ms);
    assert_true(now_ms() - before < 3 * policy.deadline_ms);
    same_but_reason(&answer, "HC1:A", GH_REASON_UPSTREAM_UNREACHABLE);
    answer = wait_for_answer(3 * policy.deadline_ms);
    struct gh_credential other = foreign("HC1:B");
    assert_memory_equal(answer.identity, other.identity, sizeof(other.identity));
    gh_fake_transport_forget(&server);
    answer_with(200, "{\"verdict\":\"valid\",\"colour\":\"green\"}", 1);
    assert_true(ask("HC1:C"));
    assert_int_equal(wait_for_answer(10000).reason, GH_REASON_OK);
}

static void test_stopping_does_not_wait(void **state)
{
    (void)state;
    policy.deadline_ms = 5000;
    start_thread(gh_fake_connect);
    const struct gh_fake_answer hanging = {.path = PATH, .blocks = true, .times = 9};
    gh_fake_transport_add(&server, &hanging);
    assert_true(ask("HC1:A") && ask("HC1:B") && ask("HC1:C"));
    assert_true(gh_fake_transport_wait_blocked(&server, 10000));
    int64_t before = now_ms();
    gh_inquiry_stop(inquiry);
    inquiry = NULL;
    assert_true(now_ms() - before < 4000);
    assert_int_equal(asked(), 1);
    start_thread(gh_fake_connect); /* and one that has nothing to do ends, too */
    gh_inquiry_stop(inquiry);
    inquiry = NULL;
}

/* --- wiped --- */

/* Keeps nothing, like a wire. */
static enum gh_status wire_perform(void *context, const struct gh_http_request *request,
                                   struct gh_http_response *response, struct gh_error *err)
{
    (void)context, (void)request, (void)err;
    *response = (struct gh_http_response){.status = 200, .retry_after_s = -1};
    response->body = (uint8_t *)strdup("{\"verdict\":\"invalid\"}");
    assert_non_null(response->body);
    response->size = strlen((char *)response->body);
    return GH_OK;
}

static void wire_cancel(void *context)
{
    (void)context;
}

static enum gh_status wire_connect(const struct gh_http_options *options, struct gh_transport *out,
                                   struct gh_error *err)
{
    (void)options, (void)err;
    *out =
        (struct gh_transport){.perform = wire_perform, .cancel = wire_cancel, .free = wire_cancel};
    return GH_OK;
}

#define SECRET_BYTES 24
#define MASK 0x5a

static void make_secret(uint8_t *out, uint8_t mask)
{
    for (size_t i = 0; i < SECRET_BYTES; i++)
        out[i] = (uint8_t)('A' + (i * 7 + 3) % 26) ^ mask;
}

static unsigned count_in(const uint8_t *data, size_t size, const uint8_t *masked)
{
    unsigned found = 0;
    for (size_t i = 0; i + SECRET_BYTES <= size; i++) {
        size_t same = 0;
        while (same < SECRET_BYTES && data[i + same] == (masked[same] ^ MASK))
            same++;
        found += same == SECRET_BYTES;
    }
    return found;
}

/* How often the secret stands in what this process can write to; only its mask is at hand. */
static unsigned count_secret(void)
{
    enum { PIECE = 1 << 20 };
    static uint8_t piece[PIECE];
    uint8_t masked[SECRET_BYTES];
    char line[512], rights[8];
    unsigned found = 0;
    unsigned long long from, to;
    make_secret(masked, MASK);
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(maps != NULL && memory >= 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%llx-%llx %7s", &from, &to, rights) != 3 || rights[1] != 'w' ||
            to - from > (64ULL << 20)) /* a sanitizer's shadow */
            continue;
        for (unsigned long long at = from; at < to; at += PIECE - SECRET_BYTES) {
            size_t wanted = to - at < PIECE ? (size_t)(to - at) : PIECE;
            if ((unsigned long long)(uintptr_t)piece < at + wanted &&
                (unsigned long long)(uintptr_t)piece + PIECE > at)
                continue; /* the copy itself */
            ssize_t got = pread(memory, piece, wanted, (off_t)at);
            found += got > 0 ? count_in(piece, (size_t)got, masked) : 0;
            gh_wipe(piece, sizeof(piece));
        }
    }
    close(memory);
    fclose(maps);
    return found;
}

/* Long, so that what is freed is not written over by the next small thing. */
#define LONG_BYTES 3000

static void make_text(uint8_t *text)
{
    memset(text, 'x', LONG_BYTES);
    memcpy(text, "HC1:", 4);
    make_secret(text + LONG_BYTES - SECRET_BYTES, 0);
}

static void test_texts_are_wiped(void **state)
{
    (void)state;
    uint8_t *text = malloc(LONG_BYTES);
    assert_non_null(text);
    gh_inquiry_stop(inquiry);
    start_with(&clock_.clock, wire_connect);
    make_text(text);
    const struct gh_bytes bytes = {text, LONG_BYTES};
    struct gh_credential read = {.kind = GH_KIND_HCERT, .reason = GH_REASON_FOREIGN};
    memset(read.identity, 7, sizeof(read.identity));
    assert_true(gh_inquiry_ask(inquiry, bytes, &read));
    assert_true(count_secret() >= 2); /* or this test sees nothing */
    gh_inquiry_turn(inquiry);
    (void)next_answer();
    gh_wipe(text, LONG_BYTES);
    assert_int_equal(count_secret(), 0);
    /* nor does one survive that was never asked about */
    gh_fake_clock_advance_ms(&clock_, GH_INQUIRY_MEMORY_MS);
    make_text(text);
    assert_true(gh_inquiry_ask(inquiry, bytes, &read));
    gh_inquiry_stop(inquiry);
    inquiry = NULL;
    gh_wipe(text, LONG_BYTES);
    assert_int_equal(count_secret(), 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_late_answer_is_none),
        TEST(test_the_deadline_runs_from_the_sighting),
        TEST(test_an_answer_comes_whatever_the_server_does),
        TEST(test_stopping_does_not_wait),
        TEST(test_texts_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
