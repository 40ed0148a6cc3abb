/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli/output.h"

/* --- width
 * ---------------------------------------------------------------------------------------- */

/* The next code point; -1 for a byte that begins none. The C library could do it, but only in a
 * UTF-8 locale. */
static int32_t next_point(const char **at)
{
    const unsigned char *byte = (const unsigned char *)*at;
    int more = byte[0] < 0x80   ? 0
               : byte[0] < 0xC2 ? -1
               : byte[0] < 0xE0 ? 1
               : byte[0] < 0xF0 ? 2
               : byte[0] < 0xF5 ? 3
                                : -1;
    int32_t point = more <= 0 ? byte[0] : byte[0] & (0x3F >> more);
    for (int i = 1; i <= more; i++) {
        if ((byte[i] & 0xC0) != 0x80) { /* a NUL, too */
            more = -1;
            break;
        }
        point = point << 6 | (byte[i] & 0x3F);
    }
    *at += more < 0 ? 1 : more + 1;
    return more < 0 ? -1 : point;
}

int gh_text_width(const char *text)
{
    int width = 0;
    while (*text != 0) {
        int32_t point = next_point(&text);
        int cells = point < 0xA0 ? 1 : wcwidth((wchar_t)point); /* main has set a UTF-8 locale */
        width += cells >= 0 ? cells : 1;
    }
    return width;
}

/* --- table
 * ---------------------------------------------------------------------------------------- */

static void widen(struct gh_table *table, size_t column, const char *text)
{
    int width = gh_text_width(text);
    if (width > table->widths[column]) {
        table->widths[column] = width;
    }
}

void gh_table_init(struct gh_table *table, const char *const *headings, size_t columns)
{
    *table = (struct gh_table){.headings = headings, .columns = columns};
    for (size_t i = 0; i < columns; i++) {
        widen(table, i, headings[i]);
    }
}

static enum gh_status reserve(struct gh_table *table)
{
    size_t wanted = table->cell_count + table->columns;
    if (wanted <= table->cell_capacity) {
        return GH_OK;
    }
    char **bigger = realloc(table->cells, 2 * wanted * sizeof(*bigger));
    if (bigger == NULL) {
        return GH_ERR_NOMEM;
    }
    table->cells = bigger;
    table->cell_capacity = 2 * wanted;
    return GH_OK;
}

static void drop_cells(struct gh_table *table, size_t from)
{
    while (table->cell_count > from) {
        free(table->cells[--table->cell_count]);
    }
}

enum gh_status gh_table_add(struct gh_table *table, const char *const *cells)
{
    enum gh_status status = reserve(table);
    if (status != GH_OK) {
        return status;
    }
    size_t row = table->cell_count;
    for (size_t i = 0; i < table->columns; i++) {
        char *copy = strdup(cells[i] != NULL && cells[i][0] != 0 ? cells[i] : "-");
        if (copy == NULL) {
            drop_cells(table, row);
            return GH_ERR_NOMEM;
        }
        table->cells[table->cell_count++] = copy;
    }
    for (size_t i = 0; i < table->columns; i++) {
        widen(table, i, table->cells[row + i]);
    }
    return GH_OK;
}

static void print_row(const struct gh_table *table, const char *const *cells, FILE *stream)
{
    for (size_t i = 0; i < table->columns; i++) {
        gh_put_plain(cells[i], stream);
        if (i + 1 < table->columns) { /* nothing behind the last one */
            (void)fprintf(stream, "%*s", table->widths[i] - gh_text_width(cells[i]) + 2, "");
        }
    }
    (void)fputc('\n', stream);
}

void gh_table_print(struct gh_table *table, FILE *stream)
{
    if (!table->headings_printed) {
        print_row(table, table->headings, stream);
        table->headings_printed = 1;
    }
    for (size_t i = 0; i < table->cell_count; i += table->columns) {
        print_row(table, (const char *const *)table->cells + i, stream);
    }
    drop_cells(table, 0);
}

void gh_table_free(struct gh_table *table)
{
    drop_cells(table, 0);
    free(table->cells);
    *table = (struct gh_table){0};
}
