/* SPDX-License-Identifier: Apache-2.0 */
/* SMART Health Cards: one rule after the other, and what happens to those who break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shc_fixture.h"

#define GOOD_TIMES "\"nbf\":1620000000"

static void check_refused(const struct shc_spec *spec, enum gh_reason reason)
{
    struct gh_credential credential = read_spec(spec);
    assert_refused(&credential, reason);
}

static void check_payload(const char *payload, enum gh_reason reason)
{
    struct shc_spec spec = {.key = issuer_key, .payload = payload};
    check_refused(&spec, reason);
}

/* --- a good one ------------------------------------------------------------------------------ */

static void a_card_is_read(void **state)
{
    (void)state;
    char *payload = shc_person_payload();
    struct gh_credential card = read_payload(payload);
    assert_authentic(&card, GH_REASON_OK);
    assert_string_equal(card.issuer, SHC_ISS);
    assert_true(card.issued_at_s == SHC_NBF);
    assert_true(card.expires_at_s == INT64_MAX);
    assert_true(card.subject != 0 && card.subject != card.id && card.home == 0);
    assert_int_equal(card.colour, GH_COLOUR_NONE);
    assert_int_equal(card.form, GH_FORM_NONE);
    assert_int_equal(card.fact_count, 2);
    char kid[SHC_KID_BYTES], first[12];
    shc_kid(issuer_key, kid);
    gh_base64url_encode(card.key_id, GH_KEY_ID_BYTES, first);
    assert_memory_equal(first, kid, 10); /* of 64 bits, 60 are whole characters */
    free(payload);
}

/* ES256 signs anew each time; what was signed is the same. */
static void one_card_has_one_identity(void **state)
{
    (void)state;
    char *payload = shc_person_payload();
    struct shc_spec spec = {.key = issuer_key, .payload = payload};
    char *jws = shc_jws(&spec), *plain = shc_text(jws), *one_of_one = shc_chunk(jws, 1, 1);
    char *chunks[] = {shc_chunk(jws, 2, 2), shc_chunk(jws, 1, 2)};
    struct gh_credential a = read_one(trust, plain, NOW), b = read_one(trust, one_of_one, NOW),
                         c = read_texts(trust, chunks, 2, NOW), d = read_payload(payload);
    assert_authentic(&a, GH_REASON_OK);
    assert_authentic(&b, GH_REASON_OK);
    assert_authentic(&c, GH_REASON_OK);
    assert_true(same_identity(&a, &b) && same_identity(&a, &c) && same_identity(&a, &d));
    assert_true(a.id == b.id && a.id == c.id && a.id == d.id);
    char *other = shc_payload(SHC_ISS, GOOD_TIMES, "");
    struct gh_credential e = read_payload(other);
    assert_authentic(&e, GH_REASON_OK);
    assert_false(same_identity(&a, &e));
    assert_true(a.id != e.id);
    free(payload), free(jws), free(plain), free(one_of_one), free(chunks[0]), free(chunks[1]);
    free(other);
}

/* Two forgeries of one kind must be told apart in entries, and neither may look like a true card.
 */
static void a_forgery_has_its_own_identity(void **state)
{
    (void)state;
    char *payload = shc_person_payload();
    char *jws = shc_jws(&(struct shc_spec){.key = issuer_key, .payload = payload});
    char *text = shc_text(jws);
    struct gh_credential good = read_one(trust, text, NOW), foreign = read_one(NULL, text, NOW);
    assert_refused(&foreign, GH_REASON_FOREIGN);
    assert_false(same_identity(&good, &foreign));
    assert_memory_equal(good.key_id, foreign.key_id, GH_KEY_ID_BYTES);
    char *chunks[] = {shc_chunk(jws, 1, 3), shc_chunk(jws, 2, 3), shc_chunk(jws, 3, 3)};
    struct gh_credential same = read_texts(NULL, chunks, 3, NOW);
    assert_refused(&same, GH_REASON_FOREIGN);
    assert_true(same_identity(&foreign, &same));
    free(payload), free(jws), free(text), free(chunks[0]), free(chunks[1]), free(chunks[2]);
}

static void without_a_secret_nobody_is_known(void **state)
{
    (void)state;
    struct gh_issuer_key key = shc_issuer_key(issuer_key, SHC_ISS);
    struct gh_trust *open = NULL;
    assert_int_equal(gh_trust_new(&key, 1, NULL, &open), GH_OK);
    char *payload = shc_person_payload(), *text = shc_card(issuer_key, payload);
    struct gh_credential card = read_one(open, text, NOW);
    assert_reason(&card, GH_REASON_OK);
    assert_true(card.authentic && card.id == 0 && card.subject == 0);
    gh_trust_unref(open);
    free(payload), free(text);
}

/* --- header ---------------------------------------------------------------------------------- */

/* An @ stands for the kid. */
static void check_header(const char *form, enum gh_reason reason)
{
    char kid[SHC_KID_BYTES], header[1024], *payload = shc_person_payload();
    size_t before = strcspn(form, "@");
    shc_kid(issuer_key, kid);
    snprintf(header, sizeof(header), "%.*s%s%s", (int)before, form, kid, form + before + 1);
    struct shc_spec spec = {.key = issuer_key, .payload = payload, .header = header};
    struct gh_credential card = read_spec(&spec);
    if (reason == GH_REASON_OK)
        assert_authentic(&card, reason);
    else
        assert_refused(&card, reason);
    free(payload);
}

static void a_header_says_how_it_is_signed(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        enum gh_reason reason;
    } cases[] = {
        {"{\"kid\":\"@\",\"alg\":\"ES256\",\"zip\":\"DEF\"}", GH_REASON_OK},
        {" {\"zip\" : \"DEF\",\n\"alg\":\"ES256\",\"kid\":\"@\",\"typ\":\"JWT\"} ", GH_REASON_OK},
        {"{\"zip\":\"DEF\",\"alg\":\"none\",\"kid\":\"@\"}", GH_REASON_BAD_ALGORITHM},
        {"{\"zip\":\"DEF\",\"alg\":\"es256\",\"kid\":\"@\"}", GH_REASON_BAD_ALGORITHM},
        {"{\"zip\":\"DEF\",\"alg\":\"HS256\",\"kid\":\"@\"}", GH_REASON_BAD_ALGORITHM},
        {"{\"zip\":\"DEF\",\"alg\":\"EdDSA\",\"kid\":\"@\"}", GH_REASON_BAD_ALGORITHM},
        {"{\"zip\":\"DEF\",\"alg\":-7,\"kid\":\"@\"}", GH_REASON_BAD_ALGORITHM},
        {"{\"zip\":\"DEF\",\"kid\":\"@\"}", GH_REASON_BAD_ALGORITHM},
        {"{\"alg\":\"ES256\",\"kid\":\"@\"}", GH_REASON_BAD_COMPRESSION},
        {"{\"zip\":\"def\",\"alg\":\"ES256\",\"kid\":\"@\"}", GH_REASON_BAD_COMPRESSION},
        {"{\"zip\":null,\"alg\":\"ES256\",\"kid\":\"@\"}", GH_REASON_BAD_COMPRESSION},
        {"{\"zip\":\"DEF\",\"alg\":\"ES256\",\"Kid\":\"@\"}", GH_REASON_KEY_ID_MISSING},
        {"{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":[\"@\"]}", GH_REASON_KEY_ID_MISSING},
        {"{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"@A\"}", GH_REASON_FOREIGN},
        {"{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"@=\"}", GH_REASON_FOREIGN},
        {"{\"zip\":\"DEF\",\"alg\":\"ES256\",\"crit\":[\"b64\"],\"kid\":\"@\"}",
         GH_REASON_UNSUPPORTED},
        {"{\"zip\":\"DEF\",\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"@\"}",
         GH_REASON_DUPLICATE_KEY},
        {"{\"zip\":\"DEF\",\"alg\":\"ES256\",\"\\u0061lg\":\"none\",\"kid\":\"@\"}",
         GH_REASON_DUPLICATE_KEY},
        {"{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"@\"", GH_REASON_TRUNCATED},
        {"{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"@\"}{}", GH_REASON_TRAILING},
        {"[\"zip\",\"DEF\",\"alg\",\"ES256\",\"@\"]", GH_REASON_MALFORMED},
        {"\xef\xbb\xbf{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"@\"}", GH_REASON_MALFORMED},
        {"zip: DEF @", GH_REASON_MALFORMED},
        {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],\"zip\":"
         "\"DEF\",\"alg\":\"ES256\",\"kid\":\"@\"}",
         GH_REASON_TOO_DEEP},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++)
        check_header(cases[i].form, cases[i].reason);
}

static void a_header_is_short(void **state)
{
    (void)state;
    char form[600] = "{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"@\"}";
    size_t size = strlen(form) + SHC_KID_BYTES - 2; /* with the kid in it */
    memset(form + strlen(form), ' ', 512 - size);
    check_header(form, GH_REASON_OK);
    form[strlen(form)] = ' ';
    check_header(form, GH_REASON_TOO_LARGE);
}

/* --- keys ------------------------------------------------------------------------------------ */

static void a_card_needs_the_key_that_it_names(void **state)
{
    (void)state;
    char *payload = shc_person_payload(), kid[SHC_KID_BYTES];
    check_refused(&(struct shc_spec){.key = stranger_key, .payload = payload}, GH_REASON_FOREIGN);
    shc_kid(issuer_key, kid);
    check_refused(&(struct shc_spec){.key = stranger_key, .kid = kid, .payload = payload},
                  GH_REASON_FORGED);
    static const char *const short_kids[] = {"", "3Kfdg-XwP-7",
                                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(short_kids); i++)
        check_refused(
            &(struct shc_spec){.key = issuer_key, .kid = short_kids[i], .payload = payload},
            GH_REASON_FOREIGN);
    /* The first 8 bytes are those of a trusted key; the rest is not. */
    memcpy(kid + 40, kid[40] == 'A' ? "BBA" : "AAA", 3);
    check_refused(&(struct shc_spec){.key = issuer_key, .kid = kid, .payload = payload},
                  GH_REASON_FOREIGN);
    free(payload);
}

static void a_key_signs_for_its_own_issuer(void **state)
{
    (void)state;
    static const char *const names[] = {
        "https://issuer.example/card", "https://issuer.example/cardS",
        "https://issuer.example/cards2", "https://Issuer.example/cards"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        char *payload = shc_payload(names[i], GOOD_TIMES, "");
        check_payload(payload, GH_REASON_WRONG_ISSUER);
        free(payload);
    }
}

static void an_issuer_is_an_https_url(void **state)
{
    (void)state;
    static const char *const names[] = {"http://issuer.example/cards",
                                        "https://issuer.example/cards/",
                                        "HTTPS://issuer.example/cards",
                                        "https://",
                                        "issuer.example",
                                        "",
                                        "https://issuer.example/ca rds",
                                        "https://issuer.example/\\n",
                                        "https://issuer.example/\xc3\xa9"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        char *payload = shc_payload(names[i], GOOD_TIMES, "");
        check_payload(payload, GH_REASON_BAD_CONTENT);
        free(payload);
    }
    char long_name[GH_ISSUER_BYTES + 1];
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    memcpy(long_name, "https://", 8);
    char *payload = shc_payload(long_name, GOOD_TIMES, "");
    check_payload(payload, GH_REASON_BAD_CONTENT);
    free(payload);
    check_payload("{\"nbf\":1620000000,\"vc\":{}}", GH_REASON_BAD_CONTENT);
    check_payload("{\"iss\":7,\"nbf\":1620000000,\"vc\":{}}", GH_REASON_BAD_CONTENT);
}

static struct gh_credential read_by(const struct gh_issuer_key *keys, size_t count, const char *iss)
{
    struct gh_trust *some = trust_in(keys, count);
    char *payload = shc_payload(iss, GOOD_TIMES, ""), *text = shc_card(issuer_key, payload);
    struct gh_credential credential = read_one(some, text, NOW);
    gh_trust_unref(some);
    free(payload), free(text);
    return credential;
}

static void two_issuers_may_list_one_key(void **state)
{
    (void)state;
    struct gh_issuer_key keys[] = {shc_issuer_key(issuer_key, "https://a.example"),
                                   shc_issuer_key(issuer_key, "https://b.example")};
    struct gh_credential a = read_by(keys, 2, "https://a.example");
    struct gh_credential b = read_by(keys, 2, "https://b.example");
    struct gh_credential c = read_by(keys, 2, "https://c.example");
    assert_authentic(&a, GH_REASON_OK);
    assert_authentic(&b, GH_REASON_OK);
    assert_string_equal(a.issuer, "https://a.example");
    assert_string_equal(b.issuer, "https://b.example");
    assert_refused(&c, GH_REASON_WRONG_ISSUER);
    keys[0].not_after_s = SHC_NBF - 1; /* only a has retired it */
    a = read_by(keys, 2, "https://a.example");
    b = read_by(keys, 2, "https://b.example");
    assert_refused(&a, GH_REASON_KEY_RETIRED);
    assert_authentic(&b, GH_REASON_OK);
    keys[0].revoked = true; /* who holds it may well say to be b */
    a = read_by(keys, 2, "https://a.example");
    b = read_by(keys, 2, "https://b.example");
    assert_refused(&a, GH_REASON_KEY_REVOKED);
    assert_refused(&b, GH_REASON_KEY_REVOKED);
}

static void a_key_has_its_time(void **state)
{
    (void)state;
    struct gh_issuer_key key = shc_issuer_key(issuer_key, SHC_ISS);
    key.not_before_s = key.not_after_s = SHC_NBF;
    struct gh_credential card = read_by(&key, 1, SHC_ISS);
    assert_authentic(&card, GH_REASON_OK);
    key.not_before_s = key.not_after_s = SHC_NBF - 1;
    card = read_by(&key, 1, SHC_ISS);
    assert_refused(&card, GH_REASON_KEY_RETIRED);
    key.not_before_s = key.not_after_s = SHC_NBF + 1;
    card = read_by(&key, 1, SHC_ISS);
    assert_refused(&card, GH_REASON_KEY_RETIRED);
}

/* A key for our own codes is none for cards, whatever a card says. */
static void a_key_of_another_kind_is_foreign(void **state)
{
    (void)state;
    struct gh_issuer_key key = shc_issuer_key(issuer_key, SHC_ISS);
    key.purposes = GH_PURPOSES_OWN;
    struct gh_credential card = read_by(&key, 1, SHC_ISS);
    assert_refused(&card, GH_REASON_FOREIGN);
}

/* --- signatures ------------------------------------------------------------------------------ */

static void check_signature(const uint8_t *signature, size_t bytes, enum gh_reason reason)
{
    char *payload = shc_person_payload();
    struct shc_spec spec = {
        .key = issuer_key, .payload = payload, .signature = signature, .signature_bytes = bytes};
    check_refused(&spec, reason);
    free(payload);
}

static void a_signature_is_two_numbers(void **state)
{
    (void)state;
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    uint8_t bytes[72] = {0};
    check_signature(bytes, 64, GH_REASON_SIGNATURE_RANGE); /* r = s = 0 */
    bytes[31] = 1;
    check_signature(bytes, 64, GH_REASON_SIGNATURE_RANGE); /* s = 0 */
    bytes[63] = 1;
    check_signature(bytes, 64, GH_REASON_FORGED);
    memcpy(bytes, order, 32);
    check_signature(bytes, 64, GH_REASON_SIGNATURE_RANGE); /* r = n */
    memset(bytes, 0xff, 64);
    check_signature(bytes, 64, GH_REASON_SIGNATURE_RANGE); /* both as high as they go */
    for (size_t size = 0; size <= sizeof(bytes); size++)
        if (size != 64)
            check_signature(bytes, size, GH_REASON_SIGNATURE_FORM);
    static const uint8_t der_start[] = {0x30, 0x44, 0x02, 0x20};
    memcpy(bytes, der_start, sizeof(der_start));
    check_signature(bytes, 70, GH_REASON_SIGNATURE_FORM);
}

/* --- what was packed ------------------------------------------------------------------------- */

static void check_packed(const void *packed, size_t size, enum gh_reason reason)
{
    check_refused(
        &(struct shc_spec){
            .key = issuer_key, .payload = packed, .payload_bytes = size, .packed = true},
        reason);
}

static void a_payload_is_raw_deflate_and_nothing_else(void **state)
{
    (void)state;
    char *payload = shc_person_payload();
    size_t size = 0;
    uint8_t *packed = shc_deflate(payload, strlen(payload), &size);
    uint8_t *longer = malloc(size + 6);
    assert_non_null(longer);
    memcpy(longer, packed, size);
    longer[size] = 0;
    check_packed(longer, size + 1, GH_REASON_TRAILING);
    check_packed(packed, size - 1, GH_REASON_TRUNCATED);
    memcpy(longer, "\x78\xda", 2); /* a zlib header */
    memcpy(longer + 2, packed, size);
    check_packed(longer, size + 2, GH_REASON_BAD_COMPRESSION);
    check_packed(payload, strlen(payload), GH_REASON_BAD_COMPRESSION);
    check_packed("\x07", 1, GH_REASON_BAD_COMPRESSION);
    free(payload), free(packed), free(longer);
}

/* Also one that a trusted issuer has signed. */
static void a_bomb_does_not_go_off(void **state)
{
    (void)state;
    size_t bytes = 4 * 1024 * 1024, size = 0;
    uint8_t *blanks = malloc(bytes);
    assert_non_null(blanks);
    memset(blanks, ' ', bytes);
    uint8_t *packed = shc_deflate(blanks, bytes, &size);
    assert_true(size < 6000);
    check_packed(packed, size, GH_REASON_TOO_LARGE);
    free(packed);
    packed = shc_deflate(blanks, 65537, &size);
    check_packed(packed, size, GH_REASON_TOO_LARGE);
    free(packed);
    packed = shc_deflate(blanks, 65536, &size); /* fits, and is no JSON */
    check_packed(packed, size, GH_REASON_TRUNCATED);
    free(packed), free(blanks);
}

static void json_is_one_object(void **state)
{
    (void)state;
    char *good = shc_person_payload(), *text = NULL;
    assert_true(asprintf(&text, "\xef\xbb\xbf%s", good) > 0);
    check_payload(text, GH_REASON_MALFORMED); /* a byte order mark */
    free(text);
    assert_true(asprintf(&text, "%s{}", good) > 0);
    check_payload(text, GH_REASON_TRAILING);
    free(text);
    assert_true(asprintf(&text, "%.*s", (int)strlen(good) - 1, good) > 0);
    check_payload(text, GH_REASON_TRUNCATED);
    free(text);
    assert_true(asprintf(&text, "%.*s,\"nbf\":1}", (int)strlen(good) - 1, good) > 0);
    check_payload(text, GH_REASON_DUPLICATE_KEY);
    free(text);
    assert_true(asprintf(&text, "%.*s,\"x\":\"\\u0000\"}", (int)strlen(good) - 1, good) > 0);
    check_payload(text, GH_REASON_MALFORMED);
    free(text), free(good);
    check_payload("[]", GH_REASON_MALFORMED);
    check_payload("\"{}\"", GH_REASON_MALFORMED);
    check_payload("NaN", GH_REASON_MALFORMED);
    check_payload("{\"a\":\"\xc0\xaf\"}", GH_REASON_MALFORMED); /* no UTF-8 */
}

static void json_is_not_deep(void **state)
{
    (void)state;
    char deep[512] = "{\"x\":";
    memset(deep + 5, '[', 200);
    check_payload(deep, GH_REASON_TOO_DEEP);
    memset(deep + 5, '[', 32);
    strcpy(deep + 37, "]");
    check_payload(deep, GH_REASON_TOO_DEEP);
    memcpy(deep + 36, "]", 2); /* 32 deep: then it is only broken off */
    check_payload(deep, GH_REASON_TRUNCATED);
}

/* --- times ----------------------------------------------------------------------------------- */

static void check_times(const char *times, enum gh_reason reason)
{
    char *payload = shc_payload(SHC_ISS, times, "");
    check_payload(payload, reason);
    free(payload);
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    check_times("\"exp\":1720000000", GH_REASON_BAD_CONTENT);
    check_times("\"nbf\":\"1620000000\"", GH_REASON_BAD_TIME);
    check_times("\"nbf\":null", GH_REASON_BAD_TIME);
    check_times("\"nbf\":-1", GH_REASON_BAD_TIME);
    check_times("\"nbf\":9007199254740994", GH_REASON_BAD_TIME);
    check_times("\"nbf\":99999999999999999999999999", GH_REASON_BAD_TIME);
    check_times("\"nbf\":1e300", GH_REASON_BAD_TIME);
    check_times("\"nbf\":1e999", GH_REASON_BAD_TIME);
    check_times("\"nbf\":NaN", GH_REASON_MALFORMED);
    check_times("\"nbf\":Infinity", GH_REASON_MALFORMED);
    check_times("\"nbf\":1620000000,\"exp\":null", GH_REASON_BAD_TIME);
    check_times("\"nbf\":1620000000,\"exp\":true", GH_REASON_BAD_TIME);
    check_times("\"nbf\":1620000000,\"exp\":-0.5", GH_REASON_BAD_TIME);
    check_times("\"nbf\":1620000000,\"exp\":1e16", GH_REASON_BAD_TIME);
    check_times("\"nbf\":1620000000,\"exp\":1619999999", GH_REASON_TIMES_CONTRADICT);
    check_times("\"nbf\":1620000000.5,\"exp\":1620000000.25", GH_REASON_TIMES_CONTRADICT);
}

static void check_at(const char *times, int64_t now_s, enum gh_reason reason)
{
    char *payload = shc_payload(SHC_ISS, times, ""), *text = shc_card(issuer_key, payload);
    struct gh_credential card = read_one(trust, text, now_s);
    assert_authentic(&card, reason);
    free(payload), free(text);
}

/* Refused: now < nbf, exp < now; to the second, without any skew. */
static void a_card_has_its_time(void **state)
{
    (void)state;
    static const char whole[] = "\"nbf\":1000,\"exp\":2000";
    check_at(whole, 999, GH_REASON_NOT_YET_VALID);
    check_at(whole, 1000, GH_REASON_OK);
    check_at(whole, 2000, GH_REASON_OK);
    check_at(whole, 2001, GH_REASON_EXPIRED);
    static const char parts[] = "\"nbf\":1000.001,\"exp\":2000.999";
    check_at(parts, 1000, GH_REASON_NOT_YET_VALID);
    check_at(parts, 1001, GH_REASON_OK);
    check_at(parts, 2000, GH_REASON_OK);
    check_at(parts, 2001, GH_REASON_EXPIRED);
    check_at("\"nbf\":1.62e9", INT64_C(1620000000), GH_REASON_OK);
    check_at("\"nbf\":0", INT64_MAX, GH_REASON_OK);
    check_at("\"nbf\":0", INT64_MIN, GH_REASON_NOT_YET_VALID);
    check_at("\"nbf\":9007199254740992,\"exp\":9007199254740992", NOW, GH_REASON_NOT_YET_VALID);
    check_at("\"nbf\":1620000000000", NOW, GH_REASON_NOT_YET_VALID); /* meant as milliseconds */
    check_at("\"nbf\":1000,\"exp\":1000", 1000, GH_REASON_OK);
}

/* --- what it is ------------------------------------------------------------------------------ */

static void check_vc(const char *vc, enum gh_reason reason)
{
    char *payload = NULL;
    assert_true(asprintf(&payload, "{\"iss\":\"%s\",%s,\"vc\":%s}", SHC_ISS, GOOD_TIMES, vc) > 0);
    struct gh_credential card = read_payload(payload);
    if (reason == GH_REASON_OK)
        assert_authentic(&card, reason);
    else
        assert_refused(&card, reason);
    free(payload);
}

#define TYPE "\"type\":[\"https://smarthealth.cards#health-card\"]"
#define SUBJECT "\"credentialSubject\":{\"fhirBundle\":{}}"

static void a_health_card_says_so(void **state)
{
    (void)state;
    check_vc("{" TYPE "," SUBJECT "}", GH_REASON_OK);
    check_vc("{\"type\":[7,\"x\",\"https://smarthealth.cards#health-card\"]," SUBJECT "}",
             GH_REASON_OK);
    check_vc("{\"type\":\"https://smarthealth.cards#health-card\"," SUBJECT "}",
             GH_REASON_BAD_CONTENT);
    check_vc("{\"type\":[\"https://smarthealth.cards#covid19\"]," SUBJECT "}",
             GH_REASON_BAD_CONTENT);
    check_vc("{" SUBJECT "}", GH_REASON_BAD_CONTENT);
    check_vc("[]", GH_REASON_BAD_CONTENT);
    check_vc("{" TYPE "}", GH_REASON_BAD_CONTENT);
    check_vc("{" TYPE ",\"credentialSubject\":{\"fhirBundle\":[]}}", GH_REASON_BAD_CONTENT);
    check_vc("{" TYPE ",\"credentialSubject\":{\"fhirBundle\":{\"entry\":{}}}}",
             GH_REASON_BAD_CONTENT);
    check_vc("{" TYPE ",\"credentialSubject\":{\"fhirBundle\":{\"entry\":[7,null,{}]}}}",
             GH_REASON_OK);
}

static void a_card_names_what_revokes_it(void **state)
{
    (void)state;
    char *payload = shc_payload(SHC_ISS, GOOD_TIMES, ""), kid[SHC_KID_BYTES], input[128];
    struct gh_credential card = read_payload(payload);
    uint8_t hash[GH_SHA256_BYTES], other[GH_REVOCATION_BYTES];
    shc_kid(issuer_key, kid);
    int size = snprintf(input, sizeof(input), "shc%s.rid-1", kid);
    gh_sha256((struct gh_bytes){(const uint8_t *)input, (size_t)size}, hash);
    assert_int_equal(card.revocation_count, 1);
    assert_memory_equal(card.revocations[0], hash, GH_REVOCATION_BYTES);
    assert_int_equal(gh_shc_revocation(kid, "rid-1", other), GH_OK);
    assert_memory_equal(other, hash, GH_REVOCATION_BYTES);
    assert_int_equal(gh_shc_revocation(kid, "rid-2", other), GH_OK);
    assert_memory_not_equal(other, hash, GH_REVOCATION_BYTES);
    free(payload);
    static const char *const bad[] = {
        "", "1234567890123456789012345", "a.b", "a b", "rid+1", "rid=", "\xc3\xa9"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        char *vc = NULL;
        assert_int_equal(gh_shc_revocation(kid, bad[i], other), GH_ERR_INVALID);
        assert_true(asprintf(&vc, "{" TYPE "," SUBJECT ",\"rid\":\"%s\"}", bad[i]) > 0);
        check_vc(vc, GH_REASON_BAD_CONTENT);
        free(vc);
    }
    assert_int_equal(gh_shc_revocation("short", "rid-1", other), GH_ERR_INVALID);
    kid[7] = '.';
    assert_int_equal(gh_shc_revocation(kid, "rid-1", other), GH_ERR_INVALID);
    check_vc("{" TYPE "," SUBJECT ",\"rid\":7}", GH_REASON_BAD_CONTENT);
    check_vc("{" TYPE "," SUBJECT ",\"rid\":\"123456789012345678901234\"}", GH_REASON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_read),
        cmocka_unit_test(one_card_has_one_identity),
        cmocka_unit_test(a_forgery_has_its_own_identity),
        cmocka_unit_test(without_a_secret_nobody_is_known),
        cmocka_unit_test(a_header_says_how_it_is_signed),
        cmocka_unit_test(a_header_is_short),
        cmocka_unit_test(a_card_needs_the_key_that_it_names),
        cmocka_unit_test(a_key_signs_for_its_own_issuer),
        cmocka_unit_test(an_issuer_is_an_https_url),
        cmocka_unit_test(two_issuers_may_list_one_key),
        cmocka_unit_test(a_key_has_its_time),
        cmocka_unit_test(a_key_of_another_kind_is_foreign),
        cmocka_unit_test(a_signature_is_two_numbers),
        cmocka_unit_test(a_payload_is_raw_deflate_and_nothing_else),
        cmocka_unit_test(a_bomb_does_not_go_off),
        cmocka_unit_test(json_is_one_object),
        cmocka_unit_test(json_is_not_deep),
        cmocka_unit_test(bad_times_are_refused),
        cmocka_unit_test(a_card_has_its_time),
        cmocka_unit_test(a_health_card_says_so),
        cmocka_unit_test(a_card_names_what_revokes_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
