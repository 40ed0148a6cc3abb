#!/bin/sh
# The tool about what is wrong with gates: alarms, dead letters, chains; by a real server and a gate that sends poison.
# shellcheck source=tests/system/lib.sh disable=SC2317 # functions that check calls
. "${0%/*}/lib.sh"
tool=$BUILD/gatehouse

as_admin() { run env GATEHOUSE_SESSION="$work/session" "$tool" "$@"; }
refuses() { says "$1" '' "$2"; }

for words in 'alarms x' 'alarms --type gap' 'entries --refused --follow' 'entries --refused --type door' \
    'entries --from yesterday' 'entries --type x' 'gate chain' 'gate chain a b'; do
    # shellcheck disable=SC2086 # words
    run "$tool" $words
    check "'$words' is a mistake in usage" refuses 2 .
done
run "$tool" alarms --help
check "alarms --help" says 0 '^usage: gatehouse alarms' ''

start_server town
log_in_admin town "$work/session"
as_admin gate add North --text
enrolment=$(cat "$work/out")
as_admin alarms
check "no alarms: just the headings" says 0 '^TIME  *GATE  *KIND  *COUNT  *ENTRY  *TEXT$' ''
as_admin gate chain North
check "nothing is a whole chain" says 0 '^chain  *whole$' ''

run "$BUILD/tests/system/teller" "$enrolment" 3
check "a gate sends three entries and poison" says 0 '"acknowledged":4,"stored":3' ''
as_admin alarms
check "an alarm" says 0 ' North  *not_an_entry  *1  *4  ' ''
as_admin alarms --gate North --json
check "in JSON" says 0 '^{.*"kind":"not_an_entry".*}$' ''
as_admin alarms --gate South
check "of a gate that is not there" refuses 1 "no gate 'South'"
as_admin entries --refused
check "the dead letter" says 0 ' North  *4  *not an entry' ''
as_admin entries --refused --json --gate North
check "with its text in JSON" says 0 '"text":"\\"poison\\""' ''
as_admin entries --type start --from 2020-01-01T00:00:00Z
check "the entries of this century" says 0 ' North  *start ' ''
as_admin entries --until 2020-01-01T00:00:00Z --json
check "none of before" says 0 '' ''
as_admin gate chain North
check "what was refused is not in the chain" says 0 '^entries  *1 to 3$' ''
as_admin gate chain North --json
check "the chain in JSON" says 0 '^{.*"whole":true.*}$' ''
as_admin gate list
check "the gate has an alarm" says 0 ' 1  *North$' ''
stop town
check "the server ended cleanly" test $? -eq 0

plan
