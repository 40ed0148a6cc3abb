/* SPDX-License-Identifier: Apache-2.0 */
/* A temperature sensor of the kernel's IIO subsystem, by its files in sysfs (Documentation/ABI/
 * testing/sysfs-bus-iio): in_temp_object_input, or (in_temp_object_raw + offset) * scale, both in
 * milli degrees Celsius. Offset and scale are in_temp_object_offset and _scale, or in_temp_offset
 * and in_temp_scale where all channels share them, as those of the mlx90614 do. */
#ifndef GATEHOUSE_SRC_GATE_THERMOMETER_IIO_H
#define GATEHOUSE_SRC_GATE_THERMOMETER_IIO_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/status.h"

/* What no forehead has, and no sensor for them measures; below are -273.15 and its like. */
#define GH_IIO_MIN_MILLIC (-70000)
#define GH_IIO_MAX_MILLIC 400000

struct gh_iio {
    char folder[PATH_MAX];
    bool has_input;
    int64_t offset_micro, scale_micro; /* millionths of what their files say */
};

/* sensor: the device's folder, or its name (the file `name`; of several the first) in a folder
 * below root. GH_ERR_NOTFOUND: it is not there; GH_ERR_UNSUPPORTED: it measures no temperature of
 * an object; GH_ERR_CORRUPT: offset or scale are no numbers. */
GH_MUST_CHECK enum gh_status gh_iio_find(const char *sensor, const char *root, struct gh_iio *out,
                                         struct gh_error *err);
/* GH_ERR_RANGE: it reads what cannot be, which *millic says for what it is worth; GH_ERR_CORRUPT:
 * no number; GH_ERR_GONE: its file is not there any more; GH_ERR_IO: the sensor does not answer. */
GH_MUST_CHECK enum gh_status gh_iio_read(const struct gh_iio *iio, int64_t *millic,
                                         struct gh_error *err);

/* "-13657.500000\n": millionths, what is behind the sixth place cut off. false: it is no number, or
 * not below a million million. */
bool gh_iio_parse(const char *text, int64_t *micro);

#endif
