/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines on which chips: what both libgpiod interfaces have in common. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gpio.h"
#include "gatehouse/bytes.h"
#include "gatehouse/file.h"

/* One chip of which we have lines. */
struct part {
    struct gh_gpio_chip *chip;
    char path[PATH_MAX];
    struct gh_gpio_set set;
    struct gh_gpio_request *request; /* NULL until it is ours */
};

struct gpio {
    struct part parts[GH_LINE_COUNT + 1]; /* one for each line, at the most, and the contact */
    unsigned count;
    struct gh_gpio_input *contact; /* NULL: none */
};

/* What a line is for, and how the configuration names it. */
struct wanted {
    const char *what;
    const struct gh_gpio_line *line;
};

struct place {
    struct part *part;
    unsigned offset;
};

/* --- which lines --- */

/* A line is given by its offset when its text is a number. */
static bool is_offset(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static enum gh_status check_unused(const struct place *place, const char *what,
                                   struct gh_error *err)
{
    const struct gh_gpio_set *set = &place->part->set;
    for (unsigned i = 0; i < set->count; i++) {
        if (set->offsets[i] == place->offset) {
            return gh_fail(err, GH_ERR_INVALID, "%s and %s are both wired to line %u of %s",
                           gh_line_name(set->lines[i]), what, place->offset, place->part->path);
        }
    }
    return GH_OK;
}

static enum gh_status add_line(const struct place *place, enum gh_line line,
                               const struct wanted *wanted, struct gh_error *err)
{
    struct gh_gpio_set *set = &place->part->set;
    enum gh_status status = check_unused(place, wanted->what, err);
    if (status != GH_OK) {
        return status;
    }
    set->offsets[set->count] = place->offset;
    set->active_low[set->count] = wanted->line->active_low;
    set->lines[set->count] = line;
    set->count++;
    return GH_OK;
}

/* 1: it is on this chip, or that cannot be told. 0: it is not. */
static int try_chip(struct part *part, const struct wanted *wanted, struct place *place,
                    enum gh_status *status, struct gh_error *err)
{
    int offset = gh_gpio_chip_find(part->chip, wanted->line->name);
    if (offset >= 0) {
        *place = (struct place){.part = part, .offset = (unsigned)offset};
        return 1;
    }
    if (errno != ENOENT) {
        int saved_errno = errno;
        *status = gh_fail(err, gh_status_from_errno(saved_errno), "cannot read the lines of %s: %s",
                          part->path, strerror(saved_errno));
        return 1;
    }
    return 0;
}

static enum gh_status find_by_offset(struct part *part, const struct wanted *wanted,
                                     struct place *place, struct gh_error *err)
{
    errno = 0;
    unsigned long offset = strtoul(wanted->line->name, NULL, 10);
    unsigned count = gh_gpio_chip_line_count(part->chip);
    if (errno != 0 || offset >= count) {
        return gh_fail(err, GH_ERR_NOTFOUND, "%s: %s has %u lines, none is number %s", wanted->what,
                       part->path, count, wanted->line->name);
    }
    *place = (struct place){.part = part, .offset = (unsigned)offset};
    return GH_OK;
}

static enum gh_status find_on_one(struct gpio *gpio, const struct wanted *wanted,
                                  struct place *place, struct gh_error *err)
{
    struct part *part = &gpio->parts[0];
    if (is_offset(wanted->line->name)) {
        return find_by_offset(part, wanted, place, err);
    }
    enum gh_status status = GH_OK;
    if (try_chip(part, wanted, place, &status, err) == 0) {
        return gh_fail(err, GH_ERR_NOTFOUND, "%s: %s has no line named %s", wanted->what,
                       part->path, wanted->line->name);
    }
    return status;
}

static enum gh_status open_part(struct part *part, struct gh_error *err)
{
    part->chip = gh_gpio_chip_open(part->path);
    if (part->chip == NULL) {
        int saved_errno = errno;
        /* The library says so of a file that is not a GPIO chip. */
        bool none = saved_errno == ENODEV || saved_errno == ENOTTY || saved_errno == ENXIO;
        return gh_fail(err, none ? GH_ERR_NOTFOUND : gh_status_from_errno(saved_errno),
                       "cannot open GPIO chip %s: %s", part->path, strerror(saved_errno));
    }
    return GH_OK;
}

/* Is the line on a chip that is not open yet? Opens it if so. */
static int try_new_chip(struct gpio *gpio, const char *folder, const char *name,
                        const struct wanted *wanted, struct place *place, bool *denied,
                        enum gh_status *status, struct gh_error *err)
{
    struct part *part = &gpio->parts[gpio->count]; /* there is one left for every line */
    memset(part, 0, sizeof(*part));
    if (gh_path_join(folder, name, part->path, sizeof(part->path)) != GH_OK) {
        return 0;
    }
    for (unsigned i = 0; i < gpio->count; i++) {
        if (strcmp(gpio->parts[i].path, part->path) == 0) {
            return try_chip(&gpio->parts[i], wanted, place, status, err);
        }
    }
    enum gh_status opened = open_part(part, NULL);
    if (opened != GH_OK) {
        *denied = *denied || opened == GH_ERR_DENIED;
        return 0;
    }
    int found = try_chip(part, wanted, place, status, err);
    if (found == 1) {
        gpio->count++; /* now it is the gpio's to close */
    } else {
        gh_gpio_chip_close(part->chip);
    }
    return found;
}

static int is_chip_name(const struct dirent *entry)
{
    return strncmp(entry->d_name, "gpiochip", 8) == 0;
}

/* The first chip that has the name is taken, and always in the same order: a chip that has two
 * names (gpiochip4 is a link on a Raspberry Pi 5) is never had twice. */
static enum gh_status find_on_all(struct gpio *gpio, const char *folder,
                                  const struct wanted *wanted, struct place *place,
                                  struct gh_error *err)
{
    if (is_offset(wanted->line->name)) {
        return gh_fail(err, GH_ERR_INVALID, "%s: line number %s needs the name of its chip",
                       wanted->what, wanted->line->name);
    }
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_chip_name, versionsort);
    if (count < 0) {
        return gh_fail(err, gh_status_from_errno(errno), "cannot read %s: %s", folder,
                       strerror(errno));
    }
    enum gh_status status = GH_OK;
    bool denied = false;
    int found = 0;
    for (int i = 0; i < count; i++) {
        if (found == 0) {
            found = try_new_chip(gpio, folder, entries[i]->d_name, wanted, place, &denied, &status,
                                 err);
        }
        free(entries[i]);
    }
    free(entries);
    if (found == 1) {
        return status;
    }
    if (denied) {
        return gh_fail(err, GH_ERR_DENIED,
                       "%s: no line named %s on the GPIO chips that may be opened, others may not",
                       wanted->what, wanted->line->name);
    }
    return gh_fail(err, GH_ERR_NOTFOUND, "%s: none of %d GPIO chips has a line named %s",
                   wanted->what, count, wanted->line->name);
}

/* --- moving them --- */

static void logical_values(const struct part *part, unsigned active, int values[GH_LINE_COUNT])
{
    for (unsigned i = 0; i < part->set.count; i++) {
        values[i] = (active & GH_LINE_BIT(part->set.lines[i])) != 0;
    }
}

static enum gh_status gpio_set(void *context, unsigned active, struct gh_error *err)
{
    struct gpio *gpio = (struct gpio *)context;
    enum gh_status first = GH_OK;
    for (unsigned i = 0; i < gpio->count; i++) {
        struct part *part = &gpio->parts[i];
        int values[GH_LINE_COUNT] = {0};
        if (part->request == NULL) { /* the contact alone is on this one */
            continue;
        }
        logical_values(part, active, values);
        /* A chip that fails must not keep the others from moving. */
        if (gh_gpio_request_set(part->request, values) != 0 && first == GH_OK) {
            int saved_errno = errno;
            first = gh_fail(err, gh_status_from_errno(saved_errno), "cannot set lines of %s: %s",
                            part->path, strerror(saved_errno));
        }
    }
    return first;
}

static enum gh_contact gpio_contact(void *context)
{
    int value = gh_gpio_input_get(((struct gpio *)context)->contact);
    if (value < 0) {
        return GH_CONTACT_UNKNOWN;
    }
    return value != 0 ? GH_CONTACT_OPEN : GH_CONTACT_SHUT;
}

static void gpio_free(void *context)
{
    struct gpio *gpio = (struct gpio *)context;
    if (gpio == NULL) {
        return;
    }
    gh_gpio_input_release(gpio->contact);
    for (unsigned i = 0; i < gpio->count; i++) {
        struct part *part = &gpio->parts[i];
        if (part->request != NULL) {
            int inactive[GH_LINE_COUNT] = {0};
            (void)gh_gpio_request_set(part->request, inactive); /* the release follows anyway */
            gh_gpio_request_release(part->request);
        }
        gh_gpio_chip_close(part->chip);
    }
    free(gpio);
}

/* GH_OK: it is not this one. */
static enum gh_status line_busy(const struct part *part, unsigned offset, const char *what,
                                struct gh_error *err)
{
    char consumer[GH_GPIO_CONSUMER_BYTES];
    if (!gh_gpio_chip_is_used(part->chip, offset, consumer)) {
        return GH_OK;
    }
    return gh_fail(err, GH_ERR_BUSY, "%s: line %u of %s is in use by %s", what, offset, part->path,
                   consumer[0] != '\0' ? consumer : "something that gives no name");
}

static enum gh_status busy(const struct part *part, struct gh_error *err)
{
    for (unsigned i = 0; i < part->set.count; i++) {
        enum gh_status status =
            line_busy(part, part->set.offsets[i], gh_line_name(part->set.lines[i]), err);
        if (status != GH_OK) {
            return status;
        }
    }
    return gh_fail(err, GH_ERR_BUSY, "a line of %s is in use", part->path);
}

static enum gh_status request_contact(struct gpio *gpio, const struct place *place, bool active_low,
                                      struct gh_error *err)
{
    gpio->contact = gh_gpio_input_new(place->part->chip, place->offset, active_low);
    if (gpio->contact != NULL) {
        return GH_OK;
    }
    int saved_errno = errno;
    enum gh_status status =
        saved_errno == EBUSY ? line_busy(place->part, place->offset, "contact", err) : GH_OK;
    if (status != GH_OK) {
        return status;
    }
    return gh_fail(err, gh_status_from_errno(saved_errno), "contact: cannot have line %u of %s: %s",
                   place->offset, place->part->path, strerror(saved_errno));
}

static enum gh_status request_all(struct gpio *gpio, unsigned initial, struct gh_error *err)
{
    for (unsigned i = 0; i < gpio->count; i++) {
        struct part *part = &gpio->parts[i];
        int values[GH_LINE_COUNT] = {0};
        if (part->set.count == 0) {
            continue;
        }
        logical_values(part, initial, values);
        part->request = gh_gpio_request_new(part->chip, &part->set, values);
        if (part->request == NULL) {
            int saved_errno = errno;
            if (saved_errno == EBUSY) {
                return busy(part, err);
            }
            return gh_fail(err, gh_status_from_errno(saved_errno),
                           "cannot have the lines of GPIO chip %s: %s", part->path,
                           strerror(saved_errno));
        }
    }
    return GH_OK;
}

static enum gh_status open_named_chip(struct gpio *gpio, const char *folder, const char *chip,
                                      struct gh_error *err)
{
    struct part *part = &gpio->parts[0];
    enum gh_status status = GH_OK;
    if (strchr(chip, '/') != NULL) {
        if (strlen(chip) >= sizeof(part->path)) {
            status = GH_ERR_TOOBIG;
        } else {
            snprintf(part->path, sizeof(part->path), "%s", chip);
        }
    } else {
        status = gh_path_join(folder, chip, part->path, sizeof(part->path));
    }
    if (status != GH_OK) {
        return gh_fail(err, GH_ERR_INVALID, "the GPIO chip's name is too long");
    }
    status = open_part(part, err);
    if (status == GH_OK) {
        gpio->count = 1;
    }
    return status;
}

static enum gh_status find_one(struct gpio *gpio, const char *folder, const char *chip,
                               const struct wanted *wanted, struct place *place,
                               struct gh_error *err)
{
    enum gh_status status = GH_OK;
    if (chip[0] == '\0') {
        return find_on_all(gpio, folder, wanted, place, err);
    }
    if (gpio->count == 0) {
        status = open_named_chip(gpio, folder, chip, err);
    }
    return status == GH_OK ? find_on_one(gpio, wanted, place, err) : status;
}

static enum gh_status find_all(struct gpio *gpio, const char *folder, const char *chip,
                               const struct gh_gpio_line lines[GH_LINE_COUNT], struct gh_error *err)
{
    enum gh_status status = GH_OK;
    for (unsigned i = 0; i < GH_LINE_COUNT && status == GH_OK; i++) {
        enum gh_line line = (enum gh_line)i;
        struct wanted wanted = {.what = gh_line_name(line), .line = &lines[i]};
        struct place place = {0};
        if (lines[i].name[0] == '\0') {
            continue;
        }
        status = find_one(gpio, folder, chip, &wanted, &place, err);
        if (place.part != NULL) { /* found */
            status = add_line(&place, line, &wanted, err);
        }
    }
    return status;
}

/* After the outputs: what is in its place already is found out then. */
static enum gh_status find_contact(struct gpio *gpio, const char *folder, const char *chip,
                                   const struct gh_gpio_line *contact, struct place *place,
                                   struct gh_error *err)
{
    struct wanted wanted = {.what = "contact", .line = contact};
    *place = (struct place){0};
    if (contact->name[0] == '\0') {
        return GH_OK;
    }
    enum gh_status status = find_one(gpio, folder, chip, &wanted, place, err);
    return place->part != NULL ? check_unused(place, wanted.what, err) : status;
}

enum gh_status gh_door_gpio_new_in(const char *folder, const struct gh_gpio_wiring *wiring,
                                   const struct gh_clock *clock, unsigned initial,
                                   struct gh_door_io *out, struct gh_error *err)
{
    struct place place;
    const struct gh_gpio_line *contact = &wiring->inputs[GH_INPUT_CONTACT];
    (void)clock;
    *out = (struct gh_door_io){.inputs_fd = -1};
    struct gpio *gpio = (struct gpio *)calloc(1, sizeof(*gpio));
    if (gpio == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's lines");
    }
    enum gh_status status = find_all(gpio, folder, wiring->chip, wiring->lines, err);
    if (status == GH_OK) {
        status = find_contact(gpio, folder, wiring->chip, contact, &place, err);
    }
    if (status == GH_OK) {
        status = request_all(gpio, initial, err);
    }
    if (status == GH_OK && place.part != NULL) {
        status = request_contact(gpio, &place, contact->active_low, err);
    }
    if (status != GH_OK) {
        gpio_free(gpio);
        return status;
    }
    *out =
        (struct gh_door_io){.set = gpio_set, .free = gpio_free, .context = gpio, .inputs_fd = -1};
    if (gpio->contact != NULL) {
        out->contact = gpio_contact;
    }
    return GH_OK;
}

enum gh_status gh_door_gpio_new(const struct gh_gpio_wiring *wiring, const struct gh_clock *clock,
                                unsigned initial, struct gh_door_io *out, struct gh_error *err)
{
    return gh_door_gpio_new_in("/dev", wiring, clock, initial, out, err);
}
