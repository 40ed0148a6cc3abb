/* SPDX-License-Identifier: Apache-2.0 */
/* What could have been meant by a line's name that a chip does not have. */
#ifndef GATEHOUSE_SRC_GATE_GPIO_HINT_H
#define GATEHOUSE_SRC_GATE_GPIO_HINT_H

#include "gate/gpio.h"

#define GH_GPIO_HINT_BYTES 112

/* Names that differ from it in case only, or in the number at their end: "GPIO0 to GPIO53". "":
 * there are none. */
void gh_gpio_hint_alike(struct gh_gpio_chip *chip, const char *name, char out[GH_GPIO_HINT_BYTES]);
/* Or else some names that it has: "RELAY1, RELAY2 and 6 more", "only lines without names". */
void gh_gpio_hint(struct gh_gpio_chip *chip, const char *name, char out[GH_GPIO_HINT_BYTES]);

#endif
