/* SPDX-License-Identifier: Apache-2.0 */
/* What was made once for many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/delta_cache.h"

static struct gh_delta_cache cache;

static struct gh_generation generation(uint64_t number)
{
    return (struct gh_generation){.number = number, .tag = {(uint8_t)number}};
}

static void put(uint64_t from, uint64_t to, size_t bytes)
{
    struct gh_list_delta delta = {.from = generation(from), .to = generation(to)};
    delta.records = malloc(bytes);
    delta.records_size = bytes;
    assert_non_null(delta.records);
    assert_non_null(gh_delta_cache_put(&cache, &delta));
    assert_null(delta.records);
}

static struct gh_cached_delta *find(uint64_t from)
{
    const struct gh_generation wanted = generation(from);
    return gh_delta_cache_find(&cache, &wanted);
}

static struct gh_answer *answer(void)
{
    struct gh_answer *made;
    assert_int_equal(gh_answer_new("text/plain", calloc(1, 10), 10, &made), GH_OK);
    return made;
}

static int clear(void **state)
{
    (void)state;
    gh_delta_cache_clear(&cache);
    return 0;
}

static void test_found_again(void **state)
{
    (void)state;
    put(1, 5, 100);
    put(2, 5, 200);
    assert_int_equal(find(1)->delta.records_size, 100);
    assert_int_equal(find(2)->delta.records_size, 200);
    assert_null(find(3));
    struct gh_generation other = generation(1);
    other.tag[3] = 9;
    assert_null(gh_delta_cache_find(&cache, &other));
    put(1, 6, 300); /* in place of the other */
    assert_int_equal(find(1)->delta.records_size, 300);
}

static void test_what_is_of_use(void **state)
{
    (void)state;
    const struct gh_generation three = generation(3), four = generation(4), six = generation(6);
    const struct gh_generation five = generation(5);
    put(1, 5, 100);
    put(2, 6, 100);
    find(2)->answer = answer();
    (void)gh_delta_cache_note(&cache, &three, GH_ERR_AGAIN);
    (void)gh_delta_cache_note(&cache, &four, GH_ERR_NOTFOUND);
    gh_delta_cache_put_late(&cache, &five, answer(), 1000);
    gh_delta_cache_renew(&cache, &six, 1000 + GH_LATE_DELTA_NS - 1);
    assert_null(find(1));         /* leads elsewhere */
    assert_non_null(find(2));     /* stays, */
    assert_null(find(2)->answer); /* but the manifest is a newer one */
    assert_int_equal(find(3)->status, GH_ERR_AGAIN);
    assert_null(find(4)); /* may be otherwise now */
    assert_non_null(find(5)->answer);
    gh_delta_cache_renew(&cache, &six, 1000 + GH_LATE_DELTA_NS);
    assert_null(find(5));
}

static void test_places(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 2 * GH_DELTAS_CACHED; i++) {
        put(i, 999, 10);
        assert_non_null(find(1)); /* asked for all the time: it stays */
    }
    assert_null(find(2));
    assert_non_null(find(2 * GH_DELTAS_CACHED));
}

static void test_memory(void **state)
{
    (void)state;
    const size_t large = GH_DELTAS_CACHED_BYTES / 8;
    size_t total = 0;
    for (uint64_t i = 1; i <= 10; i++)
        put(i, 999, large);
    for (uint64_t i = 1; i <= 10; i++)
        total += find(i) != NULL ? large : 0;
    assert_in_range(total, large, GH_DELTAS_CACHED_BYTES);
    assert_non_null(find(10));
    put(11, 999, GH_DELTAS_CACHED_BYTES); /* alone too large: it is there all the same */
    assert_non_null(find(11));
    assert_null(find(10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_found_again, clear),
        cmocka_unit_test_teardown(test_what_is_of_use, clear),
        cmocka_unit_test_teardown(test_places, clear),
        cmocka_unit_test_teardown(test_memory, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
