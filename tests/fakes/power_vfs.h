/* SPDX-License-Identifier: Apache-2.0 */
/* A disk under SQLite whose power can be cut. Once installed it is the VFS of every connection of
 * the process that names no other. Files lie where they always do, and whoever looks at them sees
 * all that was written; but of each file is kept what has changed since its last sync. When the
 * power comes back, each sector of 512 bytes holds what was synced, or any of what was written to
 * it since, each sector for itself: writes were lost, torn, and out of order. A file's length is
 * one that it had since the sync, and what a truncation took away is gone only if it is. A name
 * that was made or removed may be so or not, until SQLite has synced the folder (as its unix VFS
 * does: with the first sync of a journal or WAL that it made). Temporary files, and what other code
 * does to a file, are not looked at. Nothing is really synced, so it is fast.
 *
 *     power_vfs_install();
 *     power_vfs_cut_at(17);            // the seventeenth step from now on does not return well
 *     ... open, write, until something fails; close everything ...
 *     power_vfs_restore(seed);         // the files are as somebody finds them; the power is on
 *     ... open, look ...
 *
 * Any thread may use files; install, restore and uninstall while no file is open. */
#ifndef GATEHOUSE_TESTS_POWER_VFS_H
#define GATEHOUSE_TESTS_POWER_VFS_H

#include <stdbool.h>
#include <stdint.h>

void power_vfs_install(void);
void power_vfs_uninstall(void); /* forgets everything; the files stay as they are seen */

/* The step-th write, truncation, sync or removal from now on is the last: it fails, may have
 * happened or not, and so does everything after it (SQLITE_IOERR). 0: never. */
void power_vfs_cut_at(uint64_t step);
bool power_vfs_is_cut(void);

/* The power is gone, if it was not, and comes back: the files are what is left, the same for the
 * same seed. Every file must be closed. */
void power_vfs_restore(uint64_t seed);

/* A disk that says that it has synced, and has not. For showing that a test can fail. */
void power_vfs_ignore_syncs(bool ignore);

#endif
