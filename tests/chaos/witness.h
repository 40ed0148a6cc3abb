/* SPDX-License-Identifier: Apache-2.0 */
/* The witness: a gate without a door, which the server knows as any other. It fetches the list as
 * it is, whole, into an empty folder, so that a gate's list, which came in many steps and through
 * every kind of trouble, can be compared with it. */
#ifndef GATEHOUSE_TESTS_WITNESS_H
#define GATEHOUSE_TESTS_WITNESS_H

#include "gatehouse/list.h"

/* The list in a gate's state folder, opened as the gate does it: under its list key, or, where a
 * new key was written down and no list by it has come yet, the pinned generation under the one
 * before. As gh_list_open_latest. */
GH_MUST_CHECK enum gh_status witness_open_list(const char *state, struct gh_list **out,
                                               struct gh_error *err);

/* Enrols at url with the enrolment code in the file; its identity goes to the folder (made). Exit
 * codes. */
int witness_enrol(const char *code_file, const char *folder, const char *url);

/* Waits until the gate whose state folder this is has the list of the server at url, whose own
 * folder is town, at most so many seconds. Then compares three: what the gate has; what the witness
 * makes of the server's newest snapshot and the delta that leads on from there; and what a snapshot
 * made now out of the database holds. 0: the same; 1: not, said on standard output. What the
 * witness was given stays in its folder: `answer` and `snapshot`. */
int witness_compare(const char *state, const char *folder, const char *url, const char *town,
                    int seconds);

#endif
