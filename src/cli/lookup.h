/* SPDX-License-Identifier: Apache-2.0 */
/* From what a person types to an identifier. An identifier (16 lower-case hex digits) stands for
 * itself and costs no question. */
#ifndef GATEHOUSE_SRC_CLI_LOOKUP_H
#define GATEHOUSE_SRC_CLI_LOOKUP_H

#include "cli/client.h"
#include "gatehouse/bytes.h"

/* A person: an identifier, a reference, or `ref:` and a reference. GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_find_person(struct gh_client *client, const char *word,
                                            char id[GH_ID_TEXT_BYTES], struct gh_error *err);

/* A home: an identifier, or its address as it was applied for. GH_ERR_NOTFOUND, GH_ERR_EXISTS when
 * several have this address. */
GH_MUST_CHECK enum gh_status gh_find_home(struct gh_client *client, const char *word,
                                          char id[GH_ID_TEXT_BYTES], struct gh_error *err);

/* A gate: an identifier, or its name, likewise. */
GH_MUST_CHECK enum gh_status gh_find_gate(struct gh_client *client, const char *word,
                                          char id[GH_ID_TEXT_BYTES], struct gh_error *err);

/* Open the session and find one by one of these: what many commands begin with. The client is the
 * caller's to close, whatever comes of it. */
typedef enum gh_status gh_find_fn(struct gh_client *client, const char *word,
                                  char id[GH_ID_TEXT_BYTES], struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_open_and_find(struct gh_client *client, gh_find_fn *find,
                                              const char *word, char id[GH_ID_TEXT_BYTES],
                                              struct gh_error *err);

/* Ask page after page of `path` (its query so far, if any, included; not `after`, which begins with
 * the argument, NULL: at the start) and hand each element of the
 * array `member` to each, until there are no more or each fails. */
GH_MUST_CHECK enum gh_status
gh_each_page(struct gh_client *client, const char *path, const char *after, const char *member,
             enum gh_status (*each)(void *context, const json_t *element, struct gh_error *err),
             void *context, struct gh_error *err);

#endif
