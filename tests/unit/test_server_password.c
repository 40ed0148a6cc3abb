/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/password.h"
#include "used_time.h"

static void test_hash_and_check(void **state)
{
    (void)state;
    char one[GH_PASSWORD_HASH_BYTES], two[GH_PASSWORD_HASH_BYTES];
    assert_int_equal(gh_password_hash("correct horse", one), GH_OK);
    assert_int_equal(gh_password_hash("correct horse", two), GH_OK);
    assert_memory_equal(one, "$argon2id$", 10);
    assert_string_not_equal(one, two); /* salted */
    assert_true(gh_password_check(one, "correct horse"));
    assert_true(gh_password_check(two, "correct horse"));
    assert_false(gh_password_check(one, "correct horsf"));
    assert_false(gh_password_check(one, "correct hors"));
    assert_false(gh_password_check(one, "correct horse "));
    assert_false(gh_password_check(one, ""));
}

static void test_damaged_hashes(void **state)
{
    (void)state;
    char hash[GH_PASSWORD_HASH_BYTES];
    assert_int_equal(gh_password_hash("correct horse", hash), GH_OK);
    hash[strlen(hash) - 1] ^= 1;
    assert_false(gh_password_check(hash, "correct horse"));
    assert_false(gh_password_check("", ""));
    assert_false(gh_password_check("correct horse", "correct horse"));
    assert_false(gh_password_check("$argon2id$v=19$m=65536,t=2,p=1$", "correct horse"));
}

static int64_t cost_ns(const char *hash)
{
    int64_t began = used_ns();
    (void)gh_password_check(hash, "some password");
    return used_ns() - began;
}

/* Not to be told from outside: an unknown user takes the work of a known one. Generous, since
 * others use this machine's caches; without the work the factor is some thousand. */
static void test_unknown_users_cost_the_same(void **state)
{
    (void)state;
    char hash[GH_PASSWORD_HASH_BYTES];
    int64_t known = INT64_MAX, unknown = INT64_MAX;
    assert_int_equal(gh_password_hash("correct horse", hash), GH_OK);
    for (int i = 0; i < 5; i++) {
        int64_t cost = cost_ns(hash);
        known = cost < known ? cost : known;
        cost = cost_ns(NULL);
        unknown = cost < unknown ? cost : unknown;
    }
    assert_true(unknown > known / 4);
    assert_true(known > unknown / 4);
    assert_false(gh_password_check(NULL, "some password"));
}

static void test_one_time_passwords(void **state)
{
    (void)state;
    char one[GH_ONE_TIME_PASSWORD_BYTES], two[GH_ONE_TIME_PASSWORD_BYTES];
    gh_password_one_time(one);
    gh_password_one_time(two);
    assert_int_equal(strlen(one), 19);
    assert_string_not_equal(one, two);
    for (size_t i = 0; i < 19; i++)
        assert_true(i % 5 == 4 ? one[i] == '-'
                               : strchr("abcdefghijkmnpqrstuvwxyz23456789", one[i]) != NULL);
}

static int set_up(void **state)
{
    (void)state;
    return gh_password_init() == GH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_and_check),
        cmocka_unit_test(test_damaged_hashes),
        cmocka_unit_test(test_unknown_users_cost_the_same),
        cmocka_unit_test(test_one_time_passwords),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
