/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the health authority about codes that gates cannot verify (docs/protocol.md, section 6).
 * A few threads of its own do it, so that a slow authority delays nobody else; all functions here
 * are for the server's thread. Neither a code's text nor the authority's word for its holder is
 * ever logged or kept. */
#ifndef GATEHOUSE_SRC_SERVER_UPSTREAM_H
#define GATEHOUSE_SRC_SERVER_UPSTREAM_H

#include "gatehouse/clock.h"
#include "gatehouse/colour.h"
#include "gatehouse/http.h"
#include "gatehouse/trust.h"
#include "server/settings.h"

#define GH_UPSTREAM_WAITING_MAX 64

enum gh_verdict {
    GH_VERDICT_UNKNOWN = 0, /* the authority does not know such a code */
    GH_VERDICT_VALID,
    GH_VERDICT_INVALID,
};
const char *gh_verdict_name(enum gh_verdict verdict); /* "unknown", "valid", "invalid" */

struct gh_upstream_answer {
    /* GH_OK; GH_ERR_TIMEOUT; GH_ERR_NETWORK: not reached, or broke off; GH_ERR_REFUSED: another
     * HTTP status than 200; GH_ERR_CORRUPT: not an answer; GH_ERR_TOOBIG; GH_ERR_NOMEM;
     * GH_ERR_AGAIN: called off. But for GH_OK all that follows is 0. */
    enum gh_status status;
    enum gh_verdict verdict;
    enum gh_colour colour; /* of VALID, else GH_COLOUR_NONE */
    gh_id subject;         /* of VALID: a keyed hash of the holder; 0: not said */
    int64_t expires_at_s;  /* of VALID; 0: not said */
};

struct gh_upstream; /* opaque */
struct gh_question; /* opaque: one that is open */

/* Called once for each question, by gh_upstream_deliver or gh_upstream_free. */
typedef void gh_upstream_done_fn(void *context, const struct gh_upstream_answer *answer);

/* settings with a url; its token is read here. holder_secret is copied; clock outlives it. Connects
 * when something is asked, and not before. */
GH_MUST_CHECK enum gh_status gh_upstream_new(const struct gh_upstream_settings *settings,
                                             int64_t deadline_ms,
                                             const uint8_t holder_secret[GH_HOLDER_SECRET_BYTES],
                                             const struct gh_clock *clock, struct gh_upstream **out,
                                             struct gh_error *err);
/* What is open is called off, and delivered. NULL is fine. */
void gh_upstream_free(struct gh_upstream *upstream);

/* Never blocks. text is copied: one that gh_upstream_may_ask. The deadline runs from here.
 * GH_ERR_BUSY: GH_UPSTREAM_WAITING_MAX wait already; GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_upstream_ask(struct gh_upstream *upstream, struct gh_bytes text,
                                             gh_upstream_done_fn *done, void *context,
                                             struct gh_question **out);
/* Nobody waits for it any more: done is not called. */
void gh_upstream_forget(struct gh_question *question);

int gh_upstream_fd(const struct gh_upstream *upstream); /* readable: deliver */
void gh_upstream_deliver(struct gh_upstream *upstream);

/* --- pure, for tests --- */

/* What an HTTP answer says. secret as above. */
struct gh_upstream_answer gh_upstream_read(const struct gh_http_response *response,
                                           const uint8_t secret[GH_HOLDER_SECRET_BYTES],
                                           int64_t now_s);
/* What stands for a holder: never 0. */
gh_id gh_upstream_subject(const uint8_t secret[GH_HOLDER_SECRET_BYTES], struct gh_bytes holder);

#endif
