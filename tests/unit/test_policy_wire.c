/* SPDX-License-Identifier: Apache-2.0 */
/* The later keys of a policy as they come: opening hours, anti-passback, temperature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "list/policy.h"

/* Key 13 of a policy is this: an array of texts for each, NULL behind the last. */
struct opening_case {
    const char *hours[3], *holidays[4];
};

static void put_texts(struct gh_writer *writer, const char *const *texts)
{
    size_t count = 0;
    while (texts[count] != NULL)
        count++;
    gh_cbor_put_array(writer, count);
    for (size_t i = 0; i < count; i++)
        gh_cbor_put_text(writer, texts[i]);
}

static void put_head(struct gh_writer *writer, size_t more)
{
    static const int64_t first[] = {2, 8000, 3000, 604800};
    gh_cbor_put_map(writer, 4 + more);
    for (int64_t key = 1; key <= 4; key++) {
        gh_cbor_put_int(writer, key);
        gh_cbor_put_int(writer, first[key - 1]);
    }
}

static enum gh_status take(const struct gh_writer *writer, struct gh_policy *policy)
{
    struct gh_cbor_reader reader =
        gh_cbor_reader_over((struct gh_bytes){writer->data, writer->size});
    gh_policy_get(&reader, policy);
    enum gh_status status = gh_cbor_finish(&reader);
    if (status != GH_OK)
        return status;
    return gh_policy_misfit(policy) == NULL ? GH_OK : GH_ERR_RANGE;
}

static enum gh_status take_opening(const struct opening_case *one, struct gh_policy *policy)
{
    uint8_t bytes[2048];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    put_head(&writer, 1);
    gh_cbor_put_uint(&writer, 13);
    gh_cbor_put_map(&writer, 2);
    gh_cbor_put_uint(&writer, 1);
    put_texts(&writer, one->hours);
    gh_cbor_put_uint(&writer, 2);
    put_texts(&writer, one->holidays);
    return take(&writer, policy);
}

static void opening_hours_come(void **state)
{
    (void)state;
    static const struct opening_case good = {{"mon-fri 07:30-19:00", "holiday 10:00-24:00"},
                                             {"02-29", "12-25", "2026-12-24"}};
    struct gh_policy policy;
    assert_int_equal(take_opening(&good, &policy), GH_OK);
    assert_int_equal(policy.opening.hours_count, 2);
    assert_int_equal(policy.opening.hours[0].days, 0x1f);
    assert_int_equal(policy.opening.hours[0].from_min, 450);
    assert_int_equal(policy.opening.hours[0].until_min, 1140);
    assert_int_equal(policy.opening.hours[1].days, 1u << GH_DAY_HOLIDAY);
    assert_int_equal(policy.opening.holiday_count, 3);
    assert_int_equal(policy.opening.holidays[0].year, 0);
    assert_int_equal(policy.opening.holidays[2].year, 2026);
}

static void opening_hours_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct opening_case wrong[] = {
        {{""}, {NULL}},
        {{"mon-fri"}, {NULL}},
        {{"fri 7:30-19:00"}, {NULL}},
        /* not in their one spelling */
        {{"mon,tue,wed 07:30-19:00"}, {NULL}},
        {{"mon-tue 07:30-19:00"}, {NULL}},
        {{"sun,mon 07:30-19:00"}, {NULL}},
        {{"mon-fri  07:30-19:00"}, {NULL}},
        {{" mon-fri 07:30-19:00"}, {NULL}},
        {{"mon 22:00-00:00"}, {NULL}},
        {{"mon 07:30-19:00 and all the rest of the day until it is dark outside"}, {NULL}},
        {{NULL}, {"2026-02-29"}},
        {{NULL}, {"0000-12-25"}},
        {{NULL}, {"2026-12-25 "}},
        {{NULL}, {""}},
        {{NULL}, {"2026-12-24", "12-25"}}, /* out of order */
        {{NULL}, {"12-25", "12-24"}},
        {{NULL}, {"12-25", "12-25"}},
    };
    struct gh_policy policy;
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++)
        if (take_opening(&wrong[i], &policy) == GH_OK)
            fail_msg("row %zu", i);
}

/* More than fit, and what only looks so. */
static void counts_are_bounded(void **state)
{
    (void)state;
    static const size_t counts[] = {GH_HOURS_MAX, GH_HOURS_MAX + 1, GH_HOLIDAYS_MAX + 1};
    uint8_t bytes[4096];
    struct gh_policy policy;
    for (size_t i = 0; i < GH_ARRAY_SIZE(counts); i++) {
        struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
        put_head(&writer, 1);
        gh_cbor_put_uint(&writer, 13);
        gh_cbor_put_map(&writer, 2);
        gh_cbor_put_uint(&writer, 1);
        bool hours = i < 2;
        gh_cbor_put_array(&writer, hours ? counts[i] : 0);
        for (size_t j = 0; hours && j < counts[i]; j++)
            gh_cbor_put_text(&writer, "mon-fri 07:30-19:00");
        gh_cbor_put_uint(&writer, 2);
        gh_cbor_put_array(&writer, hours ? 0 : counts[i]);
        for (size_t j = 0; !hours && j < counts[i]; j++)
            gh_cbor_put_text(&writer, "12-25");
        assert_int_equal(take(&writer, &policy), i == 0 ? GH_OK : GH_ERR_INVALID);
        assert_true(policy.opening.hours_count <= GH_HOURS_MAX);
        assert_true(policy.opening.holiday_count <= GH_HOLIDAYS_MAX);
    }
}

/* A map of integers behind the four that must be there. */
static enum gh_status take_map(int64_t key, const int64_t *values, size_t count,
                               struct gh_policy *policy)
{
    uint8_t bytes[256];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    put_head(&writer, 1);
    gh_cbor_put_int(&writer, key);
    gh_cbor_put_map(&writer, count);
    for (size_t i = 0; i < count; i++) {
        gh_cbor_put_uint(&writer, i + 1);
        gh_cbor_put_int(&writer, values[i]);
    }
    return take(&writer, policy);
}

static void movements_and_temperatures_come(void **state)
{
    (void)state;
    struct gh_policy policy;
    assert_int_equal(take_map(14, (const int64_t[]){1, 60}, 2, &policy), GH_OK);
    assert_int_equal(policy.passback.rule, GH_PASSBACK_SOFT);
    assert_int_equal(policy.passback.forgive_s, 60);
    assert_int_equal(take_map(15, (const int64_t[]){1, 42000, 500}, 3, &policy), GH_OK);
    assert_int_equal(policy.temperature.rule, GH_TEMPERATURE_OPTIONAL);
    assert_int_equal(policy.temperature.limit_millic, 42000);
    assert_int_equal(policy.temperature.valid_ms, 500);
    /* A later server says more. */
    assert_int_equal(take_map(14, (const int64_t[]){2, 60, 7}, 3, &policy), GH_OK);
    assert_int_equal(take_map(15, (const int64_t[]){2, 42000, 500, 7, 8}, 5, &policy), GH_OK);
    assert_int_equal(take_map(16, (const int64_t[]){1, 2}, 2, &policy), GH_OK);
    assert_int_equal(policy.temperature.rule, GH_TEMPERATURE_OFF);
}

static void what_is_out_of_range_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t key, values[3];
        size_t count;
    } wrong[] = {
        {14, {3, 60}, 2},
        {14, {-1, 60}, 2},
        {14, {INT64_C(1) << 32, 60}, 2},
        {14, {1, 59}, 2},
        {14, {1, 604801}, 2},
        {14, {1}, 1},
        {15, {3, 37300, 10000}, 3},
        {15, {1, 34999, 10000}, 3},
        {15, {1, 42001, 10000}, 3},
        {15, {1, 37300, 499}, 3},
        {15, {1, 37300, 60001}, 3},
        {15, {1, 37300}, 2},
        {13, {1, 2}, 2},
    };
    struct gh_policy policy;
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++)
        if (take_map(wrong[i].key, wrong[i].values, wrong[i].count, &policy) == GH_OK)
            fail_msg("row %zu", i);
}

/* Whatever is altered on the way: it is refused, or it is a policy that may be. */
static void every_altered_byte_is_met_with_calm(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    struct gh_policy policy = gh_policy_initial(), out;
    assert_int_equal(gh_hours_parse("sat,sun 22:00-02:00", &policy.opening.hours[0], NULL), GH_OK);
    policy.opening.hours_count = 1;
    policy.opening.holidays[0] = (struct gh_holiday){.month = 12, .day = 25};
    policy.opening.holiday_count = 1;
    policy.passback.rule = GH_PASSBACK_HARD;
    policy.temperature.rule = GH_TEMPERATURE_REQUIRED;
    gh_policy_put(&writer, &policy);
    assert_int_equal(take(&writer, &out), GH_OK);
    for (size_t i = 0; i < writer.size; i++) {
        uint8_t kept = bytes[i];
        for (unsigned value = 0; value < 256; value++) {
            bytes[i] = (uint8_t)value;
            (void)take(&writer, &out);
            assert_true(out.opening.hours_count <= GH_HOURS_MAX);
            assert_true(out.opening.holiday_count <= GH_HOLIDAYS_MAX);
        }
        bytes[i] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_hours_come),
        cmocka_unit_test(opening_hours_that_are_none_are_refused),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(movements_and_temperatures_come),
        cmocka_unit_test(what_is_out_of_range_is_refused),
        cmocka_unit_test(every_altered_byte_is_met_with_calm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
