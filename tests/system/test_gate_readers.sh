#!/bin/sh
# The real gate without a camera: everything from its enrolment on goes through a barcode scanner, which is unplugged now and then. Beside it a
# thermometer, which is not always there.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

# --- a scanner, and a thermometer as the kernel shows it ---

mkfifo "$work/codes"
plug_in() { start scanner "$BUILD/tests/system/line_scanner" "$work/scanner" "$work/codes"; }
unplug() { stop scanner; }
scan() { printf '%s\r' "$1" >"$work/codes"; }

sensor=$work/iio:device0
attribute() { printf '%s\n' "$2" >"$sensor/.part" && mv "$sensor/.part" "$sensor/$1"; }

# --- a town, where a person needs the card of their home ---

start_server town '[policy]' 'home = member' 'temperature = required' 'temperature_valid_ms = 500'
log_in_admin town "$GATEHOUSE_SESSION"
printf 'ref,name,status\nanna,Anna,green\nbo,Bo,green\nrob,Rob,red\n' >"$work/people.csv"
"$tool" people import "$work/people.csv" >/dev/null || bail_out "no people"
home=$("$tool" home apply 'Gate Street 1') || bail_out "no home"
"$tool" home inspect "$home" --passed >/dev/null || bail_out "the home is not inspected"
"$tool" home approve "$home" >/dev/null || bail_out "the home is not approved"
for ref in anna bo; do "$tool" home add-member "$home" "ref:$ref" >/dev/null || bail_out "$ref does not live there"; done
card=$("$tool" home issue "$home" --text) || bail_out "no card"
anna=$("$tool" health issue ref:anna --text) || bail_out "no code"
bo=$("$tool" health issue ref:bo --text) || bail_out "no code"
rob=$("$tool" health issue ref:rob --text) || bail_out "no code"

write_config() { # write_config CAMERA SCANNER
    mkdir -p "$work/north.state"
    printf '[gate]\nstate_dir = %s\ncamera =%s\ndoor = trace\n[scanner]\ndevice =%s\n[temperature]\nsensor = %s\n[courier]\npoll_ms = 200\nbackoff_first_ms = 50\n[journal]\nshared = yes\n' \
        "$work/north.state" "$1" "$2" "$sensor" >"$work/north.ini"
}

write_config '' ''
run "$BUILD/gatehouse-gate" --config "$work/north.ini" --check
check "a gate with neither camera nor scanner is none" says 1 '' 'neither a camera nor a scanner'
write_config '' " $work/scanner"
run "$BUILD/gatehouse-gate" --config "$work/north.ini" --check
check "--check: there is no camera" grep -q '^camera .*none: scanners' "$work/out"

# --- the scanner comes later than the gate, and so does the thermometer ---

start_gate north
check "a scanner that is missing is said" wait_for 10 said north 'scanner: .*is not there'
check "and so is a thermometer" wait_for 10 said north 'thermometer: no sensor is there'
plug_in
check "it is opened once it is there" wait_for 10 said north 'scanner: .*is open'
if [ "$(id -u)" -ne 0 ]; then
    run "$BUILD/gatehouse-gate" --config "$work/north.ini" --check
    check "--check: what the gate has is there" grep -q '^scanner  *there, in use' "$work/out"
else
    skip "--check: what the gate has is there" "root is let in all the same"
fi
mkdir "$sensor"
attribute in_temp_offset -13657.500000
attribute in_temp_scale 20
attribute in_temp_object_raw 0
check "a thermometer without a sensor is said" wait_for 10 said north '273.150 degrees, which cannot be'
attribute in_temp_object_raw 14811

enrolment=$("$tool" gate add north --text) || bail_out "no enrolment code"
scan "$enrolment"
check "the gate is enrolled by its scanner" wait_for 20 said north 'list: generation'

scan "$anna"
check "a green person's code is waited with" wait_for 10 grep -q 'lamp_yellow on' "$work/north.out"
scan "$card"
attribute in_temp_object_raw 15487 # 36.59 degrees
check "until the card was scanned, and the temperature measured" wait_for 10 last_passage_is north 'open ok'
attribute in_temp_object_raw 14811
check "which opens once" relay_pulses_are north 1
scan "$rob"
check "a red person stays outside" wait_for 10 passage_count_is north 2
check "as the entry says" last_passage_is north 'deny red'
check "and the relay does not move" relay_pulses_are north 1

# --- somebody with a fever ---

sleep 1 # until what was measured before counts no more
scan "$bo"
scan "$card"
attribute in_temp_object_raw 15560 # 38.05 degrees
check "who has a fever is not let in" wait_for 10 last_passage_is north 'guard fever'
check "and the relay does not move" relay_pulses_are north 1
attribute in_temp_object_raw 14811

# --- unplugged in the middle of a code, and plugged in again ---

printf '%.40s' "$anna" >"$work/codes"
wait_for 10 grep -qx 'sent 40' "$work/scanner.out" || bail_out "half a code is not sent"
unplug
check "it is unplugged" wait_for 10 said north 'scanner: .*was unplugged'
plug_in
check "and opened again" wait_for 10 said north 'scanner: .*is open' 2
scan 'hello'
check "half a code is none, and does not spoil the next one" wait_for 10 last_passage_is north 'deny not_a_code'
check "which is one entry" passage_count_is north 4

check "all of it is on the server" wait_for 10 server_has_all north
stop north
check "the gate ends cleanly" said north 'asked to stop'
unplug
plan
