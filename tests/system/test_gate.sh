#!/bin/sh
# The real gate against the real server, and everything bad that comes through the camera, the configuration, the network and the disk: one
# clear reason each, nothing lost, nothing opened.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

gate=$BUILD/gatehouse-gate

# --- configuration -------------------------------------------------------------------------------------------------

run "$gate"
check "without arguments: usage, 2" says 2 '' '^usage'
run "$gate" --config "$work/none.ini"
check "a configuration that is not there" says 78 '' 'none.ini'
make_gate wrong '[door]' 'relais = 17'
run "$gate" --config "$work/wrong.ini"
check "an unknown key is named with its line" says 78 '' 'wrong.ini.*relais'
make_gate wrong '[door]' 'active_low = relay, bell'
run "$gate" --config "$work/wrong.ini"
check "an unknown line in active_low" says 78 '' '"bell", which is no line'
make_gate wrong '[door]' 'pulse_ms = 5'
run "$gate" --config "$work/wrong.ini" --check
check "a value out of range" says 1 '' 'pulse_ms'
printf '[gate]\nstate_dir = %s\ncamera = /dev/video99\ndoor = trace\n' "$work/wrong.state" >"$work/wrong.ini"
run "$gate" --config "$work/wrong.ini" --check
check "--check says that the camera is missing" says 1 '/dev/video99' ''
make_gate good
run "$gate" --config "$work/good.ini" --check
check "--check of a good configuration" says 0 'not enrolled' ''

# --- a gate is made ------------------------------------------------------------------------------------------------

make_town
make_gate north
start_gate north
wait_for 10 said north ready
show north "$(person g1)"
check "a gate that is not enrolled says so" wait_for 10 said north 'this gate is not enrolled'
check "and lets nobody in" relay_pulses_are north 0
enrol north
show north "$(person g2)"
check "a green person is let in" wait_for 10 last_passage_is north 'open ok'
check "the relay was pulsed" wait_for 5 relay_pulses_are north 1
show north "$(person yellow)"
check "yellow: the guard" wait_for 10 last_passage_is north 'guard yellow'
show north "$(person red)"
check "red: no" wait_for 10 last_passage_is north 'deny red'
check "the entries are on the server" wait_for 10 server_has_all north
"$tool" gate add other --png "$work/other.png" >/dev/null 2>&1
show north "$work/other.png"
check "another enrolment does not take the gate over" wait_for 10 last_passage_is north 'deny unsupported'

# --- codes and pictures ---------------------------------------------------------------------------------------------

refused() { # refused TEXT REASON: the picture $work/bad.png is
    before=$(passages north | wc -l)
    pulses=$(relay_pulses north)
    show north "$work/bad.png"
    check "$1" wait_for 10 passage_count_is north $((before + 1)) &&
        check "$1: $2" last_passage_is north "deny $2" &&
        check "$1: shut" relay_pulses_are north "$pulses"
}
draw() { "$tool" draw - --level L --png "$work/bad.png" || bail_out "a code cannot be drawn"; }

head -c 4296 /dev/zero | tr '\0' 'A' | draw
refused "4296 characters" not_a_code
{ printf 'GH1:'; head -c 2000 /dev/zero | tr '\0' '0'; } | draw
refused "a code of ours that is too long" too_long
printf 'GH1:\000\001\002\377\376 binary' | draw
refused "binary behind our prefix" bad_text
printf '\377\376\200\201 not UTF-8' | draw
refused "not UTF-8" not_a_code
printf 'a\000b' | draw
refused "a NUL" not_a_code
printf ' ' | draw
refused "a blank" not_a_code
printf 'HC1:6BF+70790T9WJWG.FKY*4GO0.O1CV2 O5 N2FBBRW1*70HS8' | draw
refused "a health code of another system, cut off" truncated
printf 'HTTPS://EVIL.EXAMPLE/H/AAAA' | draw
refused "a link that says it is a housing code" malformed

pulses=$(relay_pulses north)
head -c 100 "$(person g1)" >"$work/cut.png"
show north "$work/cut.png"
check "a picture that is cut off" wait_for 10 said north 'cut.png'
{ head -c 200 "$(person g1)"; head -c 300 /dev/urandom; } >"$work/torn.png"
show north "$work/torn.png"
check "a picture that is torn" wait_for 10 said north 'torn.png'
# the head of such a PNG, with its checksum
printf '\211\120\116\107\015\012\032\012\000\000\000\015\111\110\104\122\000\000\116\040\000\000\116\040\001\000\000\000\000\313\013\173\224' >"$work/huge.png"
show north "$work/huge.png"
check "a picture of 20000x20000" wait_for 10 said north 'huge.png.*large\|huge.png.*20000'
printf 'what is this' >"$work/no.png"
show north "$work/no.png"
check "no picture at all" wait_for 10 said north 'no.png'
check "none of them opened" relay_pulses_are north "$pulses"
show north "$(person g3)"
check "the next person is let in" wait_for 10 last_passage_is north 'open ok'

# --- signals ---------------------------------------------------------------------------------------------------------

kill -HUP "$(pid_of north)"
check "SIGHUP reads the configuration" wait_for 5 said north 'read anew'
echo 'nonsense' >>"$work/north.ini"
kill -HUP "$(pid_of north)"
check "a broken one changes nothing" wait_for 5 said north 'the old configuration stands'
make_gate north
stop north
check "SIGTERM ends it cleanly" test $? -eq 0

# --- a camera that is not there --------------------------------------------------------------------------------------

sed "s|^camera = .*|camera = /dev/video99|" "$work/north.ini" >"$work/blind.ini"
start blind "$gate" --config "$work/blind.ini"
check "a missing camera is said" wait_for 10 said blind 'camera: .*video99'
check "and the gate goes on" is_running blind
stop blind
check "and ends cleanly" test $? -eq 0

plan
