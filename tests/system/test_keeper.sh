#!/bin/sh
# A door's keeper that is stopped, as it would be by a driver that does not come back: the gate notices, says so and ends, with the door locked, for
# systemd to start both anew. A gate or a machine that was stopped for a while is no reason to.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

child_of() { # PID: the process whose parent it is
    cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\([0-9]*\) (.*) [A-Z] $1 .*/\1/p" | head -n 1
}
heard() { grep -q -e "$1" "$work/$managed.out"; }
count_of() { grep -c -e "$1" "$work/$managed.out"; }
more_than() { [ "$(count_of "$1")" -gt "$2" ]; }
order() { echo "$*" >&3; }

# manage NAME MICROSECONDS: under a service manager whose watchdog waits that long; $service and $keeper are its processes.
manage() {
    managed=$1-managed
    rm -f "$work/orders"
    mkfifo "$work/orders"
    : >"$work/$managed.out"
    "$BUILD/tests/system/service_manager" "$2" "$BUILD/gatehouse-gate" --config "$work/$1.ini" <"$work/orders" >"$work/$managed.out" 2>"$work/$1.err" &
    echo $! >"$work/$managed.pid"
    started="$started $managed"
    exec 3>"$work/orders"
    wait_for 20 heard '^READY=1' || bail_out "the gate $1 does not start"
    service=$(child_of "$(pid_of "$managed")")
    keeper=$(child_of "$service")
    [ -n "$keeper" ] || bail_out "the gate $1 has no keeper"
}

# --- without systemd: three looks, of which one is due every ten seconds, in the background of what follows ---

socket=$work/plain.control
make_gate plain '[gate]' "control = $socket"
start_gate plain
wait_for 20 said plain ready || bail_out "the gate does not start"
plain_keeper=$(child_of "$(pid_of plain)")
[ -n "$plain_keeper" ] || bail_out "the gate has no keeper"
kill -STOP "$plain_keeper"
ask() { # until the gate says so
    while is_running plain; do
        "$tool" gate status --socket "$socket" >"$work/asked" 2>"$work/asked.err"
        ! grep -q "the door's keeper does not answer" "$work/asked" || return 0
        sleep 0.3
    done
    return 1
}
ask &
echo $! >"$work/asker.pid"
started="$started asker"

# --- stopped and continued ---

make_town
make_gate north '[door]' 'pulse_ms = 60000'
manage north 3000000
wait_for 20 more_than '^WATCHDOG=1' 2 || bail_out "no pings"
for who in "$service" "$service $keeper"; do
    # shellcheck disable=SC2086 # words
    kill -STOP $who
    sleep 3 # for longer than the looks that it takes
    # shellcheck disable=SC2086 # words
    kill -CONT $who
    before=$(count_of '^WATCHDOG=1')
    check "the gate goes on when it was stopped itself ($(echo "$who" | wc -w))" wait_for 20 more_than '^WATCHDOG=1' $((before + 4))
done
check "and blames nobody" test "$(count_of 'does not answer')" -eq 0
order end
finish north-managed 20
check "and ends cleanly" test $? -eq 0

# --- under systemd ---

manage north 1500000
enrol north
door_is() { [ "$(grep -h ' relay ' "$work/$managed.out" | tail -n 1 | sed 's/.* //')" = "$1" ]; }
# On a machine that is too busy the gate passes over what it saw a while ago.
opens() { show north "$(person g1)" && wait_for 10 door_is on; }
wait_for 40 opens || bail_out "the door does not open"
kill -STOP "$keeper"
finish north-managed 20
check "a gate whose keeper is stopped ends, for systemd to start both anew" test $? -eq 1
check "it says why" test "$(grep -c 'its keeper is stopped or stuck' "$work/north.err")" -eq 1
check "systemd is told" heard "^STATUS=the door's keeper does not answer"
check "and not that all is well" test "$(grep -A 1 "^STATUS=the door's keeper" "$work/$managed.out" | grep -c '^WATCHDOG=1')" -eq 0
check "the door is locked" door_is off
check "and the keeper is gone" is_gone "$keeper"

# --- without systemd, to its end ---

finish asker 40
check "before it ends, gate status says so" test $? -eq 0
finish plain 40
check "without systemd it ends, too" test $? -eq 1
check "says why, once" test "$(grep -c 'its keeper is stopped or stuck' "$work/plain.err")" -eq 1
check "and the keeper is gone" is_gone "$plain_keeper"

plan
