/* SPDX-License-Identifier: Apache-2.0 */
/* The time zone that opening hours are meant in. */
#ifndef GATEHOUSE_SRC_GATE_TIME_ZONE_H
#define GATEHOUSE_SRC_GATE_TIME_ZONE_H

#include "gatehouse/status.h"

/* "Asia/Shanghai": from now on that of this process (localtime_r), whatever TZ said; "": the
 * board's own stays. Before there are threads, and before the sandbox. GH_ERR_INVALID: no name of a
 * zone; GH_ERR_NOTFOUND: this machine does not know it. */
GH_MUST_CHECK enum gh_status gh_time_zone_use(const char *zone, struct gh_error *err);
/* The same question without an effect. */
GH_MUST_CHECK enum gh_status gh_time_zone_check(const char *zone, struct gh_error *err);

#endif
