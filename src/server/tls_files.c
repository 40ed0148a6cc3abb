/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_files.h"

#include <stdlib.h>
#include <string.h>

#include "gatehouse/bytes.h"
#include "gatehouse/crypto.h"
#include "gatehouse/file.h"

#define BYTES_MAX (1u << 20)

enum gh_status gh_tls_files_read(const char *certificate, const char *key, struct gh_tls_files *out,
                                 struct gh_error *err)
{
    *out = (struct gh_tls_files){0};
    enum gh_status status = gh_certificate_check(certificate, key, err);
    if (status == GH_OK)
        status =
            gh_file_read(certificate, BYTES_MAX, &out->certificate, &out->certificate_size, err);
    if (status == GH_OK)
        status = gh_file_read(key, BYTES_MAX, &out->key, &out->key_size, err);
    return status;
}

void gh_tls_files_free(struct gh_tls_files *files)
{
    free(files->certificate);
    if (files->key != NULL)
        gh_wipe(files->key, files->key_size);
    free(files->key);
    *files = (struct gh_tls_files){0};
}

static bool same_file(const char *path, const uint8_t *data, size_t size)
{
    uint8_t *now = NULL;
    size_t now_size = 0;
    bool same = gh_file_read(path, BYTES_MAX, &now, &now_size, NULL) == GH_OK && now_size == size &&
                gh_crypto_equal(now, data, size);
    if (now != NULL)
        gh_wipe(now, now_size);
    free(now);
    return same;
}

bool gh_tls_files_are(const char *certificate, const char *key, const struct gh_tls_files *files)
{
    return same_file(certificate, files->certificate, files->certificate_size) &&
           same_file(key, files->key, files->key_size);
}
