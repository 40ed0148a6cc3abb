/* SPDX-License-Identifier: Apache-2.0 */
/* base/sqlite.h: what a process has for itself, as root gives a file to nobody who has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sqlite.h"

#define SOMEBODY 12345

static unsigned given;

/* Between SQLite and the kernel. */
int fchown(int fd, uid_t user, gid_t group)
{
    given++;
    return (int)syscall(SYS_fchown, fd, user, group);
}

static void look_inside(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    given = 0;
    sqlite3 *second;
    assert_int_equal(sqlite3_open(path, &second), SQLITE_OK);
    assert_int_equal(sqlite3_exec(second, "SELECT count(*) FROM t", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(second);
    sqlite3_close(db);
}

/* A gate opens its journal and its list every minute: each time would be a write. */
static void test_owner(void **state)
{
    (void)state;
    char folder[] = "/tmp/gatehouse-sqlite.XXXXXX", path[64], wal[80];
    struct stat info;
    sqlite3 *db;

    if (geteuid() != 0) {
        print_message("SQLite gives files away as root only\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/t.db", folder);
    snprintf(wal, sizeof(wal), "%s-wal", path);
    look_inside(path, "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
    assert_true(given > 0); /* else this sees nothing */

    gh_sqlite_alone();
    look_inside(path, "INSERT INTO t VALUES (1)");
    assert_int_equal(given, 0);

    assert_int_equal(chown(path, SOMEBODY, SOMEBODY), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(stat(wal, &info), 0);
    assert_true(info.st_uid == SOMEBODY && info.st_gid == SOMEBODY);
    sqlite3_close(db);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
