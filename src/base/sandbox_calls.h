/* SPDX-License-Identifier: Apache-2.0 */
/* The half of the sandbox that is about system calls. Only this file's body knows libseccomp. */
#ifndef GATEHOUSE_SRC_BASE_SANDBOX_CALLS_H
#define GATEHOUSE_SRC_BASE_SANDBOX_CALLS_H

#include <stdbool.h>

#include "gatehouse/status.h"

/* From now on, for all threads: what is not on the list does not exist (ENOSYS), and who calls what
 * no honest part of these programs ever does is killed. GH_ERR_NOTFOUND: the kernel has no
 * seccomp, or whoever started the program does not let it.
 */
GH_MUST_CHECK enum gh_status gh_sandbox_calls(bool keeper, struct gh_error *err);

#endif
