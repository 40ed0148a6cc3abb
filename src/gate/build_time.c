/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate.h"

int64_t gh_build_time_s(void)
{
    return GH_BUILD_TIME_S;
}
