/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server: the list, as a gate fetches it over HTTP. */
#ifndef GATEHOUSE_TESTS_SERVER_LIST_HTTP_H
#define GATEHOUSE_TESTS_SERVER_LIST_HTTP_H

#include "test_server_follow.h"
#include "test_server_harness.h"

/* The verifying key in the gate's enrolment code; the caller frees it. */
static inline struct gh_public_key *list_key_of(const struct test_gate *who)
{
    struct gh_enrolment enrolment;
    struct gh_public_key *key;
    const struct gh_bytes code = {(const uint8_t *)who->code, strlen(who->code)};
    (void)gh_enrolment_read(code, 0, &enrolment);
    const struct gh_bytes raw = {enrolment.list_key, sizeof(enrolment.list_key)};
    assert_int_equal(gh_public_key_from_raw(GH_KEY_ED25519, raw, &key), GH_OK);
    return key;
}

#define LIST_PATH_BYTES 160
static inline void list_path(const struct gh_generation *have, int wait_s, const char *boot,
                             char out[LIST_PATH_BYTES])
{
    char tag[2 * GH_LIST_TAG_BYTES + 1];
    gh_hex_encode(have->tag, sizeof(have->tag), tag);
    snprintf(out, LIST_PATH_BYTES, "/api/v1/list?generation=%llu&tag=%s&wait_s=%d%s%s",
             (unsigned long long)have->number, tag, wait_s, boot != NULL ? "&boot=" : "",
             boot != NULL ? boot : "");
}

/* The answer is the caller's. */
static inline void fetch_list_answer(const struct harness *at, const struct test_gate *who,
                                     const struct gh_generation *have, int wait_s,
                                     struct answer *answer)
{
    char path[LIST_PATH_BYTES];
    list_path(have, wait_s, NULL, path);
    const struct call call = {.method = "GET", .path = path, .token = who->bearer};
    assert_int_equal(harness_perform(at, &call, answer), CURLE_OK);
    if (answer->status != 200)
        fail_msg("%ld: %s", answer->status, answer->body);
    assert_string_equal(answer_header(answer, "Content-Type"), "application/cbor");
}

/* The newest manifest, verified; lives until the next call. */
static inline const struct gh_manifest *manifest_now(const struct harness *at,
                                                     const struct test_gate *who)
{
    static const struct gh_generation nothing;
    static struct gh_manifest manifest;
    struct answer answer;
    struct gh_public_key *key = list_key_of(who);
    fetch_list_answer(at, who, &nothing, 0, &answer);
    const struct list_answer list =
        take_apart((struct gh_bytes){(const uint8_t *)answer.body, answer.size});
    verify_answer(key, &list, &manifest);
    gh_public_key_free(key);
    answer_free(&answer);
    return &manifest;
}

static inline void fetch_snapshot(const struct harness *at, const struct gh_manifest *manifest,
                                  const char *path)
{
    char name[2 * GH_SHA256_BYTES + 1], url[128];
    struct answer answer;
    uint8_t hash[GH_SHA256_BYTES];
    snapshot_name(manifest, name);
    snprintf(url, sizeof(url), "/api/v1/list/snapshots/%s", name);
    const struct call call = {.method = "GET", .path = url};
    assert_int_equal(harness_perform(at, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/zstd");
    assert_string_equal(answer_header(&answer, "Cache-Control"),
                        "public, max-age=31536000, immutable");
    assert_int_equal(answer.size, manifest->snapshot_bytes);
    gh_sha256((struct gh_bytes){(const uint8_t *)answer.body, answer.size}, hash);
    assert_memory_equal(hash, manifest->snapshot_sha256, GH_SHA256_BYTES);
    assert_int_equal(gh_file_replace(path, 0600, answer.body, answer.size, NULL), GH_OK);
    answer_free(&answer);
}

/* Take an answer as a gate does, fetching the snapshot that it needs. */
static inline void follow_answer(const struct harness *at, const struct test_gate *who,
                                 struct follower *follower, const struct answer *answer)
{
    struct gh_public_key *key = list_key_of(who);
    struct gh_manifest *manifest = malloc(sizeof(*manifest));
    const struct gh_bytes body = {(const uint8_t *)answer->body, answer->size};
    char path[PATH_MAX];
    assert_non_null(manifest);
    const struct list_answer list = take_apart(body);
    verify_answer(key, &list, manifest);
    snprintf(path, sizeof(path), "%s/fetched", at->folder);
    if (needs_snapshot(follower, key, &list, manifest))
        fetch_snapshot(at, manifest, path);
    follow(follower, key, body, path);
    free(manifest);
    gh_public_key_free(key);
}

/* Ask for what has changed, and take it. */
static inline void follow_now(const struct harness *at, const struct test_gate *who,
                              struct follower *follower)
{
    struct answer answer;
    fetch_list_answer(at, who, &follower->have, 0, &answer);
    follow_answer(at, who, follower, &answer);
    answer_free(&answer);
}

/* A gate without a list. */
static inline void begin_following(const struct harness *at, struct follower *follower)
{
    static unsigned next;
    memset(follower, 0, sizeof(*follower));
    snprintf(follower->folder, sizeof(follower->folder), "%s/gate-%u", at->folder, next++);
}

#endif
