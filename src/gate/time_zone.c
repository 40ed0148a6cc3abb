/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/time_zone.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/file.h"

#define ZONES "/usr/share/zoneinfo"
#define MAGIC "TZif" /* RFC 8536 */

/* A path below the zones, and no way out of them. */
static bool is_name(const char *zone)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";

    return zone[0] != '/' && strspn(zone, letters) == strlen(zone);
}

/* The C library takes a zone that it does not know for UTC, and says nothing. */
enum gh_status gh_time_zone_check(const char *zone, struct gh_error *err)
{
    const char *folder = getenv("TZDIR");
    char path[PATH_MAX], magic[sizeof(MAGIC) - 1];

    if (zone[0] == '\0')
        return GH_OK;
    if (!is_name(zone))
        return gh_fail(err, GH_ERR_INVALID,
                       "time_zone = %.40s is no name of a time zone such as Asia/Shanghai", zone);
    if (!folder || folder[0] == '\0')
        folder = ZONES;
    int size = snprintf(path, sizeof(path), "%s/%s", folder, zone);
    GH_CLEANUP_FD int fd =
        size < (int)sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0 || read(fd, magic, sizeof(magic)) != (ssize_t)sizeof(magic) ||
        memcmp(magic, MAGIC, sizeof(magic)) != 0)
        return gh_fail(err, GH_ERR_NOTFOUND,
                       "time_zone = %.40s is not known on this machine (there is no %.100s/%.40s)",
                       zone, folder, zone);
    return GH_OK;
}

enum gh_status gh_time_zone_use(const char *zone, struct gh_error *err)
{
    enum gh_status status = gh_time_zone_check(zone, err);

    if (status != GH_OK)
        return status;
    if (zone[0] != '\0' && setenv("TZ", zone, 1) != 0)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the time zone");
    tzset();
    return GH_OK;
}
