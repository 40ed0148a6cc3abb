/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/thermometer_iio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"

#define MICRO INT64_C(1000000)
#define WHOLE_DIGITS 12
#define VALUE_BYTES 64 /* the longest that a sysfs file of ours holds */

/* --- numbers --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool gh_iio_parse(const char *text, int64_t *micro)
{
    bool negative = *text == '-';
    int64_t value = 0, unit = MICRO;

    if (*text == '-' || *text == '+')
        text++;
    if (!is_digit(*text))
        return false;
    for (int digits = 0; is_digit(*text); text++) {
        if (value != 0 || *text != '0')
            digits++;
        if (digits > WHOLE_DIGITS)
            return false;
        value = value * 10 + (*text - '0');
    }
    value *= MICRO;
    if (*text == '.' && is_digit(text[1])) {
        for (text++; is_digit(*text); text++) {
            unit /= 10;
            value += (*text - '0') * unit;
        }
    }
    if (*text == '\n')
        text++;
    *micro = negative ? -value : value;
    return *text == '\0';
}

/* (raw + offset) * scale, rounded, the half away from 0. false: it is beyond all that can be. */
static bool convert(int64_t raw_micro, int64_t offset_micro, int64_t scale_micro, int64_t *millic)
{
    const int64_t unit = MICRO * MICRO;
    int64_t product;

    /* Neither overflows: each is below 10^18. */
    if (__builtin_mul_overflow(raw_micro + offset_micro, scale_micro, &product))
        return false;
    int64_t half = product < 0 ? -unit / 2 : unit / 2;
    if (__builtin_add_overflow(product, half, &product))
        return false;
    *millic = product / unit;
    return true;
}

/* --- files --- */

/* The file's text, without what is behind VALUE_BYTES. An errno. */
static int read_text(const char *folder, const char *name, char text[VALUE_BYTES])
{
    char path[PATH_MAX];

    text[0] = '\0';
    if (gh_path_join(folder, name, path, sizeof(path)) != GH_OK)
        return ENAMETOOLONG;
    /* Whatever the name stands for, open does not wait. */
    GH_CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t got = read(fd, text, VALUE_BYTES - 1);
    if (got < 0)
        return errno;
    text[got] = '\0';
    return strlen(text) == (size_t)got ? 0 : EINVAL;
}

static bool is_missing(int error)
{
    return error == ENOENT || error == ENODEV || error == ENXIO || error == ENOTDIR;
}

static bool has(const char *folder, const char *name)
{
    char path[PATH_MAX];

    return gh_path_join(folder, name, path, sizeof(path)) == GH_OK && access(path, F_OK) == 0;
}

/* One of the two files, or `initial` if there is neither. */
static enum gh_status read_setting(const char *folder, const char *own, const char *shared,
                                   int64_t initial, int64_t *micro, struct gh_error *err)
{
    char text[VALUE_BYTES];
    const char *name = own;

    int error = read_text(folder, own, text);
    if (error == ENOENT)
        error = read_text(folder, name = shared, text);
    *micro = initial;
    if (error == ENOENT)
        return GH_OK;
    if (error != 0)
        return gh_fail(err, gh_status_from_errno(error), "%s/%s cannot be read: %s", folder, name,
                       strerror(error));
    if (!gh_iio_parse(text, micro))
        return gh_fail(err, GH_ERR_CORRUPT, "%s/%s is no number", folder, name);
    return GH_OK;
}

/* --- finding it --- */

static bool is_named(const char *folder, const char *sensor)
{
    char text[VALUE_BYTES];

    if (read_text(folder, "name", text) != 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return strcmp(text, sensor) == 0;
}

static enum gh_status find_by_name(const char *sensor, const char *root, char folder[PATH_MAX],
                                   struct gh_error *err)
{
    struct dirent **names = NULL;
    int count = scandir(root, &names, NULL, versionsort);
    bool found = false;

    for (int i = 0; i < count; i++) {
        if (!found && strncmp(names[i]->d_name, "iio:device", 10) == 0 &&
            gh_path_join(root, names[i]->d_name, folder, PATH_MAX) == GH_OK)
            found = is_named(folder, sensor);
        free(names[i]);
    }
    free(names);
    return found ? GH_OK
                 : gh_fail(err, GH_ERR_NOTFOUND, "no sensor called %.60s is there in %s", sensor,
                           root);
}

enum gh_status gh_iio_find(const char *sensor, const char *root, struct gh_iio *out,
                           struct gh_error *err)
{
    enum gh_status status = GH_OK;

    memset(out, 0, sizeof(*out));
    if (sensor[0] != '/')
        status = find_by_name(sensor, root, out->folder, err);
    else if (snprintf(out->folder, sizeof(out->folder), "%s", sensor) >= PATH_MAX)
        status = gh_fail(err, GH_ERR_INVALID, "the sensor's path is too long");
    else if (access(out->folder, F_OK) != 0)
        status = gh_fail(err, GH_ERR_NOTFOUND, "no sensor is there at %s", sensor);
    if (status != GH_OK)
        return status;
    out->scale_micro = MICRO;
    out->has_input = has(out->folder, "in_temp_object_input");
    if (out->has_input)
        return GH_OK;
    if (!has(out->folder, "in_temp_object_raw"))
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "%s has no in_temp_object_raw: it is no contactless thermometer",
                       out->folder);
    status = read_setting(out->folder, "in_temp_object_offset", "in_temp_offset", 0,
                          &out->offset_micro, err);
    if (status == GH_OK)
        status = read_setting(out->folder, "in_temp_object_scale", "in_temp_scale", MICRO,
                              &out->scale_micro, err);
    if (status == GH_OK && out->scale_micro == 0)
        status = gh_fail(err, GH_ERR_CORRUPT, "the scale of %s is 0", out->folder);
    return status;
}

/* --- reading it --- */

static enum gh_status check_range(int64_t millic, struct gh_error *err)
{
    int64_t size = millic < 0 ? -millic : millic;

    if (millic >= GH_IIO_MIN_MILLIC && millic <= GH_IIO_MAX_MILLIC)
        return GH_OK;
    return gh_fail(err, GH_ERR_RANGE,
                   "the sensor reads %s%" PRId64 ".%03" PRId64
                   " degrees, which cannot be: is it connected?",
                   millic < 0 ? "-" : "", size / 1000, size % 1000);
}

enum gh_status gh_iio_read(const struct gh_iio *iio, int64_t *millic, struct gh_error *err)
{
    const char *name = iio->has_input ? "in_temp_object_input" : "in_temp_object_raw";
    char text[VALUE_BYTES];
    int64_t micro;

    *millic = 0;
    int error = read_text(iio->folder, name, text);
    if (is_missing(error))
        return gh_fail(err, GH_ERR_GONE, "the sensor at %s has gone", iio->folder);
    if (error != 0)
        return gh_fail(err, GH_ERR_IO, "the sensor at %s does not answer: %s", iio->folder,
                       strerror(error));
    if (!gh_iio_parse(text, &micro))
        return gh_fail(err, GH_ERR_CORRUPT, "%s/%s is no number", iio->folder, name);
    if (!convert(micro, iio->offset_micro, iio->scale_micro, millic))
        return gh_fail(err, GH_ERR_RANGE, "the sensor at %s reads what cannot be", iio->folder);
    return check_range(*millic, err);
}
