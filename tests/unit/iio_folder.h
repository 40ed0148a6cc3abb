/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as the kernel's sysfs has it for IIO devices. To be included after cmocka. */
#ifndef GATEHOUSE_TESTS_UNIT_IIO_FOLDER_H
#define GATEHOUSE_TESTS_UNIT_IIO_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static inline const char *iio_path(const char *device, const char *file)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s/%s", root, device, file);
    return path;
}

/* Whole or not at all, as an attribute of sysfs is read. */
static inline void iio_write(const char *device, const char *file, const char *text)
{
    char part[256];

    snprintf(part, sizeof(part), "%s/.part", root);
    FILE *stream = fopen(part, "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(rename(part, iio_path(device, file)), 0);
}

static inline void iio_remove(const char *device, const char *file)
{
    assert_int_equal(unlink(iio_path(device, file)), 0);
}

static inline void iio_device(const char *device, const char *name)
{
    assert_int_equal(mkdir(iio_path(device, ""), 0700), 0);
    iio_write(device, "name", name);
}

/* As Linux shows an MLX90614: offset and scale belong to both of its channels. */
static inline void iio_mlx90614(const char *device, const char *raw)
{
    iio_device(device, "mlx90614\n");
    iio_write(device, "in_temp_ambient_raw", "14811\n");
    iio_write(device, "in_temp_object_raw", raw);
    iio_write(device, "in_temp_offset", "-13657.500000\n");
    iio_write(device, "in_temp_scale", "20\n");
}

static inline int iio_setup(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/gatehouse-test-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static inline int iio_forget(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline int iio_teardown(void **state)
{
    (void)state;
    return nftw(root, iio_forget, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
