/* SPDX-License-Identifier: Apache-2.0 */
/* A gate that follows the server's list: what it takes from an answer, into a folder of its own. */
#ifndef GATEHOUSE_TESTS_SERVER_FOLLOW_H
#define GATEHOUSE_TESTS_SERVER_FOLLOW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "code/cbor.h"
#include "gatehouse/list.h"

struct follower {
    char folder[PATH_MAX]; /* of its list; made when there is one */
    struct gh_generation have;
    struct gh_manifest manifest; /* taken last */
    unsigned installed, applied; /* how often */
};

/* An answer, taken apart; all borrowed from it. */
struct list_answer {
    struct gh_bytes manifest;
    struct gh_delta delta;
    struct gh_bytes handovers[8];
    size_t handover_count;
    uint64_t news;
};

static inline struct list_answer take_apart(struct gh_bytes body)
{
    struct list_answer answer = {0};
    struct gh_cbor_reader reader = gh_cbor_reader_over(body);
    assert_int_equal(gh_cbor_array(&reader), 5);
    answer.manifest = gh_cbor_bytes(&reader);
    answer.delta.header = gh_cbor_bytes(&reader);
    answer.delta.records = gh_cbor_bytes(&reader);
    answer.handover_count = gh_cbor_array(&reader);
    assert_true(answer.handover_count <= GH_ARRAY_SIZE(answer.handovers));
    for (size_t i = 0; i < answer.handover_count; i++)
        answer.handovers[i] = gh_cbor_bytes(&reader);
    answer.news = gh_cbor_uint(&reader);
    assert_int_equal(gh_cbor_finish(&reader), GH_OK);
    return answer;
}

static inline struct gh_generation generation_of(const struct gh_manifest *manifest)
{
    struct gh_generation generation = {.number = manifest->generation};
    memcpy(generation.tag, manifest->tag, sizeof(generation.tag));
    return generation;
}

static inline void snapshot_name(const struct gh_manifest *manifest, char out[65])
{
    gh_hex_encode(manifest->snapshot_sha256, GH_SHA256_BYTES, out);
}

/* The answer's manifest, verified. */
static inline void verify_answer(const struct gh_public_key *key, const struct list_answer *answer,
                                 struct gh_manifest *manifest)
{
    struct gh_error err = {0};
    if (gh_manifest_read(key, answer->manifest, manifest, &err) != GH_OK)
        fail_msg("%s", err.text);
}

/* Whether the gate needs the snapshot for this answer. */
static inline bool needs_snapshot(const struct follower *follower, const struct gh_public_key *key,
                                  const struct list_answer *answer,
                                  const struct gh_manifest *manifest)
{
    struct gh_delta_header header;
    const struct gh_generation to = generation_of(manifest);
    if (answer->delta.header.size == 0)
        return !gh_generation_same(&to, &follower->have);
    assert_int_equal(gh_delta_read(key, answer->delta.header, &header, NULL), GH_OK);
    assert_true(gh_generation_same(&header.to, &to));
    if (gh_generation_same(&header.from, &follower->have))
        return false;
    assert_true(gh_generation_same(&header.from, &manifest->snapshot));
    return true;
}

/* Take it as a gate does. snapshot_path: where the manifest's snapshot is. */
static inline void follow(struct follower *follower, const struct gh_public_key *key,
                          struct gh_bytes body, const char *snapshot_path)
{
    struct gh_error err = {0};
    struct list_answer answer = take_apart(body);
    enum gh_status status;
    verify_answer(key, &answer, &follower->manifest);
    if (needs_snapshot(follower, key, &answer, &follower->manifest)) {
        status = gh_list_install(follower->folder, key, answer.manifest, snapshot_path,
                                 &answer.delta, NULL, &err);
        follower->installed++;
    } else if (answer.delta.header.size != 0) {
        status = gh_list_apply(follower->folder, key, answer.manifest, &answer.delta, &err);
        follower->applied++;
    } else {
        status = gh_list_renew(follower->folder, key, answer.manifest, &err);
    }
    if (status != GH_OK)
        fail_msg("%s: %s", gh_status_text(status), err.text);
    follower->have = generation_of(&follower->manifest);
}

static inline struct gh_list *open_followed(const struct follower *follower,
                                            const struct gh_public_key *key)
{
    struct gh_list *list = NULL;
    struct gh_error err = {0};
    if (gh_list_open_latest(follower->folder, key, &list, &err) != GH_OK)
        fail_msg("%s", err.text);
    return list;
}

static inline void digest_of(const struct follower *follower, const struct gh_public_key *key,
                             uint8_t out[GH_SHA256_BYTES])
{
    struct gh_list *list = open_followed(follower, key);
    assert_int_equal(gh_list_digest(list, out), GH_OK);
    gh_list_close(list);
}

static inline struct gh_list_counts counts_of(const struct follower *follower,
                                              const struct gh_public_key *key)
{
    struct gh_list_counts counts;
    struct gh_list *list = open_followed(follower, key);
    assert_int_equal(gh_list_count(list, &counts), GH_OK);
    gh_list_close(list);
    return counts;
}

#endif
