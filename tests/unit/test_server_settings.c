/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "server/listener.h"
#include "server/settings.h"

static char folder[64], path[128];
static struct gh_server_settings settings;

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/gatehouse-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/server.ini", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static enum gh_status load(const char *text, struct gh_error *err)
{
    *err = (struct gh_error){0};
    assert_int_equal(gh_file_replace(path, 0600, text, strlen(text), NULL), GH_OK);
    return gh_server_settings_load(path, &settings, err);
}

static void good(const char *text)
{
    struct gh_error err;
    if (load(text, &err) != GH_OK)
        fail_msg("%s", err.text);
}

static void bad(const char *text, const char *word)
{
    struct gh_error err;
    assert_int_not_equal(load(text, &err), GH_OK);
    if (strstr(err.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}

static void test_defaults(void **state)
{
    (void)state;
    good("[server]\narea = Riverside\n");
    assert_string_equal(settings.listen, "127.0.0.1:8440");
    assert_string_equal(settings.issuer, "gatehouse");
    assert_int_equal(settings.log_level, GH_LOG_INFO);
    assert_int_equal(settings.policy.home_rule, GH_HOME_CODE);
    assert_int_equal(settings.policy.passage_timeout_ms, 8000);
    assert_int_equal(settings.policy.debounce_ms, 3000);
    assert_int_equal(settings.policy.list_max_age_s, 604800);
    assert_false(settings.allow_plain_http);
    good("[server]\narea = town.example\n");
    assert_string_equal(settings.issuer, "town.example");
    good("[server]\narea = town.example\nissuer = me\n[policy]\nhome = member\n"
         "list_max_age_s = 60\n");
    assert_string_equal(settings.issuer, "me");
    assert_int_equal(settings.policy.home_rule, GH_HOME_MEMBER);
    assert_int_equal(settings.policy.list_max_age_s, 60);
    good("[server]\narea = a\nlog_level = debug\n");
    assert_int_equal(settings.log_level, GH_LOG_DEBUG);
}

static void test_mistakes(void **state)
{
    (void)state;
    bad("", "area");
    bad("[server]\narea =\n", "area");
    bad("[server]\narea = a\nlisten = 8440\n", "listen");
    bad("[server]\narea = a\nlisten = ::1:8440\n", "listen");
    bad("[server]\narea = a\nlisten = 127.0.0.1:65536\n", "listen");
    bad("[server]\narea = a\nlisten = 127.0.0.1:http\n", "listen");
    bad("[server]\narea = a\nlisten = [::1:8440\n", "listen");
    bad("[server]\narea = a\nlisten = 127.0.0.1:\n", "listen");
    bad("[server]\narea = a\nstate_dir =\n", "state_dir");
    bad("[server]\narea = a\nissuer = B\xC3\xB6rse\n", "issuer");
    bad("[server]\narea = a\ntls_key = /k\n", "tls_");
    bad("[server]\narea = a\ntls_certificate = /c\n", "tls_");
    bad("[server]\narea = a\nsurprise = 1\n", "surprise");
    bad("[server]\narea = a\n[policy]\nhome = both\n", "home");
    bad("[server]\narea = a\n[policy]\npassage_timeout_ms = 999\n", "passage_timeout_ms");
    bad("[server]\narea = a\npublic_url = ftp://x\n", "public_url");
    bad("[server]\narea = a\npublic_url = https://x/\n", "public_url");
    bad("[server]\narea = a\npublic_url = https://[2001:db8::1]\n", "public_url");
    bad("[server]\narea = a\npublic_url = https://under_score.example\n", "public_url");
}

static void test_plain_http(void **state)
{
    (void)state;
    bad("[server]\narea = a\nlisten = 0.0.0.0:0\npublic_url = http://a.example\n", "loopback");
    bad("[server]\narea = a\nlisten = [::]:0\npublic_url = http://a.example\n", "loopback");
    bad("[server]\narea = a\nlisten = 192.0.2.1:80\n", "loopback");
    good("[server]\narea = a\nlisten = 127.9.9.9:0\n");
    good("[server]\narea = a\nlisten = [::1]:0\n");
    good("[server]\narea = a\nlisten = 0.0.0.0:0\npublic_url = http://a.example\n"
         "allow_plain_http = yes\n");
    good("[server]\narea = a\nlisten = 0.0.0.0:0\npublic_url = https://a.example\n"
         "tls_certificate = /c\ntls_key = /k\n");
    bad("[server]\narea = a\nlisten = 0.0.0.0:0\nallow_plain_http = yes\n", "public_url");
}

static void test_the_host_in_codes(void **state)
{
    (void)state;
    char host[GH_URL_BYTES];
    static const struct {
        const char *url, *host;
    } rows[] = {
        {"https://gate.example", "gate.example"},
        {"https://gate.example:8440", "gate.example:8440"},
        {"http://127.0.0.1:1", "127.0.0.1:1"},
        {"http://[::1]:8440", "localhost:8440"},
        {"http://[::1]", "localhost"},
        {"http://[2001:db8::1]:8440", NULL},
        {"http://", NULL},
        {"http://a b", NULL},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        enum gh_status status = gh_server_code_host(rows[i].url, host, sizeof(host), NULL);
        assert_true((status == GH_OK) == (rows[i].host != NULL));
        if (rows[i].host != NULL)
            assert_string_equal(host, rows[i].host);
    }
    assert_int_equal(gh_server_code_host("https://gate.example", host, 5, NULL), GH_ERR_TOOBIG);
}

static void test_listening(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:0", "[::1]:0"};
    static const char *const urls[] = {"http://127.0.0.1:", "https://[::1]:"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        struct gh_listen_address address;
        struct gh_error err = {0};
        char url[GH_URL_BYTES];
        int fd, second;
        assert_int_equal(gh_listen_parse(texts[i], &address, NULL), GH_OK);
        if (gh_listen_open(&address, &fd, &err) != GH_OK && i == 1)
            skip(); /* no IPv6 here */
        assert_true(fd >= 0);
        assert_int_equal(gh_listen_url(&address, i == 1, url, sizeof(url)), GH_OK);
        assert_memory_equal(url, urls[i], strlen(urls[i]));
        assert_int_not_equal(atoi(url + strlen(urls[i])), 0);
        /* the same port once more */
        assert_int_equal(gh_listen_open(&address, &second, &err), GH_ERR_BUSY);
        assert_int_equal(second, -1);
        close(fd);
    }
}

static void test_check(void **state)
{
    (void)state;
    char text[512], file[192];
    struct gh_error err;
    snprintf(text, sizeof(text), "[server]\narea = a\nstate_dir = %s/state\n", folder);
    good(text);
    assert_int_equal(gh_server_settings_check(&settings, NULL), GH_OK);
    snprintf(file, sizeof(file), "%s/state", folder);
    assert_int_not_equal(access(file, F_OK), 0); /* it makes nothing */
    assert_int_equal(gh_file_replace(file, 0600, "x", 1, NULL), GH_OK);
    err = (struct gh_error){0};
    assert_int_equal(gh_server_settings_check(&settings, &err), GH_ERR_INVALID);
    assert_non_null(strstr(err.text, "folder"));
    assert_int_equal(unlink(file), 0);
    good("[server]\narea = a\nstate_dir = /nonexistent/state\n");
    assert_int_equal(gh_server_settings_check(&settings, NULL), GH_ERR_NOTFOUND);
    snprintf(text, sizeof(text),
             "[server]\narea = a\nstate_dir = %s\ntls_certificate = %s/none\ntls_key = %s/none\n",
             folder, folder, folder);
    good(text);
    err = (struct gh_error){0};
    assert_int_equal(gh_server_settings_check(&settings, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "none"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),          TEST(test_mistakes),  TEST(test_plain_http),
        TEST(test_the_host_in_codes), TEST(test_listening), TEST(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
