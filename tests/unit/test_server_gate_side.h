/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server's API: what a gate makes of it, from the list as it fetches it. */
#ifndef GATEHOUSE_TESTS_SERVER_GATE_SIDE_H
#define GATEHOUSE_TESTS_SERVER_GATE_SIDE_H

#include "test_server_town.h"

#include "test_server_list_http.h"

static inline int64_t town_now(void)
{
    return harness_wall(harness.time) / GH_NS_PER_S;
}

/* The list of now, as a gate has it that begins now; the caller closes it. */
static inline struct gh_list *fetch_list(void)
{
    struct follower *follower = malloc(sizeof(*follower));
    struct gh_public_key *key = list_key_of(&gate);
    assert_non_null(follower);
    begin_following(&harness, follower);
    follow_now(&harness, &gate, follower);
    struct gh_list *list = open_followed(follower, key);
    gh_public_key_free(key);
    free(follower);
    return list;
}

static inline struct gh_credential read_with(struct gh_list *list, const char *code, int64_t at)
{
    struct gh_trust *trust;
    struct gh_credential said;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    gh_code_read(trust, (struct gh_bytes){(const uint8_t *)code, strlen(code)}, at, &said);
    gh_trust_unref(trust);
    return said;
}

static inline struct gh_answers answers_of(struct gh_list *list, const struct gh_credential *health)
{
    struct gh_answers answers;
    assert_int_equal(gh_list_ask(list, health, NULL, &answers), GH_OK);
    return answers;
}

/* A health code on paper of the person's. */
static inline char *issue_code(const char *person, int64_t valid_s)
{
    static char codes[8][1100];
    static unsigned next;
    char *code = codes[next++ % 8];
    json_t *json = admin("POST", pathf("/api/v1/people/%s/health-code", person),
                         pathf("{\"valid_s\":%lld}", (long long)valid_s));
    snprintf(code, sizeof(codes[0]), "%s", text_of(json, "code"));
    json_decref(json);
    return code;
}

#endif
