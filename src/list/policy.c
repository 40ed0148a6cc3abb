/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/policy.h"

struct gh_policy gh_policy_initial(void)
{
    return (struct gh_policy){
        .home_rule = GH_HOME_CODE,
        .passage_timeout_ms = 8000,
        .debounce_ms = 3000,
        .list_max_age_s = INT64_C(7) * 24 * 60 * 60,
    };
}
