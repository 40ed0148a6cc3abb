/* SPDX-License-Identifier: Apache-2.0 */
/* Between the two files of the fake V4L2 device. */
#ifndef GATEHOUSE_TESTS_FAKES_V4L2_FAKE_PARTS_H
#define GATEHOUSE_TESTS_FAKES_V4L2_FAKE_PARTS_H

#include "fakes/v4l2_fake.h"

#define FAKE_V4L2_OFFSET_STEP 0x100000 /* from one buffer to the next, for mmap */

/* Both return -1 and set errno; the first one also keeps what the caller did wrong. */
int fake_v4l2_violate(struct fake_v4l2 *fake, const char *what);
int fake_v4l2_refuse(int error);
bool fake_v4l2_any_mapped(const struct fake_v4l2 *fake);
/* The ioctl itself, of a device that is there. */
int fake_v4l2_do(struct fake_v4l2 *fake, unsigned long request, void *arg);

#endif
