/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "code_fixture.h"

#define TRUST VECTORS "/trust"
#define AT "2020-03-01T01:00:00Z"

struct answer {
    int exit_code;
    char out[8192], err[8192];
};

static FILE *temporary(const void *data, size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    rewind(file);
    return file;
}

static void slurp(FILE *file, char out[8192])
{
    rewind(file);
    size_t size = fread(out, 1, 8191, file);
    out[size] = '\0';
    fclose(file);
}

/* The command in a process of its own, as main would call it; argv ends with NULL. */
static void run(const char *const *argv, const void *input, size_t input_size, struct answer *out)
{
    FILE *in_file = temporary(input, input_size), *out_file = temporary("", 0),
         *err_file = temporary("", 0);
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fileno(in_file), STDIN_FILENO);
        dup2(fileno(out_file), STDOUT_FILENO);
        dup2(fileno(err_file), STDERR_FILENO);
        int code = gh_command_code(argc, (char **)(uintptr_t)argv);
        fflush(NULL);
        _exit(code);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    out->exit_code = WEXITSTATUS(status);
    fclose(in_file);
    slurp(out_file, out->out);
    slurp(err_file, out->err);
}

#define RUN(ANSWER, ...)                                                                           \
    do {                                                                                           \
        const char *const arguments[] = {"code", __VA_ARGS__, NULL};                               \
        run(arguments, "", 0, ANSWER);                                                             \
    } while (0)

static json_t *parse(const struct answer *answer)
{
    json_error_t error;
    json_t *object = json_loads(answer->out, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(object);
    assert_int_equal(json_object_size(object), 4);
    assert_true(json_is_object(json_object_get(object, "claims")));
    return object;
}

static void assert_member(json_t *object, const char *name, const char *expected)
{
    const char *value = json_string_value(json_object_get(object, name));
    assert_non_null(value);
    assert_string_equal(value, expected);
}

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
    assert_int_equal(json_object_size(claims), 7);
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
        {"", "unknown", "not_a_code"},         {"hello", "unknown", "not_a_code"},
        {"\xff\xfe", "unknown", "not_a_code"}, {"HC1:6BF", "hcert", "unsupported"},
        {"shc:/5676", "shc", "unsupported"},   {"GH1:BB8", "unknown", "malformed"},
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
    check_input(text, size + 1, 0, "ok\n");      /* one newline is dropped */
    check_input(text, size + 2, 1, "malformed"); /* and no more */
    check_input(text, 0, 1, "not_a_code");
    check_input("\0\0", 2, 1, "not_a_code");
    text[10] = '\0';
    check_input(text, size, 1, "malformed");
}

static void test_long_input(void **state)
{
    (void)state;
    static char text[9000];
    memset(text, '5', sizeof(text));
    memcpy(text, "shc:/", 5);
    check_input(text, 7089, 1, "unsupported");
    check_input(text, 7090, 1, "too_long");
    check_input(text, 9000, 1, "too_long");
    text[7089] = '\n';
    check_input(text, 7090, 1, "unsupported");
    text[7089] = '5';
    text[7090] = '\n';
    check_input(text, 7091, 1, "too_long");
}

static void test_several_texts(void **state)
{
    (void)state;
    struct answer answer;
    RUN(&answer, "read", "--json", "shc:/1/2/56", "SHC:/2/2/76");
    assert_int_equal(answer.exit_code, 1);
    json_t *object = parse(&answer);
    assert_member(object, "kind", "shc");
    json_decref(object);
    RUN(&answer, "read", "shc:/1/2/56", "hello");
    assert_int_equal(answer.exit_code, 2);
    assert_string_equal(answer.out, "");
    RUN(&answer, "read", "-", "-");
    assert_int_equal(answer.exit_code, 2);
}

/* --- usage --------------------------------------------------------------------------------------
 */

static void test_usage(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[6], *word;
    } cases[] = {
        {{"code", NULL}, "usage"},
        {{"code", "write", NULL}, "usage"},
        {{"code", "read", "--bogus", NULL}, "--bogus"},
        {{"code", "read", "-x", NULL}, "-x"},
        {{"code", "read", "--at", NULL}, "--at"},
        {{"code", "read", "--trust", NULL}, "--trust"},
        {{"code", "read", "--at", "yesterday", "x", NULL}, "yesterday"},
        {{"code", "read", "--at", "2020-02-30T00:00:00Z", "x", NULL}, "2020-02-30"},
        {{"code", "read", "--at", "", "x", NULL}, "time"},
        {{"code", "read", "--trust", "/nowhere", "x", NULL}, "/nowhere"},
        {{"code", "read", "--trust", VECTORS "/codes.tsv", "x", NULL}, "codes.tsv"},
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
        cmocka_unit_test(test_usage),        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
