/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "code_fixture.h"
#include "gatehouse/cose.h"

/* A payload from parts in hex, each a key and its value (or several), truly signed by the issuer:
 * what is wrong with such a code is nothing but its claims. */
struct recipe {
    const char *iss, *sub, *exp, *iat, *cti, *cnf, *own;
    const char *extra;
    int extra_pairs;
    bool open; /* the map promises one pair more than there is */
};

#define ISS "016474657374"                         /* 1: "test" */
#define SUB "027061316232633364346535663630373138" /* 2: "a1b2c3d4e5f60718" */
#define EXPIRES "041a5e643580"                     /* 4: 1583625600 */
#define ISSUED "061a5e5afb00"                      /* 6: 1583020800 */
#define CTI "07481122334455667788"                 /* 7: h'1122334455667788' */
#define OWN "3a00010000a201010201"                 /* -65537: {1: 1, 2: 1} */
#define GOOD                                                                                       \
    {                                                                                              \
        .iss = ISS, .sub = SUB, .exp = EXPIRES, .iat = ISSUED, .cti = CTI, .own = OWN              \
    }

static size_t build(const struct recipe *recipe, uint8_t *out, size_t capacity)
{
    const char *parts[] = {recipe->iss, recipe->sub, recipe->exp, recipe->iat,
                           recipe->cti, recipe->cnf, recipe->own, recipe->extra};
    int pairs = recipe->extra_pairs + recipe->open;
    size_t size = 1;
    for (size_t i = 0; i < GH_ARRAY_SIZE(parts); i++) {
        if (parts[i] == NULL)
            continue;
        pairs += i < 7;
        size_t bytes = strlen(parts[i]) / 2;
        assert_true(size + bytes <= capacity);
        assert_int_equal(gh_hex_decode(parts[i], 2 * bytes, out + size, bytes), GH_OK);
        size += bytes;
    }
    assert_true(pairs < 56); /* up to 23 in the first byte, else one byte more */
    if (pairs < 24) {
        out[0] = (uint8_t)(0xa0 + pairs);
        return size;
    }
    memmove(out + 2, out + 1, size - 1);
    out[0] = 0xb8;
    out[1] = (uint8_t)pairs;
    return size + 1;
}

static struct gh_credential read_payload(struct gh_bytes payload, bool link)
{
    uint8_t message[GH_CODE_OWN_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(message, sizeof(message));
    assert_int_equal(gh_cose_write(&writer, issuer_key, payload, (struct gh_bytes){.size = 0}),
                     GH_OK);
    char text[TEXT_BYTES];
    encode(message, writer.size, link, text);
    return read_text(text);
}

static struct gh_credential read_recipe(const struct recipe *recipe)
{
    uint8_t payload[512];
    struct gh_bytes bytes = {.data = payload, .size = build(recipe, payload, sizeof(payload))};
    return read_payload(bytes, false);
}

static void check_recipe(const struct recipe *recipe, enum gh_reason reason, int line)
{
    struct gh_credential credential = read_recipe(recipe);
    if (credential.reason != reason)
        print_error("the recipe in line %d\n", line);
    assert_string_equal(gh_reason_info(credential.reason)->token, gh_reason_info(reason)->token);
    if (reason == GH_REASON_MALFORMED)
        assert_says_nothing(&credential);
}

/* A recipe that is good but for one part. */
#define CHECK(REASON, CHANGE)                                                                      \
    do {                                                                                           \
        struct recipe changed = GOOD;                                                              \
        changed.CHANGE;                                                                            \
        check_recipe(&changed, REASON, __LINE__);                                                  \
    } while (0)
#define REFUSED(CHANGE) CHECK(GH_REASON_MALFORMED, CHANGE)
#define ACCEPTED(CHANGE) CHECK(GH_REASON_OK, CHANGE)

/* --- what a code needs --------------------------------------------------------------------------
 */

static void test_good(void **state)
{
    (void)state;
    struct recipe recipe = GOOD;
    struct gh_credential credential = read_recipe(&recipe);
    assert_int_equal(credential.reason, GH_REASON_OK);
    assert_int_equal(credential.kind, GH_KIND_HEALTH);
    assert_int_equal(credential.colour, GH_COLOUR_GREEN);
    assert_true(credential.subject == PERSON);
    assert_true(credential.id == ID);
    assert_true(credential.issued_at_s == IAT);
    assert_string_equal(credential.issuer, "test");
}

static void test_missing(void **state)
{
    (void)state;
    REFUSED(iss = NULL);
    REFUSED(sub = NULL);
    REFUSED(iat = NULL);
    REFUSED(cti = NULL);
    REFUSED(own = NULL);
    ACCEPTED(exp = NULL); /* no end */
    REFUSED(open = true); /* less than promised */
}

static void test_twice(void **state)
{
    (void)state;
    static const char *const twice[] = {ISS,     SUB, EXPIRES,        ISSUED,
                                        CTI,     OWN, "616100616100", "186300186300",
                                        "1801f6" /* 1, in two bytes */};
    for (size_t i = 0; i < GH_ARRAY_SIZE(twice); i++) {
        struct recipe recipe = GOOD;
        recipe.extra = twice[i];
        recipe.extra_pairs = 1 + (i == 6 || i == 7);
        struct gh_credential credential = read_recipe(&recipe);
        assert_int_equal(credential.reason, GH_REASON_MALFORMED);
    }
    REFUSED(own = "3a00010000a301010201"
                  "0101");
    REFUSED(own = "3a00010000a301010201"
                  "0202");
    REFUSED(own = "3a00010000a4010102011863001863"
                  "00");
}

static void test_issuer(void **state)
{
    (void)state;
    REFUSED(iss = "014474657374"); /* bytes */
    REFUSED(iss = "0100");         /* a number */
    REFUSED(iss = "0160");         /* empty */
    REFUSED(iss = "0164746573ff"); /* not UTF-8 */
    REFUSED(iss = "01647465730a"); /* a control character */
    REFUSED(iss = "01647465c3bc"); /* not ASCII */
    REFUSED(iss = "0164746573"
                  "00"); /* NUL */
    ACCEPTED(iss = "016120");
    ACCEPTED(iss = "01783f" /* 63 */
                   "787878787878787878787878787878787878787878787878787878787878787878787878787878"
                   "787878787878787878787878787878787878787878787878");
    REFUSED(iss = "017840" /* 64 */
                  "787878787878787878787878787878787878787878787878787878787878787878787878787878"
                  "78787878787878787878787878787878787878787878787878");
}

static void test_subject(void **state)
{
    (void)state;
    REFUSED(sub = "025061316232633364346535663630373138");   /* bytes */
    REFUSED(sub = "026f613162326333643465356636303731");     /* 15 */
    REFUSED(sub = "02716131623263336434653566363037313830"); /* 17 */
    REFUSED(sub = "027041316232633364346535663630373138");   /* upper case */
    REFUSED(sub = "027067316232633364346535663630373138");   /* no hex digit */
    REFUSED(sub = "027030303030303030303030303030303030");   /* 0 is nobody */
    REFUSED(sub = "0260");
    REFUSED(sub = "021ba1b2c3d4e5f60718"); /* the number itself */
}

static void test_id(void **state)
{
    (void)state;
    REFUSED(cti = "07471122334455"
                  "6677");
    REFUSED(cti = "074911223344556677"
                  "8899");
    REFUSED(cti = "07480000000000000000");
    REFUSED(cti = "0740");
    REFUSED(cti = "07681122334455667778"); /* text */
    REFUSED(cti = "071b1122334455667788");
}

static void test_times(void **state)
{
    (void)state;
    REFUSED(iat = "0620");                     /* before 1970 */
    REFUSED(iat = "066a31353833303230383030"); /* text */
    REFUSED(iat = "06c11a5e5afb00");           /* a tag */
    REFUSED(iat = "06f6");
    REFUSED(iat = "061b0020000000000001");                /* above 2^53 */
    REFUSED(iat = "06f97c00");                            /* infinity */
    REFUSED(iat = "06f97e00");                            /* not a number */
    REFUSED(iat = "061a5e643580");                        /* iat == exp */
    REFUSED(iat = "061a5e643581");                        /* iat > exp */
    CHECK(GH_REASON_NOT_YET_VALID, iat = "061a5e64357f"); /* a code of one second */
    ACCEPTED(iat = "0600");
    ACCEPTED(iat = "06fb41d796bec0200000"); /* 1583020800.5 */
    REFUSED(exp = "041a5e5afb00");          /* exp == iat */
    REFUSED(exp = "0400");
    REFUSED(exp = "0420");
    REFUSED(exp = "04f6");
    REFUSED(exp = "041b7fffffffffffffff");
    REFUSED(exp = "04fb7fefffffffffffff");
    ACCEPTED(exp = "04fb4340000000000000"); /* 2^53 */
    ACCEPTED(exp = "041b0020000000000000");
}

/* 1583024400.5 is cut to 1583024400, which is NOW: over. */
static void test_fractions_are_cut_towards_the_past(void **state)
{
    (void)state;
    CHECK(GH_REASON_EXPIRED, exp = "04fb41d796c244200000");
    ACCEPTED(exp = "04fb41d796c244600000"); /* a second later */
}

static void test_own_claims(void **state)
{
    (void)state;
    REFUSED(own = "3a00010000a0");
    REFUSED(own = "3a00010000a10201");         /* no kind */
    REFUSED(own = "3a00010000a10101");         /* a health code without a colour */
    REFUSED(own = "3a00010000a201010200");     /* colour 0 */
    REFUSED(own = "3a00010000a201010204");     /* colour 4 */
    REFUSED(own = "3a00010000a2010102190101"); /* colour 257 */
    REFUSED(own = "3a00010000a201010220");     /* colour -1 */
    REFUSED(own = "3a00010000a2010102f93c00"); /* colour 1.0 */
    REFUSED(own = "3a00010000a201000201");     /* kind 0 */
    REFUSED(own = "3a00010000a201060201");     /* kind 6 */
    REFUSED(own = "3a00010000a20119010102"
                  "01"); /* kind 257 */
    REFUSED(own = "3a00010000a2011b00000001000000010201");
    REFUSED(own = "3a00010000a201200201");
    REFUSED(own = "3a00010000a2016131"
                  "0201");
    REFUSED(own = "3a0001000082"
                  "0101");                 /* an array */
    REFUSED(own = "3a0001000044a2010102"); /* bytes */
    REFUSED(own = "3a00010000a201030201"); /* a visitor code with a colour */
    ACCEPTED(own = "3a00010000a10103");
    ACCEPTED(own = "3a00010000a10104");
    ACCEPTED(own = "3a00010000a2020101"
                   "01");                                                      /* any order */
    REFUSED(own = "3a00010000a3010102010350000102030405060708090a0b0c0d0e0f"); /* a token */
    REFUSED(own = "3a00010000a301010201034100");                               /* a short one */
}

/* A true signature does not make a health code a housing code. */
static void test_kind_fits_the_envelope(void **state)
{
    (void)state;
    REFUSED(own = "3a00010000a10102"); /* housing as GH1: */
    REFUSED(own = "3a00010000a10105"); /* enrolment as GH1: */
    static const char *const kinds[] = {OWN, "3a00010000a10103", "3a00010000a10104"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(kinds); i++) {
        struct recipe recipe = GOOD;
        recipe.own = kinds[i];
        uint8_t payload[512];
        struct gh_bytes bytes = {.data = payload, .size = build(&recipe, payload, 512)};
        struct gh_credential credential = read_payload(bytes, true);
        assert_refused(&credential, GH_KIND_HOUSING, GH_REASON_MALFORMED);
    }
    struct recipe recipe = GOOD;
    recipe.own = "3a00010000a10102";
    uint8_t payload[512];
    struct gh_bytes bytes = {.data = payload, .size = build(&recipe, payload, 512)};
    assert_int_equal(read_payload(bytes, true).reason, GH_REASON_OK);
}

/* --- what a code may have -----------------------------------------------------------------------
 */

#define EXTRA(REASON, PAIRS, HEX)                                                                  \
    do {                                                                                           \
        struct recipe with = GOOD;                                                                 \
        with.extra = (HEX);                                                                        \
        with.extra_pairs = (PAIRS);                                                                \
        check_recipe(&with, REASON, __LINE__);                                                     \
    } while (0)

static void test_claims_we_do_not_know(void **state)
{
    (void)state;
    EXTRA(GH_REASON_OK, 1,
          "0361"
          "61");                                /* aud */
    EXTRA(GH_REASON_OK, 1, "051a5e5afb00");     /* nbf: not used by our codes */
    EXTRA(GH_REASON_OK, 1, "1863a1018301a0f6"); /* a structure */
    EXTRA(GH_REASON_OK, 1,
          "636f6b61"
          "f5"); /* a text key */
    EXTRA(GH_REASON_OK, 1, "3903e7fb7ff8000000000000");
    EXTRA(GH_REASON_MALFORMED, 1,
          "1863"
          "9fff"); /* indefinite */
    EXTRA(GH_REASON_MALFORMED, 1,
          "1863"
          "61ff"); /* not UTF-8 */
    EXTRA(GH_REASON_MALFORMED, 1,
          "1863"
          "9a10000000");
    EXTRA(GH_REASON_MALFORMED, 1,
          "1863"
          "f8ff");
    EXTRA(GH_REASON_MALFORMED, 1, "f500"); /* a key that is no number or text */
    EXTRA(GH_REASON_MALFORMED, 1, "416100");
    EXTRA(GH_REASON_MALFORMED, 0, "00"); /* a byte behind */
    EXTRA(GH_REASON_OK, 1,
          "1863"
          "8181818181818181818181818181818100");
    EXTRA(GH_REASON_MALFORMED, 1,
          "1863"
          "818181818181818181818181818181818100"); /* 17 deep */
}

static void test_bounded_number_of_claims(void **state)
{
    (void)state;
    for (int extra = 26; extra <= 27; extra++) { /* with the six: 32 and 33 */
        char hex[27 * 6 + 1] = "";
        for (int i = 0; i < extra; i++)
            snprintf(hex + 6 * i, 7, "18%02x00", 100 + i);
        EXTRA(extra == 26 ? GH_REASON_OK : GH_REASON_MALFORMED, extra, hex);
    }
}

/* A code that is bound to a phone's key is not good without that key's proof. */
static void test_bound_to_a_key(void **state)
{
    (void)state;
    struct recipe recipe = GOOD;
    recipe.cnf = "08a101a3010120062158200000000000000000000000000000000000000000000000000000000000"
                 "000000";
    struct gh_credential credential = read_recipe(&recipe);
    assert_int_equal(credential.reason, GH_REASON_UNSUPPORTED);
    assert_true(credential.authentic);
    assert_true(credential.subject == PERSON);
    CHECK(GH_REASON_UNSUPPORTED, cnf = "08a0");
    CHECK(GH_REASON_UNSUPPORTED, cnf = "08f6");
    REFUSED(cnf = "08");
}

/* --- whole payloads -----------------------------------------------------------------------------
 */

static void test_payloads_that_are_no_claims(void **state)
{
    (void)state;
    static const char *const payloads[] = {"",           "a0",   "80",     "f6",
                                           "00",         "bfff", "a1",     "9a10000000",
                                           "ba10000000", "60",   "d83da0", "bbffffffffffffffff",
                                           "a1010101"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(payloads); i++) {
        uint8_t payload[16];
        size_t size = strlen(payloads[i]) / 2;
        assert_int_equal(gh_hex_decode(payloads[i], 2 * size, payload, size), GH_OK);
        struct gh_credential credential =
            read_payload((struct gh_bytes){.data = payload, .size = size}, false);
        assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_MALFORMED);
    }
}

/* Every claim cut short anywhere, although truly signed. */
static void test_every_cut_of_the_payload(void **state)
{
    (void)state;
    struct recipe recipe = GOOD;
    uint8_t payload[512];
    size_t whole = build(&recipe, payload, sizeof(payload));
    for (size_t size = 0; size < whole; size++) {
        struct gh_credential credential =
            read_payload((struct gh_bytes){.data = payload, .size = size}, false);
        assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_MALFORMED);
    }
}

/* --- the envelope's rules for our own codes ------------------------------------------------------
 */

static struct gh_credential read_message_hex(const char *before, const char *payload_hex,
                                             const char *after)
{
    char hex[1024];
    uint8_t message[512];
    snprintf(hex, sizeof(hex), "%s%s%s", before, payload_hex, after);
    size_t size = strlen(hex) / 2;
    assert_int_equal(gh_hex_decode(hex, 2 * size, message, size), GH_OK);
    char text[TEXT_BYTES];
    encode(message, size, false, text);
    return read_text(text);
}

#define PAYLOAD "5839a6" ISS SUB EXPIRES ISSUED CTI OWN
#define SIGNATURE                                                                                  \
    "58400000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "00"                                                                                           \
    "00000000000000000000000000000000000000"

static void test_headers_must_be_protected(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        enum gh_reason reason;
    } cases[] = {
        /* all as it should be, but for the key */
        {"d2844da2012704480102030405060708a0", SIGNATURE, GH_REASON_FOREIGN},
        /* kid, alg, both unprotected */
        {"d28443a10127a104480102030405060708", SIGNATURE, GH_REASON_MALFORMED},
        {"d2844ba104480102030405060708a10127", SIGNATURE, GH_REASON_MALFORMED},
        {"d28440a2012704480102030405060708", SIGNATURE, GH_REASON_MALFORMED},
        {"d28443a10127a0", SIGNATURE, GH_REASON_MALFORMED},
        {"d2844ba104480102030405060708a0", SIGNATURE, GH_REASON_MALFORMED},
        /* a kid of 7 and of 9 bytes */
        {"d2844ca20127044701020304050607a0", SIGNATURE, GH_REASON_MALFORMED},
        {"d2844ea201270449010203040506070809a0", SIGNATURE, GH_REASON_MALFORMED},
        /* a signature of 1 byte */
        {"d2844da2012704480102030405060708a0", "4100", GH_REASON_MALFORMED},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_credential credential =
            read_message_hex(cases[i].before, PAYLOAD, cases[i].after);
        assert_string_equal(gh_reason_info(credential.reason)->token,
                            gh_reason_info(cases[i].reason)->token);
        assert_says_nothing(&credential);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_subject),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_fractions_are_cut_towards_the_past),
        cmocka_unit_test(test_own_claims),
        cmocka_unit_test(test_kind_fits_the_envelope),
        cmocka_unit_test(test_claims_we_do_not_know),
        cmocka_unit_test(test_bounded_number_of_claims),
        cmocka_unit_test(test_bound_to_a_key),
        cmocka_unit_test(test_payloads_that_are_no_claims),
        cmocka_unit_test(test_every_cut_of_the_payload),
        cmocka_unit_test(test_headers_must_be_protected),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
