/* SPDX-License-Identifier: Apache-2.0 */
/* What the server's INI file says, checked as far as it can be without binding or creating
 * anything. */
#ifndef GATEHOUSE_SRC_SERVER_SETTINGS_H
#define GATEHOUSE_SRC_SERVER_SETTINGS_H

#include <limits.h>

#include "gatehouse/code.h"
#include "gatehouse/list.h"
#include "gatehouse/log.h"
#include "gatehouse/policy.h"
#include "server/retention.h"

#define GH_LISTEN_BYTES 280 /* host:port */

/* Whom to ask about codes that gates cannot verify; how long, and about which, is in the policy. */
struct gh_upstream_settings {
    char url[GH_URL_BYTES * 2];  /* "": nobody */
    char base_url[GH_URL_BYTES]; /* of url, as a transport wants it, */
    char path[GH_URL_BYTES];     /* and the rest */
    char ca_file[PATH_MAX];      /* "": the system's */
    char pin_text[65];           /* "": none */
    uint8_t pin[GH_SHA256_BYTES];
    char token_file[PATH_MAX];
    int offline_choice; /* as configured; use policy.upstream */
};

struct gh_server_settings {
    char listen[GH_LISTEN_BYTES];
    char state_dir[PATH_MAX - 64];
    char public_url[GH_URL_BYTES]; /* "": from the address listened on */
    char area[GH_AREA_BYTES];
    char issuer[GH_OWN_ISSUER_BYTES];
    char url_file[PATH_MAX];        /* "": none */
    char tls_certificate[PATH_MAX]; /* "": plain HTTP */
    char tls_key[PATH_MAX];
    bool allow_plain_http, sandbox;
    int log_level_choice, home_rule_choice; /* as configured; use the two below */
    int paper_choice, clock_choice, holder_choice, old_list_choice;
    int passback_choice, temperature_choice;
    int64_t forgive_min;        /* likewise: policy.passback, */
    char temperature_limit[16]; /* policy.temperature */
    enum gh_log_level log_level;
    struct gh_policy policy;
    struct gh_upstream_settings upstream;
    struct gh_retention_days retention; /* here, not at the gates: that is in the policy */
};

/* Load and check. One sentence in err says what is wrong, with the file's line where there is one.
 */
GH_MUST_CHECK enum gh_status
gh_server_settings_load(const char *path, struct gh_server_settings *out, struct gh_error *err);

/* What `--check` looks at beyond the file: whether state_dir can be used, whether certificate and
 * key can be read and belong together, whether the token for upstream is there and a secret.
 * Creates nothing. */
GH_MUST_CHECK enum gh_status gh_server_settings_check(const struct gh_server_settings *settings,
                                                      struct gh_error *err);

/* The bearer token in token_file: one line of printable ASCII. GH_ERR_DENIED when others than its
 * owner can read the file. */
#define GH_UPSTREAM_TOKEN_BYTES 513
GH_MUST_CHECK enum gh_status gh_upstream_token_load(const struct gh_upstream_settings *settings,
                                                    char out[GH_UPSTREAM_TOKEN_BYTES],
                                                    struct gh_error *err);

static inline bool gh_server_settings_upstream(const struct gh_server_settings *settings)
{
    return settings->upstream.url[0] != '\0';
}

static inline bool gh_server_settings_tls(const struct gh_server_settings *settings)
{
    return settings->tls_certificate[0] != '\0';
}

/* `HOST[:PORT]` of a base URL, as it goes into housing codes. An IPv6 address cannot stand there
 * (docs/codes.md): on loopback it becomes `localhost[:PORT]`, else GH_ERR_INVALID. */
GH_MUST_CHECK enum gh_status gh_server_code_host(const char *url, char *out, size_t out_bytes,
                                                 struct gh_error *err);

#endif
