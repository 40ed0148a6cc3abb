#!/bin/sh
# The rules that travel in the policy, from the server's configuration to a real gate's decisions: who may not go the same way again, who is
# measured, and when the door stands open by itself.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

# --- a town whose rules change, and a gate that leads in, with a thermometer as the kernel shows it ---

make_town '[policy]' 'home = none' 'debounce_ms = 500' 'passage_timeout_ms = 4000' 'anti_passback = hard'
head -n 5 "$work/town.ini" >"$work/town.head"
# rules LINE...: from now on, with the next generation
lists=1
rules() {
    {
        cat "$work/town.head"
        printf '%s\n' '[policy]' 'home = none' 'debounce_ms = 500' 'passage_timeout_ms = 4000' "$@"
    } >"$work/town.ini"
    kill -HUP "$(pid_of town)"
    lists=$((lists + 1))
    check "a new generation: ${*:-no more rules}" wait_for 20 said north 'list: generation' $lists
}

sensor=$work/iio:device0
mkdir "$sensor"
attribute() { printf '%s\n' "$2" >"$sensor/.part" && mv "$sensor/.part" "$sensor/$1"; }
# measure MILLIC: from now on
measure() { attribute in_temp_object_input "$1"; }
measure 23070 # nobody is there

make_gate north
sed -i '/^\[gate\]/a direction = in' "$work/north.ini"
printf '[temperature]\nsensor = %s\n' "$sensor" >>"$work/north.ini"
start_gate north
enrol north

# another NAME PERSON: out of sight, and here (again), until that is decided.
another() {
    sleep 1 # longer than debounce_ms
    another_count=$(($(passages "$1" | wc -l) + 1))
    show "$1" "$(person "$2")"
    wait_for 10 passage_count_is "$1" $another_count
}
direction_of_last() { dump "$1" | grep '"type":"passage"' | tail -n 1 | grep -q "\"direction\":\"$2\""; }

# --- who came in does not come in again ---

another north g1
check "somebody comes in" last_passage_is north 'open ok'
check "which is an entry of that way" direction_of_last north in
another north g1
check "and does not come in again" last_passage_is north 'deny passback'
another north g2
check "somebody else does" last_passage_is north 'open ok'
stop north
start_gate north
lists=1
check "the gate is started again" wait_for 20 said north 'list: generation'
another north g1
check "and knows from its journal who came in" last_passage_is north 'deny passback'
check "the relay moved for nobody since" relay_pulses_are north 0

# --- two gates ---

make_gate south
sed -i '/^\[gate\]/a direction = out' "$work/south.ini"
start_gate south
enrol south
another south g1
check "who came in leaves by the way out" last_passage_is south 'open ok'
comes_in() { another north g1 && last_passage_is north 'open ok'; }
check "and comes in again, once the way in has heard of it" wait_for 30 comes_in
goes_out() { another south g1 && last_passage_is south 'open ok'; }
check "and leaves again" wait_for 30 goes_out
another south g1
check "but not twice" last_passage_is south 'deny passback'
stop south

# --- other rules ---

rules 'anti_passback = soft'
another north g2
check "with soft rules it is only noted" last_passage_is north 'open passback_noted'
rules 'anti_passback = off'
another north g2
check "without any, nobody asks" last_passage_is north 'open ok'

# --- who is measured ---

rules 'temperature = required' 'temperature_limit = 37.5'
another north g3
check "who is not measured is not let in" last_passage_is north 'guard temperature_missing'
measure 37421
another north g4
check "who is measured is" last_passage_is north 'open ok'
measure 23070
sleep 2 # nobody is there for longer than a second
measure 39876
another north g5
check "a fever calls the guard" last_passage_is north 'guard fever'
not_said() { ! grep -q -e "$2" "$work/$1.err" "$work/$1.out"; }
check "and no word about it stands in the log" not_said north 'fever'
check "nor what was measured" not_said north '[^0-9a-f]\(37[.]*421\|39[.]*876\)[^0-9a-f]'
in_journal() { dump north | grep -q -e "$1"; }
not_in_journal() { ! in_journal "$1"; }
check "nor in the journal" not_in_journal ':\(37421\|39876\)[,}]'
measure 23070

# --- when the door stands open by itself ---

rules '[hours]' 'open = mon-sun 00:00-24:00' 'open = holiday 00:00-24:00'
check "opening hours unlock the door" wait_for 10 in_journal '"event":"hours_open"'
rules
check "and without them it is locked again" wait_for 10 in_journal '"event":"hours_shut"'

check "all of it is on the server" wait_for 10 server_has_all north
stop north
check "SIGTERM ends it cleanly" test $? -eq 0

# --- rules that are none ---

printf '[hours]\nopen = mon 9-17\n' | cat "$work/town.head" - >"$work/wrong.ini"
run "$BUILD/gatehouse-server" --config "$work/wrong.ini" --check
check "hours that are none are said, with their line" says 1 '' 'wrong.ini:7: \[hours\] open "mon 9-17" must say a time'
printf '[policy]\ntemperature_limit = 99\n' | cat "$work/town.head" - >"$work/wrong.ini"
run "$BUILD/gatehouse-server" --config "$work/wrong.ini" --check
check "and a limit that nobody reaches" says 1 '' 'temperature_limit must be degrees from 35.0 to 42.0'
plan
