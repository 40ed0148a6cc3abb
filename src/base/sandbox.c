/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox_calls.h"
#include "gatehouse/bytes.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

/* Newer than the headers of Debian 12. */
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND_TCP (UINT64_C(1) << 0)

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_MAKE                                                                                    \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
#define FS_FIRST ((UINT64_C(1) << 13) - 1) /* what the first version knows */
#define FS_OF_FILES                                                                                \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset {
    uint64_t fs, net;
};

/* --- what is allowed --- */

void gh_sandbox_allow(struct gh_sandbox *sandbox, enum gh_sandbox_access access, const char *path)
{
    if (path == NULL || path[0] == '\0')
        return;
    if (sandbox->count < GH_SANDBOX_PATHS_MAX) {
        sandbox->paths[sandbox->count].path = path;
        sandbox->paths[sandbox->count].access = access;
    }
    sandbox->count++;
}

void gh_sandbox_allow_system(struct gh_sandbox *sandbox)
{
    /* /etc as a whole: what resolves names is replaced there by whoever manages the network. */
    static const char *const read[] = {
        "/etc",
        "/usr",
        "/lib",
        "/lib64",
        "/sys",
        "/proc",
        "/run/NetworkManager",
        "/run/resolvconf",
        "/run/systemd/resolve",
        "/dev/random",
        "/dev/urandom",
    };
    static const char *const write[] = {"/tmp", "/var/tmp"}; /* where SQLite sorts */

    for (size_t i = 0; i < GH_ARRAY_SIZE(read); i++)
        gh_sandbox_allow(sandbox, GH_SANDBOX_READ, read[i]);
    for (size_t i = 0; i < GH_ARRAY_SIZE(write); i++)
        gh_sandbox_allow(sandbox, GH_SANDBOX_WRITE, write[i]);
    gh_sandbox_allow(sandbox, GH_SANDBOX_REPLACE, "/etc/resolv.conf"); /* wherever it leads to */
    gh_sandbox_allow(sandbox, GH_SANDBOX_DEVICES, "/dev/null");
}

/* --- Landlock --- */

/* 0: there is none. */
static int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

static struct ruleset handled(int version, const struct gh_sandbox *sandbox)
{
    struct ruleset all = {.fs = FS_FIRST | LANDLOCK_ACCESS_FS_REFER};

    if (version >= 3)
        all.fs |= FS_TRUNCATE;
    if (version >= 4 && !sandbox->listens)
        all.net = NET_BIND_TCP;
    if (version >= 5)
        all.fs |= FS_IOCTL_DEV;
    return all;
}

static uint64_t rights(enum gh_sandbox_access access)
{
    switch (access) {
    case GH_SANDBOX_WRITE:
        return FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE;
    case GH_SANDBOX_DEVICES:
        return FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
    case GH_SANDBOX_READ:
    case GH_SANDBOX_REPLACE:
        break;
    }
    return FS_READ;
}

static enum gh_status allow_path(int ruleset, const struct ruleset *all, const char *path,
                                 uint64_t wanted, struct gh_error *err)
{
    struct stat info;
    GH_CLEANUP_FD int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) != 0)
        return GH_OK; /* it is not there, or not for us anyway */
    if (!S_ISDIR(info.st_mode))
        wanted &= FS_OF_FILES;
    struct landlock_path_beneath_attr rule = {.allowed_access = wanted & all->fs, .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return gh_fail(err, GH_ERR_IO, "Landlock: %.150s: %s", path, strerror(errno));
    return GH_OK;
}

static enum gh_status allow_folder_of(int ruleset, const struct ruleset *all, const char *path,
                                      struct gh_error *err)
{
    char folder[PATH_MAX];
    size_t size = strlen(path);

    if (size >= sizeof(folder))
        return GH_OK;
    memcpy(folder, path, size + 1);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        memcpy(folder, ".", 2);
    else
        slash[slash == folder ? 1 : 0] = '\0';
    return allow_path(ruleset, all, folder, FS_READ, err);
}

/* The file's folder, and that of the file that it leads to. */
static enum gh_status allow_replaced(int ruleset, const struct ruleset *all, const char *path,
                                     struct gh_error *err)
{
    char real[PATH_MAX];

    enum gh_status status = allow_folder_of(ruleset, all, path, err);
    if (status == GH_OK && realpath(path, real) != NULL)
        status = allow_folder_of(ruleset, all, real, err);
    return status;
}

static enum gh_status allow_all(int ruleset, const struct ruleset *all,
                                const struct gh_sandbox *sandbox, struct gh_error *err)
{
    enum gh_status status = GH_OK;

    for (size_t i = 0; status == GH_OK && i < sandbox->count; i++) {
        const char *path = sandbox->paths[i].path;
        enum gh_sandbox_access access = sandbox->paths[i].access;
        status = access == GH_SANDBOX_REPLACE ? allow_replaced(ruleset, all, path, err)
                                              : allow_path(ruleset, all, path, rights(access), err);
    }
    return status;
}

static enum gh_status restrict_files(int version, const struct gh_sandbox *sandbox,
                                     struct gh_error *err)
{
    struct ruleset all = handled(version, sandbox);
    /* Before version 4 the kernel knows the first half only, and takes both if the second is 0. */
    GH_CLEANUP_FD int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);

    if (ruleset < 0)
        return gh_fail(err, GH_ERR_IO, "Landlock: %s", strerror(errno));
    enum gh_status status = allow_all(ruleset, &all, sandbox, err);
    if (status == GH_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        status = gh_fail(err, GH_ERR_IO, "Landlock: %s", strerror(errno));
    return status;
}

/* --- both --- */

bool gh_sandbox_is_left_out(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
    return false;
}

static enum gh_status enter_files(const struct gh_sandbox *sandbox, struct gh_error *err)
{
    int version = landlock_version();

    /* The first version refuses every rename from one folder to another. */
    if (version < 2) {
        gh_log(GH_LOG_NOTICE, "sandbox",
               "this kernel has no Landlock that will do: files are not restricted from inside");
        return GH_OK;
    }
    enum gh_status status = restrict_files(version, sandbox, err);
    if (status == GH_OK && !sandbox->keeper)
        gh_log(GH_LOG_INFO, "sandbox", "files are restricted (Landlock, version %d)", version);
    return status;
}

static enum gh_status enter_calls(const struct gh_sandbox *sandbox, struct gh_error *err)
{
    enum gh_status status = gh_sandbox_calls(sandbox->keeper, err);

    if (status == GH_ERR_NOTFOUND) {
        gh_log(GH_LOG_NOTICE, "sandbox", "%s: system calls are not restricted from inside",
               err->text);
        *err = (struct gh_error){0};
        return GH_OK;
    }
    if (status == GH_OK && !sandbox->keeper)
        gh_log(GH_LOG_INFO, "sandbox", "system calls are restricted (seccomp)");
    return status;
}

enum gh_status gh_sandbox_enter(const struct gh_sandbox *sandbox, struct gh_error *err)
{
    struct gh_error mine = {0};

    if (gh_sandbox_is_left_out())
        return GH_OK;
    if (sandbox->count > GH_SANDBOX_PATHS_MAX)
        return gh_fail(err, GH_ERR_TOOBIG, "the sandbox has no room for %zu paths", sandbox->count);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return gh_fail(err, GH_ERR_IO, "no_new_privs: %s", strerror(errno));
    enum gh_status status = enter_files(sandbox, &mine);
    if (status == GH_OK)
        status = enter_calls(sandbox, &mine);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "%s", mine.text);
}
