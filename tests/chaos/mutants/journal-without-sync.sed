# breaks: what was appended survives a cut of power
# file: src/journal/open.c
# faults: power
# rounds: 3
# says: a cut of power: the door was opened
s/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/
