/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon takes from itself before it reads the first byte that somebody else may have
 * written, so that whoever takes it over finds little: no program to start, no file but its own to
 * change, no kernel beyond what it needs. Landlock says which files, seccomp which system calls;
 * both hold for all threads made afterwards, and for ever. A process that has sanitizers in it does
 * without: they need more than it does.
 *
 * A kernel that lacks one or the other is no reason not to run: systemd's own sandbox (systemd/)
 * stands outside of this one. */
#ifndef GATEHOUSE_SANDBOX_H
#define GATEHOUSE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "gatehouse/status.h"

/* Files that are replaced by new ones (rename) are new files to Landlock: whatever may be replaced
 * while the program runs is given by its folder. */
enum gh_sandbox_access {
    GH_SANDBOX_READ,    /* the file, or all below the folder */
    GH_SANDBOX_REPLACE, /* a file that may be replaced: to read, with all that its folder has, also
                           that of what it links to */
    GH_SANDBOX_WRITE,   /* the folder, and all below: read, write, make, rename, remove */
    GH_SANDBOX_DEVICES, /* the folder, and all below: read, write, ioctl; nothing is made */
};

#define GH_SANDBOX_PATHS_MAX 48
struct gh_sandbox {
    struct {
        const char *path; /* borrowed until the sandbox is entered */
        enum gh_sandbox_access access;
    } paths[GH_SANDBOX_PATHS_MAX];
    size_t count;
    bool listens; /* may bind a TCP port from now on */
    bool keeper;  /* a shorter list of system calls: for a process that only waits and moves */
};

/* "" and NULL are passed over; so is what is not there, when the sandbox is entered. More than
 * there is room for is a mistake of the program, which gh_sandbox_enter reports. */
void gh_sandbox_allow(struct gh_sandbox *sandbox, enum gh_sandbox_access access, const char *path);
/* What every program on this machine needs: libraries and their plug-ins, /etc, time zones, the
 * files about names and addresses below /run, temporary files; to read /sys and /proc. */
void gh_sandbox_allow_system(struct gh_sandbox *sandbox);

/* Enter it. While there is no other thread: Landlock holds for this one and those it makes. Said
 * once in the log: what there is of it (info), what the kernel lacks (notice). GH_ERR_IO: the
 * kernel has it, and refuses; GH_ERR_TOOBIG: too many paths. */
GH_MUST_CHECK enum gh_status gh_sandbox_enter(const struct gh_sandbox *sandbox,
                                              struct gh_error *err);
/* Is this a process with sanitizers in it, where entering does nothing? */
bool gh_sandbox_is_left_out(void);

#endif
