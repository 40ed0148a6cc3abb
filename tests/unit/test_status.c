/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/status.h"

static void every_status_has_its_own_text(void **state)
{
    (void)state;
    for (int i = 0; i < GH_STATUS_COUNT; i++) {
        const char *text = gh_status_text((enum gh_status)i);
        assert_non_null(text);
        assert_true(strlen(text) > 1);
        assert_string_not_equal(text, "unknown status");
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(text, gh_status_text((enum gh_status)j));
        }
    }
}

static void a_value_outside_the_enum_is_unknown(void **state)
{
    (void)state;
    const int strange[] = {-1, GH_STATUS_COUNT, GH_STATUS_COUNT + 1, 1 << 30, INT32_MIN};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        assert_string_equal(gh_status_text((enum gh_status)strange[i]), "unknown status");
    }
}

static void errno_values_map_to_statuses(void **state)
{
    (void)state;
    static const struct {
        int err;
        enum gh_status status;
    } cases[] = {
        {0, GH_OK},
        {ENOMEM, GH_ERR_NOMEM},
        {EINVAL, GH_ERR_INVALID},
        {EISDIR, GH_ERR_INVALID},
        {EIO, GH_ERR_IO},
        {ENOSPC, GH_ERR_NOSPACE},
        {EDQUOT, GH_ERR_NOSPACE},
        {EFBIG, GH_ERR_NOSPACE},
        {EROFS, GH_ERR_READONLY},
        {ENOENT, GH_ERR_NOTFOUND},
        {ENOTDIR, GH_ERR_NOTFOUND},
        {EEXIST, GH_ERR_EXISTS},
        {EBUSY, GH_ERR_BUSY},
        {ETIMEDOUT, GH_ERR_TIMEOUT},
        {ECONNREFUSED, GH_ERR_NETWORK},
        {ECONNRESET, GH_ERR_NETWORK},
        {EPIPE, GH_ERR_NETWORK},
        {ENETUNREACH, GH_ERR_NETWORK},
        {EACCES, GH_ERR_DENIED},
        {EPERM, GH_ERR_DENIED},
        {ENODEV, GH_ERR_GONE},
        {EAGAIN, GH_ERR_AGAIN},
        {EWOULDBLOCK, GH_ERR_AGAIN},
        {EOPNOTSUPP, GH_ERR_UNSUPPORTED},
        {ENOSYS, GH_ERR_UNSUPPORTED},
        {EMSGSIZE, GH_ERR_TOOBIG},
        {-ENOENT, GH_ERR_IO},
        {99999, GH_ERR_IO},
        {INT32_MIN, GH_ERR_IO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(gh_status_from_errno(cases[i].err), cases[i].status);
    }
    for (int err = 1; err < 200; err++) {
        assert_int_not_equal(gh_status_from_errno(err), GH_OK);
    }
}

static void fail_fills_an_empty_error(void **state)
{
    (void)state;
    struct gh_error err = {0};
    errno = 77;
    assert_int_equal(gh_fail(&err, GH_ERR_BUSY, "door %d of %s", 3, "hall"), GH_ERR_BUSY);
    assert_int_equal(err.status, GH_ERR_BUSY);
    assert_string_equal(err.text, "door 3 of hall");
    assert_int_equal(errno, 77);
}

static void fail_keeps_the_first_error(void **state)
{
    (void)state;
    struct gh_error err = {0};
    assert_int_equal(gh_fail(&err, GH_ERR_IO, "first"), GH_ERR_IO);
    assert_int_equal(gh_fail(&err, GH_ERR_NOMEM, "second"), GH_ERR_NOMEM);
    assert_int_equal(err.status, GH_ERR_IO);
    assert_string_equal(err.text, "first");
}

static void fail_without_an_error_returns_the_status(void **state)
{
    (void)state;
    assert_int_equal(gh_fail(NULL, GH_ERR_END, "nobody reads %s", "this"), GH_ERR_END);
}

static void fail_cuts_a_long_text(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct gh_error err = {0};
    assert_int_equal(gh_fail(&err, GH_ERR_IO, "%s", text), GH_ERR_IO);
    assert_int_equal(strlen(err.text), GH_ERROR_TEXT_BYTES - 1);
}

/* The cut may fall on each byte of a character; half a character must never remain. */
static void fail_cuts_between_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x9A\xAA"};
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
        size_t size = strlen(characters[i]);
        for (size_t inside = 0; inside <= size; inside++) {
            char text[GH_ERROR_TEXT_BYTES + 16];
            size_t at = GH_ERROR_TEXT_BYTES - 1 - inside;
            memset(text, 'x', at);
            snprintf(text + at, sizeof(text) - at, "%syyyyyyyy", characters[i]);
            struct gh_error err = {0};
            assert_int_equal(gh_fail(&err, GH_ERR_IO, "%s", text), GH_ERR_IO);
            size_t expected = inside == size ? GH_ERROR_TEXT_BYTES - 1 : at;
            assert_int_equal(strlen(err.text), expected);
            assert_memory_equal(err.text, text, expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_own_text),
        cmocka_unit_test(a_value_outside_the_enum_is_unknown),
        cmocka_unit_test(errno_values_map_to_statuses),
        cmocka_unit_test(fail_fills_an_empty_error),
        cmocka_unit_test(fail_keeps_the_first_error),
        cmocka_unit_test(fail_without_an_error_returns_the_status),
        cmocka_unit_test(fail_cuts_a_long_text),
        cmocka_unit_test(fail_cuts_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
