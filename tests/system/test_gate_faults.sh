#!/bin/sh
# Network and disk fail under a real gate: it decides all the same, or says why not; nothing is lost, nothing comes twice.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

make_town

# --- the network ----------------------------------------------------------------------------------------------------

put_proxy_before_town

make_gate north
start_gate north
enrol north
show north "$(person g1)"
check "through the proxy, a green person is let in" wait_for 10 last_passage_is north 'open ok'
check "and the entry arrives" wait_for 10 server_has_all north

count=1
for fault in 500 hang half garbage refuse 'retry-after 1'; do
    behave "$fault"
    count=$((count + 1))
    show north "$(person "g$count")"
    check "server: $fault: the gate decides" wait_for 15 passage_count_is north $count
    check "server: $fault: and opens" last_passage_is north 'open ok'
    case $fault in
    hang) ;; # said only when the time-out has passed
    *) check "server: $fault: it is said" wait_for 15 said north "$(case $fault in 500) echo 500 ;; retry*) echo 503 ;; *) echo 'warning courier' ;; esac)" ;;
    esac
    check "server: $fault: the gate lives" is_running north
done
behave pass
check "when it is over, every entry is there once, in order" wait_for 60 server_has_all north
person_id=$("$tool" people list | awk '$2 == "g8" { print $1 }')
before=$(grep -c 'list: generation' "$work/north.err")
"$tool" people status "$person_id" red >"$work/out" 2>&1 || note <"$work/out"
check "and lists flow again" wait_for 60 said north 'list: generation' $((before + 1))
show north "$(person g8)"
check "whom the list calls red is refused" wait_for 15 last_passage_is north 'deny red'

# --- the server's disk, and an old server ------------------------------------------------------------------------------

# A backup of an hour ago is put back: its list is older than the gate's. The server goes on above what it has signed since.
stop town
cp -R "$work/town.state" "$work/town.backup"
restart_town
before=$(grep -c 'list: generation' "$work/north.err")
"$tool" people status "$person_id" yellow >"$work/out" 2>&1 || note <"$work/out"
check "a newer list arrives" wait_for 20 said north 'list: generation' $((before + 1))
generation=$(sed -n 's/.*list: generation \([0-9]*\).*/\1/p' "$work/north.err" | tail -n 1)
stop town
rm -rf "$work/town.state"
mv "$work/town.backup" "$work/town.state"
restart_town
newest() { sed -n 's/.*list: generation \([0-9]*\).*/\1/p' "$work/north.err" | tail -n 1; }
is_beyond() { test "$(newest)" -gt "$1"; }
check "the server that lost its newest list goes on above it, and the gate follows" wait_for 30 is_beyond "$generation"
check "nothing older was ever taken" test "$(sed -n 's/.*list: generation \([0-9]*\).*/\1/p' "$work/north.err" | sort -cn 2>&1 | wc -l)" -eq 0
stop north
check "the gate ends cleanly" test $? -eq 0

# --- the gate's disk ----------------------------------------------------------------------------------------------------

if ! mkdir "$work/small" || ! mount -t tmpfs -o size=2m none "$work/small" 2>/dev/null; then
    skip "a full disk" "no right to mount a small one"
    skip "a read-only disk" "no right to mount a small one"
    plan
fi
unmount() { umount "$work/small"; }
trap 'stop south 2>/dev/null; unmount; clean_up' EXIT
# What is asked of the disk does not wait for what the server has to say about the time.
make_gate south '[clock]' 'battery = yes'
rm -rf "$work/south.state"
mkdir "$work/small/state"
ln -s "$work/small/state" "$work/south.state"
start_gate south
enrol south
show south "$(person g2)"
check "small disk: a green person is let in" wait_for 10 last_passage_is south 'open ok'
dd if=/dev/zero of="$work/small/fill" bs=4k 2>/dev/null
show south "$(person g3)"
check "full disk: it is said" wait_for 15 said south 'journal: '
check "full disk: the guard is called" wait_for 10 said south 'passage: guard'
check "full disk: nothing opens" relay_pulses_are south 1
rm "$work/small/fill"
check "room again: the entry is written after all" wait_for 15 last_passage_is south 'guard journal_unavailable'
show south "$(person g4)"
check "room again: people are let in" wait_for 10 last_passage_is south 'open ok'
check "room again: every entry reaches the server" wait_for 30 server_has_all south

stop south
check "the gate ends cleanly" test $? -eq 0

# A card that has worn out comes up read-only.
mount -o remount,ro "$work/small"
rm -f "$work/south.camera"/*.png # who was here before does not come again
start_gate south
check "read-only disk: it is said" wait_for 15 said south 'journal: .*[Rr]ead-only\|journal: .*written'
show south "$(person g5)"
check "read-only disk: the guard is called" wait_for 15 said south 'passage: guard'
check "read-only disk: nothing opens" relay_pulses_are south 0
mount -o remount,rw "$work/small"
check "written again: the entry is there" wait_for 15 last_passage_is south 'guard journal_unavailable'
show south "$(person g6)"
check "written again: people are let in" wait_for 10 last_passage_is south 'open ok'
check "written again: every entry reaches the server" wait_for 30 server_has_all south
stop south
check "the gate ends cleanly again" test $? -eq 0
plan
