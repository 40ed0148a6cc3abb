/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the health authority, through the server, about codes that the gate cannot verify by itself
 * (docs/protocol.md, section 6). In a thread and over a connection of its own, so that neither
 * lists nor entries delay it, nor it them. What was asked comes back through a queue within the
 * policy's deadline, whatever the network does. A code's text is kept no longer than its question
 * is open, and wiped then. */
#ifndef GATEHOUSE_SRC_GATE_INQUIRY_H
#define GATEHOUSE_SRC_GATE_INQUIRY_H

#include "gate/courier.h"
#include "gatehouse/credential.h"
#include "gatehouse/policy.h"

#define GH_INQUIRY_QUESTIONS_MAX 4
#define GH_INQUIRY_MEMORY_MS 10000   /* how long the authority's word is remembered, */
#define GH_INQUIRY_UNREACHED_MS 2000 /* and that there was none */

struct gh_inquiry; /* opaque */

struct gh_inquiry_options {
    const char *ca_file; /* borrowed, like all pointers here; all outlive the inquiry */
    bool allow_insecure;
    const struct gh_clock *clock;
    struct gh_queue *answers; /* of struct gh_credential, room for at least 16 */
    gh_connect_fn *connect;   /* gh_http_new, or a fake's */
};

/* Not started: for tests, which call gh_inquiry_turn themselves. Until there are both an identity
 * that is enrolled and a policy that names prefixes, nothing is asked. */
GH_MUST_CHECK enum gh_status gh_inquiry_new(const struct gh_inquiry_options *options,
                                            struct gh_inquiry **out, struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_inquiry_start(struct gh_inquiry *inquiry, struct gh_error *err);
/* Answer what was asked until now. */
void gh_inquiry_turn(struct gh_inquiry *inquiry);
/* Cancels a running question, waits for the thread if there is one, frees. NULL is fine. */
void gh_inquiry_stop(struct gh_inquiry *inquiry);

/* --- from any thread; none blocks --- */

/* Whose server is asked, with which bearer. Copied. */
void gh_inquiry_set_identity(struct gh_inquiry *inquiry, const struct gh_identity *identity);
/* From the next question on. */
void gh_inquiry_set_policy(struct gh_inquiry *inquiry, const struct gh_upstream_policy *policy);

/* A code was seen, and read as *as_read. false: it is not to be asked about, as_read stands (nobody
 * may be asked, no prefix fits, it was verified or is one of ours, its form is broken, or
 * GH_INQUIRY_QUESTIONS_MAX are open). true: exactly one answer follows in the queue for all
 * sightings (by as_read->identity) while its question is open, and one for each sighting while it
 * is remembered: *as_read but for
 * - valid: reason OK, authentic, upstream, the authority's colour; subject, if it knows the holder,
 * a keyed hash; issued_at_s now; expires_at_s as it says;
 * - invalid: reason UPSTREAM_REFUSED;
 * - not known to the authority: nothing, as_read stands;
 * - no answer in time: reason UPSTREAM_UNREACHABLE, or by GH_OFFLINE_DENY nothing, as_read stands.
 */
bool gh_inquiry_ask(struct gh_inquiry *inquiry, struct gh_bytes text,
                    const struct gh_credential *as_read);

#endif
