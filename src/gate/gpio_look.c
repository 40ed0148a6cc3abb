/* SPDX-License-Identifier: Apache-2.0 */
/* How the wired lines look from outside. */
#include <stdio.h>
#include <string.h>

#include "gate/gpio.h"

static void look_at_line(const struct gh_gpio_map *map, unsigned pin, struct gh_gpio_seen *seen)
{
    struct gh_gpio_line_info info;
    const struct gh_gpio_place *place = &map->places[pin];
    memcpy(seen->chip, map->chips[place->chip].seat.path, sizeof(seen->chip));
    memcpy(seen->label, map->chips[place->chip].seat.label, sizeof(seen->label));
    seen->offset = (int)place->offset;
    if (gh_gpio_chip_line(map->chips[place->chip].chip, place->offset, &info) != 0) {
        return;
    }
    memcpy(seen->line_name, info.name, sizeof(seen->line_name));
    if (!info.used) {
        return;
    }
    memcpy(seen->user, info.consumer, sizeof(seen->user));
    if (strcmp(seen->user, GH_GPIO_CONSUMER) != 0 && seen->wrong[0] == '\0') {
        snprintf(seen->wrong, sizeof(seen->wrong), "%s: line %d of %s is in use by %s", seen->what,
                 seen->offset, seen->chip,
                 seen->user[0] != '\0' ? seen->user : "something that gives no name");
    }
}

static void look_at(struct gh_gpio_map *map, unsigned pin, struct gh_gpio_seen *seen)
{
    struct gh_error err = {0};
    memset(seen, 0, sizeof(*seen));
    seen->what = gh_gpio_pin_name(pin);
    seen->offset = -1;
    memcpy(seen->name, gh_gpio_pin_line(map->wiring, pin)->name, sizeof(seen->name));
    if (gh_gpio_map_find(map, pin, &err) != GH_OK) {
        snprintf(seen->wrong, sizeof(seen->wrong), "%s", err.text);
    }
    if (map->places[pin].found) {
        look_at_line(map, pin, seen);
    }
}

void gh_door_gpio_look_in(const char *folder, const struct gh_gpio_wiring *wiring,
                          struct gh_gpio_look *out)
{
    struct gh_gpio_map map;
    gh_gpio_map_init(&map, folder, wiring);
    for (unsigned pin = 0; pin < GH_GPIO_PINS; pin++) {
        look_at(&map, pin,
                pin < GH_LINE_COUNT ? &out->lines[pin] : &out->inputs[pin - GH_LINE_COUNT]);
    }
    gh_gpio_map_close(&map);
}

void gh_door_gpio_look(const struct gh_gpio_wiring *wiring, struct gh_gpio_look *out)
{
    gh_door_gpio_look_in("/dev", wiring, out);
}
