#!/bin/sh
# What people hear: the prompts that espeak-ng made at build time, spoken by the real gate through ALSA into a file.
# shellcheck disable=SC1091,SC2154
. "${0%/*}/lib.sh"
. "${0%/*}/gate_lib.sh"

# --- every prompt has its words, in each language, and no words are left over ---

prompts=$(sed -n 's/.*\[GH_PROMPT_[A-Z_]*\] = "\([a-z_]*\)".*/\1/p' src/code/reason.c | grep -v '^none$' | sort)
for words in src/gate/prompts/*.txt; do
    sed -n '/^[^#]/s/ .*//p' "$words" | sort >"$work/names"
    printf '%s\n' "$prompts" >"$work/wanted"
    run diff "$work/wanted" "$work/names"
    check "${words##*/}: each prompt once" [ "$code" -eq 0 ]
done

# --- sounds ---

if ! command -v espeak-ng >/dev/null; then
    skip 'prompts are made and spoken' 'espeak-ng is missing'
    plan
fi
mkdir "$work/sounds"
for language in zh en; do
    run scripts/make-prompts "src/gate/prompts/$language.txt" "$work/sounds/$language"
    check "$language: spoken by its own rules" says 0 '' ''
done
printf '# voice: en-gb\nwelcome \n' >"$work/empty.txt"
run scripts/make-prompts "$work/empty.txt" "$work/sounds/no"
check 'a prompt without words is refused' says 1 '' 'has no words'
# Of Cyrillic letters the voice of any version says only what they are called, and that in English.
printf '# voice: cmn-latn-pinyin\nwelcome \320\277\321\200\320\270\320\262\320\265\321\202\n' >"$work/foreign.txt"
run scripts/make-prompts "$work/foreign.txt" "$work/sounds/no"
check 'words that the voice cannot say are refused' says 1 '' 'cannot say'

# frames FILE: bytes of sound in a WAV file that espeak-ng wrote (a header of 44 bytes).
frames() { echo $(($(wc -c <"$1") - 44)); }

cat >"$work/asound.conf" <<EOF
pcm.nothing { type null }
pcm.tape { type file slave.pcm nothing file $work/tape format raw }
EOF
ALSA_CONFIG_PATH=$work/asound.conf
export ALSA_CONFIG_PATH

make_town
make_gate south '[sound]' 'device = tape' "folder = $work/sounds"
start_gate south
enrol south
relay_went_on() { [ "$(passages "$1" | grep -c '^open')" -eq "$2" ]; }
tape_is() { [ -f "$work/tape" ] && [ "$(wc -c <"$work/tape")" -eq "$1" ]; }

rm -f "$work/tape"
show south "$(person yellow)"
check 'somebody who has to wait' wait_for 20 last_passage_is south 'guard yellow'
check 'is told so, in Chinese and in English, and not why' wait_for 20 tape_is "$(frames "$work/sounds/en/guard.wav")"
stop south >/dev/null

make_gate north '[sound]' 'device = trumpet' "folder = $work/sounds"
start_gate north
enrol north
show north "$(person g2)"
check 'a gate whose sound device is missing opens all the same' wait_for 20 last_passage_is north 'open ok'
check 'and says what is missing' wait_for 20 said north 'voice: sound device trumpet'
stop north >/dev/null

# A device that never takes what it is given: nobody who reads holds the other end.
mkfifo "$work/hung"
sed "s|$work/tape|$work/hung|" "$work/asound.conf" >"$work/hung.conf"
ALSA_CONFIG_PATH=$work/hung.conf
make_gate east '[sound]' 'device = tape' "folder = $work/sounds"
start_gate east
enrol east
for person in g3 g4 g5; do show east "$(person $person)"; done
check 'a gate whose sound device hangs opens all the same' wait_for 20 passage_count_is east 3
check 'each time' wait_for 20 relay_went_on east 3
stop east KILL
plan
