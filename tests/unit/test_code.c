/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "code_fixture.h"
#include "gatehouse/clock.h"
#include "gatehouse/file.h"

/* --- what is written is read ----------------------------------------------------------------- */

static void check_round_trip(const struct gh_private_key *key, enum gh_kind kind)
{
    struct gh_claims claims = claims_of(kind);
    char text[TEXT_BYTES];
    write_code(key, &claims, text);
    struct gh_credential credential = read_text(text);
    assert_int_equal(credential.reason, GH_REASON_OK);
    assert_true(credential.authentic);
    assert_int_equal(credential.kind, kind);
    assert_true(credential.id == ID);
    assert_true(credential.subject == (kind == GH_KIND_HOUSING ? 0 : PERSON));
    assert_true(credential.home == (kind == GH_KIND_HOUSING ? HOME : 0));
    assert_int_equal(credential.colour, claims.colour);
    assert_true(credential.issued_at_s == IAT);
    assert_true(credential.expires_at_s == EXP);
    assert_string_equal(credential.issuer, ISSUER);
    assert_int_equal(credential.form, kind == GH_KIND_HEALTH ? GH_FORM_PAPER : GH_FORM_NONE);
    assert_true(credential.presented_at_s == 0);
    struct gh_public_key *public_key = NULL;
    uint8_t key_id[GH_KEY_ID_BYTES];
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    gh_public_key_id(public_key, key_id);
    gh_public_key_free(public_key);
    assert_memory_equal(credential.key_id, key_id, sizeof(key_id));
}

static void test_round_trips(void **state)
{
    (void)state;
    for (enum gh_kind kind = GH_KIND_HEALTH; kind <= GH_KIND_STAFF; kind++) {
        check_round_trip(issuer_key, kind);
        check_round_trip(p256_key, kind);
    }
}

static void test_form_of_the_text(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    for (enum gh_kind kind = GH_KIND_HEALTH; kind <= GH_KIND_STAFF; kind++) {
        write_kind(kind, text);
        const char *prefix = kind == GH_KIND_HOUSING ? "HTTPS://GATE.EXAMPLE/H/" : "GH1:";
        assert_int_equal(strncmp(text, prefix, strlen(prefix)), 0);
        /* What a QR code holds in 5.5 bits a character. */
        assert_int_equal(strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"),
                         strlen(text));
    }
}

static void test_colours(void **state)
{
    (void)state;
    for (enum gh_colour colour = GH_COLOUR_GREEN; colour <= GH_COLOUR_RED; colour++) {
        struct gh_claims claims = claims_of(GH_KIND_HEALTH);
        claims.colour = colour;
        char text[TEXT_BYTES];
        write_code(issuer_key, &claims, text);
        assert_int_equal(read_text(text).colour, colour);
    }
}

static void test_no_end(void **state)
{
    (void)state;
    struct gh_claims claims = claims_of(GH_KIND_HOUSING);
    claims.expires_at_s = INT64_MAX;
    char text[TEXT_BYTES];
    write_code(issuer_key, &claims, text);
    struct gh_credential credential = read_bytes(trust, text, strlen(text), INT64_MAX);
    assert_int_equal(credential.reason, GH_REASON_OK);
    assert_true(credential.expires_at_s == INT64_MAX);
}

static void test_longest_claims(void **state)
{
    (void)state;
    char issuer[GH_OWN_ISSUER_BYTES], host[300], text[TEXT_BYTES];
    memset(issuer, '~', sizeof(issuer));
    issuer[sizeof(issuer) - 1] = '\0';
    memset(host, 'h', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    struct gh_claims claims = claims_of(GH_KIND_HOUSING);
    claims.issuer = issuer;
    claims.host = host;
    claims.issued_at_s = 0;
    claims.expires_at_s = INT64_C(1) << 53;
    write_code(issuer_key, &claims, text);
    struct gh_credential credential = read_text(text);
    assert_int_equal(credential.reason, GH_REASON_OK);
    assert_string_equal(credential.issuer, issuer);
    assert_true(credential.issued_at_s == 0);
    assert_true(credential.expires_at_s == INT64_C(1) << 53);
}

static void assert_not_written(const struct gh_claims *claims)
{
    char text[TEXT_BYTES] = "x";
    assert_int_equal(gh_code_write(issuer_key, claims, text, sizeof(text)), GH_ERR_INVALID);
    assert_string_equal(text, "");
}

#define NOT_WRITTEN(KIND, CHANGE)                                                                  \
    do {                                                                                           \
        struct gh_claims claims = claims_of(KIND);                                                 \
        claims.CHANGE;                                                                             \
        assert_not_written(&claims);                                                               \
    } while (0)

static void test_claims_against_the_rules(void **state)
{
    (void)state;
    char long_issuer[GH_OWN_ISSUER_BYTES + 1];
    memset(long_issuer, 'x', sizeof(long_issuer));
    long_issuer[GH_OWN_ISSUER_BYTES] = '\0';
    NOT_WRITTEN(GH_KIND_HEALTH, id = 0);
    NOT_WRITTEN(GH_KIND_HEALTH, about = 0);
    NOT_WRITTEN(GH_KIND_HEALTH, colour = GH_COLOUR_NONE);
    NOT_WRITTEN(GH_KIND_HEALTH, colour = (enum gh_colour)4);
    NOT_WRITTEN(GH_KIND_HOUSING, colour = GH_COLOUR_GREEN);
    NOT_WRITTEN(GH_KIND_VISITOR, colour = GH_COLOUR_GREEN);
    NOT_WRITTEN(GH_KIND_HEALTH, issued_at_s = -1);
    NOT_WRITTEN(GH_KIND_HEALTH, issued_at_s = EXP);
    NOT_WRITTEN(GH_KIND_HEALTH, expires_at_s = IAT);
    NOT_WRITTEN(GH_KIND_HEALTH, expires_at_s = 0);
    NOT_WRITTEN(GH_KIND_HEALTH, expires_at_s = INT64_MIN);
    NOT_WRITTEN(GH_KIND_HEALTH, expires_at_s = (INT64_C(1) << 53) + 1);
    NOT_WRITTEN(GH_KIND_HEALTH, issuer = NULL);
    NOT_WRITTEN(GH_KIND_HEALTH, issuer = "");
    NOT_WRITTEN(GH_KIND_HEALTH, issuer = long_issuer);
    NOT_WRITTEN(GH_KIND_HEALTH, issuer = "two\nlines");
    NOT_WRITTEN(GH_KIND_HEALTH, issuer = "caf\xc3\xa9");
    NOT_WRITTEN(GH_KIND_HEALTH, kind = GH_KIND_UNKNOWN);
    NOT_WRITTEN(GH_KIND_HEALTH, kind = GH_KIND_ENROLMENT);
    NOT_WRITTEN(GH_KIND_HEALTH, kind = GH_KIND_HCERT);
    NOT_WRITTEN(GH_KIND_HEALTH, kind = (enum gh_kind) - 1);
    NOT_WRITTEN(GH_KIND_HOUSING, host = NULL);
    NOT_WRITTEN(GH_KIND_HOUSING, host = "");
    NOT_WRITTEN(GH_KIND_HOUSING, host = "gate.example/x");
    NOT_WRITTEN(GH_KIND_HOUSING, host = "user@gate.example");
    NOT_WRITTEN(GH_KIND_HOUSING, host = "gate example");
    NOT_WRITTEN(GH_KIND_HOUSING, host = "g\xc3\xa4te");
    struct gh_public_key *phone = NULL;
    assert_int_equal(gh_private_key_public(phone_key, &phone), GH_OK);
    NOT_WRITTEN(GH_KIND_HOUSING, holder = phone);
    NOT_WRITTEN(GH_KIND_VISITOR, holder = phone);
    NOT_WRITTEN(GH_KIND_STAFF, holder = phone);
    gh_public_key_free(phone);
}

static void test_does_not_fit(void **state)
{
    (void)state;
    char text[TEXT_BYTES], host[900];
    struct gh_claims claims = claims_of(GH_KIND_HEALTH);
    write_code(issuer_key, &claims, text);
    size_t size = strlen(text);
    assert_int_equal(gh_code_write(issuer_key, &claims, text, size), GH_ERR_TOOBIG);
    assert_string_equal(text, "");
    assert_int_equal(gh_code_write(issuer_key, &claims, text, size + 1), GH_OK);
    assert_int_equal(gh_code_write(issuer_key, &claims, NULL, 0), GH_ERR_TOOBIG);
    claims = claims_of(GH_KIND_HOUSING);
    memset(host, 'h', sizeof(host)); /* a link that no reader would take */
    host[sizeof(host) - 1] = '\0';
    claims.host = host;
    char large[4096];
    assert_int_equal(gh_code_write(issuer_key, &claims, large, sizeof(large)), GH_ERR_TOOBIG);
}

/* --- published vectors ----------------------------------------------------------------------- */

/* Ed25519 has one signature for one message: our writer must give these texts, byte for byte. */
static void check_vector_is_ours(const char *name, const char *text)
{
    enum gh_kind kind = GH_KIND_UNKNOWN;
    for (enum gh_kind i = GH_KIND_HEALTH; i <= GH_KIND_STAFF; i++)
        if (strcmp(name, gh_kind_name(i)) == 0)
            kind = i;
    if (kind == GH_KIND_UNKNOWN)
        return;
    char again[TEXT_BYTES];
    write_kind(kind, again);
    assert_string_equal(again, text);
}

static void test_vectors(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(gh_file_read(VECTORS "/codes.tsv", 100000, &data, &size, NULL), GH_OK);
    int seen = 0;
    char *rest = (char *)data, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] == '#' || line[0] == '\0')
            continue;
        const char *name = strsep(&line, "\t"), *at = strsep(&line, "\t"),
                   *kind = strsep(&line, "\t"), *reason = strsep(&line, "\t"), *text = line;
        assert_non_null(text);
        int64_t now_s = 0;
        assert_int_equal(gh_time_parse(at, &now_s), GH_OK);
        struct gh_credential credential = read_bytes(trust, text, strlen(text), now_s);
        if (strcmp(gh_reason_info(credential.reason)->token, reason) != 0)
            print_error("vector %s\n", name);
        assert_string_equal(gh_reason_info(credential.reason)->token, reason);
        assert_string_equal(gh_kind_name(credential.kind), kind);
        check_vector_is_ours(name, text);
        seen++;
    }
    assert_true(seen >= 80);
    free(data);
}

/* --- keys that do not fit -------------------------------------------------------------------- */

static struct gh_credential read_trusting(struct gh_trust *keys, const char *text, int64_t now_s)
{
    struct gh_credential credential = read_bytes(keys, text, strlen(text), now_s);
    gh_trust_unref(keys);
    return credential;
}

static void test_foreign(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    struct gh_claims claims = claims_of(GH_KIND_HEALTH);
    write_code(stranger_key, &claims, text);
    struct gh_credential credential = read_text(text);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_FOREIGN);
    write_kind(GH_KIND_HOUSING, text);
    credential = read_bytes(NULL, text, strlen(text), NOW);
    assert_refused(&credential, GH_KIND_HOUSING, GH_REASON_FOREIGN);
}

/* The stranger's signature under the issuer's key id. */
static void test_forged(void **state)
{
    (void)state;
    for (enum gh_kind kind = GH_KIND_HEALTH; kind <= GH_KIND_STAFF; kind++) {
        char genuine[TEXT_BYTES], forged[TEXT_BYTES];
        struct gh_claims claims = claims_of(kind);
        write_code(issuer_key, &claims, genuine);
        claims.id++;
        write_code(stranger_key, &claims, forged);
        struct decoded a, b;
        decode(genuine, &a);
        decode(forged, &b);
        memcpy(b.data + 8, a.data + 8, GH_KEY_ID_BYTES);
        encode(b.data, b.size, kind == GH_KIND_HOUSING, forged);
        struct gh_credential credential = read_text(forged);
        assert_refused(&credential, kind, GH_REASON_FORGED);
    }
}

/* The header names the other algorithm: not even tried. */
static void test_wrong_algorithm(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    struct decoded decoded;
    write_kind(GH_KIND_HEALTH, text);
    decode(text, &decoded);
    assert_int_equal(decoded.data[5], 0x27);
    decoded.data[5] = 0x26;
    encode(decoded.data, decoded.size, false, text);
    struct gh_credential credential = read_text(text);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_WRONG_ALGORITHM);
    struct gh_claims claims = claims_of(GH_KIND_HOUSING);
    write_code(p256_key, &claims, text);
    decode(text, &decoded);
    decoded.data[5] = 0x27;
    encode(decoded.data, decoded.size, true, text);
    credential = read_text(text);
    assert_refused(&credential, GH_KIND_HOUSING, GH_REASON_WRONG_ALGORITHM);
}

static void test_impossible_numbers(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    struct decoded decoded;
    struct gh_claims claims = claims_of(GH_KIND_HEALTH);
    static const uint8_t fillings[] = {0, 0xff};
    for (size_t i = 0; i < 2; i++) {
        for (size_t half = 0; half < 2; half++) { /* r, s */
            write_code(p256_key, &claims, text);
            decode(text, &decoded);
            memset(decoded.data + decoded.size - 64 + 32 * half, fillings[i], 32);
            encode(decoded.data, decoded.size, false, text);
            struct gh_credential credential = read_text(text);
            assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_SIGNATURE_RANGE);
        }
    }
}

/* DER, as other libraries sign: of another length. */
static void test_signature_of_another_form(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    struct decoded decoded;
    struct gh_claims claims = claims_of(GH_KIND_HEALTH);
    write_code(p256_key, &claims, text);
    for (int size = 0; size <= 80; size++) {
        decode(text, &decoded);
        size_t at = decoded.size - 66;
        assert_int_equal(decoded.data[at], 0x58);
        decoded.data[at + 1] = (uint8_t)size;
        memset(decoded.data + decoded.size, 0x30, 16);
        char other[TEXT_BYTES];
        encode(decoded.data, at + 2 + (size_t)size, false, other);
        struct gh_credential credential = read_text(other);
        if (size == 64)
            assert_int_equal(credential.reason, GH_REASON_OK);
        else
            assert_refused(&credential, GH_KIND_UNKNOWN, GH_REASON_SIGNATURE_FORM);
    }
}

static void test_wrong_purpose(void **state)
{
    (void)state;
    for (enum gh_kind kind = GH_KIND_HEALTH; kind <= GH_KIND_STAFF; kind++) {
        char text[TEXT_BYTES];
        write_kind(kind, text);
        struct gh_credential credential = read_trusting(
            trust_in(issuer_key, OWN_PURPOSES & ~GH_PURPOSE(kind), INT64_MIN, INT64_MAX, ""), text,
            NOW);
        assert_refused(&credential, kind, GH_REASON_WRONG_KEY);
        credential = read_trusting(trust_in(issuer_key, GH_PURPOSE(kind), INT64_MIN, INT64_MAX, ""),
                                   text, NOW);
        assert_int_equal(credential.reason, GH_REASON_OK);
    }
}

static void test_key_validity(void **state)
{
    (void)state;
    static const struct {
        int64_t from_s, to_s;
        enum gh_reason reason;
    } cases[] = {
        {IAT, IAT, GH_REASON_OK}, /* both ends included */
        {IAT + 1, INT64_MAX, GH_REASON_KEY_RETIRED},
        {INT64_MIN, IAT - 1, GH_REASON_KEY_RETIRED},
        {INT64_MIN, IAT, GH_REASON_OK},
        {IAT, INT64_MAX, GH_REASON_OK},
    };
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_credential credential = read_trusting(
            trust_in(issuer_key, OWN_PURPOSES, cases[i].from_s, cases[i].to_s, ""), text, NOW);
        assert_int_equal(credential.reason, cases[i].reason);
        assert_int_equal(credential.authentic, cases[i].reason == GH_REASON_OK);
    }
}

static void test_issuers_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum gh_reason reason;
    } cases[] = {
        {"", GH_REASON_OK},
        {ISSUER, GH_REASON_OK},
        {"tes", GH_REASON_WRONG_ISSUER},
        {"test2", GH_REASON_WRONG_ISSUER},
        {"Test", GH_REASON_WRONG_ISSUER},
    };
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_credential credential = read_trusting(
            trust_in(issuer_key, OWN_PURPOSES, INT64_MIN, INT64_MAX, cases[i].name), text, NOW);
        assert_int_equal(credential.reason, cases[i].reason);
    }
}

/* The order of verdicts: what is wrong with the key hides what is wrong with the rest. */
static void test_order_of_verdicts(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct decoded decoded;
    decode(text, &decoded);
    decoded.data[decoded.size - 1] ^= 1;
    encode(decoded.data, decoded.size, false, text);
    struct gh_credential credential = read_bytes(NULL, text, strlen(text), EXP);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_FOREIGN);
    credential = read_trusting(
        trust_in(issuer_key, GH_PURPOSE(GH_KIND_HOUSING), INT64_MIN, INT64_MAX, ""), text, EXP);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_WRONG_KEY);
    credential = read_bytes(trust, text, strlen(text), EXP);
    assert_refused(&credential, GH_KIND_HEALTH, GH_REASON_FORGED);
    write_kind(GH_KIND_HEALTH, text);
    credential = read_bytes(trust, text, strlen(text), EXP);
    assert_int_equal(credential.reason, GH_REASON_EXPIRED);
}

/* --- time ------------------------------------------------------------------------------------ */

static void test_to_the_second(void **state)
{
    (void)state;
    static const struct {
        int64_t now_s;
        enum gh_reason reason;
    } cases[] = {
        {INT64_MIN, GH_REASON_NOT_YET_VALID},
        {0, GH_REASON_NOT_YET_VALID},
        {IAT - GH_CODE_SKEW_S - 1, GH_REASON_NOT_YET_VALID},
        {IAT - GH_CODE_SKEW_S, GH_REASON_OK},
        {IAT, GH_REASON_OK},
        {EXP - 1, GH_REASON_OK},
        {EXP, GH_REASON_EXPIRED},
        {EXP + 1, GH_REASON_EXPIRED},
        {INT64_MAX, GH_REASON_EXPIRED},
    };
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_credential credential = read_bytes(trust, text, strlen(text), cases[i].now_s);
        assert_int_equal(credential.reason, cases[i].reason);
        assert_true(credential.authentic); /* true, but not now: whose it is may be known */
        assert_true(credential.subject == PERSON);
        assert_true(credential.id == ID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_form_of_the_text),
        cmocka_unit_test(test_colours),
        cmocka_unit_test(test_no_end),
        cmocka_unit_test(test_longest_claims),
        cmocka_unit_test(test_claims_against_the_rules),
        cmocka_unit_test(test_does_not_fit),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_wrong_algorithm),
        cmocka_unit_test(test_impossible_numbers),
        cmocka_unit_test(test_signature_of_another_form),
        cmocka_unit_test(test_wrong_purpose),
        cmocka_unit_test(test_key_validity),
        cmocka_unit_test(test_issuers_name),
        cmocka_unit_test(test_order_of_verdicts),
        cmocka_unit_test(test_to_the_second),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
