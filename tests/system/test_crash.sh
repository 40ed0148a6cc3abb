#!/bin/sh
# Gate and server are killed (SIGKILL) at random moments of their traffic. Afterwards: every entry of the gate's journal is on the server exactly once and
# in order, the chain is whole, and the door was never unlocked without an entry. SEED=N repeats a run, ROUNDS=N makes it longer.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

: "${ROUNDS:=12}" "${SEED:=$$}"
echo "# SEED=$SEED ROUNDS=$ROUNDS"
# random N: 0..N-1, the same for the same seed.
random() {
    SEED=$(((SEED * 1103515245 + 12345) % 2147483648))
    random_value=$((SEED / 65536 % $1))
}

make_town
stop town
printf '[server]\nlisten = %s\nstate_dir = %s\narea = test.example\nurl_file = %s\n[policy]\nhome = none\ndebounce_ms = 500\n' \
    "${server_url#http://}" "$work/town.state" "$work/town.url" >"$work/town.ini"
start_town() {
    rm -f "$work/town.url"
    start town "$BUILD/gatehouse-server" --config "$work/town.ini"
}
start_town
wait_for 20 server_answers town || bail_out "the server does not start again"

make_gate north '[door]' 'pulse_ms = 100'
start_gate north
enrol north

# keep_log: what the gate said in this life, for counting over all of them.
: >"$work/trace"
keep_log() { cat "$work/north.out" >>"$work/trace"; }

round=0
while [ $round -lt "$ROUNDS" ]; do
    round=$((round + 1))
    for ref in g1 yellow g2 g3 red g4; do
        show north "$(person $ref)"
    done
    random 900
    sleep "0.$(printf '%03d' "$random_value")"
    random 3
    case $random_value in
    0) victims=north ;;
    1) victims=town ;;
    2) victims='north town' ;;
    esac
    for victim in $victims; do
        stop "$victim" KILL 2>/dev/null
    done
    for victim in $victims; do
        if [ "$victim" = town ]; then
            start_town
        else
            keep_log
            # What it saw before is not shown again: a folder that is followed is read anew from its start.
            rm -f "$work/north.camera"/*.png
            start_gate north
        fi
    done
done

check "the server answers at last" wait_for 20 server_answers town
wait_for 20 said north 'ready'
show north "$(person g1)"
check "and the gate still opens" wait_for 20 said north 'passage: open'
check "every entry is on the server once, in order" wait_for 60 server_has_all north
stop north
keep_log
dump north >"$work/entries"
check "the chain is whole" test $? -eq 0
opened=$(grep -c '"outcome":"open"' "$work/entries")
pulses=$(grep -c 'relay on' "$work/trace")
echo "# $(wc -l <"$work/entries") entries, $opened say open, the relay was pulsed $pulses times"
check "the door was never unlocked without an entry" test "$pulses" -le "$opened"
check "people did come" test "$opened" -gt 0
check "the server found nothing wrong with the chain" \
    sh -c "'$tool' gate list --json | grep -q '\"alarms\": *0'"
plan
