/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's line, read and written. What the words mean for a certificate is rule_judge.c's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/certificate.h"

#define HOURS_A_DAY 24
#define SHOWN 40 /* of a word in an error's sentence: a line may be one endless word */

/* --- the words -------------------------------------------------------------------------------- */

struct word {
    const char *text;
    int value;
};

static const struct word colours[] = {
    {"green", GH_COLOUR_GREEN}, {"yellow", GH_COLOUR_YELLOW}, {"red", GH_COLOUR_RED}, {NULL, 0}};
static const struct word groups[] = {{"vaccination", GH_FACT_VACCINATION},
                                     {"test", GH_FACT_TEST},
                                     {"recovery", GH_FACT_RECOVERY},
                                     {NULL, 0}};
static const struct word tests[] = {
    {"naat", GH_TEST_NAAT}, {"antigen", GH_TEST_ANTIGEN}, {NULL, GH_TEST_ANY}};
static const struct word results[] = {
    {"negative", GH_RESULT_NEGATIVE}, {"positive", GH_RESULT_POSITIVE}, {NULL, GH_RESULT_ANY}};
static const struct word series[] = {
    {"complete", GH_SERIES_COMPLETE}, {"booster", GH_SERIES_BOOSTER}, {NULL, GH_SERIES_ANY}};
static const struct word keywords[] = {{"of", 0},   {"by", 0},    {"against", 0},
                                       {"from", 0}, {"until", 0}, {NULL, 0}};

static const struct word *find_word(const struct word *words, const char *text)
{
    for (; words->text != NULL; words++)
        if (strcmp(words->text, text) == 0)
            return words;
    return NULL;
}

/* NULL where the value has no word. */
static const char *word_of(const struct word *words, int value)
{
    while (words->text != NULL && words->value != value)
        words++;
    return words->text;
}

static bool known(const char *text)
{
    static const struct word *const all[] = {colours, groups, tests, results, series, keywords};
    for (size_t i = 0; i < GH_ARRAY_SIZE(all); i++)
        if (find_word(all[i], text) != NULL)
            return true;
    return false;
}

/* --- reading: word by word; after the first failure the rest do nothing -------------------------
 */

struct reader {
    const char *rest;
    char word[GH_RULE_TEXT_BYTES]; /* the one to be read next, "" at the end */
    enum gh_status status;
    struct gh_error *err;
};

static void advance(struct reader *reader)
{
    reader->rest += strspn(reader->rest, " ");
    size_t size = strcspn(reader->rest, " ");
    memcpy(reader->word, reader->rest, size); /* the line was found to be no longer than this */
    reader->word[size] = '\0';
    reader->rest += size;
}

static bool failed(const struct reader *reader)
{
    return reader->status != GH_OK;
}

/* The sentence names the word: `"WORD" WHAT`. */
static void refuse(struct reader *reader, const char *word, const char *what)
{
    if (failed(reader))
        return;
    reader->status = gh_fail(reader->err, GH_ERR_INVALID, "\"%.*s\" %s", SHOWN, word, what);
}

/* One of the words that must stand here. */
static int take(struct reader *reader, const struct word *words, const char *missing,
                const char *wrong)
{
    const struct word *word = find_word(words, reader->word);
    if (!failed(reader) && reader->word[0] == '\0')
        reader->status = gh_fail(reader->err, GH_ERR_INVALID, "%s", missing);
    if (word == NULL)
        refuse(reader, reader->word, wrong);
    if (word == NULL || failed(reader))
        return 0;
    advance(reader);
    return word->value;
}

/* One of the words that may stand here, if the rule is of a group that has them. */
static int take_optional(struct reader *reader, const struct word *words, bool fits,
                         const char *misfit, int otherwise)
{
    const struct word *word = find_word(words, reader->word);
    if (failed(reader) || word == NULL)
        return otherwise;
    if (!fits)
        refuse(reader, reader->word, misfit);
    advance(reader);
    return word->value;
}

/* What follows a keyword, if the keyword is here. */
static bool take_keyword(struct reader *reader, const char *keyword, const char *missing,
                         char value[GH_RULE_TEXT_BYTES])
{
    if (failed(reader) || strcmp(reader->word, keyword) != 0)
        return false;
    advance(reader);
    if (reader->word[0] == '\0' || find_word(keywords, reader->word) != NULL)
        refuse(reader, keyword, missing);
    memcpy(value, reader->word, GH_RULE_TEXT_BYTES);
    advance(reader);
    return !failed(reader);
}

static void take_names(struct reader *reader, const char *keyword, const char *missing,
                       char out[GH_RULE_LIST_BYTES])
{
    char names[GH_RULE_TEXT_BYTES];
    if (!take_keyword(reader, keyword, missing, names))
        return;
    size_t size = strlen(names);
    if (size >= GH_RULE_LIST_BYTES)
        refuse(reader, names, "is too long: make two rules of it");
    else if (names[0] == ',' || names[size - 1] == ',' || strstr(names, ",,") != NULL)
        refuse(reader, names, "has a comma without a name beside it");
    else
        memcpy(out, names, size + 1);
}

static void take_disease(struct reader *reader, char out[GH_DISEASE_BYTES])
{
    char disease[GH_RULE_TEXT_BYTES] = GH_DISEASE_COVID19;
    if (take_keyword(reader, "against", "must be followed by a disease", disease)) {
        size_t size = strlen(disease);
        if (size >= GH_DISEASE_BYTES || strspn(disease, "0123456789") != size)
            refuse(reader, disease, "is no disease: SNOMED CT numbers them, COVID-19 is 840539006");
    }
    if (!failed(reader))
        memcpy(out, disease, GH_DISEASE_BYTES);
}

/* Digits and `h` or `d`; -1: no age. Above the greatest age it counts no further. */
static int64_t age_h(const char *text)
{
    int64_t number = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || (text[digits] != 'h' && text[digits] != 'd') || text[digits + 1] != '\0')
        return -1;
    for (size_t i = 0; i < digits && number <= GH_RULE_HOURS_MAX; i++)
        number = number * 10 + (text[i] - '0');
    return text[digits] == 'd' ? number * HOURS_A_DAY : number;
}

static int64_t take_age(struct reader *reader, const char *keyword, int64_t otherwise)
{
    char text[GH_RULE_TEXT_BYTES];
    if (!take_keyword(reader, keyword, "must be followed by an age", text))
        return otherwise;
    int64_t age = age_h(text);
    if (age < 0)
        refuse(reader, text, "is no age: a number and h (hours) or d (days), like 72h or 14d");
    else if (age > GH_RULE_HOURS_MAX)
        refuse(reader, text, "is more than 100 years");
    return age;
}

/* Nothing may be left. */
static void take_end(struct reader *reader)
{
    if (reader->word[0] == '\0')
        return;
    refuse(reader, reader->word,
           known(reader->word) ? "stands in the wrong place, or twice" : "is no word of a rule");
}

/* Printable ASCII, and no longer than a rule may be. */
static enum gh_status check_line(const char *text, struct gh_error *err)
{
    size_t size = strnlen(text, GH_RULE_TEXT_BYTES);
    if (size == GH_RULE_TEXT_BYTES)
        return gh_fail(err, GH_ERR_INVALID, "a rule has at most %d characters",
                       GH_RULE_TEXT_BYTES - 1);
    for (size_t i = 0; i < size; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return gh_fail(err, GH_ERR_INVALID, "character %zu of the rule is not printable ASCII",
                           i + 1);
    return GH_OK;
}

static void take_rule(struct reader *reader, struct gh_rule *rule)
{
    rule->colour = (enum gh_colour)take(reader, colours, "a rule begins with green, yellow or red",
                                        "is no colour: a rule begins with green, yellow or red");
    rule->group = (enum gh_fact_group)take(
        reader, groups, "behind the colour comes vaccination, test or recovery",
        "is not what a rule can be about: vaccination, test or recovery");
    bool test = rule->group == GH_FACT_TEST;
    bool vaccination = rule->group == GH_FACT_VACCINATION;
    rule->test = (enum gh_test_kind)take_optional(reader, tests, test, "is said of a test only",
                                                  GH_TEST_ANY);
    rule->result =
        (enum gh_test_result)take_optional(reader, results, test, "is said of a test only",
                                           test ? (int)GH_RESULT_NEGATIVE : (int)GH_RESULT_ANY);
    rule->series = (enum gh_series)take_optional(reader, series, vaccination,
                                                 "is said of a vaccination only", GH_SERIES_ANY);
    if (!vaccination && strcmp(reader->word, "of") == 0)
        refuse(reader, reader->word, "is said of a vaccination only");
    take_names(reader, "of", "must be followed by the names of products", rule->products);
    take_names(reader, "by", "must be followed by the names of issuers", rule->issuers);
    take_disease(reader, rule->disease);
    rule->from_h = take_age(reader, "from", 0);
    rule->until_h = take_age(reader, "until", GH_RULE_HOURS_MAX);
    take_end(reader);
}

enum gh_status gh_rule_parse(const char *text, struct gh_rule *out, struct gh_error *err)
{
    struct gh_rule rule = {.colour = GH_COLOUR_NONE};
    memset(out, 0, sizeof(*out));
    struct reader reader = {.rest = text, .err = err, .status = check_line(text, err)};
    if (failed(&reader))
        return reader.status;
    advance(&reader);
    take_rule(&reader, &rule);
    if (!failed(&reader) && rule.from_h > rule.until_h)
        refuse(&reader, "until", "names an age below that of \"from\": nothing would ever count");
    if (!failed(&reader))
        *out = rule;
    return reader.status;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_word(struct gh_writer *writer, const char *word)
{
    if (word == NULL)
        return;
    if (writer->size > 0)
        gh_writer_put_byte(writer, ' ');
    gh_writer_put_text(writer, word);
}

/* A keyword and what follows it, unless that is what stands for nothing said. */
static void put_text(struct gh_writer *writer, const char *keyword, const char *text,
                     size_t capacity, const char *unsaid)
{
    size_t size = strnlen(text, capacity);
    if (size == strlen(unsaid) && memcmp(text, unsaid, size) == 0)
        return;
    put_word(writer, keyword);
    gh_writer_put_byte(writer, ' ');
    gh_writer_put(writer, text, size);
}

static void put_age(struct gh_writer *writer, const char *keyword, int64_t hours, int64_t unsaid)
{
    char text[32];
    if (hours == unsaid)
        return;
    bool days = hours % HOURS_A_DAY == 0;
    (void)snprintf(text, sizeof(text), "%" PRId64 "%c", days ? hours / HOURS_A_DAY : hours,
                   days ? 'd' : 'h');
    put_word(writer, keyword);
    put_word(writer, text);
}

static bool same_text(const char *a, const char *b, size_t capacity)
{
    return strncmp(a, b, capacity) == 0 && memchr(a, 0, capacity) != NULL;
}

static bool same_rule(const struct gh_rule *a, const struct gh_rule *b)
{
    return a->colour == b->colour && a->group == b->group && a->test == b->test &&
           a->result == b->result && a->series == b->series && a->from_h == b->from_h &&
           a->until_h == b->until_h && same_text(a->disease, b->disease, GH_DISEASE_BYTES) &&
           same_text(a->products, b->products, GH_RULE_LIST_BYTES) &&
           same_text(a->issuers, b->issuers, GH_RULE_LIST_BYTES);
}

enum gh_status gh_rule_format(const struct gh_rule *rule, char out[GH_RULE_TEXT_BYTES])
{
    struct gh_writer writer = gh_writer_over(out, GH_RULE_TEXT_BYTES - 1);
    put_word(&writer, word_of(colours, rule->colour));
    put_word(&writer, word_of(groups, rule->group));
    put_word(&writer, word_of(tests, rule->test));
    /* A rule about tests that names no result means negative. */
    put_word(&writer, rule->result == GH_RESULT_NEGATIVE ? NULL : word_of(results, rule->result));
    put_word(&writer, word_of(series, rule->series));
    put_text(&writer, "of", rule->products, GH_RULE_LIST_BYTES, "");
    put_text(&writer, "by", rule->issuers, GH_RULE_LIST_BYTES, "");
    put_text(&writer, "against", rule->disease, GH_DISEASE_BYTES, GH_DISEASE_COVID19);
    put_age(&writer, "from", rule->from_h, 0);
    put_age(&writer, "until", rule->until_h, GH_RULE_HOURS_MAX);
    out[writer.size] = '\0';
    /* Whatever cannot be said is found by reading it back. */
    struct gh_rule again;
    bool said = gh_rule_parse(out, &again, NULL) == GH_OK && same_rule(rule, &again);
    if (!writer.overflow && said)
        return GH_OK;
    out[0] = '\0';
    return writer.overflow ? GH_ERR_TOOBIG : GH_ERR_INVALID;
}
