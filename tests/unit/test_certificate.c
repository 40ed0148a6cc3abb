/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/crypto.h"
#include "gatehouse/file.h"

/* Made with `openssl req -x509 -nodes`; the hashes with
 * `openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum`. */
static const char p256_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjTCCATOgAwIBAgIUDODen1LyBPw7RdOmDQO0frGCQbQwCgYIKoZIzj0EAwIw\n"
    "HDEaMBgGA1UEAwwRZ2F0ZS50b3duLmV4YW1wbGUwHhcNMjYxMTIyMDcxMTQ4WhcN\n"
    "MzYxMTE5MDcxMTQ4WjAcMRowGAYDVQQDDBFnYXRlLnRvd24uZXhhbXBsZTBZMBMG\n"
    "ByqGSM49AgEGCCqGSM49AwEHA0IABLq6lvWqiAsyVV6YqVvJS85mS/NJ4UFN4Alt\n"
    "/gb5dz+9KteZSmCv7PKIxDL3exsyQhgbjfz0Qb66oetFrkcNINejUzBRMB0GA1Ud\n"
    "DgQWBBQs20WLYmKtSADaQ7RjBGQImfa2fzAfBgNVHSMEGDAWgBQs20WLYmKtSADa\n"
    "Q7RjBGQImfa2fzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQD1\n"
    "S1xYk5OK84RUSq8fYLwkzOAItWvI8h+BrSTC4eVGSwIgFyp/kZ2qxGK1YmmjV/+Q\n"
    "VJvGlK7o15FGCdbU97nB0WY=\n"
    "-----END CERTIFICATE-----\n";
static const char p256_key[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4gNnVOLbhm8i/1h8\n"
                               "9/N1zzsSjciQvuiq/tlatZ94U/yhRANCAAS6upb1qogLMlVemKlbyUvOZkvzSeFB\n"
                               "TeAJbf4G+Xc/vSrXmUpgr+zyiMQy93sbMkIYG4389EG+uqHrRa5HDSDX\n"
                               "-----END PRIVATE KEY-----\n";
static const char p256_key_encrypted[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgiUiSJLQsSIwICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEPgLA1VZsRneWN47dIlO9AcEgZDT\n"
    "taeWoo1rKPS0OyvFEZmNDrjYfXPRujMiJ/pxyKEziqKlrjS/Xs+a8XGQB8Qqqikv\n"
    "RgehPf9MgByophvDqjkS5yEznyxP2eTQbaCmOlXADQroIx7ttrlK+5RcUzhBqxql\n"
    "vOb3FI1+QWf1EqAAFKGKrnJLjsWYZwR2f1oUL9asMm4gknjofPbwBHdE+TCab9Q=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
static const char p256_spki[] = "23dafb1dc2330c2692ad5d1b14377034fd06e24689d9fe1bf13374545e3ec775";
static const char ed25519_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBNDCB56ADAgECAhRABregonlO8VYpUPS0k981iiXUIDAFBgMrZXAwEDEOMAwG\n"
    "A1UEAwwFb3RoZXIwHhcNMjYxMTIyMDcxMTQ4WhcNMzYxMTE5MDcxMTQ4WjAQMQ4w\n"
    "DAYDVQQDDAVvdGhlcjAqMAUGAytlcAMhADQbC9HU/y7mOeXrk5sr5mvv2JHlysz8\n"
    "WsuRi7tym7yuo1MwUTAdBgNVHQ4EFgQUPrjiDc2BI7DXfYBCDTFgRACjtC4wHwYD\n"
    "VR0jBBgwFoAUPrjiDc2BI7DXfYBCDTFgRACjtC4wDwYDVR0TAQH/BAUwAwEB/zAF\n"
    "BgMrZXADQQBz6YQ+nepsrqhu9iODKN8k5SYv3LJTz7AR9iZahFoqzZStJz2ENk2W\n"
    "ukfst7UqSZBwlKfsSNS3Nvovuu/6gj8D\n"
    "-----END CERTIFICATE-----\n";
static const char ed25519_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJrB29GIhhIaT9uKAGMWtXlNZwG1kEcrGVgFu01b+lLQ\n"
    "-----END PRIVATE KEY-----\n";
static const char ed25519_spki[] =
    "713e723d9b219e41d67cfa3f6a9c220d4d6682de95c351732e6d65b943974fe1";

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/gatehouse-test-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char paths[2][128];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path_of("c"));
    (void)unlink(path_of("k"));
    return rmdir(folder);
}

static void put(const char *name, const char *first, const char *second)
{
    char text[8192];
    int size = snprintf(text, sizeof(text), "%s%s", first, second);
    assert_int_equal(gh_file_replace(path_of(name), 0600, text, (size_t)size, NULL), GH_OK);
}

static void expect_hash(const char *hash)
{
    uint8_t out[GH_SHA256_BYTES];
    char text[2 * GH_SHA256_BYTES + 1];
    assert_int_equal(gh_certificate_spki_sha256(path_of("c"), out, NULL), GH_OK);
    gh_hex_encode(out, sizeof(out), text);
    assert_string_equal(text, hash);
}

static void test_hashes(void **state)
{
    (void)state;
    put("c", p256_certificate, "");
    expect_hash(p256_spki);
    put("c", ed25519_certificate, "");
    expect_hash(ed25519_spki);
    put("c", p256_certificate, ed25519_certificate); /* a chain: the first is the server's */
    expect_hash(p256_spki);
    put("c", p256_key, p256_certificate); /* one file for both */
    expect_hash(p256_spki);
}

static void expect_no_hash(enum gh_status wanted)
{
    uint8_t out[GH_SHA256_BYTES];
    struct gh_error err = {0};
    assert_int_equal(gh_certificate_spki_sha256(path_of("c"), out, &err), wanted);
    assert_int_equal(err.status, wanted);
}

static void test_no_certificates(void **state)
{
    (void)state;
    expect_no_hash(GH_ERR_NOTFOUND);
    put("c", "", "");
    expect_no_hash(GH_ERR_CORRUPT);
    put("c", p256_key, "");
    expect_no_hash(GH_ERR_CORRUPT);
    put("c", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "");
    expect_no_hash(GH_ERR_CORRUPT);
    /* cut anywhere */
    char text[sizeof(p256_certificate)];
    for (size_t size = 0; size < sizeof(p256_certificate) - 30; size += 7) {
        memcpy(text, p256_certificate, size);
        text[size] = '\0';
        put("c", text, "");
        expect_no_hash(GH_ERR_CORRUPT);
    }
}

static enum gh_status check(const char *certificate, const char *key)
{
    put("c", certificate, "");
    put("k", key, "");
    return gh_certificate_check(path_of("c"), path_of("k"), NULL);
}

static void test_pairs(void **state)
{
    (void)state;
    assert_int_equal(check(p256_certificate, p256_key), GH_OK);
    assert_int_equal(check(ed25519_certificate, ed25519_key), GH_OK);
    assert_int_equal(check(p256_certificate, ed25519_key), GH_ERR_INVALID);
    assert_int_equal(check(ed25519_certificate, p256_key), GH_ERR_INVALID);
    assert_int_equal(check(p256_certificate, p256_key_encrypted),
                     GH_ERR_CORRUPT); /* and no prompt */
    assert_int_equal(check(p256_certificate, p256_certificate), GH_ERR_CORRUPT);
    assert_int_equal(check(p256_certificate, ""), GH_ERR_CORRUPT);
    assert_int_equal(check(p256_key, p256_key), GH_ERR_CORRUPT);
    assert_int_equal(unlink(path_of("k")), 0);
    assert_int_equal(gh_certificate_check(path_of("c"), path_of("k"), NULL), GH_ERR_CORRUPT);
    put("c", p256_certificate, "");
    assert_int_equal(gh_certificate_check(path_of("c"), path_of("k"), NULL), GH_ERR_NOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hashes),
        TEST(test_no_certificates),
        TEST(test_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
