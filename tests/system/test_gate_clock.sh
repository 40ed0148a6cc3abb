#!/bin/sh
# A gate's clock: confirmed by the server, inherited within a boot, believed by a battery; and nobody is let in by one that nobody has confirmed.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

make_town
stop town
server_ini=$work/town.ini
printf '[server]\nlisten = %s\nstate_dir = %s\narea = test.example\nurl_file = %s\n[policy]\nhome = none\n' \
    "${server_url#http://}" "$work/town.state" "$work/town.url" >"$server_ini"
start_town() {
    rm -f "$work/town.url"
    start town "$BUILD/gatehouse-server" --config "$server_ini"
    wait_for 20 server_answers town || bail_out "the server does not start again"
}
start_town

make_gate north
start_gate north
enrol north
check "the server's answers confirm the time" wait_for 10 said north 'clock: trusted'
show north "$(person g1)"
check "and people are let in" wait_for 10 last_passage_is north 'open ok'
start_is_trusted() { dump north | sed -n '/"type":"start"/p' | grep -q '"clock":"trusted"'; }
check "the start entry says that it is trusted" start_is_trusted

stop north
stop town
rm -f "$work/north.camera"/*.png
start_gate north
wait_for 10 said north ready
show north "$(person g2)"
check "without a network, within the same boot: as before" wait_for 10 last_passage_is north 'open ok'
check "and nothing is complained of" sh -c "! grep -q 'clock: not' '$work/north.err'"

# As after a boot: there is no entry of this one.
forget_boot() {
    stop north
    rm -f "$work/north.state"/journal-* "$work/north.state/acknowledged" "$work/north.camera"/*.png
}
forget_boot
start_gate north
wait_for 10 said north ready
if said north 'clock: not trusted'; then
    show north "$(person g3)"
    check "without a network, after a boot: the guard is called" wait_for 10 last_passage_is north 'guard clock_untrusted'
    check "and nobody is let in" relay_pulses_are north 0
    show north "$(person red)"
    check "red is red" wait_for 10 last_passage_is north 'deny red'
    start_town
    check "the network comes: the clock is trusted" wait_for 20 said north 'clock: trusted'
    show north "$(person g4)"
    check "and people are let in again" wait_for 10 last_passage_is north 'open ok'
    clock_entries() { dump north | grep -c '"type":"clock"'; }
    check "with one entry about it" test "$(clock_entries)" -eq 1
    stop town
else
    skip "a clock that nobody has confirmed" "this machine's is kept right by its kernel"
fi

forget_boot
make_gate north '[clock]' 'battery = yes'
start_gate north
wait_for 10 said north ready
show north "$(person g5)"
check "a clock with a battery is believed" wait_for 10 last_passage_is north 'open ok'
stop north
plan
