/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "code/parts.h"

static struct gh_trust *trust;
static const uint8_t secret[GH_HOLDER_SECRET_BYTES] = "an area's secret, 32 bytes long.";

static struct gh_trust *trust_with(const uint8_t *holder_secret)
{
    struct gh_trust *out = NULL;
    assert_int_equal(gh_trust_new(NULL, 0, holder_secret, &out), GH_OK);
    return out;
}

static int setup(void **state)
{
    (void)state;
    trust = trust_with(secret);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gh_trust_unref(trust);
    return 0;
}

static struct gh_bytes bytes_of(const char *text)
{
    return (struct gh_bytes){(const uint8_t *)text, strlen(text)};
}

static gh_id holder(const char *family, const char *given, const char *birth)
{
    return gh_holder_id(trust, bytes_of(family), bytes_of(given), bytes_of(birth));
}

/* As Python's hmac has it: the first 64 bits over "holder", and each part behind
 * its length in 8 bytes. These values are in people's lists: they must never change. */
static void test_values(void **state)
{
    (void)state;
    assert_true(holder("MUSTERFRAU", "GABRIELE", "1998-02-26") == UINT64_C(0x1ebfd8856a067024));
    assert_true(gh_certificate_id(trust, GH_KIND_HCERT, bytes_of("URN:UVCI:01:AT:1#B")) ==
                UINT64_C(0xfe819990abb9ec7f));
}

static void test_each_part_counts(void **state)
{
    (void)state;
    gh_id id = holder("AB", "C", "1998");
    assert_true(id == holder("AB", "C", "1998"));
    assert_true(id != holder("A", "BC", "1998"));
    assert_true(id != holder("AB", "", "C1998"));
    assert_true(id != holder("ABC", "", "1998"));
    assert_true(id != holder("C", "AB", "1998"));
    assert_true(id != holder("ab", "C", "1998"));
    assert_true(id != gh_holder_id(trust, bytes_of("AB"), bytes_of("C"),
                                   (struct gh_bytes){(const uint8_t *)"1998", 5}));
}

/* Without a name or a birth date it could be anybody: such certificates must not meet in one
 * person. */
static void test_anybody(void **state)
{
    (void)state;
    assert_true(holder("", "", "1998") == 0);
    assert_true(holder("AB", "C", "") == 0);
    assert_true(holder("AB", "", "1998") != 0);
    assert_true(holder("", "C", "1998") != 0);
}

static void test_numbers(void **state)
{
    (void)state;
    gh_id id = gh_certificate_id(trust, GH_KIND_HCERT, bytes_of("1"));
    assert_true(id != 0);
    assert_true(id != gh_certificate_id(trust, GH_KIND_SHC, bytes_of("1")));
    assert_true(id != gh_certificate_id(trust, GH_KIND_HCERT, bytes_of("2")));
}

static void test_the_secret_counts(void **state)
{
    (void)state;
    uint8_t other[GH_HOLDER_SECRET_BYTES];
    memcpy(other, secret, sizeof(other));
    other[31] ^= 1;
    gh_id id = holder("A", "B", "C");
    struct gh_trust *second = trust_with(other);
    assert_true(id != gh_holder_id(second, bytes_of("A"), bytes_of("B"), bytes_of("C")));
    gh_trust_unref(second);
}

static void test_nobody(void **state)
{
    (void)state;
    static char long_name[4096];
    struct gh_trust *open = trust_with(NULL);
    assert_true(gh_holder_id(open, bytes_of("A"), bytes_of("B"), bytes_of("C")) == 0);
    assert_true(gh_certificate_id(open, GH_KIND_HCERT, bytes_of("1")) == 0);
    assert_true(gh_holder_id(NULL, bytes_of("A"), bytes_of("B"), bytes_of("C")) == 0);
    gh_trust_unref(open);
    /* cut names would make one of two people */
    memset(long_name, 'A', sizeof(long_name) - 1);
    assert_true(holder(long_name, "B", "C") == 0);
    assert_true(gh_certificate_id(trust, GH_KIND_HCERT, bytes_of(long_name)) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_each_part_counts),
        cmocka_unit_test(test_anybody),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_the_secret_counts),
        cmocka_unit_test(test_nobody),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
