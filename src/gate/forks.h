/* SPDX-License-Identifier: Apache-2.0 */
/* Is this the process that made something, or one that was forked since? Told without a system
 * call, which a child's sandbox might not know. */
#ifndef GATEHOUSE_SRC_GATE_FORKS_H
#define GATEHOUSE_SRC_GATE_FORKS_H

/* How often fork led to this process: another number in a child than in its parent. To be called
 * before the fork for the first time. */
unsigned gh_forks(void);

#endif
