/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "server/deadline.h"

static void open_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

/* 0: ended; -1: nothing yet. */
static ssize_t state_of(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT);
}

static void test_only_those_whose_time_is_over(void **state)
{
    (void)state;
    struct gh_deadline ring, *early, *late;
    int one[2], two[2];
    gh_deadlines_init(&ring);
    assert_int_equal(gh_deadlines_sweep(&ring, INT64_MAX), 0);
    open_pair(one);
    open_pair(two);
    early = gh_deadline_add(&ring, one[0], 100);
    late = gh_deadline_add(&ring, two[0], 200);
    assert_true(early != NULL && late != NULL);
    assert_int_equal(gh_deadlines_sweep(&ring, 99), 0);
    assert_int_equal(gh_deadlines_sweep(&ring, 100), 1);
    assert_int_equal(state_of(one[1]), 0);
    assert_int_equal(state_of(two[1]), -1);
    assert_int_equal(gh_deadlines_sweep(&ring, 150), 0); /* once */
    late->at_ns = 300;
    assert_int_equal(gh_deadlines_sweep(&ring, 250), 0);
    gh_deadline_remove(early);
    assert_int_equal(gh_deadlines_sweep(&ring, 300), 1);
    assert_int_equal(state_of(two[1]), 0);
    gh_deadline_remove(late);
    gh_deadline_remove(NULL);
    assert_ptr_equal(ring.after, &ring);
    assert_ptr_equal(ring.before, &ring);
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(two[i]);
    }
}

static void test_removed_in_any_order(void **state)
{
    (void)state;
    struct gh_deadline ring, *deadlines[5];
    static const int order[] = {2, 0, 4, 1, 3};
    gh_deadlines_init(&ring);
    for (int i = 0; i < 5; i++)
        deadlines[i] = gh_deadline_add(&ring, -1, i);
    for (int i = 0; i < 5; i++) {
        gh_deadline_remove(deadlines[order[i]]);
        int left = 0;
        for (const struct gh_deadline *one = ring.after; one != &ring; one = one->after)
            left++;
        assert_int_equal(left, 4 - i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_those_whose_time_is_over),
        cmocka_unit_test(test_removed_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
