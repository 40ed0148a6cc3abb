#!/bin/sh
# Who stands at the board: `gatehouse gate status`, `gatehouse gate test`, metrics; and --check of everything that may be plugged in.
# shellcheck disable=SC1091,SC2154,SC2317
. "${0%/*}/lib.sh"
. "${0%/*}/gate_lib.sh"

socket=$work/south.control
status() { run "$tool" gate status --socket "$socket" "$@"; }

run "$tool" gate status --socket "$work/nobody"
check 'no gate: said, 1' says 1 '' "no gate answers at $work/nobody"
run "$tool" gate status --socket "$work/$(printf '%0200d' 0)"
check 'a path that no socket can have' says 1 '' 'too long'

make_town
printf 'contact\n' >"$work/inputs"
make_gate south '[door]' "inputs_file = $work/inputs" '[gate]' "control = $socket"
start_gate south
check 'the gate listens' wait_for 20 test -S "$socket"
for_its_group() { [ "$(stat -c %a "$socket")" = 660 ]; } # a moment later
check 'for its owner and its group' wait_for 10 for_its_group

# --- status ---

status
check 'a gate that is not enrolled says so, and that it is wrong' says 1 'WRONG .*not enrolled' ''
check 'its door is locked' grep -q '^door  *locked' "$work/out"
open_is_said() { status; grep -q '^inputs .*contact active' "$work/out"; } # once it has been so for a moment
check 'and open' wait_for 20 open_is_said
enrol south
show south "$(person red)"
wait_for 20 last_passage_is south 'deny red'
status
check 'now nothing is wrong' says 0 '^gate  *south in test.example' ''
check 'when the server was heard' grep -q '^server  *answered [0-9]* s ago$' "$work/out"
check 'its list' grep -q '^list  *generation [0-9]*: 10 people, 0 homes' "$work/out"
check 'why the last one was not let in' grep -q '^last  *deny: Health status is red' "$work/out"
check 'how often' grep -q '^passages  *open 0, guard 0, deny 1 ' "$work/out"
printf 'contact fire\n' >"$work/inputs"
fire_is_said() { status; grep -q '^WRONG.*fire is active' "$work/out" && grep -q '^door  *unlocked by fire' "$work/out"; }
check 'a fire alarm is wrong, and unlocks' wait_for 20 fire_is_said
printf '?contact\n' >"$work/inputs"
unknown_is_said() { status; grep -q '^WRONG.*contact cannot be read' "$work/out"; }
check 'an input that cannot be read is wrong' wait_for 20 unknown_is_said
printf '\n' >"$work/inputs"
all_is_well() { status; [ "$code" -eq 0 ]; }
check 'all is well again' wait_for 20 all_is_well

status --json
check 'as JSON' says 0 '"usable": true\|"usable":true' ''
check 'no person, no home, no code in it' sh -c "! grep -q '\"subject\"\\|\"home\"\\|_code\"' '$work/out'"
status --metrics
check 'as metrics' says 0 '^gatehouse_gate_passages_total{outcome="deny"} 1$' ''
check 'each with its type' test "$(grep -c '^# TYPE' "$work/out")" -gt 15
check 'none twice' test -z "$(grep -v '^#' "$work/out" | sed 's/ .*//' | sort | uniq -d)"

# --- test ---

pulses=$(relay_pulses south)
# Green, yellow, red, buzzer seen; no voice; the door opened; the inputs cannot be moved but the exit button, which is.
press_exit() { { printf 'y\ny\ny\ny\ny\n\n'; wait_for 20 grep -q 'exit is inactive' "$work/out" && printf 'exit\n' >"$work/inputs"
    wait_for 20 grep -q 'now it is active' "$work/out" && printf '\n\n\n\n'; } |
    { code=0; "$tool" gate test --socket "$socket" >"$work/out" 2>"$work/err" || code=$?; echo $code >"$work/code"; }; code=$(cat "$work/code"); }
press_exit
check 'a test with a person in front of the gate' says 0 '^6 good, 0 bad, 5 left out$' ''
check 'the exit button was seen' grep -q 'now it is active: good' "$work/out"
check 'without a sound device nobody is asked about the voice' sh -c "grep -q '^no sound device is configured' '$work/out' && ! grep -q 'A voice says' '$work/out'"
check 'all else is there' sh -c "! grep -q '^not wired' '$work/out'"
check 'the relay was pulsed' test "$(relay_pulses south)" -gt "$pulses"
check 'after an entry that says so' sh -c "BUILD=$BUILD; \"$BUILD/tests/system/journal_dump\" '$(journal_of south)' | grep -q '\"event\":\"test\"'"
check 'each lamp was lit' test "$(grep -c 'lamp_green on\|lamp_yellow on\|lamp_red on' "$work/south.out")" -ge 3
printf 'exit\n' >"$work/inputs"

run sh -c "printf 'n\n' | '$tool' gate test --socket '$socket'"
check 'a lamp that is not seen is bad' says 1 ' 1 bad' ''
stop south >/dev/null

# Of a door without a yellow lamp and a buzzer nobody asks about these.
make_gate bare '[gate]' "control = $socket" '[door]' 'relay = GPIO17' 'lamp_green = GPIO22' 'lamp_red = GPIO24'
start_gate bare
wait_for 20 test -S "$socket" || bail_out 'the gate does not start'
run sh -c "printf 'y\\ny\\ny\\n' | '$tool' gate test --socket '$socket'"
check 'what is not wired is said, and not asked about' says 0 '^3 good, 0 bad, 0 left out$' ''
check 'what it is' grep -q '^not wired, by the configuration: buzzer, lamp_yellow, this_door, contact, .*fire' "$work/out"
check 'nothing else is asked' test "$(grep -o 'lamp blinks\|buzzer sounds\|voice says\|is unlocked, then' "$work/out" | wc -l)" -eq 3
check 'nor blinks' sh -c "! grep -q 'lamp_yellow on' '$work/bare.out'"
stop bare >/dev/null
check 'the socket goes with the gate' test ! -e "$socket"

sed "s|^camera = .*|camera = $work/no-camera|" "$work/south.ini" >"$work/blind.ini"
start_gate blind
camera_is_missed() { status; grep -q "^WRONG.*camera: no camera at $work/no-camera" "$work/out"; }
check 'a camera that is missing is wrong' wait_for 20 camera_is_missed
check 'and makes the exit code' test "$code" -eq 1
status --metrics
check 'metrics have it, too' says 0 '^gatehouse_gate_camera_open 0$' ''
"$tool" gate remove south >/dev/null || bail_out 'the gate cannot be removed'
refusal_is_said() { status; grep -q '^WRONG.*the server refuses this gate: was it removed there' "$work/out"; }
check 'a gate that the server shuts out says so' wait_for 20 refusal_is_said
check 'and makes the exit code' test "$code" -eq 1
status --metrics
check 'metrics have that, too' says 0 '^gatehouse_gate_server_refuses 1$' ''
stop blind >/dev/null

# --- --check ---

make_gate odd '[scanner]' "device = $work/no-scanner" '[keyboard]' "device = $work/no-keyboard" '[temperature]' 'sensor = no-sensor' '[sound]' 'device = trumpet'
run "$BUILD/gatehouse-gate" --config "$work/odd.ini" --check
check '--check: what is missing makes it fail' says 1 '*' '*'
for what in scanner keyboard thermometer sound; do
    check "and is named: $what" grep -q "^$what  *WRONG: ." "$work/out"
done

# Lines that somebody believes to be wired. (The chip is missing, too, and said for each line that is.)
make_gate marked '[door]' 'chip = gpiochip99' 'relay = 17' 'this_door = 20' 'exit = 6' 'active_low = exit, lamp_red' 'pull_up = exit, fire' 'contact_active = closed'
sed -i 's/^door = trace/door = gpio/' "$work/marked.ini"
run "$BUILD/gatehouse-gate" --config "$work/marked.ini" --check
check '--check: inputs that have a level and no line are named' says 1 '^fire  *WRONG: active_low, pull_up or pull_down names it, and fire = names no line$' ''
check 'outputs, too' grep -q '^lamp_red  *WRONG: active_low' "$work/out"
check 'and nothing else' test "$(grep -c 'names no line$' "$work/out")" -eq 2
check 'a door of two without a contact is told' grep -q '^this_door  *WRONG: without a contact' "$work/out"
sed -i 's/^this_door = .*/&\ncontact = 5/' "$work/marked.ini"
run "$BUILD/gatehouse-gate" --config "$work/marked.ini" --check
check 'with one it is not' says 1 '^contact  *WRONG: cannot open GPIO chip' ''
check 'not even a word' sh -c "! grep -q 'without a contact' '$work/out'"

make_gate sealed '[courier]' "ca_file = $work/no-bundle"
run "$BUILD/gatehouse-gate" --config "$work/sealed.ini" --check
check 'so is a CA bundle that is missing' says 1 "^ca_file  *WRONG: $work/no-bundle" '*'

# A prompt's file that is there and is no sound.
printf 'pcm.nothing { type null }\n' >"$work/asound.conf"
mkdir -p "$work/sounds/zh"
printf 'ID3' >"$work/sounds/zh/welcome.wav"
make_gate loud '[sound]' 'device = nothing' "folder = $work/sounds"
run env ALSA_CONFIG_PATH="$work/asound.conf" "$BUILD/gatehouse-gate" --config "$work/loud.ini" --check
check '--check: a file that is no sound is named' says 1 "^sound  *WRONG: $work/sounds/zh/welcome.wav: this is no WAV file" '*'
rm "$work/sounds/zh/welcome.wav"
mkfifo "$work/sounds/zh/welcome.wav"
run env ALSA_CONFIG_PATH="$work/asound.conf" timeout 20 "$BUILD/gatehouse-gate" --config "$work/loud.ini" --check
check '--check: one that is no file is, once, and waits for nobody' says 1 "^sound  *WRONG: $work/sounds/zh/welcome.wav is not a regular file" '*'
rm "$work/sounds/zh/welcome.wav"
run env ALSA_CONFIG_PATH="$work/asound.conf" "$BUILD/gatehouse-gate" --config "$work/loud.ini" --check
check 'one that is missing is counted' says 0 '^sound  *ok, nothing' '*'
rm -r "$work/sounds"
run env ALSA_CONFIG_PATH="$work/asound.conf" "$BUILD/gatehouse-gate" --config "$work/loud.ini" --check
check 'a folder that is missing is named' says 1 "^sound  *WRONG: \[sound\] folder = $work/sounds: No such file or directory" '*'
plan
