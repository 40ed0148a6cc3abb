/* SPDX-License-Identifier: Apache-2.0 */
/* passage.c: pictures of phones beside the phones, people who do not say who they are, and codes
 * about which something is awaited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/passage_world.h"
#include "gatehouse/clock.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_init(&world);
    return 0;
}

static struct gh_credential with_reason(char name, enum gh_reason reason)
{
    struct gh_credential code = world_code(name);

    code.reason = reason;
    return code;
}

/* In every frame the phone, then the picture of it, which is the same code. */
static void hold_both(const char *names, const struct gh_credential *copy, int64_t ms)
{
    for (int64_t gone = 0; gone < ms; gone += FRAME_MS) {
        world_see(&world, names);
        world_see_code(&world, copy);
        world_pass_ms(&world, FRAME_MS);
    }
}

static void test_copy_beside_the_phone(void **state)
{
    (void)state;
    static const enum gh_reason reasons[] = {GH_REASON_STALE, GH_REASON_REPLAYED,
                                             GH_REASON_UNPROVEN};

    for (size_t i = 0; i < GH_ARRAY_SIZE(reasons); i++) {
        struct gh_credential copy = with_reason('A', reasons[i]);
        world_init(&world);
        hold_both("A", &copy, 4000);
        assert_string_equal(world.trace, "wait(A) deny(A)");
        int64_t deadline_ms = world_deadline_ms(&world);
        hold_both("A", &copy, 1000);
        assert_true(world_deadline_ms(&world) == deadline_ms); /* does not wait anew */
        hold_both("A1", &copy, 10000);
        assert_string_equal(world.trace, "wait(A) deny(A) open(A1)");
        assert_int_equal(world.opened, 1);
    }
}

/* One picture is one refusal, by whichever name; after a while out of sight it is another. */
static void test_copy_changes_its_name(void **state)
{
    (void)state;
    struct gh_credential replayed = with_reason('A', GH_REASON_REPLAYED);
    struct gh_credential stale = with_reason('A', GH_REASON_STALE);

    hold_both("", &replayed, 5000);
    hold_both("", &stale, 5000);
    assert_string_equal(world.trace, "deny(A)");
    world_pass_ms(&world, DEBOUNCE_MS);
    hold_both("", &stale, 1000);
    assert_string_equal(world.trace, "deny(A) deny(A)");
}

/* Other reasons are news, as before: a code that expires while it is held up. */
static void test_expires_while_held_up(void **state)
{
    (void)state;
    struct gh_credential expired = with_reason('A', GH_REASON_EXPIRED);

    world_hold(&world, "A", 1000);
    world_see_code(&world, &expired);
    world_see_code(&world, &expired);
    assert_string_equal(world.trace, "wait(A) deny(A)");
}

/* --- people without a name --- */

static void test_nobody_is_somebody_else(void **state)
{
    (void)state;
    struct gh_credential one = world_code('A'), other = world_code('B');

    world.home_code = false;
    one.subject = other.subject = 0;
    one.kind = other.kind = GH_KIND_HCERT;
    world_see_code(&world, &one);
    world_see_code(&world, &other);
    world_see_code(&world, &one); /* each was let in, once */
    world_see_code(&world, &other);
    assert_string_equal(world.trace, "open(A) open(B)");
}

static void test_certificates_are_people(void **state)
{
    (void)state;
    static const enum gh_kind kinds[] = {GH_KIND_HCERT, GH_KIND_SHC, GH_KIND_UNKNOWN};

    for (size_t i = 0; i < GH_ARRAY_SIZE(kinds); i++) {
        struct gh_credential code = world_code('A');
        world_init(&world);
        code.kind = kinds[i];
        code.upstream = kinds[i] == GH_KIND_UNKNOWN; /* the authority says who it is */
        world_see_code(&world, &code);
        world_see(&world, "1");
        world_see_code(&world, &code);
        assert_string_equal(world.trace, "wait(A) open(A1)");
    }
    struct gh_credential code = world_code('A'); /* and without its word nobody is */
    world_init(&world);
    code.kind = GH_KIND_UNKNOWN;
    world_see_code(&world, &code);
    assert_string_equal(world.trace, "deny(A)");
}

/* --- what is awaited --- */

static bool see(const struct gh_credential *code)
{
    return gh_passage_see(&world.passage, code, world.now_ms * GH_NS_PER_MS);
}

static void test_awaited_asks_nothing(void **state)
{
    (void)state;
    static const enum gh_reason reasons[] = {GH_REASON_WAIT_PARTS, GH_REASON_WAIT_ANSWER};

    for (size_t i = 0; i < GH_ARRAY_SIZE(reasons); i++) {
        struct gh_credential code = with_reason('x', reasons[i]);
        world_init(&world);
        assert_true(see(&code));
        assert_false(see(&code)); /* in sight already */
        world_pass_ms(&world, DEBOUNCE_MS - 1);
        assert_false(see(&code));
        world_pass_ms(&world, DEBOUNCE_MS);
        assert_true(see(&code));
        world_pass_ms(&world, 60000);
        assert_string_equal(world.trace, "");
        world_assert_quiet(&world);
    }
}

static void test_is_here(void **state)
{
    (void)state;
    struct gh_credential code = with_reason('x', GH_REASON_WAIT_ANSWER);
    struct gh_credential answer = with_reason('x', GH_REASON_UPSTREAM_REFUSED);

    assert_false(gh_passage_is_here(&world.passage, &answer, world.now_ms * GH_NS_PER_MS));
    (void)see(&code);
    world_pass_ms(&world, TIMEOUT_MS - 1);
    assert_true(gh_passage_is_here(&world.passage, &answer, world.now_ms * GH_NS_PER_MS));
    world_pass_ms(&world, 1);
    assert_false(gh_passage_is_here(&world.passage, &answer, world.now_ms * GH_NS_PER_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_copy_beside_the_phone, setup),
        cmocka_unit_test_setup(test_copy_changes_its_name, setup),
        cmocka_unit_test_setup(test_expires_while_held_up, setup),
        cmocka_unit_test_setup(test_nobody_is_somebody_else, setup),
        cmocka_unit_test_setup(test_certificates_are_people, setup),
        cmocka_unit_test_setup(test_awaited_asks_nothing, setup),
        cmocka_unit_test_setup(test_is_here, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
