/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines on which chips: at the start, and again when a chip has come back. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/gpio.h"
#include "gate/gpio_hint.h"
#include "gatehouse/bytes.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

/* --- pins --- */

const char *gh_gpio_pin_name(unsigned pin)
{
    return pin < GH_LINE_COUNT ? gh_line_name((enum gh_line)pin)
                               : gh_input_name((enum gh_input)(pin - GH_LINE_COUNT));
}

const struct gh_gpio_line *gh_gpio_pin_line(const struct gh_gpio_wiring *wiring, unsigned pin)
{
    return pin < GH_LINE_COUNT ? &wiring->lines[pin] : &wiring->inputs[pin - GH_LINE_COUNT];
}

void gh_gpio_pins_text(unsigned pins, char text[GH_GPIO_PINS_BYTES])
{
    size_t size = 0;
    text[0] = '\0';
    for (unsigned pin = 0; pin < GH_GPIO_PINS; pin++) {
        if ((pins & 1u << pin) != 0 && size < GH_GPIO_PINS_BYTES) {
            size += (size_t)snprintf(text + size, GH_GPIO_PINS_BYTES - size, "%s%s",
                                     size > 0 ? ", " : "", gh_gpio_pin_name(pin));
        }
    }
}

/* A line is given by its offset when its text is a number. */
static bool is_offset(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* --- chips --- */

static int is_chip_name(const struct dirent *entry)
{
    return strncmp(entry->d_name, "gpiochip", 8) == 0;
}

static void free_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

static enum gh_status open_chip(const char *path, struct gh_gpio_chip **out, struct gh_error *err)
{
    *out = gh_gpio_chip_open(path);
    if (*out == NULL) {
        int saved_errno = errno;
        /* The library says so of a file that is not a GPIO chip. */
        bool none = saved_errno == ENODEV || saved_errno == ENOTTY || saved_errno == ENXIO;
        return gh_fail(err, none ? GH_ERR_NOTFOUND : gh_status_from_errno(saved_errno),
                       "cannot open GPIO chip %s: %s", path, strerror(saved_errno));
    }
    return GH_OK;
}

void gh_gpio_map_init(struct gh_gpio_map *map, const char *folder,
                      const struct gh_gpio_wiring *wiring)
{
    memset(map, 0, sizeof(*map));
    map->folder = folder;
    map->wiring = wiring;
}

void gh_gpio_map_close(struct gh_gpio_map *map)
{
    for (unsigned i = 0; i < map->chip_count; i++) {
        gh_gpio_chip_close(map->chips[i].chip);
    }
    map->chip_count = 0;
}

/* The index of the chip in the map; there is room for one more than there are pins before this. */
static enum gh_status map_chip(struct gh_gpio_map *map, const char *path, unsigned *index,
                               struct gh_error *err)
{
    for (*index = 0; *index < map->chip_count; ++*index) {
        if (strcmp(map->chips[*index].seat.path, path) == 0) {
            return GH_OK;
        }
    }
    struct gh_gpio_chip *chip;
    enum gh_status status = open_chip(path, &chip, err);
    if (status == GH_OK) {
        struct gh_gpio_seat *seat = &map->chips[*index].seat;
        snprintf(seat->path, sizeof(seat->path), "%s", path);
        gh_gpio_chip_label(chip, seat->label);
        seat->line_count = gh_gpio_chip_line_count(chip);
        map->chips[*index].chip = chip;
        map->chip_count++;
    }
    return status;
}

static void drop_chip(struct gh_gpio_map *map, unsigned index)
{
    gh_gpio_chip_close(map->chips[index].chip);
    map->chip_count = index; /* it was the last */
}

/* --- where a pin is --- */

/* GH_ERR_NOTFOUND, without words: it is not on this chip. */
static enum gh_status find_name(struct gh_gpio_map *map, unsigned index, unsigned pin,
                                struct gh_error *err)
{
    int offset =
        gh_gpio_chip_find(map->chips[index].chip, gh_gpio_pin_line(map->wiring, pin)->name);
    if (offset >= 0) {
        map->places[pin] =
            (struct gh_gpio_place){.found = true, .chip = index, .offset = (unsigned)offset};
        return GH_OK;
    }
    if (errno == ENOENT) {
        return GH_ERR_NOTFOUND;
    }
    int saved_errno = errno;
    return gh_fail(err, gh_status_from_errno(saved_errno), "%s: cannot read the lines of %s: %s",
                   gh_gpio_pin_name(pin), map->chips[index].seat.path, strerror(saved_errno));
}

static enum gh_status find_number(struct gh_gpio_map *map, unsigned index, unsigned pin,
                                  struct gh_error *err)
{
    const char *name = gh_gpio_pin_line(map->wiring, pin)->name;
    errno = 0;
    unsigned long offset = strtoul(name, NULL, 10);
    unsigned count = gh_gpio_chip_line_count(map->chips[index].chip);
    if (errno != 0 || offset >= count) {
        return gh_fail(err, GH_ERR_NOTFOUND, "%s: %s has %u lines, none is number %s",
                       gh_gpio_pin_name(pin), map->chips[index].seat.path, count, name);
    }
    map->places[pin] =
        (struct gh_gpio_place){.found = true, .chip = index, .offset = (unsigned)offset};
    return GH_OK;
}

/* 1: the chip at this path has the label; 0: another one; -1: it may not be opened. */
static int has_label(const char *path, const char *label)
{
    char its_label[GH_GPIO_NAME_BYTES];
    struct gh_gpio_chip *chip = gh_gpio_chip_open(path);
    if (chip == NULL) {
        return errno == EACCES || errno == EPERM ? -1 : 0;
    }
    gh_gpio_chip_label(chip, its_label);
    gh_gpio_chip_close(chip);
    return strcmp(its_label, label) == 0;
}

/* A chip may have two names (gpiochip4 is a link on a Raspberry Pi 5). */
static bool is_same_file(const char *path, const char *other)
{
    char real[PATH_MAX], other_real[PATH_MAX];
    return realpath(path, real) != NULL && realpath(other, other_real) != NULL &&
           strcmp(real, other_real) == 0;
}

/* What a chip is called stays the same, whatever number it gets when it is plugged in again. */
static enum gh_status find_label(const struct gh_gpio_map *map, const char *label,
                                 char found[GH_GPIO_PATH_BYTES], struct gh_error *err)
{
    struct dirent **names = NULL;
    char path[GH_GPIO_PATH_BYTES];
    bool denied = false, twice = false;
    int count = scandir(map->folder, &names, is_chip_name, versionsort);
    found[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (gh_path_join(map->folder, names[i]->d_name, path, sizeof(path)) != GH_OK) {
            continue;
        }
        int has = has_label(path, label);
        denied = denied || has < 0;
        if (has > 0 && found[0] == '\0') {
            memcpy(found, path, sizeof(path));
        } else if (has > 0 && !is_same_file(found, path)) {
            twice = true;
        }
    }
    free_names(names, count);
    if (twice) {
        return gh_fail(err, GH_ERR_INVALID, "several GPIO chips are called %s", label);
    }
    if (found[0] == '\0') {
        return gh_fail(err, denied ? GH_ERR_DENIED : GH_ERR_NOTFOUND, "no GPIO chip is called %s%s",
                       label, denied ? ", but not all may be opened" : "");
    }
    return GH_OK;
}

static enum gh_status path_of_chip(const struct gh_gpio_map *map, char path[GH_GPIO_PATH_BYTES],
                                   struct gh_error *err)
{
    const char *chip = map->wiring->chip;
    if (strchr(chip, '/') != NULL) {
        snprintf(path, GH_GPIO_PATH_BYTES, "%s", chip);
        return GH_OK;
    }
    if (gh_path_join(map->folder, chip, path, GH_GPIO_PATH_BYTES) != GH_OK) {
        return gh_fail(err, GH_ERR_INVALID, "the GPIO chip's name is too long");
    }
    return strncmp(chip, "gpiochip", 8) == 0 || access(path, F_OK) == 0
               ? GH_OK
               : find_label(map, chip, path, err);
}

static enum gh_status find_on_one(struct gh_gpio_map *map, unsigned pin, struct gh_error *err)
{
    char path[GH_GPIO_PATH_BYTES];
    unsigned index;
    const char *name = gh_gpio_pin_line(map->wiring, pin)->name;
    enum gh_status status = path_of_chip(map, path, err);
    if (status == GH_OK) {
        status = map_chip(map, path, &index, err);
    }
    if (status != GH_OK) {
        return status;
    }
    if (is_offset(name)) {
        return find_number(map, index, pin, err);
    }
    status = find_name(map, index, pin, err);
    if (status == GH_ERR_NOTFOUND) {
        char hint[GH_GPIO_HINT_BYTES];
        gh_gpio_hint(map->chips[index].chip, name, hint);
        return gh_fail(err, GH_ERR_NOTFOUND, "%s: %s has no line named %s%s%s",
                       gh_gpio_pin_name(pin), path, name, hint[0] != '\0' ? "; it has " : "", hint);
    }
    return status;
}

/* How a search over all chips went. */
struct search {
    int chips;
    bool denied;                   /* one of them may not be opened */
    char hint[GH_GPIO_HINT_BYTES]; /* names like the one that is missing, */
    char where[NAME_MAX + 1];      /* on this chip */
};

/* As find_name; a chip that cannot be opened does not have it. */
static enum gh_status find_on_next(struct gh_gpio_map *map, unsigned pin, const char *chip,
                                   struct search *search, struct gh_error *err)
{
    char path[GH_GPIO_PATH_BYTES];
    unsigned index, before = map->chip_count;
    if (gh_path_join(map->folder, chip, path, sizeof(path)) != GH_OK) {
        return GH_ERR_NOTFOUND;
    }
    enum gh_status status = map_chip(map, path, &index, NULL);
    if (status != GH_OK) {
        search->denied = search->denied || status == GH_ERR_DENIED;
        return GH_ERR_NOTFOUND;
    }
    status = find_name(map, index, pin, err);
    if (status == GH_ERR_NOTFOUND && search->hint[0] == '\0') {
        gh_gpio_hint_alike(map->chips[index].chip, gh_gpio_pin_line(map->wiring, pin)->name,
                           search->hint);
        snprintf(search->where, sizeof(search->where), "%s", chip);
    }
    if (status != GH_OK && map->chip_count > before) {
        drop_chip(map, index);
    }
    return status;
}

static enum gh_status nowhere(const char *what, const char *name, const struct search *search,
                              struct gh_error *err)
{
    if (search->denied) {
        return gh_fail(err, GH_ERR_DENIED,
                       "%s: no line named %s on the GPIO chips that may be opened, others may not",
                       what, name);
    }
    bool hint = search->hint[0] != '\0';
    return gh_fail(err, GH_ERR_NOTFOUND, "%s: none of %d GPIO chips has a line named %s%s%s%s%s",
                   what, search->chips, name, hint ? "; " : "", hint ? search->where : "",
                   hint ? " has " : "", search->hint);
}

/* The first chip that has the name is taken, and always in the same order: a chip that has two
 * names (gpiochip4 is a link on a Raspberry Pi 5) is never had twice. */
static enum gh_status find_on_all(struct gh_gpio_map *map, unsigned pin, struct gh_error *err)
{
    const char *name = gh_gpio_pin_line(map->wiring, pin)->name;
    if (is_offset(name)) {
        return gh_fail(err, GH_ERR_INVALID, "%s: line number %s needs the name of its chip",
                       gh_gpio_pin_name(pin), name);
    }
    struct dirent **names = NULL;
    struct search search = {.chips = scandir(map->folder, &names, is_chip_name, versionsort)};
    if (search.chips < 0) {
        int saved_errno = errno;
        return gh_fail(err, gh_status_from_errno(saved_errno), "cannot read %s: %s", map->folder,
                       strerror(saved_errno));
    }
    enum gh_status status = GH_ERR_NOTFOUND;
    for (int i = 0; i < search.chips && status == GH_ERR_NOTFOUND; i++) {
        status = find_on_next(map, pin, names[i]->d_name, &search, err);
    }
    free_names(names, search.chips);
    return status == GH_ERR_NOTFOUND ? nowhere(gh_gpio_pin_name(pin), name, &search, err) : status;
}

static enum gh_status check_unused(const struct gh_gpio_map *map, unsigned pin,
                                   struct gh_error *err)
{
    const struct gh_gpio_place *place = &map->places[pin];
    for (unsigned other = 0; other < GH_GPIO_PINS; other++) {
        const struct gh_gpio_place *taken = &map->places[other];
        if (other != pin && taken->found && taken->chip == place->chip &&
            taken->offset == place->offset) {
            return gh_fail(err, GH_ERR_INVALID, "%s and %s are both wired to line %u of %s",
                           gh_gpio_pin_name(other), gh_gpio_pin_name(pin), place->offset,
                           map->chips[place->chip].seat.path);
        }
    }
    return GH_OK;
}

enum gh_status gh_gpio_map_find(struct gh_gpio_map *map, unsigned pin, struct gh_error *err)
{
    if (gh_gpio_pin_line(map->wiring, pin)->name[0] == '\0') {
        return GH_OK;
    }
    enum gh_status status =
        map->wiring->chip[0] == '\0' ? find_on_all(map, pin, err) : find_on_one(map, pin, err);
    return status == GH_OK ? check_unused(map, pin, err) : status;
}

enum gh_status gh_gpio_refused(const char *path, struct gh_gpio_chip *chip, unsigned pin,
                               unsigned offset, int error, struct gh_error *err)
{
    struct gh_gpio_line_info info;
    if (error == EBUSY && gh_gpio_chip_line(chip, offset, &info) == 0 && info.used) {
        return gh_fail(err, GH_ERR_BUSY, "%s: line %u of %s is in use by %s", gh_gpio_pin_name(pin),
                       offset, path,
                       info.consumer[0] != '\0' ? info.consumer : "something that gives no name");
    }
    return gh_fail(err, gh_status_from_errno(error), "%s: cannot have line %u of %s: %s",
                   gh_gpio_pin_name(pin), offset, path, strerror(error));
}

/* --- a chip that comes back --- */

/* 64: it has no number, or one that is not kept count of. */
static unsigned chip_number(const char *name)
{
    const char *digits = name + strlen("gpiochip");
    if (!is_offset(digits) || strlen(digits) > 2) {
        return 64;
    }
    unsigned long number = strtoul(digits, NULL, 10);
    return number < 64 ? (unsigned)number : 64;
}

static bool is_ours(const struct gh_gpio_map *map, const char *name)
{
    char path[GH_GPIO_PATH_BYTES], real[PATH_MAX], ours[PATH_MAX];
    if (gh_path_join(map->folder, name, path, sizeof(path)) != GH_OK ||
        realpath(path, real) == NULL) {
        return false;
    }
    for (unsigned i = 0; i < map->chip_count; i++) {
        if (realpath(map->chips[i].seat.path, ours) != NULL && strcmp(real, ours) == 0) {
            return true;
        }
    }
    return false;
}

uint64_t gh_gpio_map_strangers(const struct gh_gpio_map *map)
{
    uint64_t strangers = 0;
    struct dirent **names = NULL;
    int count = scandir(map->folder, &names, is_chip_name, versionsort);
    for (int i = 0; i < count; i++) {
        unsigned number = chip_number(names[i]->d_name);
        if (number < 64 && !is_ours(map, names[i]->d_name)) {
            strangers |= UINT64_C(1) << number;
        }
    }
    free_names(names, count);
    return strangers;
}

static bool has_pins(const struct gh_gpio_world *world, struct gh_gpio_chip *chip, unsigned pins,
                     unsigned offsets[GH_GPIO_PINS])
{
    for (unsigned pin = 0; pin < GH_GPIO_PINS; pin++) {
        const char *name = gh_gpio_pin_line(world->wiring, pin)->name;
        if ((pins & 1u << pin) == 0) {
            continue;
        }
        if (is_offset(name)) {
            offsets[pin] = (unsigned)strtoul(name, NULL, 10); /* there are as many as before */
            continue;
        }
        int offset = gh_gpio_chip_find(chip, name);
        if (offset < 0) {
            return false;
        }
        offsets[pin] = (unsigned)offset;
    }
    return true;
}

static struct gh_gpio_chip *try_again(const struct gh_gpio_world *world, const char *path,
                                      const struct gh_gpio_seat *seat, unsigned pins,
                                      unsigned offsets[GH_GPIO_PINS])
{
    char its_label[GH_GPIO_NAME_BYTES];
    struct gh_gpio_chip *chip = gh_gpio_chip_open(path);
    if (chip == NULL) {
        return NULL;
    }
    gh_gpio_chip_label(chip, its_label);
    if (strcmp(its_label, seat->label) != 0 || gh_gpio_chip_line_count(chip) != seat->line_count ||
        !has_pins(world, chip, pins, offsets)) {
        gh_gpio_chip_close(chip);
        return NULL;
    }
    return chip;
}

struct gh_gpio_chip *gh_gpio_find_again(const struct gh_gpio_world *world,
                                        struct gh_gpio_seat *seat, unsigned pins,
                                        unsigned offsets[GH_GPIO_PINS])
{
    struct dirent **names = NULL;
    struct gh_gpio_chip *chip = try_again(world, seat->path, seat, pins, offsets);
    int count = chip != NULL ? 0 : scandir(world->folder, &names, is_chip_name, versionsort);
    for (int i = 0; i < count && chip == NULL; i++) {
        char path[GH_GPIO_PATH_BYTES];
        unsigned number = chip_number(names[i]->d_name);
        bool stranger = number < 64 && (world->strangers >> number & 1) != 0;
        if (!stranger &&
            gh_path_join(world->folder, names[i]->d_name, path, sizeof(path)) == GH_OK) {
            chip = try_again(world, path, seat, pins, offsets);
        }
        if (chip != NULL) {
            memcpy(seat->path, path, sizeof(seat->path));
        }
    }
    free_names(names, count);
    return chip;
}

void gh_gpio_came_back(const struct gh_gpio_world *world, const struct gh_gpio_seat *seat)
{
    struct gh_gpio_map map;
    struct gh_error err = {0};
    enum gh_status status = GH_OK;
    gh_gpio_map_init(&map, world->folder, world->wiring);
    for (unsigned pin = 0; pin < GH_GPIO_PINS && status == GH_OK; pin++) {
        status = gh_gpio_map_find(&map, pin, &err);
    }
    gh_gpio_map_close(&map);
    if (status == GH_OK) {
        atomic_store(world->outgrown, true);
    } else {
        gh_log(GH_LOG_ERR, "door",
               "GPIO chip %s has another number now, and would not be found at a start (%s): name "
               "it by its label in the configuration, chip = %s",
               seat->path, err.text, seat->label);
    }
}
