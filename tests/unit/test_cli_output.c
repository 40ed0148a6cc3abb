/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gatehouse/file.h"
#include "gatehouse/picture.h"

static void every_symbol_is_400_to_600_pixels(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 40; version++) {
        unsigned side = 17 + 4 * version;
        unsigned pixels = gh_png_scale(side) * (side + 2 * GH_QR_QUIET_MODULES);
        assert_in_range(pixels, 400, 600);
    }
}

static void control_characters_are_shown_as_question_marks(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    gh_put_plain("a\x1b[2J\n\xc2\x85\xc3\xbc\xc2\xa0", stream);
    fclose(stream);
    assert_string_equal(text, "a?[2J??\xc3\xbc\xc2\xa0");
    free(text);
}

static void a_code_goes_where_the_options_say(void **state)
{
    (void)state;
    char folder[] = "/tmp/gh-output-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char png[64], svg[64];
    snprintf(png, sizeof(png), "%s/a.png", folder);
    snprintf(svg, sizeof(svg), "%s/a.svg", folder);
    struct gh_code_output output = {.png = png, .svg = svg};
    struct gh_bytes code = {(const uint8_t *)"GH1:TEST", 8};
    assert_true(gh_code_output_is_elsewhere(&output));
    assert_int_equal(gh_code_output(&output, code, GH_QR_MEDIUM, "Title <&>", NULL, NULL), GH_OK);

    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(png, 1 << 20, &data, &size, NULL), GH_OK);
    assert_memory_equal(data, "\x89PNG", 4);
    free(data);
    assert_int_equal(gh_file_read(svg, 1 << 20, &data, &size, NULL), GH_OK);
    assert_non_null(strstr((const char *)data, "Title &lt;&amp;&gt;"));
    free(data);
    unlink(png);
    unlink(svg);
    rmdir(folder);
}

static void what_cannot_be_drawn_is_said(void **state)
{
    (void)state;
    struct gh_code_output output = {.png = "/dev/null/x.png"};
    struct gh_error err = {0};
    struct gh_bytes code = {(const uint8_t *)"A", 1};
    assert_int_not_equal(gh_code_output(&output, code, GH_QR_LOW, "", NULL, &err), GH_OK);
    assert_non_null(strstr(err.text, "/dev/null"));

    static uint8_t much[4000];
    err = (struct gh_error){0};
    code = (struct gh_bytes){much, sizeof(much)};
    assert_int_equal(gh_code_output(&output, code, GH_QR_HIGH, "", NULL, &err), GH_ERR_TOOBIG);
    assert_non_null(strstr(err.text, "4000 bytes"));
    err = (struct gh_error){0};
    code.size = 0;
    assert_int_equal(gh_code_output(&output, code, GH_QR_LOW, "", NULL, &err), GH_ERR_INVALID);
}

static void a_text_keeps_standard_output_for_itself(void **state)
{
    (void)state;
    assert_false(gh_code_output_is_elsewhere(&(struct gh_code_output){.png = "x", .text = true}));
    assert_false(gh_code_output_is_elsewhere(&(struct gh_code_output){0}));
    assert_true(gh_code_output_is_elsewhere(&(struct gh_code_output){.svg = "x"}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_symbol_is_400_to_600_pixels),
        cmocka_unit_test(control_characters_are_shown_as_question_marks),
        cmocka_unit_test(a_code_goes_where_the_options_say),
        cmocka_unit_test(what_cannot_be_drawn_is_said),
        cmocka_unit_test(a_text_keeps_standard_output_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
