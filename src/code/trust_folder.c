/* SPDX-License-Identifier: Apache-2.0 */
/* The keys in a folder, for a person at a terminal. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"
#include "gatehouse/jwk.h"
#include "gatehouse/trust.h"

#define PEM_MAX_BYTES (16u << 20) /* GH_TRUST_KEYS_MAX certificates, and some room */
#define DER_MAX_BYTES 65536
#define PATH_BYTES 4096

#define PUBLIC_KEY_BEGIN "-----BEGIN PUBLIC KEY-----"
#define CERTIFICATE_BEGIN "-----BEGIN CERTIFICATE-----"

/* The keys so far. The first thing that went wrong is kept for those who are called back. */
struct key_set {
    struct gh_issuer_key *keys;
    size_t count, capacity;
    enum gh_status status;
};

static void cleanup_set(struct key_set *set)
{
    free(set->keys);
}

static bool is_same(const struct gh_issuer_key *one, const struct gh_issuer_key *other)
{
    return one->purposes == other->purposes &&
           memcmp(one->key_id, other->key_id, sizeof(one->key_id)) == 0 &&
           gh_bytes_equal((struct gh_bytes){one->raw, one->raw_bytes},
                          (struct gh_bytes){other->raw, other->raw_bytes}) &&
           strcmp(one->issuer, other->issuer) == 0;
}

static bool holds(const struct key_set *set, const struct gh_issuer_key *key)
{
    for (size_t i = 0; i < set->count; i++)
        if (is_same(&set->keys[i], key))
            return true;
    return false;
}

static enum gh_status make_room(struct key_set *set)
{
    if (set->count < set->capacity)
        return GH_OK;
    if (set->count == GH_TRUST_KEYS_MAX)
        return GH_ERR_TOOBIG;
    size_t capacity = set->capacity > 0 ? 2 * set->capacity : 32;
    struct gh_issuer_key *keys = realloc(set->keys, capacity * sizeof(*keys));
    if (keys == NULL)
        return GH_ERR_NOMEM;
    set->keys = keys;
    set->capacity = capacity;
    return GH_OK;
}

static enum gh_status add_key(struct key_set *set, const struct gh_issuer_key *key)
{
    enum gh_status status = make_room(set);
    if (status == GH_OK)
        set->keys[set->count++] = *key;
    return status;
}

/* Foreign ones come in bundles that overlap. */
static bool add_foreign(struct key_set *set, const struct gh_issuer_key *key)
{
    if (!holds(set, key))
        set->status = add_key(set, key);
    return set->status == GH_OK;
}

/* Whenever its certificate ends: codes are older than certificates that were renewed. */
static bool add_signer(void *context, const struct gh_signer *signer)
{
    const struct gh_issuer_key key = gh_issuer_key_of_signer(signer, INT64_MAX);
    return add_foreign(context, &key);
}

static bool add_card_key(void *context, const struct gh_issuer_key *key)
{
    return add_foreign(context, key);
}

/* --- files --- */

static enum gh_status load_public_key(struct key_set *set, const char *path, struct gh_error *err)
{
    struct gh_public_key *key = NULL;
    enum gh_status status = gh_public_key_load(path, &key, NULL);
    if (status == GH_ERR_UNSUPPORTED)
        return GH_OK;
    if (status != GH_OK)
        return gh_fail(err, status, "no public key: %s", gh_status_text(status));
    struct gh_issuer_key issuer = {
        .type = gh_public_key_type(key),
        .purposes = GH_PURPOSES_OWN,
        .not_before_s = INT64_MIN,
        .not_after_s = INT64_MAX,
    };
    issuer.raw_bytes = gh_public_key_raw(key, issuer.raw);
    gh_public_key_id(key, issuer.key_id);
    gh_public_key_free(key);
    set->status = add_key(set, &issuer);
    return GH_OK;
}

static const uint8_t *find(struct gh_bytes text, const char *word)
{
    return memmem(text.data, text.size, word, strlen(word));
}

static struct gh_bytes from(struct gh_bytes text, const uint8_t *where)
{
    return (struct gh_bytes){where, text.size - (size_t)(where - text.data)};
}

static enum gh_status load_pem(struct key_set *set, const char *path, struct gh_bytes text,
                               struct gh_error *err)
{
    bool certificates = find(text, CERTIFICATE_BEGIN) != NULL;
    const uint8_t *key = find(text, PUBLIC_KEY_BEGIN);
    /* openssl x509 -pubkey writes both; that key is not one of our own. */
    if (certificates && key != NULL)
        return gh_fail(err, GH_ERR_INVALID, "both certificates and a public key are in it");
    if (key != NULL && find(from(text, key + 1), PUBLIC_KEY_BEGIN) != NULL)
        return gh_fail(err, GH_ERR_INVALID, "more than one public key is in it");
    return certificates ? gh_signers_from_pem(text, add_signer, set, NULL, err)
                        : load_public_key(set, path, err);
}

static enum gh_status load_der(struct key_set *set, const char *path, struct gh_bytes der,
                               struct gh_error *err)
{
    (void)path;
    struct gh_signer signer;
    struct gh_error why = {.status = GH_OK};
    enum gh_status status = gh_signer_from_der(der, &signer, &why);
    if (status == GH_OK)
        (void)add_signer(set, &signer);
    return status == GH_OK || status == GH_ERR_UNSUPPORTED ? GH_OK
                                                           : gh_fail(err, status, "%s", why.text);
}

static enum gh_status load_jwks(struct key_set *set, const char *path, struct gh_bytes text,
                                struct gh_error *err)
{
    (void)path;
    return gh_jwks_read(text, add_card_key, set, NULL, err);
}

static const struct ending {
    const char *text;
    size_t max_bytes;
    enum gh_status (*load)(struct key_set *set, const char *path, struct gh_bytes bytes,
                           struct gh_error *err);
} endings[] = {
    {".pem", PEM_MAX_BYTES, load_pem},
    {".der", DER_MAX_BYTES, load_der},
    {".jwks.json", GH_JWKS_MAX_BYTES, load_jwks},
};

/* NULL for a file that is passed over. */
static const struct ending *ending_of(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; name[0] != '.' && i < GH_ARRAY_SIZE(endings); i++) {
        size_t ending = strlen(endings[i].text);
        if (size > ending && strcmp(name + size - ending, endings[i].text) == 0)
            return &endings[i];
    }
    return NULL;
}

static enum gh_status load_file(struct key_set *set, const char *path, const struct ending *ending,
                                struct gh_error *err)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    struct gh_error why = {.status = GH_OK};
    enum gh_status status = gh_file_read(path, ending->max_bytes, &data, &size, err);
    if (status != GH_OK)
        return status;
    status = ending->load(set, path, (struct gh_bytes){data, size}, &why);
    if (status != GH_OK)
        return gh_fail(err, status, "%.120s: %s", path, why.text);
    if (set->status == GH_ERR_TOOBIG)
        return gh_fail(err, set->status, "more than %d keys to trust", GH_TRUST_KEYS_MAX);
    if (set->status != GH_OK)
        return gh_fail(err, set->status, "no memory for the keys to trust");
    return GH_OK;
}

static enum gh_status load_name(struct key_set *set, const char *folder, const char *name,
                                struct gh_error *err)
{
    char path[PATH_BYTES];
    enum gh_status status = gh_path_join(folder, name, path, sizeof(path));
    if (status != GH_OK)
        return gh_fail(err, status, "the path of a key in %.180s is too long", folder);
    return load_file(set, path, ending_of(name), err);
}

/* --- the folder --- */

static int has_ending(const struct dirent *entry)
{
    return ending_of(entry->d_name) != NULL;
}

static enum gh_status load_folder(struct key_set *set, const char *folder, struct gh_error *err)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, has_ending, alphasort);
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
    __attribute__((cleanup(cleanup_set))) struct key_set set = {.keys = NULL};
    enum gh_status status = load_folder(&set, folder, err);
    if (status != GH_OK)
        return status;
    status = gh_trust_new(set.keys, set.count, NULL, out);
    if (status == GH_ERR_EXISTS)
        return gh_fail(err, status, "two files in %.180s hold the same key", folder);
    if (status != GH_OK)
        return gh_fail(err, status, "cannot use the keys in %.180s: %s", folder,
                       gh_status_text(status));
    return GH_OK;
}
