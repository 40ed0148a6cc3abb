/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's WAL, once something was removed for good. */
#include "journal/store.h"

/* An entry in a WAL that grows costs what the file system writes about that, several times what is
 * in it; one that has its blocks already is written over. Zeros are no frames: whoever opens it
 * after a power cut finds it empty, however far they came; but only once its end is durable, else
 * old frames might come back before the first zero. Where there is no room it has to grow. */
static void lay_out_wal(struct gh_journal *journal)
{
    static const uint8_t zeros[4096];
    sqlite3_file *wal = NULL;
    bool good = sqlite3_file_control(journal->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) ==
                    SQLITE_OK &&
                wal != NULL && wal->pMethods != NULL &&
                wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) == SQLITE_OK;
    for (sqlite3_int64 at = 0; good && at < GH_JOURNAL_WAL_BYTES; at += (int)sizeof(zeros)) {
        good = wal->pMethods->xWrite(wal, zeros, (int)sizeof(zeros), at) == SQLITE_OK;
    }
    if (good) {
        (void)wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
    }
}

void gh_journal_empty_wal(struct gh_journal *journal)
{
    sqlite3_busy_timeout(journal->db, 0);
    int result =
        sqlite3_wal_checkpoint_v2(journal->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(journal->db, GH_JOURNAL_BUSY_MS);
    journal->text_left = result != SQLITE_OK;
    if (result == SQLITE_OK) {
        lay_out_wal(journal);
    }
}
