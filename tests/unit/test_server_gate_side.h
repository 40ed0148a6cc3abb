/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server's API: what a gate makes of it, from the list as it fetches it. */
#ifndef GATEHOUSE_TESTS_SERVER_GATE_SIDE_H
#define GATEHOUSE_TESTS_SERVER_GATE_SIDE_H

#include "test_server_town.h"

#include "gatehouse/list.h"

static inline int64_t town_now(void)
{
    return harness_wall(harness.time) / GH_NS_PER_S;
}

static inline struct gh_public_key *list_key(void)
{
    struct gh_enrolment enrolment;
    struct gh_public_key *key;
    assert_int_equal(
        gh_enrolment_read((struct gh_bytes){(const uint8_t *)gate.code, strlen(gate.code)},
                          gh_clock_wall_s(gh_clock_system()), &enrolment),
        GH_REASON_OK);
    assert_int_equal(
        gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){enrolment.list_key, 32}, &key),
        GH_OK);
    return key;
}

static inline void fetch(const char *path, struct answer *answer)
{
    const struct call call = {.method = "GET", .path = path, .token = gate.bearer};
    assert_int_equal(harness_perform(&harness, &call, answer), CURLE_OK);
    assert_int_equal(answer->status, 200);
}

/* The list of now, in a file of its own; the caller closes it. */
static inline struct gh_list *fetch_list(void)
{
    struct answer manifest, snapshot;
    struct gh_manifest read;
    struct gh_list *list = NULL;
    struct gh_error err = {0};
    char name[2 * GH_SHA256_BYTES + 1];
    const char *path = in_folder(&harness, "gate-list.db");
    struct gh_public_key *key = list_key();
    fetch("/api/v1/list/manifest", &manifest);
    const struct gh_bytes bytes = {(const uint8_t *)manifest.body, manifest.size};
    if (gh_manifest_read(key, bytes, &read, &err) != GH_OK)
        fail_msg("%s", err.text);
    gh_hex_encode(read.snapshot_sha256, GH_SHA256_BYTES, name);
    fetch(pathf("/api/v1/list/snapshots/%s", name), &snapshot);
    (void)unlink(path);
    if (gh_list_build(path, key, bytes,
                      (struct gh_bytes){(const uint8_t *)snapshot.body, snapshot.size},
                      &err) != GH_OK ||
        gh_list_open(path, key, &list, &err) != GH_OK)
        fail_msg("%s", err.text);
    answer_free(&manifest);
    answer_free(&snapshot);
    gh_public_key_free(key);
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
