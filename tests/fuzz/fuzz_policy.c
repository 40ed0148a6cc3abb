/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest's policy as it comes, and the texts of hours and holidays in it, by themselves: what
 * is taken has one spelling, and is one that may be. */
#include "fuzz.h"
#include "list/policy.h"

static enum gh_status read_policy(struct gh_bytes input, struct gh_policy *policy)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(input);
    gh_policy_get(&reader, policy);
    enum gh_status status = gh_cbor_finish(&reader);
    if (status != GH_OK)
        return status;
    return gh_policy_misfit(policy) == NULL ? GH_OK : GH_ERR_RANGE;
}

/* All its moments of one day, and of the days around it. */
static void ask(const struct gh_opening *opening, const uint8_t *data, size_t size)
{
    struct gh_local_time at = {.year = 2026, .month = 12, .day = 25};
    if (size >= 4)
        at = (struct gh_local_time){data[0] * 40, data[1], data[2], data[3] * 6};
    for (at.minute = -1; at.minute <= 1440; at.minute += 61)
        (void)gh_opening_is_open(opening, &at);
}

static void check_policy(struct gh_bytes input)
{
    static uint8_t first[65536], second[65536];
    struct gh_writer one = gh_writer_over(first, sizeof(first));
    struct gh_writer two = gh_writer_over(second, sizeof(second));
    struct gh_policy policy, again;
    if (read_policy(input, &policy) != GH_OK)
        return;
    ask(&policy.opening, input.data, input.size);
    gh_policy_put(&one, &policy);
    fuzz_require(!one.overflow);
    fuzz_require(read_policy((struct gh_bytes){one.data, one.size}, &again) == GH_OK);
    gh_policy_put(&two, &again);
    fuzz_require(two.size == one.size && memcmp(first, second, one.size) == 0);
}

static void check_texts(const char *text)
{
    struct gh_opening opening = {.hours_count = 1, .holiday_count = 1};
    struct gh_hours hours;
    struct gh_holiday holiday;
    char spelling[GH_HOURS_TEXT_BYTES], day[GH_HOLIDAY_TEXT_BYTES];
    if (gh_hours_parse(text, &opening.hours[0], NULL) == GH_OK) {
        fuzz_require(gh_hours_format(&opening.hours[0], spelling) == GH_OK);
        fuzz_require(gh_hours_parse(spelling, &hours, NULL) == GH_OK);
        fuzz_require(memcmp(&hours, &opening.hours[0], sizeof(hours)) == 0);
    }
    if (gh_holiday_parse(text, &holiday, NULL) == GH_OK) {
        fuzz_require(gh_holiday_format(&holiday, day) == GH_OK);
        fuzz_require(strcmp(day, text) == 0);
        opening.holidays[0] = holiday;
    }
    ask(&opening, (const uint8_t *)text, strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_policy((struct gh_bytes){data, size});
    check_texts(text);
    free(text);
    return 0;
}
