#!/bin/sh
# What foreign certificates say about people stays where they were shown: after a run of the real programs, with certificates of every kind shown
# at a gate, linked to a person, and refused, every file that was left behind is searched for names, birth dates, numbers and the codes
# themselves. (What is asked upstream: test_upstream.sh.)
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"

# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

# --- what people bring: in $work/private and as pictures before the camera, and nowhere else ----------------------------------

mkdir "$work/private"
"$BUILD/tests/system/certificate_maker" "$work/private" || bail_out "no certificates"
for name in vaccinated tested positive stranger unknown card.1 card.2; do
    "$tool" draw "$(cat "$work/private/$name.txt")" --png "$work/private/$name.png" >/dev/null || bail_out "no picture of $name"
done

# --- the run -----------------------------------------------------------------------------------------------------------------

make_town '[server]' 'log_level = debug' '[policy]' 'home = none' 'debounce_ms = 500' '[certificates]' 'holder = guard' \
    'rule = red test positive until 14d' 'rule = green vaccination complete from 14d until 270d' 'rule = green test naat until 72h'
"$tool" trust add "$work/private/signer.pem" "$work/private/issuer.jwks.json" >"$work/trust.out" 2>&1 || bail_out "no trust: $(cat "$work/trust.out")"
"$tool" people certificate ref:g1 - <"$work/private/vaccinated.txt" >"$work/link.out" 2>&1 || bail_out "no link: $(cat "$work/link.out")"
"$tool" people certificate ref:g2 - <"$work/private/unknown.txt" >"$work/refused.out" 2>&1 && bail_out "an unknown signer's certificate was linked"
make_gate north
sed -i 's/^door = trace$/&\nlog_level = debug/' "$work/north.ini"
start_gate north
enrol north

count=0
passes() { # passes PICTURES OUTCOME: shown, each a passage or a part of one
    count=$((count + 1))
    sleep 0.6 # longer than debounce_ms: who showed another code of the same person just now has not come again
    for picture in $1; do show north "$work/private/$picture.png"; done
    check "$1: $2" wait_for 10 decided "$2"
}
decided() { passage_count_is north "$count" && last_passage_is north "$1"; }
passes vaccinated 'open ok'
passes tested 'open ok' # another certificate of the same person
passes positive 'deny red'
passes stranger 'guard subject_unknown'
passes unknown 'deny foreign'
passes 'card.1 card.2' 'open ok'
check "the server has all of it" wait_for 20 server_has_all north

# --- what is left ------------------------------------------------------------------------------------------------------------

"$tool" entries >"$work/entries.txt"
"$tool" entries --json >"$work/entries.json"
"$tool" people list >"$work/people.txt"
dump north >"$work/journal.txt"
stop north
stop town

# Words of the certificates (as certificate_maker writes them, and as a log may have bent them), and pieces of the codes: the beginning is the
# same in all of a kind, so from the middle; and the same bytes in hex and base64.
words='quibblethwaite zanzibaria wobblethorpe xanthippus yellowplush quintessa 1937-11-29 1941-02-28 1953-08-31 canarynumber lotcanary issuerwords testcentre'
{
    for word in $words; do
        printf '%s\n' "$word"
        upper=$(printf %s "$word" | tr '[:lower:]' '[:upper:]')
        printf %s "$upper" | od -An -v -tx1 | tr -d ' \n'
        echo
    done
    for file in "$work"/private/*.txt; do
        printf '%s\n' "$(cut -c 101-124 "$file")"
    done
} >"$work/private/patterns"
# leaks FOLDER: the files in it, but for what people brought, that hold any of it
leaks() { grep -rilaF -f "$work/private/patterns" --exclude-dir=private "$1"; }
nothing_leaks() {
    leaks "$work" >"$work/private/leaks" || return 0
    note <"$work/private/leaks"
    return 1
}
check "no file that is left holds anything of a certificate" nothing_leaks
check "there was something to search" test "$(find "$work" -type f -not -path "$work/private/*" -size +0 | wc -l)" -ge 20

# The search can find: one name in a copy of the journal, in its middle.
mkdir "$work/copy"
cp "$(journal_of north)" "$work/copy/journal.db"
printf 'Zanzibaria' | dd of="$work/copy/journal.db" bs=1 seek=4000 conv=notrunc 2>/dev/null
check "a name in the middle of a database would be found" test -n "$(leaks "$work/copy")"
rm -r "$work/copy"

# What is written down instead: hashes, the same for the same person.
subjects=$(sed -n 's/.*"subject":"\([0-9a-f]*\)".*"time_ms".*/\1/p' "$work/journal.txt" | tr '\n' ' ')
# shellcheck disable=SC2086 # words
set -- $subjects
check "the linked person's certificates are that person's entries" test "$1" = "$2" -a "$1" = "${5:-none}"
check "others are somebody else" test "$3" != "$1" -a "$4" != "$1" -a "$3" != "$4"

plan
