/* SPDX-License-Identifier: Apache-2.0 */
/* Honest HCERTs: what is taken, and what is read of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hcert_fixture.h"

#include "code/parts.h"
#include "gatehouse/clock.h"

static int64_t at(const char *time)
{
    int64_t seconds;
    assert_int_equal(gh_time_parse(time, &seconds), GH_OK);
    return seconds;
}

static struct gh_bytes bytes_of(const char *text)
{
    return (struct gh_bytes){(const uint8_t *)text, strlen(text)};
}

/* --- what is read ---------------------------------------------------------------------------- */

static void test_vaccination(void **state)
{
    (void)state;
    struct gh_credential credential = read_hcert(&(struct hcert){0});
    assert_reason(&credential, GH_REASON_OK);
    assert_true(credential.authentic);
    assert_true(credential.issued_at_s == HCERT_IAT);
    assert_true(credential.expires_at_s == HCERT_EXP + 1);
    assert_string_equal(credential.issuer, "AT");
    assert_int_equal(credential.colour, GH_COLOUR_NONE);
    assert_int_equal(credential.form, GH_FORM_NONE);
    assert_true(credential.home == 0);
    assert_int_equal(credential.fact_count, 1);
    const struct gh_fact *fact = &credential.facts[0];
    assert_int_equal(fact->group, GH_FACT_VACCINATION);
    assert_int_equal(fact->test, GH_TEST_ANY);
    assert_int_equal(fact->result, GH_RESULT_ANY);
    assert_true(fact->at_s == at("2021-04-18T00:00:00Z"));
    assert_true(fact->from_s == INT64_MIN && fact->until_s == INT64_MAX);
    assert_int_equal(fact->dose, 2);
    assert_int_equal(fact->doses, 2);
    assert_string_equal(fact->disease, GH_DISEASE_COVID19);
    assert_string_equal(fact->product, "EU/1/20/1528");
    struct gh_issuer_key key = hcert_signer_key(es256);
    assert_memory_equal(credential.key_id, key.key_id, GH_KEY_ID_BYTES);
}

static void test_test(void **state)
{
    (void)state;
    static const struct {
        const char *type, *result;
        enum gh_test_kind kind;
        enum gh_test_result meaning;
    } cases[] = {
        {"LP6464-4", "260415000", GH_TEST_NAAT, GH_RESULT_NEGATIVE},
        {"LP6464-4", "260373001", GH_TEST_NAAT, GH_RESULT_POSITIVE},
        {"LP217198-3", "260415000", GH_TEST_ANTIGEN, GH_RESULT_NEGATIVE},
        {"LP217198-3", "", GH_TEST_ANTIGEN, GH_RESULT_OTHER},
        {"LP6464", "2604150001", GH_TEST_OTHER, GH_RESULT_OTHER},
        {"a test", "Not detected", GH_TEST_OTHER, GH_RESULT_OTHER},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char content[512];
        snprintf(content, sizeof(content),
                 "'t': [{'ci': 'X', 'co': 'AT', 'tg': '840539006', 'sc': '2021-05-02T12:00:00Z', "
                 "'tt': '%s', 'tr': '%s', 'dn': 3, 'mp': 'none'}]",
                 cases[i].type, cases[i].result);
        struct gh_credential credential = read_content(content);
        assert_reason(&credential, GH_REASON_OK);
        const struct gh_fact *fact = &credential.facts[0];
        assert_int_equal(fact->group, GH_FACT_TEST);
        assert_int_equal(fact->test, cases[i].kind);
        assert_int_equal(fact->result, cases[i].meaning);
        assert_true(fact->at_s == at("2021-05-02T12:00:00Z"));
        assert_true(fact->from_s == INT64_MIN && fact->until_s == INT64_MAX);
        assert_int_equal(fact->dose, 0); /* a vaccination's words mean nothing here */
        assert_string_equal(fact->product, "");
    }
}

static void test_recovery(void **state)
{
    (void)state;
    struct gh_credential credential =
        read_content("'r': [{'ci': 'X', 'co': 'AT', 'tg': '840539006', 'fr': '2021-01-10', "
                     "'df': '2021-01-21', 'du': '2021-07-10'}]");
    assert_reason(&credential, GH_REASON_OK);
    const struct gh_fact *fact = &credential.facts[0];
    assert_int_equal(fact->group, GH_FACT_RECOVERY);
    assert_true(fact->at_s == at("2021-01-10T00:00:00Z"));
    assert_true(fact->from_s == at("2021-01-21T00:00:00Z"));
    assert_true(fact->until_s == at("2021-07-10T23:59:59Z"));
}

static void test_times_of_a_test(void **state)
{
    (void)state;
    static const struct {
        const char *written, *meant;
    } cases[] = {
        {"'2021-05-02T12:00:00Z'", "2021-05-02T12:00:00Z"},
        {"'2021-05-02T12:00:00.999Z'", "2021-05-02T12:00:00Z"},
        {"'2021-05-02T12:00:00+02:00'", "2021-05-02T10:00:00Z"},
        {"'2021-05-02T12:00:00-0130'", "2021-05-02T13:30:00Z"},
        {"'2021-05-02T12:00:00+02'", "2021-05-02T10:00:00Z"},
        {"'2021-05-02T12:00:00.5+0200'", "2021-05-02T10:00:00Z"},
        {"'2021-05-02T12:00:00'", "2021-05-02T12:00:00Z"},
        {"'2021-05-02'", "2021-05-02T00:00:00Z"},
        {"0('2021-05-02T12:00:00Z')", "2021-05-02T12:00:00Z"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char content[256];
        snprintf(content, sizeof(content), "'t': [{'ci': 'X', 'sc': %s}]", cases[i].written);
        struct gh_credential credential = read_content(content);
        assert_reason(&credential, GH_REASON_OK);
        assert_true(credential.facts[0].at_s == at(cases[i].meant));
    }
}

static void test_days(void **state)
{
    (void)state;
    static const char *const days[] = {
        "'2021-05-02'",
        "1004('2021-05-02')",
        "'2021-05-02T00:00:00'",
        "'2021-05-02T23:59:59.999Z'",
        "0('2021-05-02T23:00:00-05:00')", /* the day that it names, not the one it is in UTC */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(days); i++) {
        char content[256];
        snprintf(content, sizeof(content), "'v': [{'ci': 'X', 'dt': %s}]", days[i]);
        struct gh_credential credential = read_content(content);
        assert_reason(&credential, GH_REASON_OK);
        assert_true(credential.facts[0].at_s == at("2021-05-02T00:00:00Z"));
    }
}

static void test_the_newest_come_first(void **state)
{
    (void)state;
    struct gh_credential credential = read_content(
        "'v': [{'ci': 'A', 'dt': '2021-02-01', 'dn': 1}, {'ci': 'B', 'dt': '2021-04-01', 'dn': 3}, "
        "{'ci': 'C', 'dt': '2021-03-01', 'dn': 2}, {'ci': 'D', 'dt': '2021-04-01', 'dn': 4}]");
    assert_reason(&credential, GH_REASON_OK);
    assert_int_equal(credential.fact_count, GH_FACTS_MAX);
    for (unsigned i = 0; i < GH_FACTS_MAX; i++)
        assert_int_equal(credential.facts[i].dose, 4 - i);
    /* its number is that of the entry that comes first in the certificate */
    assert_true(credential.id == gh_certificate_id(trust, GH_KIND_HCERT, bytes_of("A")));
}

static void test_texts_are_cut_and_printable(void **state)
{
    (void)state;
    struct gh_credential credential = read_content(
        "'v': [{'ci': 'X', 'dt': '2021-02-01', 'tg': '84053900612345678901234567890', 'mp': "
        "'\xc3\xa4\x01"
        "12345678901234567890123456789012345678901234567890123456789'}]");
    assert_reason(&credential, GH_REASON_OK);
    assert_string_equal(credential.facts[0].disease, "8405390061234567890");
    assert_string_equal(credential.facts[0].product,
                        "???12345678901234567890123456789012345678901234");
}

static void test_issuer(void **state)
{
    (void)state;
    struct gh_credential credential =
        read_claims("{4: 1651536000, 6: 1620000000, -260: {1: {'v': [{'ci': 'X', 'co': 'NL', 'dt': "
                    "'2021-04-18'}], " HCERT_NAME "}}}");
    assert_reason(&credential, GH_REASON_OK);
    assert_string_equal(credential.issuer, "NL");
    credential = read_claims("{1: 'DE', 4: 1651536000, 6: 1620000000, -260: {1: {'v': [{'ci': 'X', "
                             "'co': 'NL', 'dt': '2021-04-18'}], " HCERT_NAME "}}}");
    assert_string_equal(credential.issuer, "DE");
}

/* --- hashes that stand for people ------------------------------------------------------------- */

static void test_holder(void **state)
{
    (void)state;
    struct gh_credential credential = read_hcert(&(struct hcert){0});
    gh_id holder =
        gh_holder_id(trust, bytes_of("MUSTERFRAU"), bytes_of("GABRIELE"), bytes_of("1998-02-26"));
    assert_true(holder != 0);
    assert_true(credential.subject == holder);
    assert_true(credential.id ==
                gh_certificate_id(trust, GH_KIND_HCERT,
                                  bytes_of("URN:UVCI:01:AT:10807843F94AEE0EE5093FBC254BD813#B")));
}

static gh_id holder_of(const char *names)
{
    char claims[512];
    snprintf(claims, sizeof(claims),
             "{4: 1651536000, 6: 1620000000, -260: {1: {'v': [{'ci': 'X', 'dt': '2021-04-18'}], "
             "%s}}}",
             names);
    struct gh_credential credential = read_claims(claims);
    assert_reason(&credential, GH_REASON_OK);
    return credential.subject;
}

static void test_names_that_are_missing(void **state)
{
    (void)state;
    struct gh_bytes none = {.size = 0};
    struct gh_bytes dob = bytes_of("1998-02-26");
    assert_true(holder_of("'nam': {'fn': 'Muster', 'fnt': null}, 'dob': '1998-02-26'") ==
                gh_holder_id(trust, bytes_of("Muster"), none, dob));
    assert_true(holder_of("'nam': {'gn': 'Gabi'}, 'dob': '1998-02-26'") ==
                gh_holder_id(trust, none, bytes_of("Gabi"), dob));
    assert_true(holder_of("'nam': {_ 'fnt': 'M', 'gnt': 'G', 'fn': 'x', 'gn': 'y'}") ==
                gh_holder_id(trust, bytes_of("M"), bytes_of("G"), none));
    /* one person, two encoders */
    assert_true(holder_of("'nam': {'fnt': 'M'}, 'dob': '1998-02-26T00:00:00'") ==
                gh_holder_id(trust, bytes_of("M"), none, dob));
}

static void test_without_a_secret_nobody_is_identified(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    struct gh_trust *open = hcert_signer_trust(es256, NULL);
    hcert_write(es256, &(struct hcert){0}, text);
    struct gh_credential credential = read_bytes(open, text, strlen(text), NOW);
    assert_reason(&credential, GH_REASON_OK);
    assert_true(credential.subject == 0 && credential.id == 0);
    gh_trust_unref(open);
}

/* No name, birth date or number in the clear anywhere in what leaves the reader. */
static void test_no_name_leaves_the_reader(void **state)
{
    (void)state;
    static const char *const secrets[] = {"MUSTERFRAU", "Musterfrau", "GABRIELE", "Gabriele",
                                          "1998",       "URN:UVCI",   "10807843"};
    struct gh_credential credential = read_hcert(&(struct hcert){0});
    for (size_t i = 0; i < GH_ARRAY_SIZE(secrets); i++)
        assert_null(memmem(&credential, sizeof(credential), secrets[i], strlen(secrets[i])));
}

/* --- revocation ------------------------------------------------------------------------------- */

static void assert_hash(const uint8_t hash[GH_REVOCATION_BYTES], const char *hex)
{
    char text[2 * GH_REVOCATION_BYTES + 1];
    gh_hex_encode(hash, GH_REVOCATION_BYTES, text);
    assert_string_equal(text, hex);
}

/* The numbers and values of UCI and COUNTRYCODEUCI are published (corona-warn-app/cwa-app-android,
 * RevocationCalculationSampleData.json: REC_DE, VAC-2 of LT); SIGNATURE is over a signature that
 * nobody else can make, so it is computed again here. */
static void check_revocations(const struct hcert_signer *signer, const char *country,
                              const char *number, const char *uci, const char *country_uci)
{
    static char text[HCERT_TEXT_BYTES];
    static uint8_t message[HCERT_BYTES], packed[HCERT_BYTES];
    char claims[512];
    snprintf(claims, sizeof(claims),
             "{1: '%s', 4: 1651536000, 6: 1620000000, -260: {1: {'v': [{'ci': '%s', 'co': 'XX', "
             "'dt': '2021-04-18'}], " HCERT_NAME "}}}",
             country, number);
    size_t size = hcert_message(signer, &(struct hcert){.claims = claims}, message);
    struct gh_bytes bytes = {packed, hcert_compress((struct gh_bytes){message, size}, 9, packed)};
    hcert_text(bytes, text);
    struct gh_credential credential = read_text(text);
    assert_reason(&credential, GH_REASON_OK);
    assert_int_equal(credential.revocation_count, 3);
    assert_hash(credential.revocations[0], uci);
    assert_hash(credential.revocations[1], country_uci);
    bool ecdsa = signer == es256;
    size_t signature_bytes = ecdsa ? 64 : 256;
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){message + size - signature_bytes, ecdsa ? 32 : 256}, hash);
    assert_memory_equal(credential.revocations[2], hash, GH_REVOCATION_BYTES);
}

static void test_revocations(void **state)
{
    (void)state;
    check_revocations(es256, "DE", "URN:UVCI:01DE/A23234242/50CUH2UMZUJW382VP58G2Q#F",
                      "423bd0a847634ce8dea5dd5e9400f287", "7dfb27c9adf0551f0600585a9641a026");
    check_revocations(ps256, "LT", "URN:UVCI:01:LT:1111ZXWMLK5CHWBDVQK5Q#Z",
                      "3d59bc9b9563dcea32836578c9d3b161", "0c32d9ec22eb7167ea0e7a1eb0a21849");
}

/* --- forms that are taken ----------------------------------------------------------------------
 */

static void test_headers(void **state)
{
    (void)state;
    static const struct hcert forms[] = {
        {.protected_header = "{4: %K, 1: %A}"},
        {.protected_header = "{1: %A}", .unprotected_header = "{4: %K}"},
        {.protected_header = "{}", .unprotected_header = "{4: %K, 1: %A}"},
        {.protected_header = "", .unprotected_header = "{4: %K, 1: %A}"},
        /* the protected ones count */
        {.unprotected_header = "{1: -37, 4: h'0000000000000000'}"},
        {.protected_header = "{1: %A, 3: 61, 4: %K}"},
        {.frame = "[%P, %U, %C, %S]"},
        {.frame = "61(18([%P, %U, %C, %S]))"},
        {.frame = "18([_ %P, %U, %C, %S])"},
        {.unprotected_header = "{_}"},
        {.level = -1},
        {.level = 1},
        {.level = 6},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(forms); i++) {
        struct gh_credential credential = read_hcert(&forms[i]);
        assert_reason(&credential, GH_REASON_OK);
        static char text[HCERT_TEXT_BYTES];
        struct hcert rsa = forms[i];
        if (i == 4)
            continue;
        hcert_write(ps256, &rsa, text);
        credential = read_text(text);
        assert_reason(&credential, GH_REASON_OK);
    }
}

static void test_claims_in_other_forms(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "{_ -260: {_ 1: {_ 'dob': '1998', 'nam': {_ 'fnt': 'M'}, 'v': [_ {_ 'dt': '2021-04-18', "
        "'ci': 'X'}]}}, 6: 1620000000, 4: 1651536000, 1: 'AT'}",
        "{1: 'AT', 4: 1651536000.75, 6: 1620000000.25, -260: {1: {'v': [{'dt': '2021-04-18', 'ci': "
        "'X'}], 'nam': {'fnt': 'M'}}}}",
        "{1: null, 4: 1651536000, 6: 1620000000, -260: {0: 'more', 1: {'v': [{'dt': '2021-04-18', "
        "'ci': 'X', 'nm': null, 'mp': null, 'dn': null}], 't': null, 'r': [], 'nam': {'fnt': 'M'}, "
        "'meta': [1, {2: 3}]}}, 99: [1, 2.5, h'00'], 'text': 7}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(forms); i++) {
        struct gh_credential credential = read_claims(forms[i]);
        assert_reason(&credential, GH_REASON_OK);
        assert_true(credential.issued_at_s == HCERT_IAT);
        assert_true(credential.expires_at_s == HCERT_EXP + 1);
    }
}

/* --- times -------------------------------------------------------------------------------------
 */

static void check_at(int64_t now_s, enum gh_reason reason)
{
    static char text[HCERT_TEXT_BYTES];
    hcert_write(es256, &(struct hcert){0}, text);
    struct gh_credential credential = read_bytes(trust, text, strlen(text), now_s);
    assert_reason(&credential, reason);
    assert_true(credential.authentic); /* its issuer's word, even if it is over */
    assert_int_equal(credential.fact_count, 1);
}

static void test_times(void **state)
{
    (void)state;
    check_at(HCERT_IAT - 1, GH_REASON_NOT_YET_VALID);
    check_at(HCERT_IAT, GH_REASON_OK);
    check_at(HCERT_EXP, GH_REASON_OK);
    check_at(HCERT_EXP + 1, GH_REASON_EXPIRED);
    check_at(0, GH_REASON_NOT_YET_VALID);
    check_at(INT64_MIN, GH_REASON_NOT_YET_VALID);
    check_at(INT64_MAX, GH_REASON_EXPIRED);
}

/* --- keys --------------------------------------------------------------------------------------
 */

static void check_key(const struct gh_issuer_key *key, enum gh_reason reason)
{
    static char text[HCERT_TEXT_BYTES];
    struct gh_trust *one = trust_in(key, 1);
    hcert_write(es256, &(struct hcert){0}, text);
    struct gh_credential credential = read_bytes(one, text, strlen(text), NOW);
    gh_trust_unref(one);
    if (reason != GH_REASON_OK)
        assert_refused(credential, reason);
    else
        assert_reason(&credential, reason);
}

static void test_what_a_key_may(void **state)
{
    (void)state;
    struct gh_issuer_key key = hcert_signer_key(es256);
    key.groups = GH_GROUP(GH_FACT_VACCINATION);
    check_key(&key, GH_REASON_OK);
    key.groups = GH_GROUP(GH_FACT_TEST) | GH_GROUP(GH_FACT_RECOVERY);
    check_key(&key, GH_REASON_WRONG_KEY);
    key = hcert_signer_key(es256);
    key.not_after_s = HCERT_IAT;
    check_key(&key, GH_REASON_OK);
    key.not_after_s = HCERT_IAT - 1;
    check_key(&key, GH_REASON_KEY_RETIRED);
    key = hcert_signer_key(es256);
    strcpy(key.issuer, "AT");
    check_key(&key, GH_REASON_OK);
    strcpy(key.issuer, "DE");
    check_key(&key, GH_REASON_WRONG_ISSUER);
    key = hcert_signer_key(es256);
    key.revoked = true;
    check_key(&key, GH_REASON_KEY_REVOKED);
}

static void test_extended_key_usage(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    struct hcert_signer *tester = hcert_signer_new(GH_KEY_P256, 0, GH_GROUP(GH_FACT_TEST));
    struct gh_trust *one = hcert_signer_trust(tester, NULL);
    hcert_write(tester, &(struct hcert){0}, text);
    assert_refused(read_bytes(one, text, strlen(text), NOW), GH_REASON_WRONG_KEY);
    hcert_write(tester,
                &(struct hcert){.claims =
                                    "{4: 1651536000, 6: 1620000000, -260: {1: {'t': [{'ci': 'X', "
                                    "'sc': '2021-05-02T12:00:00Z'}], " HCERT_NAME "}}}"},
                text);
    struct gh_credential credential = read_bytes(one, text, strlen(text), NOW);
    assert_reason(&credential, GH_REASON_OK);
    gh_trust_unref(one);
    hcert_signer_free(tester);
}

/* Key ids are short: several certificates may share one, and each is tried. */
static void test_keys_of_one_id(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    struct hcert_signer *other = hcert_signer_new(GH_KEY_P256, 0, 0);
    struct gh_issuer_key keys[3] = {hcert_signer_key(other), hcert_signer_key(ps256),
                                    hcert_signer_key(es256)};
    for (size_t i = 0; i < 2; i++)
        memcpy(keys[i].key_id, keys[2].key_id, GH_KEY_ID_BYTES);
    hcert_write(es256, &(struct hcert){0}, text);
    struct gh_trust *three = trust_in(keys, 3);
    struct gh_credential credential = read_bytes(three, text, strlen(text), NOW);
    assert_reason(&credential, GH_REASON_OK);
    gh_trust_unref(three);
    struct gh_trust *two = trust_in(keys, 2);
    assert_refused(read_bytes(two, text, strlen(text), NOW), GH_REASON_FORGED);
    gh_trust_unref(two);
    keys[0].revoked = true; /* says nothing about the others */
    three = trust_in(keys, 3);
    credential = read_bytes(three, text, strlen(text), NOW);
    assert_reason(&credential, GH_REASON_OK);
    gh_trust_unref(three);
    hcert_signer_free(other);
}

/* One certificate may stand in the list under several names, and be revoked under one of them. */
static void test_key_of_several_names(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    struct gh_issuer_key keys[] = {hcert_signer_key(es256), hcert_signer_key(es256)};
    hcert_write(es256, &(struct hcert){0}, text);
    for (size_t at = 0; at < GH_ARRAY_SIZE(keys); at++) {
        struct gh_issuer_key *one = &keys[at], *other = &keys[1 - at];
        strcpy(one->issuer, "AT");
        strcpy(other->issuer, "DE");
        struct gh_trust *two = trust_in(keys, 2);
        struct gh_credential credential = read_bytes(two, text, strlen(text), NOW);
        assert_reason(&credential, GH_REASON_OK);
        gh_trust_unref(two);
        other->revoked = true;
        two = trust_in(keys, 2);
        assert_refused(read_bytes(two, text, strlen(text), NOW), GH_REASON_KEY_REVOKED);
        gh_trust_unref(two);
        other->revoked = false;
        strcpy(one->issuer, "FR");
        two = trust_in(keys, 2);
        assert_refused(read_bytes(two, text, strlen(text), NOW), GH_REASON_WRONG_ISSUER);
        gh_trust_unref(two);
    }
}

/* --- identity ----------------------------------------------------------------------------------
 */

static void test_identity_is_that_of_what_is_signed(void **state)
{
    (void)state;
    static uint8_t message[HCERT_BYTES], packed[HCERT_BYTES];
    static char text[HCERT_TEXT_BYTES];
    size_t size = hcert_message(es256, &(struct hcert){0}, message);
    uint8_t identity[GH_IDENTITY_BYTES];
    for (int level = -1; level <= 9; level += 5) {
        struct gh_bytes bytes = {packed,
                                 hcert_compress((struct gh_bytes){message, size}, level, packed)};
        hcert_text(bytes, text);
        struct gh_credential credential = read_text(text);
        assert_reason(&credential, GH_REASON_OK);
        if (level == -1)
            memcpy(identity, credential.identity, sizeof(identity));
        assert_memory_equal(credential.identity, identity, sizeof(identity));
    }
    struct gh_credential other = read_content("'v': [{'ci': 'Y', 'dt': '2021-02-01'}]");
    assert_reason(&other, GH_REASON_OK);
    assert_memory_not_equal(other.identity, identity, sizeof(identity));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vaccination),
        cmocka_unit_test(test_test),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_times_of_a_test),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_the_newest_come_first),
        cmocka_unit_test(test_texts_are_cut_and_printable),
        cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_holder),
        cmocka_unit_test(test_names_that_are_missing),
        cmocka_unit_test(test_without_a_secret_nobody_is_identified),
        cmocka_unit_test(test_no_name_leaves_the_reader),
        cmocka_unit_test(test_revocations),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_claims_in_other_forms),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_what_a_key_may),
        cmocka_unit_test(test_extended_key_usage),
        cmocka_unit_test(test_keys_of_one_id),
        cmocka_unit_test(test_key_of_several_names),
        cmocka_unit_test(test_identity_is_that_of_what_is_signed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
