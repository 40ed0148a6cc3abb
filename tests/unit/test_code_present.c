/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "code/cbor.h"
#include "code_fixture.h"
#include "gatehouse/cose.h"

static const struct gh_bytes no_aad = {.size = 0};

static struct gh_bytes view(const char *text)
{
    return (struct gh_bytes){.data = (const uint8_t *)text, .size = strlen(text)};
}

static struct gh_credential read_at(const char *text, int64_t now_s)
{
    return read_bytes(trust, text, strlen(text), now_s);
}

/* --- what is shown is read ------------------------------------------------------------------- */

static void check_round_trip(const struct gh_private_key *issuer,
                             const struct gh_private_key *phone)
{
    char code[TEXT_BYTES], text[TEXT_BYTES];
    write_bound(issuer, phone, code);
    struct gh_credential bare = read_text(code);
    assert_int_equal(bare.reason, GH_REASON_UNPROVEN);
    assert_true(bare.authentic);
    assert_int_equal(gh_code_present(phone, view(code), NOW, text, sizeof(text)), GH_OK);
    assert_int_equal(strncmp(text, "GHP1:", 5), 0);
    assert_int_equal(strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"), strlen(text));
    struct gh_credential shown = read_text(text);
    assert_int_equal(shown.reason, GH_REASON_OK);
    assert_true(shown.authentic);
    assert_int_equal(shown.kind, GH_KIND_HEALTH);
    assert_int_equal(shown.form, GH_FORM_PHONE);
    assert_true(shown.presented_at_s == NOW);
    static const uint8_t nothing[GH_IDENTITY_BYTES];
    assert_memory_not_equal(shown.presentation, nothing, sizeof(nothing));
    /* The rest is the code's, whichever picture of it was shown. */
    bare.reason = shown.reason;
    bare.form = shown.form;
    bare.presented_at_s = shown.presented_at_s;
    memcpy(bare.presentation, shown.presentation, sizeof(bare.presentation));
    assert_memory_equal(&bare, &shown, sizeof(bare));
    assert_true(shown.subject == PERSON);
    assert_true(shown.id == ID);
}

static void test_round_trips(void **state)
{
    (void)state;
    const struct gh_private_key *const issuers[] = {issuer_key, p256_key};
    const struct gh_private_key *const phones[] = {phone_key, phone_p256_key};
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++)
            check_round_trip(issuers[i], phones[j]);
}

/* Either sign of y. */
static void test_many_phones(void **state)
{
    (void)state;
    bool odd[2] = {false, false};
    for (int round = 0; round < 64 && !(odd[0] && odd[1]); round++) {
        struct gh_private_key *phone = NULL;
        struct gh_public_key *key = NULL;
        uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
        assert_int_equal(gh_private_key_generate(GH_KEY_P256, &phone), GH_OK);
        assert_int_equal(gh_private_key_public(phone, &key), GH_OK);
        odd[raw[gh_public_key_raw(key, raw) - 1] & 1] = true;
        check_round_trip(issuer_key, phone);
        gh_public_key_free(key);
        gh_private_key_free(phone);
    }
    assert_true(odd[0] && odd[1]);
}

/* --- one presentation and the next ----------------------------------------------------------- */

static bool same_presentation(const struct gh_credential *a, const struct gh_credential *b)
{
    return memcmp(a->presentation, b->presentation, GH_IDENTITY_BYTES) == 0;
}

static void test_each_is_told_from_the_others(void **state)
{
    (void)state;
    char code[TEXT_BYTES], texts[3][TEXT_BYTES];
    write_bound(issuer_key, phone_key, code);
    for (size_t i = 0; i < 3; i++) /* the same second: the phone's own number differs */
        assert_int_equal(
            gh_code_present(phone_key, view(code), NOW + (i == 2), texts[i], TEXT_BYTES), GH_OK);
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < i; j++) {
            struct gh_credential a = read_text(texts[i]), b = read_text(texts[j]);
            assert_false(same_presentation(&a, &b));
            assert_true(same_identity(&a, &b)); /* one code */
        }
    }
}

/* {6: iat, 7: cti} as told, around the code, signed by the phone. */
struct recipe {
    const struct gh_private_key *phone;
    const char *code, *header, *payload; /* header: before the code; hex */
};

static void build(const struct recipe *recipe, char out[TEXT_BYTES])
{
    uint8_t header[GH_CODE_OWN_MAX_BYTES], payload[256], message[GH_CODE_OWN_MAX_BYTES];
    struct decoded code;
    decode(recipe->code, &code);
    size_t front = strlen(recipe->header) / 2, size = strlen(recipe->payload) / 2;
    assert_int_equal(gh_hex_decode(recipe->header, 2 * front, header, front), GH_OK);
    assert_int_equal(gh_hex_decode(recipe->payload, 2 * size, payload, size), GH_OK);
    memcpy(header + front, code.data, code.size);
    struct gh_writer writer = gh_writer_over(message, sizeof(message));
    assert_int_equal(gh_cose_write_under(&writer, recipe->phone,
                                         (struct gh_bytes){header, front + code.size},
                                         (struct gh_bytes){payload, size}, no_aad),
                     GH_OK);
    encode_as("GHP1:", message, writer.size, out);
}

#define AT "061a5e5b0910" /* 6: NOW */
#define NUMBER "07480102030405060708"
#define PAYLOAD "a2" AT NUMBER

/* ECDSA signs one thing in many ways: a copy with another signature is a copy all the same. */
static void test_another_signature_is_the_same_presentation(void **state)
{
    (void)state;
    char code[TEXT_BYTES], first[TEXT_BYTES], second[TEXT_BYTES];
    write_bound(issuer_key, phone_p256_key, code);
    const struct recipe recipe = {phone_p256_key, code, "a201260d", PAYLOAD};
    build(&recipe, first);
    build(&recipe, second);
    assert_string_not_equal(first, second);
    struct gh_credential a = read_text(first), b = read_text(second);
    assert_int_equal(a.reason, GH_REASON_OK);
    assert_memory_equal(&a, &b, sizeof(a));
    /* as docs/codes.md says: over what was signed */
    struct decoded decoded;
    struct gh_cose_sign1 message;
    uint8_t both[GH_CODE_OWN_MAX_BYTES], hash[GH_SHA256_BYTES];
    decode(first, &decoded);
    assert_int_equal(gh_cose_parse((struct gh_bytes){decoded.data, decoded.size}, false, &message),
                     GH_OK);
    size_t size = message.protected_bytes.size;
    memcpy(both, message.protected_bytes.data, size);
    memcpy(both + size, message.payload.data, message.payload.size);
    gh_sha256((struct gh_bytes){both, size + message.payload.size}, hash);
    assert_memory_equal(a.presentation, hash, GH_IDENTITY_BYTES);
}

/* --- time ------------------------------------------------------------------------------------ */

static void test_to_the_second(void **state)
{
    (void)state;
    static const struct {
        int64_t shown_at_s, now_s;
        enum gh_reason reason;
    } cases[] = {
        {NOW, NOW, GH_REASON_OK},
        {NOW, NOW + 15, GH_REASON_OK},
        {NOW, NOW - 15, GH_REASON_OK},
        {NOW, NOW + 16, GH_REASON_STALE},
        {NOW, NOW - 16, GH_REASON_STALE},
        {NOW, EXP - 1, GH_REASON_STALE},
        {0, NOW, GH_REASON_STALE},
        {INT64_C(1) << 53, NOW, GH_REASON_STALE},
        {NOW, EXP, GH_REASON_EXPIRED}, /* said first: no fresher picture would help */
        {NOW, INT64_MAX, GH_REASON_EXPIRED},
        {NOW, IAT - GH_CODE_SKEW_S - 1, GH_REASON_NOT_YET_VALID},
        {NOW, INT64_MIN, GH_REASON_NOT_YET_VALID},
        {EXP - 1, EXP - 1, GH_REASON_OK},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char text[TEXT_BYTES];
        write_presentation(issuer_key, phone_key, cases[i].shown_at_s, text);
        struct gh_credential credential = read_at(text, cases[i].now_s);
        assert_int_equal(credential.reason, cases[i].reason);
        assert_true(credential.authentic); /* the issuer's word, whenever the picture was taken */
        assert_true(credential.subject == PERSON);
        assert_int_equal(credential.form, GH_FORM_PHONE);
        assert_true(credential.presented_at_s == cases[i].shown_at_s);
    }
    struct gh_claims claims = claims_of(GH_KIND_HEALTH);
    struct gh_public_key *holder = NULL;
    char code[TEXT_BYTES], text[TEXT_BYTES];
    assert_int_equal(gh_private_key_public(phone_key, &holder), GH_OK);
    claims.holder = holder;
    claims.expires_at_s = INT64_MAX;
    write_code(issuer_key, &claims, code);
    assert_int_equal(gh_code_present(phone_key, view(code), NOW, text, sizeof(text)), GH_OK);
    assert_int_equal(read_at(text, INT64_MAX).reason, GH_REASON_STALE);
    gh_public_key_free(holder);
}

/* --- whose word ------------------------------------------------------------------------------ */

static void check(const struct recipe *recipe, enum gh_kind kind, enum gh_reason reason, int line)
{
    char text[TEXT_BYTES];
    build(recipe, text);
    struct gh_credential credential = read_text(text);
    if (credential.reason != reason)
        print_error("line %d\n", line);
    assert_refused(&credential, kind, reason);
}

#define CHECK(REASON, CHANGE)                                                                      \
    do {                                                                                           \
        struct recipe changed = {phone_key, code, "a201270d", PAYLOAD};                            \
        changed.CHANGE;                                                                            \
        check(&changed, GH_KIND_HEALTH, GH_REASON_##REASON, __LINE__);                             \
    } while (0)

static void test_another_phone(void **state)
{
    (void)state;
    char code[TEXT_BYTES];
    write_bound(issuer_key, phone_key, code);
    CHECK(FORGED, phone = issuer_key);
    CHECK(FORGED, phone = stranger_key);
    CHECK(FORGED, phone = phone_p256_key); /* that says EdDSA and is none */
    CHECK(WRONG_ALGORITHM, header = "a201260d");
    CHECK(BAD_ALGORITHM, header = "a201050d");
    CHECK(BAD_ALGORITHM, header = "a10d");
    CHECK(BAD_ALGORITHM, header = "a201646e6f6e650d");
    CHECK(BAD_ALGORITHM, header = "a20138240d");
}

/* The issuer comes first: what is wrong with the code hides what is wrong with its presentation. */
static void test_the_issuer_first(void **state)
{
    (void)state;
    char code[TEXT_BYTES], text[TEXT_BYTES];
    write_bound(stranger_key, phone_key, code);
    CHECK(FOREIGN, phone = stranger_key);
    write_bound(issuer_key, phone_key, code);
    const struct recipe recipe = {stranger_key, code, "a201270d", PAYLOAD};
    build(&recipe, text);
    struct gh_trust *others =
        trust_in(issuer_key, GH_PURPOSE(GH_KIND_HOUSING), INT64_MIN, INT64_MAX, "");
    struct gh_credential credential = read_bytes(others, text, strlen(text), NOW);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_WRONG_KEY);
    gh_trust_unref(others);
    others = trust_in(issuer_key, OWN_PURPOSES, INT64_MIN, IAT - 1, "");
    credential = read_bytes(others, text, strlen(text), NOW);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_KEY_RETIRED);
    gh_trust_unref(others);
    /* a code that is forged, presented by its very phone */
    struct decoded decoded;
    decode(code, &decoded);
    decoded.data[decoded.size - 40] ^= 1;
    encode(decoded.data, decoded.size, false, code);
    CHECK(FORGED, phone = phone_key);
}

/* A key that the issuer has signed and that is none: nobody can have signed with it. */
static void test_key_that_is_none(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "a1 01 a3 01 01 20 06 21 58 20"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a1 01 a4 01 02 20 01 21 58 20"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff 22 f5",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++) {
        char hex[256] = "", code[TEXT_BYTES];
        size_t length = 0;
        for (const char *c = keys[i]; *c != '\0'; c++)
            if (*c != ' ')
                hex[length++] = *c;
        uint8_t payload[256], message[GH_CODE_OWN_MAX_BYTES];
        struct gh_writer writer = gh_writer_over(payload, sizeof(payload));
        static const char before[] = "\xa6\x01\x64test\x02\x70"
                                     "a1b2c3d4e5f60718\x06\x1a\x5e\x5a\xfb\x00"
                                     "\x07\x48\x11\x22\x33\x44\x55\x66\x77\x88\x08";
        static const char after[] = "\x3a\x00\x01\x00\x00\xa2\x01\x01\x02\x01";
        gh_writer_put(&writer, before, sizeof(before) - 1);
        assert_int_equal(gh_hex_decode(hex, length, payload + writer.size, length / 2), GH_OK);
        writer.size += length / 2;
        gh_writer_put(&writer, after, sizeof(after) - 1);
        struct gh_writer out = gh_writer_over(message, sizeof(message));
        assert_int_equal(
            gh_cose_write(&out, issuer_key, (struct gh_bytes){payload, writer.size}, no_aad),
            GH_OK);
        encode(message, out.size, false, code);
        assert_int_equal(read_text(code).reason, GH_REASON_UNPROVEN);
        if (i == 0)
            CHECK(BAD_CONTENT, phone = phone_key);
        else
            CHECK(BAD_CONTENT, header = "a201260d");
    }
}

/* --- forms ----------------------------------------------------------------------------------- */

static void test_forms_of_the_payload(void **state)
{
    (void)state;
    char code[TEXT_BYTES];
    write_bound(issuer_key, phone_key, code);
    CHECK(MALFORMED, payload = "a1" AT);
    CHECK(MALFORMED, payload = "a1" NUMBER);
    CHECK(MALFORMED, payload = "a2" NUMBER AT); /* the other way round */
    CHECK(MALFORMED, payload = "a3" AT NUMBER "0861"
                               "61");
    CHECK(MALFORMED, payload = "a2" AT "0748"
                               "0000000000000000");
    CHECK(MALFORMED, payload = "a2" AT "074701020304050607");
    CHECK(MALFORMED, payload = "a2" AT "0768"
                               "4142434445464748");
    CHECK(MALFORMED, payload = "82" AT NUMBER);
    CHECK(MALFORMED, payload = "a206f6" NUMBER);
    CHECK(MALFORMED, payload = "a206c11a5e5b0910" NUMBER);
    CHECK(MALFORMED, payload = "bf" AT NUMBER "ff");
    CHECK(BAD_TIME, payload = "a20620" NUMBER);
    CHECK(BAD_TIME, payload = "a206fb41d796c244000000" NUMBER); /* NOW, as a float */
    CHECK(BAD_TIME, payload = "a206f97e00" NUMBER);
    CHECK(BAD_TIME, payload = "a2061b0020000000000001" NUMBER);
    CHECK(DUPLICATE_KEY, payload = "a2" AT AT);
    CHECK(TRAILING, payload = PAYLOAD "00");
    CHECK(TRUNCATED, payload = "a2" AT);
    CHECK(TRUNCATED, payload = "");
}

static void test_forms_of_the_header(void **state)
{
    (void)state;
    char code[TEXT_BYTES], text[TEXT_BYTES];
    struct decoded decoded;
    /* no code inside; a code on paper; a visitor's; two */
    write_bound(issuer_key, phone_key, code);
    CHECK(MALFORMED, header = "a201271863");
    write_kind(GH_KIND_HEALTH, code);
    CHECK(MALFORMED, phone = phone_key);
    write_kind(GH_KIND_VISITOR, code);
    CHECK(MALFORMED, phone = phone_key);
    write_presentation(issuer_key, phone_key, NOW, code);
    CHECK(KEY_ID_MISSING, phone = phone_key); /* a presentation in a presentation */
    write_bound(issuer_key, phone_key, code);
    CHECK(TRAILING, header = "a101270d");
    CHECK(DUPLICATE_KEY, header = "a301270127"
                                  "0d");
    /* the code has one spelling here: under tag 18 */
    decode(code, &decoded);
    encode(decoded.data + 1, decoded.size - 1, false, code);
    CHECK(MALFORMED, phone = phone_key);
    write_bound(issuer_key, phone_key, code);
    decode(code, &decoded);
    memmove(decoded.data + 2, decoded.data, decoded.size);
    memcpy(decoded.data, "\xd8\x3d", 2);
    encode(decoded.data, decoded.size + 2, false, code);
    CHECK(MALFORMED, phone = phone_key);
    /* what is in the unprotected header is not signed */
    write_presentation(issuer_key, phone_key, NOW, text);
    decode(text, &decoded);
    size_t at = decoded.size - 66 - 19;
    assert_int_equal(decoded.data[at], 0xa0);
    memmove(decoded.data + at + 3, decoded.data + at + 1, decoded.size - at - 1);
    memcpy(decoded.data + at, "\xa1\x03\x00", 3);
    encode_as("GHP1:", decoded.data, decoded.size + 2, text);
    struct gh_credential credential = read_text(text);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_MALFORMED);
}

/* A presentation's message in a code's clothes, and the other way round. */
static void test_envelope_swapped(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    struct decoded decoded;
    write_presentation(issuer_key, phone_key, NOW, text);
    decode(text, &decoded);
    encode(decoded.data, decoded.size, false, text);
    struct gh_credential credential = read_text(text);
    assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_KEY_ID_MISSING);
    write_bound(issuer_key, phone_key, text);
    decode(text, &decoded);
    encode_as("GHP1:", decoded.data, decoded.size, text);
    credential = read_text(text);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_MALFORMED);
}

/* --- what is not presented ------------------------------------------------------------------- */

static void test_not_presented(void **state)
{
    (void)state;
    char code[TEXT_BYTES], text[TEXT_BYTES] = "x";
    for (enum gh_kind kind = GH_KIND_HEALTH; kind <= GH_KIND_STAFF; kind++) {
        write_kind(kind, code);
        assert_int_equal(gh_code_present(phone_key, view(code), NOW, text, sizeof(text)),
                         GH_ERR_INVALID);
        assert_string_equal(text, "");
    }
    static const char *const texts[] = {"", "hello", "GH1:BB8", "HC1:6BF", "shc:/5676"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++)
        assert_int_equal(gh_code_present(phone_key, view(texts[i]), NOW, text, sizeof(text)),
                         GH_ERR_INVALID);
    write_presentation(issuer_key, phone_key, NOW, code);
    assert_int_equal(gh_code_present(phone_key, view(code), NOW, text, sizeof(text)),
                     GH_ERR_INVALID); /* a picture of another phone */
    write_bound(issuer_key, phone_key, code);
    assert_int_equal(gh_code_present(stranger_key, view(code), NOW, text, sizeof(text)),
                     GH_ERR_SIGNATURE);
    assert_int_equal(gh_code_present(phone_p256_key, view(code), NOW, text, sizeof(text)),
                     GH_ERR_SIGNATURE);
    static const int64_t times[] = {-1, INT64_MIN, (INT64_C(1) << 53) + 1, INT64_MAX};
    for (size_t i = 0; i < GH_ARRAY_SIZE(times); i++)
        assert_int_equal(gh_code_present(phone_key, view(code), times[i], text, sizeof(text)),
                         GH_ERR_INVALID);
    /* whoever issued it: a phone need not know */
    write_bound(stranger_key, phone_key, code);
    assert_int_equal(gh_code_present(phone_key, view(code), NOW, text, sizeof(text)), GH_OK);
    size_t size = strlen(text);
    assert_int_equal(gh_code_present(phone_key, view(code), NOW, text, size), GH_ERR_TOOBIG);
    assert_string_equal(text, "");
    assert_int_equal(gh_code_present(phone_key, view(code), NOW, text, size + 1), GH_OK);
    assert_int_equal(gh_code_present(phone_key, view(code), NOW, NULL, 0), GH_ERR_TOOBIG);
}

/* Bare, or under 61(18): presented in its one form. */
static void test_presented_in_one_form(void **state)
{
    (void)state;
    char code[TEXT_BYTES], text[TEXT_BYTES];
    struct decoded decoded;
    write_bound(issuer_key, phone_key, code);
    decode(code, &decoded);
    encode(decoded.data + 1, decoded.size - 1, false, code);
    assert_int_equal(gh_code_present(phone_key, view(code), NOW, text, sizeof(text)), GH_OK);
    assert_int_equal(read_text(text).reason, GH_REASON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_many_phones),
        cmocka_unit_test(test_each_is_told_from_the_others),
        cmocka_unit_test(test_another_signature_is_the_same_presentation),
        cmocka_unit_test(test_to_the_second),
        cmocka_unit_test(test_another_phone),
        cmocka_unit_test(test_the_issuer_first),
        cmocka_unit_test(test_key_that_is_none),
        cmocka_unit_test(test_forms_of_the_payload),
        cmocka_unit_test(test_forms_of_the_header),
        cmocka_unit_test(test_envelope_swapped),
        cmocka_unit_test(test_not_presented),
        cmocka_unit_test(test_presented_in_one_form),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
