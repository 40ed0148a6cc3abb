/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "code_fixture.h"
#include "gatehouse/cose.h"
#include "gatehouse/file.h"

#define GATE UINT64_C(0xfedcba9876543210)
#define URL "https://gate.example:8443"

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

static void raw_of(const struct gh_private_key *key, uint8_t out[GH_PUBLIC_KEY_MAX_BYTES])
{
    struct gh_public_key *public_key = NULL;
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    gh_public_key_raw(public_key, out);
    gh_public_key_free(public_key);
}

static struct gh_enrolment example(void)
{
    struct gh_enrolment enrolment = {
        .gate = GATE, .url = URL, .issued_at_s = IAT, .expires_at_s = EXP, .has_pin = true};
    for (size_t i = 0; i < sizeof(enrolment.token); i++)
        enrolment.token[i] = (uint8_t)(0xe0 + i);
    memset(enrolment.pin, 0x77, sizeof(enrolment.pin));
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    raw_of(list_key, raw);
    memcpy(enrolment.list_key, raw, sizeof(enrolment.list_key));
    return enrolment;
}

static void write_example(const struct gh_enrolment *enrolment, char out[TEXT_BYTES])
{
    assert_int_equal(gh_enrolment_write(list_key, enrolment, out, TEXT_BYTES), GH_OK);
}

static enum gh_reason read_at(const char *text, int64_t now_s, struct gh_enrolment *out)
{
    memset(out, 0xa5, sizeof(*out));
    return gh_enrolment_read((struct gh_bytes){.data = (const uint8_t *)text, .size = strlen(text)},
                             now_s, out);
}

static void assert_empty(const struct gh_enrolment *enrolment)
{
    static const struct gh_enrolment nothing;
    assert_memory_equal(enrolment, &nothing, sizeof(nothing));
}

/* --- what is written is read --------------------------------------------------------------------
 */

static void test_round_trip(void **state)
{
    (void)state;
    for (int pin = 0; pin < 2; pin++) {
        struct gh_enrolment enrolment = example(), back;
        enrolment.has_pin = pin == 1;
        char text[TEXT_BYTES];
        write_example(&enrolment, text);
        assert_int_equal(strncmp(text, "GHE1:", 5), 0);
        assert_int_equal(read_at(text, NOW, &back), GH_REASON_OK);
        assert_true(back.gate == GATE);
        assert_string_equal(back.url, URL);
        assert_memory_equal(back.token, enrolment.token, sizeof(back.token));
        assert_memory_equal(back.list_key, enrolment.list_key, sizeof(back.list_key));
        assert_int_equal(back.has_pin, pin);
        static const uint8_t no_pin[GH_SHA256_BYTES];
        assert_memory_equal(back.pin, pin ? enrolment.pin : no_pin, sizeof(back.pin));
        assert_true(back.issued_at_s == IAT);
        assert_true(back.expires_at_s == EXP);
    }
}

static void test_as_a_credential(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = example();
    char text[TEXT_BYTES];
    write_example(&enrolment, text);
    struct gh_credential credential = read_bytes(NULL, text, strlen(text), NOW);
    assert_int_equal(credential.reason, GH_REASON_OK);
    assert_true(credential.authentic);
    assert_int_equal(credential.kind, GH_KIND_ENROLMENT);
    assert_true(credential.id == 0);
    assert_true(credential.subject == 0);
    assert_true(credential.home == 0);
    assert_string_equal(credential.issuer, "");
    assert_true(credential.issued_at_s == IAT);
    assert_true(credential.expires_at_s == EXP);
    credential = read_bytes(trust, text, strlen(text), EXP);
    assert_int_equal(credential.reason, GH_REASON_EXPIRED);
    assert_true(credential.authentic);
}

static void test_identity(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = example();
    char text[TEXT_BYTES];
    write_example(&enrolment, text);
    struct gh_credential first = read_text(text);
    struct decoded decoded;
    decode(text, &decoded);
    struct gh_writer writer = gh_writer_over(text, TEXT_BYTES - 1);
    gh_writer_put_text(&writer, "GHE1:"); /* the same without its tag */
    gh_base45_put(&writer, (struct gh_bytes){.data = decoded.data + 1, .size = decoded.size - 1});
    text[writer.size] = '\0';
    struct gh_credential second = read_text(text);
    assert_memory_equal(&first, &second, sizeof(first));
    enrolment.token[0] ^= 1;
    write_example(&enrolment, text);
    second = read_text(text);
    assert_int_equal(second.reason, GH_REASON_OK);
    assert_false(same_identity(&first, &second));
}

static void test_longest(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = example(), back;
    memset(enrolment.url, 'h', sizeof(enrolment.url));
    memcpy(enrolment.url, "https://", 8);
    enrolment.url[GH_URL_BYTES - 1] = '\0';
    enrolment.expires_at_s = INT64_C(1) << 53;
    enrolment.issued_at_s = enrolment.expires_at_s - 1;
    char text[TEXT_BYTES];
    write_example(&enrolment, text);
    assert_int_equal(read_at(text, 0, &back), GH_REASON_OK);
    assert_string_equal(back.url, enrolment.url);
}

/* A gate that is being set up may think that it is 1970; a code that has run out is out. */
static void test_time(void **state)
{
    (void)state;
    static const struct {
        int64_t now_s;
        enum gh_reason reason;
    } cases[] = {
        {INT64_MIN, GH_REASON_OK},      {0, GH_REASON_OK},        {IAT - 100000, GH_REASON_OK},
        {EXP - 1, GH_REASON_OK},        {EXP, GH_REASON_EXPIRED}, {EXP + 1, GH_REASON_EXPIRED},
        {INT64_MAX, GH_REASON_EXPIRED},
    };
    struct gh_enrolment enrolment = example(), back;
    char text[TEXT_BYTES];
    write_example(&enrolment, text);
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        assert_int_equal(read_at(text, cases[i].now_s, &back), cases[i].reason);
        if (cases[i].reason != GH_REASON_OK)
            assert_empty(&back);
        struct gh_credential credential = read_bytes(NULL, text, strlen(text), cases[i].now_s);
        assert_int_equal(credential.reason, cases[i].reason);
    }
    enrolment.expires_at_s = INT64_MAX;
    write_example(&enrolment, text);
    assert_int_equal(read_at(text, INT64_MAX, &back), GH_REASON_OK);
    assert_true(back.expires_at_s == INT64_MAX);
}

/* --- what is not written ------------------------------------------------------------------------
 */

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool good;
    } cases[] = {
        {"https://a", true},
        {"http://127.0.0.1:8080", true},
        {"https://gate.example", true},
        {"https://gate.example:1", true},
        {"https://gate.example:65535", true},
        {"https://gate.example/", false},
        {"https://gate.example:8443/", false},
        {"https://gate.example/path", false},
        {"https://gate.example?x", false},
        {"https://gate.example#x", false},
        {"https://user@gate.example", false},
        {"https://gate.example:", false},
        {"https://gate.example:0", false},
        {"https://gate.example:65536", false},
        {"https://gate.example:000080", false},
        {"https://gate.example:80:80", false},
        {"https://gate.example:8o", false},
        {"https://:80", false},
        {"https://", false},
        {"HTTPS://gate.example", false},
        {"ftp://gate.example", false},
        {"gate.example", false},
        {"https://gate example", false},
        {"https://gate.example\n", false},
        {"https://g\xc3\xa4te.example", false},
        {"", false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_enrolment enrolment = example(), back;
        snprintf(enrolment.url, sizeof(enrolment.url), "%s", cases[i].url);
        char text[TEXT_BYTES] = "x";
        assert_int_equal(gh_enrolment_write(list_key, &enrolment, text, sizeof(text)),
                         cases[i].good ? GH_OK : GH_ERR_INVALID);
        if (cases[i].good)
            assert_int_equal(read_at(text, NOW, &back), GH_REASON_OK);
        else
            assert_string_equal(text, "");
    }
}

static void test_not_written(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    struct gh_enrolment enrolment = example();
    assert_int_equal(gh_enrolment_write(stranger_key, &enrolment, text, sizeof(text)),
                     GH_ERR_INVALID); /* not the key it carries */
    assert_int_equal(gh_enrolment_write(p256_key, &enrolment, text, sizeof(text)), GH_ERR_INVALID);
    enrolment.gate = 0;
    assert_int_equal(gh_enrolment_write(list_key, &enrolment, text, sizeof(text)), GH_ERR_INVALID);
    enrolment = example();
    enrolment.expires_at_s = IAT;
    assert_int_equal(gh_enrolment_write(list_key, &enrolment, text, sizeof(text)), GH_ERR_INVALID);
    enrolment = example();
    enrolment.issued_at_s = -1;
    assert_int_equal(gh_enrolment_write(list_key, &enrolment, text, sizeof(text)), GH_ERR_INVALID);
    enrolment = example();
    memset(enrolment.url, 'x', sizeof(enrolment.url)); /* no NUL */
    assert_int_equal(gh_enrolment_write(list_key, &enrolment, text, sizeof(text)), GH_ERR_INVALID);
    enrolment = example();
    write_example(&enrolment, text);
    size_t size = strlen(text);
    assert_int_equal(gh_enrolment_write(list_key, &enrolment, text, size), GH_ERR_TOOBIG);
    assert_string_equal(text, "");
    assert_int_equal(gh_enrolment_write(list_key, &enrolment, text, size + 1), GH_OK);
}

/* --- what is refused ----------------------------------------------------------------------------
 */

static size_t encode_enrolment(const struct decoded *decoded, char out[TEXT_BYTES])
{
    struct gh_writer writer = gh_writer_over(out, TEXT_BYTES - 1);
    gh_writer_put_text(&writer, "GHE1:");
    gh_base45_put(&writer, (struct gh_bytes){.data = decoded->data, .size = decoded->size});
    out[writer.size] = '\0';
    return writer.size;
}

static void test_every_bit(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = example(), back;
    char text[TEXT_BYTES];
    write_example(&enrolment, text);
    struct decoded decoded;
    decode(text, &decoded);
    int counts[GH_REASON_COUNT] = {0};
    for (size_t bit = 0; bit < 8 * decoded.size; bit++) {
        decoded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        encode_enrolment(&decoded, text);
        enum gh_reason reason = read_at(text, NOW, &back);
        assert_int_not_equal(reason, GH_REASON_OK);
        assert_empty(&back);
        struct gh_credential credential = read_text(text);
        assert_int_equal(credential.reason, reason);
        assert_says_nothing(&credential);
        counts[reason]++;
        decoded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* The signature, token and pin; the key's id; a list key that is still a point. */
    assert_true(counts[GH_REASON_FORGED] >= 512 + 128 + 256);
    assert_true(counts[GH_REASON_WRONG_KEY] > 64);
    assert_true(counts[GH_REASON_MALFORMED] > 50);
}

static void test_every_bit_of_the_text(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = example(), back;
    char text[TEXT_BYTES];
    write_example(&enrolment, text);
    size_t size = strlen(text);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        text[bit / 8] ^= (char)(1u << bit % 8);
        struct gh_bytes bytes = {.data = (const uint8_t *)text, .size = size};
        assert_int_not_equal(gh_enrolment_read(bytes, NOW, &back), GH_REASON_OK);
        assert_empty(&back);
        text[bit / 8] ^= (char)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++) {
        struct gh_bytes bytes = {.data = (const uint8_t *)text, .size = cut};
        assert_int_not_equal(gh_enrolment_read(bytes, NOW, &back), GH_REASON_OK);
        assert_empty(&back);
    }
}

static void test_other_kinds(void **state)
{
    (void)state;
    struct gh_enrolment back;
    char text[TEXT_BYTES];
    for (enum gh_kind kind = GH_KIND_HEALTH; kind <= GH_KIND_STAFF; kind++) {
        write_kind(kind, text);
        assert_int_equal(read_at(text, NOW, &back), GH_REASON_NOT_A_CODE);
        assert_empty(&back);
    }
    static const char *const texts[] = {"",          "hello",   "HC1:6BF",
                                        "shc:/5676", "GH1:BB8", "https://example.com/"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++)
        assert_int_equal(read_at(texts[i], NOW, &back), GH_REASON_NOT_A_CODE);
    assert_int_equal(read_at("GHE1:BB8", NOW, &back), GH_REASON_MALFORMED);
    memset(text, '0', sizeof(text));
    memcpy(text, "GHE1:", 5);
    struct gh_bytes bytes = {.data = (const uint8_t *)text, .size = sizeof(text)};
    assert_int_equal(gh_enrolment_read(bytes, NOW, &back), GH_REASON_TOO_LONG);
}

/* A health code's message in an enrolment code's clothes, and the other way round. */
static void test_envelope_swapped(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = example(), back;
    char text[TEXT_BYTES];
    struct decoded decoded;
    write_kind(GH_KIND_HEALTH, text);
    decode(text, &decoded);
    encode_enrolment(&decoded, text);
    assert_int_equal(read_at(text, NOW, &back), GH_REASON_MALFORMED);
    write_example(&enrolment, text);
    decode(text, &decoded);
    encode(decoded.data, decoded.size, false, text);
    assert_int_equal(read_at(text, NOW, &back), GH_REASON_NOT_A_CODE);
    struct gh_credential credential = read_text(text);
    assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_MALFORMED);
}

/* Payloads signed as they should not be. */
static enum gh_reason read_signed(const struct gh_private_key *key, const char *payload_hex)
{
    uint8_t payload[512];
    size_t size = strlen(payload_hex) / 2;
    assert_int_equal(gh_hex_decode(payload_hex, 2 * size, payload, size), GH_OK);
    struct decoded decoded;
    struct gh_writer writer = gh_writer_over(decoded.data, sizeof(decoded.data));
    struct gh_bytes bytes = {.data = payload, .size = size};
    assert_int_equal(gh_cose_write(&writer, key, bytes, (struct gh_bytes){.size = 0}), GH_OK);
    decoded.size = writer.size;
    char text[TEXT_BYTES];
    encode_enrolment(&decoded, text);
    struct gh_enrolment back;
    enum gh_reason reason = read_at(text, NOW, &back);
    if (reason != GH_REASON_OK)
        assert_empty(&back);
    struct gh_credential credential = read_text(text);
    assert_int_equal(credential.reason, reason);
    return reason;
}

static void test_signed_payloads(void **state)
{
    (void)state;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    char key_hex[65], hex[1024];
    raw_of(list_key, raw);
    gh_hex_encode(raw, 32, key_hex);
    static const struct {
        const char *pairs, *claims, *own_pairs, *own;
        bool stranger;
        enum gh_reason reason;
    } cases[] = {
#define ABOUT                                                                                      \
    "0169687474703a2f2f6162"                                                                       \
    "027066656463626139383736353433323130"                                                         \
    "061a5e5afb00"
#define TOKEN "0350e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
        {"a4", ABOUT, "a3", "0105" TOKEN, false, GH_REASON_OK},
        {"a4", ABOUT, "a3", "0105" TOKEN, true, GH_REASON_WRONG_KEY},
        {"a4", ABOUT, "a3",
         "0105"
         "034111",
         false, GH_REASON_MALFORMED},
        {"a4", ABOUT, "a2", "0105", false, GH_REASON_MALFORMED},           /* no token */
        {"a4", ABOUT, "a2", TOKEN, false, GH_REASON_MALFORMED},            /* no kind */
        {"a4", ABOUT, "a3", "0101" TOKEN, false, GH_REASON_MALFORMED},     /* health */
        {"a4", ABOUT, "a4", "01050201" TOKEN, false, GH_REASON_MALFORMED}, /* a colour */
        {"a4", ABOUT, "a4", "0105" TOKEN "0540", false, GH_REASON_MALFORMED},
        {"a5", ABOUT "08a0", "a3", "0105" TOKEN, false, GH_REASON_MALFORMED}, /* cnf */
        {"a5",
         ABOUT "08a101a301012006215820"
               "b6cf628bca41d63f48ae0056d9a9ed52e827f680725744331e487ea7c65b8906",
         "a3", "0105" TOKEN, false, GH_REASON_MALFORMED},
        {"a4", ABOUT, "a4", "0105" TOKEN "06f5", false, GH_REASON_MALFORMED}, /* paper */
        {"a5", ABOUT "0400", "a3", "0105" TOKEN, false, GH_REASON_TIMES_CONTRADICT},
        {"a3", "0169687474703a2f2f6162061a5e5afb00", "a3", "0105" TOKEN, false,
         GH_REASON_MALFORMED}, /* no gate */
        {"a3", "0169687474703a2f2f6162027066656463626139383736353433323130", "a3", "0105" TOKEN,
         false, GH_REASON_MALFORMED}, /* no iat */
        {"a4",
         "016568656c6c6f"
         "027066656463626139383736353433323130"
         "061a5e5afb00",
         "a3", "0105" TOKEN, false, GH_REASON_MALFORMED}, /* no URL */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        snprintf(hex, sizeof(hex), "%s%s3a00010000%s%s045820%s", cases[i].pairs, cases[i].claims,
                 cases[i].own_pairs, cases[i].own, key_hex);
        enum gh_reason reason = read_signed(cases[i].stranger ? stranger_key : list_key, hex);
        if (reason != cases[i].reason)
            print_error("case %zu\n", i);
        assert_int_equal(reason, cases[i].reason);
    }
    /* a list key that is no point of the curve; of 31 bytes */
    snprintf(hex, sizeof(hex), "a4" ABOUT "3a00010000a30105" TOKEN "045820%064d", 1);
    assert_int_equal(read_signed(list_key, hex), GH_REASON_MALFORMED);
    snprintf(hex, sizeof(hex), "a4" ABOUT "3a00010000a30105" TOKEN "04581f%062d", 1);
    assert_int_equal(read_signed(list_key, hex), GH_REASON_MALFORMED);
}

/* The published vector: Ed25519 signs one message in one way. */
static void test_vector(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = example();
    char text[TEXT_BYTES], line[2 * TEXT_BYTES];
    write_example(&enrolment, text);
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(gh_file_read(VECTORS "/codes.tsv", 100000, &data, &size, NULL), GH_OK);
    snprintf(line, sizeof(line), "\tenrolment\tok\t%s\n", text);
    assert_non_null(strstr((const char *)data, line));
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_as_a_credential),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_not_written),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_every_bit_of_the_text),
        cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_envelope_swapped),
        cmocka_unit_test(test_signed_payloads),
        cmocka_unit_test(test_vector),
    };
    return cmocka_run_group_tests(tests, setup_list, teardown_list);
}
