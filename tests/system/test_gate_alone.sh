#!/bin/sh
# A gate as it is packaged has its databases to itself (shared = no): nothing of them is mapped from a file, and nobody reads along.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

make_town
make_gate alone
sed -i '/^shared = /d' "$work/alone.ini"
start_gate alone
enrol alone
opened() { [ "$(grep -c 'passage: open' "$work/alone.err")" -eq "$1" ]; }
show alone "$(person g1)"
check "somebody is let in" wait_for 20 opened 1
check "the list is at work" said alone 'list: generation'
check "no index lies in a file" test -z "$(find "$work/alone.state" -name '*-shm')"
journal=$(journal_of alone)
run "$BUILD/tests/system/journal_dump" "$journal"
check "another program is told that somebody has the journal" says 2 '' 'locked'
check "and writes no file beside it" test -z "$(find "$work/alone.state" -name '*-shm')"
show alone "$(person g2)"
check "the gate goes on" wait_for 20 opened 2

kill -KILL "$(pid_of alone)"
finish alone 10
run "$BUILD/tests/system/journal_dump" "$journal"
check "killed, its chain is whole" test "$code" -eq 0
check "with both who were let in" test "$(grep -c '"outcome":"open"' "$work/out")" -eq 2
start_gate alone
show alone "$(person g3)"
check "started anew, it goes on by the list that it had" wait_for 20 said alone 'passage: open'
stop alone
check "SIGTERM ends it cleanly" test $? -eq 0
run "$BUILD/tests/system/journal_dump" "$journal"
check "they are in the same chain" test "$(grep -c '"outcome":"open"' "$work/out")" -gt 2


plan
