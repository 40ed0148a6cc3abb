# breaks: what the server has acknowledged survives a cut of power
# file: src/server/db_sqlite.c
# faults: power:town
# says: acknowledged\|alarm\|the server
s/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/
