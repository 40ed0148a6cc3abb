/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "code/hcert.h"
#include "gatehouse/clock.h"

#define TAG_DATE_TIME 0
#define TAG_DATE 1004
#define DAY_S 86400
#define DATE_BYTES 10   /* 2021-05-03 */
#define MOMENT_BYTES 19 /* 2021-05-03T10:27:15 */
#define DOSES_MAX 255

/* The texts of an entry, whatever its group; those that are not there are empty. */
struct fields {
    struct gh_bytes disease, product, test, result;
    struct gh_bytes at, from, until;
    struct gh_bytes number, country;
    unsigned dose, doses;
};

/* --- dates and times ------------------------------------------------------------------------- */

/* RFC 3339, and what the schema allows beside it: an offset without a colon or without minutes; and
 * no zone at all, which is taken for UTC. */
static bool parse_moment(struct gh_bytes text, int64_t *seconds)
{
    char copy[64];
    if (text.size < MOMENT_BYTES || text.size > sizeof(copy) - 4 ||
        memchr(text.data, 0, text.size) != NULL)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *zone = copy + MOMENT_BYTES + strcspn(copy + MOMENT_BYTES, "Zz+-");
    if (*zone == '\0') {
        memcpy(zone, "Z", 2);
    } else if (strlen(zone) == 3) {
        memcpy(zone + 3, ":00", 4);
    } else if (strlen(zone) == 5) {
        memmove(zone + 4, zone + 3, 3);
        zone[3] = ':';
    }
    return gh_time_parse(copy, seconds) == GH_OK;
}

/* The day that a date, or the date of a date-time, names: its first second in UTC. */
static bool parse_day(struct gh_bytes text, int64_t *seconds)
{
    static const char midnight[] = "T00:00:00Z";
    char copy[DATE_BYTES + sizeof(midnight)];
    int64_t moment;
    if (text.size < DATE_BYTES || (text.size > DATE_BYTES && !parse_moment(text, &moment)))
        return false;
    memcpy(copy, text.data, DATE_BYTES);
    memcpy(copy + DATE_BYTES, midnight, sizeof(midnight));
    return gh_time_parse(copy, seconds) == GH_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

bool gh_hcert_key_is(const struct gh_cbor_key *key, const char *name)
{
    return key->is_text && key->text.size == strlen(name) &&
           memcmp(key->text.data, name, key->text.size) == 0;
}

/* Issuers' programs have written nearly anything for what they do not know: null, a number, a text
 * in chunks. That is nothing to us; only what CBOR itself forbids ends the reading. */
struct gh_bytes gh_hcert_text(struct gh_cbor_reader *cbor)
{
    struct gh_cbor_reader item = gh_cbor_reader_over(gh_cbor_item(cbor));
    item.indefinite = true;
    if (gh_cbor_peek(&item) == GH_CBOR_TAG) {
        uint64_t tag = gh_cbor_tag(&item);
        if (tag != TAG_DATE_TIME && tag != TAG_DATE)
            return (struct gh_bytes){.size = 0};
    }
    struct gh_bytes text = gh_cbor_text(&item);
    return item.status == GH_OK ? text : (struct gh_bytes){.size = 0};
}

/* 0: not said. */
static unsigned read_count(struct gh_cbor_reader *cbor)
{
    struct gh_cbor_reader item = gh_cbor_reader_over(gh_cbor_item(cbor));
    uint64_t count = gh_cbor_uint(&item);
    return item.status == GH_OK && count <= DOSES_MAX ? (unsigned)count : 0;
}

#define ALL GH_GROUPS_ALL
#define VACCINATION GH_GROUP(GH_FACT_VACCINATION)
#define TEST GH_GROUP(GH_FACT_TEST)
#define RECOVERY GH_GROUP(GH_FACT_RECOVERY)

/* The texts that are read, and in which entries. */
static const struct {
    const char *name;
    unsigned groups;
    size_t offset; /* in struct fields */
} text_fields[] = {
    {"tg", ALL, offsetof(struct fields, disease)},
    {"ci", ALL, offsetof(struct fields, number)},
    {"co", ALL, offsetof(struct fields, country)},
    {"mp", VACCINATION, offsetof(struct fields, product)},
    {"dt", VACCINATION, offsetof(struct fields, at)},
    {"tt", TEST, offsetof(struct fields, test)},
    {"tr", TEST, offsetof(struct fields, result)},
    {"sc", TEST, offsetof(struct fields, at)},
    {"fr", RECOVERY, offsetof(struct fields, at)},
    {"df", RECOVERY, offsetof(struct fields, from)},
    {"du", RECOVERY, offsetof(struct fields, until)},
};

/* Where a text field goes; NULL: it is not read in such an entry. */
static struct gh_bytes *text_field(struct fields *fields, enum gh_fact_group group,
                                   const struct gh_cbor_key *key)
{
    for (size_t i = 0; i < GH_ARRAY_SIZE(text_fields); i++)
        if ((text_fields[i].groups & GH_GROUP(group)) != 0 &&
            gh_hcert_key_is(key, text_fields[i].name))
            return (struct gh_bytes *)(void *)((char *)fields + text_fields[i].offset);
    return NULL;
}

static void read_fields(struct gh_cbor_reader *cbor, enum gh_fact_group group,
                        struct fields *fields)
{
    struct gh_cbor_keys seen = {.count = 0};
    for (size_t left = gh_cbor_open_map(cbor); gh_cbor_more(cbor, &left);) {
        struct gh_cbor_key key = gh_cbor_map_key(cbor, &seen);
        struct gh_bytes *text = text_field(fields, group, &key);
        if (text != NULL)
            *text = gh_hcert_text(cbor);
        else if (group == GH_FACT_VACCINATION && gh_hcert_key_is(&key, "dn"))
            fields->dose = read_count(cbor);
        else if (group == GH_FACT_VACCINATION && gh_hcert_key_is(&key, "sd"))
            fields->doses = read_count(cbor);
        else
            gh_cbor_skip(cbor);
    }
}

/* --- what it means --------------------------------------------------------------------------- */

/* Cut to what fits; what is not printable ASCII, which no list of values holds, becomes `?`. */
static void put_text(struct gh_bytes text, char *out, size_t out_bytes)
{
    size_t size = text.size < out_bytes ? text.size : out_bytes - 1;
    for (size_t i = 0; i < size; i++)
        out[i] = text.data[i] >= 0x20 && text.data[i] <= 0x7e ? (char)text.data[i] : '?';
    out[size] = '\0';
}

static bool equals(struct gh_bytes text, const char *value)
{
    return text.size == strlen(value) && memcmp(text.data, value, text.size) == 0;
}

/* The EU's value sets: LOINC for the type of a test, SNOMED CT for its result. */
static enum gh_test_kind test_kind(struct gh_bytes code)
{
    if (equals(code, "LP6464-4"))
        return GH_TEST_NAAT;
    return equals(code, "LP217198-3") ? GH_TEST_ANTIGEN : GH_TEST_OTHER;
}

static enum gh_test_result test_result(struct gh_bytes code)
{
    if (equals(code, "260415000"))
        return GH_RESULT_NEGATIVE;
    return equals(code, "260373001") ? GH_RESULT_POSITIVE : GH_RESULT_OTHER;
}

/* A day that need not be there. */
static bool parse_day_if_any(struct gh_bytes text, int64_t *seconds)
{
    return text.size == 0 || parse_day(text, seconds);
}

/* A test's sample was taken at a moment; where only a day is given, at its beginning. */
static bool fill_times(const struct fields *fields, struct gh_fact *fact)
{
    fact->from_s = INT64_MIN;
    fact->until_s = INT64_MAX;
    if (fact->group == GH_FACT_TEST && fields->at.size > DATE_BYTES)
        return parse_moment(fields->at, &fact->at_s);
    if (!parse_day(fields->at, &fact->at_s))
        return false;
    if (fact->group != GH_FACT_RECOVERY)
        return true;
    if (!parse_day_if_any(fields->from, &fact->from_s) ||
        !parse_day_if_any(fields->until, &fact->until_s))
        return false;
    if (fields->until.size > 0)
        fact->until_s += DAY_S - 1;
    return true;
}

static bool fill_fact(const struct fields *fields, struct gh_fact *fact)
{
    put_text(fields->disease, fact->disease, sizeof(fact->disease));
    put_text(fields->product, fact->product, sizeof(fact->product));
    if (fact->group == GH_FACT_TEST) {
        fact->test = test_kind(fields->test);
        fact->result = test_result(fields->result);
    }
    fact->dose = fields->dose;
    fact->doses = fields->doses;
    return fill_times(fields, fact);
}

void gh_hcert_entry_read(struct gh_cbor_reader *cbor, enum gh_fact_group group,
                         struct gh_hcert_entry *out)
{
    struct fields fields = {.dose = 0};
    memset(out, 0, sizeof(*out)); /* padding too: facts are copied whole */
    out->fact.group = group;
    read_fields(cbor, group, &fields);
    if (cbor->status != GH_OK)
        return;
    out->number = fields.number;
    out->country = fields.country;
    out->has_fact = fill_fact(&fields, &out->fact);
    if (out->number.size > GH_HCERT_NUMBER_MAX_BYTES)
        gh_cbor_fail(cbor, GH_ERR_INVALID);
}
