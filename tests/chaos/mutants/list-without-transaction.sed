# breaks: a delta is applied as a whole or not at all
# file: src/list/delta_apply.c
# faults: kill-at-list:delta power:north
# decide: import
# cuts: 40
# says: half a list
s/^        status = gh_list_store_change(store, &record);$/&\n        (void)sqlite3_exec(store->db, "COMMIT; BEGIN IMMEDIATE", NULL, NULL, NULL);/
