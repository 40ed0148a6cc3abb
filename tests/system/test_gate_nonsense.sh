#!/bin/sh
# What is no code of ours is held up without end, as an animated picture would: the real gate refuses each, writes few entries, and these tell of
# all of them; whoever has a code among it is let in, or refused, with an entry of their own.
# shellcheck disable=SC1091,SC2154,SC2317
. "${0%/*}/lib.sh"
. "${0%/*}/gate_lib.sh"

socket=$work/north.control
make_town '[policy]' 'home = none' 'debounce_ms = 500'
make_gate north '[gate]' "control = $socket"
# Slow enough that each picture has its place among those that are in sight.
sed -i 's/^frame_interval_ms = .*/frame_interval_ms = 30/' "$work/north.ini"

mkdir "$work/nonsense"
number=0
while [ $number -lt 220 ]; do
    number=$((number + 1))
    "$tool" draw "nonsense $number" --png "$work/nonsense/$number.png" || bail_out "no picture"
done
hold_up() { # hold_up FIRST LAST: pictures of nonsense
    number=$1
    while [ "$number" -le "$2" ]; do
        show north "$work/nonsense/$number.png"
        number=$((number + 1))
    done
}

# told: how many refusals the journal's entries without a name tell of; entries: how many these are.
nameless() { dump north | grep '"type":"passage"' | grep -v '"subject"'; }
told() { nameless | awk '{ n++ } match($0, /"omitted":[0-9]+/) { n += substr($0, RSTART + 10, RLENGTH - 10) } END { print n + 0 }'; }
entries() { nameless | wc -l; }
refused() { "$tool" gate status --socket "$socket" --metrics | sed -n 's/^gatehouse_gate_passages_total{outcome="deny"} //p'; }

start_gate north
enrol north
began=$(date +%s)

# --- somebody with a code comes at its end: what was counted is told before their entry ---

hold_up 1 100
show north "$(person g1)"
check 'a green person is let in through it all' wait_for 60 last_passage_is north 'open ok'
check 'once' relay_pulses_are north 1
all=$(refused)
check 'most pictures were refused one by one' test "$all" -gt 50
check 'the entries before theirs tell of every one' test "$(told)" -eq "$all"
check 'and one of them of many' sh -c "[ \$(($all - $(entries))) -gt 10 ]"
run "$tool" gate status --socket "$socket"
check 'so says the status' grep -q "^passages .*; $((all - $(entries))) of them without an entry of their own\$" "$work/out"
check 'it is said that they are counted' said north 'come one after the other'

hold_up 101 200
show north "$(person red)"
check 'a red person has an entry, too' wait_for 60 last_passage_is north 'deny red'
check 'and the entries before it tell of everything again' test "$(told)" -eq "$(($(refused) - 1))"
most=$((20 + 2 + 1 + ($(date +%s) - began) / 20))
check "there are few of them: at most $most" test "$(entries)" -le $most
check 'it is said once' test "$(grep -c 'come one after the other' "$work/north.err")" -eq 1

# --- the server, and who reads there ---

check 'the server takes them' wait_for 30 server_has_all north
check 'and has the same number' test "$("$tool" entries --json --type passage | grep -v '"subject"' |
    awk '{ n++ } match($0, /"omitted": *[0-9]+/) { split(substr($0, RSTART, RLENGTH), part, ":"); n += part[2] } END { print n + 0 }')" -eq "$(told)"
run "$tool" entries --type passage
check 'the tool says how many more there were' says 0 'deny .*Not a health or housing code, and [0-9]* more like it' ''
run "$tool" gate chain north
check 'the chain is whole' says 0 '*' ''

# --- the end of the program ---

all=$(refused)
hold_up 201 220
more() { [ "$(refused)" -gt "$all" ]; }
check 'it goes on' wait_for 60 more
all=$(refused)
stop north
check 'the gate ends cleanly' test $? -eq 0
check 'what was counted is written at the end' test "$(told)" -ge $((all - 1))

plan
