# breaks: what was appended survives a cut of power
# file: src/journal/open.c
# faults: power
# rounds: 3
# says: the door was opened before
s/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/
