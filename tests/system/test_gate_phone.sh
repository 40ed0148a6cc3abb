#!/bin/sh
# A real gate before phones, paper and foreign certificates: what opens once, what a copy is, what is revoked, and that old and new keys overlap.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

debounce_s=0.8 # longer than the policy's, with a margin

# town_ini PAPER: the server's configuration; what is not said is as in its default.
town_ini() {
    printf '%s\n' '[policy]' 'home = none' 'debounce_ms = 500' "paper = $1" '[certificates]' 'rule = red test positive until 14d' \
        'rule = green vaccination complete from 14d until 270d' 'rule = green test naat until 72h'
}

# picture NAME TEXT: $work/pictures/NAME.png.
picture() { "$tool" draw "$2" --png "$work/pictures/$1.png" || bail_out "no picture of $1"; }

# present NAME PHONE CODE [OPTION...]: what the phone shows now.
present() {
    present_name=$1 present_phone=$2 present_code=$3
    shift 3
    "$tool" code present --key "$work/$present_phone.key" "$@" -o "$work/pictures/$present_name.png" "$(cat "$work/$present_code")" ||
        bail_out "the phone $present_phone does not present"
}

# sees TEXT PICTURE WHAT: it is shown anew, and is one entry more, which says WHAT.
expected=0 openings=0
sees() {
    expected=$((expected + 1))
    [ "${3%% *}" != open ] || openings=$((openings + 1))
    show north "$(person "$2")"
    wait_for 10 passage_count_is north $expected || :
    check "$1: $3" last_passage_is north "$3" || passages north | note
    expected=$(passages north | wc -l)
    sleep $debounce_s
}

# A presentation of this very moment.
sees_phone() { # sees_phone TEXT PHONE CODE WHAT
    present now "$2" "$3"
    sees "$1" now "$4"
}

generations() { grep -c 'list: generation' "$work/north.err"; }
has_more_generations() { [ "$(generations)" -gt "$generations_before" ]; }
# changed COMMAND...: the gate has the list that follows from it.
changed() {
    generations_before=$(generations)
    "$@" >"$work/changed.out" 2>"$work/changed.err" || { note <"$work/changed.err"; bail_out "cannot: $*"; }
    wait_for 20 has_more_generations || bail_out "no new list after: $*"
}

reconfigure() { # reconfigure PAPER
    sed '/^\[policy\]/,$d' "$work/town.ini" >"$work/town.new" && town_ini "$1" >>"$work/town.new" && cp "$work/town.new" "$work/town.ini"
    kill -HUP "$(pid_of town)"
}

make_town "$(town_ini open)"
make_gate north '[door]' 'pulse_ms = 300'
start_gate north
wait_for 10 said north ready
enrol north
wait_for 10 said north 'clock: trusted' || bail_out "the clock is not confirmed"
sleep 1.1 # what was presented in the second of the start may have been shown before it, and is passed over

# --- a phone -------------------------------------------------------------------------------------------------------

for type in ed25519 p256; do
    "$tool" code key --type $type "$work/$type.key" >"$work/$type.jwk" || bail_out "no key"
done
"$tool" health issue ref:g1 --phone "$work/ed25519.jwk" --text >"$work/g1.code" 2>"$work/ignored" || bail_out "no code"
"$tool" health issue ref:g2 --phone "$work/p256.jwk" --text >"$work/g2.code" 2>"$work/ignored" || bail_out "no code"
"$tool" health issue ref:yellow --phone "$work/p256.jwk" --text >"$work/yellow.code" 2>"$work/ignored" || bail_out "no code"
picture bare "$(cat "$work/g1.code")"

present first ed25519 g1.code
sees "a fresh presentation" first 'open ok'
sees "the same picture again" first 'deny replayed'
sees "and again" first 'deny replayed'
sees_phone "the phone has a new one" ed25519 g1.code 'open ok'
sees_phone "a phone with the other kind of key" p256 g2.code 'open ok'
sees_phone "two people's codes on one phone" p256 yellow.code 'guard yellow'
present old ed25519 g1.code --at "$(date -u -d '-25 seconds' +%Y-%m-%dT%H:%M:%SZ)"
sees "one of 25 s ago" old 'deny stale'
present early ed25519 g1.code --at "$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)"
sees "one of a phone that is an hour ahead" early 'deny stale'
sees "the code without the phone" bare 'deny unproven'
check "the journal says that it was a phone" sh -c "'$BUILD/tests/system/journal_dump' '$(journal_of north)' | grep '\"reason\":\"ok\"' | grep -q '\"form\":\"phone\"'"

# A restart forgets nothing that matters: what the phone showed before it opens nothing after it.
present before ed25519 g1.code
sees "before a restart" before 'open ok'
stop north
rm -f "$work/north.camera"/*.png
start_gate north
openings=0
wait_for 10 said north ready
show north "$(person before)"
sleep 2
check "after it that opens nothing" passage_count_is north "$expected"
sees_phone "but what is new does" ed25519 g1.code 'open ok'

# --- paper ---------------------------------------------------------------------------------------------------------

sees "a code on paper" g3 'open ok'
changed reconfigure guard
sees "by another policy the guard is called" g4 'guard paper'
sees_phone "but not for a phone" p256 g2.code 'open ok'
changed reconfigure deny
sees "or it is refused" g5 'deny paper_refused'
changed reconfigure open

# --- certificates --------------------------------------------------------------------------------------------------

mkdir "$work/certificates"
"$BUILD/tests/system/certificate_maker" "$work/certificates" || bail_out "no certificates"
for name in vaccinated tested positive stranger unknown card card.1 card.2; do
    picture $name "$(cat "$work/certificates/$name.txt")"
done
sees "a certificate before anybody is trusted" vaccinated 'deny foreign'
changed "$tool" trust add "$work/certificates/signer.pem" "$work/certificates/issuer.jwks.json"
sees "a holder who is on no list" vaccinated 'guard subject_unknown'
link() { "$tool" people certificate ref:g6 - <"$work/certificates/vaccinated.txt"; }
changed link
sees "a holder who is a resident" vaccinated 'open ok'
sees "the same by a negative test" tested 'open ok'
sees "by the SMART card of the same name" card 'open ok'
blinks() { grep -c 'lamp_yellow on' "$work/north.out"; } # nobody was yellow since the lamp went on last
lamps_before=$(blinks)
asks_for_more() { [ "$(blinks)" -gt $((lamps_before + 1)) ]; }
show north "$(person card.1)"
check "one chunk of it asks for the other, by a lamp that blinks" wait_for 10 asks_for_more
check "and is no decision" passage_count_is north "$expected"
sees "which completes it" card.2 'open ok'
sees "somebody else" stranger 'guard subject_unknown'
sees "a positive test" positive 'deny red'
sees "a signer whom nobody knows" unknown 'deny foreign'
changed "$tool" people status ref:g6 red
sees "a resident who is red" vaccinated 'deny red'
changed "$tool" people status ref:g6 green
key_of() { "$tool" trust list | awk -v form="$1" '$2 == form { print $1 }'; }
changed "$tool" trust revoke "$(key_of hcert)"
sees "a signer whose key was stolen" vaccinated 'deny key_revoked'
sees "(also of strangers)" stranger 'deny key_revoked'
sees "others go on" card 'open ok'
changed "$tool" people certificate ref:g6 --remove
sees "nobody's certificate any more" card 'guard subject_unknown'

# --- revocation, rotation --------------------------------------------------------------------------------------------

changed "$tool" health recall ref:g1
sees_phone "a lost phone's code" ed25519 g1.code 'deny revoked'
sees "and the same person's on paper" g1 'deny revoked'
sees_phone "others go on" p256 g2.code 'open ok'
"$tool" health issue ref:g1 --phone "$work/p256.jwk" --text >"$work/g1.code" 2>"$work/ignored" || bail_out "no code"
sees_phone "a new code on a new phone" p256 g1.code 'open ok'

changed "$tool" key rotate health --lead 0
"$tool" health issue ref:g7 --phone "$work/ed25519.jwk" --text >"$work/g7.code" 2>"$work/ignored" || bail_out "no code"
sees_phone "a code by the new key" ed25519 g7.code 'open ok'
sees_phone "one by the old key" p256 g1.code 'open ok'
sees "(also on paper)" g8 'open ok'

check "nobody came in who should not" relay_pulses_are north $openings
check "the journal is whole" sh -c "'$BUILD/tests/system/journal_dump' '$(journal_of north)' >/dev/null"
check "and is on the server" wait_for 20 server_has_all north
stop north
plan
