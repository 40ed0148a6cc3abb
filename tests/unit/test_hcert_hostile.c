/* SPDX-License-Identifier: Apache-2.0 */
/* HCERTs that are wrong, one by one: each has its own reason, says nothing and takes no time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hcert_fixture.h"

#include "used_time.h"

#ifdef __SANITIZE_ADDRESS__
#define SLOWEST_NS (40 * GH_NS_PER_MS) /* gcc's sanitizers take ten times as long */
#elif defined(__clang__)
#if __has_feature(address_sanitizer)
#define SLOWEST_NS (40 * GH_NS_PER_MS)
#else
#define SLOWEST_NS (2 * GH_NS_PER_MS)
#endif
#else
#define SLOWEST_NS (2 * GH_NS_PER_MS)
#endif

/* --- text and compression ----------------------------------------------------------------------
 */

static void check_text(const char *text, enum gh_reason reason)
{
    assert_refused(read_text(text), reason);
}

static void test_text(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    check_text("HC1:", GH_REASON_TRUNCATED);
    check_text("HC1:0", GH_REASON_BAD_TEXT);
    check_text("HC1:NCFOXN", GH_REASON_TRUNCATED);
    check_text("HC1:NCFOX", GH_REASON_BAD_TEXT); /* a pair above 255 */
    check_text("HC1:::: ", GH_REASON_BAD_TEXT);  /* above 65535, and a length of 1 mod 3 */
    check_text("HC1:ncfox%", GH_REASON_BAD_TEXT);
    hcert_write(es256, &(struct hcert){0}, text);
    size_t size = strlen(text);
    size_t last = size % 3 == 0 ? 2 : 3; /* characters that stand for the last byte, or two */
    assert_refused(read_bytes(trust, text, size - last, NOW), GH_REASON_TRUNCATED);
    text[4] = '\0';
    assert_refused(read_bytes(trust, text, size, NOW), GH_REASON_BAD_TEXT);
}

/* The message in `size` bytes that were not made by the writer as a whole. */
static void check_packed(const uint8_t *packed, size_t size, enum gh_reason reason)
{
    static char text[HCERT_TEXT_BYTES];
    hcert_text((struct gh_bytes){packed, size}, text);
    check_text(text, reason);
}

static void test_compression(void **state)
{
    (void)state;
    static uint8_t message[HCERT_BYTES], packed[HCERT_BYTES];
    size_t size = hcert_message(es256, &(struct hcert){0}, message);
    check_packed(message, size, GH_REASON_BAD_COMPRESSION); /* not compressed */
    size_t packed_size = hcert_compress((struct gh_bytes){message, size}, 9, packed);
    check_packed(packed + 2, packed_size - 6, GH_REASON_BAD_COMPRESSION); /* raw deflate */
    check_packed(packed, packed_size - 1, GH_REASON_TRUNCATED);
    packed[packed_size] = 0;
    check_packed(packed, packed_size + 1, GH_REASON_TRAILING);
    packed[packed_size - 1] ^= 1;
    check_packed(packed, packed_size, GH_REASON_BAD_COMPRESSION); /* the checksum */
}

static void test_bombs(void **state)
{
    (void)state;
    static uint8_t zeros[HCERT_BYTES], packed[HCERT_BYTES];
    size_t size = hcert_compress((struct gh_bytes){zeros, sizeof(zeros)}, 9, packed);
    check_packed(packed, size, GH_REASON_TOO_LARGE);
    size = hcert_compress((struct gh_bytes){zeros, 16385}, 9, packed);
    check_packed(packed, size, GH_REASON_TOO_LARGE);
    size = hcert_compress((struct gh_bytes){zeros, 16384}, 9, packed);
    check_packed(packed, size, GH_REASON_MALFORMED); /* fits, but is no message */
}

/* --- message -----------------------------------------------------------------------------------
 */

static void check_hcert(const struct hcert *hcert, enum gh_reason reason)
{
    assert_refused(read_hcert(hcert), reason);
}

static void check_frame(const char *frame, enum gh_reason reason)
{
    check_hcert(&(struct hcert){.frame = frame}, reason);
}

static void test_frames(void **state)
{
    (void)state;
    check_frame("17([%P, %U, %C, %S])", GH_REASON_MALFORMED);
    check_frame("18(18([%P, %U, %C, %S]))", GH_REASON_MALFORMED);
    check_frame("61([%P, %U, %C, %S])", GH_REASON_MALFORMED);
    check_frame("18([%P, %U, %C])", GH_REASON_MALFORMED);
    check_frame("18([%P, %U, %C, %S, %S])", GH_REASON_MALFORMED);
    check_frame("18([%P, %U, null, %S])", GH_REASON_MALFORMED);
    check_frame("{1: 2}", GH_REASON_MALFORMED);
    check_frame("7", GH_REASON_MALFORMED);
    check_frame("x''", GH_REASON_TRUNCATED);
    check_frame("x'd284'", GH_REASON_TRUNCATED);
    check_frame("18([%P, %U, %C, x'58ff00'])", GH_REASON_TRUNCATED);
    check_frame("18([%P, %U, %C, %S])x'00'", GH_REASON_TRAILING);
    check_frame("18([%P, {'x': 1, 'x': 2}, %C, %S])", GH_REASON_DUPLICATE_KEY);
    check_frame("18([%P, {'x': x'81818181818181818181818181818181818100'}, %C, %S])",
                GH_REASON_TOO_DEEP);
}

/* A length that is not there: refused at once, without memory for it. */
static void test_huge_lengths(void **state)
{
    (void)state;
    check_frame("x'9a1000000001'", GH_REASON_TRUNCATED);
    check_frame("x'd29bffffffffffffffff01'", GH_REASON_TRUNCATED);
    check_frame("x'd2845bffffffffffffffff01'", GH_REASON_TRUNCATED);
    check_frame("18([%P, x'ba1000000001', %C, %S])", GH_REASON_TRUNCATED);
    check_frame("18([x'5b7fffffffffffffff00', %U, %C, %S])", GH_REASON_TRUNCATED);
}

static void check_headers(const char *inner, const char *outer, enum gh_reason reason)
{
    check_hcert(&(struct hcert){.protected_header = inner, .unprotected_header = outer}, reason);
}

static void test_headers(void **state)
{
    (void)state;
    check_headers("{4: %K}", NULL, GH_REASON_BAD_ALGORITHM);
    check_headers("{1: 0, 4: %K}", NULL, GH_REASON_BAD_ALGORITHM);
    check_headers("{1: 'none', 4: %K}", NULL, GH_REASON_BAD_ALGORITHM);
    check_headers("{1: 'ES256', 4: %K}", NULL, GH_REASON_BAD_ALGORITHM);
    check_headers("{1: 'none', 4: %K}", "{1: %A}", GH_REASON_BAD_ALGORITHM);
    check_headers("{1: -8, 4: %K}", NULL, GH_REASON_BAD_ALGORITHM);
    check_headers("{1: -35, 4: %K}", NULL, GH_REASON_BAD_ALGORITHM);
    check_headers("{1: 5, 4: %K}", NULL, GH_REASON_BAD_ALGORITHM); /* HMAC, keyed by what? */
    check_headers("{1: -37, 4: %K}", NULL, GH_REASON_WRONG_ALGORITHM);
    check_headers("{1: %A}", NULL, GH_REASON_KEY_ID_MISSING);
    check_headers("{1: %A, 4: h''}", NULL, GH_REASON_KEY_ID_MISSING);
    check_headers("{1: %A, 4: h'666f6f'}", "{4: %K}", GH_REASON_FOREIGN);
    check_headers("{1: %A, 4: h'0102030405060708'}", "{4: %K}", GH_REASON_FOREIGN);
    check_headers("{1: %A, 4: h'010203040506070809'}", NULL, GH_REASON_FOREIGN);
    check_headers("{1: %A, 4: 'text'}", NULL, GH_REASON_MALFORMED);
    check_headers("{1: %A, 1: %A, 4: %K}", NULL, GH_REASON_DUPLICATE_KEY);
    check_headers("{1: %A, 4: %K, x'1804': %K}", NULL, GH_REASON_DUPLICATE_KEY);
    check_headers("{1: %A, 4: %K, 2: [9], 9: 1}", NULL, GH_REASON_MALFORMED); /* critical */
    check_headers("[1, %A, 4, %K]", NULL, GH_REASON_MALFORMED);
}

static void test_alg_swapped_for_rsa(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    hcert_write(ps256, &(struct hcert){.protected_header = "{1: -7, 4: %K}"}, text);
    check_text(text, GH_REASON_WRONG_ALGORITHM);
}

/* --- signature ---------------------------------------------------------------------------------
 */

#define ZERO32 "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE32 "0000000000000000000000000000000000000000000000000000000000000001"
#define MAX32 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define BELOW "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"

static void check_signature(const char *signature, enum gh_reason reason)
{
    check_hcert(&(struct hcert){.signature = signature}, reason);
}

static void test_signatures(void **state)
{
    (void)state;
    check_signature("h''", GH_REASON_SIGNATURE_FORM);
    check_signature("h'" ONE32 "'", GH_REASON_SIGNATURE_FORM);
    check_signature("h'" ONE32 ONE32 "00'", GH_REASON_SIGNATURE_FORM);
    check_signature("h'3044022001" ONE32 "022001" ONE32 "'", GH_REASON_SIGNATURE_FORM);
    check_signature("h'" ZERO32 ONE32 "'", GH_REASON_SIGNATURE_RANGE);
    check_signature("h'" ONE32 ZERO32 "'", GH_REASON_SIGNATURE_RANGE);
    check_signature("h'" ZERO32 ZERO32 "'", GH_REASON_SIGNATURE_RANGE);
    check_signature("h'" MAX32 ONE32 "'", GH_REASON_SIGNATURE_RANGE);
    check_signature("h'" ONE32 MAX32 "'", GH_REASON_SIGNATURE_RANGE);
    check_signature("h'" ORDER ONE32 "'", GH_REASON_SIGNATURE_RANGE);
    check_signature("h'" BELOW BELOW "'", GH_REASON_FORGED);
    check_signature("h'" ONE32 ONE32 "'", GH_REASON_FORGED);
}

static void test_signature_of_rsa(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    hcert_write(ps256, &(struct hcert){.signature = "h'" ONE32 ONE32 "'"}, text);
    check_text(text, GH_REASON_SIGNATURE_FORM);
    hcert_write(
        ps256,
        &(struct hcert){.signature = "h'" ONE32 ONE32 ONE32 ONE32 ONE32 ONE32 ONE32 ONE32 "'"},
        text);
    check_text(text, GH_REASON_FORGED);
    hcert_write(
        ps256,
        &(struct hcert){.signature = "h'" MAX32 MAX32 MAX32 MAX32 MAX32 MAX32 MAX32 MAX32 "'"},
        text);
    check_text(text, GH_REASON_FORGED);
}

static void test_what_is_not_signed(void **state)
{
    (void)state;
    /* another payload, another protected header */
    check_frame("18([%P, %U, h'a0', %S])", GH_REASON_FORGED);
    check_hcert(&(struct hcert){.protected_header = "{1: %A}",
                                .unprotected_header = "{4: %K}",
                                .frame = "18([h'', {1: -7, x'04': x'48', 9: 9}, %C, %S])"},
                GH_REASON_MALFORMED);
    check_hcert(&(struct hcert){.protected_header = "{1: %A}",
                                .unprotected_header = "{1: %A, 4: %K}",
                                .frame = "18([h'', %U, %C, %S])"},
                GH_REASON_FORGED);
    struct hcert_signer *stranger = hcert_signer_new(GH_KEY_P256, 0, 0);
    static char text[HCERT_TEXT_BYTES];
    hcert_write(stranger, &(struct hcert){0}, text);
    check_text(text, GH_REASON_FOREIGN);
    assert_refused(read_bytes(NULL, text, strlen(text), NOW), GH_REASON_FOREIGN);
    hcert_signer_free(stranger);
}

/* --- claims ------------------------------------------------------------------------------------
 */

#define ENTRY "{'ci': 'X', 'dt': '2021-04-18'}"
#define CONTENT "-260: {1: {'v': [" ENTRY "], " HCERT_NAME "}}"
#define TIMES "4: 1651536000, 6: 1620000000"

static void check_claims(const char *claims, enum gh_reason reason)
{
    assert_refused(read_claims(claims), reason);
}

static void test_claims(void **state)
{
    (void)state;
    struct gh_credential good = read_claims("{" TIMES ", " CONTENT "}");
    assert_reason(&good, GH_REASON_OK);
    check_claims("[" ENTRY "]", GH_REASON_BAD_CONTENT);
    check_claims("{}", GH_REASON_BAD_CONTENT);
    check_claims("{" TIMES "}", GH_REASON_BAD_CONTENT);
    check_claims("{4: 1651536000, " CONTENT "}", GH_REASON_BAD_CONTENT);
    check_claims("{6: 1620000000, " CONTENT "}", GH_REASON_BAD_CONTENT);
    check_claims("{1: 'A\x07T', " TIMES ", " CONTENT "}", GH_REASON_BAD_CONTENT);
    check_claims("{" TIMES ", " CONTENT ", 4: 1651536000}", GH_REASON_DUPLICATE_KEY);
    check_claims("{" TIMES ", " CONTENT ", x'1806': 1620000000}", GH_REASON_DUPLICATE_KEY);
    check_claims("{" TIMES ", -260: {1: {'v': [" ENTRY "], 'v': null, " HCERT_NAME "}}}",
                 GH_REASON_DUPLICATE_KEY);
    check_claims("{" TIMES
                 ", -260: {1: {'v': [{'ci': 'X', 'ci': 'Y', 'dt': '2021-04-18'}], " HCERT_NAME
                 "}}}",
                 GH_REASON_DUPLICATE_KEY);
    check_claims("{" TIMES ", -260: {1: {'v': [" ENTRY "], 'nam': {'fnt': 'A', 'fnt': 'B'}}}}",
                 GH_REASON_DUPLICATE_KEY);
    check_claims("{" TIMES ", " CONTENT "}x'00'", GH_REASON_TRAILING);
    check_claims("{" TIMES ", " CONTENT ", x'0a'}", GH_REASON_TRUNCATED);
    check_claims("{" TIMES ", " CONTENT ", 9: x'9a10000000'}", GH_REASON_TRUNCATED);
    check_claims("{" TIMES ", " CONTENT ", 9: x'818181818181818181818181818181818181818181f6'}",
                 GH_REASON_TOO_DEEP);
    check_claims("{_ " TIMES ", " CONTENT ", 9: x'9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f'}",
                 GH_REASON_TOO_DEEP);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *times;
        enum gh_reason reason;
    } cases[] = {
        {"4: 1651536000, 6: NaN", GH_REASON_BAD_TIME},
        {"4: NaN, 6: 1620000000", GH_REASON_BAD_TIME},
        {"4: Infinity, 6: 1620000000", GH_REASON_BAD_TIME},
        {"4: 1651536000, 6: -Infinity", GH_REASON_BAD_TIME},
        {"4: 1651536000, 6: x'f97e00'", GH_REASON_BAD_TIME}, /* NaN in two bytes */
        {"4: 1e300, 6: 1620000000", GH_REASON_BAD_TIME},
        {"4: 1651536000, 6: -1", GH_REASON_BAD_TIME},
        {"4: 1651536000, 6: -0.5", GH_REASON_BAD_TIME},
        {"4: -5, 6: -10", GH_REASON_BAD_TIME},
        {"4: 9007199254740993, 6: 1620000000", GH_REASON_BAD_TIME},
        {"4: x'1bffffffffffffffff', 6: 1620000000", GH_REASON_BAD_TIME},
        {"4: '2022-05-03', 6: 1620000000", GH_REASON_BAD_CONTENT},
        {"4: null, 6: 1620000000", GH_REASON_BAD_CONTENT},
        {"4: 1(1651536000), 6: 1620000000", GH_REASON_BAD_CONTENT}, /* RFC 8392: no tag */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char claims[1024];
        snprintf(claims, sizeof(claims), "{%s, " CONTENT "}", cases[i].times);
        check_claims(claims, cases[i].reason);
    }
}

/* Its issuer's word, but not to be believed: authentic, and refused. */
static void test_times_that_contradict(void **state)
{
    (void)state;
    struct gh_credential credential = read_claims("{4: 1620000000, 6: 1651536000, " CONTENT "}");
    assert_reason(&credential, GH_REASON_TIMES_CONTRADICT);
    assert_true(credential.authentic);
    credential = read_claims("{4: 9007199254740992, 6: 9007199254740000, " CONTENT "}");
    assert_reason(&credential, GH_REASON_NOT_YET_VALID);
    credential = read_claims("{4: 9007199254740992, 6: 0, " CONTENT "}");
    assert_reason(&credential, GH_REASON_OK);
    credential = read_claims("{4: 0, 6: 0, " CONTENT "}");
    assert_reason(&credential, GH_REASON_EXPIRED);
}

static void test_content(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "'x': 1",
        "'v': []",
        "'v': null, 't': null, 'r': null",
        ("'v': [" ENTRY "], 't': [{'ci': 'X', 'sc': '2021-05-02T12:00:00Z'}]"),
        ("'v': " ENTRY),
        "'v': [null]",
        "'v': ['text']",
        "'v': [{'ci': 'X', 'dt': '2021-04-18', h'00': 1}]",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(contents); i++) {
        struct gh_credential credential = read_content(contents[i]);
        if (credential.reason != GH_REASON_BAD_CONTENT)
            print_error("%s\n", contents[i]);
        assert_refused(credential, GH_REASON_BAD_CONTENT);
    }
}

/* True, whatever its issuer's program has written for a date; but nothing is built on it. */
static void test_dates_that_are_none(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "'v': [{'ci': 'X'}]",
        "'v': [{'ci': 'X', 'dt': ''}]",
        "'v': [{'ci': 'X', 'dt': '2021-04'}]",
        "'v': [{'ci': 'X', 'dt': '2021-02-30'}]",
        "'v': [{'ci': 'X', 'dt': '2021-04-18 '}]",
        "'v': [{'ci': 'X', 'dt': '2021-04-18T25:00:00Z'}]",
        "'v': [{'ci': 'X', 'dt': 1(1618704000)}]",
        "'v': [{'ci': 'X', 'dt': (_ '2021-04', '-18')}]",
        "'v': [{'ci': 'X', 'dt': [['2021-04-18']]}]",
        "'t': [{'ci': 'X', 'sc': 1620000000000}]",
        "'t': [{'ci': 'X', 'sc': '2021-05-02T12:00Z'}]",
        "'t': [{'ci': 'X', 'sc': '2021-05-02T12:00:00+2'}]",
        "'t': [{'ci': 'X', 'sc': '2021-05-02 12:00:00Z'}]",
        "'r': [{'ci': 'X', 'df': '2021-01-10', 'du': '2021-01-21'}]",
        "'r': [{'ci': 'X', 'fr': '2021-01-10', 'df': '2021-01', 'du': '2021-01-21'}]",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(contents); i++) {
        struct gh_credential credential = read_content(contents[i]);
        assert_reason(&credential, GH_REASON_OK);
        assert_int_equal(credential.fact_count, 0);
    }
}

/* What is not what it should be is as if it were not there. */
static void test_values_that_are_none(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "'v': [{'dt': '2021-04-18'}]",
        "'v': [{'ci': '', 'dt': '2021-04-18'}]",
        "'v': [{'ci': null, 'dt': '2021-04-18', 'dn': null}]",
        "'v': [{'ci': 7, 'dt': '2021-04-18', 'dn': 256, 'sd': 2.5}]",
        "'v': [{'dt': '2021-04-18', 'dn': -1, 'sd': '2', 'tg': 840539006}]",
        "'v': [{'dt': '2021-04-18', 'mp': (_ 'EU/1', '/20')}]",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(contents); i++) {
        struct gh_credential credential = read_content(contents[i]);
        assert_reason(&credential, GH_REASON_OK);
        assert_int_equal(credential.fact_count, 1);
        assert_int_equal(credential.facts[0].dose, 0);
        assert_int_equal(credential.facts[0].doses, 0);
        assert_string_equal(credential.facts[0].product, "");
        assert_string_equal(credential.facts[0].disease, "");
        assert_int_equal(credential.revocation_count, 1); /* by its signature */
        assert_true(credential.id != 0);
    }
    struct gh_credential credential =
        read_claims("{1: 7, " TIMES ", -260: {1: {'v': [{'co': 'AT', 'dt': '2021-04-18'}]}}}");
    assert_reason(&credential, GH_REASON_OK);
    assert_string_equal(credential.issuer, "AT");
}

/* Without its own days a recovery is limited by the rules alone. */
static void test_recovery_without_days(void **state)
{
    (void)state;
    struct gh_credential credential = read_content("'r': [{'ci': 'X', 'fr': '2021-01-10'}]");
    assert_reason(&credential, GH_REASON_OK);
    assert_int_equal(credential.fact_count, 1);
    assert_true(credential.facts[0].from_s == INT64_MIN &&
                credential.facts[0].until_s == INT64_MAX);
}

/* Of more than there is room for, the newest count. */
static void test_many_entries(void **state)
{
    (void)state;
    char content[1024] = "'v': [";
    for (int day = 1; day <= 7; day++)
        snprintf(content + strlen(content), sizeof(content) - strlen(content),
                 "%s{'ci': 'X', 'dt': '2021-04-%02d', 'dn': %d}", day > 1 ? ", " : "",
                 day * 3 % 7 + 1, day * 3 % 7 + 1);
    struct gh_credential credential = read_content(strcat(content, "]"));
    assert_reason(&credential, GH_REASON_OK);
    assert_int_equal(credential.fact_count, GH_FACTS_MAX);
    for (unsigned i = 0; i < GH_FACTS_MAX; i++)
        assert_int_equal(credential.facts[i].dose, 7 - i);
}

/* A certificate that does not say whose it is is nobody's: it stands for no person. */
static void test_holders(void **state)
{
    (void)state;
    static const char *const holders[] = {
        "",
        ", 'nam': {}",
        ", 'nam': {'fn': '', 'gnt': null}, 'dob': '1998-02-26'",
        ", 'nam': {'fn': 'Musterfrau'}",
        ", 'nam': {'fn': 'Musterfrau'}, 'dob': ''",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(holders); i++) {
        char claims[1024];
        snprintf(claims, sizeof(claims), "{" TIMES ", -260: {1: {'v': [" ENTRY "]%s}}}",
                 holders[i]);
        struct gh_credential credential = read_claims(claims);
        assert_reason(&credential, GH_REASON_OK);
        assert_true(credential.subject == 0);
    }
    check_claims("{" TIMES ", -260: {1: {'v': [" ENTRY "], 'nam': 'Gabriele'}}}",
                 GH_REASON_BAD_CONTENT);
}

static void test_long_texts(void **state)
{
    (void)state;
    char number[300], content[512], claims[1024];
    memset(number, 'N', sizeof(number));
    snprintf(content, sizeof(content), "'v': [{'ci': '%.256s', 'dt': '2021-04-18'}]", number);
    struct gh_credential credential = read_content(content);
    assert_reason(&credential, GH_REASON_OK);
    snprintf(content, sizeof(content), "'v': [{'ci': '%.257s', 'dt': '2021-04-18'}]", number);
    assert_refused(read_content(content), GH_REASON_BAD_CONTENT);
    snprintf(claims, sizeof(claims), "{1: '%.255s', " TIMES ", " CONTENT "}", number);
    credential = read_claims(claims);
    assert_reason(&credential, GH_REASON_OK);
    assert_int_equal(strlen(credential.issuer), 255);
    snprintf(claims, sizeof(claims), "{1: '%.256s', " TIMES ", " CONTENT "}", number);
    check_claims(claims, GH_REASON_BAD_CONTENT);
}

static void test_many_keys(void **state)
{
    (void)state;
    static char claims[4096];
    size_t size = (size_t)snprintf(claims, sizeof(claims), "{" TIMES ", " CONTENT);
    for (int i = 0; i < 40; i++)
        size += (size_t)snprintf(claims + size, sizeof(claims) - size, ", %d: %d", 100 + i, i);
    snprintf(claims + size, sizeof(claims) - size, "}");
    check_claims(claims, GH_REASON_BAD_CONTENT);
}

/* --- time --------------------------------------------------------------------------------------
 */

static int64_t fastest_of(int times, const char *text, enum gh_reason reason)
{
    struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};
    int64_t best = INT64_MAX;
    for (int i = 0; i < times; i++) {
        struct gh_credential credential;
        int64_t start = used_ns();
        gh_code_read(trust, bytes, NOW, &credential);
        int64_t took = used_ns() - start;
        best = took < best ? took : best;
        assert_reason(&credential, reason);
    }
    return best;
}

static void check_time(const char *text, enum gh_reason reason)
{
    assert_true(fastest_of(20, text, reason) < SLOWEST_NS);
}

/* As full of work as 7089 characters can be. Deflate blocks of nothing. */
static void test_time_of_empty_blocks(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    static uint8_t packed[4700] = {0x78, 0xda};
    struct gh_writer writer = gh_writer_over(packed, sizeof(packed));
    writer.size = 2;
    while (!writer.overflow) /* with fixed trees: 10 bits each, four in five bytes */
        gh_writer_put(&writer, "\x02\x08\x20\x80\x00", 5);
    hcert_text((struct gh_bytes){packed, writer.size}, text);
    check_time(text, GH_REASON_BAD_COMPRESSION);
}

/* Signed: 16 KiB of the smallest items there are, flat and nested. */
static void test_time_of_small_items(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES], claims[40000];
    size_t size = (size_t)snprintf(claims, sizeof(claims), "{9: [1");
    for (int i = 0; i < 16000; i++)
        size += (size_t)snprintf(claims + size, sizeof(claims) - size, ",1");
    snprintf(claims + size, sizeof(claims) - size, "]}");
    hcert_write(es256, &(struct hcert){.claims = claims}, text);
    check_time(text, GH_REASON_BAD_CONTENT);
    size = (size_t)snprintf(claims, sizeof(claims), "{9: x'");
    for (int i = 0; i < 15000; i++)
        size += (size_t)snprintf(claims + size, sizeof(claims) - size, "81");
    snprintf(claims + size, sizeof(claims) - size, "'}");
    hcert_write(es256, &(struct hcert){.claims = claims}, text);
    check_time(text, GH_REASON_TOO_DEEP);
}

/* A true certificate that somebody has stuffed, where nothing is signed, with more copies than any
 * certificate has. */
static void test_time_of_many_copies(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES], header[16000];
    unsigned seed = 1;
    size_t size = (size_t)snprintf(header, sizeof(header), "{9: '");
    while (size < 14000)
        header[size++] = (char)('A' + ((seed = seed * 1103515245 + 12345) >> 16) % 2);
    snprintf(header + size, sizeof(header) - size, "'}");
    hcert_write(es256, &(struct hcert){.unprotected_header = header}, text);
    check_time(text, GH_REASON_BAD_COMPRESSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_huge_lengths),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_alg_swapped_for_rsa),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_signature_of_rsa),
        cmocka_unit_test(test_what_is_not_signed),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_times_that_contradict),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_dates_that_are_none),
        cmocka_unit_test(test_values_that_are_none),
        cmocka_unit_test(test_recovery_without_days),
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_holders),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_time_of_empty_blocks),
        cmocka_unit_test(test_time_of_small_items),
        cmocka_unit_test(test_time_of_many_copies),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
