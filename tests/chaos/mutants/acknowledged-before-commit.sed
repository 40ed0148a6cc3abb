# breaks: nothing is acknowledged before it is durable
# file: src/server/ingest.c
# faults: disk-full:town-1 disk-full:town-2
# says: acknowledged\|comes too early\|the server
s/^        status = gh_db_group_end(&transaction);$/        if (gh_db_group_end(\&transaction) != GH_OK)\n            status = GH_OK;/
