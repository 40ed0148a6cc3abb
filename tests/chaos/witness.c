/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos/witness.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chaos/disk.h"
#include "gate/courier.h"
#include "gate/identity.h"
#include "gatehouse/file.h"
#include "gatehouse/http.h"
#include "gatehouse/list.h"
#include "server/keys.h"
#include "server/list_files.h"

#define CODE_MAX_BYTES 4096
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define TIMEOUT_MS 20000
#define LOOK_MS 100

static struct gh_transport connect_to(const char *url)
{
    struct gh_transport transport;
    struct gh_error err = {0};
    const struct gh_http_options options = {.base_url = url};
    if (gh_http_new(&options, &transport, &err) != GH_OK)
        chaos_die("no way to %s: %s", url, err.text);
    return transport;
}

static void identity_path(const char *folder, char *path)
{
    snprintf(path, PATH_MAX, "%s/identity.json", folder);
}

static struct gh_identity load(const char *folder)
{
    char path[PATH_MAX];
    struct gh_identity identity;
    struct gh_error err = {0};
    identity_path(folder, path);
    if (gh_identity_load(path, &identity, &err) != GH_OK)
        chaos_die("%s: %s", folder, err.text);
    return identity;
}

static struct gh_public_key *key_from(const uint8_t raw[GH_LIST_KEY_BYTES])
{
    struct gh_public_key *key = NULL;
    if (gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){raw, GH_LIST_KEY_BYTES}, &key) !=
        GH_OK)
        chaos_die("a list key is none");
    return key;
}

static bool is_pinned(struct gh_list *list, const struct gh_identity *identity)
{
    const struct gh_manifest *manifest = gh_list_manifest(list);
    return manifest->generation == identity->generation &&
           memcmp(manifest->tag, identity->list_tag, GH_LIST_TAG_BYTES) == 0;
}

enum gh_status witness_open_list(const char *state, struct gh_list **out, struct gh_error *err)
{
    char folder[PATH_MAX];
    struct gh_identity gate = load(state);
    struct gh_public_key *key = key_from(gate.list_key);
    if (gh_courier_list_path(state, folder) != GH_OK)
        chaos_die("the gate has no folder for its list");
    enum gh_status status = gh_list_open_latest(folder, key, out, err);
    gh_public_key_free(key);
    for (size_t i = gate.retired_count; i > 0 && status == GH_ERR_SIGNATURE; i--) {
        key = key_from(gate.retired_keys[i - 1]);
        status = gh_list_open_latest(folder, key, out, err);
        gh_public_key_free(key);
        if (status == GH_OK && !is_pinned(*out, &gate)) {
            gh_list_close(*out);
            *out = NULL;
            return gh_fail(err, GH_ERR_SIGNATURE, "the list is of a retired key, and not pinned");
        }
    }
    return status;
}

/* --- enrolling ---------------------------------------------------------------------------------
 */

static struct gh_identity read_code(const char *code_file)
{
    GH_CLEANUP_FREE uint8_t *text = NULL;
    size_t size;
    struct gh_enrolment enrolment;
    struct gh_identity identity;
    if (gh_file_read(code_file, CODE_MAX_BYTES, &text, &size, NULL) != GH_OK)
        chaos_die("no enrolment code in %s", code_file);
    size = strcspn((const char *)text, "\r\n");
    if (gh_enrolment_read((struct gh_bytes){text, size}, time(NULL), &enrolment) != GH_REASON_OK)
        chaos_die("%s holds no enrolment code", code_file);
    gh_identity_from_enrolment(&enrolment, &identity);
    return identity;
}

int witness_enrol(const char *code_file, const char *folder, const char *url)
{
    struct gh_identity identity = read_code(code_file);
    struct gh_transport transport = connect_to(url);
    struct gh_http_response response = {0};
    struct gh_error err = {0};
    char gate[GH_ID_TEXT_BYTES], token[2 * GH_ENROLMENT_TOKEN_BYTES + 1], path[PATH_MAX];
    char secret[2 * GH_GATE_SECRET_BYTES + 1], body[512];
    gh_id_format(identity.gate, gate);
    gh_hex_encode(identity.token, sizeof(identity.token), token);
    gh_hex_encode(identity.secret, sizeof(identity.secret), secret);
    int size = snprintf(body, sizeof(body),
                        "{\"gate\":\"%s\",\"token\":\"%s\",\"secret\":\"%s\",\"version\":\"%s\"}",
                        gate, token, secret, GH_VERSION);
    const struct gh_http_request request = {
        .method = "POST",
        .path = "/api/v1/enrol",
        .content_type = "application/json",
        .body = {(const uint8_t *)body, (size_t)size},
        .timeout_ms = TIMEOUT_MS,
        .max_response_bytes = 4096,
    };
    if (transport.perform(transport.context, &request, &response, &err) != GH_OK ||
        response.status != 200)
        chaos_die("the witness cannot enrol: %d %s", response.status, err.text);
    json_t *answer = json_loadb((const char *)response.body, response.size, 0, NULL);
    const char *area = json_string_value(json_object_get(answer, "area"));
    snprintf(identity.area, sizeof(identity.area), "%s", area == NULL ? "" : area);
    snprintf(identity.name, sizeof(identity.name), "witness");
    identity.enrolled = true;
    json_decref(answer);
    identity_path(folder, path);
    if (gh_dir_make(folder, 0700, &err) != GH_OK ||
        gh_identity_save(path, &identity, &err) != GH_OK)
        chaos_die("the witness cannot keep its identity: %s", err.text);
    gh_http_response_free(&response);
    transport.free(transport.context);
    return 0;
}

/* --- fetching ----------------------------------------------------------------------------------
 */

struct offer {
    struct gh_http_response answer; /* what all others point into */
    struct gh_bytes manifest;
    struct gh_delta delta;
    struct gh_manifest read;
};

/* A head of CBOR (RFC 8949, section 3) of this major type, definite. */
static bool take_head(struct gh_bytes *left, unsigned type, uint64_t *count)
{
    unsigned first = left->size > 0 ? left->data[0] : 0xff, extra = 0;
    *count = first & 31;
    if (first >> 5 != type || *count > 27)
        return false;
    if (*count >= 24) {
        extra = 1u << (*count - 24);
        *count = 0;
    }
    if (left->size < 1 + extra)
        return false;
    for (unsigned i = 0; i < extra; i++)
        *count = *count << 8 | left->data[1 + i];
    left->data += 1 + extra;
    left->size -= 1 + extra;
    return true;
}

static bool take_bytes(struct gh_bytes *left, struct gh_bytes *out)
{
    uint64_t size;
    if (!take_head(left, 2, &size) || size > left->size)
        return false;
    *out = (struct gh_bytes){left->data, size};
    left->data += size;
    left->size -= size;
    return true;
}

/* false: nothing that could be taken, and why is in err. */
static bool get(struct gh_transport *transport, const char *path, const char *bearer,
                struct gh_http_response *response, struct gh_error *err)
{
    const struct gh_http_request request = {
        .method = "GET",
        .path = path,
        .bearer = bearer,
        .timeout_ms = TIMEOUT_MS,
        .max_response_bytes = ANSWER_MAX_BYTES,
    };
    *response = (struct gh_http_response){0};
    if (transport->perform(transport->context, &request, response, err) == GH_OK &&
        response->status != 200)
        snprintf(err->text, sizeof(err->text), "%s: %d", path, response->status);
    return response->status == 200;
}

static bool fetch(struct gh_transport *transport, const struct gh_identity *identity,
                  const struct gh_public_key *key, struct offer *offer, struct gh_error *err)
{
    char bearer[GH_BEARER_BYTES], boot[GH_BOOT_ID_TEXT_BYTES], path[160];
    uint64_t items;
    *offer = (struct offer){0};
    gh_identity_bearer(identity, bearer);
    gh_boot_id(boot);
    snprintf(path, sizeof(path), "/api/v1/list?generation=0&tag=0000000000000000&wait_s=0&boot=%s",
             boot);
    if (!get(transport, path, bearer, &offer->answer, err))
        return false;
    struct gh_bytes left = {offer->answer.body, offer->answer.size};
    if (!take_head(&left, 4, &items) || items != 5 || !take_bytes(&left, &offer->manifest) ||
        !take_bytes(&left, &offer->delta.header) || !take_bytes(&left, &offer->delta.records)) {
        snprintf(err->text, sizeof(err->text), "the answer about the list is none");
        return false;
    }
    return gh_manifest_read(key, offer->manifest, &offer->read, err) == GH_OK;
}

static void keep(const char *folder, const char *name, const void *data, size_t size)
{
    char path[PATH_MAX];
    struct gh_error err = {0};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (gh_file_replace(path, 0600, data, size, &err) != GH_OK)
        chaos_die("%s", err.text);
}

static bool install(struct gh_transport *transport, const struct gh_identity *identity,
                    const struct gh_public_key *key, const struct offer *offer, const char *folder,
                    struct gh_error *err)
{
    char list[PATH_MAX], snapshot_path[PATH_MAX], path[160], digest[2 * GH_SHA256_BYTES + 1];
    char bearer[GH_BEARER_BYTES];
    struct gh_http_response snapshot;
    gh_identity_bearer(identity, bearer);
    gh_hex_encode(offer->read.snapshot_sha256, GH_SHA256_BYTES, digest);
    snprintf(path, sizeof(path), "/api/v1/list/snapshots/%s", digest);
    bool good = get(transport, path, bearer, &snapshot, err);
    if (good) {
        keep(folder, "answer", offer->answer.body, offer->answer.size);
        keep(folder, "snapshot", snapshot.body, snapshot.size);
    }
    gh_http_response_free(&snapshot);
    snprintf(snapshot_path, sizeof(snapshot_path), "%s/snapshot", folder);
    snprintf(list, sizeof(list), "%s/list", folder);
    chaos_remove(list);
    return good && gh_list_install(list, key, offer->manifest, snapshot_path, &offer->delta, NULL,
                                   err) == GH_OK;
}

/* --- comparing ---------------------------------------------------------------------------------
 */

struct digest {
    struct gh_generation generation;
    uint8_t sha256[GH_SHA256_BYTES];
};

/* Closes list (NULL: there is none, and err says why). */
static bool digest_of(struct gh_list *list, struct digest *out, struct gh_error *err)
{
    *out = (struct digest){0};
    if (list == NULL)
        return false;
    const struct gh_manifest *manifest = gh_list_manifest(list);
    out->generation.number = manifest->generation;
    memcpy(out->generation.tag, manifest->tag, GH_LIST_TAG_BYTES);
    enum gh_status status = gh_list_digest(list, out->sha256);
    if (status != GH_OK)
        gh_fail(err, status, "its digest: %s", gh_status_text(status));
    gh_list_close(list);
    return status == GH_OK;
}

static bool digest_in(const char *folder, const struct gh_public_key *key, struct digest *out,
                      struct gh_error *err)
{
    struct gh_list *list = NULL;
    enum gh_status status = gh_list_open_latest(folder, key, &list, err);
    return digest_of(status == GH_OK ? list : NULL, out, err);
}

static bool digest_at_gate(const char *state, struct digest *out, struct gh_error *err)
{
    struct gh_list *list = NULL;
    enum gh_status status = witness_open_list(state, &list, err);
    return digest_of(status == GH_OK ? list : NULL, out, err);
}

/* The list as the database holds it now, signed by the server's own key. */
static bool digest_of_database(const char *town, const char *folder, const struct offer *offer,
                               const struct gh_public_key *key, struct digest *out,
                               struct gh_error *err)
{
    static const atomic_bool never;
    static uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    char path[PATH_MAX], fresh[PATH_MAX], name[GH_SNAPSHOT_NAME_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    struct gh_manifest manifest = offer->read;
    struct gh_db_snapshot snapshot;
    struct gh_server_keys keys = {0};
    struct gh_db *db = NULL;
    snprintf(path, sizeof(path), "%s/gatehouse.db", town);
    enum gh_status status = gh_db_open(path, &db, err);
    snprintf(fresh, sizeof(fresh), "%s/own", folder);
    chaos_remove(fresh);
    if (status == GH_OK)
        status = gh_dir_make(fresh, 0700, err);
    if (status == GH_OK)
        status = gh_list_write_snapshot(db, fresh, time(NULL), &never, &snapshot);
    snprintf(path, sizeof(path), "%s/keys", town);
    if (status == GH_OK)
        status = gh_server_keys_open(path, manifest.area, db, time(NULL), false, &keys, err);
    if (status == GH_OK) {
        manifest.generation = snapshot.generation.number;
        memcpy(manifest.tag, snapshot.generation.tag, GH_LIST_TAG_BYTES);
        manifest.snapshot = snapshot.generation;
        manifest.snapshot_bytes = snapshot.bytes;
        memcpy(manifest.snapshot_sha256, snapshot.sha256, GH_SHA256_BYTES);
        status = gh_manifest_write(keys.list, &manifest, &writer);
    }
    gh_server_keys_close(&keys);
    gh_db_close(db);
    gh_hex_encode(snapshot.sha256, GH_SHA256_BYTES, name);
    snprintf(path, sizeof(path), "%s/own/%s", folder, name);
    snprintf(fresh, sizeof(fresh), "%s/own/list", folder);
    if (status == GH_OK)
        status = gh_list_install(fresh, key, (struct gh_bytes){writer.data, writer.size}, path,
                                 NULL, NULL, err);
    if (status != GH_OK && err->text[0] == '\0')
        gh_fail(err, status, "no snapshot of the database: %s", gh_status_text(status));
    return status == GH_OK && digest_in(fresh, key, out, err);
}

enum verdict { SAME, OTHER, NOT_YET };

/* What of one generation must be one. */
struct three {
    struct digest gate, witness, database;
};

static enum verdict judge(const struct three *three, struct gh_error *err)
{
    static const char *const names[] = {"the gate", "the witness", "the database"};
    const struct digest *all[] = {&three->gate, &three->witness, &three->database};
    bool same = true;
    for (int i = 1; i < 3; i++) {
        if (!gh_generation_same(&all[i]->generation, &all[0]->generation)) {
            gh_fail(err, GH_ERR_AGAIN, "the gate has generation %" PRIu64 ", %s %" PRIu64,
                    all[0]->generation.number, names[i], all[i]->generation.number);
            return NOT_YET;
        }
        same &= memcmp(all[i]->sha256, all[0]->sha256, GH_SHA256_BYTES) == 0;
    }
    for (int i = 0; i < 3 && !same; i++) {
        char text[2 * GH_SHA256_BYTES + 1];
        gh_hex_encode(all[i]->sha256, GH_SHA256_BYTES, text);
        printf("of generation %" PRIu64 " %s has the list %s\n", all[i]->generation.number,
               names[i], text);
    }
    return same ? SAME : OTHER;
}

static enum verdict look(struct gh_transport *transport, const char *state, const char *folder,
                         const char *town, struct gh_error *err)
{
    char fresh[PATH_MAX];
    struct gh_identity identity = load(folder), gate = load(state);
    struct gh_public_key *key = key_from(gate.list_key);
    struct three three;
    static struct offer offer; /* large */
    snprintf(fresh, sizeof(fresh), "%s/list", folder);
    bool good = digest_at_gate(state, &three.gate, err) &&
                fetch(transport, &identity, key, &offer, err) &&
                install(transport, &identity, key, &offer, folder, err) &&
                digest_in(fresh, key, &three.witness, err) &&
                digest_of_database(town, folder, &offer, key, &three.database, err);
    gh_http_response_free(&offer.answer);
    gh_public_key_free(key);
    return good ? judge(&three, err) : NOT_YET;
}

int witness_compare(const char *state, const char *folder, const char *url, const char *town,
                    int seconds)
{
    struct gh_transport transport = connect_to(url);
    struct gh_error err;
    time_t until_s = time(NULL) + seconds;
    enum verdict verdict;
    do {
        err = (struct gh_error){0};
        verdict = look(&transport, state, folder, town, &err);
    } while (verdict == NOT_YET && time(NULL) <= until_s && poll(NULL, 0, LOOK_MS) == 0);
    if (verdict == NOT_YET)
        printf("after %d s the gate's list is not the server's: %s\n", seconds, err.text);
    transport.free(transport.context);
    return verdict == SAME ? 0 : 1;
}
