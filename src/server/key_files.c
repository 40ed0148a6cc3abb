/* SPDX-License-Identifier: Apache-2.0 */
#include "server/key_files.h"

#include <string.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define MODULE "server"

enum gh_status gh_key_path(const char *folder, const char *name, char out[PATH_MAX],
                           struct gh_error *err)
{
    enum gh_status status = gh_path_join(folder, name, out, PATH_MAX);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "the path of %s is too long", name);
}

enum gh_status gh_key_make(const char *path, const char *name, struct gh_private_key **out,
                           struct gh_error *err)
{
    enum gh_status status = gh_private_key_generate(GH_KEY_ED25519, out);
    if (status != GH_OK)
        return gh_fail(err, status, "no key can be made: %s", gh_status_text(status));
    status = gh_private_key_save(*out, path, err);
    if (status == GH_OK)
        gh_log(GH_LOG_NOTICE, MODULE, "made a new key: %s", name);
    return status;
}

enum gh_status gh_key_missing(const char *name, struct gh_error *err)
{
    return gh_fail(err, GH_ERR_NOTFOUND,
                   "keys/%s is missing though the database is not new: restore it from a backup, a "
                   "new one would turn away every code and gate",
                   name);
}

enum gh_status gh_key_open(const char *folder, const char *name, bool create,
                           struct gh_private_key **out, struct gh_error *err)
{
    char path[PATH_MAX];
    struct gh_error why = {0};
    enum gh_status status = gh_key_path(folder, name, path, err);
    if (status != GH_OK)
        return status;
    status = gh_private_key_load(path, out, &why);
    if (status == GH_ERR_NOTFOUND)
        return create ? gh_key_make(path, name, out, err) : gh_key_missing(name, err);
    if (status != GH_OK)
        return gh_fail(err, status, "%s", why.text);
    if (gh_private_key_type(*out) != GH_KEY_ED25519)
        return gh_fail(err, GH_ERR_UNSUPPORTED, "keys/%s is not an Ed25519 key", name);
    return GH_OK;
}

enum gh_status gh_key_raw(const struct gh_private_key *key, uint8_t raw[GH_OWN_KEY_BYTES],
                          gh_id *id)
{
    struct gh_public_key *public;
    uint8_t buffer[GH_PUBLIC_KEY_MAX_BYTES], key_id[GH_KEY_ID_BYTES];
    enum gh_status status = gh_private_key_public(key, &public);
    if (status != GH_OK)
        return status;
    size_t size = gh_public_key_raw(public, buffer);
    gh_public_key_id(public, key_id);
    gh_public_key_free(public);
    if (size != GH_OWN_KEY_BYTES)
        return GH_ERR_UNSUPPORTED;
    memcpy(raw, buffer, GH_OWN_KEY_BYTES);
    *id = gh_be64(key_id);
    return GH_OK;
}
