/* SPDX-License-Identifier: Apache-2.0 */
/* [upstream]: whom the server asks about codes that gates cannot verify. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/http.h"
#include "server/settings_parts.h"

/* In the order of offline_names in settings.c. */
static const enum gh_offline_rule offline_rules[] = {GH_OFFLINE_GUARD, GH_OFFLINE_DENY};

bool gh_settings_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

/* `https://host[:port]` and the path behind it, `/` without one. */
static enum gh_status split_url(struct gh_upstream_settings *upstream, struct gh_error *err)
{
    struct gh_error why = {0};
    const char *host = strstr(upstream->url, "://");
    size_t size = host != NULL ? (size_t)(host - upstream->url) + 3 : 0;
    size += strcspn(upstream->url + size, "/?#");
    const char *rest = upstream->url + size;
    if ((size_t)snprintf(upstream->base_url, sizeof(upstream->base_url), "%.*s", (int)size,
                         upstream->url) >= sizeof(upstream->base_url) ||
        (size_t)snprintf(upstream->path, sizeof(upstream->path), "%s%s", rest[0] == '/' ? "" : "/",
                         rest) >= sizeof(upstream->path))
        return gh_fail(err, GH_ERR_INVALID, "[upstream] url is too long");
    if (!gh_settings_printable(rest) || strpbrk(rest, " #") != NULL)
        return gh_fail(err, GH_ERR_INVALID,
                       "[upstream] url: its path must be printable ASCII without blanks and `#`");
    if (gh_http_check_url(upstream->base_url, false, &why) != GH_OK)
        return gh_fail(err, GH_ERR_INVALID, "[upstream] url: %.180s", why.text);
    return GH_OK;
}

/* Our own codes are nobody else's business: a gate's enrolment code even holds a secret. */
static bool begins_like_ours(const char *prefix, size_t size)
{
    static const char *const ours[] = {"GH1:", "GHP1:", "GHE1:"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(ours); i++) {
        size_t least = strlen(ours[i]) < size ? strlen(ours[i]) : size;
        if (strncmp(prefix, ours[i], least) == 0)
            return true;
    }
    return false;
}

/* One space between two of them, as they stand in the manifest. */
static enum gh_status take_prefixes(char prefixes[GH_PREFIXES_BYTES], struct gh_error *err)
{
    char *end = prefixes;
    if (!gh_settings_printable(prefixes))
        return gh_fail(err, GH_ERR_INVALID, "[upstream] prefixes must be printable ASCII");
    for (const char *at = prefixes + strspn(prefixes, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        if (begins_like_ours(at, size))
            return gh_fail(err, GH_ERR_INVALID,
                           "[upstream] prefixes: \"%.*s\" would send this town's own codes away",
                           (int)size, at);
        if (end != prefixes)
            *end++ = ' ';
        memmove(end, at, size);
        end += size;
        at += size;
    }
    *end = '\0';
    return end != prefixes ? GH_OK
                           : gh_fail(err, GH_ERR_INVALID,
                                     "[upstream] prefixes must say which codes may be asked about");
}

enum gh_status gh_upstream_settings_check(struct gh_server_settings *settings, struct gh_error *err)
{
    struct gh_upstream_settings *upstream = &settings->upstream;
    settings->policy.upstream.offline = offline_rules[upstream->offline_choice];
    if (!gh_server_settings_upstream(settings)) {
        settings->policy.upstream = (struct gh_upstream_policy){0};
        return GH_OK;
    }
    enum gh_status status = split_url(upstream, err);
    if (status == GH_OK)
        status = take_prefixes(settings->policy.upstream.prefixes, err);
    if (status != GH_OK)
        return status;
    if (upstream->token_file[0] == '\0')
        return gh_fail(err, GH_ERR_INVALID, "[upstream] token_file is needed with url");
    if (upstream->pin_text[0] == '\0')
        return GH_OK;
    if (strncasecmp(upstream->base_url, "https:", 6) != 0)
        return gh_fail(err, GH_ERR_INVALID, "[upstream] pin needs an url with https://");
    if (gh_hex_decode(upstream->pin_text, strlen(upstream->pin_text), upstream->pin,
                      sizeof(upstream->pin)) != GH_OK)
        return gh_fail(err, GH_ERR_INVALID, "[upstream] pin must be 64 hex digits");
    return GH_OK;
}

enum gh_status gh_upstream_token_load(const struct gh_upstream_settings *settings,
                                      char out[GH_UPSTREAM_TOKEN_BYTES], struct gh_error *err)
{
    struct stat info;
    uint8_t *data = NULL;
    size_t size = 0;
    const char *path = settings->token_file;
    memset(out, 0, GH_UPSTREAM_TOKEN_BYTES);
    if (stat(path, &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return gh_fail(err, GH_ERR_DENIED,
                       "[upstream] token_file %.120s must be its owner's alone (chmod 600)", path);
    enum gh_status status = gh_file_read(path, GH_UPSTREAM_TOKEN_BYTES, &data, &size, err);
    if (status != GH_OK)
        return status;
    size_t used = strcspn((const char *)data, "\r\n");
    bool good = used > 0 && used < GH_UPSTREAM_TOKEN_BYTES &&
                used + strspn((const char *)data + used, "\r\n") == size;
    if (good)
        memcpy(out, data, used);
    good = good && gh_settings_printable(out) && strchr(out, ' ') == NULL;
    gh_wipe(data, size);
    free(data);
    if (good)
        return GH_OK;
    gh_wipe(out, GH_UPSTREAM_TOKEN_BYTES);
    return gh_fail(err, GH_ERR_INVALID,
                   "[upstream] token_file %.120s must hold one line of printable ASCII", path);
}

enum gh_status gh_upstream_settings_files(const struct gh_upstream_settings *upstream,
                                          struct gh_error *err)
{
    char token[GH_UPSTREAM_TOKEN_BYTES];
    enum gh_status status = gh_upstream_token_load(upstream, token, err);
    gh_wipe(token, sizeof(token));
    if (status == GH_OK && upstream->ca_file[0] != '\0' && access(upstream->ca_file, R_OK) != 0)
        status = gh_fail(err, gh_status_from_errno(errno), "[upstream] ca_file %.120s: %s",
                         upstream->ca_file, strerror(errno));
    return status;
}
