/* SPDX-License-Identifier: Apache-2.0 */
/* The list key, and how another one follows it. Number 0 is list.pem; number N is list-N.pem, and
 * handover-N holds what number N - 1 has signed for it: whoever trusts that one trusts this one.
 * The handover is durable before the new key signs anything, and only then the old private half
 * goes. */
#ifndef GATEHOUSE_SRC_SERVER_LIST_KEY_H
#define GATEHOUSE_SRC_SERVER_LIST_KEY_H

#include "server/keys.h"

#define GH_LIST_KEY_ROTATIONS 63 /* in a server's life: each answer to a gate holds all of them */

/* Load list, list_raw and handovers of *keys (its folder counts); finish what a crash broke off.
 * create: the first one is made. */
GH_MUST_CHECK enum gh_status gh_list_key_open(struct gh_server_keys *keys, bool create,
                                              struct gh_error *err);
/* A new one in place of the list key, at once. Nobody may hold keys->list. GH_ERR_TOOBIG:
 * GH_LIST_KEY_ROTATIONS there were; else as writing the files: the old one goes on. */
GH_MUST_CHECK enum gh_status gh_list_key_rotate(struct gh_server_keys *keys, const char *area,
                                                struct gh_error *err);

#endif
