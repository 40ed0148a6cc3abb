#!/bin/sh
# The real gate with a door contact: what happened after each opening stands in its journal, and on the server.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

make_town
door_lines() { printf '[door]\npulse_ms = 3000\ncontact_file = %s\nheld_open_s = %s\n' "$work/contact" "$1"; }
make_gate north "$(door_lines 1)"

# door WORD: as somebody pushes it, or lets it fall shut.
door() { echo "$1" >"$work/contact.part" && mv "$work/contact.part" "$work/contact"; }
# what the door did, `event about` a line, oldest first; about nobody: `event -`
door_events() {
    dump north | sed -n '/"type":"door"/{s/"about":/& /;s/.*"about": \([0-9]*\).*"event":"\([a-z]*\)".*/\2 \1/p;t
        s/.*"event":"\([a-z]*\)".*/\1 -/p;}'
}
last_event_is() { [ "$(door_events | tail -n 1)" = "$1" ]; }
last_passage() { dump north | sed -n '/"type":"passage"/s/.*"seq":\([0-9]*\).*/\1/p' | tail -n 1; }

check_line() { "$BUILD/gatehouse-gate" --config "$work/north.ini" --check | grep -q "^contact .*$1"; }
check "--check: a contact that nobody has written yet" check_line 'cannot be read'
door shut
check "--check: a door that is shut" check_line 'the door is shut'

start_gate north
enrol north
show north "$(person g1)"
check "a green person is let in" wait_for 10 last_passage_is north 'open ok'
passage=$(last_passage)
door open
check "and the door opens" wait_for 5 last_event_is "opened $passage"
door shut
check "and is shut behind them" wait_for 5 last_event_is "passed $passage"

show north "$(person g2)"
check "another one" wait_for 10 passage_count_is north 2
check "does not go through" wait_for 10 last_event_is "unused $(last_passage)"

door open # it is locked again: that was what `unused` waited for
check "without a decision it was forced" wait_for 5 last_event_is 'forced -'
check "which the log says" said north 'without a decision'
door shut
check "until it is shut, too" wait_for 5 last_event_is 'shut -'

show north "$(person g3)"
check "a third one" wait_for 10 passage_count_is north 3
passage=$(last_passage)
door open
check "holds the door open" wait_for 10 last_event_is "held $passage"
door shut
check "until it is shut" wait_for 5 last_event_is "shut $passage"

check "all of it is on the server" wait_for 10 server_has_all north

make_gate north "$(door_lines 3600)"
kill -HUP "$(pid_of north)"
check "SIGHUP reads the time anew" wait_for 5 said north 'held-open time read anew'
show north "$(person g4)"
check "a fourth one" wait_for 10 passage_count_is north 4
passage=$(last_passage)
door open
check "opens the door" wait_for 5 last_event_is "opened $passage"
sleep 2 # longer than it was before
check "and it is not held open yet" last_event_is "opened $passage"
stop north
check "SIGTERM ends it cleanly" test $? -eq 0

plan
