/* SPDX-License-Identifier: Apache-2.0 */
#include "server/list_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code/cbor.h"
#include "gatehouse/cose.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define MODULE "server"
#define AAD "gatehouse list handover v1"
#define NAME_BYTES 32

static const struct gh_bytes aad = {(const uint8_t *)AAD, sizeof(AAD) - 1};

static void key_name(size_t number, char out[NAME_BYTES])
{
    if (number == 0)
        snprintf(out, NAME_BYTES, "list.pem");
    else
        snprintf(out, NAME_BYTES, "list-%zu.pem", number);
}

static enum gh_status handover_path(const struct gh_server_keys *keys, size_t number,
                                    char out[PATH_MAX], struct gh_error *err)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "handover-%zu", number);
    return gh_key_path(keys->folder, name, out, err);
}

/* --- what a handover says --- */

static enum gh_status write_handover(const struct gh_private_key *old, const char *area,
                                     size_t number, const uint8_t raw[GH_OWN_KEY_BYTES],
                                     struct gh_handover *out)
{
    uint8_t bytes[GH_HANDOVER_BYTES];
    struct gh_writer payload = gh_writer_over(bytes, sizeof(bytes));
    struct gh_writer message = gh_writer_over(out->bytes, sizeof(out->bytes));
    gh_cbor_put_map(&payload, 4);
    gh_cbor_put_uint(&payload, 1);
    gh_cbor_put_uint(&payload, 1);
    gh_cbor_put_uint(&payload, 2);
    gh_cbor_put_text(&payload, area);
    gh_cbor_put_uint(&payload, 3);
    gh_cbor_put_uint(&payload, number);
    gh_cbor_put_uint(&payload, 4);
    gh_cbor_put_bytes(&payload, raw, GH_OWN_KEY_BYTES);
    enum gh_status status =
        gh_cose_write(&message, old, (struct gh_bytes){payload.data, payload.size}, aad);
    if (status == GH_OK && (payload.overflow || message.overflow))
        status = GH_ERR_TOOBIG;
    out->size = message.size;
    return status;
}

/* The new key that it names; GH_ERR_CORRUPT, GH_ERR_SIGNATURE. */
static enum gh_status check_handover(const struct gh_handover *handover, size_t number,
                                     uint8_t raw[GH_OWN_KEY_BYTES])
{
    struct gh_cose_sign1 message;
    struct gh_public_key *old = NULL;
    if (gh_cose_parse((struct gh_bytes){handover->bytes, handover->size}, false, &message) != GH_OK)
        return GH_ERR_CORRUPT;
    enum gh_status status = gh_public_key_from_raw(
        GH_KEY_ED25519, (struct gh_bytes){handover->from, sizeof(handover->from)}, &old);
    if (status == GH_OK)
        status = gh_cose_verify(&message, old, aad);
    gh_public_key_free(old);
    if (status != GH_OK)
        return status;
    struct gh_cbor_reader reader = gh_cbor_reader_over(message.payload);
    bool good = gh_cbor_map(&reader) == 4 && gh_cbor_uint(&reader) == 1 &&
                gh_cbor_uint(&reader) == 1 && gh_cbor_uint(&reader) == 2;
    (void)gh_cbor_text(&reader);
    good = good && gh_cbor_uint(&reader) == 3 && gh_cbor_uint(&reader) == number &&
           gh_cbor_uint(&reader) == 4;
    const struct gh_bytes key = gh_cbor_bytes(&reader);
    if (!good || gh_cbor_finish(&reader) != GH_OK || key.size != GH_OWN_KEY_BYTES)
        return GH_ERR_CORRUPT;
    memcpy(raw, key.data, GH_OWN_KEY_BYTES);
    return GH_OK;
}

/* --- files --- */

static enum gh_status keep(struct gh_server_keys *keys, const struct gh_handover *handover)
{
    struct gh_handover *larger =
        reallocarray(keys->handovers, keys->handover_count + 1, sizeof(*larger));
    if (larger == NULL)
        return GH_ERR_NOMEM;
    keys->handovers = larger;
    keys->handovers[keys->handover_count++] = *handover;
    return GH_OK;
}

/* GH_ERR_NOTFOUND: there was no such rotation. raw: of the key that it leads to. */
static enum gh_status load_handover(struct gh_server_keys *keys, size_t number,
                                    uint8_t raw[GH_OWN_KEY_BYTES], struct gh_error *err)
{
    char path[PATH_MAX];
    uint8_t *data = NULL;
    size_t size = 0;
    struct gh_handover handover = {0};
    enum gh_status status = handover_path(keys, number, path, err);
    if (status == GH_OK)
        status = gh_file_read(path, GH_OWN_KEY_BYTES + GH_HANDOVER_BYTES, &data, &size, NULL);
    if (status == GH_OK && size <= GH_OWN_KEY_BYTES)
        status = GH_ERR_CORRUPT;
    if (status == GH_OK) {
        memcpy(handover.from, data, GH_OWN_KEY_BYTES);
        handover.size = size - GH_OWN_KEY_BYTES;
        memcpy(handover.bytes, data + GH_OWN_KEY_BYTES, handover.size);
        /* each key follows the one before */
        status = number > 1 && memcmp(handover.from, raw, GH_OWN_KEY_BYTES) != 0
                     ? GH_ERR_CORRUPT
                     : check_handover(&handover, number, raw);
    }
    free(data);
    if (status == GH_ERR_NOTFOUND)
        return status;
    return status == GH_OK ? keep(keys, &handover)
                           : gh_fail(err, status, "keys/handover-%zu cannot be used: %s", number,
                                     gh_status_text(status));
}

static enum gh_status save_handover(const struct gh_server_keys *keys, size_t number,
                                    const struct gh_handover *handover, struct gh_error *err)
{
    char path[PATH_MAX];
    uint8_t data[GH_OWN_KEY_BYTES + GH_HANDOVER_BYTES];
    memcpy(data, handover->from, GH_OWN_KEY_BYTES);
    memcpy(data + GH_OWN_KEY_BYTES, handover->bytes, handover->size);
    enum gh_status status = handover_path(keys, number, path, err);
    return status == GH_OK
               ? gh_file_replace(path, 0600, data, GH_OWN_KEY_BYTES + handover->size, err)
               : status;
}

/* The private half of a key that another one has followed. Whoever gets it could sign for gates
 * that have not heard of that yet. */
static void remove_key(const struct gh_server_keys *keys, size_t number)
{
    char name[NAME_BYTES], path[PATH_MAX];
    key_name(number, name);
    if (gh_key_path(keys->folder, name, path, NULL) != GH_OK || unlink(path) != 0) {
        if (errno != ENOENT)
            gh_log(GH_LOG_ERR, MODULE, "keys/%s, which is not used any more, cannot be removed: %s",
                   name, strerror(errno));
        return;
    }
    GH_CLEANUP_FD int folder = open(keys->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) != 0)
        gh_log(GH_LOG_WARNING, MODULE, "keys: %s", strerror(errno));
}

enum gh_status gh_list_key_open(struct gh_server_keys *keys, bool create, struct gh_error *err)
{
    char name[NAME_BYTES];
    uint8_t raw[GH_OWN_KEY_BYTES] = {0};
    gh_id id;
    enum gh_status status = GH_OK;
    while (status == GH_OK)
        status = load_handover(keys, keys->handover_count + 1, raw, err);
    if (status != GH_ERR_NOTFOUND)
        return status;
    size_t number = keys->handover_count;
    key_name(number, name);
    status = gh_key_open(keys->folder, name, create && number == 0, &keys->list, err);
    if (status == GH_OK)
        status = gh_key_raw(keys->list, keys->list_raw, &id);
    if (status == GH_OK && number > 0 && memcmp(raw, keys->list_raw, sizeof(raw)) != 0)
        status =
            gh_fail(err, GH_ERR_CORRUPT, "keys/%s is not the key that was handed over to", name);
    if (status == GH_OK && number > 0)
        remove_key(keys, number - 1);
    return status;
}

/* --- another one --- */

static enum gh_status hand_over(struct gh_server_keys *keys, const struct gh_private_key *key,
                                const char *area, size_t number, uint8_t raw[GH_OWN_KEY_BYTES],
                                struct gh_error *err)
{
    gh_id id;
    struct gh_handover handover = {0};
    memcpy(handover.from, keys->list_raw, sizeof(handover.from));
    enum gh_status status = gh_key_raw(key, raw, &id);
    if (status == GH_OK)
        status = write_handover(keys->list, area, number, raw, &handover);
    if (status == GH_OK)
        status = keep(keys, &handover);
    if (status != GH_OK)
        return gh_fail(err, status, "the list key cannot be handed over: %s",
                       gh_status_text(status));
    status = save_handover(keys, number, &handover, err);
    if (status != GH_OK)
        keys->handover_count--;
    return status;
}

enum gh_status gh_list_key_rotate(struct gh_server_keys *keys, const char *area,
                                  struct gh_error *err)
{
    char name[NAME_BYTES], path[PATH_MAX];
    uint8_t raw[GH_OWN_KEY_BYTES];
    struct gh_private_key *key = NULL;
    size_t number = keys->handover_count + 1;
    if (number > GH_LIST_KEY_ROTATIONS)
        return gh_fail(err, GH_ERR_TOOBIG, "the list key has been followed %d times already",
                       GH_LIST_KEY_ROTATIONS);
    key_name(number, name);
    enum gh_status status = gh_key_path(keys->folder, name, path, err);
    if (status == GH_OK)
        status = gh_key_make(path, name, &key, err);
    if (status == GH_OK)
        status = hand_over(keys, key, area, number, raw, err);
    if (status != GH_OK) {
        gh_private_key_free(key);
        return status;
    }
    gh_private_key_free(keys->list);
    keys->list = key;
    memcpy(keys->list_raw, raw, sizeof(raw));
    keys->version++;
    remove_key(keys, number - 1);
    return GH_OK;
}
