/* SPDX-License-Identifier: Apache-2.0 */
#include "server/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/config.h"
#include "gatehouse/http.h"
#include "server/listener.h"

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug", NULL};
static const enum gh_log_level levels[] = {GH_LOG_ERR, GH_LOG_WARNING, GH_LOG_NOTICE, GH_LOG_INFO,
                                           GH_LOG_DEBUG};
static const char *const home_names[] = {"none", "member", "code", NULL};
static const enum gh_home_rule home_rules[] = {GH_HOME_NONE, GH_HOME_MEMBER, GH_HOME_CODE};

#define FIELD(member) offsetof(struct gh_server_settings, member)
#define TEXT(key, member, start)                                                                   \
    {                                                                                              \
        .section = "server", .name = (key), .type = GH_CONFIG_TEXT, .offset = FIELD(member),       \
        .size = sizeof(((struct gh_server_settings *)0)->member), .initial = (start)               \
    }
#define CHOICE(part, key, member, names, start)                                                    \
    {                                                                                              \
        .section = (part), .name = (key), .type = GH_CONFIG_CHOICE, .offset = FIELD(member),       \
        .choices = (names), .initial = (start)                                                     \
    }
#define NUMBER(key, member, least, most, start)                                                    \
    {                                                                                              \
        .section = "policy", .name = (key), .type = GH_CONFIG_INT, .offset = FIELD(member),        \
        .minimum = (least), .maximum = (most), .initial = (start)                                  \
    }

static const struct gh_config_key keys[] = {
    TEXT("listen", listen, "127.0.0.1:8440"),
    TEXT("state_dir", state_dir, "/var/lib/gatehouse-server"),
    TEXT("public_url", public_url, ""),
    TEXT("area", area, NULL),
    TEXT("issuer", issuer, ""),
    TEXT("url_file", url_file, ""),
    TEXT("tls_certificate", tls_certificate, ""),
    TEXT("tls_key", tls_key, ""),
    {.section = "server",
     .name = "allow_plain_http",
     .type = GH_CONFIG_BOOL,
     .offset = FIELD(allow_plain_http),
     .initial = "no"},
    CHOICE("server", "log_level", log_level_choice, level_names, "info"),
    CHOICE("policy", "home", home_rule_choice, home_names, "code"),
    NUMBER("passage_timeout_ms", policy.passage_timeout_ms, 1000, 60000, "8000"),
    NUMBER("debounce_ms", policy.debounce_ms, 500, 60000, "3000"),
    NUMBER("list_max_age_s", policy.list_max_age_s, 60, INT64_C(315360000), "604800"),
};

static bool printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

/* The area, when it is a host's name, is a fine name for the issuer, and as stable: the codes that
 * are out in the world name it, so it must not follow public_url. */
static void choose_issuer(struct gh_server_settings *settings)
{
    static const char host_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    if (settings->issuer[0] != '\0')
        return;
    bool host = strchr(settings->area, '.') != NULL &&
                settings->area[strspn(settings->area, host_letters)] == '\0';
    snprintf(settings->issuer, sizeof(settings->issuer), "%s", host ? settings->area : "gatehouse");
}

static enum gh_status check_server(const struct gh_server_settings *settings, struct gh_error *err)
{
    char host[GH_URL_BYTES];
    if (settings->area[0] == '\0' || settings->state_dir[0] == '\0')
        return gh_fail(err, GH_ERR_INVALID, "[server] %s must not be empty",
                       settings->area[0] == '\0' ? "area" : "state_dir");
    if (!printable(settings->issuer))
        return gh_fail(err, GH_ERR_INVALID, "[server] issuer must be printable ASCII");
    if ((settings->tls_certificate[0] == '\0') != (settings->tls_key[0] == '\0'))
        return gh_fail(err, GH_ERR_INVALID,
                       "[server] tls_certificate and tls_key must be given both or not at all");
    struct gh_listen_address address;
    enum gh_status status = gh_listen_parse(settings->listen, &address, err);
    if (status != GH_OK)
        return status;
    if (!gh_listen_is_loopback(&address) && !gh_server_settings_tls(settings) &&
        !settings->allow_plain_http)
        return gh_fail(err, GH_ERR_INVALID,
                       "[server] listen = %.60s is not loopback: give tls_certificate and tls_key, "
                       "or say allow_plain_http = yes",
                       settings->listen);
    if (settings->public_url[0] == '\0' && gh_listen_is_any(&address))
        return gh_fail(err, GH_ERR_INVALID,
                       "[server] public_url is needed when listening on every address");
    if (settings->public_url[0] == '\0')
        return GH_OK;
    struct gh_error why = {0};
    if (gh_http_check_url(settings->public_url, true, &why) != GH_OK ||
        gh_server_code_host(settings->public_url, host, sizeof(host), &why) != GH_OK)
        return gh_fail(err, GH_ERR_INVALID, "[server] public_url: %.180s", why.text);
    return GH_OK;
}

enum gh_status gh_server_settings_load(const char *path, struct gh_server_settings *out,
                                       struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_config_load(path, keys, GH_ARRAY_SIZE(keys), out, err);
    if (status != GH_OK)
        return status;
    out->log_level = levels[out->log_level_choice];
    out->policy.home_rule = home_rules[out->home_rule_choice];
    choose_issuer(out);
    struct gh_error why = {0};
    status = check_server(out, &why);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "%.60s: %.190s", path, why.text);
}

static enum gh_status check_state_dir(const char *path, struct gh_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        if (!S_ISDIR(info.st_mode))
            return gh_fail(err, GH_ERR_INVALID, "state_dir %.150s is not a folder", path);
        if (access(path, R_OK | W_OK | X_OK) != 0)
            return gh_fail(err, GH_ERR_DENIED, "state_dir %.150s cannot be written to", path);
        return GH_OK;
    }
    if (errno != ENOENT)
        return gh_fail(err, gh_status_from_errno(errno), "state_dir %.150s: %s", path,
                       strerror(errno));
    char parent[PATH_MAX];
    snprintf(parent, sizeof(parent), "%s", path);
    size_t size = strlen(parent);
    while (size > 1 && parent[size - 1] == '/')
        parent[--size] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        snprintf(parent, sizeof(parent), ".");
    else
        slash[slash == parent ? 1 : 0] = '\0';
    if (access(parent, W_OK | X_OK) != 0)
        return gh_fail(err, GH_ERR_NOTFOUND, "state_dir %.150s is not there and cannot be created",
                       path);
    return GH_OK;
}

enum gh_status gh_server_settings_check(const struct gh_server_settings *settings,
                                        struct gh_error *err)
{
    enum gh_status status = check_state_dir(settings->state_dir, err);
    if (status == GH_OK && gh_server_settings_tls(settings))
        status = gh_certificate_check(settings->tls_certificate, settings->tls_key, err);
    return status;
}

enum gh_status gh_server_code_host(const char *url, char *out, size_t out_bytes,
                                   struct gh_error *err)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    size_t size = strcspn(host, "/?#");
    const char *port = NULL;
    if (host[0] == '[') {
        port = memchr(host, ']', size);
        if (port == NULL || strncasecmp(host, "[::1]", 5) != 0)
            return gh_fail(err, GH_ERR_INVALID,
                           "an IPv6 address cannot stand in a housing code, use a name");
        port++;
        size -= (size_t)(port - host);
        host = port;
    }
    if ((size_t)snprintf(out, out_bytes, "%s%.*s", port != NULL ? "localhost" : "", (int)size,
                         host) >= out_bytes)
        return gh_fail(err, GH_ERR_TOOBIG, "the host's name is too long");
    for (const char *c = out; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr(".-:", *c) == NULL)
            return gh_fail(err, GH_ERR_INVALID,
                           "the host may hold letters, digits, dots and hyphens only");
    return out[0] != '\0' ? GH_OK : gh_fail(err, GH_ERR_INVALID, "no host is named");
}
