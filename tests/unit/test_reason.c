/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gatehouse/bytes.h"
#include "gatehouse/reason.h"

static void test_every_row_is_whole(void **state)
{
    (void)state;
    for (int i = 0; i < GH_REASON_COUNT; i++) {
        const struct gh_reason_info *info = gh_reason_info((enum gh_reason)i);
        assert_non_null(info->token);
        assert_true(strlen(info->token) > 0);
        assert_int_equal(strspn(info->token, "abcdefghijklmnopqrstuvwxyz_"), strlen(info->token));
        assert_true(strlen(info->text) > 0);
        assert_int_not_equal(info->lamp, GH_LAMP_OFF);
        assert_int_not_equal(info->sound, GH_SOUND_NONE);
    }
}

static void test_tokens_are_unique_and_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < GH_REASON_COUNT; i++) {
        enum gh_reason back = GH_REASON_COUNT;
        assert_int_equal(gh_reason_from_token(gh_reason_info((enum gh_reason)i)->token, &back),
                         GH_OK);
        assert_int_equal(back, i); /* the first row with that token is this row: no other has it */
    }
}

static void test_unknown_tokens(void **state)
{
    (void)state;
    static const char *const tokens[] = {"", "OK", "ok ", "o", "okay", "welcome", "wait"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(tokens); i++) {
        enum gh_reason reason = GH_REASON_RED;
        assert_int_equal(gh_reason_from_token(tokens[i], &reason), GH_ERR_NOTFOUND);
        assert_int_equal(reason, GH_REASON_RED);
    }
}

/* Two reasons in the whole house let a person in; the other two are of the door itself, and never
 * of a decision. */
static void test_only_ok_opens(void **state)
{
    (void)state;
    for (int i = 0; i < GH_REASON_COUNT; i++) {
        const struct gh_reason_info *info = gh_reason_info((enum gh_reason)i);
        bool lets_in = i == GH_REASON_OK || i == GH_REASON_PASSBACK_NOTED;
        bool unlocked = lets_in || i == GH_REASON_FIRE || i == GH_REASON_UNLOCKED;
        assert_int_equal(info->outcome == GH_OUTCOME_OPEN, unlocked);
        assert_int_equal(info->lamp == GH_LAMP_GREEN, unlocked);
        assert_int_equal(info->sound == GH_SOUND_WELCOME, lets_in);
        assert_int_equal(info->prompt == GH_PROMPT_WELCOME, lets_in);
    }
}

static void test_outside_the_enum_stays_shut(void **state)
{
    (void)state;
    static const int values[] = {-1, GH_REASON_COUNT, GH_REASON_COUNT + 1, 4711, INT32_MIN};
    for (size_t i = 0; i < GH_ARRAY_SIZE(values); i++) {
        const struct gh_reason_info *info = gh_reason_info((enum gh_reason)values[i]);
        assert_string_equal(info->token, "journal_unavailable");
        assert_int_equal(info->outcome, GH_OUTCOME_GUARD);
    }
}

/* Stored and sent: these words never change. */
static void test_tokens_that_others_rely_on(void **state)
{
    (void)state;
    assert_string_equal(gh_reason_info(GH_REASON_OK)->token, "ok");
    assert_string_equal(gh_reason_info(GH_REASON_FORGED)->token, "forged");
    assert_string_equal(gh_reason_info(GH_REASON_FOREIGN)->token, "foreign");
    assert_string_equal(gh_reason_info(GH_REASON_WRONG_KEY)->token, "wrong_key");
    assert_string_equal(gh_reason_info(GH_REASON_EXPIRED)->token, "expired");
    assert_string_equal(gh_reason_info(GH_REASON_NOT_YET_VALID)->token, "not_yet_valid");
    assert_string_equal(gh_reason_info(GH_REASON_NOT_A_CODE)->token, "not_a_code");
    assert_string_equal(gh_outcome_token(GH_OUTCOME_WAIT), "wait");
    assert_string_equal(gh_outcome_token(GH_OUTCOME_OPEN), "open");
    assert_string_equal(gh_outcome_token(GH_OUTCOME_GUARD), "guard");
    assert_string_equal(gh_outcome_token(GH_OUTCOME_DENY), "deny");
    assert_string_equal(gh_outcome_token((enum gh_outcome)99), "deny");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_whole),
        cmocka_unit_test(test_tokens_are_unique_and_come_back),
        cmocka_unit_test(test_unknown_tokens),
        cmocka_unit_test(test_only_ok_opens),
        cmocka_unit_test(test_outside_the_enum_stays_shut),
        cmocka_unit_test(test_tokens_that_others_rely_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
