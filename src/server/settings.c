/* SPDX-License-Identifier: Apache-2.0 */
#include "server/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/config.h"
#include "gatehouse/file.h"
#include "gatehouse/http.h"
#include "server/listener.h"
#include "server/settings_parts.h"

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug", NULL};
static const enum gh_log_level levels[] = {GH_LOG_ERR, GH_LOG_WARNING, GH_LOG_NOTICE, GH_LOG_INFO,
                                           GH_LOG_DEBUG};
static const char *const home_names[] = {"none", "member", "code", NULL};
static const enum gh_home_rule home_rules[] = {GH_HOME_NONE, GH_HOME_MEMBER, GH_HOME_CODE};
static const char *const paper_names[] = {"open", "guard", "deny", NULL};
static const enum gh_paper_rule paper_rules[] = {GH_PAPER_OPEN, GH_PAPER_GUARD, GH_PAPER_DENY};
static const char *const clock_names[] = {"guard", "deny", NULL};
static const enum gh_clock_rule clock_rules[] = {GH_CLOCK_GUARD, GH_CLOCK_DENY};
static const char *const old_list_names[] = {"guard", "deny", NULL};
static const enum gh_old_list_rule old_list_rules[] = {GH_OLD_LIST_GUARD, GH_OLD_LIST_DENY};
static const char *const holder_names[] = {"guard", "home", "open", NULL};
static const enum gh_holder_rule holder_rules[] = {GH_HOLDER_GUARD, GH_HOLDER_HOME, GH_HOLDER_OPEN};

static const char *const passback_names[] = {"off", "soft", "hard", NULL};
static const enum gh_passback_rule passback_rules[] = {GH_PASSBACK_OFF, GH_PASSBACK_SOFT,
                                                       GH_PASSBACK_HARD};
static const char *const temperature_names[] = {"off", "optional", "required", NULL};
static const enum gh_temperature_rule temperature_rules[] = {
    GH_TEMPERATURE_OFF, GH_TEMPERATURE_OPTIONAL, GH_TEMPERATURE_REQUIRED};

/* One line of what foreign certificates mean; their order counts. */
static bool take_rule(void *out, const char *text, char why[GH_CONFIG_WHY_BYTES])
{
    struct gh_policy *policy = &((struct gh_server_settings *)out)->policy;
    struct gh_error err = {0};
    if (policy->rule_count == GH_RULES_MAX) {
        snprintf(why, GH_CONFIG_WHY_BYTES, "is one more than the %d that a list holds",
                 GH_RULES_MAX);
        return false;
    }
    if (gh_rule_parse(text, &policy->rules[policy->rule_count], &err) != GH_OK) {
        snprintf(why, GH_CONFIG_WHY_BYTES, "cannot be read: %.100s", err.text);
        return false;
    }
    policy->rule_count++;
    return true;
}

static bool take_hours(void *out, const char *text, char why[GH_CONFIG_WHY_BYTES])
{
    struct gh_opening *opening = &((struct gh_server_settings *)out)->policy.opening;
    struct gh_error err = {0};
    if (opening->hours_count == GH_HOURS_MAX) {
        snprintf(why, GH_CONFIG_WHY_BYTES, "is one more than the %d that a list holds",
                 GH_HOURS_MAX);
        return false;
    }
    if (gh_hours_parse(text, &opening->hours[opening->hours_count], &err) != GH_OK) {
        snprintf(why, GH_CONFIG_WHY_BYTES, "%.120s", err.text);
        return false;
    }
    opening->hours_count++;
    return true;
}

/* Put where it belongs, by date. */
static bool take_holiday(void *out, const char *text, char why[GH_CONFIG_WHY_BYTES])
{
    struct gh_opening *opening = &((struct gh_server_settings *)out)->policy.opening;
    struct gh_holiday holiday;
    struct gh_error err = {0};
    if (gh_holiday_parse(text, &holiday, &err) != GH_OK) {
        snprintf(why, GH_CONFIG_WHY_BYTES, "%.120s", err.text);
        return false;
    }
    size_t at = opening->holiday_count;
    while (at > 0 && gh_holiday_compare(&opening->holidays[at - 1], &holiday) > 0)
        at--;
    if (at > 0 && gh_holiday_compare(&opening->holidays[at - 1], &holiday) == 0) {
        snprintf(why, GH_CONFIG_WHY_BYTES, "%.20s is given twice", text);
        return false;
    }
    if (opening->holiday_count == GH_HOLIDAYS_MAX) {
        snprintf(why, GH_CONFIG_WHY_BYTES, "is one more than the %d that a list holds",
                 GH_HOLIDAYS_MAX);
        return false;
    }
    memmove(&opening->holidays[at + 1], &opening->holidays[at],
            (opening->holiday_count - at) * sizeof(holiday));
    opening->holidays[at] = holiday;
    opening->holiday_count++;
    return true;
}

/* Degrees, as a decimal with one digit behind the point, or none: exactly that. */
static bool parse_degrees(const char *text, int64_t *millic)
{
    size_t whole = strspn(text, "0123456789");
    const char *rest = text + whole;
    bool tenth = rest[0] == '.' && rest[1] >= '0' && rest[1] <= '9' && rest[2] == '\0';
    if (whole == 0 || whole > 3 || (rest[0] != '\0' && !tenth))
        return false;
    *millic = (int64_t)strtol(text, NULL, 10) * 1000 + (tenth ? (rest[1] - '0') * 100 : 0);
    return true;
}

/* In the order of offline_rules in settings_upstream.c. */
static const char *const offline_names[] = {"guard", "deny", NULL};

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

#define UPSTREAM_TEXT(key, member)                                                                 \
    {                                                                                              \
        .section = "upstream", .name = (key), .type = GH_CONFIG_TEXT, .offset = FIELD(member),     \
        .size = sizeof(((struct gh_server_settings *)0)->member), .initial = ""                    \
    }

#define DAYS(key, member, start)                                                                   \
    {                                                                                              \
        .section = "retention", .name = (key), .type = GH_CONFIG_INT,                              \
        .offset = FIELD(retention.member), .minimum = 1, .maximum = GH_RETENTION_DAYS_MAX,         \
        .initial = (start)                                                                         \
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
    {.section = "server",
     .name = "sandbox",
     .type = GH_CONFIG_BOOL,
     .offset = FIELD(sandbox),
     .initial = "yes"},
    CHOICE("server", "log_level", log_level_choice, level_names, "info"),
    CHOICE("policy", "home", home_rule_choice, home_names, "code"),
    CHOICE("policy", "paper", paper_choice, paper_names, "open"),
    CHOICE("policy", "clock", clock_choice, clock_names, "guard"),
    CHOICE("certificates", "holder", holder_choice, holder_names, "guard"),
    {.section = "certificates", .name = "rule", .type = GH_CONFIG_EACH, .take = take_rule},
    NUMBER("passage_timeout_ms", policy.passage_timeout_ms, 1000, 60000, "8000"),
    NUMBER("debounce_ms", policy.debounce_ms, 500, 60000, "3000"),
    NUMBER("list_stale_age_s", policy.list_stale_age_s, 60, INT64_C(315360000), "86400"),
    NUMBER("list_max_age_s", policy.list_max_age_s, 60, INT64_C(315360000), "604800"),
    CHOICE("policy", "old_list", old_list_choice, old_list_names, "guard"),
    {.section = "hours", .name = "open", .type = GH_CONFIG_EACH, .take = take_hours},
    {.section = "hours", .name = "holiday", .type = GH_CONFIG_EACH, .take = take_holiday},
    CHOICE("policy", "anti_passback", passback_choice, passback_names, "off"),
    NUMBER("anti_passback_forgive_min", forgive_min, GH_PASSBACK_FORGIVE_MIN_S / 60,
           GH_PASSBACK_FORGIVE_MAX_S / 60, "720"),
    CHOICE("policy", "temperature", temperature_choice, temperature_names, "off"),
    {.section = "policy",
     .name = "temperature_limit",
     .type = GH_CONFIG_TEXT,
     .offset = FIELD(temperature_limit),
     .size = sizeof(((struct gh_server_settings *)0)->temperature_limit),
     .initial = "37.3"},
    NUMBER("temperature_valid_ms", policy.temperature.valid_ms, GH_TEMPERATURE_VALID_MIN_MS,
           GH_TEMPERATURE_VALID_MAX_MS, "10000"),
    NUMBER("gate_keep_passages_days", policy.retention.passages_days, 1, GH_KEEP_DAYS_MAX, "30"),
    NUMBER("gate_keep_others_days", policy.retention.others_days, 1, GH_KEEP_DAYS_MAX, "365"),
    DAYS("passage_days", entries[GH_ENTRY_PASSAGE], "90"),
    DAYS("door_days", entries[GH_ENTRY_DOOR], "90"),
    DAYS("start_days", entries[GH_ENTRY_START], "365"),
    DAYS("fault_days", entries[GH_ENTRY_FAULT], "365"),
    DAYS("clock_days", entries[GH_ENTRY_CLOCK], "365"),
    DAYS("list_days", entries[GH_ENTRY_LIST], "365"),
    DAYS("prune_days", entries[GH_ENTRY_PRUNE], "365"),
    DAYS("announcement_days", entries[GH_ENTRY_ANNOUNCEMENT], "365"),
    DAYS("refused_days", refused, "90"),
    DAYS("alarm_days", alarms, "365"),
    UPSTREAM_TEXT("url", upstream.url),
    UPSTREAM_TEXT("ca_file", upstream.ca_file),
    UPSTREAM_TEXT("pin", upstream.pin_text),
    UPSTREAM_TEXT("token_file", upstream.token_file),
    UPSTREAM_TEXT("prefixes", policy.upstream.prefixes),
    CHOICE("upstream", "offline", upstream.offline_choice, offline_names, "guard"),
    {.section = "upstream",
     .name = "deadline_ms",
     .type = GH_CONFIG_INT,
     .offset = FIELD(policy.upstream.deadline_ms),
     .minimum = 100,
     .maximum = 5000,
     .initial = "800"},
};

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
    if (!gh_settings_printable(settings->issuer))
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

static enum gh_status check_temperature(struct gh_server_settings *settings, struct gh_error *err)
{
    int64_t *limit = &settings->policy.temperature.limit_millic;
    if (!parse_degrees(settings->temperature_limit, limit) || *limit < GH_TEMPERATURE_LIMIT_MIN ||
        *limit > GH_TEMPERATURE_LIMIT_MAX)
        return gh_fail(err, GH_ERR_INVALID,
                       "[policy] temperature_limit must be degrees from %d.0 to %d.0, as 37.3",
                       GH_TEMPERATURE_LIMIT_MIN / 1000, GH_TEMPERATURE_LIMIT_MAX / 1000);
    return GH_OK;
}

/* --- all of it --- */

enum gh_status gh_server_settings_load(const char *path, struct gh_server_settings *out,
                                       struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_config_load(path, keys, GH_ARRAY_SIZE(keys), out, err);
    if (status != GH_OK)
        return status;
    out->log_level = levels[out->log_level_choice];
    out->policy.home_rule = home_rules[out->home_rule_choice];
    out->policy.paper = paper_rules[out->paper_choice];
    out->policy.clock = clock_rules[out->clock_choice];
    out->policy.old_list = old_list_rules[out->old_list_choice];
    out->policy.holder = holder_rules[out->holder_choice];
    out->policy.passback.rule = passback_rules[out->passback_choice];
    out->policy.passback.forgive_s = out->forgive_min * 60;
    out->policy.temperature.rule = temperature_rules[out->temperature_choice];
    choose_issuer(out);
    struct gh_error why = {0};
    status = check_server(out, &why);
    if (status == GH_OK)
        status = check_temperature(out, &why);
    if (status == GH_OK)
        status = gh_upstream_settings_check(out, &why);
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
    if (status == GH_OK && gh_server_settings_upstream(settings))
        status = gh_upstream_settings_files(&settings->upstream, err);
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
