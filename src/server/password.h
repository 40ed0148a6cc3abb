/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords: Argon2id (libsodium crypto_pwhash_str) at the INTERACTIVE limits, 64 MiB and two
 * passes: about 0.1 s on a small server, some 0.5 s on a Raspberry Pi. MODERATE wants 256 MiB,
 * which a board with 512 MB cannot spare, and holds up the one thread for seconds. What keeps
 * guessing slow is throttle.h. */
#ifndef GATEHOUSE_SRC_SERVER_PASSWORD_H
#define GATEHOUSE_SRC_SERVER_PASSWORD_H

#include <stdbool.h>

#include "server/db.h"

#define GH_PASSWORD_MIN_BYTES 10 /* of one that a person chooses */
#define GH_PASSWORD_MAX_BYTES 1024
#define GH_ONE_TIME_PASSWORD_BYTES 20 /* xxxx-xxxx-xxxx-xxxx and its NUL: 80 random bits */

/* libsodium; before anything else of it. */
GH_MUST_CHECK enum gh_status gh_password_init(void);
/* GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_password_hash(const char *password,
                                              char out[GH_PASSWORD_HASH_BYTES]);
/* hash NULL (an unknown user): the same work, and false. */
bool gh_password_check(const char *hash, const char *password);
void gh_password_one_time(char out[GH_ONE_TIME_PASSWORD_BYTES]);

#endif
