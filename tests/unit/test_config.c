/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/bytes.h"
#include "gatehouse/config.h"

struct settings {
    char name[16];
    char url[300];
    int64_t port;
    int64_t huge;
    bool fail_secure;
    int camera;
    char names[64]; /* each one and a comma */
};

static const char *const cameras[] = {"none", "v4l2", "images", NULL};

static bool take_name(void *context, const char *text, char why[GH_CONFIG_WHY_BYTES])
{
    char *names = ((struct settings *)context)->names;
    if (strcmp(text, "nobody") == 0) {
        (void)snprintf(why, GH_CONFIG_WHY_BYTES, "must be somebody");
        return false;
    }
    strcat(strcat(names, text), ",");
    return true;
}

#define AT(field) .offset = offsetof(struct settings, field)
static const struct gh_config_key keys[] = {
    {"gate", "name", GH_CONFIG_TEXT, AT(name), .size = 16},
    {"server", "url", GH_CONFIG_TEXT, AT(url), .size = 300, .initial = ""},
    {"server", "port", GH_CONFIG_INT, AT(port), .minimum = 1, .maximum = 65535, .initial = "443"},
    {"door", "huge", GH_CONFIG_INT, AT(huge), .minimum = INT64_MIN, .maximum = INT64_MAX,
     .initial = "-7"},
    {"door", "fail_secure", GH_CONFIG_BOOL, AT(fail_secure), .initial = "yes"},
    {"gate", "camera", GH_CONFIG_CHOICE, AT(camera), .choices = cameras, .initial = "v4l2"},
    {"guests", "guest", GH_CONFIG_EACH, .take = take_name},
};

static char path[64];
static struct settings out;
static struct gh_error err;

static int make_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/gatehouse-config-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static enum gh_status load_bytes(const char *text, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    memset(&out, 0xA5, sizeof(out));
    memset(&err, 0, sizeof(err));
    enum gh_status status = gh_config_load(path, keys, GH_ARRAY_SIZE(keys), &out, &err);
    assert_int_equal(err.status, status);
    return status;
}

/* Into an empty struct: what is taken one by one is added to what is there. */
static enum gh_status load_onto(const char *text)
{
    memset(&out, 0, sizeof(out));
    memset(&err, 0, sizeof(err));
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return gh_config_load(path, keys, GH_ARRAY_SIZE(keys), &out, &err);
}

static enum gh_status load(const char *text)
{
    return load_bytes(text, strlen(text));
}

/* Refused, and the sentence names the file, the line and what it is about. */
static void assert_refused(const char *text, unsigned int line, const char *about)
{
    char where[100];
    if (load(text) != GH_ERR_INVALID) {
        fail_msg("accepted: %s", text);
    }
    snprintf(where, sizeof(where), "%s:%u: ", path, line);
    if (strncmp(err.text, where, strlen(where)) != 0 || strstr(err.text, about) == NULL) {
        fail_msg("\"%s\" should name line %u and \"%s\"", err.text, line, about);
    }
}

static void a_file_fills_the_struct(void **state)
{
    (void)state;
    assert_int_equal(load("# what an installer writes\n"
                          "[gate]\n"
                          "name = north gate\n"
                          "camera=images\n"
                          "\n"
                          "; the server\n"
                          "[server]\n"
                          "  url\t=  https://gate.example/api?a=b#c  \n"
                          "port: 8443\n"
                          "[door]\n"
                          "huge = -9223372036854775808\n"
                          "fail_secure = no ; it is a fire exit\n"),
                     GH_OK);
    assert_string_equal(out.name, "north gate");
    assert_int_equal(out.camera, 2);
    assert_string_equal(out.url, "https://gate.example/api?a=b#c");
    assert_true(out.port == 8443);
    assert_true(out.huge == INT64_MIN);
    assert_false(out.fail_secure);
}

static void defaults_fill_the_rest(void **state)
{
    (void)state;
    assert_int_equal(load("[gate]\nname=g"), GH_OK); /* and the last line needs no end */
    assert_string_equal(out.name, "g");
    assert_string_equal(out.url, "");
    assert_true(out.port == 443);
    assert_true(out.huge == -7);
    assert_true(out.fail_secure);
    assert_int_equal(out.camera, 1);
}

static void byte_order_mark_and_crlf_are_accepted(void **state)
{
    (void)state;
    assert_int_equal(load("\xEF\xBB\xBF[gate]\r\nname = Eingang S\xC3\xBC\x64\r\n\r\n"
                          "; comment\r\n[server]\r\nport=80\r\n"),
                     GH_OK);
    assert_string_equal(out.name, "Eingang S\xC3\xBC\x64");
    assert_true(out.port == 80);
    assert_int_equal(load("\xEF\xBB\xBF# comment first\n[gate]\nname=g\n"), GH_OK);
    assert_refused("[gate]\n\xEF\xBB\xBFname=g\n", 2, "");
    assert_refused("\xEF\xBB\xBF\xEF\xBB\xBF[gat]\nname=g\n", 1, "[gat]");
}

static void a_section_may_come_twice(void **state)
{
    (void)state;
    assert_int_equal(load("[gate]\nname=g\n[server]\nport=1\n[gate]\ncamera=none\n"), GH_OK);
    assert_true(out.port == 1);
    assert_int_equal(out.camera, 0);
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    assert_refused("[gate]\nname=g\n\nnane=h\n", 4, "nane");
    assert_refused("[gate]\nname=g\n[sever]\nport=1\n", 3, "[sever]");
    assert_refused("[gate]\nname=g\n[sever]\n", 3, "[sever]"); /* even without keys */
    assert_refused("[Gate]\nname=g\n", 1, "[Gate]");
    assert_refused("[gate]\nName=g\n", 2, "Name");
    assert_refused("[gate ]\nname=g\n", 1, "[gate ]");
    assert_refused("[]\nname=g\n", 1, "[]");
    assert_refused("name=g\n", 1, "name");         /* before any section */
    assert_refused("[gate]\nport=1\n", 2, "port"); /* a key of another section */
    assert_refused("[gate]\n=g\n", 2, "");
    assert_refused("[gate]\nname=g\nhttps://example.org/\n", 3, "https");
    char text[400] = "[gate]\nname=g\n";
    memset(text + strlen(text), 'k', 150);
    strcat(text, "=1\n");
    assert_refused(text, 3, "kkk");
}

static void a_key_given_twice_is_refused(void **state)
{
    (void)state;
    assert_refused("[gate]\nname=g\nname=h\n", 3, "name is given twice");
    assert_refused("[gate]\nname=g\nname=g\n", 3, "name is given twice");
    assert_refused("[gate]\nname=g\n[server]\n[gate]\nname=h\n", 5, "name is given twice");
    assert_refused("[server]\nport=443\nport=443\n[gate]\nname=g\n", 3, "port is given twice");
}

static void a_key_for_each_comes_as_often_as_it_likes(void **state)
{
    (void)state;
    assert_int_equal(load_onto("[gate]\nname=g\n"), GH_OK);
    assert_string_equal(out.names, "");
    assert_int_equal(load_onto("[guests]\nguest=zoe\nguest = ada ; first\n[gate]\nname=g\n"
                               "[guests]\nguest=ada\n"),
                     GH_OK);
    assert_string_equal(out.names, "zoe,ada,ada,");
    assert_refused("[gate]\nname=g\n[guests]\nguest=nobody\n", 4, "guest must be somebody");
}

static void a_missing_key_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "\n",
                                        "[gate]\n",
                                        "[server]\nport=1\n",
                                        "# name=g\n",
                                        "[gate]\ncamera=none\n;name=g\n",
                                        "\xEF\xBB\xBF"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        assert_int_equal(load(cases[i]), GH_ERR_INVALID);
        assert_non_null(strstr(err.text, "[gate] name is missing"));
        assert_non_null(strstr(err.text, path));
    }
}

static void lines_that_are_neither_are_refused(void **state)
{
    (void)state;
    assert_refused("[gate]\nname=g\njust words\n", 3, "neither");
    assert_refused("[gate]\nname\n", 2, "neither");
    assert_refused("garbage\n", 1, "neither");
    assert_refused("[gate\nname=g\n", 1, "[name]");
    assert_refused("[gate] name=g\n", 1, "[name]");
    assert_refused("[gate]]\nname=g\n", 1, "[name]");
    assert_refused("[gate]\nname=g\n{\"json\"}\n", 3, "neither");
    assert_int_equal(load("[gate]   ; a comment\nname=g\n"), GH_OK);
    assert_int_equal(load("  [gate]\t# a comment\nname=g\n"), GH_OK);
}

/* libinih takes an indented line as more of the value before it; we take it as what it says. */
static void an_indented_line_is_a_line(void **state)
{
    (void)state;
    assert_int_equal(load("[server]\n  url = u\n  port = 80\n[gate]\n\tname = g\n"), GH_OK);
    assert_string_equal(out.url, "u");
    assert_true(out.port == 80);
    assert_refused("[gate]\nname = g\n   and more of it\n", 3, "neither");
}

static void binary_and_broken_text_is_refused(void **state)
{
    (void)state;
    static const char nul[] = "[gate]\nname=g\0evil\n";
    assert_int_equal(load_bytes(nul, sizeof(nul) - 1), GH_ERR_INVALID);
    assert_non_null(strstr(err.text, ":2: "));
    static const char nul_line[] = "[gate]\nname=g\n\0\n";
    assert_int_equal(load_bytes(nul_line, sizeof(nul_line) - 1), GH_ERR_INVALID);
    assert_refused("[gate]\nname=\x1b[2J\n", 2, "control");
    assert_refused("[gate]\nname=a\rb\n", 2, "control");
    assert_refused("[gate]\nname=caf\xE9\n", 2, "UTF-8");
    assert_refused("[gate]\nname=g\n# \xFF\xFE\n", 3, "UTF-8");
    assert_refused("[gate]\rname=g\r", 1, "control"); /* line ends of an old Macintosh */
    assert_refused("\xFF\xFE[", 1, "UTF-8");
}

static void numbers_have_a_form_and_a_range(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0",
        "65536",
        "-1",
        "+80",
        "80 80",
        "8o",
        "0x50",
        "80.0",
        "1e3",
        "- 80",
        "--80",
        "80,5",
        "99999999999999999999",
        "-99999999999999999999",
        "http",
        "\xD9\xA8",
        "80 # web", /* only ; starts a comment behind a value */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        char text[100];
        snprintf(text, sizeof(text), "[gate]\nname=g\n[server]\nport=%s\n", bad[i]);
        assert_refused(text, 4, "port must be a whole number from 1 to 65535");
    }
    static const char *const good[] = {"1", "65535", "007", "  443  ", "443 ; web"};
    static const int64_t values[] = {1, 65535, 7, 443, 443};
    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++) {
        char text[100];
        snprintf(text, sizeof(text), "[gate]\nname=g\n[server]\nport=%s\n", good[i]);
        assert_int_equal(load(text), GH_OK);
        assert_true(out.port == values[i]);
    }
    assert_int_equal(load("[gate]\nname=g\n[door]\nhuge=9223372036854775807\n"), GH_OK);
    assert_true(out.huge == INT64_MAX);
    assert_refused("[gate]\nname=g\n[door]\nhuge=9223372036854775808\n", 4, "huge");
    assert_refused("[gate]\nname=g\n[door]\nhuge=-9223372036854775809\n", 4, "huge");
}

static void booleans_are_words(void **state)
{
    (void)state;
    static const char *const words[] = {"no",  "false", "off", "0", "No",   "OFF",
                                        "yes", "true",  "on",  "1", "True", "ON"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(words); i++) {
        char text[100];
        snprintf(text, sizeof(text), "[gate]\nname=g\n[door]\nfail_secure=%s\n", words[i]);
        assert_int_equal(load(text), GH_OK);
        assert_int_equal(out.fail_secure, i >= 6);
    }
    static const char *const bad[] = {"", "2", "y", "n", "yess", "ye", "enabled", "00", "yes no"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        char text[100];
        snprintf(text, sizeof(text), "[gate]\nname=g\n[door]\nfail_secure=%s\n", bad[i]);
        assert_refused(text, 4, "fail_secure must be yes or no");
    }
}

static void choices_are_listed(void **state)
{
    (void)state;
    assert_refused("[gate]\nname=g\ncamera=usb\n", 3, "camera must be none, v4l2 or images");
    assert_refused("[gate]\nname=g\ncamera=\n", 3, "camera");
    assert_refused("[gate]\nname=g\ncamera=1\n", 3, "camera");
    assert_refused("[gate]\nname=g\ncamera=V4L2\n", 3, "camera");
    assert_int_equal(load("[gate]\nname=g\ncamera=none\n"), GH_OK);
    assert_int_equal(out.camera, 0);
}

static void texts_have_a_longest_length(void **state)
{
    (void)state;
    assert_int_equal(load("[gate]\nname=123456789012345\n"), GH_OK);
    assert_string_equal(out.name, "123456789012345");
    assert_refused("[gate]\nname=1234567890123456\n", 2, "name must not be longer than 15 bytes");
    assert_null(strstr(err.text, "123456")); /* a value may be a secret */
    assert_int_equal(load("[gate]\nname=\n"), GH_OK);
    assert_string_equal(out.name, "");
}

static void a_long_line_is_read_or_refused_but_never_cut(void **state)
{
    (void)state;
    char text[8000];
    for (size_t size = 150; size < 7000; size += size < 400 ? 1 : 500) {
        int head = snprintf(text, sizeof(text), "[gate]\nname=g\n[server]\nurl=");
        memset(text + head, 'u', size);
        text[(size_t)head + size] = '\0';
        enum gh_status status = load(text);
        if (size < 180 || status == GH_OK) { /* every libinih takes lines of 200 bytes */
            assert_int_equal(status, GH_OK);
            assert_int_equal(strlen(out.url), size);
            assert_true(size < sizeof(out.url));
        } else {
            assert_int_equal(status, GH_ERR_INVALID);
            assert_non_null(strstr(err.text, ":4: "));
            assert_non_null(strstr(err.text, "long"));
        }
    }
    text[0] = '#'; /* a comment is a line too */
    memset(text + 1, '-', 7000);
    strcpy(text + 7001, "\n[gate]\nname=g\n");
    assert_refused(text, 1, "too long");
}

static void the_first_error_counts(void **state)
{
    (void)state;
    assert_refused("[gate]\nnane=g\n[sever]\nport=x\n", 2, "nane");
    assert_refused("[gate]\nname=g\n[server]\nport=x\nport=80\nurl\n", 4, "port");
}

static void a_big_file_is_refused(void **state)
{
    (void)state;
    size_t limit = 65536;
    char *text = malloc(limit + 1);
    assert_non_null(text);
    memset(text, '\n', limit + 1);
    memcpy(text, "[gate]\nname=g\n", 14);
    assert_int_equal(load_bytes(text, limit), GH_OK);
    assert_int_equal(load_bytes(text, limit + 1), GH_ERR_TOOBIG);
    assert_non_null(strstr(err.text, path));
    free(text);
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    memset(&err, 0, sizeof(err));
    assert_int_equal(
        gh_config_load("/tmp/gatehouse-missing/x", keys, GH_ARRAY_SIZE(keys), &out, &err),
        GH_ERR_NOTFOUND);
    assert_int_equal(err.status, GH_ERR_NOTFOUND);
    assert_int_equal(gh_config_load("/tmp", keys, GH_ARRAY_SIZE(keys), &out, NULL), GH_ERR_INVALID);
}

static void a_long_path_leaves_room_for_the_reason(void **state)
{
    (void)state;
    char folder[230] = "/tmp/gatehouse-config-", file[300];
    memset(folder + strlen(folder), 'd', 190);
    snprintf(file, sizeof(file), "%s-%s", folder, path + strlen("/tmp/"));
    assert_int_equal(load("[gate]\nname=g\n[door]\nfail_secure=perhaps\n"), GH_ERR_INVALID);
    assert_int_equal(link(path, file), 0);
    struct gh_error reason = {0};
    enum gh_status status = gh_config_load(file, keys, GH_ARRAY_SIZE(keys), &out, &reason);
    unlink(file);
    assert_int_equal(status, GH_ERR_INVALID);
    assert_non_null(strstr(reason.text, ":4: [door] fail_secure must be yes or no"));
}

static void a_default_that_does_not_fit_is_found(void **state)
{
    (void)state;
    struct gh_config_key wrong[GH_ARRAY_SIZE(keys)];
    memcpy(wrong, keys, sizeof(keys));
    wrong[2].initial = "0";
    assert_int_equal(load("[gate]\nname=g\n[server]\nport=80\n"), GH_OK);
    assert_int_equal(gh_config_load(path, wrong, GH_ARRAY_SIZE(wrong), &out, &err), GH_ERR_INVALID);
    assert_non_null(strstr(err.text, "port"));
}

/* Any one byte altered, any prefix: an answer, and no byte out of bounds (sanitizers). */
static void altered_files_take_nothing_down(void **state)
{
    (void)state;
    static const char good[] = "[gate]\nname = g ; c\n\n[server]\nport : 80\n";
    size_t size = sizeof(good) - 1;
    char text[sizeof(good)];
    for (size_t i = 0; i < size; i++) {
        static const char strange[] = "\0\n\r\t []=:;#\"\\\x7f\x80\xff";
        for (size_t j = 0; j < sizeof(strange) - 1; j++) {
            memcpy(text, good, size);
            text[i] = strange[j];
            enum gh_status status = load_bytes(text, size);
            assert_true(status == GH_OK || status == GH_ERR_INVALID);
        }
        enum gh_status status = load_bytes(good, i);
        assert_true(status == GH_OK || status == GH_ERR_INVALID);
    }
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(a_file_fills_the_struct),
        CONFIG_TEST(defaults_fill_the_rest),
        CONFIG_TEST(byte_order_mark_and_crlf_are_accepted),
        CONFIG_TEST(a_section_may_come_twice),
        CONFIG_TEST(unknown_names_are_refused),
        CONFIG_TEST(a_key_given_twice_is_refused),
        CONFIG_TEST(a_key_for_each_comes_as_often_as_it_likes),
        CONFIG_TEST(a_missing_key_is_refused),
        CONFIG_TEST(lines_that_are_neither_are_refused),
        CONFIG_TEST(an_indented_line_is_a_line),
        CONFIG_TEST(binary_and_broken_text_is_refused),
        CONFIG_TEST(numbers_have_a_form_and_a_range),
        CONFIG_TEST(booleans_are_words),
        CONFIG_TEST(choices_are_listed),
        CONFIG_TEST(texts_have_a_longest_length),
        CONFIG_TEST(a_long_line_is_read_or_refused_but_never_cut),
        CONFIG_TEST(the_first_error_counts),
        CONFIG_TEST(a_big_file_is_refused),
        CONFIG_TEST(a_file_that_is_not_there),
        CONFIG_TEST(a_long_path_leaves_room_for_the_reason),
        CONFIG_TEST(a_default_that_does_not_fit_is_found),
        CONFIG_TEST(altered_files_take_nothing_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
