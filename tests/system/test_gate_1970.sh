#!/bin/sh
# A board without a battery wakes up in 1970, where every certificate is one of the future, and the server is reached by HTTPS only: it enrols, decides by
# no clock, sends its entries, and lets people in once the clock was set and confirmed, by the kernel or by the server.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

if ! command -v openssl >/dev/null; then
    skip "a gate in 1970" "no openssl"
    plan
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=town -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/town-key.pem" -out "$work/town.pem" 2>"$work/openssl.err" || bail_out "no certificate: $(cat "$work/openssl.err")"
start_server town "tls_certificate = $work/town.pem" "tls_key = $work/town-key.pem" '[policy]' 'home = none' 'debounce_ms = 500'
echo 'first password' >"$work/first.password"
"$tool" login --server "$server_url" --ca "$work/town.pem" --password-file "$work/town.state/admin-password" \
    --new-password-file "$work/first.password" 2>"$work/login.err" || { note <"$work/login.err"; bail_out "cannot log in"; }
printf 'ref,name,status\na,Ann,green\nb,Ben,green\nc,Cay,green\nred,Rob,red\n' >"$work/people.csv"
"$tool" people import "$work/people.csv" >"$work/ignored" || bail_out "no people"
mkdir "$work/pictures"
for ref in a b c red; do
    "$tool" health issue "ref:$ref" --png "$work/pictures/$ref.png" >"$work/ignored" 2>&1 || bail_out "no code for $ref"
done

make_gate north
start_1970() { start north "$BUILD/tests/system/gate_1970" "$work/north.ini" "$work/set"; }
start_1970
wait_for 10 said north ready
check "it is 1970" said north '^1970-01-'
enrol north
check "it enrols, and has its list" said north 'list: generation'
show north "$(person a)"
check "nobody is let in" wait_for 10 last_passage_is north 'guard clock_untrusted'
show north "$(person red)"
check "red is red" wait_for 10 last_passage_is north 'deny red'
check "the door stayed shut" relay_pulses_are north 0
check "the entries are on the server" wait_for 10 server_has_all north

echo kernel >"$work/set"
check "the clock is set, and kept right by the kernel" wait_for 10 said north 'clock: trusted'
jump_is_entry() { dump north | grep '"type":"clock"' | grep -q '"jump_ms":[0-9]\{13\}'; }
check "the jump is an entry" wait_for 10 jump_is_entry # written after it is said
show north "$(person b)"
check "and people are let in" wait_for 10 last_passage_is north 'open ok'
stop north

# The next boot, of which the journal knows nothing trusted: the kernel says nothing, the server does.
rm -f "$work/set" "$work/north.camera"/*.png
start_1970
wait_for 10 said north ready
show north "$(person c)"
check "in 1970 again, it knows what time it was already" wait_for 10 said north 'it was at least 20'
check "and calls the guard" wait_for 10 last_passage_is north 'guard clock_untrusted'
stop north
rm -f "$work/north.state"/journal-* "$work/north.state/acknowledged" "$work/north.camera"/*.png
: >"$work/set"
start_1970
check "what was set before the start is confirmed by the server" wait_for 10 said north 'clock: trusted'
show north "$(person a)"
check "and people are let in again" wait_for 10 last_passage_is north 'open ok'
stop north
check "the gate ended cleanly" test $? -eq 0
plan
