/* SPDX-License-Identifier: Apache-2.0 */
/* What the rooms have in common that keep something in SQLite: list, journal, and the server's
 * db_sqlite_*.c. */
#ifndef GATEHOUSE_SRC_BASE_SQLITE_H
#define GATEHOUSE_SRC_BASE_SQLITE_H

#include <sqlite3.h>

#include "gatehouse/status.h"

/* SQLite's result in our words. result is the newest of db (which may be NULL when it could not be
 * opened). GH_OK also for a row; GH_ERR_END for SQLITE_DONE; GH_ERR_EXISTS for a constraint; a
 * statement that does not fit the file is GH_ERR_CORRUPT, since our own statements are right. What
 * the operating system said comes through as its own status: GH_ERR_NOSPACE, GH_ERR_READONLY,
 * GH_ERR_DENIED, GH_ERR_NOTFOUND. */
enum gh_status gh_sqlite_status(sqlite3 *db, int result);

/* What this process opens from now on no other one can open at the same time (GH_ERR_BUSY, on
 * either side); its own threads may, as before. In return SQLite keeps the index of a WAL in
 * memory, where it is a mapped file otherwise (`-shm`) whose pages go to the disk again and again;
 * and, as root, a file is given to an owner only who is not its owner yet.
 * https://www.sqlite.org/vfs.html, "unix-excl". */
void gh_sqlite_alone(void);

#endif
