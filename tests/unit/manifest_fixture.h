/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest to write, and the keys that sign. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_MANIFEST_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_MANIFEST_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "gatehouse/list.h"
#include "list_keys_fixture.h"

static const char aad[] = "gatehouse list manifest v1";

static struct gh_private_key *p256_key;

static inline struct gh_issuer_key issuer_of(enum gh_key_type type, const char *name)
{
    struct gh_private_key *key;
    struct gh_public_key *public_key;
    struct gh_issuer_key issuer = {.type = type,
                                   .purposes = GH_PURPOSE(GH_KIND_HEALTH),
                                   .not_before_s = -5,
                                   .not_after_s = INT64_MAX};
    assert_int_equal(gh_private_key_generate(type, &key), GH_OK);
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    issuer.raw_bytes = gh_public_key_raw(public_key, issuer.raw);
    snprintf(issuer.issuer, sizeof(issuer.issuer), "%s", name);
    gh_public_key_free(public_key);
    gh_private_key_free(key);
    return issuer;
}

static inline struct gh_manifest sample(void)
{
    static struct gh_issuer_key keys[2];
    if (keys[0].raw_bytes == 0) {
        keys[0] = issuer_of(GH_KEY_ED25519, "Amt f\xc3\xbcr Gesundheit");
        keys[1] = issuer_of(GH_KEY_P256, "");
        keys[1].purposes = GH_PURPOSE(GH_KIND_HOUSING) | GH_PURPOSE(GH_KIND_STAFF);
    }
    struct gh_manifest manifest = {.area = "North quarter",
                                   .generation = 41,
                                   .issued_at_s = 1583046000,
                                   .snapshot_bytes = 12345,
                                   .policy = gh_policy_initial(),
                                   .key_count = 2};
    memset(manifest.snapshot_sha256, 0xa5, sizeof(manifest.snapshot_sha256));
    memset(manifest.tag, 0x77, sizeof(manifest.tag));
    manifest.snapshot.number = 40;
    memset(manifest.snapshot.tag, 0x66, sizeof(manifest.snapshot.tag));
    memset(manifest.holder_secret, 0x5e, sizeof(manifest.holder_secret));
    manifest.keys[0] = keys[0];
    manifest.keys[1] = keys[1];
    manifest.keys[1].revoked = true;
    return manifest;
}

static inline void set_rule(struct gh_policy *policy, size_t index, const char *text)
{
    struct gh_error err = {0};
    if (gh_rule_parse(text, &policy->rules[index], &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    policy->rule_count = index + 1;
}

static inline struct gh_bytes view(const struct gh_writer *writer)
{
    return (struct gh_bytes){.data = writer->data, .size = writer->size};
}

static inline void assert_refused(const struct gh_public_key *key, struct gh_bytes bytes,
                                  enum gh_status expected)
{
    static const struct gh_manifest zero;
    struct gh_manifest out;
    struct gh_error err = {0};
    memset(&out, 0xff, sizeof(out));
    assert_int_equal(gh_manifest_read(key, bytes, &out, &err), expected);
    assert_int_equal(err.status, expected);
    assert_true(strlen(err.text) > 0);
    assert_memory_equal(&out, &zero, sizeof(out));
}

static inline int make_all_keys(void **state)
{
    return make_keys(state) != 0 || gh_private_key_generate(GH_KEY_P256, &p256_key) != GH_OK;
}

static inline int free_all_keys(void **state)
{
    gh_private_key_free(p256_key);
    return free_keys(state);
}

#endif
