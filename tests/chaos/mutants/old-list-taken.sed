# breaks: a list never goes back
# file: src/gate/courier_take.c src/list/install.c
# faults: replay
# says: an old list
s/^    if (manifest->generation < identity->generation) {$/    if (manifest->generation == 0) {/
s/^    if (newer->generation < current->generation) {$/    if (newer->generation == 0) {/
