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

#define HEAD "[server]\narea = a\n"

static void test_certificates_and_paper(void **state)
{
    (void)state;
    char text[4096] = HEAD "[certificates]\n";
    good(HEAD);
    assert_int_equal(settings.policy.paper, GH_PAPER_OPEN);
    assert_int_equal(settings.policy.clock, GH_CLOCK_GUARD);
    assert_int_equal(settings.policy.holder, GH_HOLDER_GUARD);
    assert_int_equal(settings.policy.rule_count, 0);
    good(HEAD "[policy]\npaper = deny\nclock = deny\n[certificates]\nholder = home\n"
              "rule = red test positive until 14d\n"
              "rule = green vaccination complete of EU/1/20/1528 from 14d until 270d\n");
    assert_int_equal(settings.policy.paper, GH_PAPER_DENY);
    assert_int_equal(settings.policy.clock, GH_CLOCK_DENY);
    assert_int_equal(settings.policy.holder, GH_HOLDER_HOME);
    assert_int_equal(settings.policy.rule_count, 2); /* in their order */
    assert_int_equal(settings.policy.rules[0].colour, GH_COLOUR_RED);
    assert_int_equal(settings.policy.rules[1].until_h, 270 * 24);
    assert_string_equal(settings.policy.rules[1].products, "EU/1/20/1528");
    good(HEAD "[policy]\npaper = guard\n[certificates]\nholder = open\n");
    assert_int_equal(settings.policy.paper, GH_PAPER_GUARD);
    assert_int_equal(settings.policy.holder, GH_HOLDER_OPEN);
    assert_int_equal(settings.policy.rule_count, 0); /* nothing is left of the file before */

    bad(HEAD "[policy]\npaper = no\n", ":4: [policy] paper must be open, guard or deny");
    bad(HEAD "[policy]\nclock = open\n", "clock must be guard or deny");
    bad(HEAD "[certificates]\nholder = deny\n", "holder must be guard, home or open");
    bad(HEAD "[certificates]\nrule = green test\nrule = blue test\n",
        ":5: [certificates] rule cannot be read: \"blue\"");
    bad(HEAD "[certificates]\nrule =\n", ":4: [certificates] rule");
    for (int i = 0; i < GH_RULES_MAX; i++)
        strcat(text, "rule = green test until 72h\n");
    good(text);
    assert_int_equal(settings.policy.rule_count, GH_RULES_MAX);
    strcat(text, "rule = green test until 72h\n");
    bad(text, ":28: [certificates] rule is one more than the 24");
}

static void assert_opening(const char *hours, const char *holidays)
{
    const struct gh_opening *opening = &settings.policy.opening;
    char all[1024] = "", text[GH_HOURS_TEXT_BYTES];
    for (size_t i = 0; i < opening->hours_count; i++) {
        assert_int_equal(gh_hours_format(&opening->hours[i], text), GH_OK);
        strcat(strcat(all, i > 0 ? "; " : ""), text);
    }
    assert_string_equal(all, hours);
    all[0] = '\0';
    for (size_t i = 0; i < opening->holiday_count; i++) {
        assert_int_equal(gh_holiday_format(&opening->holidays[i], text), GH_OK);
        strcat(strcat(all, i > 0 ? "; " : ""), text);
    }
    assert_string_equal(all, holidays);
    assert_null(gh_policy_misfit(&settings.policy));
}

static void test_hours(void **state)
{
    (void)state;
    char text[4096] = HEAD "[hours]\n";
    good(HEAD);
    assert_opening("", "");
    good(HEAD "[hours]\n");
    assert_opening("", "");
    good(HEAD "[hours]\nopen = mon-fri 07:30-19:00\nopen = sun,sat 22:00-02:00\n"
              "open = holiday 10:00-12:00\nholiday = 2026-12-25\nholiday = 2026-01-01\n"
              "holiday = 12-25\nholiday = 2027-01-01\nholiday = 01-01\n");
    assert_opening("mon-fri 07:30-19:00; sat,sun 22:00-02:00; holiday 10:00-12:00",
                   "01-01; 12-25; 2026-01-01; 2026-12-25; 2027-01-01");
    good(HEAD);
    assert_opening("", ""); /* nothing is left of the file before */

    bad(HEAD "[hours]\nopen = mon-fri\n", ":4: [hours] open \"mon-fri\" must say a time");
    bad(HEAD "[hours]\nopen = daily 08:00-18:00\n", "must begin with days");
    bad(HEAD "[hours]\nopen =\n", ":4: [hours] open");
    bad(HEAD "[hours]\nholiday = 2026-02-29\n", ":4: [hours] holiday \"2026-02-29\" must be");
    bad(HEAD "[hours]\nholiday = 12-25\nholiday = 12-25\n", ":5: [hours] holiday 12-25 is given");
    bad(HEAD "[hours]\nclosed = 12-25\n", "closed");
    for (int i = 0; i < GH_HOURS_MAX; i++)
        strcat(text, "open = mon 08:00-09:00\n");
    for (int i = 0; i < GH_HOLIDAYS_MAX; i++)
        sprintf(text + strlen(text), "holiday = %d-03-%02d\n", 2099 - i, 31 - i % 31);
    good(text);
    assert_int_equal(settings.policy.opening.hours_count, GH_HOURS_MAX);
    assert_int_equal(settings.policy.opening.holiday_count, GH_HOLIDAYS_MAX);
    assert_null(gh_policy_misfit(&settings.policy));
    size_t end = strlen(text);
    strcat(text, "open = tue 08:00-09:00\n");
    bad(text, "[hours] open is one more than the 16");
    strcpy(text + end, "holiday = 01-01\n");
    bad(text, "[hours] holiday is one more than the 64");
}

static void test_passback(void **state)
{
    (void)state;
    good(HEAD);
    assert_int_equal(settings.policy.passback.rule, GH_PASSBACK_OFF);
    assert_int_equal(settings.policy.passback.forgive_s, 12 * 3600);
    good(HEAD "[policy]\nanti_passback = soft\nanti_passback_forgive_min = 1\n");
    assert_int_equal(settings.policy.passback.rule, GH_PASSBACK_SOFT);
    assert_int_equal(settings.policy.passback.forgive_s, 60);
    good(HEAD "[policy]\nanti_passback = hard\nanti_passback_forgive_min = 10080\n");
    assert_int_equal(settings.policy.passback.rule, GH_PASSBACK_HARD);
    assert_int_equal(settings.policy.passback.forgive_s, GH_PASSBACK_FORGIVE_MAX_S);
    assert_null(gh_policy_misfit(&settings.policy));
    bad(HEAD "[policy]\nanti_passback = yes\n", "anti_passback must be off, soft or hard");
    bad(HEAD "[policy]\nanti_passback_forgive_min = 0\n", "anti_passback_forgive_min");
    bad(HEAD "[policy]\nanti_passback_forgive_min = 10081\n", "anti_passback_forgive_min");
}

static void test_temperature(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t millic; /* 0: refused */
    } rows[] = {
        {"37.3", 37300},
        {"37.5", 37500},
        {"38", 38000},
        {"35.0", 35000},
        {"42.0", 42000},
        {"42", 42000},
        {"34.9", 0},
        {"42.1", 0},
        {"37.35", 0},
        {"37.", 0},
        {".5", 0},
        {"37,3", 0},
        {"37.3 C", 0},
        {"+37.3", 0},
        {"-37.3", 0},
        {"3.73e1", 0},
        {"0x25", 0},
        {"", 0},
        {"99", 0},
        {"nan", 0},
        {"4337.3", 0},
        {"37300", 0},
        {"9999999999999", 0},
    };
    char text[256];
    good(HEAD);
    assert_int_equal(settings.policy.temperature.rule, GH_TEMPERATURE_OFF);
    assert_int_equal(settings.policy.temperature.limit_millic, 37300);
    assert_int_equal(settings.policy.temperature.valid_ms, 10000);
    good(HEAD "[policy]\ntemperature = optional\ntemperature_valid_ms = 500\n");
    assert_int_equal(settings.policy.temperature.rule, GH_TEMPERATURE_OPTIONAL);
    assert_int_equal(settings.policy.temperature.valid_ms, 500);
    good(HEAD "[policy]\ntemperature = required\n");
    assert_int_equal(settings.policy.temperature.rule, GH_TEMPERATURE_REQUIRED);
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        snprintf(text, sizeof(text), HEAD "[policy]\ntemperature_limit = %s\n", rows[i].text);
        if (rows[i].millic == 0) {
            bad(text, "[policy] temperature_limit");
            continue;
        }
        good(text);
        assert_int_equal(settings.policy.temperature.limit_millic, rows[i].millic);
        assert_null(gh_policy_misfit(&settings.policy));
    }
    bad(HEAD "[policy]\ntemperature = on\n", "temperature must be off, optional or required");
    bad(HEAD "[policy]\ntemperature_valid_ms = 499\n", "temperature_valid_ms");
    bad(HEAD "[policy]\ntemperature_valid_ms = 60001\n", "temperature_valid_ms");
}

/* What is shipped as the example can be used as it is, also with what stands there as an example.
 */
static void test_example(void **state)
{
    (void)state;
    static const char example[] = "docs/gatehouse-server.ini";
    struct gh_error err = {0};
    uint8_t *text;
    size_t size, kept = 0;
    if (access(example, R_OK) != 0)
        skip(); /* not run from the top of the tree */
    if (gh_server_settings_load(example, &settings, &err) != GH_OK)
        fail_msg("%s", err.text);
    assert_opening("", "");
    assert_int_equal(settings.policy.passback.forgive_s, gh_policy_initial().passback.forgive_s);
    assert_int_equal(settings.policy.temperature.limit_millic,
                     gh_policy_initial().temperature.limit_millic);
    assert_int_equal(gh_file_read(example, 65536, &text, &size, NULL), GH_OK);
    for (size_t i = 0; i < size; i++) { /* hours and holidays, but no upstream */
        bool says = text[i] == ';' && (strncmp((char *)text + i + 1, "open = ", 7) == 0 ||
                                       strncmp((char *)text + i + 1, "holiday = ", 10) == 0);
        if (!says)
            text[kept++] = text[i];
    }
    text[kept] = '\0';
    good((char *)text);
    free(text);
    assert_opening("mon-fri 07:30-19:00; sat 22:00-02:00; holiday 10:00-12:00",
                   "12-25; 2027-03-26");
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

#define UPSTREAM "[server]\narea = a\n[upstream]\n"
#define ASKS UPSTREAM "token_file = /t\nprefixes = HC1: shc:/\n"

static void test_upstream(void **state)
{
    (void)state;
    good("[server]\narea = a\n");
    assert_false(gh_server_settings_upstream(&settings));
    assert_int_equal(settings.policy.upstream.deadline_ms, 0);
    /* without an address nobody is asked, whatever else is said */
    good(UPSTREAM "prefixes = HC1:\ndeadline_ms = 500\noffline = deny\n");
    assert_int_equal(settings.policy.upstream.deadline_ms, 0);
    assert_string_equal(settings.policy.upstream.prefixes, "");
    good(ASKS "url = https://health.example\n");
    assert_true(gh_server_settings_upstream(&settings));
    assert_string_equal(settings.upstream.base_url, "https://health.example");
    assert_string_equal(settings.upstream.path, "/");
    assert_int_equal(settings.policy.upstream.deadline_ms, 800);
    assert_int_equal(settings.policy.upstream.offline, GH_OFFLINE_GUARD);
    assert_string_equal(settings.policy.upstream.prefixes, "HC1: shc:/");
    good(ASKS "url = https://health.example:8443/v2/verify?x=1\ndeadline_ms = 5000\n"
              "offline = deny\n"
              "pin = 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n");
    assert_string_equal(settings.upstream.base_url, "https://health.example:8443");
    assert_string_equal(settings.upstream.path, "/v2/verify?x=1");
    assert_int_equal(settings.policy.upstream.deadline_ms, 5000);
    assert_int_equal(settings.policy.upstream.offline, GH_OFFLINE_DENY);
    assert_int_equal(settings.upstream.pin[31], 0xff);
    good(ASKS "url = http://127.0.0.1:8080/verify\n");
    good(UPSTREAM "token_file = /t\nurl = https://a.example\nprefixes =   A1:    B:  C22: \n");
    assert_string_equal(settings.policy.upstream.prefixes, "A1: B: C22:");
}

static void test_upstream_mistakes(void **state)
{
    (void)state;
    char text[1024];
    bad(ASKS "url = http://health.example/verify\n", "[upstream] url");
    bad(ASKS "url = ftp://health.example/verify\n", "[upstream] url");
    bad(ASKS "url = health.example\n", "[upstream] url");
    bad(ASKS "url = https://user:pass@health.example/\n", "[upstream] url");
    bad(ASKS "url = https://health.example/a b\n", "[upstream] url");
    bad(ASKS "url = https://health.example/a#b\n", "[upstream] url");
    snprintf(text, sizeof(text), ASKS "url = https://health.example/%0400d\n", 0);
    bad(text, "[upstream] url is too long");
    bad(ASKS "url = https://a.example\npin = 00\n", "pin");
    bad(ASKS "url = http://127.0.0.1/\n"
             "pin = 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n",
        "pin");
    bad(ASKS "url = https://a.example\ndeadline_ms = 99\n", "deadline_ms");
    bad(ASKS "url = https://a.example\ndeadline_ms = 5001\n", "deadline_ms");
    bad(ASKS "url = https://a.example\noffline = open\n", "offline");
    bad(ASKS "url = https://a.example\ntoken = secret\n", "token");
    bad(UPSTREAM "url = https://a.example\nprefixes = HC1:\n", "token_file");
    bad(UPSTREAM "url = https://a.example\ntoken_file = /t\n", "prefixes");
    bad(UPSTREAM "url = https://a.example\ntoken_file = /t\nprefixes = H\xc3\xa9:\n", "prefixes");
    static const char *const ours[] = {"GH1:", "GHE1:6BF", "G", "HC1: GHP", "GHP1:"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(ours); i++) {
        snprintf(text, sizeof(text),
                 UPSTREAM "url = https://a.example\ntoken_file = /t\nprefixes = %s\n", ours[i]);
        bad(text, "own codes");
    }
}

static enum gh_status load_token(const char *content, mode_t mode, char *token,
                                 struct gh_error *err)
{
    char text[512], file[192];
    *err = (struct gh_error){0};
    snprintf(file, sizeof(file), "%s/token", folder);
    if (content != NULL)
        assert_int_equal(gh_file_replace(file, mode, content, strlen(content), NULL), GH_OK);
    snprintf(text, sizeof(text),
             "[server]\narea = a\nstate_dir = %s/state\n[upstream]\nurl = https://a.example\n"
             "prefixes = HC1:\ntoken_file = %s\n",
             folder, file);
    good(text);
    enum gh_status status = gh_upstream_token_load(&settings.upstream, token, err);
    assert_int_equal(gh_server_settings_check(&settings, NULL), status);
    (void)unlink(file);
    return status;
}

static void test_the_token_for_upstream(void **state)
{
    (void)state;
    char token[GH_UPSTREAM_TOKEN_BYTES], longest[600];
    struct gh_error err;
    assert_int_equal(load_token("s3cret\n", 0600, token, &err), GH_OK);
    assert_string_equal(token, "s3cret");
    assert_int_equal(load_token("s3cret", 0400, token, &err), GH_OK);
    assert_string_equal(token, "s3cret");
    memset(longest, 'a', sizeof(longest));
    longest[GH_UPSTREAM_TOKEN_BYTES - 1] = '\0';
    assert_int_equal(load_token(longest, 0600, token, &err), GH_OK);
    assert_string_equal(token, longest);

    assert_int_equal(load_token("s3cret", 0640, token, &err), GH_ERR_DENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_int_equal(load_token("s3cret", 0604, token, &err), GH_ERR_DENIED);
    assert_string_equal(token, "");
    assert_int_equal(load_token(NULL, 0, token, &err), GH_ERR_NOTFOUND);
    static const char *const wrong[] = {"", "\n", "two\nlines\n", "two words", "tab\tted", "\x01"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        assert_int_equal(load_token(wrong[i], 0600, token, &err), GH_ERR_INVALID);
        assert_string_equal(token, "");
        assert_non_null(strstr(err.text, "one line"));
    }
    longest[GH_UPSTREAM_TOKEN_BYTES - 1] = 'a';
    longest[GH_UPSTREAM_TOKEN_BYTES] = '\0';
    assert_int_equal(load_token(longest, 0600, token, &err), GH_ERR_INVALID);
}

static void test_check_of_upstreams_files(void **state)
{
    (void)state;
    char text[768], file[192];
    struct gh_error err = {0};
    snprintf(file, sizeof(file), "%s/token", folder);
    assert_int_equal(gh_file_replace(file, 0600, "x", 1, NULL), GH_OK);
    snprintf(text, sizeof(text),
             "[server]\narea = a\nstate_dir = %s/state\n[upstream]\nurl = https://a.example\n"
             "prefixes = HC1:\ntoken_file = %s\nca_file = %s/none.pem\n",
             folder, file, folder);
    good(text);
    assert_int_equal(gh_server_settings_check(&settings, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "none.pem"));
    assert_int_equal(unlink(file), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_mistakes),
        TEST(test_plain_http),
        TEST(test_the_host_in_codes),
        TEST(test_listening),
        TEST(test_check),
        TEST(test_upstream),
        TEST(test_upstream_mistakes),
        TEST(test_the_token_for_upstream),
        TEST(test_check_of_upstreams_files),
        TEST(test_certificates_and_paper),
        TEST(test_hours),
        TEST(test_passback),
        TEST(test_temperature),
        TEST(test_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
