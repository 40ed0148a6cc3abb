/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in of a request: its head, and its body piece by piece. For http.c. */
#ifndef GATEHOUSE_SRC_SERVER_REQUEST_TAKE_H
#define GATEHOUSE_SRC_SERVER_REQUEST_TAKE_H

#include "server/request.h"

#define GH_DRAIN_BYTES (INT64_C(1) << 20) /* of a refused body, so that the answer gets across */

/* What can be said before the body: answered if it is no. */
void gh_request_look(struct gh_request *request, const char *method);

/* Take a piece of the body. False: enough of it, close. */
GH_MUST_CHECK bool gh_request_take(struct gh_request *request, const char *data, size_t size);

#endif
