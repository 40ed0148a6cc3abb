/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "code_fixture.h"

/* --- damage ---------------------------------------------------------------------------------- */

static void test_every_cut(void **state)
{
    (void)state;
    static const enum gh_kind kinds[] = {GH_KIND_HEALTH, GH_KIND_HOUSING};
    for (size_t i = 0; i < GH_ARRAY_SIZE(kinds); i++) {
        char text[TEXT_BYTES];
        write_kind(kinds[i], text);
        for (size_t size = 0; size < strlen(text); size++) {
            struct gh_credential credential = read_bytes(trust, text, size, NOW);
            assert_says_nothing(&credential);
            assert_true(credential.reason == GH_REASON_BAD_TEXT ||
                        credential.reason == GH_REASON_TRUNCATED ||
                        credential.reason == GH_REASON_NOT_A_CODE);
        }
        struct decoded decoded;
        decode(text, &decoded);
        for (size_t size = 0; size < decoded.size; size++) {
            size_t cut = encode(decoded.data, size, kinds[i] == GH_KIND_HOUSING, text);
            struct gh_credential credential = read_bytes(trust, text, cut, NOW);
            assert_int_equal(credential.reason, GH_REASON_TRUNCATED);
        }
    }
}

static void test_bytes_behind(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct decoded decoded;
    decode(text, &decoded);
    decoded.data[decoded.size] = 0;
    encode(decoded.data, decoded.size + 1, false, text);
    struct gh_credential credential = read_text(text);
    assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_TRAILING);
    write_kind(GH_KIND_HEALTH, text);
    strcat(text, "\n");
    credential = read_text(text);
    assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_BAD_TEXT);
    write_kind(GH_KIND_HEALTH, text);
    memmove(text + 1, text, strlen(text) + 1);
    text[0] = ' ';
    credential = read_text(text);
    assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
}

/* --- identity -------------------------------------------------------------------------------- */

static void respell(const char *text, size_t from, size_t to, char out[TEXT_BYTES])
{
    strcpy(out, text);
    for (size_t i = from; i < to; i++)
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
}

static void test_two_spellings_of_a_link(void **state)
{
    (void)state;
    char text[TEXT_BYTES], other[TEXT_BYTES];
    write_kind(GH_KIND_HOUSING, text);
    struct gh_credential original = read_text(text), credential;
    size_t scheme = strlen("https"), front = strlen(LINK) - strlen("/H/"), body = strlen(LINK);
    /* as a browser spells it */
    respell(text, 0, front, other);
    assert_int_equal(strncmp(other, "https://gate.example/H/", body), 0);
    credential = read_text(other);
    assert_memory_equal(&credential, &original, sizeof(credential));
    /* anything between */
    static const enum gh_reason odd = GH_REASON_MALFORMED;
    respell(text, 0, scheme, other);
    credential = read_text(other);
    assert_refused(&credential, GH_KIND_HOUSING, odd);
    respell(text, scheme, front, other);
    credential = read_text(other);
    assert_refused(&credential, GH_KIND_HOUSING, odd);
    respell(text, 0, body, other); /* the path too */
    credential = read_text(other);
    assert_refused(&credential, GH_KIND_HOUSING, odd);
    respell(text, 0, 1, other);
    credential = read_text(other);
    assert_refused(&credential, GH_KIND_HOUSING, odd);
    respell(text, body, strlen(text), other); /* the message */
    credential = read_text(other);
    assert_refused(&credential, GH_KIND_HOUSING, GH_REASON_BAD_TEXT);
}

/* The host is signed: who sends people elsewhere has made another text. */
static void test_another_host(void **state)
{
    (void)state;
    static const char *const fronts[] = {"HTTPS://EVIL.EXAMPLE/H/", "https://gate.example:443/H/",
                                         "HTTPS://GATE.EXAMPLE./H/", "https://0/H/",
                                         "HTTPS://GATE.EXAMPL/H/"};
    char text[TEXT_BYTES], other[TEXT_BYTES];
    write_kind(GH_KIND_HOUSING, text);
    struct gh_credential credential;
    for (size_t i = 0; i < GH_ARRAY_SIZE(fronts); i++) {
        snprintf(other, sizeof(other), "%s%s", fronts[i], strstr(text, "/H/") + 3);
        credential = read_text(other);
        assert_refused(&credential, GH_KIND_HOUSING, GH_REASON_FORGED);
    }
    snprintf(other, sizeof(other), "https://[::]/H/%s", strstr(text, "/H/") + 3);
    credential = read_text(other);
    assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
}

static void test_one_code_many_spellings(void **state)
{
    (void)state;
    char text[TEXT_BYTES], other[TEXT_BYTES];
    write_kind(GH_KIND_HOUSING, text);
    struct gh_credential original = read_text(text), credential;
    struct decoded decoded;
    decode(text, &decoded); /* without its tag 18; under 61(18) */
    encode(decoded.data + 1, decoded.size - 1, true, other);
    credential = read_text(other);
    assert_memory_equal(&credential, &original, sizeof(credential));
    uint8_t tagged[GH_CODE_OWN_MAX_BYTES] = {0xd8, 0x3d};
    memcpy(tagged + 2, decoded.data, decoded.size);
    encode(tagged, decoded.size + 2, true, other);
    credential = read_text(other);
    assert_memory_equal(&credential, &original, sizeof(credential));
}

/* ES256 signs one message in many ways. */
static void test_identity_is_not_the_signature(void **state)
{
    (void)state;
    struct gh_claims claims = claims_of(GH_KIND_HEALTH);
    char a[TEXT_BYTES], b[TEXT_BYTES];
    write_code(p256_key, &claims, a);
    write_code(p256_key, &claims, b);
    assert_string_not_equal(a, b);
    struct gh_credential first = read_text(a), second = read_text(b);
    assert_true(same_identity(&first, &second));
    claims.colour = GH_COLOUR_RED;
    write_code(p256_key, &claims, b);
    second = read_text(b);
    assert_true(same_identity(&first, &second)); /* one cti is one code */
}

static void test_different_codes_differ(void **state)
{
    (void)state;
    char texts[6][TEXT_BYTES];
    struct gh_claims claims = claims_of(GH_KIND_HEALTH);
    write_code(issuer_key, &claims, texts[0]);
    write_code(p256_key, &claims, texts[1]); /* another key */
    write_code(stranger_key, &claims, texts[2]);
    claims.id++;
    write_code(issuer_key, &claims, texts[3]); /* another cti */
    write_kind(GH_KIND_VISITOR, texts[4]);     /* another kind */
    write_kind(GH_KIND_STAFF, texts[5]);
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        for (size_t j = 0; j < i; j++) {
            struct gh_credential a = read_text(texts[i]), b = read_text(texts[j]);
            assert_false(same_identity(&a, &b));
        }
    }
}

/* A forged code is not known as the code it imitates, nor is a text that spells its identity out.
 */
static void test_identity_cannot_be_imitated(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct gh_credential genuine = read_text(text);
    struct decoded decoded;
    decode(text, &decoded);
    decoded.data[decoded.size - 1] ^= 1;
    encode(decoded.data, decoded.size, false, text);
    struct gh_credential forged = read_text(text);
    assert_false(same_identity(&genuine, &forged));
    uint8_t imitation[3 + 8 + 8] = {'i', 'd', GH_KIND_HEALTH};
    memcpy(imitation + 3, genuine.key_id, 8);
    gh_put_be64(imitation + 11, ID);
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){.data = imitation, .size = sizeof(imitation)}, hash);
    assert_memory_equal(genuine.identity, hash, GH_IDENTITY_BYTES); /* docs/codes.md */
    struct gh_credential credential = read_bytes(trust, imitation, sizeof(imitation), NOW);
    assert_int_equal(credential.reason, GH_REASON_NOT_A_CODE);
    assert_false(same_identity(&genuine, &credential));
}

static void test_identity_of_the_rest(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct decoded decoded;
    decode(text, &decoded);
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){.data = decoded.data, .size = decoded.size}, hash);
    struct gh_credential foreign = read_bytes(NULL, text, strlen(text), NOW);
    assert_memory_equal(foreign.identity, hash, GH_IDENTITY_BYTES);
    uint8_t twice[4 + GH_SHA256_BYTES] = {'t', 'e', 'x', 't'};
    gh_sha256((struct gh_bytes){.data = (const uint8_t *)"hello", .size = 5}, twice + 4);
    gh_sha256((struct gh_bytes){.data = twice, .size = sizeof(twice)}, hash);
    struct gh_credential garbage = read_text("hello");
    assert_memory_equal(garbage.identity, hash, GH_IDENTITY_BYTES);
}

/* --- texts that are none --------------------------------------------------------------------- */

#define BYTES(literal) (literal), sizeof(literal) - 1

static void test_not_our_codes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        enum gh_kind kind;
        enum gh_reason reason;
    } cases[] = {
        {BYTES(""), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("\0"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("\0GH1:"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("hello"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("\xff\xfe\x00\x01"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("\xc3\x28 not UTF-8"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("GH1"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("gh1:BB8"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("GH2:BB8"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("GHE2:BB8"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("https://example.com/"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("https://example.com/x/H/MY"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("https:///H/MY"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("https://u@h/H/MY"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("https://h\0/H/MY"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("http://example.com/H/MY"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("https://example.com/H"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("https://"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("WIFI:S:net;T:WPA;P:x;;"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("GH1:"), GH_KIND_UNKNOWN, GH_REASON_TRUNCATED},
        {BYTES("GH1:A"), GH_KIND_UNKNOWN, GH_REASON_BAD_TEXT},
        {BYTES("GH1:BB8"), GH_KIND_UNKNOWN, GH_REASON_MALFORMED},
        {BYTES("GH1:\0\0\0"), GH_KIND_UNKNOWN, GH_REASON_BAD_TEXT},
        {BYTES("GH1:\xff\xfe\xfd"), GH_KIND_UNKNOWN, GH_REASON_BAD_TEXT},
        {BYTES("GH1:bb8"), GH_KIND_UNKNOWN, GH_REASON_BAD_TEXT},
        {BYTES("GHE1:"), GH_KIND_ENROLMENT, GH_REASON_TRUNCATED},
        {BYTES("GHE1:BB8"), GH_KIND_ENROLMENT, GH_REASON_MALFORMED},
        {BYTES("https://h/H/"), GH_KIND_HOUSING, GH_REASON_TRUNCATED},
        {BYTES("https://h/h/MY"), GH_KIND_HOUSING, GH_REASON_MALFORMED},
        {BYTES("HTTPS://H/H/MZXQ?x=1"), GH_KIND_HOUSING, GH_REASON_BAD_TEXT},
        {BYTES("HTTPS://H/H/MZXQ#MY"), GH_KIND_HOUSING, GH_REASON_BAD_TEXT},
        {BYTES("HTTPS://H/H/MZXQ/"), GH_KIND_HOUSING, GH_REASON_BAD_TEXT},
        {BYTES("HTTPS://H/H/H/MY"), GH_KIND_HOUSING, GH_REASON_BAD_TEXT},
        {BYTES("https://h/H/mzxq"), GH_KIND_HOUSING, GH_REASON_BAD_TEXT},
        {BYTES("https://H/H/MY"), GH_KIND_HOUSING, GH_REASON_MALFORMED},
        {BYTES("GHP1:"), GH_KIND_HEALTH, GH_REASON_TRUNCATED},
        {BYTES("GHP1:A"), GH_KIND_HEALTH, GH_REASON_BAD_TEXT},
        {BYTES("GHP2:"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("hc1:6BF"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("HC2:6BF"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("SHC:/5676"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("Shc:/1/2/5676"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {BYTES("shc:5676"), GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_credential credential = read_bytes(trust, cases[i].text, cases[i].size, NOW);
        assert_refused(&credential, cases[i].kind, cases[i].reason);
    }
    struct gh_credential credential;
    gh_code_read(trust, (struct gh_bytes){.data = NULL, .size = 0}, NOW, &credential);
    assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE);
}

static struct gh_credential read_filled(const char *prefix, char filling, size_t size)
{
    static char text[GH_CODE_TEXT_MAX_BYTES + 2];
    assert_true(size <= sizeof(text));
    memset(text, filling, size);
    memcpy(text, prefix, strlen(prefix));
    return read_bytes(trust, text, size, NOW);
}

static void test_lengths(void **state)
{
    (void)state;
    static const size_t max = GH_CODE_OWN_MAX_BYTES, all = GH_CODE_TEXT_MAX_BYTES;
    static const struct {
        const char *prefix;
        size_t size;
        enum gh_kind kind;
        enum gh_reason reason;
    } cases[] = {
        {"GH1:", 1024, GH_KIND_UNKNOWN, GH_REASON_OK},
        {"GH1:", 1025, GH_KIND_UNKNOWN, GH_REASON_TOO_LONG},
        {"GH1:", 4296, GH_KIND_UNKNOWN, GH_REASON_TOO_LONG},
        {"GH1:", 7090, GH_KIND_UNKNOWN, GH_REASON_TOO_LONG},
        {"GHE1:", 1024, GH_KIND_ENROLMENT, GH_REASON_OK},
        {"GHE1:", 1025, GH_KIND_ENROLMENT, GH_REASON_TOO_LONG},
        {"HTTPS://H/H/", 1024, GH_KIND_HOUSING, GH_REASON_OK},
        {"HTTPS://H/H/", 1025, GH_KIND_HOUSING, GH_REASON_TOO_LONG},
        {"HTTPS://H/", 1025, GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {"", 4296, GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {"", 7089, GH_KIND_UNKNOWN, GH_REASON_NOT_A_CODE},
        {"", 7090, GH_KIND_UNKNOWN, GH_REASON_TOO_LONG},
        {"GHP1:", 1024, GH_KIND_HEALTH, GH_REASON_OK},
        {"GHP1:", 1025, GH_KIND_HEALTH, GH_REASON_TOO_LONG},
        {"HC1:", 7089, GH_KIND_HCERT, GH_REASON_OK},
        {"HC1:", 7090, GH_KIND_HCERT, GH_REASON_TOO_LONG},
        {"shc:/", 7089, GH_KIND_SHC, GH_REASON_OK},
        {"shc:/", 7090, GH_KIND_SHC, GH_REASON_TOO_LONG},
    };
    assert_int_equal(max, 1024);
    assert_int_equal(all, 7089);
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        static const char fillings[] = {'0', 'A', '\0', '\xff'};
        for (size_t j = 0; j < GH_ARRAY_SIZE(fillings); j++) {
            struct gh_credential credential =
                read_filled(cases[i].prefix, fillings[j], cases[i].size);
            if (cases[i].reason != GH_REASON_OK) {
                assert_refused(&credential, cases[i].kind, cases[i].reason);
            } else { /* short enough to be looked into: something else is wrong with it */
                assert_int_not_equal(credential.reason, GH_REASON_TOO_LONG);
                assert_int_equal(credential.kind, cases[i].kind);
                assert_says_nothing(&credential);
            }
        }
    }
}

/* Several texts are chunks of one card, or nothing. */
static void test_several_texts(void **state)
{
    (void)state;
    char health[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, health);
    static const char chunk[] = "shc:/1/2/5676";
    const char *const cases[][2] = {{health, health}, {health, chunk}, {chunk, health},
                                    {chunk, ""},      {"", ""},        {"HC1:", chunk}};
    struct gh_bytes texts[GH_PARTS_MAX + 1];
    struct gh_credential credential;
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        for (size_t j = 0; j < 2; j++)
            texts[j] = (struct gh_bytes){(const uint8_t *)cases[i][j], strlen(cases[i][j])};
        gh_code_read_parts(trust, texts, 2, NOW, &credential);
        assert_int_equal(credential.reason, GH_REASON_BAD_PARTS);
        assert_says_nothing(&credential);
    }
    for (size_t j = 0; j <= GH_PARTS_MAX; j++)
        texts[j] = (struct gh_bytes){(const uint8_t *)chunk, strlen(chunk)};
    gh_code_read_parts(trust, texts, GH_PARTS_MAX + 1, NOW, &credential);
    assert_int_equal(credential.reason, GH_REASON_BAD_PARTS);
    texts[0] = (struct gh_bytes){(const uint8_t *)health, strlen(health)};
    gh_code_read_parts(trust, texts, 1, NOW, &credential);
    assert_int_equal(credential.reason, GH_REASON_OK);
}

/* Whatever is held up: a verdict, never an opening, nothing read past the end. */
static void test_noise(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"",     "GH1:",  "GHE1:", "HTTPS://H/H/",
                                           "HC1:", "shc:/", "GHP1:"};
    static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 50000; round++) {
        char text[256];
        size_t size =
            (size_t)snprintf(text, sizeof(text), "%s", prefixes[round % GH_ARRAY_SIZE(prefixes)]);
        size_t end = size + random % 200;
        while (size < end) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text[size++] = round % 3 == 0 ? (char)random : signs[random % 45];
        }
        struct gh_credential credential = read_bytes(trust, text, size, NOW);
        assert_says_nothing(&credential);
    }
}

/* CBOR noise in a true envelope: what is signed is parsed before it is verified. */
static void test_noise_inside(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct decoded decoded;
    decode(text, &decoded);
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 50000; round++) {
        struct decoded altered = decoded;
        for (int change = 0; change < 1 + round % 4; change++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            altered.data[random % altered.size] = (uint8_t)(random >> 32);
        }
        if (memcmp(altered.data, decoded.data, decoded.size) == 0)
            continue;
        encode(altered.data, altered.size, false, text);
        struct gh_credential credential = read_text(text);
        assert_says_nothing(&credential);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_bytes_behind),
        cmocka_unit_test(test_two_spellings_of_a_link),
        cmocka_unit_test(test_another_host),
        cmocka_unit_test(test_one_code_many_spellings),
        cmocka_unit_test(test_identity_is_not_the_signature),
        cmocka_unit_test(test_different_codes_differ),
        cmocka_unit_test(test_identity_cannot_be_imitated),
        cmocka_unit_test(test_identity_of_the_rest),
        cmocka_unit_test(test_not_our_codes),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_several_texts),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_noise_inside),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
