#!/bin/sh
# What the administrator changes is true at a gate at once: the gate keeps a request open, and does not have to ask. Its poll_ms is ten minutes here, so that
# whatever arrives was pushed.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

make_town
port=${server_url##*:}
make_gate north
sed -i 's/^poll_ms.*/poll_ms = 600000/' "$work/north.ini"
start_gate north
enrol north

lists() { grep -c 'list: generation' "$work/north.err"; }
# arrives TIMES: so many lists have come since the gate was started.
arrives() { wait_for 20 said north 'list: generation' "$1"; }
connected() { "$tool" gate list --json | grep -q '"connected": *true'; }
is_at() { # is_at GENERATION: the server knows that the gate has it
    "$tool" gate list --json | grep -q "\"generation\": *$1\b"
}
newest() { sed -n 's/.*list: generation \([0-9]*\)\b.*/\1/p' "$work/north.err" | tail -n 1; }

check "it says how large the list is" said north 'list: generation [0-9]*: 10 persons, 0 homes'
check "the server sees the gate waiting" wait_for 20 connected
show north "$(person g3)"
check "a green person is let in" wait_for 20 last_passage_is north 'open ok'

before=$(lists)
"$tool" people status ref:g1 red >/dev/null 2>&1 || bail_out "g1 cannot be set to red"
check "g1's new colour arrives" arrives $((before + 1))
show north "$(person g1)"
check "and counts at once" wait_for 20 last_passage_is north 'deny red'
check "the server knows which list the gate has" wait_for 20 is_at "$(newest)"

before=$(lists)
sed -i 's/^home = none/home = member/' "$work/town.ini"
kill -HUP "$(pid_of town)"
check "a new policy arrives" arrives $((before + 1))
show north "$(person g2)"
check "and counts at once" wait_for 20 last_passage_is north 'guard no_home'

# The server goes away while the gate waits, and is back.
before=$(lists)
stop town
sed -i "s/^listen = .*/listen = 127.0.0.1:$port/" "$work/town.ini"
rm -f "$work/town.url"
start town "$BUILD/gatehouse-server" --config "$work/town.ini"
wait_for 20 server_answers town || bail_out "the server does not start again"
check "the gate waits again" wait_for 30 connected
"$tool" people status ref:g1 green >/dev/null 2>&1 || bail_out "g1 cannot be set to green"
check "what is changed then arrives, too" arrives $((before + 1))
check "the server is told so" wait_for 20 is_at "$(newest)"
check "every entry is there" wait_for 20 server_has_all north

"$tool" gate remove north >/dev/null 2>&1 || bail_out "the gate cannot be removed"
check "a gate that is shut out hears of it while it waits" wait_for 20 said north '403 forbidden'
stop north
check "it ends cleanly" test $? -eq 0
plan
