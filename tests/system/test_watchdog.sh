#!/bin/sh
# What systemd's watchdog hears from the real gate: that all is well, and nothing more once the camera's thread is stuck, or the loop in a write
# to the journal.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

make_town
make_gate north

heard() { grep -q -e "$1" "$work/managed.out"; }
# heard_last PATTERN: the last status is like this.
heard_last() { grep '^STATUS=' "$work/managed.out" | tail -n 1 | grep -q -e "$1"; }
pings() { grep -c '^WATCHDOG=1' "$work/managed.out"; }
pings_are_more_than() { [ "$(pings)" -gt "$1" ]; }
order() { echo "$*" >&3; }

mkfifo "$work/orders"
managed() { exec "$BUILD/tests/system/service_manager" 1500000 "$BUILD/gatehouse-gate" --config "$work/north.ini" <"$work/orders"; }
: >"$work/managed.out"
managed >"$work/managed.out" 2>"$work/north.err" &
echo $! >"$work/managed.pid"
started="$started managed"
exec 3>"$work/orders"

check "READY=1" wait_for 20 heard '^READY=1'
check "it says what it waits for" wait_for 20 heard_last 'waits for its enrolment code'
enrol north
check "and then for people" wait_for 20 heard_last 'waiting for somebody\|no picture'
before=$(pings)
check "it pings, and pings" wait_for 20 pings_are_more_than $((before + 2))
check "no picture comes: that is said" wait_for 30 heard_last 'no picture from the camera since 20'
before=$(pings)
check "and no reason to stop" wait_for 20 pings_are_more_than $((before + 2))
comes() { show north "$(person g1)" && wait_for 10 last_passage_is north 'open ok'; }
check "a picture comes" wait_for 40 comes

order stick camera
wait_for 10 heard '^stuck\|^cannot be stopped' || bail_out "the service manager is gone"
if heard '^stuck'; then
    check "a thread that is stuck is noticed" wait_for 40 heard_last "the camera's thread is stuck since 20"
    check "which the log says" wait_for 5 said north 'not told any more that all is well'
    before=$(pings)
    heard_more() { [ "$(grep -c '^STATUS=' "$work/managed.out")" -ge "$statuses" ]; }
    statuses=$(($(grep -c '^STATUS=' "$work/managed.out") + 4))
    check "the loop goes on to look" wait_for 20 heard_more
    check "and pings no more" test "$(pings)" -eq "$before"
    order unstick
    check "until it is well again" wait_for 20 pings_are_more_than "$before"
else
    skip "a thread that is stuck" "one thread alone cannot be stopped here"
fi

order stick-in-sync
wait_for 10 heard '^waits for a sync\|^cannot be stopped: ' || bail_out "the service manager is gone"
if heard '^waits for a sync'; then
    before=$(grep -c '^stuck' "$work/managed.out")
    hangs() { [ "$(grep -c '^stuck' "$work/managed.out")" -gt "$before" ]; }
    # As often as it takes: on a machine that is too busy the gate passes over what it saw a while ago.
    write_hangs() { show north "$(person g2)" && wait_for 10 hangs; }
    check "a write to the journal hangs" wait_for 40 write_hangs
    words=$(wc -l <"$work/managed.out")
    # Nothing is to come, in six times the time after which the next word was due: no ping, and no door that opens.
    sleep 3
    check "nothing more is said, nothing pinged, and no door opened" test "$(wc -l <"$work/managed.out")" -eq "$words"
    before=$(pings)
    order unstick
    check "until the disk is there again" wait_for 20 pings_are_more_than "$before"
else
    skip "a write to the journal that hangs" "it cannot be stopped there"
fi

order end
check "it says that it stops" wait_for 20 heard '^STOPPING=1'
finish managed 20
check "and ends cleanly" test $? -eq 0

plan
