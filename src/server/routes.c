/* SPDX-License-Identifier: Apache-2.0 */
/* Every route there is (docs/protocol.md, section 1). */
#include <stdio.h>
#include <string.h>

#include "server/api.h"

#define V1 "/api/v1"
#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define SMALL (64 * KIB), 60

enum { ADMIN = GH_WHO_ADMIN, LANDLORD = GH_WHO_LANDLORD, INSPECTOR = GH_WHO_INSPECTOR };

/* clang-format off */
static const struct gh_route routes[] = {
    {"POST",   V1 "/login", GH_WHO_ANYBODY, 8 * KIB, 30, NULL, gh_api_login},
    {"POST",   V1 "/users", ADMIN, SMALL, NULL, gh_api_user_add},
    {"POST",   V1 "/people/import", ADMIN, 64 * MIB, 900, NULL, gh_api_people_import},
    {"GET",    V1 "/people", ADMIN, 0, 0, ",ref,after,limit,", gh_api_people_get},
    {"PATCH",  V1 "/people/#", ADMIN, SMALL, NULL, gh_api_person_change},
    {"POST",   V1 "/people/#/health-code", ADMIN, SMALL, NULL, gh_api_health_code},
    {"DELETE", V1 "/people/#/codes", ADMIN, 0, 0, NULL, gh_api_codes_recall},
    {"PUT",    V1 "/people/#/certificate", ADMIN, 512 * KIB, 60, NULL, gh_api_certificate_put},
    {"DELETE", V1 "/people/#/certificate", ADMIN, 0, 0, NULL, gh_api_certificate_drop},
    {"DELETE", V1 "/credentials/#", ADMIN, 0, 0, NULL, gh_api_credential_revoke},
    {"POST",   V1 "/revocations", ADMIN, 1 * MIB, 60, NULL, gh_api_revocations_add},
    {"POST",   V1 "/keys", ADMIN, SMALL, NULL, gh_api_key_add},
    {"GET",    V1 "/keys", ADMIN, 0, 0, NULL, gh_api_keys_get},
    {"DELETE", V1 "/keys/#", ADMIN, 0, 0, NULL, gh_api_key_revoke},
    {"POST",   V1 "/trust", ADMIN, 4 * MIB, 120, NULL, gh_api_trust_add},
    {"GET",    V1 "/trust", ADMIN, 0, 0, NULL, gh_api_trust_get},
    {"DELETE", V1 "/trust/#", ADMIN, 0, 0, ",forget,", gh_api_trust_drop},
    {"POST",   V1 "/homes", ADMIN | LANDLORD, SMALL, NULL, gh_api_home_add},
    {"GET",    V1 "/homes", ADMIN | LANDLORD | INSPECTOR, 0, 0, NULL, gh_api_homes_get},
    {"POST",   V1 "/homes/#/inspection", ADMIN | INSPECTOR, SMALL, NULL, gh_api_home_inspect},
    {"POST",   V1 "/homes/#/approval", ADMIN, SMALL, NULL, gh_api_home_approve},
    {"POST",   V1 "/homes/#/code", ADMIN | LANDLORD, SMALL, NULL, gh_api_home_code},
    {"PUT",    V1 "/homes/#/members/#", ADMIN | LANDLORD, SMALL, NULL, gh_api_member_put},
    {"DELETE", V1 "/homes/#/members/#", ADMIN | LANDLORD, 0, 0, NULL, gh_api_member_drop},
    {"POST",   V1 "/gates", ADMIN, SMALL, NULL, gh_api_gate_add},
    {"GET",    V1 "/gates", ADMIN, 0, 0, NULL, gh_api_gates_get},
    {"DELETE", V1 "/gates/#", ADMIN, 0, 0, NULL, gh_api_gate_shut_out},
    {"GET",    V1 "/gates/#/chain", ADMIN, 0, 0, NULL, gh_api_chain_get},
    {"GET",    V1 "/entries", ADMIN, 0, 0, ",after,limit,gate,type,from,until,", gh_api_entries_get},
    {"GET",    V1 "/alarms", ADMIN, 0, 0, ",after,limit,gate,", gh_api_alarms_get},
    {"GET",    V1 "/refused", ADMIN, 0, 0, ",after,limit,gate,", gh_api_refused_get},
    {"POST",   V1 "/enrol", GH_WHO_ANYBODY, 8 * KIB, 30, NULL, gh_api_enrol},
    {"GET",    V1 "/list", GH_WHO_GATE, 0, 0, ",generation,tag,wait_s,boot,news,", gh_api_list},
    {"GET",    V1 "/list/snapshots/*", GH_WHO_ANYBODY, 0, 0, NULL, gh_api_list_snapshot},
    {"GET",    V1 "/news", GH_WHO_GATE, 0, 0, ",after,", gh_api_news},
    {"POST",   V1 "/announcements", ADMIN, 8 * MIB, 300, ",gate,repeat,expires_s,text,", gh_api_announce},
    {"GET",    V1 "/announcements", ADMIN, 0, 0, NULL, gh_api_announcements_get},
    {"DELETE", V1 "/announcements/#", ADMIN, 0, 0, NULL, gh_api_announcement_cancel},
    {"GET",    V1 "/announcements/*", GH_WHO_GATE, 0, 0, NULL, gh_api_sound},
    {"POST",   V1 "/entries", GH_WHO_GATE, 1 * MIB, 60, NULL, gh_api_entries_post},
    {"POST",   V1 "/verify", GH_WHO_GATE, 16 * KIB, 10, NULL, gh_api_verify},
    {"GET",    "/healthz", GH_WHO_ANYBODY, 0, 0, NULL, gh_api_healthz},
    {"GET",    "/metrics", GH_WHO_ANYBODY, 0, 0, NULL, gh_api_metrics},
    {"GET",    "/H/*", GH_WHO_ANYBODY, 0, 0, NULL, gh_api_home_page},
    {NULL, NULL, 0, 0, 0, NULL, NULL},
};
/* clang-format on */

const struct gh_route *gh_routes(void)
{
    return routes;
}

struct parameters {
    gh_id id[2];
    size_t ids;
    const char *text;
};

/* One segment of a path against one of a pattern. Neither is empty. */
static bool segment_fits(const char *pattern, size_t pattern_size, const char *path,
                         size_t path_size, struct parameters *parameters)
{
    if (pattern_size == 1 && pattern[0] == '#')
        return parameters->ids < 2 &&
               gh_id_parse(path, path_size, &parameters->id[parameters->ids++]) == GH_OK;
    if (pattern_size == 1 && pattern[0] == '*') {
        parameters->text = path; /* always the last one: ends with the path */
        return true;
    }
    return pattern_size == path_size && memcmp(pattern, path, path_size) == 0;
}

static bool fits(const char *pattern, const char *path, struct parameters *parameters)
{
    *parameters = (struct parameters){0};
    while (*pattern == '/' && *path == '/') {
        size_t pattern_size = strcspn(++pattern, "/");
        size_t path_size = strcspn(++path, "/");
        if (pattern_size == 0 || path_size == 0 ||
            !segment_fits(pattern, pattern_size, path, path_size, parameters))
            return false;
        pattern += pattern_size;
        path += path_size;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct gh_route *gh_route_find(const char *method, struct gh_request *request,
                                     char allow[GH_ALLOW_BYTES])
{
    struct parameters parameters;
    size_t used = 0;
    allow[0] = '\0';
    for (const struct gh_route *route = routes; route->method != NULL; route++) {
        if (!fits(route->pattern, request->path, &parameters))
            continue;
        if (strcmp(route->method, method) == 0) {
            memcpy(request->id, parameters.id, sizeof(request->id));
            request->text = parameters.text;
            return route;
        }
        used += (size_t)snprintf(allow + used, GH_ALLOW_BYTES - used, "%s%s", used > 0 ? ", " : "",
                                 route->method);
    }
    return NULL;
}
