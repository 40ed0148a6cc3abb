/* SPDX-License-Identifier: Apache-2.0 */
/* What the head of an answer says. easy: a handle whose answer has come, at least its head. */
#ifndef GATEHOUSE_SRC_NET_ANSWER_H
#define GATEHOUSE_SRC_NET_ANSWER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "gatehouse/http.h"

/* Whether its end can be told from a connection that broke. */
bool gh_answer_is_whole(CURL *easy, long status);
/* As struct gh_http_response says. */
int64_t gh_answer_retry_after_s(CURL *easy);
int64_t gh_answer_date_s(CURL *easy);
void gh_answer_content_type(CURL *easy, char out[GH_CONTENT_TYPE_BYTES]);
/* The first byte of the range that a 206 holds; false: it does not say so, or makes no sense. */
bool gh_answer_range(CURL *easy, uint64_t *from);

#endif
