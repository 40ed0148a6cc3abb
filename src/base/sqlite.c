/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sqlite.h"

#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

/* The errno behind SQLITE_IOERR. A write may fail well before the commit that reports it, so the
 * WAL and the file are asked before the connection, which only knows errno as it is by then. */
static int errno_of(sqlite3 *db)
{
    sqlite3_file *wal = NULL;
    int err = 0;

    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK &&
        wal != NULL && wal->pMethods != NULL &&
        wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &err) == SQLITE_OK && err != 0)
        return err;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &err) == SQLITE_OK && err != 0)
        return err;
    return sqlite3_system_errno(db);
}

static enum gh_status status_of_errno(int err)
{
    enum gh_status status = gh_status_from_errno(err);

    return status == GH_OK ? GH_ERR_IO : status;
}

static enum gh_status status_of_io_error(sqlite3 *db, int result)
{
    if (result == SQLITE_IOERR_SHORT_READ || result == SQLITE_IOERR_CORRUPTFS)
        return GH_ERR_CORRUPT;
    return db == NULL ? GH_ERR_IO : status_of_errno(errno_of(db));
}

enum gh_status gh_sqlite_status(sqlite3 *db, int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
        return GH_OK;
    case SQLITE_DONE:
        return GH_ERR_END;
    case SQLITE_CONSTRAINT:
        return GH_ERR_EXISTS;
    case SQLITE_NOMEM:
        return GH_ERR_NOMEM;
    case SQLITE_FULL:
        return GH_ERR_NOSPACE;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return GH_ERR_READONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return GH_ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
        return GH_ERR_CORRUPT;
    case SQLITE_CANTOPEN:
        return db == NULL ? GH_ERR_IO : status_of_errno(sqlite3_system_errno(db));
    case SQLITE_IOERR:
        return status_of_io_error(db, result);
    default:
        return GH_ERR_IO;
    }
}

/* As root SQLite gives a WAL to the owner of the database whenever it opens one, which is a write
 * of the file's inode each time, though nobody else had it. */
static int give_to(int fd, uid_t user, gid_t group)
{
    struct stat is;

    if (fstat(fd, &is) == 0 && is.st_uid == user && is.st_gid == group)
        return 0;
    return fchown(fd, user, group);
}

void gh_sqlite_alone(void)
{
    sqlite3_vfs *alone = sqlite3_vfs_find("unix-excl");

    if (!alone)
        return;
    alone->xSetSystemCall(alone, "fchown", (sqlite3_syscall_ptr)give_to);
    sqlite3_vfs_register(alone, 1);
}
