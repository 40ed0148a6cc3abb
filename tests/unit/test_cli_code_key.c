/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "cli_code_fixture.h"

static char folder[] = "/tmp/gatehouse-code-XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[2][64];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void check_key(const char *type, const char *kty, const char *crv)
{
    struct answer made, again, pem;
    struct stat about;
    const char *path = in_folder(type);
    RUN(&made, "key", "--type", type, path);
    assert_int_equal(made.exit_code, 0);
    assert_string_equal(made.err, "");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    json_t *jwk = json_loads(made.out, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(jwk);
    assert_member(jwk, "kty", kty);
    assert_member(jwk, "crv", crv);
    assert_null(json_object_get(jwk, "d"));
    struct gh_private_key *key = load_key(path);
    struct gh_public_key *public_key = NULL;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES], point[GH_PUBLIC_KEY_MAX_BYTES] = {4};
    assert_int_equal(gh_private_key_public(key, &public_key), GH_OK);
    size_t size = gh_public_key_raw(public_key, raw), at = size == 65, half = 32;
    static const char *const names[] = {"x", "y"};
    for (size_t i = 0; at < size; i++, at += 32) {
        const char *text = json_string_value(json_object_get(jwk, names[i]));
        assert_non_null(text);
        assert_int_equal(gh_base64url_decode(text, strlen(text), point + at, &half), GH_OK);
        assert_int_equal(half, 32);
    }
    assert_memory_equal(point, raw, size);
    RUN(&again, "key", "--public", path);
    assert_string_equal(again.out, made.out);
    RUN(&pem, "key", "--public", "--pem", path);
    assert_int_equal(pem.exit_code, 0);
    assert_int_equal(strncmp(pem.out, "-----BEGIN PUBLIC KEY-----\n", 27), 0);
    /* never over another */
    RUN(&again, "key", "--type", type, path);
    assert_int_equal(again.exit_code, 1);
    assert_non_null(strstr(again.err, "there already"));
    struct gh_private_key *still = load_key(path);
    struct gh_public_key *still_public = NULL;
    assert_int_equal(gh_private_key_public(still, &still_public), GH_OK);
    assert_int_equal(gh_public_key_raw(still_public, point), size);
    assert_memory_equal(point, raw, size);
    gh_public_key_free(still_public);
    gh_private_key_free(still);
    gh_public_key_free(public_key);
    gh_private_key_free(key);
    json_decref(jwk);
    unlink(path);
}

static void test_keys(void **state)
{
    (void)state;
    check_key("ed25519", "OKP", "Ed25519");
    check_key("p256", "EC", "P-256");
    struct answer answer;
    RUN(&answer, "key", in_folder("default"));
    assert_non_null(strstr(answer.out, "Ed25519"));
    unlink(in_folder("default"));
    RUN(&answer, "key", "/nowhere/key");
    assert_int_equal(answer.exit_code, 1);
    assert_non_null(strstr(answer.err, "/nowhere/key"));
    RUN(&answer, "key", "--public", VECTORS "/codes.tsv");
    assert_int_equal(answer.exit_code, 1);
    assert_string_equal(answer.out, "");
}

static void test_presentations(void **state)
{
    (void)state;
    struct answer answer, read_back;
    char code[TEXT_BYTES];
    write_bound(issuer_key, phone_key, code);
    RUN(&answer, "read", "--trust", TRUST, "--at", AT, "--json", code);
    assert_int_equal(answer.exit_code, 1);
    json_t *object = parse(&answer), *claims = json_object_get(object, "claims");
    assert_member(object, "reason", "unproven");
    assert_member(claims, "subject", "a1b2c3d4e5f60718"); /* the issuer's word it is */
    assert_null(json_object_get(claims, "form"));
    json_decref(object);
    RUN(&answer, "present", "--key", VECTORS "/phone.ed25519.key", "--at", AT, code);
    assert_int_equal(answer.exit_code, 0);
    assert_string_equal(answer.err, "");
    assert_int_equal(strncmp(answer.out, "GHP1:", 5), 0);
    answer.out[strcspn(answer.out, "\n")] = '\0';
    RUN(&read_back, "read", "--trust", TRUST, "--at", "2020-03-01T01:00:15Z", "--json", answer.out);
    assert_int_equal(read_back.exit_code, 0);
    object = parse(&read_back), claims = json_object_get(object, "claims");
    assert_int_equal(json_object_size(claims), 9);
    assert_member(claims, "form", "phone");
    assert_member(claims, "presented_at", AT);
    json_decref(object);
    RUN(&read_back, "read", "--trust", TRUST, "--at", "2020-03-01T01:00:16Z", answer.out);
    assert_int_equal(read_back.exit_code, 1);
    assert_non_null(strstr(read_back.out, "reason: stale ("));
    /* from standard input, at this moment */
    static const char *const arguments[] = {"code", "present", "--key",
                                            VECTORS "/phone.ed25519.key", NULL};
    run(arguments, code, strlen(code), &answer);
    assert_int_equal(answer.exit_code, 0);
    answer.out[strcspn(answer.out, "\n")] = '\0';
    struct gh_credential credential =
        read_bytes(trust, answer.out, strlen(answer.out), gh_clock_wall_s(gh_clock_system()));
    assert_int_equal(credential.reason, GH_REASON_EXPIRED); /* and not stale */
}

static void test_pictures(void **state)
{
    (void)state;
    struct answer answer;
    char code[TEXT_BYTES];
    uint8_t *data = NULL;
    size_t size = 0;
    write_bound(issuer_key, phone_key, code);
    static const struct {
        const char *name, *begins;
    } files[] = {{"qr.png", "\x89PNG"}, {"qr.svg", "<"}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(files); i++) {
        const char *path = in_folder(files[i].name);
        RUN(&answer, "present", "--key", VECTORS "/phone.ed25519.key", "-o", path, code);
        assert_int_equal(answer.exit_code, 0);
        assert_string_equal(answer.out, "");
        assert_int_equal(gh_file_read(path, 1000000, &data, &size, NULL), GH_OK);
        assert_memory_equal(data, files[i].begins, strlen(files[i].begins));
        free(data);
        unlink(path);
    }
}

static void test_not_presented(void **state)
{
    (void)state;
    struct answer answer;
    char code[TEXT_BYTES];
    write_kind(GH_KIND_HEALTH, code); /* on paper */
    RUN(&answer, "present", "--key", VECTORS "/phone.ed25519.key", code);
    assert_int_equal(answer.exit_code, 1);
    assert_non_null(strstr(answer.err, "bound to a phone"));
    write_bound(issuer_key, phone_key, code);
    RUN(&answer, "present", "--key", VECTORS "/phone.p256.key", code);
    assert_int_equal(answer.exit_code, 1);
    assert_non_null(strstr(answer.err, "another key"));
    RUN(&answer, "present", "--key", "/nowhere/key", code);
    assert_int_equal(answer.exit_code, 1);
    assert_non_null(strstr(answer.err, "/nowhere/key"));
    RUN(&answer, "present", "--key", VECTORS "/phone.ed25519.key", "");
    assert_int_equal(answer.exit_code, 1);
    assert_string_equal(answer.out, "");
}

static int setup_folder(void **state)
{
    return mkdtemp(folder) == NULL || setup(state) != 0;
}

static int teardown_folder(void **state)
{
    return rmdir(folder) != 0 || teardown(state) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_presentations),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_not_presented),
    };
    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
