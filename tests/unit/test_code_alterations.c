/* SPDX-License-Identifier: Apache-2.0 */
/* Every bit of every kind of our codes, in the text and in the bytes that it stands for: whatever
 * is altered, it is no longer a code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "code_fixture.h"

static struct gh_private_key *list_key;

static int setup_list(void **state)
{
    list_key = load_key(VECTORS "/list.ed25519.key");
    return setup(state);
}

static int teardown_list(void **state)
{
    gh_private_key_free(list_key);
    return teardown(state);
}

static void write_enrolment(char out[TEXT_BYTES])
{
    struct gh_enrolment enrolment = {.gate = HOME,
                                     .url = "https://gate.example",
                                     .token = {1, 2, 3},
                                     .issued_at_s = IAT,
                                     .expires_at_s = EXP};
    struct gh_public_key *key = NULL;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    assert_int_equal(gh_private_key_public(list_key, &key), GH_OK);
    gh_public_key_raw(key, raw);
    memcpy(enrolment.list_key, raw, sizeof(enrolment.list_key));
    gh_public_key_free(key);
    assert_int_equal(gh_enrolment_write(list_key, &enrolment, out, TEXT_BYTES), GH_OK);
}

/* Which reasons the altered codes were refused for. */
struct tally {
    int of[GH_REASON_COUNT];
};

static void refused(const char *text, size_t size, struct tally *tally)
{
    struct gh_credential credential;
    gh_code_read(trust, (struct gh_bytes){(const uint8_t *)text, size}, NOW, &credential);
    assert_says_nothing(&credential);
    tally->of[credential.reason]++;
}

static struct tally every_bit_of_the_text(const char *text)
{
    struct tally tally = {{0}};
    char altered[TEXT_BYTES];
    size_t size = strlen(text);
    memcpy(altered, text, size + 1);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        altered[bit / 8] ^= (char)(1u << bit % 8);
        refused(altered, size, &tally);
        altered[bit / 8] ^= (char)(1u << bit % 8);
    }
    return tally;
}

static struct tally every_bit_of_the_bytes(const char *text)
{
    struct tally tally = {{0}};
    struct decoded decoded;
    char prefix[TEXT_BYTES], altered[TEXT_BYTES];
    snprintf(prefix, sizeof(prefix), "%.*s", (int)(body_of(text) - text), text);
    decode(text, &decoded);
    encode_as(prefix, decoded.data, decoded.size, altered);
    assert_string_equal(altered, text); /* the way back is the way */
    for (size_t bit = 0; bit < 8 * decoded.size; bit++) {
        decoded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused(altered, encode_as(prefix, decoded.data, decoded.size, altered), &tally);
        decoded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return tally;
}

static struct tally check(const char *text)
{
    assert_int_equal(read_text(text).reason, GH_REASON_OK);
    every_bit_of_the_text(text);
    return every_bit_of_the_bytes(text);
}

/* --- kinds ----------------------------------------------------------------------------------- */

static void check_issued(enum gh_kind kind)
{
    const struct gh_private_key *const issuers[] = {issuer_key, p256_key};
    for (size_t i = 0; i < GH_ARRAY_SIZE(issuers); i++) {
        struct gh_claims claims = claims_of(kind);
        char text[TEXT_BYTES];
        write_code(issuers[i], &claims, text);
        struct tally tally = check(text);
        /* The 64 bits of the key's id; the signature's; claims that stay well formed. */
        assert_int_equal(tally.of[GH_REASON_FOREIGN], 64);
        assert_true(tally.of[GH_REASON_FORGED] + tally.of[GH_REASON_SIGNATURE_RANGE] >= 512 + 64);
        assert_true(tally.of[GH_REASON_MALFORMED] > 50);
        assert_true(tally.of[GH_REASON_BAD_ALGORITHM] >= 4);
        assert_int_equal(tally.of[GH_REASON_WRONG_ALGORITHM], 1); /* 0x26 and 0x27 */
    }
}

static void test_health_on_paper(void **state)
{
    (void)state;
    check_issued(GH_KIND_HEALTH);
}

static void test_housing(void **state)
{
    (void)state;
    check_issued(GH_KIND_HOUSING);
}

static void test_visitor(void **state)
{
    (void)state;
    check_issued(GH_KIND_VISITOR);
}

static void test_staff(void **state)
{
    (void)state;
    check_issued(GH_KIND_STAFF);
}

/* As a browser spells it; a host of digits, which has no case; of one letter. */
static void test_other_links(void **state)
{
    (void)state;
    static const char *const hosts[] = {"gate.example:8443", "10.0.0.1", "h"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(hosts); i++) {
        struct gh_claims claims = claims_of(GH_KIND_HOUSING);
        char text[TEXT_BYTES];
        claims.host = hosts[i];
        write_code(issuer_key, &claims, text);
        check(text);
        memcpy(text, "https://", 8);
        memcpy(text + 8, hosts[i], strlen(hosts[i]));
        check(text);
    }
}

static void test_enrolment(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_enrolment(text);
    struct tally tally = check(text);
    assert_true(tally.of[GH_REASON_FORGED] >= 512 + 128);
    assert_true(tally.of[GH_REASON_WRONG_KEY] >= 64);
}

static void check_presentation(const struct gh_private_key *issuer,
                               const struct gh_private_key *phone)
{
    char text[TEXT_BYTES];
    write_presentation(issuer, phone, NOW, text);
    struct tally tally = check(text);
    assert_int_equal(tally.of[GH_REASON_FOREIGN], 64);
    /* Both signatures and both payloads */
    assert_true(tally.of[GH_REASON_FORGED] + tally.of[GH_REASON_SIGNATURE_RANGE] >= 1024 + 128);
    assert_int_equal(tally.of[GH_REASON_WRONG_ALGORITHM], 2);
}

static void test_presentations(void **state)
{
    (void)state;
    check_presentation(issuer_key, phone_key);
    check_presentation(issuer_key, phone_p256_key);
}

static void test_presentations_by_es256(void **state)
{
    (void)state;
    check_presentation(p256_key, phone_key);
    check_presentation(p256_key, phone_p256_key);
}

/* A bare code that is bound to a phone is nothing to begin with: at least nothing is made of it. */
static void test_bound_code(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_bound(issuer_key, phone_key, text);
    every_bit_of_the_text(text);
    every_bit_of_the_bytes(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_on_paper), cmocka_unit_test(test_housing),
        cmocka_unit_test(test_visitor),         cmocka_unit_test(test_staff),
        cmocka_unit_test(test_other_links),     cmocka_unit_test(test_enrolment),
        cmocka_unit_test(test_presentations),   cmocka_unit_test(test_presentations_by_es256),
        cmocka_unit_test(test_bound_code),
    };
    return cmocka_run_group_tests(tests, setup_list, teardown_list);
}
