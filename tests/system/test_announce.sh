#!/bin/sh
# Announcements: from the administrator's tool through the real server to real gates, over a line that is slow, over restarts; what becomes of them comes
# back. And movements, which go the same way: who came in at one gate cannot come in at another.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

# --- sounds -----------------------------------------------------------------------------------------------------------

le16() {
    # shellcheck disable=SC2059 # octal digits
    printf "$(printf '\\%03o\\%03o' $(($1 % 256)) $(($1 / 256 % 256)))"
}
le32() { le16 $(($1 % 65536)) && le16 $(($1 / 65536)); }
# wav FILE RATE CHANNELS FRAMES: of silence
wav() {
    {
        printf RIFF && le32 $((36 + $4 * $3 * 2)) && printf 'WAVEfmt ' && le32 16 && le16 1 && le16 "$3"
        le32 "$2" && le32 $(($2 * $3 * 2)) && le16 $(($3 * 2)) && le16 16 && printf data && le32 $(($4 * $3 * 2))
        head -c $(($4 * $3 * 2)) /dev/zero
    } >"$1"
}
wav "$work/short.wav" 16000 1 8000
wav "$work/long.wav" 48000 2 $((40 * 48000)) # 7.3 MiB
wav "$work/minute.wav" 8000 1 $((60 * 8000))
wav "$work/more.wav" 8000 1 $((60 * 8000 + 1))
sed 's/^RIFF/XXXX/' "$work/short.wav" >"$work/none.wav"

# --- usage --------------------------------------------------------------------------------------------------------------

for words in 'announce' 'announce a.wav b.wav' 'announce a.wav --say x' 'announce a.wav --voice zh' 'announce a.wav --repeat 0' \
    'announce a.wav --repeat 21' 'announce a.wav --expires 5s' 'announce a.wav --expires 2d' 'announce stop' 'announce list x'; do
    # shellcheck disable=SC2086 # words
    run "$tool" $words
    check "'$words' is a mistake in usage" says 2 '' .
done
run "$tool" announce --say ' '
check "words that are none, of a script's empty variable say, are no announcement" says 2 '' 'needs words to speak'
run "$tool" announce --help
check "announce --help" says 0 '^usage: gatehouse announce' ''
run "$tool" --complete announce ''
check "completion: list and stop" says 0 '^stop$' ''
run "$tool" --complete announce --r
check "completion: options" says 0 '^--repeat$' ''

# --- a town, a line that can be slow, two gates that lead in ------------------------------------------------------------

make_town '[policy]' 'home = none' 'anti_passback = hard' 'anti_passback_forgive_min = 60'
put_proxy_before_town

for name in north south; do
    make_gate $name
    sed -i 's/^door = trace/&\ndirection = in/' "$work/$name.ini"
    start_gate $name
    enrol $name
done

# told GATE EVENT TIMES: so often its journal says so
told() { [ "$(dump "$1" | grep -c "\"event\":\"$2\".*\"type\":\"announcement\"")" -eq "$3" ]; }
# row ID PATTERN: what the tool's list says of it
row() { "$tool" announce list | grep "^$1" | grep -q -e "$2"; }

# --- what is no sound -----------------------------------------------------------------------------------------------------

run "$tool" announce "$work/none.wav"
check "what is no WAV file is refused" says 1 '' 'none.wav: this is no WAV file'
run "$tool" announce "$work/more.wav"
check "so is what is longer than a minute" says 1 '' 'longer than 60 s'
run "$tool" announce "$work/minute.wav"
check "a minute is not" says 0 . ''
run "$tool" announce "$work/missing.wav"
check "a file that is missing" says 1 '' 'missing.wav'
run "$tool" announce "$work/short.wav" --gate nowhere
check "a gate that is not there" says 1 '' "no gate 'nowhere'"
run env PATH=/nonexistent "$PWD/$tool" announce --say hello
check "without espeak-ng: a clear word" says 1 '' 'needs espeak-ng'

# --- one that everybody hears -----------------------------------------------------------------------------------------------

for name in north south; do
    check "$name has heard the minute" wait_for 20 told $name silent 1
done
stop town && restart_town # what was sent before is told again, and nobody has heard of it twice
run "$tool" announce "$work/short.wav" --repeat 2 --expires 15m --text 'Please leave by the south gate'
check "it is sent" says 0 '^[0-9a-f]\{16\}$' ''
id=$(cat "$work/out")
for name in north south; do
    check "$name has no sound device, and says so" wait_for 20 told $name silent 2
done
check "the list tells what became of it" wait_for 20 row "$id" ' 2  *0\.5  *0  *2  *0  *0  *Please leave by the south gate$'
run "$tool" announce list --json
check "in JSON, too" says 0 "\"id\":\"$id\"" ''
run "$tool" entries --type announcement
check "entries say it in words" says 0 'An announcement, and no sound device' ''
no_sounds() { ! ls "$work/$1.state/announcements/"*.wav >/dev/null 2>&1; }
check "nothing of the sound is kept" wait_for 10 no_sounds north
stop north
start_gate north
wait_for 20 said north ready
check "a restart" wait_for 20 server_has_all north
check "it is not told again" told north silent 2

# --- a slow line --------------------------------------------------------------------------------------------------------------

part_is_there() { ls "$work/$1.state/announcements/"*.part >/dev/null 2>&1; }
behave slow 5000 # 100 kB a second: more than a minute
run "$tool" announce "$work/long.wav" --gate north
id=$(cat "$work/out")
check "a long one is on its way" wait_for 20 part_is_there north
before=$(grep -c 'list: generation' "$work/north.err")
"$tool" people status ref:g8 red >/dev/null 2>&1 || bail_out "g8 cannot be set to red"
check "a new list is there meanwhile" wait_for 10 said north 'list: generation' $((before + 1))
show north "$(person g8)"
check "and counts" wait_for 10 last_passage_is north 'deny red'
check "while the sound is still coming" part_is_there north
check "it was for north alone" told south silent 2
behave pass
check "it gets there" wait_for 60 told north silent 3
check "and the list says so" wait_for 20 row "$id" ' 0  *1  *0  *0 '

# --- stopped --------------------------------------------------------------------------------------------------------------------

stop south
run "$tool" announce "$work/short.wav" --gate south
id=$(cat "$work/out")
run "$tool" announce stop "$id"
check "one is taken back" says 0 '' ''
check "the list says so" row "$id" ' stopped '
run "$tool" announce stop 0123456789abcdef
check "one that there never was" says 1 '' .
run "$tool" announce stop x
check "what is no identifier" says 1 '' 'no identifier'
start_gate south
wait_for 20 said south ready
show south "$(person g7)"
check "the gate for which it was is back" wait_for 20 last_passage_is south 'open ok'
check "and has not heard of it" told south silent 2

# --- who came in ------------------------------------------------------------------------------------------------------------------

show south "$(person g1)"
check "somebody comes in" wait_for 20 last_passage_is south 'open ok'
check "the server has every entry of it" wait_for 20 server_has_all south
# What north hears after that comes behind it.
run "$tool" announce "$work/short.wav" --gate north
check "the other gate hears of it" wait_for 20 told north silent 4
show north "$(person g1)"
check "and does not let them in once more" wait_for 20 last_passage_is north 'deny passback'
show north "$(person g2)"
check "but others" wait_for 20 last_passage_is north 'open ok'

# --- spoken by the administrator's own machine ----------------------------------------------------------------------------------------

if command -v espeak-ng >/dev/null; then
    run "$tool" announce --say 'Please leave the building' --voice en
    check "what is said is spoken here" says 0 '^[0-9a-f]\{16\}$' ''
    run "$tool" announce --say hello --voice klingon-of-the-north
    check "a voice that there is not" says 1 '' 'espeak-ng does not speak it'
else
    skip "what is said is spoken here" 'espeak-ng is missing'
fi

for name in north south town; do
    stop $name
    check "$name ends cleanly" test $? -eq 0
done
plan
