/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of its own for one file, which is not there yet. Include it after
 * cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_ONE_FILE_H
#define GATEHOUSE_TESTS_UNIT_ONE_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64], path[128];

static inline int make_folder_for(const char *name)
{
    snprintf(folder, sizeof(folder), "/tmp/gatehouse-test-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return 0;
}

/* For cmocka. Nothing else may be left there. */
static inline int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static inline void write_file(const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

#endif
