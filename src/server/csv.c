/* SPDX-License-Identifier: Apache-2.0 */
#include "server/csv.h"

#include <string.h>

void gh_csv_open(struct gh_csv_reader *reader, struct gh_bytes input)
{
    if (input.size >= 3 && memcmp(input.data, "\xEF\xBB\xBF", 3) == 0) {
        input.data += 3;
        input.size -= 3;
    }
    reader->rest = input;
    reader->line = 1;
    reader->used = 0;
}

/* The next byte, or -1 at the end. */
static int peek(const struct gh_csv_reader *reader)
{
    return reader->rest.size > 0 ? reader->rest.data[0] : -1;
}

static int take(struct gh_csv_reader *reader)
{
    int byte = peek(reader);
    if (byte >= 0) {
        reader->rest.data++;
        reader->rest.size--;
        reader->line += byte == '\n';
    }
    return byte;
}

static bool keep(struct gh_csv_reader *reader, int byte)
{
    if (reader->used >= GH_CSV_RECORD_MAX_BYTES)
        return false;
    reader->scratch[reader->used++] = (char)byte;
    return true;
}

static const char *quoted_field(struct gh_csv_reader *reader)
{
    (void)take(reader);
    while (true) {
        int byte = take(reader);
        if (byte < 0)
            return "a quote is never closed";
        if (byte == '"') {
            if (peek(reader) != '"')
                break;
            (void)take(reader);
        }
        if (!keep(reader, byte))
            return "the record is too long";
    }
    int after = peek(reader);
    if (after != ',' && after != '\n' && after != '\r' && after >= 0)
        return "text behind a closing quote";
    return NULL;
}

static const char *plain_field(struct gh_csv_reader *reader)
{
    int byte;
    while ((byte = peek(reader)) >= 0 && byte != ',' && byte != '\n' && byte != '\r') {
        if (byte == '"')
            return "a quote inside an unquoted field";
        if (!keep(reader, take(reader)))
            return "the record is too long";
    }
    return NULL;
}

static const char *field(struct gh_csv_reader *reader, struct gh_csv_record *record)
{
    size_t begin = reader->used;
    const char *problem = peek(reader) == '"' ? quoted_field(reader) : plain_field(reader);
    size_t size = reader->used - begin;
    if (problem != NULL)
        return problem;
    if (!gh_utf8_valid(reader->scratch + begin, size))
        return "bytes that are not UTF-8";
    if (record->count < GH_CSV_FIELDS_MAX) {
        record->fields[record->count] = reader->scratch + begin;
        record->sizes[record->count] = size;
        reader->scratch[reader->used++] = '\0'; /* one a field: there is room for these beyond */
    } else {
        reader->used = begin;
    }
    record->count++;
    return NULL;
}

static enum gh_status broken(struct gh_csv_reader *reader, const char **problem, const char *what)
{
    int byte;
    do
        byte = take(reader);
    while (byte >= 0 && byte != '\n');
    *problem = what;
    return GH_ERR_CORRUPT;
}

enum gh_status gh_csv_next(struct gh_csv_reader *reader, struct gh_csv_record *record,
                           const char **problem)
{
    record->line = reader->line;
    record->count = 0;
    reader->used = 0;
    *problem = NULL;
    if (peek(reader) < 0)
        return GH_ERR_END;
    while (true) {
        const char *what = field(reader, record);
        if (what != NULL)
            return broken(reader, problem, what);
        int byte = take(reader);
        if (byte == ',')
            continue;
        if (byte == '\r' && take(reader) != '\n')
            return broken(reader, problem, "a carriage return without a line feed");
        return GH_OK;
    }
}
