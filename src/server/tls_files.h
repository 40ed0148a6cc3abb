/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate and the key that the server proves itself with. */
#ifndef GATEHOUSE_SRC_SERVER_TLS_FILES_H
#define GATEHOUSE_SRC_SERVER_TLS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse/status.h"

struct gh_tls_files {
    uint8_t *certificate, *key; /* the files' text, NUL-terminated */
    size_t certificate_size, key_size;
};

/* Only what belongs together (gh_certificate_check). Also on error *out is to be freed. */
GH_MUST_CHECK enum gh_status gh_tls_files_read(const char *certificate, const char *key,
                                               struct gh_tls_files *out, struct gh_error *err);
void gh_tls_files_free(struct gh_tls_files *files); /* wipes */

/* Whether the files say now what was read. */
bool gh_tls_files_are(const char *certificate, const char *key, const struct gh_tls_files *files);

#endif
