/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <openssl/err.h>
#include <sys/stat.h>

#include "crypto_fixture.h"

static void private_keys_are_saved_and_loaded(void **state)
{
    (void)state;
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_private_key *key = new_private(types[t]), *loaded = NULL;
        struct gh_public_key *half = public_of(key);
        assert_int_equal(chmod(path, 0644), 0);
        assert_int_equal(gh_private_key_save(key, path, NULL), GH_OK);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
        assert_int_equal(gh_private_key_load(path, &loaded, NULL), GH_OK);
        assert_int_equal(gh_private_key_type(loaded), types[t]);
        uint8_t signature[GH_SIGNATURE_BYTES];
        assert_int_equal(gh_sign(loaded, view("x", 1), signature), GH_OK);
        assert_int_equal(gh_verify(half, view("x", 1), view(signature, 64)), GH_OK);
        struct gh_error err = {0};
        assert_int_equal(gh_private_key_save(key, "/tmp/gatehouse-missing/key", &err),
                         GH_ERR_NOTFOUND);
        assert_int_equal(err.status, GH_ERR_NOTFOUND);
        gh_private_key_free(loaded);
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

static void public_keys_travel_as_pem(void **state)
{
    (void)state;
    for (size_t t = 0; t < GH_ARRAY_SIZE(types); t++) {
        struct gh_private_key *key = new_private(types[t]);
        struct gh_public_key *half = public_of(key), *loaded;
        uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
        char pem[256], small[256];
        assert_int_equal(gh_public_key_pem(half, pem, sizeof(pem)), GH_OK);
        size_t size = strlen(pem);
        assert_int_equal(strncmp(pem, "-----BEGIN PUBLIC KEY-----\n", 27), 0);
        assert_int_equal(gh_public_key_pem(half, small, size + 1), GH_OK);
        assert_string_equal(small, pem);
        assert_int_equal(gh_public_key_pem(half, small, size), GH_ERR_TOOBIG);
        assert_int_equal(gh_public_key_pem(half, NULL, 0), GH_ERR_TOOBIG);
        write_file(pem);
        assert_int_equal(gh_public_key_load(path, &loaded, NULL), GH_OK);
        assert_int_equal(gh_public_key_type(loaded), types[t]);
        assert_raw(loaded, view(raw, gh_public_key_raw(half, raw)));
        gh_public_key_free(loaded);
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
}

/* RFC 7515, appendix A.3 again, as files; the private one also without its public half. */
static void known_files_are_loaded(void **state)
{
    (void)state;
    static const char *const private_keys[] = {
        P256_PRIVATE, "MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCCOmxCecZCYv5gEh98fXXfpyylgbr7S"
                      "JjtfV8IT34T0sg=="};
    for (size_t i = 0; i < GH_ARRAY_SIZE(private_keys); i++) {
        struct gh_private_key *key = NULL;
        write_pem("PRIVATE KEY", private_keys[i]);
        assert_int_equal(gh_private_key_load(path, &key, NULL), GH_OK);
        assert_int_equal(gh_private_key_type(key), GH_KEY_P256);
        struct gh_public_key *half = public_of(key);
        assert_raw(half, hex(JWS_RAW));
        gh_public_key_free(half);
        gh_private_key_free(key);
    }
    struct gh_public_key *key = NULL;
    write_pem("PUBLIC KEY", P256_PUBLIC);
    assert_int_equal(gh_public_key_load(path, &key, NULL), GH_OK);
    assert_raw(key, hex(JWS_RAW));
    gh_public_key_free(key);
}

/* Load both ways what is in the file now. */
static void assert_both_refuse(enum gh_status private_status, enum gh_status public_status)
{
    struct gh_private_key *private_key = (struct gh_private_key *)path;
    struct gh_public_key *public_key = (struct gh_public_key *)path;
    struct gh_error err = {0};
    assert_int_equal(gh_private_key_load(path, &private_key, &err), private_status);
    assert_null(private_key);
    assert_int_equal(err.status, private_status);
    assert_non_null(strstr(err.text, path));
    err = (struct gh_error){0};
    assert_int_equal(gh_public_key_load(path, &public_key, &err), public_status);
    assert_null(public_key);
    assert_int_equal(err.status, public_status);
    assert_non_null(strstr(err.text, path));
    assert_true(ERR_peek_error() == 0);
}

static void other_kinds_of_key_are_refused(void **state)
{
    (void)state;
    static const char *const private_keys[] = {
        /* X25519 */
        "MC4CAQAwBQYDK2VuBCIEIJjQld/VkhW1iT+ofTPnXv5QSlPMLWhrJ1EsTuZJ9oV9",
        /* Ed448 */
        "MEcCAQAwBQYDK2VxBDsEOW40TUKP4GBAzIJ0A9zYA2+udG+MeCOPDmon9wvF5vEWRVfJ/ZJIGotplUJpGXtRNk0P"
        "MRZVm44Zbw==",
        /* P-384 */
        "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCVz8l1M7L3TKHchKz9R9usxlGAL0eXBAe2W8lUODUL"
        "ZulBkamptDDHWufKxah6MXyhZANiAAQ38+ClhoJqDQBLlc9aGJ1xXqryo2Q0aFTG53Q9YDqIYOu99nbY6DFyPaRa"
        "Xu/iuY9bIiKTyyHK8VlIYDqVThjjt7xeywnQ4yw1QLzkC9g3ZetdyGD8k9IFcD18TkDQ5Ao=",
        /* secp256k1 */
        "MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgqMoHUAhGcVICPXtIOKs0PDvpOqN0gzjKLA/bdwQQRseh"
        "RANCAATdGcuUMLZQBKtGLkDOO19EnIDUrH6Rm1Gpi6K9JQlqx1EVtGxmbXR9F7tuoGV7AZEoWj/3vspOnD3d/GT0"
        "NU42",
        /* an algorithm that nobody knows: 1.2.3.4 */
        "MCwCAQAwBQYDKgMEBCAwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ==",
    };
    static const char *const public_keys[] = {
        "MCowBQYDK2VuAyEAQ8085AooH8XsFEAZXG+1YFNE5uGXvgjxIGLzLakO/1Q=",
        "MEMwBQYDK2VxAzoAsAsTgO54B+hRzyuvcrX9rkklrTl+Z/SKhoIgkbymISduRQcIPWtybdcPpae6EDCqM0JsrvM7"
        "tqUA",
        "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEN/PgpYaCag0AS5XPWhidcV6q8qNkNGhUxud0PWA6iGDrvfZ22Ogxcj2k"
        "Wl7v4rmPWyIik8shyvFZSGA6lU4Y47e8XssJ0OMsNUC85AvYN2XrXchg/JPSBXA9fE5A0OQK",
        /* P-256, but with its curve described instead of named */
        "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////"
        "////MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7"
        "zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP"
        "40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVR"
        "AgEBA0IABHzAxPztZl1UeerRWmhx3KPaDVMQh5dinQLM8JC52ccNWr+Xko0lJuz/smt4EJT80hR0iUUhPCcvP1pw"
        "k2OBRDQ=",
        /* RSA */
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC754VleR0Z9wASOuOXJOT09QFwnfDiq5sgZB0Z0MhY3NqoYxIo"
        "Mb8IhoxKa2KRMOBXbrdkrdUx2AftnUOee39u4hyIQ3DEqMOTxveNXhlHWDrj0wEJTciJdB/RSeSMp0kO2GaVC7vQ"
        "7xyMQ1B9VP41YO7RkXb/efrpY9WAiRKoewIDAQAB",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(private_keys); i++) {
        write_pem("PRIVATE KEY", private_keys[i]);
        assert_both_refuse(GH_ERR_UNSUPPORTED, GH_ERR_CORRUPT);
        write_pem("PUBLIC KEY", public_keys[i]);
        assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_UNSUPPORTED);
    }
}

static void encrypted_keys_are_refused_without_asking(void **state)
{
    (void)state;
    write_pem(
        "ENCRYPTED PRIVATE KEY",
        "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAikUVLobE6BaAICCAAwDAYIKoZIhvcNAgkFADAd");
    assert_both_refuse(GH_ERR_UNSUPPORTED, GH_ERR_UNSUPPORTED);
    static const char *const labels[] = {"PRIVATE KEY", "PUBLIC KEY"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(labels); i++) {
        char text[600];
        snprintf(text, sizeof(text),
                 "-----BEGIN %s-----\nProc-Type: 4,ENCRYPTED\n"
                 "DEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\n%s\n-----END %s-----\n",
                 labels[i], ed25519_vectors[0].pem, labels[i]);
        write_file(text);
        assert_both_refuse(GH_ERR_UNSUPPORTED, GH_ERR_UNSUPPORTED);
    }
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "not a key\n",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCow\n",
        "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        write_file(texts[i]);
        assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_CORRUPT);
    }
    static const char *const bodies[] = {
        "AAAA",
        "MAA=",
        /* the private number of another key than the public point */
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnCQmL+YBIffH1136cspYG6+0iY7X1fCE9+E"
        "9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpG"
        "IyiFiOWt",
        /* points: off P-256, compressed, of small order, with a byte too many */
        ("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b"
         "focs3+257rn0s2ldbqkLJK2KRiMohYjlrA=="),
        "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgAC94HSNzpt4WTE1D0nY1VmUKevj1IsMBbOPFoaSWyGlZ0=",
        "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0ZgwA",
        /* private key of 31 bytes */
        "MC0CAQAwBQYDK2VwBCEEH0zNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKY=",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(bodies); i++) {
        write_pem("PRIVATE KEY", bodies[i]);
        assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_CORRUPT);
        write_pem("PUBLIC KEY", bodies[i]);
        assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_CORRUPT);
    }
    write_pem("EC PRIVATE KEY", /* SEC 1, not PKCS #8 */
              "MHcCAQEEIO08jpdQq5jpCJUxIz2YS9dDq3e1PkxlTn63JGL06eOZoAoGCCqGSM49AwEHoUQDQgAE94HSNzpt"
              "4WTE1D0nY1VmUKevj1IsMBbOPFoaSWyGlZ3bu0ofNobiiITN2cDoXn32k0Ua5KIihAPPbTVOxKBhxg==");
    assert_both_refuse(GH_ERR_CORRUPT, GH_ERR_CORRUPT);
}

static void key_files_have_a_limit(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, '\n', sizeof(text) - 1);
    write_file(text);
    assert_both_refuse(GH_ERR_TOOBIG, GH_ERR_TOOBIG);
    char made[sizeof(path)];
    memcpy(made, path, sizeof(path));
    strcpy(path, "/tmp");
    assert_both_refuse(GH_ERR_INVALID, GH_ERR_INVALID);
    strcpy(path, "/tmp/gatehouse-missing/key");
    assert_both_refuse(GH_ERR_NOTFOUND, GH_ERR_NOTFOUND);
    memcpy(path, made, sizeof(path));
}

/* A good file with any one letter altered: refused, or still a key, but nothing goes down. */
static void altered_key_files_take_nothing_down(void **state)
{
    (void)state;
    static const char *const bodies[] = {P256_PRIVATE, P256_PUBLIC, NULL};
    for (size_t b = 0; b < GH_ARRAY_SIZE(bodies); b++) {
        const char *body = bodies[b] != NULL ? bodies[b] : ed25519_vectors[0].pem;
        for (size_t i = 0; i < strlen(body); i++) {
            char altered[300];
            snprintf(altered, sizeof(altered), "%s", body);
            altered[i] = altered[i] == 'A' ? '/' : 'A';
            struct gh_private_key *private_key;
            struct gh_public_key *public_key;
            write_pem("PRIVATE KEY", altered);
            enum gh_status status = gh_private_key_load(path, &private_key, NULL);
            assert_true((status == GH_OK) == (private_key != NULL));
            gh_private_key_free(private_key);
            write_pem("PUBLIC KEY", altered);
            status = gh_public_key_load(path, &public_key, NULL);
            assert_true((status == GH_OK) == (public_key != NULL));
            gh_public_key_free(public_key);
        }
    }
}

#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEY_TEST(private_keys_are_saved_and_loaded),
        KEY_TEST(public_keys_travel_as_pem),
        KEY_TEST(known_files_are_loaded),
        KEY_TEST(other_kinds_of_key_are_refused),
        KEY_TEST(encrypted_keys_are_refused_without_asking),
        KEY_TEST(broken_files_are_refused),
        KEY_TEST(key_files_have_a_limit),
        KEY_TEST(altered_key_files_take_nothing_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
