/* SPDX-License-Identifier: Apache-2.0 */
/* An announcement: written, signed, and believed. */
#include "gatehouse/announcement.h"

#include <string.h>

#include "gatehouse/cose.h"
#include "list/manifest.h"
#include "list/map.h"

#define ANNOUNCEMENT_VERSION 1

enum announcement_key {
    KEY_VERSION = 1,
    KEY_AREA,
    KEY_ID,
    KEY_GATE,
    KEY_SHA256,
    KEY_BYTES,
    KEY_FROM,
    KEY_UNTIL,
    KEY_REPEAT,
    KEY_CANCELLED,
    ANNOUNCEMENT_KEYS = KEY_CANCELLED
};

static const char aad_text[] = "gatehouse announcement v1";

static struct gh_bytes external_aad(void)
{
    return (struct gh_bytes){.data = (const uint8_t *)aad_text, .size = sizeof(aad_text) - 1};
}

static bool area_fits(const char *area)
{
    char text[GH_AREA_BYTES] = "";
    size_t size = strnlen(area, sizeof(text));
    if (size < sizeof(text))
        memcpy(text, area, size);
    return gh_list_area_fits(text);
}

static bool fits(const struct gh_announcement *announcement)
{
    return announcement->id != 0 && announcement->bytes >= 1 &&
           announcement->bytes <= GH_ANNOUNCEMENT_MAX_BYTES &&
           announcement->from_s < announcement->until_s && announcement->repeat >= 1 &&
           announcement->repeat <= GH_ANNOUNCEMENT_REPEAT_MAX;
}

/* --- writing --- */

static void put_id(struct gh_writer *writer, int key, gh_id id)
{
    uint8_t bytes[sizeof(id)];
    gh_put_be64(bytes, id);
    gh_cbor_put_int(writer, key);
    gh_cbor_put_bytes(writer, bytes, sizeof(bytes));
}

static void put_int(struct gh_writer *writer, int key, int64_t value)
{
    gh_cbor_put_int(writer, key);
    gh_cbor_put_int(writer, value);
}

enum gh_status gh_announcement_write(const struct gh_private_key *list_key, const char *area,
                                     const struct gh_announcement *announcement,
                                     struct gh_writer *writer)
{
    uint8_t buffer[GH_ANNOUNCEMENT_SIGNED_BYTES];
    struct gh_writer payload = gh_writer_over(buffer, sizeof(buffer));
    if (!area_fits(area) || !fits(announcement))
        return GH_ERR_INVALID;
    gh_cbor_put_map(&payload, ANNOUNCEMENT_KEYS);
    put_int(&payload, KEY_VERSION, ANNOUNCEMENT_VERSION);
    gh_cbor_put_int(&payload, KEY_AREA);
    gh_cbor_put_text(&payload, area);
    put_id(&payload, KEY_ID, announcement->id);
    put_id(&payload, KEY_GATE, announcement->gate);
    gh_cbor_put_int(&payload, KEY_SHA256);
    gh_cbor_put_bytes(&payload, announcement->sha256, sizeof(announcement->sha256));
    put_int(&payload, KEY_BYTES, (int64_t)announcement->bytes);
    put_int(&payload, KEY_FROM, announcement->from_s);
    put_int(&payload, KEY_UNTIL, announcement->until_s);
    put_int(&payload, KEY_REPEAT, announcement->repeat);
    gh_cbor_put_int(&payload, KEY_CANCELLED);
    gh_cbor_put_bool(&payload, announcement->cancelled);
    return gh_cose_write(writer, list_key, (struct gh_bytes){payload.data, payload.size},
                         external_aad());
}

/* --- believing --- */

static gh_id get_id(struct gh_cbor_reader *reader, struct gh_map *map, int64_t key)
{
    uint8_t bytes[sizeof(gh_id)] = {0};
    gh_map_key(reader, map, key);
    gh_map_bytes(reader, bytes, sizeof(bytes));
    return gh_be64(bytes);
}

static int64_t get_int(struct gh_cbor_reader *reader, struct gh_map *map, int64_t key)
{
    gh_map_key(reader, map, key);
    return gh_cbor_int(reader);
}

static bool get(struct gh_bytes payload, char area[GH_AREA_BYTES], struct gh_announcement *out)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(payload);
    struct gh_map map = gh_map_open(&reader);
    bool good = get_int(&reader, &map, KEY_VERSION) == ANNOUNCEMENT_VERSION;
    gh_map_key(&reader, &map, KEY_AREA);
    gh_map_text(&reader, area, GH_AREA_BYTES);
    out->id = get_id(&reader, &map, KEY_ID);
    out->gate = get_id(&reader, &map, KEY_GATE);
    gh_map_key(&reader, &map, KEY_SHA256);
    gh_map_bytes(&reader, out->sha256, sizeof(out->sha256));
    gh_map_key(&reader, &map, KEY_BYTES);
    out->bytes = gh_cbor_uint(&reader);
    out->from_s = get_int(&reader, &map, KEY_FROM);
    out->until_s = get_int(&reader, &map, KEY_UNTIL);
    gh_map_key(&reader, &map, KEY_REPEAT);
    out->repeat = gh_map_choice(&reader, GH_ANNOUNCEMENT_REPEAT_MAX);
    gh_map_key(&reader, &map, KEY_CANCELLED);
    out->cancelled = gh_cbor_bool(&reader);
    gh_map_close(&reader, &map);
    return good && gh_cbor_finish(&reader) == GH_OK && fits(out);
}

enum gh_status gh_announcement_read(const struct gh_public_key *list_key, const char *area,
                                    struct gh_bytes bytes, struct gh_announcement *out)
{
    struct gh_cose_sign1 message;
    struct gh_announcement said = {0};
    char its_area[GH_AREA_BYTES] = "";
    memset(out, 0, sizeof(*out));
    if (bytes.size > GH_ANNOUNCEMENT_SIGNED_BYTES ||
        gh_cose_parse(bytes, false, &message) != GH_OK || !message.headers_protected)
        return GH_ERR_CORRUPT;
    enum gh_status status = gh_cose_verify(&message, list_key, external_aad());
    if (status != GH_OK)
        return status == GH_ERR_NOMEM ? status : GH_ERR_SIGNATURE;
    if (!get(message.payload, its_area, &said))
        return GH_ERR_CORRUPT;
    if (strcmp(its_area, area) != 0)
        return GH_ERR_DENIED;
    *out = said;
    return GH_OK;
}
