/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/identity.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"

#define IDENTITY_MAX_BYTES 8192

void gh_identity_from_enrolment(const struct gh_enrolment *enrolment, struct gh_identity *out)
{
    memset(out, 0, sizeof(*out));
    out->gate = enrolment->gate;
    memcpy(out->url, enrolment->url, sizeof(out->url));
    memcpy(out->list_key, enrolment->list_key, sizeof(out->list_key));
    out->has_pin = enrolment->has_pin;
    memcpy(out->pin, enrolment->pin, sizeof(out->pin));
    memcpy(out->token, enrolment->token, sizeof(out->token));
    gh_random(out->secret, sizeof(out->secret));
}

void gh_identity_follow(struct gh_identity *identity, const uint8_t key[GH_LIST_KEY_BYTES],
                        uint64_t number)
{
    if (identity->retired_count == GH_RETIRED_KEYS_MAX) {
        identity->retired_count--;
        memmove(identity->retired_keys[0], identity->retired_keys[1],
                identity->retired_count * GH_LIST_KEY_BYTES);
    }
    memcpy(identity->retired_keys[identity->retired_count++], identity->list_key,
           GH_LIST_KEY_BYTES);
    memcpy(identity->list_key, key, GH_LIST_KEY_BYTES);
    identity->list_key_number = number;
}

void gh_identity_bearer(const struct gh_identity *identity, char out[GH_BEARER_BYTES])
{
    gh_id_format(identity->gate, out);
    out[GH_ID_TEXT_BYTES - 1] = '.';
    gh_hex_encode(identity->secret, sizeof(identity->secret), out + GH_ID_TEXT_BYTES);
}

static bool take_text(const json_t *object, const char *name, char *out, size_t out_bytes)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && (size_t)snprintf(out, out_bytes, "%s", text) < out_bytes;
}

static bool take_hex(const json_t *object, const char *name, void *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && gh_hex_decode(text, strlen(text), out, size) == GH_OK;
}

/* Not negative: a number that is missing or makes no sense would let an old list in, or none. */
static bool take_number(const json_t *object, const char *name, int64_t *out)
{
    const json_t *number = json_object_get(object, name);

    *out = json_integer_value(number);
    return json_is_integer(number) && *out >= 0;
}

/* What versions before this one did not write is not there: then it is 0, or none. */
static bool take_keys(const json_t *object, struct gh_identity *out)
{
    const json_t *number = json_object_get(object, "list_key_number");
    const json_t *retired = json_object_get(object, "retired_keys");
    int64_t value = 0;

    if ((number && !take_number(object, "list_key_number", &value)) ||
        (retired && !json_is_array(retired)) || json_array_size(retired) > GH_RETIRED_KEYS_MAX ||
        (json_object_get(object, "list_tag") &&
         !take_hex(object, "list_tag", out->list_tag, sizeof(out->list_tag))))
        return false;
    out->list_key_number = (uint64_t)value;
    out->retired_count = json_array_size(retired);
    for (size_t i = 0; i < out->retired_count; i++) {
        const char *text = json_string_value(json_array_get(retired, i));
        if (!text ||
            gh_hex_decode(text, strlen(text), out->retired_keys[i], GH_LIST_KEY_BYTES) != GH_OK)
            return false;
    }
    return take_hex(object, "list_key", out->list_key, sizeof(out->list_key));
}

static bool parse(const json_t *object, struct gh_identity *out)
{
    const char *gate = json_string_value(json_object_get(object, "gate"));
    int64_t generation;

    if (!gate || gh_id_parse(gate, strlen(gate), &out->gate) != GH_OK)
        return false;
    if (!json_is_boolean(json_object_get(object, "enrolled")) ||
        !take_number(object, "generation", &generation) ||
        !take_number(object, "list_issued_at", &out->list_issued_at_s))
        return false;
    out->enrolled = json_is_true(json_object_get(object, "enrolled"));
    out->has_pin = json_object_get(object, "pin") != NULL;
    out->generation = (uint64_t)generation;
    return take_text(object, "url", out->url, sizeof(out->url)) &&
           take_text(object, "name", out->name, sizeof(out->name)) &&
           take_text(object, "area", out->area, sizeof(out->area)) && take_keys(object, out) &&
           take_hex(object, "secret", out->secret, sizeof(out->secret)) &&
           (out->enrolled || take_hex(object, "token", out->token, sizeof(out->token))) &&
           (!out->has_pin || take_hex(object, "pin", out->pin, sizeof(out->pin)));
}

enum gh_status gh_identity_load(const char *path, struct gh_identity *out, struct gh_error *err)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size;

    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_file_read(path, IDENTITY_MAX_BYTES, &data, &size, err);
    if (status != GH_OK)
        return status;
    json_t *object = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    bool good = object && parse(object, out);
    json_decref(object);
    gh_wipe(data, size);
    if (!good) {
        memset(out, 0, sizeof(*out));
        return gh_fail(err, GH_ERR_CORRUPT, "%s is damaged: remove it and enrol this gate again",
                       path);
    }
    return GH_OK;
}

static int put_hex(json_t *object, const char *name, const uint8_t *data, size_t size)
{
    char text[2 * GH_SHA256_BYTES + 1];

    gh_hex_encode(data, size, text);
    int failed = json_object_set_new(object, name, json_string(text));
    gh_wipe(text, sizeof(text));
    return failed;
}

static int put_retired(json_t *object, const struct gh_identity *identity)
{
    json_t *keys = json_array();
    int failed = 0;

    for (size_t i = 0; i < identity->retired_count; i++) {
        char text[2 * GH_LIST_KEY_BYTES + 1];
        gh_hex_encode(identity->retired_keys[i], GH_LIST_KEY_BYTES, text);
        failed |= json_array_append_new(keys, json_string(text));
    }
    return failed | json_object_set_new(object, "retired_keys", keys);
}

enum gh_status gh_identity_save(const char *path, const struct gh_identity *identity,
                                struct gh_error *err)
{
    char gate[GH_ID_TEXT_BYTES];
    json_t *object = json_object();

    gh_id_format(identity->gate, gate);
    int failed = json_object_set_new(object, "enrolled", json_boolean(identity->enrolled));
    failed |= json_object_set_new(object, "gate", json_string(gate));
    failed |= json_object_set_new(object, "url", json_string(identity->url));
    failed |= json_object_set_new(object, "name", json_string(identity->name));
    failed |= json_object_set_new(object, "area", json_string(identity->area));
    failed |=
        json_object_set_new(object, "generation", json_integer((json_int_t)identity->generation));
    failed |=
        json_object_set_new(object, "list_issued_at", json_integer(identity->list_issued_at_s));
    failed |= put_hex(object, "list_key", identity->list_key, sizeof(identity->list_key));
    failed |= put_hex(object, "list_tag", identity->list_tag, sizeof(identity->list_tag));
    failed |= json_object_set_new(object, "list_key_number",
                                  json_integer((json_int_t)identity->list_key_number));
    failed |= put_retired(object, identity);
    failed |= put_hex(object, "secret", identity->secret, sizeof(identity->secret));
    if (!identity->enrolled)
        failed |= put_hex(object, "token", identity->token, sizeof(identity->token));
    if (identity->has_pin)
        failed |= put_hex(object, "pin", identity->pin, sizeof(identity->pin));

    /* A name that is no UTF-8, or no memory: better the old file than one that cannot be read. */
    char *text = failed ? NULL : json_dumps(object, JSON_INDENT(2) | JSON_SORT_KEYS);
    json_decref(object);
    if (!text)
        return gh_fail(err, GH_ERR_INVALID, "%s cannot be written", path);
    enum gh_status status = gh_file_replace(path, 0600, text, strlen(text), err);
    gh_wipe(text, strlen(text));
    free(text);
    return status;
}
