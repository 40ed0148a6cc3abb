/* SPDX-License-Identifier: Apache-2.0 */
/* The shim's log, read again; and what all these tools need. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chaos/disk.h"

void chaos_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

void chaos_remove(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        chaos_die("cannot remove %s: %s", path, strerror(errno));
}

struct shim_reader {
    FILE *stream;
    char names[2 * PATH_MAX + 2];
    uint8_t *data;
};

struct shim_reader *shim_reader_open(const char *path)
{
    struct shim_reader *reader = calloc(1, sizeof(*reader));
    if (reader != NULL)
        reader->stream = fopen(path, "rb");
    if (reader == NULL || reader->stream == NULL)
        chaos_die("cannot read %s: %s", path, strerror(errno));
    return reader;
}

bool shim_reader_next(struct shim_reader *reader, struct shim_record *record, const char **name,
                      const char **second, const uint8_t **data)
{
    char *names = reader->names;
    if (fread(record, sizeof(*record), 1, reader->stream) != 1)
        return false;
    if (record->magic != SHIM_MAGIC || record->name_bytes >= PATH_MAX ||
        record->second_bytes >= PATH_MAX)
        chaos_die("the log makes no sense");
    uint8_t *bigger = realloc(reader->data, (size_t)record->data_bytes + 1);
    if (bigger == NULL)
        chaos_die("no memory");
    reader->data = bigger;
    if (fread(names, 1, record->name_bytes, reader->stream) != record->name_bytes ||
        fread(names + PATH_MAX, 1, record->second_bytes, reader->stream) != record->second_bytes ||
        fread(reader->data, 1, record->data_bytes, reader->stream) != record->data_bytes)
        return false;
    names[record->name_bytes] = '\0';
    names[PATH_MAX + record->second_bytes] = '\0';
    *name = names;
    *second = names + PATH_MAX;
    *data = reader->data;
    return true;
}

void shim_reader_close(struct shim_reader *reader)
{
    fclose(reader->stream);
    free(reader->data);
    free(reader);
}
