/* SPDX-License-Identifier: Apache-2.0 */
#include "server/people_csv.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "server/csv.h"

enum column { COLUMN_REF, COLUMN_NAME, COLUMN_STATUS, COLUMNS };
static const char *const column_names[COLUMNS] = {"ref", "name", "status"};

/* The refs that were there, as keyed 64-bit hashes: eight bytes a person, and nobody can make two
 * refs collide without the key. 0 marks an empty slot. */
struct seen {
    unsigned char key[crypto_shorthash_KEYBYTES];
    uint64_t *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

struct reading {
    struct gh_csv_reader csv;
    struct gh_csv_record record;
    size_t column[COLUMNS]; /* where each stands */
    struct seen seen;
    struct gh_people_csv_errors *errors;
};

static bool insert(struct seen *seen, uint64_t hash)
{
    size_t i = (size_t)hash & (seen->capacity - 1);
    for (; seen->slots[i] != 0; i = (i + 1) & (seen->capacity - 1))
        if (seen->slots[i] == hash)
            return false;
    seen->slots[i] = hash;
    seen->count++;
    return true;
}

static enum gh_status grow(struct seen *seen)
{
    struct seen larger = {.capacity = seen->capacity == 0 ? 1024 : seen->capacity * 2};
    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < seen->capacity; i++)
        if (seen->slots[i] != 0)
            (void)insert(&larger, seen->slots[i]);
    free(seen->slots);
    seen->slots = larger.slots;
    seen->capacity = larger.capacity;
    return GH_OK;
}

/* GH_ERR_EXISTS when it was there before. */
static enum gh_status remember(struct seen *seen, const char *ref, size_t size)
{
    uint64_t hash;
    if (seen->count * 2 >= seen->capacity) {
        enum gh_status status = grow(seen);
        if (status != GH_OK)
            return status;
    }
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)ref, size, seen->key);
    return insert(seen, hash != 0 ? hash : 1) ? GH_OK : GH_ERR_EXISTS;
}

/* False when no more errors are wanted. */
static bool complain(struct reading *reading, const char *reason)
{
    struct gh_people_csv_errors *errors = reading->errors;
    errors->list[errors->count].line = reading->record.line;
    errors->list[errors->count].reason = reason;
    return ++errors->count < GH_PEOPLE_CSV_ERRORS_MAX;
}

static bool names(const struct gh_csv_record *record, size_t field, size_t column)
{
    return record->sizes[field] == strlen(column_names[column]) &&
           memcmp(record->fields[field], column_names[column], record->sizes[field]) == 0;
}

static const char *read_header(struct reading *reading)
{
    const struct gh_csv_record *record = &reading->record;
    const char *problem;
    bool there[COLUMNS] = {false};
    enum gh_status status = gh_csv_next(&reading->csv, &reading->record, &problem);
    if (status == GH_ERR_END)
        return "the file is empty: a header line is needed";
    if (status != GH_OK)
        return problem;
    for (size_t i = 0; i < record->count; i++) {
        size_t column = 0;
        while (i < GH_CSV_FIELDS_MAX && column < COLUMNS && !names(record, i, column))
            column++;
        if (i >= GH_CSV_FIELDS_MAX || column == COLUMNS)
            return "an unknown column: ref, name and status are known";
        if (there[column])
            return "a column is there twice";
        there[column] = true;
        reading->column[column] = i;
    }
    for (size_t column = 0; column < COLUMNS; column++)
        if (!there[column])
            return "a column is missing: ref, name and status are needed";
    return NULL;
}

static bool has_control(const char *text, size_t size, const char *allowed)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 || c == 0x7f) && (c == '\0' || strchr(allowed, c) == NULL))
            return true;
    }
    return false;
}

/* What is wrong with the record's values; NULL if nothing is. */
static const char *check_values(struct reading *reading, enum gh_colour *colour)
{
    const struct gh_csv_record *record = &reading->record;
    const size_t *column = reading->column;
    if (record->count != COLUMNS)
        return "a wrong number of fields";
    size_t ref = record->sizes[column[COLUMN_REF]], name = record->sizes[column[COLUMN_NAME]];
    if (ref < 1 || ref > GH_PERSON_REF_MAX_BYTES)
        return "ref must be 1 to 64 bytes";
    if (has_control(record->fields[column[COLUMN_REF]], ref, ""))
        return "ref holds a control character";
    if (name < 1 || name > GH_PERSON_NAME_MAX_BYTES)
        return "name must be 1 to 200 bytes";
    if (has_control(record->fields[column[COLUMN_NAME]], name, "\t\r\n"))
        return "name holds a control character";
    const char *status = record->fields[column[COLUMN_STATUS]];
    if (strlen(status) != record->sizes[column[COLUMN_STATUS]] ||
        gh_colour_parse(status, colour) != GH_OK || *colour == GH_COLOUR_NONE)
        return "status must be green, yellow or red";
    return NULL;
}

static enum gh_status take_record(struct reading *reading, gh_people_csv_fn *each, void *context,
                                  const char **problem)
{
    enum gh_colour colour;
    const struct gh_csv_record *record = &reading->record;
    *problem = check_values(reading, &colour);
    if (*problem != NULL)
        return GH_OK;
    size_t ref = reading->column[COLUMN_REF];
    enum gh_status status = remember(&reading->seen, record->fields[ref], record->sizes[ref]);
    if (status == GH_ERR_EXISTS) {
        *problem = "this ref was there before";
        return GH_OK;
    }
    return status == GH_OK ? each(context, record->fields[ref],
                                  record->fields[reading->column[COLUMN_NAME]], colour)
                           : status;
}

static enum gh_status read_records(struct reading *reading, gh_people_csv_fn *each, void *context)
{
    const char *problem = read_header(reading);
    if (problem != NULL) {
        (void)complain(reading, problem);
        return GH_ERR_INVALID;
    }
    while (true) {
        enum gh_status status = gh_csv_next(&reading->csv, &reading->record, &problem);
        if (status == GH_ERR_END)
            return reading->errors->count == 0 ? GH_OK : GH_ERR_INVALID;
        if (status == GH_OK)
            status = take_record(reading, each, context, &problem);
        if (problem != NULL && !complain(reading, problem))
            return GH_ERR_INVALID;
        if (problem == NULL && status != GH_OK)
            return status;
    }
}

enum gh_status gh_people_csv_read(struct gh_bytes input, gh_people_csv_fn *each, void *context,
                                  struct gh_people_csv_errors *errors)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    errors->count = 0;
    if (reading == NULL)
        return GH_ERR_NOMEM;
    reading->errors = errors;
    gh_random(reading->seen.key, sizeof(reading->seen.key));
    gh_csv_open(&reading->csv, input);
    enum gh_status status = read_records(reading, each, context);
    free(reading->seen.slots);
    free(reading);
    return status;
}
