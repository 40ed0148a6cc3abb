/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite's results in our words, for the rooms that keep something in SQLite: list, journal, and
 * the server's db_sqlite_*.c. */
#ifndef GATEHOUSE_SRC_BASE_SQLITE_STATUS_H
#define GATEHOUSE_SRC_BASE_SQLITE_STATUS_H

#include <sqlite3.h>

#include "gatehouse/status.h"

/* result is the newest of db (which may be NULL when it could not be opened). GH_OK also for a row;
 * GH_ERR_END for SQLITE_DONE; GH_ERR_EXISTS for a constraint; a statement that does not fit the
 * file is GH_ERR_CORRUPT, since our own statements are right. What the operating system said comes
 * through as its own status: GH_ERR_NOSPACE, GH_ERR_READONLY, GH_ERR_DENIED, GH_ERR_NOTFOUND. */
enum gh_status gh_sqlite_status(sqlite3 *db, int result);

#endif
