/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's local socket, for whoever stands at the board (`gatehouse gate status`). A Unix stream
 * socket in a folder that says who may come in; a client sends one line, gets one answer, and the
 * connection ends. In the gate's loop, and never in its way: bytes move when they can, few clients
 * at once, each for a few seconds at most. */
#ifndef GATEHOUSE_SRC_GATE_CONTROL_H
#define GATEHOUSE_SRC_GATE_CONTROL_H

#include <systemd/sd-event.h>

#include "gatehouse/bytes.h"
#include "gatehouse/status.h"

#define GH_CONTROL_CLIENTS 8
#define GH_CONTROL_LINE_BYTES 128
#define GH_CONTROL_ANSWER_BYTES 16384
#define GH_CONTROL_PATIENCE_S 5 /* for the question, and for taking the answer */

/* line: what was asked, without its end; printable ASCII. Appends the answer, which is cut off at
 * GH_CONTROL_ANSWER_BYTES. */
typedef void gh_control_answer_fn(void *context, const char *line, struct gh_writer *answer);

struct gh_control; /* opaque */

/* Listens at path (mode 0660); a socket that was left there is replaced, anything else is not:
 * GH_ERR_EXISTS. GH_ERR_TOOBIG (the path), GH_ERR_NOTFOUND (its folder), GH_ERR_DENIED, said in
 * err. */
GH_MUST_CHECK enum gh_status gh_control_new(sd_event *event, const char *path,
                                            gh_control_answer_fn *answer, void *context,
                                            struct gh_control **out, struct gh_error *err);
void gh_control_free(struct gh_control *control); /* removes the socket; NULL is fine */

#endif
