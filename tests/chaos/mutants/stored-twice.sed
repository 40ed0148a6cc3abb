# breaks: the server stores each entry once
# file: src/server/db_sqlite_entries.c src/server/db_sqlite_schema.c
# faults: net:duplicate net:drop
# says: comes twice
/memcmp(there.hash, item->hash/,/known++/s/^        progress->out->known++;$/        *fresh = true;/
s/^    "  UNIQUE (gate, seq)"$/    "  CHECK (seq > 0)"/
