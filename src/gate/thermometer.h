/* SPDX-License-Identifier: Apache-2.0 */
/* A contactless thermometer: one of the kernel's IIO temperature sensors (mlx90614: its object
 * channel), see thermometer_iio.h. One thread, which samples it and hands on what looks like
 * somebody's forehead or wrist: five times a second while somebody is in front of it, else twice.
 */
#ifndef GATEHOUSE_SRC_GATE_THERMOMETER_H
#define GATEHOUSE_SRC_GATE_THERMOMETER_H

#include "gate/queue.h"
#include "gatehouse/clock.h"

struct gh_thermometer; /* opaque */

/* Somebody is in front of it: from there on (or from where the options say), up to what is no body
 * any more. */
#define GH_BODY_MIN_MILLIC 30000
#define GH_BODY_LEAST_MAX_MILLIC 36000
#define GH_BODY_MAX_MILLIC 45000

struct gh_temperature_reading {
    int64_t at_ns; /* monotonic */
    int64_t millic;
};
struct gh_thermometer_options {
    const char *sensor;    /* borrowed, like all pointers here: a folder of sysfs, or the name of an
                              IIO device ("mlx90614") */
    const char *iio_root;  /* "/sys/bus/iio/devices"; tests have another one */
    int64_t offset_millic; /* added to what is read: skin is cooler than the body */
    int64_t least_millic; /* below is nobody, the offset included: GH_BODY_MIN_MILLIC, or more where
                             what it sees behind people is that warm; up to the maximum above */
    const struct gh_clock *clock;
    struct gh_queue *readings; /* of struct gh_temperature_reading */
};
/* A sensor that is missing or reads nonsense (-273.15, nothing) is said once and tried again; so is
 * one that has read nothing but bodies for GH_BODY_ALWAYS_S, where nobody can be told from the next
 * one. */
#define GH_BODY_ALWAYS_S 600
#define GH_THERMOMETER_SILENT_S 5 /* without a word of the sensor: it does not answer */
GH_MUST_CHECK enum gh_status gh_thermometer_start(const struct gh_thermometer_options *options,
                                                  struct gh_thermometer **out,
                                                  struct gh_error *err);
struct gh_thermometer_state {
    bool reads;
    int64_t millic; /* what it read last, the offset included; 0 when it does not */
    char trouble[GH_ERROR_TEXT_BYTES]; /* what is wrong; "": nothing, or it was not asked yet */
};
/* Any thread. */
struct gh_thermometer_state gh_thermometer_look(struct gh_thermometer *thermometer);
void gh_thermometer_stop(struct gh_thermometer *thermometer); /* NULL is fine */

/* For --check: look for it, read it once, say in `says` what it measures and where it is. Errors
 * are those of gh_iio_find and gh_iio_read, a sentence in err. */
#define GH_THERMOMETER_SAYS_BYTES 160
GH_MUST_CHECK enum gh_status gh_thermometer_check(const struct gh_thermometer_options *options,
                                                  char says[GH_THERMOMETER_SAYS_BYTES],
                                                  struct gh_error *err);

#endif
