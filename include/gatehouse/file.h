/* SPDX-License-Identifier: Apache-2.0 */
/* Files that matter, and scoped cleanup. */
#ifndef GATEHOUSE_FILE_H
#define GATEHOUSE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "gatehouse/status.h"

/* Declare `GH_CLEANUP_FD int fd = -1;` and so on: released when the scope ends, errno kept. */
#define GH_CLEANUP_FD __attribute__((cleanup(gh_cleanup_fd)))
#define GH_CLEANUP_FREE __attribute__((cleanup(gh_cleanup_free)))
#define GH_CLEANUP_FILE __attribute__((cleanup(gh_cleanup_file)))
void gh_cleanup_fd(int *fd);
void gh_cleanup_free(void *pointer_to_pointer);
void gh_cleanup_file(FILE **file);

/* Read a whole regular file of at most max_bytes. *data is malloc'ed, has one NUL byte behind its
 * size (not counted) and belongs to the caller; NULL on error. GH_ERR_TOOBIG, GH_ERR_NOTFOUND,
 * GH_ERR_DENIED, GH_ERR_IO, GH_ERR_NOMEM, GH_ERR_INVALID (not a regular file). */
GH_MUST_CHECK enum gh_status gh_file_read(const char *path, size_t max_bytes, uint8_t **data,
                                          size_t *size, struct gh_error *err);

/* Replace path by size bytes of data, whole or not at all, durably: write path with a temporary
 * suffix in the same folder, fsync, rename, fsync the folder. On error the old file stands and the
 * temporary one is gone. */
GH_MUST_CHECK enum gh_status gh_file_replace(const char *path, mode_t mode, const void *data,
                                             size_t size, struct gh_error *err);

/* All of it, from where fd stands. On error errno says the same as the status (GH_ERR_NOSPACE,
 * GH_ERR_IO and others), and a part may have been written: *written (NULL: nobody asks) grows by
 * what was. Not synced. */
GH_MUST_CHECK enum gh_status gh_file_write(int fd, const void *data, size_t size,
                                           uint64_t *written);

/* The last two steps alone, for a file that something else wrote: fsync `from`, rename to `to`
 * (same file system), fsync the folder of `to`. */
GH_MUST_CHECK enum gh_status gh_file_commit(const char *from, const char *to, struct gh_error *err);

/* Create one folder if it is not there; GH_OK when it is there already as a folder. Parents must
 * exist. */
GH_MUST_CHECK enum gh_status gh_dir_make(const char *path, mode_t mode, struct gh_error *err);

/* `folder/name` into out; GH_ERR_TOOBIG when it does not fit in out_bytes with its NUL. */
GH_MUST_CHECK enum gh_status gh_path_join(const char *folder, const char *name, char *out,
                                          size_t out_bytes);

#endif
