/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/announce_say.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gatehouse/announcement.h"
#include "gatehouse/file.h"

#define PROGRAM "espeak-ng"

extern char **environ;

/* The text goes as an operand behind "--", and so is never taken for an option. */
static enum gh_status speak(const char *text, const char *voice, const char *path,
                            struct gh_error *err)
{
    const char *const arguments[] = {PROGRAM, "-v", voice, "-w", path, "--", text, NULL};
    pid_t child;
    int status = 0;
    int failed =
        posix_spawnp(&child, PROGRAM, NULL, NULL, (char *const *)(uintptr_t)arguments, environ);
    if (failed == ENOENT) {
        return gh_fail(err, GH_ERR_NOTFOUND,
                       "--say needs espeak-ng on this machine (the package espeak-ng), or send a "
                       "WAV file instead");
    }
    if (failed != 0) {
        return gh_fail(err, gh_status_from_errno(failed), PROGRAM " does not start: %s",
                       strerror(failed));
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return gh_fail(err, gh_status_from_errno(errno), PROGRAM ": %s", strerror(errno));
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return gh_fail(err, GH_ERR_INVALID, PROGRAM " does not speak it (voice %.40s)", voice);
    }
    return GH_OK;
}

enum gh_status gh_say_to_wav(const char *text, const char *voice, uint8_t **data, size_t *size,
                             struct gh_error *err)
{
    const char *base = getenv("TMPDIR"); /* no other thread. NOLINT(concurrency-mt-unsafe) */
    char folder[PATH_MAX - 16], path[PATH_MAX];
    *data = NULL;
    *size = 0;
    int length = snprintf(folder, sizeof(folder), "%s/gatehouse-say-XXXXXX",
                          base != NULL && base[0] != 0 ? base : "/tmp");
    if (length >= (int)sizeof(folder) || mkdtemp(folder) == NULL) {
        return gh_fail(err, GH_ERR_IO, "no folder for what is spoken can be made in %.100s",
                       folder);
    }
    (void)snprintf(path, sizeof(path), "%s/say.wav", folder);
    enum gh_status status = speak(text, voice != NULL ? voice : "en", path, err);
    if (status == GH_OK) {
        status = gh_file_read(path, GH_ANNOUNCEMENT_MAX_BYTES, data, size, err);
    }
    (void)unlink(path);
    (void)rmdir(folder);
    return status;
}
