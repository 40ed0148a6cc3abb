/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, step by step: steps[n] leads from user_version n to n + 1. A step that was released
 * is never changed again; add another. */
#include <inttypes.h>
#include <stdio.h>

#include "gatehouse/log.h"
#include "server/db_sqlite.h"

static const char *const steps[] = {
    /* 0 -> 1 */
    "CREATE TABLE meta ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  generation INTEGER NOT NULL," /* of the list, now */
    "  settings BLOB,"               /* fingerprint of what the manifest says besides */
    "  built INTEGER NOT NULL,"      /* the generation whose snapshot was built last */
    "  built_sha256 BLOB,"
    "  built_bytes INTEGER NOT NULL,"
    "  probes INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO meta VALUES (1, 1, NULL, 0, NULL, 0, 0);"

    "CREATE TABLE users ("
    "  name TEXT PRIMARY KEY,"
    "  role INTEGER NOT NULL,"
    "  password TEXT NOT NULL," /* Argon2id, crypto_pwhash_str */
    "  one_time INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE sessions ("
    "  token BLOB PRIMARY KEY," /* SHA-256 */
    "  user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,"
    "  expires_at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX sessions_user ON sessions (user);"
    "CREATE INDEX sessions_expiry ON sessions (expires_at);"

    "CREATE TABLE people ("
    "  id INTEGER PRIMARY KEY,"
    "  ref TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL,"
    "  status INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE credentials ("
    "  id INTEGER PRIMARY KEY,"
    "  kind INTEGER NOT NULL,"
    "  about INTEGER NOT NULL,"
    "  issued_at INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL,"
    "  revoked_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX credentials_revoked ON credentials (id) WHERE revoked_at <> 0;"
    "CREATE INDEX credentials_about ON credentials (about);"

    "CREATE TABLE homes ("
    "  id INTEGER PRIMARY KEY,"
    "  address TEXT NOT NULL,"
    "  owner TEXT NOT NULL REFERENCES users,"
    "  state INTEGER NOT NULL,"
    "  note TEXT,"
    "  code TEXT,"
    "  credential INTEGER REFERENCES credentials,"
    "  created_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX homes_owner ON homes (owner);"
    "CREATE UNIQUE INDEX homes_credential ON homes (credential);"
    "CREATE TABLE members ("
    "  home INTEGER NOT NULL REFERENCES homes,"
    "  person INTEGER NOT NULL REFERENCES people,"
    "  PRIMARY KEY (home, person)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX members_person ON members (person);"

    "CREATE TABLE gates ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  token BLOB NOT NULL," /* SHA-256 */
    "  token_expires_at INTEGER NOT NULL,"
    "  secret BLOB," /* SHA-256 */
    "  created_at INTEGER NOT NULL,"
    "  last_seen_at INTEGER NOT NULL,"
    "  last_sequence INTEGER NOT NULL,"
    "  acknowledged INTEGER NOT NULL," /* all entries up to here are stored, kept aside or missing
                                        */
    "  gap_claims INTEGER NOT NULL,"   /* how often the gate began behind a gap since then */
    "  alarms INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE entries ("
    "  row INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  gate INTEGER NOT NULL REFERENCES gates,"
    "  seq INTEGER NOT NULL,"
    "  received_at INTEGER NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  subject INTEGER,"
    "  home INTEGER,"
    "  hash BLOB NOT NULL,"
    "  prev BLOB NOT NULL,"
    "  text TEXT NOT NULL,"
    "  UNIQUE (gate, seq)"
    ") STRICT;"
    "CREATE INDEX entries_gate ON entries (gate);"
    "CREATE INDEX entries_type ON entries (type);"
    /* what was refused, kept aside: the dead letters */
    "CREATE TABLE refused ("
    "  row INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  gate INTEGER NOT NULL REFERENCES gates,"
    "  seq INTEGER NOT NULL,"
    "  received_at INTEGER NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  hash BLOB NOT NULL,"
    "  text BLOB NOT NULL,"
    "  UNIQUE (gate, seq, hash)"
    ") STRICT;",

    /* 1 -> 2: what makes a code worth nothing, and whose keys make foreign ones worth something */
    "ALTER TABLE meta ADD COLUMN holder_secret BLOB;" /* SHA-256 of keys/holder.secret */
    "CREATE TABLE issuer_keys ("                      /* ours */
    "  id INTEGER PRIMARY KEY,"                       /* the key id */
    "  purpose INTEGER NOT NULL,"                     /* enum gh_kind */
    "  raw BLOB NOT NULL,"
    "  file TEXT NOT NULL," /* of the private half */
    "  not_before INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL,"
    "  revoked_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE trust (" /* foreign issuers' keys */
    "  id INTEGER PRIMARY KEY,"
    "  purposes INTEGER NOT NULL,"
    "  key_id BLOB NOT NULL,"
    "  raw BLOB NOT NULL,"
    "  issuer TEXT NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  fact_groups INTEGER NOT NULL,"
    "  not_before INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL,"
    "  revoked_at INTEGER NOT NULL,"
    "  UNIQUE (purposes, key_id, raw, issuer)"
    ") STRICT;"
    "CREATE TABLE recalls ("
    "  person INTEGER PRIMARY KEY REFERENCES people,"
    "  before_s INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE holders ("        /* of foreign certificates */
    "  holder INTEGER PRIMARY KEY," /* keyed hash */
    "  person INTEGER NOT NULL REFERENCES people"
    ") STRICT;"
    "CREATE INDEX holders_person ON holders (person);"
    "CREATE TABLE revocations (" /* of foreign certificates */
    "  hash BLOB PRIMARY KEY,"
    "  before_s INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    /* Signed without the link's beginning, they are forgeries to the gates now. The credential
     * stays, so that the code that follows revokes it. */
    "UPDATE homes SET code = NULL;",

    /* 2 -> 3: what changed in the list, by generation */
    "CREATE TABLE generations ("
    "  number INTEGER PRIMARY KEY,"
    "  tag BLOB NOT NULL,"
    "  made_at INTEGER NOT NULL,"
    "  changes INTEGER NOT NULL" /* how many there were until then, since ever */
    ") STRICT;"
    "CREATE TABLE changes ("
    "  generation INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL," /* enum gh_sql_thing */
    "  thing ANY NOT NULL,"    /* identifier or hash */
    "  PRIMARY KEY (generation, kind, thing)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO generations SELECT generation, randomblob(8), unixepoch(), 0 FROM meta;"
    "ALTER TABLE meta ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;"  /* deltas lead from here on */
    "ALTER TABLE meta ADD COLUMN cutoff INTEGER NOT NULL DEFAULT 0;" /* gh_db_list_age */
    "ALTER TABLE meta ADD COLUMN built_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN built_people INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN signed_at INTEGER NOT NULL DEFAULT 0;" /* gh_db_list_signed */
    /* Snapshots have another form now. */
    "UPDATE meta SET floor = generation, built = 0, built_sha256 = NULL, built_bytes = 0;",

    /* 3 -> 4: alarms, checkpoints, retention */
    "CREATE TABLE alarms ("
    "  row INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  gate INTEGER NOT NULL REFERENCES gates,"
    "  kind INTEGER NOT NULL," /* enum gh_alarm */
    "  at INTEGER NOT NULL,"
    "  last_at INTEGER NOT NULL,"
    "  count INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  text TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX alarms_gate ON alarms (gate, kind);"
    "CREATE INDEX alarms_at ON alarms (at);"
    "CREATE INDEX refused_received_at ON refused (received_at);"
    "CREATE INDEX refused_gate ON refused (gate);"
    /* what is left of an entry when its contents are gone */
    "CREATE TABLE husks ("
    "  gate INTEGER NOT NULL REFERENCES gates,"
    "  seq INTEGER NOT NULL,"
    "  received_at INTEGER NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  hash BLOB NOT NULL,"
    "  prev BLOB NOT NULL,"
    "  PRIMARY KEY (gate, seq)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE chains (" /* made with a gate's first entry */
    "  gate INTEGER PRIMARY KEY REFERENCES gates,"
    "  whole INTEGER NOT NULL," /* all entries up to here are stored, or were */
    "  head BLOB NOT NULL,"     /* hash of the gate's last_sequence */
    "  boots BLOB NOT NULL,"    /* boot ids, newest first */
    /* the checkpoint: all entries up to `through` are gone, but for the hash of that one, */
    "  through INTEGER NOT NULL,"
    "  hash BLOB," /* all NULL when through is 0 */
    "  signature BLOB,"
    "  received_at INTEGER" /* and when it came */
    ") STRICT;"
    "INSERT INTO chains SELECT id, "
    "  (SELECT coalesce(max(seq), 0) FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS place "
    "     FROM entries WHERE gate = gates.id) WHERE seq = place), "
    "  (SELECT hash FROM entries WHERE gate = gates.id AND seq = last_sequence), "
    "  x'', 0, NULL, NULL, NULL FROM gates WHERE last_sequence > 0 AND EXISTS "
    "  (SELECT 1 FROM entries WHERE gate = gates.id AND seq = last_sequence);",

    /* 4 -> 5: news */
    "CREATE TABLE announcements ("
    "  id INTEGER PRIMARY KEY,"
    "  gate INTEGER REFERENCES gates," /* NULL: all */
    "  text TEXT NOT NULL,"
    "  sha256 BLOB NOT NULL," /* of its sound */
    "  bytes INTEGER NOT NULL,"
    "  ms INTEGER NOT NULL," /* played once */
    "  sent_at INTEGER NOT NULL,"
    "  from_s INTEGER NOT NULL,"
    "  until_s INTEGER NOT NULL,"
    "  repeat INTEGER NOT NULL,"
    "  cancelled INTEGER NOT NULL,"
    "  signed BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX announcements_gate ON announcements (gate);"
    "CREATE INDEX announcements_until ON announcements (until_s);"
    "CREATE TABLE announced (" /* what became of it */
    "  announcement INTEGER NOT NULL REFERENCES announcements ON DELETE CASCADE,"
    "  gate INTEGER NOT NULL REFERENCES gates,"
    "  event INTEGER NOT NULL," /* enum gh_announcement_event */
    "  PRIMARY KEY (announcement, gate)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE news ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  announcement INTEGER REFERENCES announcements ON DELETE CASCADE," /* NULL: a movement */
    "  gate INTEGER REFERENCES gates," /* to which, NULL: all; of a movement: where */
    "  subject INTEGER,"               /* whose; from here on of movements only */
    "  seq INTEGER,"                   /* the passage */
    "  direction INTEGER,"
    "  at_ms INTEGER,"
    "  undone INTEGER"
    ") STRICT;"
    "CREATE INDEX news_announcement ON news (announcement) WHERE announcement IS NOT NULL;"
    "CREATE INDEX news_gate ON news (gate, seq) WHERE gate IS NOT NULL;"
    "CREATE INDEX news_subject ON news (subject, at_ms, number) WHERE subject IS NOT NULL;"
    "CREATE INDEX news_at ON news (at_ms) WHERE subject IS NOT NULL;",
};

static enum gh_status take_step(struct gh_db *db, size_t version)
{
    char pragma[64];
    enum gh_status status = gh_sql_begin(db);
    if (status != GH_OK)
        return status;
    snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu", version + 1);
    status = gh_sql_status(db, sqlite3_exec(db->handle, steps[version], NULL, NULL, NULL));
    if (status == GH_OK)
        status = gh_sql_status(db, sqlite3_exec(db->handle, pragma, NULL, NULL, NULL));
    return gh_sql_end(db, status);
}

/* What people hold in their hands and gates refuse: said until each home has another one. */
static enum gh_status say_what_is_outdated(struct gh_db *db, int64_t from_version)
{
    int64_t homes = 0, health = 0;
    enum gh_status status = gh_sql_number(
        db, &homes, "SELECT count(*) FROM homes WHERE code IS NULL AND credential IS NOT NULL", "");
    if (status == GH_OK && homes > 0)
        gh_log(GH_LOG_WARNING, "db",
               "homes whose housing code gates refuse, since an earlier version has issued it: "
               "%" PRId64 "; `gatehouse home issue` makes each a new one",
               homes);
    if (status != GH_OK || from_version != 1)
        return status;
    status = gh_sql_number(db, &health,
                           "SELECT count(*) FROM credentials WHERE kind = ? AND revoked_at = 0",
                           "i", (int64_t)GH_KIND_HEALTH);
    if (status == GH_OK && health > 0)
        gh_log(GH_LOG_WARNING, "db",
               "gates refuse the health codes that an earlier version has issued: `gatehouse "
               "health issue` makes new ones");
    return status;
}

enum gh_status gh_sql_migrate(struct gh_db *db, struct gh_error *err)
{
    int64_t version;
    enum gh_status status = gh_sql_number(db, &version, "PRAGMA user_version", "");
    const int64_t from_version = version;
    if (status == GH_OK && (version < 0 || version > (int64_t)GH_ARRAY_SIZE(steps)))
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "the database was written by a newer gatehouse-server (schema %" PRId64 ")",
                       version);
    for (; status == GH_OK && version < (int64_t)GH_ARRAY_SIZE(steps); version++)
        status = take_step(db, (size_t)version);
    return status == GH_OK ? say_what_is_outdated(db, from_version) : status;
}
