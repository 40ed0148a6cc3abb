/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"

#define PEM_MAX_BYTES 1048576 /* only to look what is inside: a bundle of certificates */
#define PATH_BYTES 4096

struct trusted {
    struct gh_issuer_key issuer;
    struct gh_public_key *key;
    uint8_t id[GH_KEY_ID_BYTES];
};

struct gh_trust {
    atomic_uint references;
    size_t count;
    struct trusted keys[]; /* never changed once handed out */
};

static void trust_free(struct gh_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++)
        gh_public_key_free(trust->keys[i].key);
    free(trust);
}

static void cleanup_trust(struct gh_trust **trust)
{
    if (*trust != NULL)
        trust_free(*trust);
}

/* Add one key behind those that are there. */
static enum gh_status add_key(struct gh_trust *trust, const struct gh_issuer_key *issuer)
{
    if (issuer->raw_bytes > sizeof(issuer->raw) ||
        memchr(issuer->issuer, 0, sizeof(issuer->issuer)) == NULL)
        return GH_ERR_INVALID;
    struct trusted *entry = &trust->keys[trust->count];
    struct gh_bytes raw = {.data = issuer->raw, .size = issuer->raw_bytes};
    enum gh_status status = gh_public_key_from_raw(issuer->type, raw, &entry->key);
    if (status != GH_OK)
        return status;
    entry->issuer = *issuer;
    gh_public_key_id(entry->key, entry->id);
    struct gh_trusted_key other;
    bool twice = gh_trust_find(trust, entry->id, &other);
    trust->count++; /* now it is freed with the others */
    return twice ? GH_ERR_EXISTS : GH_OK;
}

enum gh_status gh_trust_new(const struct gh_issuer_key *keys, size_t count, struct gh_trust **out)
{
    *out = NULL;
    if (count > GH_TRUST_KEYS_MAX)
        return GH_ERR_TOOBIG;
    __attribute__((cleanup(cleanup_trust))) struct gh_trust *trust =
        calloc(1, sizeof(*trust) + count * sizeof(trust->keys[0]));
    if (trust == NULL)
        return GH_ERR_NOMEM;
    atomic_init(&trust->references, 1);
    for (size_t i = 0; i < count; i++) {
        enum gh_status status = add_key(trust, &keys[i]);
        if (status != GH_OK)
            return status;
    }
    *out = trust;
    trust = NULL;
    return GH_OK;
}

struct gh_trust *gh_trust_ref(struct gh_trust *trust)
{
    if (trust != NULL)
        atomic_fetch_add_explicit(&trust->references, 1, memory_order_relaxed);
    return trust;
}

void gh_trust_unref(struct gh_trust *trust)
{
    if (trust != NULL &&
        atomic_fetch_sub_explicit(&trust->references, 1, memory_order_acq_rel) == 1)
        trust_free(trust);
}

bool gh_issuer_key_may_sign(const struct gh_issuer_key *key, enum gh_kind kind, int64_t issued_at_s,
                            struct gh_bytes issuer)
{
    struct gh_bytes name = {(const uint8_t *)key->issuer, strlen(key->issuer)};

    return (key->purposes & GH_PURPOSE(kind)) != 0 && issued_at_s >= key->not_before_s &&
           issued_at_s <= key->not_after_s && (name.size == 0 || gh_bytes_equal(name, issuer));
}

bool gh_trust_find(const struct gh_trust *trust, const uint8_t key_id[GH_KEY_ID_BYTES],
                   struct gh_trusted_key *out)
{
    *out = (struct gh_trusted_key){.key = NULL};
    if (trust == NULL)
        return false;
    for (size_t i = 0; i < trust->count; i++) {
        if (memcmp(trust->keys[i].id, key_id, GH_KEY_ID_BYTES) == 0) {
            *out = (struct gh_trusted_key){.key = trust->keys[i].key,
                                           .issuer = &trust->keys[i].issuer};
            return true;
        }
    }
    return false;
}

/* --- from a folder --------------------------------------------------------------------------- */

struct key_set {
    struct gh_issuer_key keys[GH_TRUST_KEYS_MAX];
    size_t count;
};

static int is_pem_name(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t size = strlen(name);
    return name[0] != '.' && size > 4 && strcmp(name + size - 4, ".pem") == 0;
}

/* Whether a PEM file holds certificates and no key. */
static enum gh_status is_certificate(const char *path, bool *yes, struct gh_error *err)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    enum gh_status status = gh_file_read(path, PEM_MAX_BYTES, &data, &size, err);
    if (status != GH_OK)
        return status;
    static const char label[] = "-----BEGIN CERTIFICATE-----";
    static const char key_label[] = "-----BEGIN PUBLIC KEY-----";
    *yes = memmem(data, size, label, sizeof(label) - 1) != NULL &&
           memmem(data, size, key_label, sizeof(key_label) - 1) == NULL;
    return GH_OK;
}

static enum gh_status load_file(struct key_set *set, const char *path, struct gh_error *err)
{
    bool certificate = false;
    enum gh_status status = is_certificate(path, &certificate, err);
    if (status != GH_OK || certificate)
        return status;
    struct gh_public_key *key = NULL;
    status = gh_public_key_load(path, &key, err);
    if (status != GH_OK)
        return gh_fail(err, status, "%s is no public key: %s", path, gh_status_text(status));
    if (set->count == GH_TRUST_KEYS_MAX) {
        gh_public_key_free(key);
        return gh_fail(err, GH_ERR_TOOBIG, "more than %d keys to trust", GH_TRUST_KEYS_MAX);
    }
    struct gh_issuer_key *issuer = &set->keys[set->count++];
    *issuer = (struct gh_issuer_key){.type = gh_public_key_type(key),
                                     .purposes =
                                         GH_PURPOSE(GH_KIND_HEALTH) | GH_PURPOSE(GH_KIND_HOUSING) |
                                         GH_PURPOSE(GH_KIND_VISITOR) | GH_PURPOSE(GH_KIND_STAFF),
                                     .not_before_s = INT64_MIN,
                                     .not_after_s = INT64_MAX};
    issuer->raw_bytes = gh_public_key_raw(key, issuer->raw);
    gh_public_key_free(key);
    return GH_OK;
}

static enum gh_status load_name(struct key_set *set, const char *folder, const char *name,
                                struct gh_error *err)
{
    char path[PATH_BYTES];
    enum gh_status status = gh_path_join(folder, name, path, sizeof(path));
    if (status != GH_OK)
        return gh_fail(err, status, "the path of a key in %s is too long", folder);
    return load_file(set, path, err);
}

static enum gh_status load_folder(struct key_set *set, const char *folder, struct gh_error *err)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_pem_name, alphasort);
    if (count < 0)
        return gh_fail(err, gh_status_from_errno(errno), "cannot read the folder %s: %m", folder);
    enum gh_status status = GH_OK;
    for (int i = 0; i < count; i++) {
        if (status == GH_OK)
            status = load_name(set, folder, names[i]->d_name, err);
        free(names[i]);
    }
    free(names);
    return status;
}

enum gh_status gh_trust_load(const char *folder, struct gh_trust **out, struct gh_error *err)
{
    *out = NULL;
    struct key_set set = {.count = 0}; /* 11 KB */
    enum gh_status status = load_folder(&set, folder, err);
    if (status != GH_OK)
        return status;
    status = gh_trust_new(set.keys, set.count, out);
    if (status == GH_ERR_EXISTS)
        return gh_fail(err, status, "two files in %s hold the same key", folder);
    if (status != GH_OK)
        return gh_fail(err, status, "cannot use the keys in %s: %s", folder,
                       gh_status_text(status));
    return GH_OK;
}
