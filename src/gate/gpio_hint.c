/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gpio_hint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN 3

static bool line_name(struct gh_gpio_chip *chip, unsigned offset, char name[GH_GPIO_NAME_BYTES])
{
    struct gh_gpio_line_info info;
    if (gh_gpio_chip_line(chip, offset, &info) != 0 || info.name[0] == '\0') {
        return false;
    }
    memcpy(name, info.name, sizeof(info.name));
    return true;
}

/* Where the number at the end begins. */
static size_t stem(const char *name)
{
    size_t size = strlen(name);
    while (size > 0 && name[size - 1] >= '0' && name[size - 1] <= '9') {
        size--;
    }
    return size;
}

struct range {
    unsigned count;
    unsigned long low, high;
    char first[GH_GPIO_NAME_BYTES], last[GH_GPIO_NAME_BYTES];
};

static void widen(struct range *range, const char name[GH_GPIO_NAME_BYTES])
{
    unsigned long number = strtoul(name + stem(name), NULL, 10);
    if (range->count == 0 || number < range->low) {
        range->low = number;
        memcpy(range->first, name, sizeof(range->first));
    }
    if (range->count == 0 || number > range->high) {
        range->high = number;
        memcpy(range->last, name, sizeof(range->last));
    }
    range->count++;
}

void gh_gpio_hint_alike(struct gh_gpio_chip *chip, const char *name, char out[GH_GPIO_HINT_BYTES])
{
    struct range range = {0};
    char has[GH_GPIO_NAME_BYTES];
    unsigned count = gh_gpio_chip_line_count(chip);
    for (unsigned offset = 0; offset < count; offset++) {
        if (!line_name(chip, offset, has)) {
            continue;
        }
        if (strcasecmp(has, name) == 0) {
            snprintf(out, GH_GPIO_HINT_BYTES, "%s", has);
            return;
        }
        if (stem(has) == stem(name) && strncasecmp(has, name, stem(name)) == 0) {
            widen(&range, has);
        }
    }
    if (range.count == 0) {
        out[0] = '\0';
    } else if (range.low == range.high) {
        snprintf(out, GH_GPIO_HINT_BYTES, "%s", range.first);
    } else {
        snprintf(out, GH_GPIO_HINT_BYTES, "%s to %s", range.first, range.last);
    }
}

void gh_gpio_hint(struct gh_gpio_chip *chip, const char *name, char out[GH_GPIO_HINT_BYTES])
{
    char has[GH_GPIO_NAME_BYTES];
    unsigned named = 0, count = gh_gpio_chip_line_count(chip);
    size_t size = 0;
    gh_gpio_hint_alike(chip, name, out);
    if (out[0] != '\0') {
        return;
    }
    for (unsigned offset = 0; offset < count; offset++) {
        /* SHOWN names of the kernel's length fit. */
        if (line_name(chip, offset, has) && named++ < SHOWN) {
            size += (size_t)snprintf(out + size, GH_GPIO_HINT_BYTES - size, "%s%s",
                                     size > 0 ? ", " : "", has);
        }
    }
    if (named == 0 && count > 0) {
        snprintf(out, GH_GPIO_HINT_BYTES, "only lines without names");
    } else if (named > SHOWN) {
        snprintf(out + size, GH_GPIO_HINT_BYTES - size, " and %u more", named - SHOWN);
    }
}
