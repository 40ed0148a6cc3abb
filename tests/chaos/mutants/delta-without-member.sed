# breaks: a delta says everything that has changed
# file: src/server/db_sqlite_homes.c
# faults: net:delay kill:north
# decide: member
# rounds: 5
# says: has the list
/^enum gh_status gh_db_home_put_member/,/^}/s/^        status = gh_sql_changed(db, GH_SQL_SUBJECT, person);$/        status = GH_OK;/
