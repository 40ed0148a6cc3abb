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
#define OWN "3a00010000a30101020106f5"             /* -65537: {1: 1, 2: 1, 6: true} */
#define X32 "5820b6cf628bca41d63f48ae0056d9a9ed52e827f680725744331e487ea7c65b8906"
#define PHONE "a101a30101200621" X32 /* {1: an Ed25519 key} */
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
    struct gh_bytes beginning = {.data = (const uint8_t *)LINK, .size = link ? strlen(LINK) : 0};
    assert_int_equal(gh_cose_write(&writer, issuer_key, payload, beginning), GH_OK);
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
    if (!credential.authentic)
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
    ACCEPTED(exp = NULL);                    /* no end */
    CHECK(GH_REASON_TRUNCATED, open = true); /* less than promised */
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
        check_recipe(&recipe, GH_REASON_DUPLICATE_KEY, __LINE__);
    }
    CHECK(GH_REASON_DUPLICATE_KEY, own = "3a00010000a40101020106f50101");
    CHECK(GH_REASON_DUPLICATE_KEY, own = "3a00010000a40101020106f50202");
    CHECK(GH_REASON_DUPLICATE_KEY, own = "3a00010000a40101020106f506f5");
    CHECK(GH_REASON_DUPLICATE_KEY, own = "3a00010000a50101020106f518630018"
                                         "6300");
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

#define BAD_TIME(CHANGE) CHECK(GH_REASON_BAD_TIME, CHANGE)
#define CONTRADICTS(CHANGE) CHECK(GH_REASON_TIMES_CONTRADICT, CHANGE)

static void test_times(void **state)
{
    (void)state;
    BAD_TIME(iat = "0620");                    /* before 1970 */
    BAD_TIME(iat = "063bffffffffffffffff");    /* long before */
    REFUSED(iat = "066a31353833303230383030"); /* text */
    REFUSED(iat = "06c11a5e5afb00");           /* a tag */
    REFUSED(iat = "06f6");
    BAD_TIME(iat = "061b0020000000000001"); /* above 2^53 */
    BAD_TIME(iat = "061bffffffffffffffff");
    BAD_TIME(iat = "06f97c00");                           /* infinity */
    BAD_TIME(iat = "06f97e00");                           /* not a number */
    BAD_TIME(iat = "06fb41d796bec0000000");               /* 1583020800.0: a float all the same */
    BAD_TIME(iat = "06fb41d796bec0200000");               /* 1583020800.5 */
    CONTRADICTS(iat = "061a5e643580");                    /* iat == exp */
    CONTRADICTS(iat = "061a5e643581");                    /* iat > exp */
    CHECK(GH_REASON_NOT_YET_VALID, iat = "061a5e64357f"); /* a code of one second */
    ACCEPTED(iat = "0600");
    ACCEPTED(iat = "061b000000005e5afb00"); /* in more bytes than needed */
    CONTRADICTS(exp = "041a5e5afb00");      /* exp == iat */
    CONTRADICTS(exp = "0400");
    BAD_TIME(exp = "0420");
    REFUSED(exp = "04f6");
    BAD_TIME(exp = "041b7fffffffffffffff");
    BAD_TIME(exp = "04fb7fefffffffffffff");
    BAD_TIME(exp = "04fb4340000000000000"); /* 2^53, as a float */
    BAD_TIME(exp = "04f97e00");
    ACCEPTED(exp = "041b0020000000000000");
}

static void test_own_claims(void **state)
{
    (void)state;
    REFUSED(own = "3a00010000a0");
    REFUSED(own = "3a00010000a2020106f5");         /* no kind */
    REFUSED(own = "3a00010000a2010106f5");         /* a health code without a colour */
    REFUSED(own = "3a00010000a30101020006f5");     /* colour 0 */
    REFUSED(own = "3a00010000a30101020406f5");     /* colour 4 */
    REFUSED(own = "3a00010000a301010219010106f5"); /* colour 257 */
    REFUSED(own = "3a00010000a30101022006f5");     /* colour -1 */
    REFUSED(own = "3a00010000a3010102f93c0006f5"); /* colour 1.0 */
    REFUSED(own = "3a00010000a30100020106f5");     /* kind 0 */
    REFUSED(own = "3a00010000a30106020106f5");     /* kind 6 */
    REFUSED(own = "3a00010000a301190101020106f5"); /* kind 257 */
    REFUSED(own = "3a00010000a3011b0000000100000001020106f5");
    REFUSED(own = "3a00010000a30120020106f5");
    REFUSED(own = "3a00010000a3016131020106f5");
    REFUSED(own = "3a00010000820101");           /* an array */
    REFUSED(own = "3a0001000047a20101020106f5"); /* bytes */
    REFUSED(own = "3a00010000a201030201");       /* a visitor code with a colour */
    ACCEPTED(own = "3a00010000a10103");
    ACCEPTED(own = "3a00010000a10104");
    ACCEPTED(own = "3a00010000a306f502010101"); /* any order */
    REFUSED(own = "3a00010000a40101020103500001020304050607"
                  "08090a0b0c0d0e0f06f5"); /* a token */
    REFUSED(own = "3a00010000a4010102010341"
                  "0006f5"); /* a short one */
}

/* A health code is marked as one on paper, or bound to a phone: exactly one of the two. */
static void test_how_it_is_carried(void **state)
{
    (void)state;
    REFUSED(own = "3a00010000a201010201");     /* neither */
    REFUSED(own = "3a00010000a30101020106f4"); /* there is no `false` */
    REFUSED(own = "3a00010000a3010102010601"); /* 1 is not true */
    REFUSED(own = "3a00010000a30101020106f6");
    REFUSED(own = "3a00010000a2010306f5"); /* a visitor's, a staff code's */
    REFUSED(own = "3a00010000a2010406f5");
    REFUSED(cnf = "08" PHONE); /* both */
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
    EXTRA(GH_REASON_TRUNCATED, 1,
          "1863"
          "9a10000000");
    EXTRA(GH_REASON_MALFORMED, 1,
          "1863"
          "f8ff");
    EXTRA(GH_REASON_MALFORMED, 1, "f500"); /* a key that is no number or text */
    EXTRA(GH_REASON_MALFORMED, 1, "416100");
    EXTRA(GH_REASON_TRAILING, 0, "00"); /* a byte behind */
    EXTRA(GH_REASON_OK, 1,
          "1863"
          "8181818181818181818181818181818100");
    EXTRA(GH_REASON_TOO_DEEP, 1,
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
    recipe.own = "3a00010000a201010201";
    recipe.cnf = "08" PHONE;
    struct gh_credential credential = read_recipe(&recipe);
    assert_int_equal(credential.reason, GH_REASON_UNPROVEN);
    assert_true(credential.authentic);
    assert_true(credential.subject == PERSON);
    assert_int_equal(credential.form, GH_FORM_NONE); /* no phone has spoken */
    assert_true(credential.presented_at_s == 0);
    for (int kind = 3; kind <= 4; kind++) { /* nobody else's */
        char own[32];
        snprintf(own, sizeof(own), "3a00010000a101%02x", (unsigned)kind);
        recipe.own = own;
        check_recipe(&recipe, GH_REASON_MALFORMED, __LINE__);
    }
}

static void test_forms_of_the_key(void **state)
{
    (void)state;
    static const struct {
        const char *cnf;
        enum gh_reason reason;
    } cases[] = {
        {"08a101a30101200621" X32, GH_REASON_UNPROVEN},        /* Ed25519 */
        {"08a101a321" X32 "20060101", GH_REASON_UNPROVEN},     /* in any order */
        {"08a101a40102200121" X32 "22f4", GH_REASON_UNPROVEN}, /* P-256, either sign */
        {"08a101a40102200121" X32 "22f5", GH_REASON_UNPROVEN},
        {"08", GH_REASON_MALFORMED},
        {"08f6", GH_REASON_MALFORMED},
        {"08a0", GH_REASON_MALFORMED},
        {"08" X32, GH_REASON_MALFORMED},
        {"08a30101200621" X32, GH_REASON_MALFORMED},              /* the key itself */
        {"08a102a30101200621" X32, GH_REASON_MALFORMED},          /* Encrypted_COSE_Key */
        {"08a1034401020304", GH_REASON_MALFORMED},                /* a kid */
        {"08a201a30101200621" X32 "034101", GH_REASON_MALFORMED}, /* a key and a kid */
        {"08a101a30102200621" X32, GH_REASON_MALFORMED},          /* EC2 on Ed25519 */
        {"08a101a30101200121" X32, GH_REASON_MALFORMED},          /* OKP on P-256 */
        {"08a101a30101200421" X32, GH_REASON_MALFORMED},          /* X25519 */
        {"08a101a30102200121" X32, GH_REASON_MALFORMED},          /* P-256 without y */
        {"08a101a40101200621" X32 "22f4", GH_REASON_MALFORMED},   /* Ed25519 with y */
        {"08a101a40102200121" X32 "22" X32, GH_REASON_MALFORMED}, /* y whole */
        {"08a101a40102200121" X32 "2201", GH_REASON_MALFORMED},   /* y as a number */
        {"08a101a40101200621" X32 "0327", GH_REASON_MALFORMED},   /* alg too */
        {"08a101a40101200621" X32 "23" X32, GH_REASON_MALFORMED}, /* the private half */
        {"08a101a20101"
         "2006",
         GH_REASON_MALFORMED},                           /* no x */
        {"08a101a2200621" X32, GH_REASON_MALFORMED},     /* no kty */
        {"08a101a2010121" X32, GH_REASON_MALFORMED},     /* no crv */
        {"08a101a301012006214100", GH_REASON_MALFORMED}, /* a short x */
        {"08a101a4010120062006"
         "21" X32,
         GH_REASON_DUPLICATE_KEY},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct recipe recipe = GOOD;
        recipe.own = "3a00010000a201010201";
        recipe.cnf = cases[i].cnf;
        if (read_recipe(&recipe).reason != cases[i].reason)
            print_error("case %zu\n", i);
        check_recipe(&recipe, cases[i].reason, __LINE__);
    }
}

/* --- whole payloads -----------------------------------------------------------------------------
 */

static void test_payloads_that_are_no_claims(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum gh_reason reason;
    } payloads[] = {
        {"", GH_REASON_TRUNCATED},           {"a0", GH_REASON_MALFORMED},
        {"80", GH_REASON_MALFORMED},         {"f6", GH_REASON_MALFORMED},
        {"00", GH_REASON_MALFORMED},         {"bfff", GH_REASON_MALFORMED},
        {"a1", GH_REASON_TRUNCATED},         {"9a10000000", GH_REASON_TRUNCATED},
        {"ba10000000", GH_REASON_TRUNCATED}, {"60", GH_REASON_MALFORMED},
        {"d83da0", GH_REASON_MALFORMED},     {"bbffffffffffffffff", GH_REASON_TRUNCATED},
        {"a1010101", GH_REASON_MALFORMED},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(payloads); i++) {
        uint8_t payload[16];
        size_t size = strlen(payloads[i].hex) / 2;
        assert_int_equal(gh_hex_decode(payloads[i].hex, 2 * size, payload, size), GH_OK);
        struct gh_credential credential =
            read_payload((struct gh_bytes){.data = payload, .size = size}, false);
        assert_refused(&credential, GH_KIND_UNKNOWN, payloads[i].reason);
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
        assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_TRUNCATED);
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

#define PAYLOAD "583ba6" ISS SUB EXPIRES ISSUED CTI OWN
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
        /* kid, alg, both unprotected; anything at all there */
        {"d28443a10127a104480102030405060708", SIGNATURE, GH_REASON_MALFORMED},
        {"d2844ba104480102030405060708a10127", SIGNATURE, GH_REASON_MALFORMED},
        {"d28440a2012704480102030405060708", SIGNATURE, GH_REASON_MALFORMED},
        {"d2844da2012704480102030405060708a10300", SIGNATURE, GH_REASON_MALFORMED},
        {"d2844da2012704480102030405060708bfff", SIGNATURE, GH_REASON_MALFORMED},
        /* no kid; of 0, 7 and 9 bytes; text */
        {"d28443a10127a0", SIGNATURE, GH_REASON_KEY_ID_MISSING},
        {"d28445a201270440a0", SIGNATURE, GH_REASON_KEY_ID_MISSING},
        {"d2844ca20127044701020304050607a0", SIGNATURE, GH_REASON_KEY_ID_MISSING},
        {"d2844ea201270449010203040506070809a0", SIGNATURE, GH_REASON_KEY_ID_MISSING},
        {"d2844da2012704684142434445464748a0", SIGNATURE, GH_REASON_MALFORMED},
        /* alg: none; null; of a name; of no name; PS256; HMAC; 0 */
        {"d2844ba104480102030405060708a0", SIGNATURE, GH_REASON_BAD_ALGORITHM},
        {"d28440a0", SIGNATURE, GH_REASON_BAD_ALGORITHM},
        {"d2844da201f604480102030405060708a0", SIGNATURE, GH_REASON_BAD_ALGORITHM},
        {"d28452a201654553323536"
         "04480102030405060708a0",
         SIGNATURE, GH_REASON_BAD_ALGORITHM},
        {"d28451a201646e6f6e65"
         "04480102030405060708a0",
         SIGNATURE, GH_REASON_BAD_ALGORITHM},
        {"d2844ea201382404480102030405060708a0", SIGNATURE, GH_REASON_BAD_ALGORITHM},
        {"d2844da2010504480102030405060708a0", SIGNATURE, GH_REASON_BAD_ALGORITHM},
        {"d2844da2010004480102030405060708a0", SIGNATURE, GH_REASON_BAD_ALGORITHM},
        /* what is wrong with alg is said before what is wrong with kid */
        {"d28443a10105a0", SIGNATURE, GH_REASON_BAD_ALGORITHM},
        /* a signature of 1 byte */
        {"d2844da2012704480102030405060708a0", "4100", GH_REASON_SIGNATURE_FORM},
        {"d2844da2012704480102030405060708a0", "40", GH_REASON_SIGNATURE_FORM},
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
        cmocka_unit_test(test_own_claims),
        cmocka_unit_test(test_how_it_is_carried),
        cmocka_unit_test(test_kind_fits_the_envelope),
        cmocka_unit_test(test_claims_we_do_not_know),
        cmocka_unit_test(test_bounded_number_of_claims),
        cmocka_unit_test(test_bound_to_a_key),
        cmocka_unit_test(test_forms_of_the_key),
        cmocka_unit_test(test_payloads_that_are_no_claims),
        cmocka_unit_test(test_every_cut_of_the_payload),
        cmocka_unit_test(test_headers_must_be_protected),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
