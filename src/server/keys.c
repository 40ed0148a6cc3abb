/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keys.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"

static enum gh_status make(const char *path, const char *name, struct gh_private_key **out,
                           struct gh_error *err)
{
    enum gh_status status = gh_private_key_generate(GH_KEY_ED25519, out);
    if (status != GH_OK)
        return gh_fail(err, status, "no key can be made: %s", gh_status_text(status));
    status = gh_private_key_save(*out, path, err);
    if (status == GH_OK)
        gh_log(GH_LOG_NOTICE, "server", "made a new key: %s", name);
    return status;
}

static enum gh_status open_one(const char *folder, const char *name, bool create,
                               struct gh_private_key **out, struct gh_error *err)
{
    char path[PATH_MAX];
    struct gh_error why = {0};
    enum gh_status status = gh_path_join(folder, name, path, sizeof(path));
    if (status != GH_OK)
        return gh_fail(err, status, "the path of %s is too long", name);
    status = gh_private_key_load(path, out, &why);
    if (status == GH_ERR_NOTFOUND && create)
        return make(path, name, out, err);
    if (status == GH_ERR_NOTFOUND)
        return gh_fail(err, status,
                       "keys/%s is missing though the database is not new: restore it from a "
                       "backup, a new key would turn away every code and gate",
                       name);
    if (status != GH_OK)
        return gh_fail(err, status, "%s", why.text);
    if (gh_private_key_type(*out) != GH_KEY_ED25519)
        return gh_fail(err, GH_ERR_UNSUPPORTED, "keys/%s is not an Ed25519 key", name);
    return GH_OK;
}

static enum gh_status raw_of(const struct gh_private_key *key, uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES],
                             size_t *size)
{
    struct gh_public_key *public;
    enum gh_status status = gh_private_key_public(key, &public);
    if (status == GH_OK)
        *size = gh_public_key_raw(public, raw);
    gh_public_key_free(public);
    return status;
}

static enum gh_status describe(const struct gh_private_key *key, enum gh_kind kind,
                               const char *issuer, struct gh_issuer_key *out)
{
    *out = (struct gh_issuer_key){
        .type = gh_private_key_type(key),
        .purposes = GH_PURPOSE(kind),
        .not_after_s = INT64_MAX,
    };
    snprintf(out->issuer, sizeof(out->issuer), "%s", issuer);
    return raw_of(key, out->raw, &out->raw_bytes);
}

static enum gh_status open_all(const char *folder, const char *issuer, bool create,
                               struct gh_server_keys *keys, struct gh_error *err)
{
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    size_t size = 0;
    enum gh_status status = open_one(folder, "list.pem", create, &keys->list, err);
    if (status == GH_OK)
        status = open_one(folder, "health.pem", create, &keys->health, err);
    if (status == GH_OK)
        status = open_one(folder, "housing.pem", create, &keys->housing, err);
    if (status == GH_OK)
        status = describe(keys->health, GH_KIND_HEALTH, issuer, &keys->issuers[0]);
    if (status == GH_OK)
        status = describe(keys->housing, GH_KIND_HOUSING, issuer, &keys->issuers[1]);
    if (status == GH_OK)
        status = raw_of(keys->list, raw, &size);
    if (status != GH_OK)
        return gh_fail(err, status, "the keys: %s", gh_status_text(status));
    memcpy(keys->list_raw, raw, sizeof(keys->list_raw));
    return GH_OK;
}

enum gh_status gh_server_keys_open(const char *folder, const char *issuer, bool create,
                                   struct gh_server_keys *out, struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_dir_make(folder, 0700, err);
    if (status == GH_OK)
        status = open_all(folder, issuer, create, out, err);
    if (status != GH_OK)
        gh_server_keys_close(out);
    return status;
}

void gh_server_keys_close(struct gh_server_keys *keys)
{
    gh_private_key_free(keys->list);
    gh_private_key_free(keys->health);
    gh_private_key_free(keys->housing);
    memset(keys, 0, sizeof(*keys));
}
