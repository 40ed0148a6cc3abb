/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/hours.h"

enum gh_status gh_hours_parse(const char *text, struct gh_hours *out, struct gh_error *err)
{
    *out = (struct gh_hours){0};
    return gh_fail(err, GH_ERR_UNSUPPORTED, "%.60s: hours are not there yet", text);
}

enum gh_status gh_hours_format(const struct gh_hours *hours, char out[GH_HOURS_TEXT_BYTES])
{
    (void)hours;
    out[0] = '\0';
    return GH_ERR_UNSUPPORTED;
}

enum gh_status gh_holiday_parse(const char *text, struct gh_holiday *out, struct gh_error *err)
{
    *out = (struct gh_holiday){0};
    return gh_fail(err, GH_ERR_UNSUPPORTED, "%.60s: holidays are not there yet", text);
}

enum gh_status gh_holiday_format(const struct gh_holiday *holiday, char out[GH_HOLIDAY_TEXT_BYTES])
{
    (void)holiday;
    out[0] = '\0';
    return GH_ERR_UNSUPPORTED;
}

bool gh_opening_is_open(const struct gh_opening *opening, const struct gh_local_time *at)
{
    (void)at;
    return opening->hours_count > GH_HOURS_MAX;
}
