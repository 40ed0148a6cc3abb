/* SPDX-License-Identifier: Apache-2.0 */
/* http.c and url.c: where to, and by which way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "http_fixture.h"

static void only_plain_addresses_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "https://gate.example",
        "https://gate.example:8443",
        "https://192.168.1.7",
        "https://[2001:db8::1]",
        "https://[2001:db8::1]:444",
        "HTTPS://GATE.EXAMPLE",
        "http://127.0.0.1",
        "http://127.0.0.1:8080",
        "http://127.255.255.254:1",
        "http://[::1]",
        "http://[::1]:8080",
        "http://localhost",
        "http://LOCALHOST:80",
        "http://127.1",
        "https://xn--mnchen-3ya.example",
        "http://2130706433", /* as libcurl, and all others, understand it: 127.0.0.1 */
    };
    static const char *const bad[] = {
        "",
        "gate.example",
        "//gate.example",
        "https:",
        "https://",
        "https:gate.example",
        "https:/gate.example",
        "https:///gate.example",
        "https://gate.example/",
        "https://gate.example/path",
        "https://gate.example?x",
        "https://gate.example#x",
        "https://gate.example:",
        "https://gate.example:0",
        "https://gate.example:65536",
        "https://gate.example:port",
        "https://gate.example:80:80",
        "https://:443",
        "https://user@gate.example",
        "https://user:secret@gate.example",
        "https://@gate.example",
        "https://gate.example\\@evil.com",
        "https://gate.example evil.com",
        " https://gate.example",
        "https://gate.example ",
        "https://gate.example\n",
        "https://gate.example\r\nHost: evil.com",
        "https://gate%2eexample",
        "https://gate.ex\xc3\xa4mple",
        "https://[::1",
        "https://::1",
        "https://[gate.example]",
        "ftp://gate.example",
        "file:///etc/passwd",
        "ws://127.0.0.1",
        "javascript://127.0.0.1",
    };
    /* Well formed, but not to be spoken to in clear. */
    static const char *const insecure[] = {
        "http://gate.example",
        "http://192.168.1.7",
        "http://10.0.0.1:8080",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://127-0-0-1.evil.com",
        "http://localhostx",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
        "http://[2001:db8::1]",
        "http://126.255.255.255",
        "http://localhost.",
        "HTTP://EVIL.COM",
    };
    static const char *const never[] = {
        "http://127.0.0.1@evil.com",  "http://localhost@evil.com",   "http://127.0.0.1:80@evil.com",
        "http://127.0.0.1#@evil.com", "http://127.0.0.1\\.evil.com", "http://127.0.0.1%2eevil.com"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++) {
        struct gh_error err = {0};
        if (gh_http_check_url(good[i], false, &err) != GH_OK) {
            fail_msg("%s: %s", good[i], err.text);
        }
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        struct gh_error err = {0};
        if (gh_http_check_url(bad[i], false, &err) != GH_ERR_INVALID ||
            gh_http_check_url(bad[i], true, NULL) != GH_ERR_INVALID || err.text[0] == '\0') {
            fail_msg("taken: %s", bad[i]);
        }
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(insecure); i++) {
        if (gh_http_check_url(insecure[i], false, NULL) != GH_ERR_INVALID) {
            fail_msg("taken: %s", insecure[i]);
        }
        assert_int_equal(gh_http_check_url(insecure[i], true, NULL), GH_OK);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(never); i++) {
        assert_int_equal(gh_http_check_url(never[i], false, NULL), GH_ERR_INVALID);
        assert_int_equal(gh_http_check_url(never[i], true, NULL), GH_ERR_INVALID);
    }
    char *endless = malloc(100000);
    memset(endless, 'a', 99999);
    memcpy(endless, "https://", 8);
    endless[99999] = '\0';
    assert_int_equal(gh_http_check_url(endless, true, NULL), GH_ERR_INVALID);
    free(endless);
}

static void bad_options_make_no_transport(void **state)
{
    (void)state;
    static const uint8_t pin[GH_SHA256_BYTES];
    const struct gh_http_options wrong[] = {
        {.base_url = "http://gate.example"},
        {.base_url = "https://gate.example/"},
        {.base_url = "http://127.0.0.1", .pin = pin}, /* there is no key to look at */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_transport transport = {.context = (void *)1};
        struct gh_error err = {0};
        assert_int_equal(gh_http_new(&wrong[i], &transport, &err), GH_ERR_INVALID);
        assert_null(transport.context);
        assert_null(transport.perform);
        assert_true(strlen(err.text) > 0);
    }
    struct gh_http_options no_file = {.base_url = "https://gate.example",
                                      .ca_file = "/nonexistent"};
    struct gh_transport transport;
    assert_int_equal(gh_http_new(&no_file, &transport, NULL), GH_ERR_NOTFOUND);
}

/* Neither proxies nor passwords from the environment. */
static void the_environment_changes_nothing(void **state)
{
    struct pair *pair = *state;
    struct fault_server *proxy = fault_server_start(NULL, NULL);
    static const char *const names[] = {"http_proxy", "HTTP_PROXY",  "all_proxy",
                                        "ALL_PROXY",  "https_proxy", "HTTPS_PROXY"};
    char folder[] = "/tmp/gatehouse-http-XXXXXX", netrc[64], head[4096];
    struct gh_http_response response;
    struct gh_http_request request = get("/x");
    const char *home = getenv("HOME");
    char *saved_home = home != NULL ? strdup(home) : NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(netrc, sizeof(netrc), "%s/.netrc", folder);
    FILE *file = fopen(netrc, "w");
    assert_non_null(file);
    fputs("machine 127.0.0.1 login eve password eve\ndefault login eve password eve\n", file);
    fclose(file);
    setenv("HOME", folder, 1);
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        setenv(names[i], fault_server_url(proxy), 1);
    }
    request.bearer = NULL;
    struct gh_transport transport = transport_to(fault_server_url(pair->server));
    assert_int_equal(perform(&transport, &request, &response), GH_OK);
    gh_http_response_free(&response);
    transport.free(transport.context);
    fault_server_last_head(pair->server, head, sizeof(head));
    assert_int_equal(fault_server_requests(pair->server), 1);
    assert_int_equal(fault_server_connections(proxy), 0);
    assert_null(strstr(head, "Authorization"));
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        unsetenv(names[i]);
    }
    if (saved_home != NULL) {
        setenv("HOME", saved_home, 1);
    } else {
        unsetenv("HOME");
    }
    free(saved_home);
    unlink(netrc);
    rmdir(folder);
    fault_server_stop(proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_plain_addresses_are_taken),
        cmocka_unit_test(bad_options_make_no_transport),
        WITH_SERVER(the_environment_changes_nothing),
    };
    return cmocka_run_group_tests(tests, start_http, NULL);
}
