/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli_code_fixture.h"

/* --- answers ------------------------------------------------------------------------------------
 */

static void test_valid_health(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct answer answer;
    RUN(&answer, "read", "--trust", TRUST, "--at", AT, "--json", text);
    assert_int_equal(answer.exit_code, 0);
    assert_string_equal(answer.err, "");
    json_t *object = parse(&answer), *claims = json_object_get(object, "claims");
    assert_member(object, "kind", "health");
    assert_member(object, "verdict", "valid");
    assert_member(object, "reason", "ok");
    assert_int_equal(json_object_size(claims), 8);
    assert_member(claims, "form", "paper");
    assert_member(claims, "id", "1122334455667788");
    assert_member(claims, "subject", "a1b2c3d4e5f60718");
    assert_member(claims, "colour", "green");
    assert_member(claims, "issuer", "test");
    assert_member(claims, "issued_at", "2020-03-01T00:00:00Z");
    assert_member(claims, "expires_at", "2020-03-08T00:00:00Z");
    struct gh_credential credential = read_text(text);
    char key_id[2 * GH_KEY_ID_BYTES + 1];
    gh_hex_encode(credential.key_id, GH_KEY_ID_BYTES, key_id);
    assert_member(claims, "key_id", key_id);
    json_decref(object);
}

static void test_housing_without_end(void **state)
{
    (void)state;
    struct gh_claims what = claims_of(GH_KIND_HOUSING);
    what.expires_at_s = INT64_MAX;
    char text[TEXT_BYTES];
    write_code(p256_key, &what, text);
    struct answer answer;
    RUN(&answer, "read", "--json", "--trust=" TRUST, text, "--at=" AT); /* in any order */
    assert_int_equal(answer.exit_code, 0);
    json_t *object = parse(&answer), *claims = json_object_get(object, "claims");
    assert_member(object, "kind", "housing");
    assert_member(claims, "home", "0123456789abcdef");
    assert_null(json_object_get(claims, "subject"));
    assert_null(json_object_get(claims, "colour"));
    assert_true(json_is_null(json_object_get(claims, "expires_at")));
    json_decref(object);
}

static void test_for_people(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct answer answer;
    RUN(&answer, "read", "--trust", TRUST, "--at", AT, text);
    assert_int_equal(answer.exit_code, 0);
    assert_non_null(strstr(answer.out, "kind: health\nverdict: valid\nreason: ok\nid: "));
    assert_non_null(strstr(answer.out, "\ncolour: green\n"));
    RUN(&answer, "read", "--trust", TRUST, "--at", "2020-03-08T01:00:00+01:00", text);
    assert_int_equal(answer.exit_code, 1);
    assert_non_null(strstr(answer.out, "reason: expired (The code has expired)\n"));
    assert_non_null(strstr(answer.out, "subject: a1b2c3d4e5f60718\n")); /* authentic still */
    RUN(&answer, "read", "--trust", TRUST, "--at", "2020-03-08T00:59:59+01:00", text);
    assert_int_equal(answer.exit_code, 0);
    struct gh_claims what = claims_of(GH_KIND_STAFF);
    what.expires_at_s = INT64_MAX;
    write_code(issuer_key, &what, text);
    RUN(&answer, "read", "--trust", TRUST, "--at", AT, text);
    assert_non_null(strstr(answer.out, "\nexpires_at: never\n"));
}

static void test_nothing_trusted(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct answer answer;
    RUN(&answer, "read", "--at", AT, "--json", text);
    assert_int_equal(answer.exit_code, 1);
    json_t *object = parse(&answer);
    assert_member(object, "kind", "health");
    assert_member(object, "verdict", "invalid");
    assert_member(object, "reason", "foreign");
    assert_int_equal(json_object_size(json_object_get(object, "claims")), 0);
    json_decref(object);
}

/* Without --at it is now, and these codes ended in 2020. */
static void test_now(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, text);
    struct answer answer;
    RUN(&answer, "read", "--trust", TRUST, text);
    assert_int_equal(answer.exit_code, 1);
    assert_non_null(strstr(answer.out, "reason: expired"));
}

static void test_enrolment(void **state)
{
    (void)state;
    struct gh_private_key *list_key = load_key(VECTORS "/list.ed25519.key");
    struct gh_public_key *key = NULL;
    assert_int_equal(gh_private_key_public(list_key, &key), GH_OK);
    struct gh_enrolment enrolment = {
        .gate = HOME, .url = "https://gate.example", .issued_at_s = IAT, .expires_at_s = EXP};
    memset(enrolment.token, 0xab, sizeof(enrolment.token));
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    memcpy(enrolment.list_key, raw, gh_public_key_raw(key, raw));
    char text[TEXT_BYTES];
    assert_int_equal(gh_enrolment_write(list_key, &enrolment, text, sizeof(text)), GH_OK);
    static const char *const times[] = {AT, "2021-01-01T00:00:00Z"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(times); i++) {
        struct answer answer;
        RUN(&answer, "read", "--json", "--at", times[i], text);
        assert_int_equal(answer.exit_code, i);
        json_t *object = parse(&answer), *claims = json_object_get(object, "claims");
        assert_member(object, "kind", "enrolment");
        assert_member(object, "reason", i == 0 ? "ok" : "expired");
        assert_int_equal(json_object_size(claims), 3);
        assert_member(claims, "gate", "0123456789abcdef");
        assert_member(claims, "url", "https://gate.example");
        assert_member(claims, "expires_at", "2020-03-08T00:00:00Z");
        assert_null(strstr(answer.out, "abab")); /* the token is a secret */
        json_decref(object);
        RUN(&answer, "read", "--at", times[i], text);
        assert_null(strstr(answer.out, "abab"));
    }
    gh_public_key_free(key);
    gh_private_key_free(list_key);
}

static void test_not_a_code(void **state)
{
    (void)state;
    static const struct {
        const char *text, *kind, *reason;
    } cases[] = {
        {"", "unknown", "not_a_code"},          {"hello", "unknown", "not_a_code"},
        {"\xff\xfe", "unknown", "not_a_code"},  {"GH1:A", "unknown", "bad_text"},
        {"SHC:/5676", "unknown", "not_a_code"}, {"GH1:BB8", "unknown", "malformed"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct answer answer;
        RUN(&answer, "read", "--trust", TRUST, "--json", cases[i].text);
        assert_int_equal(answer.exit_code, 1);
        json_t *object = parse(&answer);
        assert_member(object, "kind", cases[i].kind);
        assert_member(object, "verdict", "invalid");
        assert_member(object, "reason", cases[i].reason);
        json_decref(object);
    }
}

/* --- where the text comes from ------------------------------------------------------------------
 */

static void check_input(const void *input, size_t size, int exit_code, const char *reason)
{
    static const char *const lines[2][8] = {
        {"code", "read", "--trust", TRUST, "--at", AT, "-", NULL},
        {"code", "read", "--trust", TRUST, "--at", AT, NULL},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(lines); i++) {
        struct answer answer;
        run(lines[i], input, size, &answer);
        assert_int_equal(answer.exit_code, exit_code);
        char line[64];
        snprintf(line, sizeof(line), "\nreason: %s", reason);
        assert_non_null(strstr(answer.out, line));
    }
}

static void test_standard_input(void **state)
{
    (void)state;
    char text[TEXT_BYTES + 2];
    write_kind(GH_KIND_HEALTH, text);
    size_t size = strlen(text);
    check_input(text, size, 0, "ok\n");
    strcpy(text + size, "\n\n");
    check_input(text, size + 1, 0, "ok\n");     /* one newline is dropped */
    check_input(text, size + 2, 1, "bad_text"); /* and no more */
    check_input(text, 0, 1, "not_a_code");
    check_input("\0\0", 2, 1, "not_a_code");
    text[10] = '\0';
    check_input(text, size, 1, "bad_text");
}

static void test_long_input(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, 'x', sizeof(text));
    check_input(text, 7089, 1, "not_a_code");
    check_input(text, 7090, 1, "too_long");
    check_input(text, sizeof(text), 1, "too_long");
    text[7089] = '\n';
    check_input(text, 7090, 1, "not_a_code");
    text[7089] = '5';
    text[7090] = '\n';
    check_input(text, 7091, 1, "too_long");
}

/* What a card's chunks come to is the business of test_shc*.c: here, that they get there. */
static void test_several_texts(void **state)
{
    (void)state;
    struct answer answer;
    RUN(&answer, "read", "--json", "shc:/1/2/56", "shc:/2/2/76");
    assert_int_equal(answer.exit_code, 1);
    json_t *object = parse(&answer);
    assert_member(object, "kind", "shc");
    json_decref(object);
    RUN(&answer, "read", "shc:/1/2/56", "hello");
    assert_int_equal(answer.exit_code, 2);
    assert_string_equal(answer.out, "");
    RUN(&answer, "read", "shc:/1/2/56", "SHC:/2/2/76");
    assert_int_equal(answer.exit_code, 2);
    RUN(&answer, "read", "-", "-");
    assert_int_equal(answer.exit_code, 2);
#define CHUNK4 "shc:/1/4/56", "shc:/2/4/56", "shc:/3/4/56", "shc:/4/4/56"
    RUN(&answer, "read", CHUNK4, CHUNK4, CHUNK4, CHUNK4, "shc:/1/4/56");
    assert_int_equal(answer.exit_code, 2);
    assert_non_null(strstr(answer.err, "16"));
}

static void test_lines(void **state)
{
    (void)state;
    static const char *const arguments[] = {"code", "read", "--json", NULL};
    static const struct {
        const char *input, *kind, *reason; /* of as many texts as there are lines */
    } cases[] = {
        {"shc:/1/2/56\nhello\n", "shc", NULL}, /* one text, and no card */
        {"hello\nshc:/1/2/56\n", "unknown", "not_a_code"},
        {"shc:/1/2/56\nshc:/2/2/76\n", "shc", NULL},
        {"shc:/1/2/56\nshc:/2/2/76", "shc", NULL},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct answer answer;
        run(arguments, cases[i].input, strlen(cases[i].input), &answer);
        assert_int_equal(answer.exit_code, 1);
        json_t *object = parse(&answer);
        assert_member(object, "kind", cases[i].kind);
        if (cases[i].reason != NULL)
            assert_member(object, "reason", cases[i].reason);
        json_decref(object);
    }
    char many[17 * 12 + 1] = "";
    for (int line = 0; line < 17; line++)
        strcat(many, "shc:/1/9/56\n");
    struct answer answer;
    run(arguments, many, strlen(many), &answer);
    assert_int_equal(answer.exit_code, 2);
}

/* --- what is said of certificates ---------------------------------------------------------------
 */

static void test_facts(void **state)
{
    (void)state;
    struct gh_credential credential = {
        .kind = GH_KIND_HCERT,
        .reason = GH_REASON_OK,
        .authentic = true,
        .subject = PERSON, /* a hash of the holder: not said here */
        .issued_at_s = IAT,
        .expires_at_s = EXP + 1,
        .fact_count = 3,
        .issuer = "DE",
        .facts = {{.group = GH_FACT_VACCINATION,
                   .at_s = IAT,
                   .from_s = INT64_MIN,
                   .until_s = INT64_MAX,
                   .dose = 2,
                   .doses = 3,
                   .disease = GH_DISEASE_COVID19,
                   .product = "EU/1/20/1528"},
                  {.group = GH_FACT_TEST,
                   .test = GH_TEST_NAAT,
                   .result = GH_RESULT_NEGATIVE,
                   .at_s = IAT + 1,
                   .from_s = INT64_MIN,
                   .until_s = INT64_MAX},
                  {.group = GH_FACT_RECOVERY, .at_s = IAT, .from_s = IAT, .until_s = EXP}}};
    json_t *object = gh_code_describe(&credential, (struct gh_bytes){.size = 0});
    char *text = json_dumps(json_object_get(object, "claims"), 0);
    assert_string_equal(
        text, "{\"issuer\": \"DE\", \"issued_at\": \"2020-03-01T00:00:00Z\", "
              "\"expires_at\": \"2020-03-08T00:00:00Z\", \"facts\": ["
              "{\"group\": \"vaccination\", \"disease\": \"840539006\", "
              "\"at\": \"2020-03-01T00:00:00Z\", \"dose\": 2, \"doses\": 3, "
              "\"product\": \"EU/1/20/1528\"}, "
              "{\"group\": \"test\", \"at\": \"2020-03-01T00:00:01Z\", \"test\": \"naat\", "
              "\"result\": \"negative\"}, "
              "{\"group\": \"recovery\", \"at\": \"2020-03-01T00:00:00Z\", "
              "\"valid_from\": \"2020-03-01T00:00:00Z\", "
              "\"valid_until\": \"2020-03-08T00:00:00Z\"}], "
              "\"key_id\": \"0000000000000000\"}");
    free(text);
    json_decref(object);
    /* a card that names neither an end nor, here, its issuer; nothing of one that is not true */
    credential.kind = GH_KIND_SHC;
    credential.issuer[0] = '\0';
    credential.expires_at_s = INT64_MAX;
    credential.fact_count = 0;
    object = gh_code_describe(&credential, (struct gh_bytes){.size = 0});
    text = json_dumps(json_object_get(object, "claims"), 0);
    assert_string_equal(text, "{\"issued_at\": \"2020-03-01T00:00:00Z\", \"expires_at\": null, "
                              "\"facts\": [], \"key_id\": \"0000000000000000\"}");
    free(text);
    json_decref(object);
    credential.authentic = false;
    credential.reason = GH_REASON_FORGED;
    object = gh_code_describe(&credential, (struct gh_bytes){.size = 0});
    assert_int_equal(json_object_size(json_object_get(object, "claims")), 0);
    json_decref(object);
}

/* --- usage --------------------------------------------------------------------------------------
 */

static void test_usage(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[7], *word;
    } cases[] = {
        {{"code", NULL}, "which command"},
        {{"code", "write", NULL}, "write"},
        {{"code", "read", "--bogus", NULL}, "--bogus"},
        {{"code", "read", "-x", NULL}, "-x"},
        {{"code", "read", "--at", NULL}, "--at"},
        {{"code", "read", "--trust", NULL}, "--trust"},
        {{"code", "read", "--at", "yesterday", "x", NULL}, "yesterday"},
        {{"code", "read", "--at", "2020-02-30T00:00:00Z", "x", NULL}, "2020-02-30"},
        {{"code", "read", "--at", "", "x", NULL}, "time"},
        {{"code", "read", "--trust", "/nowhere", "x", NULL}, "/nowhere"},
        {{"code", "read", "--trust", VECTORS "/codes.tsv", "x", NULL}, "codes.tsv"},
        {{"code", "key", NULL}, "missing"},
        {{"code", "key", "a", "b", NULL}, "'b'"},
        {{"code", "key", "--type", "rsa", "x", NULL}, "rsa"},
        {{"code", "key", "--type", "p256", "--public", "x"}, "type"},
        {{"code", "present", NULL}, "--key"},
        {{"code", "present", "--key", NULL}, "--key"},
        {{"code", "present", "-o", NULL}, "--output"},
        {{"code", "present", "--key", "x", "-o", "x.gif"}, "x.gif"},
        {{"code", "present", "--key", "x", "-o", ".png"}, ".png"},
        {{"code", "present", "--key", "x", "--at", "now"}, "now"},
        {{"code", "present", "--key=x", "a", "b", NULL}, "'b'"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct answer answer;
        run(cases[i].arguments, "", 0, &answer);
        assert_int_equal(answer.exit_code, 2);
        assert_string_equal(answer.out, "");
        assert_non_null(strstr(answer.err, cases[i].word));
    }
}

/* An answer that nobody could read is no answer. */
static void test_full_disk(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen("/dev/full", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(99);
        char text[TEXT_BYTES];
        write_kind(GH_KIND_HEALTH, text);
        char *argv[] = {(char[]){"code"},
                        (char[]){"read"},
                        (char[]){"--trust"},
                        (char[]){TRUST},
                        (char[]){"--at"},
                        (char[]){AT},
                        text,
                        NULL};
        _exit(gh_command_code(7, argv));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_health), cmocka_unit_test(test_housing_without_end),
        cmocka_unit_test(test_for_people),   cmocka_unit_test(test_nothing_trusted),
        cmocka_unit_test(test_now),          cmocka_unit_test(test_enrolment),
        cmocka_unit_test(test_not_a_code),   cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_long_input),   cmocka_unit_test(test_several_texts),
        cmocka_unit_test(test_lines),        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_usage),        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
