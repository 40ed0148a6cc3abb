/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "gatehouse/bytes.h"
#include "gatehouse/file.h"

static char folder[PATH_MAX / 2];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/gh-session-XXXXXX");
    unsetenv("GATEHOUSE_SESSION");
    unsetenv("XDG_CONFIG_HOME");
    return mkdtemp(folder) == NULL || setenv("HOME", folder, 1) != 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[PATH_MAX];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static void the_environment_says_where(void **state)
{
    (void)state;
    char path[PATH_MAX], expected[PATH_MAX];
    snprintf(expected, sizeof(expected), "%s/.config/gatehouse/session.json", folder);
    assert_int_equal(gh_session_path(path, sizeof(path), NULL), GH_OK);
    assert_string_equal(path, expected);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_int_equal(gh_session_path(path, sizeof(path), NULL), GH_OK);
    assert_string_equal(path, expected);
    setenv("XDG_CONFIG_HOME", "/etc/x", 1);
    assert_int_equal(gh_session_path(path, sizeof(path), NULL), GH_OK);
    assert_string_equal(path, "/etc/x/gatehouse/session.json");
    setenv("GATEHOUSE_SESSION", "mine.json", 1);
    assert_int_equal(gh_session_path(path, sizeof(path), NULL), GH_OK);
    assert_string_equal(path, "mine.json");
    assert_int_equal(gh_session_path(path, 5, NULL), GH_ERR_TOOBIG);

    unsetenv("GATEHOUSE_SESSION");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("HOME");
    assert_int_equal(gh_session_path(path, sizeof(path), NULL), GH_ERR_NOTFOUND);
}

static struct gh_session example(void)
{
    struct gh_session session = {.server = "https://gate.example:8443",
                                 .token = "t0k3n",
                                 .ca_file = "/etc/ssl/\"odd\" name.pem",
                                 .has_pin = true};
    for (size_t i = 0; i < sizeof(session.pin); i++) {
        session.pin[i] = (uint8_t)(7 * i);
    }
    return session;
}

static void what_is_saved_is_loaded_and_nobody_elses(void **state)
{
    (void)state;
    struct gh_session saved = example(), loaded;
    struct stat info;
    char path[PATH_MAX];
    assert_int_equal(gh_session_save(&saved, NULL), GH_OK);
    assert_int_equal(gh_session_load(&loaded, NULL), GH_OK);
    assert_string_equal(loaded.server, saved.server);
    assert_string_equal(loaded.token, saved.token);
    assert_string_equal(loaded.ca_file, saved.ca_file);
    assert_true(loaded.has_pin);
    assert_memory_equal(loaded.pin, saved.pin, sizeof(saved.pin));

    assert_int_equal(gh_session_path(path, sizeof(path), NULL), GH_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    *strrchr(path, '/') = 0;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);

    saved = (struct gh_session){.server = "http://127.0.0.1:1", .token = "x"};
    assert_int_equal(gh_session_save(&saved, NULL), GH_OK); /* over the old one */
    assert_int_equal(gh_session_load(&loaded, NULL), GH_OK);
    assert_false(loaded.has_pin);
    assert_string_equal(loaded.ca_file, "");
}

static void without_a_session_it_says_what_to_do(void **state)
{
    (void)state;
    struct gh_session loaded;
    struct gh_error err = {0};
    assert_int_equal(gh_session_load(&loaded, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "gatehouse login"));
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"server\": \"http://127.0.0.1:1\"}",
        "{\"server\": 1, \"token\": \"x\"}",
        "{\"server\": \"http://127.0.0.1:1\", \"token\": \"\"}",
        "{\"server\": \"http://127.0.0.1:1\", \"token\": \"x\", \"pin\": \"12\"}",
        "{\"server\": \"http://127.0.0.1:1\", \"token\": \"x\", \"token\": \"y\"}",
    };
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/s.json", folder);
    setenv("GATEHOUSE_SESSION", path, 1);
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        struct gh_session loaded;
        struct gh_error err = {0};
        assert_int_equal(gh_file_replace(path, 0600, texts[i], strlen(texts[i]), NULL), GH_OK);
        assert_int_equal(gh_session_load(&loaded, &err), GH_ERR_CORRUPT);
        assert_string_equal(loaded.token, "");
        assert_true(err.text[0] != 0);
    }
}

static void a_place_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    struct gh_session session = example();
    struct gh_error err = {0};
    setenv("GATEHOUSE_SESSION", "/dev/null/x/session.json", 1);
    assert_int_not_equal(gh_session_save(&session, &err), GH_OK);
    assert_non_null(strstr(err.text, "/dev/null"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(the_environment_says_where),           TEST(what_is_saved_is_loaded_and_nobody_elses),
        TEST(without_a_session_it_says_what_to_do), TEST(broken_files_are_refused),
        TEST(a_place_that_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
