/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lookup.h"

#include <stdio.h>
#include <string.h>

static bool is_id(const char *word)
{
    gh_id id;
    return gh_id_parse(word, strlen(word), &id) == GH_OK;
}

static enum gh_status take_id(const json_t *object, char id[GH_ID_TEXT_BYTES], struct gh_error *err)
{
    const char *text = gh_json_text(object, "id");
    if (!is_id(text)) {
        return gh_fail(err, GH_ERR_CORRUPT, "the server's answer has no 'id'");
    }
    memcpy(id, text, GH_ID_TEXT_BYTES);
    return GH_OK;
}

/* --- people
 * --------------------------------------------------------------------------------------- */

enum gh_status gh_find_person(struct gh_client *client, const char *word, char id[GH_ID_TEXT_BYTES],
                              struct gh_error *err)
{
    if (is_id(word)) {
        memcpy(id, word, GH_ID_TEXT_BYTES);
        return GH_OK;
    }
    const char *reference = strncmp(word, "ref:", 4) == 0 ? word + 4 : word;
    char path[GH_API_PATH_BYTES];
    struct gh_writer writer = gh_writer_over(path, sizeof(path));
    gh_writer_put_text(&writer, "/people?ref=");
    gh_url_put(&writer, reference);
    gh_writer_put_byte(&writer, 0);
    if (reference[0] == 0 || writer.overflow) {
        return gh_fail(err, GH_ERR_INVALID, "'%.80s' is not a reference", word);
    }
    GH_CLEANUP_JSON json_t *answer = NULL;
    struct gh_error why = {0};
    enum gh_status status = gh_client_call(client, "GET", path, NULL, &answer, &why);
    if (status == GH_ERR_REFUSED && client->http_status == 403) {
        return gh_fail(err, status,
                       "only an administrator may look up a reference: give the person's "
                       "identifier instead of '%.80s'",
                       reference);
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "%s", why.text);
    }
    const json_t *person = json_array_get(json_object_get(answer, "people"), 0);
    if (person == NULL) {
        return gh_fail(err, GH_ERR_NOTFOUND, "there is nobody with the reference '%.80s'",
                       reference);
    }
    return take_id(person, id, err);
}

/* --- homes and gates: few enough to ask for all
 * ---------------------------------------------------- */

struct words {
    const char *path, *member, *key, *what;
};

static enum gh_status find_by_name(struct gh_client *client, const struct words *words,
                                   const char *name, char id[GH_ID_TEXT_BYTES],
                                   struct gh_error *err)
{
    if (is_id(name)) {
        memcpy(id, name, GH_ID_TEXT_BYTES);
        return GH_OK;
    }
    GH_CLEANUP_JSON json_t *answer = NULL;
    enum gh_status status = gh_client_call(client, "GET", words->path, NULL, &answer, err);
    if (status != GH_OK) {
        return status;
    }
    const json_t *found = NULL;
    const json_t *element;
    size_t index;
    json_array_foreach(json_object_get(answer, words->member), index, element)
    {
        if (strcmp(gh_json_text(element, words->key), name) != 0) {
            continue;
        }
        if (found != NULL) {
            return gh_fail(err, GH_ERR_EXISTS,
                           "more than one %s is called '%.80s': give its identifier", words->what,
                           name);
        }
        found = element;
    }
    if (found == NULL) {
        return gh_fail(err, GH_ERR_NOTFOUND, "there is no %s '%.80s'", words->what, name);
    }
    return take_id(found, id, err);
}

enum gh_status gh_find_home(struct gh_client *client, const char *word, char id[GH_ID_TEXT_BYTES],
                            struct gh_error *err)
{
    static const struct words words = {"/homes", "homes", "address", "home"};
    return find_by_name(client, &words, word, id, err);
}

enum gh_status gh_find_gate(struct gh_client *client, const char *word, char id[GH_ID_TEXT_BYTES],
                            struct gh_error *err)
{
    static const struct words words = {"/gates", "gates", "name", "gate"};
    return find_by_name(client, &words, word, id, err);
}

enum gh_status gh_open_and_find(struct gh_client *client, gh_find_fn *find, const char *word,
                                char id[GH_ID_TEXT_BYTES], struct gh_error *err)
{
    enum gh_status status = gh_client_open(client, err);
    return status == GH_OK ? find(client, word, id, err) : status;
}

/* --- pages
 * ---------------------------------------------------------------------------------------- */

/* The cursor of the next page as text: people have identifiers, entries have row numbers. */
static bool next_cursor(const json_t *answer, char *out, size_t out_bytes)
{
    const json_t *next = json_object_get(answer, "next");
    int length = 0;
    if (json_is_string(next)) {
        length = snprintf(out, out_bytes, "%s", json_string_value(next));
    } else if (json_is_integer(next)) {
        length = snprintf(out, out_bytes, "%lld", (long long)json_integer_value(next));
    }
    return length > 0 && (size_t)length < out_bytes;
}

enum gh_status
gh_each_page(struct gh_client *client, const char *path, const char *after, const char *member,
             enum gh_status (*each)(void *context, const json_t *element, struct gh_error *err),
             void *context, struct gh_error *err)
{
    char url[GH_API_PATH_BYTES];
    char cursor[64];
    (void)snprintf(cursor, sizeof(cursor), "%s", after != NULL ? after : "");
    for (;;) {
        struct gh_writer writer = gh_writer_over(url, sizeof(url));
        gh_writer_put_text(&writer, path);
        if (cursor[0] != 0) {
            gh_writer_put_text(&writer, strchr(path, '?') != NULL ? "&after=" : "?after=");
            gh_url_put(&writer, cursor);
        }
        gh_writer_put_byte(&writer, 0);
        if (writer.overflow) {
            return gh_fail(err, GH_ERR_TOOBIG, "what was asked for is too long");
        }
        GH_CLEANUP_JSON json_t *answer = NULL;
        enum gh_status status = gh_client_call(client, "GET", url, NULL, &answer, err);
        const json_t *element;
        size_t index;
        json_array_foreach(json_object_get(answer, member), index, element)
        {
            status = each(context, element, err);
            if (status != GH_OK) {
                break;
            }
        }
        char before[sizeof(cursor)];
        memcpy(before, cursor, sizeof(cursor));
        if (status != GH_OK || !next_cursor(answer, cursor, sizeof(cursor))) {
            return status;
        }
        if (strcmp(before, cursor) == 0) {
            return gh_fail(err, GH_ERR_CORRUPT, "the server gives the same page again and again");
        }
    }
}
