/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char *print(struct gh_table *table)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    gh_table_print(table, stream);
    fclose(stream);
    return text;
}

static void width_is_in_cells(void **state)
{
    (void)state;
    assert_int_equal(gh_text_width(""), 0);
    assert_int_equal(gh_text_width("North"), 5);
    assert_int_equal(gh_text_width("M\xc3\xbcller"), 6);
    assert_int_equal(gh_text_width("Mu\xcc\x88ller"), 6);           /* u and a combining mark */
    assert_int_equal(gh_text_width("\xe6\x9d\x8e\xe5\xa8\x9c"), 4); /* Li Na */
    assert_int_equal(gh_text_width("\xf0\x9f\x8f\xa0"), 2);         /* a house */
    assert_int_equal(gh_text_width("a\x1b[1m"), 5);                 /* shown as ?[1m */
    assert_int_equal(gh_text_width("\xc2\x9b"), 1);                 /* C1, shown as ? */
    assert_int_equal(gh_text_width("\xff\xfe"
                                   "a\xc3"),
                     4);                            /* no UTF-8 */
    assert_int_equal(gh_text_width("\xe6\x9d"), 2); /* cut off */
}

static void columns_are_aligned(void **state)
{
    (void)state;
    static const char *const headings[] = {"ID", "NAME", "N"};
    struct gh_table table;
    gh_table_init(&table, headings, 3);
    assert_int_equal(gh_table_add(&table, (const char *const[]){"1", "\xe6\x9d\x8e", "10"}), 0);
    assert_int_equal(gh_table_add(&table, (const char *const[]){"222", "", NULL}), 0);
    char *text = print(&table);
    assert_string_equal(text, "ID   NAME  N\n"
                              "1    \xe6\x9d\x8e    10\n"
                              "222  -     -\n");
    free(text);
    gh_table_free(&table);
}

static void later_rows_stand_below_earlier_ones(void **state)
{
    (void)state;
    static const char *const headings[] = {"A", "B"};
    struct gh_table table;
    gh_table_init(&table, headings, 2);
    assert_int_equal(gh_table_add(&table, (const char *const[]){"long one", "x"}), 0);
    free(print(&table));
    assert_int_equal(gh_table_add(&table, (const char *const[]){"s", "y"}), 0);
    char *text = print(&table);
    assert_string_equal(text, "s         y\n");
    free(text);
    text = print(&table);
    assert_string_equal(text, "");
    free(text);
    gh_table_free(&table);
}

static void a_name_cannot_command_the_terminal(void **state)
{
    (void)state;
    static const char *const headings[] = {"A", "B"};
    struct gh_table table;
    gh_table_init(&table, headings, 2);
    assert_int_equal(gh_table_add(&table, (const char *const[]){"\x1b]0;x\a\r\n", "\xc2\x9b\x7f"
                                                                                  "b"}),
                     0);
    char *text = print(&table);
    assert_string_equal(text, "A         B\n?]0;x???  ??b\n");
    free(text);
    gh_table_free(&table);
}

static void many_rows(void **state)
{
    (void)state;
    static const char *const headings[] = {"A"};
    struct gh_table table;
    gh_table_init(&table, headings, 1);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(gh_table_add(&table, (const char *const[]){"x"}), 0);
    }
    assert_int_equal(table.cell_count, 5000);
    gh_table_free(&table); /* without printing */
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* as main.c does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_is_in_cells),
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(later_rows_stand_below_earlier_ones),
        cmocka_unit_test(a_name_cannot_command_the_terminal),
        cmocka_unit_test(many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
