/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a snapshot, with what was read as text. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_SNAPSHOT_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_SNAPSHOT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gatehouse/compress.h"
#include "list/snapshot.h"

/* --- what was read, as text --- */

struct seen {
    char text[4096];
    size_t size;
    uint64_t rows, further;
    enum gh_status status; /* of every row */
};

static inline void say(struct seen *seen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void say(struct seen *seen, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size =
        vsnprintf(seen->text + seen->size, sizeof(seen->text) - seen->size, format, arguments);
    va_end(arguments);
    seen->size += seen->size + (size_t)size < sizeof(seen->text) ? (size_t)size : 0;
}

static inline enum gh_status see(void *context, const struct gh_record *record)
{
    struct seen *seen = context;
    seen->rows++;
    seen->further += record->home_count > 0 ? record->home_count - 1 : 0;
    say(seen, "%d %llx", (int)record->kind, (unsigned long long)record->id);
    switch (record->kind) {
    case GH_RECORD_SUBJECT:
        say(seen, " %s", gh_colour_name(record->colour));
        for (size_t i = 0; i < record->home_count; i++)
            say(seen, " %llx", (unsigned long long)record->homes[i]);
        break;
    case GH_RECORD_RECALLED:
        say(seen, " %lld", (long long)record->before_s);
        break;
    case GH_RECORD_HASH:
        say(seen, " %02x%02x %lld", record->hash.data[0], record->hash.data[15],
            (long long)record->before_s);
        break;
    case GH_RECORD_HOLDER:
        say(seen, " %llx", (unsigned long long)record->subject);
        break;
    case GH_RECORD_KEY:
        say(seen, " %d %.*s", (int)record->key.purpose, (int)record->key.issuer.size,
            (const char *)record->key.issuer.data);
        break;
    default:
        break;
    }
    say(seen, "\n");
    return seen->status;
}

static inline int file_of(struct gh_bytes bytes)
{
    int fd = memfd_create("snapshot", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.size), (ssize_t)bytes.size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static inline enum gh_status read_file(struct gh_bytes bytes, struct seen *seen,
                                       struct gh_error *err)
{
    int fd = file_of(bytes);
    *seen = (struct seen){0};
    *err = (struct gh_error){0};
    enum gh_status status = gh_snapshot_read(fd, see, seen, NULL, err);
    assert_int_equal(err->status, status); /* the sentence belongs to the status */
    close(fd);
    return status;
}

static inline enum gh_status read_blocks(struct gh_bytes blocks, struct seen *seen,
                                         struct gh_error *err)
{
    struct gh_bytes frame = {0};
    uint8_t *data;
    assert_int_equal(gh_zstd_compress(blocks, &data, &frame.size), GH_OK);
    frame.data = data;
    enum gh_status status = read_file(frame, seen, err);
    free(data);
    return status;
}

static inline enum gh_status read_hex(const char *hex, struct seen *seen, struct gh_error *err)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = malloc(size + 1);
    assert_non_null(data);
    assert_int_equal(gh_hex_decode(hex, strlen(hex), data, size), GH_OK);
    enum gh_status status = read_blocks((struct gh_bytes){data, size}, seen, err);
    free(data);
    return status;
}

/* --- a list with all that there can be --- */

/* What write_all_kinds of test_snapshot.c writes, block by block, as docs/protocol.md says: another
 * program can read it. */
#define ZEROS_8 "0000000000000000"
static const char all_kinds[] = "830203"
                                "4c05a702dafdffffffffffff7f"
                                "850104"
                                "4e01018001fdfeffffffffffffff01"
                                "4401020301"
                                "4402000101"
                                "840303"
                                "43020001"
                                "43020303"
                                "830402"
                                "4b5a81808080808080808001"
                                "840502"
                                "420102"
                                "50feffffffffffffff705d5b5e00000000"
                                "840602"
                                "582001000000000000000000000000000000"
                                "01000000000000000000000000000007"
                                "50ffffffffffffff7f" ZEROS_8 "840702"
                                "420701"
                                "5001000000000000800100000000000000"
                                "8a08062648" ZEROS_8 "420102040506f460"
                                "8a08072648" ZEROS_8 "420102000506f46169"
                                "8a00020304030202020202";

#endif
