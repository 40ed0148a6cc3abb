#!/bin/sh
# The real gate with everything on the wall: what happened at the door stands in its journal, and on the server.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

make_town '[policy]' 'home = none'
door_lines() {
    printf '[door]\npulse_ms = 5000\ninputs_file = %s\nheld_open_s = %s\nthis_door = yes\n[gate]\ncontrol = %s\n' "$work/inputs" "$1" "$work/control"
}
make_gate north "$(door_lines 3600)"

# inputs [NAME...]: these are active from now on, and no others.
inputs() { echo "$*" >"$work/inputs.part" && mv "$work/inputs.part" "$work/inputs"; }
# what the door did, `event about` a line, oldest first; about nobody: `event -`
door_events() {
    dump north | sed -n '/"type":"door"/{s/"about":/& /;s/.*"about": \([0-9]*\).*"event":"\([a-z_]*\)".*/\2 \1/p;t
        s/.*"event":"\([a-z_]*\)".*/\1 -/p;}'
}
last_event_is() { [ "$(door_events | tail -n 1)" = "$1" ]; }
count_is() { [ "$(door_events | grep -c "^$1 ")" -eq "$2" ]; }
last_passage() { dump north | sed -n '/"type":"passage"/s/.*"seq":\([0-9]*\).*/\1/p' | tail -n 1; }
# line_is NAME on|off: as the door said last
line_is() { [ "$(sed -n "s/^door [^ ]* $1 //p" "$work/north.out" | tail -n 1)" = "$2" ]; }

check_line() { "$BUILD/gatehouse-gate" --config "$work/north.ini" --check | grep -q "^$1 .*$2"; }
check "--check: a contact that nobody has written yet" check_line contact 'cannot be read'
inputs fire
check "--check: a door that is shut" check_line contact 'the door is shut'
check "--check: a fire alarm" check_line fire 'fire alarm'
inputs

start_gate north
check "the gate looks at its door" wait_for 10 line_is this_door on # what it finds at the start is no press
# Before it is enrolled: it has no journal, and lets people out.
inputs exit
check "the exit button unlocks a gate that is not enrolled" wait_for 5 line_is relay on
inputs
check "for a while" wait_for 10 line_is relay off
enrol north
show north "$(person g1)"
check "a green person is let in" wait_for 10 last_passage_is north 'open ok'
passage=$(last_passage)
inputs contact
check "and the door opens" wait_for 5 last_event_is "opened $passage"
inputs
check "and is shut behind them" wait_for 5 last_event_is "passed $passage"

show north "$(person g2)"
check "another one" wait_for 10 passage_count_is north 2
check "does not go through" wait_for 10 last_event_is "unused $(last_passage)"

inputs contact # it is locked again: that was what `unused` waited for
check "without a decision it was forced" wait_for 5 last_event_is 'forced -'
check "which the log says" said north 'without a decision'
check "and the lamps" wait_for 5 line_is lamp_red on
inputs
check "until it is shut, too" wait_for 5 last_event_is 'shut -'

# --- buttons and alarms ---------------------------------------------------------------------------------------------

check "it is locked" wait_for 10 line_is relay off
sleep 1.2 # who pushes a moment later was let in all the same
inputs exit
check "the exit button unlocks it" wait_for 5 line_is relay on
check "and has an entry" last_event_is 'exit -'
inputs exit contact
inputs contact
sleep 0.3
inputs
check "who goes forces nothing" last_event_is 'exit -'
check "and it locks again" wait_for 10 line_is relay off
inputs guard
check "so does the guard's button" wait_for 5 line_is relay on
check "with an entry" last_event_is 'guard -'
inputs
check "and it locks" wait_for 10 line_is relay off
inputs tamper
check "an open housing is written down" wait_for 5 last_event_is 'tamper -'
check "and shown" wait_for 5 line_is lamp_red on
inputs
check "and its end" wait_for 5 last_event_is 'tamper_over -'

inputs other_door exit
pressed() { "$tool" gate status --socket "$work/control" | grep -q '^inputs .*exit active'; }
wait_for 5 pressed
check "while the other door is open the exit button does not unlock this one" line_is relay off
inputs
check "but it does when that one is shut" wait_for 5 line_is relay on
check "and this door tells of itself" line_is this_door off
told_before() { awk '/ this_door / { told = $NF } / relay on$/ { before = told } END { exit before != "off" }' "$work/north.out"; }
check "before it is unlocked" told_before
check "until it is locked" wait_for 10 line_is this_door on
inputs other_door
show north "$(person g4)"
check "nobody is let in then" wait_for 10 last_passage_is north 'deny interlock'

inputs other_door fire
check "a fire unlocks it all the same" wait_for 5 line_is relay on
check "and is written down" wait_for 5 last_event_is 'fire -'
sleep 6 # longer than any pulse
check "for as long as it lasts" line_is relay on
inputs
check "and no longer" wait_for 5 line_is relay off
check "which is written down, too" wait_for 5 last_event_is 'fire_over -'
check "once" count_is fire 1

check "all of it is on the server" wait_for 10 server_has_all north
"$tool" entries >"$work/entries"
for words in 'The exit button unlocked the door' "The guard's button unlocked the door" 'The housing was opened' \
    'Fire alarm: the door is unlocked' 'The fire alarm is over'; do
    check "and readable: $words" grep -q "$words" "$work/entries"
done

# --- opening hours --------------------------------------------------------------------------------------------------

printf '[hours]\nopen = mon-sun 00:00-24:00\n' >>"$work/town.ini"
kill -HUP "$(pid_of town)"
check "opening hours unlock it" wait_for 20 line_is relay on
check "with an entry" last_event_is 'hours_open -'
sleep 6
check "for longer than any pulse" line_is relay on
show north "$(person red)"
check "a red person is refused" wait_for 10 last_passage_is north 'deny red'
check "and it stays unlocked" line_is relay on
sed -i '/^\[hours\]/,$d' "$work/town.ini"
kill -HUP "$(pid_of town)"
check "without hours it is locked" wait_for 20 line_is relay off
check "with an entry" wait_for 5 last_event_is 'hours_shut -'

# --- configuration --------------------------------------------------------------------------------------------------

check "nobody held the door open so far" count_is held 0
make_gate north "$(door_lines 1)"
kill -HUP "$(pid_of north)"
check "SIGHUP reads the time anew" wait_for 5 said north 'held-open time read anew'
show north "$(person g5)"
check "a third one" wait_for 10 last_passage_is north 'open ok'
passage=$(last_passage)
inputs contact
check "holds the door open" wait_for 10 last_event_is "held $passage"
inputs
check "until it is shut" wait_for 5 last_event_is "shut $passage"
inputs fire
check "a fire, once more" wait_for 5 line_is relay on
stop north
check "SIGTERM ends it cleanly" test $? -eq 0
check "and locks nobody in" line_is relay on
sed -i 's/^door = trace/&\ntime_zone = Asia\/Nowhere/' "$work/north.ini"
start_gate north
check "a time zone that nobody knows keeps no gate from starting" wait_for 10 said north 'version .* ready'
check "and is said" said north 'Asia/Nowhere is not known on this machine.*opening hours unlock nothing'
stop north
check "--check names it" check_line 'time zone' 'Asia/Nowhere'

plan
