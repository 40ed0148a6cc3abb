#!/bin/sh
# Whatever becomes of the gate's process while the door is unlocked, the door ends in its fail state, within a stated time. The trace tells when.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

make_town

door_is() { [ "$(grep ' relay ' "$work/$1.out" | tail -n 1 | sed 's/.* //')" = "$2" ]; }
# line_ms NAME PATTERN: when the trace said so last, in milliseconds since the gate was started.
line_ms() { sed -n "/$2/s/^door +\([0-9]*\)\.\([0-9]*\) .*/\1\2/p" "$work/$1.out" | tail -n 1 | sed 's/^0*//'; }
# unlocked_for NAME: how long the relay was on the last time, in milliseconds.
unlocked_for() { echo $((($(line_ms "$1" 'relay off')) - $(line_ms "$1" 'relay on'))); }
keeper_of() { # the process whose parent is the gate
    cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\([0-9]*\) (.*) [A-Z] $(pid_of "$1") .*/\1/p"
}

# unlock NAME PULSE_MS PERSON [MODE]: a gate whose relay is on now.
unlock() {
    make_gate "$1" '[door]' "pulse_ms = $2" "relay_mode = ${4:-pulse}"
    start_gate "$1"
    enrol "$1"
    keeper=$(keeper_of "$1")
    # On a machine that is too busy the gate passes over what it saw a while ago.
    for _ in 1 2 3 4 5; do
        show "$1" "$(person "$3")"
        ! wait_for 10 door_is "$1" on || return 0
    done
    note <"$work/$1.err"
    bail_out "the door of $1 does not open"
}

# ended NAME SIGNAL: the gate ends by it, and its keeper after it.
ended() {
    kill -"$2" "$(pid_of "$1")"
    wait_for 10 is_gone "$keeper" # the gate itself is a zombie until the shell waits for it
}

# A pulse of a minute: what locks within a few seconds is the keeper.
person=0
for signal in KILL SEGV ABRT BUS; do
    person=$((person + 1))
    unlock "$signal" 60000 "g$person"
    check "SIG$signal: it has a keeper" test -n "$keeper"
    check "SIG$signal: which ends after it" ended "$signal" "$signal"
    check "SIG$signal: the relay is off" door_is "$signal" off
    check "SIG$signal: long before the pulse was over" test "$(unlocked_for "$signal")" -lt 30000
    check "SIG$signal: all lamps are" test "$(grep -c ' on$' "$work/$signal.out")" -eq "$(grep -c ' off$' "$work/$signal.out")"
    check "SIG$signal: the log says so" said "$signal" 'the gate is gone: all lines are at rest'
    stop "$signal" KILL
done

# Stopped: the relay alone, after the pulse and a grace.
unlock stopped 4000 g5
kill -STOP "$(pid_of stopped)"
check "SIGSTOP: the relay goes off" wait_for 10 door_is stopped off
check "SIGSTOP: when the pulse is over, not before" test "$(unlocked_for stopped)" -ge 4000
check "SIGSTOP: which a gate does itself, or its keeper says so" wait_for 1 said stopped 'locked without the gate'
kill -CONT "$(pid_of stopped)"
opens_again() { show stopped "$(person g6)" && wait_for 10 relay_pulses_are stopped 2; }
check "SIGCONT: it goes on, and opens again" wait_for 40 opens_again
stop stopped
check "SIGTERM ends it cleanly" test $? -eq 0
check "and its keeper with it" is_gone "$keeper"

# Unlocked without an end that is known: the gate says again and again that it is still meant.
unlock toggled 4000 g5 toggle
renewed() { [ "$(unlocked_since toggled)" -gt 6000 ]; }
unlocked_since() { # NAME: by the clock of the trace's process, in milliseconds, for as long as it is unlocked
    door_is "$1" on && echo $(($(date +%s%3N) - unlocked_at))
}
unlocked_at=$(date +%s%3N)
check "toggle: unlocked for longer than a pulse" wait_for 20 renewed
kill -STOP "$(pid_of toggled)"
check "SIGSTOP: the relay goes off" wait_for 10 door_is toggled off
check "by the keeper" wait_for 1 said toggled 'locked without the gate'
kill -CONT "$(pid_of toggled)"
check "SIGCONT: unlocked again, which is still meant" wait_for 10 door_is toggled on
kill -KILL "$(pid_of toggled)"
check "SIGKILL: off" wait_for 10 door_is toggled off
stop toggled KILL

# A fire that begins while the gate is stopped.
make_gate burning '[door]' "inputs_file = $work/burning.inputs"
start_gate burning
wait_for 10 said burning ready || bail_out 'the gate does not start'
kill -STOP "$(pid_of burning)"
echo fire >"$work/burning.inputs"
check "SIGSTOP, then a fire: the door is unlocked" wait_for 10 door_is burning on
check "by the keeper" wait_for 1 said burning 'unlocked for a fire without the gate'
echo >"$work/burning.inputs"
check "the fire is over: locked" wait_for 10 door_is burning off
echo fire >"$work/burning.inputs"
check "another one" wait_for 10 door_is burning on
kill -CONT "$(pid_of burning)"
check "SIGCONT: the gate sees it, too" wait_for 10 said burning 'fire alarm: it is unlocked'
check "and leaves the door unlocked" door_is burning on
echo >"$work/burning.inputs"
check "until it is over" wait_for 10 door_is burning off
stop burning
check "SIGTERM ends it cleanly" test $? -eq 0

# An identity that cannot be read any more: a gate that nobody can get out by is worse than one that knows nobody.
make_gate damaged '[door]' "inputs_file = $work/damaged.inputs"
echo '{' >"$work/damaged.state/identity.json"
start_gate damaged
check "a damaged identity is said" wait_for 10 said damaged 'identity.json is damaged: remove it and enrol this gate again'
echo fire >"$work/damaged.inputs"
check "and a fire unlocks the door" wait_for 10 door_is damaged on
stop damaged
check "SIGTERM ends it cleanly" test $? -eq 0

# systemd sends SIGTERM to both; a terminal sends SIGINT to neither's group.
unlock both 60000 g7
kill -TERM "$keeper"
kill -INT "$keeper"
stop both
check "SIGTERM while the door is unlocked" test $? -eq 0
check "locks it" door_is both off
check "in good order" test "$(grep -c 'the gate is gone' "$work/both.err")" -eq 0

# Without a keeper there is no gate.
unlock alone 60000 g8
kill -KILL "$keeper"
finish alone 10
check "a gate whose keeper was killed ends, for systemd to start it anew" test $? -eq 1
check "says why" said alone 'its keeper was killed'
check "and locks the door" door_is alone off

plan
