/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gate/fresh.h"
#include "gatehouse/clock.h"
#include "gatehouse/code.h"

#define NOW_S INT64_C(1900000000)
#define DEBOUNCE_MS 3000
#define FRAME_MS 100

static struct gh_fresh fresh; /* large: not on the stack */
static struct gh_fresh_time at;

static int setup(void **state)
{
    (void)state;
    at = (struct gh_fresh_time){
        .seen_ns = 1000 * GH_NS_PER_S, .wall_ns = NOW_S * GH_NS_PER_S, .trusted = true};
    gh_fresh_init(&fresh, at.seen_ns - 3600 * GH_NS_PER_S);
    return 0;
}

static void pass_ms(int64_t ms)
{
    at.seen_ns += ms * GH_NS_PER_MS;
    at.wall_ns += ms * GH_NS_PER_MS;
}

/* The number tells one from the next. */
static struct gh_credential presentation(gh_id subject, uint64_t number, int64_t made_s)
{
    struct gh_credential credential = {
        .kind = GH_KIND_HEALTH,
        .reason = GH_REASON_OK,
        .authentic = true,
        .subject = subject,
        .form = GH_FORM_PHONE,
        .presented_at_s = made_s,
    };
    memcpy(credential.presentation, &number, sizeof(number));
    return credential;
}

static enum gh_fresh_verdict see(const struct gh_credential *credential)
{
    return gh_fresh_see(&fresh, credential, &at, DEBOUNCE_MS * GH_NS_PER_MS);
}

/* In every frame for so long: the verdict of all of them. */
static void hold(const struct gh_credential *credential, int64_t ms, enum gh_fresh_verdict verdict)
{
    for (int64_t gone = 0; gone < ms; gone += FRAME_MS) {
        assert_int_equal(see(credential), verdict);
        pass_ms(FRAME_MS);
    }
}

static void test_held_up(void **state)
{
    (void)state;
    struct gh_credential one = presentation(1, 1, NOW_S);

    hold(&one, 14000, GH_FRESH_FIRST);
    pass_ms(DEBOUNCE_MS - FRAME_MS - 1); /* out of sight for a little less */
    hold(&one, 1000, GH_FRESH_FIRST);
}

static void test_again(void **state)
{
    (void)state;
    struct gh_credential one = presentation(1, 1, NOW_S);

    hold(&one, 1000, GH_FRESH_FIRST);
    pass_ms(DEBOUNCE_MS - FRAME_MS);
    hold(&one, 5000, GH_FRESH_COPY); /* and it does not become better by being held up */
    pass_ms(DEBOUNCE_MS);
    hold(&one, 1000, GH_FRESH_COPY);
    struct gh_credential next = presentation(1, 2, NOW_S + 10);
    hold(&next, 1000, GH_FRESH_FIRST); /* the phone itself, a moment later */
}

/* A phone that renews every few seconds, and a picture of its screen beside it. */
static void test_picture_beside_the_phone(void **state)
{
    (void)state;
    struct gh_credential first = presentation(1, 1, NOW_S);

    hold(&first, 5000, GH_FRESH_FIRST);
    for (uint64_t i = 2; i < 5; i++) {
        struct gh_credential next = presentation(1, i, at.wall_ns / GH_NS_PER_S);
        for (int frame = 0; frame < 50; frame++) {
            assert_int_equal(see(&next), GH_FRESH_FIRST);
            if (i == 2) /* held up without a break: one with what the phone has shown */
                assert_int_equal(see(&first), GH_FRESH_FIRST);
            if (i == 4) /* taken away, and shown again */
                assert_int_equal(see(&first),
                                 at.wall_ns / GH_NS_PER_S - NOW_S <= GH_PRESENTATION_AGE_S + 1
                                     ? GH_FRESH_COPY
                                     : GH_FRESH_FIRST); /* STALE is its reason */
            pass_ms(FRAME_MS);
        }
    }
}

static void test_two_phones(void **state)
{
    (void)state;
    struct gh_credential one = presentation(1, 1, NOW_S), other = presentation(2, 2, NOW_S);

    for (int frame = 0; frame < 50; frame++) {
        assert_int_equal(see(&one), GH_FRESH_FIRST);
        assert_int_equal(see(&other), GH_FRESH_FIRST);
        pass_ms(FRAME_MS);
    }
    pass_ms(DEBOUNCE_MS);
    assert_int_equal(see(&one), GH_FRESH_COPY);
    assert_int_equal(see(&other), GH_FRESH_COPY);
}

/* For as long as it can be fresh: from the moment at which a phone whose clock is ahead shows it
 * first. */
static void test_remembered_for_long_enough(void **state)
{
    (void)state;

    for (int64_t ahead_s = -GH_PRESENTATION_AGE_S;
         ahead_s <= GH_PRESENTATION_AGE_S + GH_FRESH_AHEAD_S; ahead_s++) {
        (void)setup(NULL);
        struct gh_credential one = presentation(1, 1, NOW_S + ahead_s);
        assert_int_equal(see(&one), GH_FRESH_FIRST);
        int64_t until_ms = (ahead_s + GH_PRESENTATION_AGE_S) * 1000 + 999; /* the last moment */
        if (until_ms < DEBOUNCE_MS)
            continue;
        pass_ms(until_ms);
        assert_int_equal(see(&one), GH_FRESH_COPY);
    }
}

/* Nothing that anybody can make up, and nothing that can never be fresh, takes a place. */
static void test_what_takes_no_place(void **state)
{
    (void)state;
    struct gh_credential one;

    for (uint64_t i = 0; i < 10 * (uint64_t)GH_FRESH_PLACES; i++) {
        one = presentation(i + 1, i, NOW_S);
        one.authentic = false;
        one.reason = GH_REASON_FORGED;
        assert_int_equal(see(&one), GH_FRESH_FIRST);
        one = presentation(i + 1, i, NOW_S);
        one.form = GH_FORM_PAPER;
        assert_int_equal(see(&one), GH_FRESH_FIRST);
        one = presentation(i + 1, i, NOW_S - 1000);
        one.reason = GH_REASON_STALE;
        assert_int_equal(see(&one), GH_FRESH_FIRST);
        one = presentation(i + 1, i, INT64_C(1) << 53);
        one.reason = GH_REASON_STALE;
        assert_int_equal(see(&one), GH_FRESH_FIRST);
        one = presentation(i + 1, i, -(INT64_C(1) << 53));
        one.reason = GH_REASON_STALE;
        assert_int_equal(see(&one), GH_FRESH_FIRST);
    }
    one = presentation(1, 1, NOW_S);
    assert_int_equal(see(&one), GH_FRESH_FIRST);
}

/* One phone that signs as fast as it can: its own are refused in the end, those of others are not,
 * and none is forgotten. */
static void test_flood_by_one(void **state)
{
    (void)state;
    struct gh_credential one, victim = presentation(2, 1u << 20, NOW_S);

    assert_int_equal(see(&victim), GH_FRESH_FIRST);
    for (uint64_t i = 0; i < 1000; i++) {
        one = presentation(1, i, NOW_S);
        assert_int_equal(see(&one), i < GH_FRESH_PLACES_EACH ? GH_FRESH_FIRST : GH_FRESH_COPY);
    }
    struct gh_credential other = presentation(3, 2u << 20, NOW_S);
    assert_int_equal(see(&other), GH_FRESH_FIRST);
    pass_ms(DEBOUNCE_MS);
    assert_int_equal(see(&victim), GH_FRESH_COPY);
    for (uint64_t i = 0; i < GH_FRESH_PLACES_EACH; i++) {
        one = presentation(1, i, NOW_S);
        assert_int_equal(see(&one), GH_FRESH_COPY);
    }
    pass_ms(GH_FRESH_KEEP_S * 1000); /* over */
    one = presentation(1, 9999, at.wall_ns / GH_NS_PER_S);
    assert_int_equal(see(&one), GH_FRESH_FIRST);
}

/* Many together: everybody is refused for a while, and nobody's is good a second time. */
static void test_flood_by_many(void **state)
{
    (void)state;
    struct gh_credential victim = presentation(1, 0, NOW_S);

    assert_int_equal(see(&victim), GH_FRESH_FIRST);
    for (uint64_t i = 1; i < GH_FRESH_PLACES; i++) {
        struct gh_credential one = presentation(1 + i, i, NOW_S);
        assert_int_equal(see(&one), GH_FRESH_FIRST);
    }
    struct gh_credential late = presentation(100000, 100000, NOW_S);
    assert_int_equal(see(&late), GH_FRESH_COPY);
    pass_ms(DEBOUNCE_MS);
    assert_int_equal(see(&late), GH_FRESH_COPY);
    assert_int_equal(see(&victim), GH_FRESH_COPY);
    pass_ms(GH_FRESH_KEEP_S * 1000);
    late = presentation(100000, 100001, at.wall_ns / GH_NS_PER_S);
    assert_int_equal(see(&late), GH_FRESH_FIRST);
}

/* Whatever somebody sets the clock to, what was shown was shown. */
static void test_clock_set(void **state)
{
    (void)state;
    struct gh_credential one = presentation(1, 1, NOW_S);

    assert_int_equal(see(&one), GH_FRESH_FIRST);
    at.seen_ns += 10 * GH_NS_PER_S;
    at.wall_ns -= 10 * GH_NS_PER_S; /* back to where it is fresh */
    assert_int_equal(see(&one), GH_FRESH_COPY);
}

/* By an untrusted clock nothing is too old to be remembered: it may turn out to be fresh. */
static void test_clock_untrusted(void **state)
{
    (void)state;
    struct gh_credential one = presentation(1, 1, NOW_S);

    at.trusted = false;
    at.wall_ns = 0; /* 1970 */
    one.reason = GH_REASON_STALE;
    assert_int_equal(see(&one), GH_FRESH_FIRST);
    at.seen_ns += 5 * GH_NS_PER_S;
    at.wall_ns = (NOW_S + 5) * GH_NS_PER_S; /* set right */
    at.trusted = true;
    one.reason = GH_REASON_OK;
    assert_int_equal(see(&one), GH_FRESH_COPY);
    /* And while it is not, the same: a copy is a copy. */
    at.trusted = false;
    at.seen_ns += 5 * GH_NS_PER_S;
    assert_int_equal(see(&one), GH_FRESH_COPY);
}

/* A daemon that has just started may have seen it before. */
static void test_start(void **state)
{
    (void)state;
    struct gh_credential before = presentation(1, 1, NOW_S - 1);
    struct gh_credential same_second = presentation(1, 2, NOW_S);
    struct gh_credential after = presentation(1, 3, NOW_S + 1);

    at.wall_ns += 300 * GH_NS_PER_MS;
    gh_fresh_init(&fresh, at.seen_ns);
    hold(&before, 1000, GH_FRESH_EARLY);
    hold(&same_second, 1000, GH_FRESH_EARLY);
    hold(&after, 1000, GH_FRESH_FIRST);
    pass_ms(DEBOUNCE_MS);
    assert_int_equal(see(&after), GH_FRESH_COPY);
    pass_ms(20000); /* too old by itself meanwhile: that is said, and no longer passed over */
    before.reason = GH_REASON_STALE;
    assert_int_equal(see(&before), GH_FRESH_FIRST);
}

/* The clock was found wrong at the start and set right since: when the start was is known now. */
static void test_start_with_a_wrong_clock(void **state)
{
    (void)state;
    struct gh_credential before = presentation(1, 1, NOW_S - 5);
    struct gh_credential after = presentation(1, 2, NOW_S + 6);

    gh_fresh_init(&fresh, at.seen_ns);
    at.trusted = false;
    at.wall_ns = 5 * GH_NS_PER_S;
    struct gh_credential stale = presentation(1, 3, NOW_S);
    assert_int_equal(see(&stale), GH_FRESH_FIRST); /* the clock's word is no word */
    at.seen_ns += 5 * GH_NS_PER_S;
    at.wall_ns = (NOW_S + 5) * GH_NS_PER_S;
    at.trusted = true;
    assert_int_equal(see(&before), GH_FRESH_EARLY);
    assert_int_equal(see(&after), GH_FRESH_FIRST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_held_up, setup),
        cmocka_unit_test_setup(test_again, setup),
        cmocka_unit_test_setup(test_picture_beside_the_phone, setup),
        cmocka_unit_test_setup(test_two_phones, setup),
        cmocka_unit_test_setup(test_remembered_for_long_enough, setup),
        cmocka_unit_test_setup(test_what_takes_no_place, setup),
        cmocka_unit_test_setup(test_flood_by_one, setup),
        cmocka_unit_test_setup(test_flood_by_many, setup),
        cmocka_unit_test_setup(test_clock_set, setup),
        cmocka_unit_test_setup(test_clock_untrusted, setup),
        cmocka_unit_test_setup(test_start, setup),
        cmocka_unit_test_setup(test_start_with_a_wrong_clock, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
