# breaks: a list that was renamed into place is on the disk
# file: src/base/file.c
# faults: kill-at-list:whole power:north
# cuts: 20
# says: the list was generation\|half a list
s/^    if (fsync(fd) != 0) {$/    if (fd < 0) {/
