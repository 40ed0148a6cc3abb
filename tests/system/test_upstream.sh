#!/bin/sh
# The real server asks a real HTTPS endpoint that plays the health authority, for the gate's real inquiry: every way in which the authority can
# answer or fail, in time; nothing but what the policy names is ever sent; no code, holder or token is left behind anywhere.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"

# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh
token=the-token-for-the-authority
deadline_ms=3000 # generous: CI has slow days

if ! command -v openssl >/dev/null; then
    skip "upstream" "no openssl"
    plan
fi
mkdir "$work/private"
for name in authority other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$name" \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$work/private/$name-key.pem" -out "$work/private/$name.pem" 2>"$work/openssl.err" ||
        bail_out "no certificate: $(cat "$work/openssl.err")"
done
echo "$token" >"$work/private/token"

listens() { grep -q '^listening' "$work/authority.out"; }
start_authority() { # start_authority CERTIFICATE
    start authority "$BUILD/tests/system/authority" "$work/private/$1.pem" "$work/private/$1-key.pem" "$token"
    wait_for 10 listens || bail_out "the authority does not start: $(cat "$work/authority.err")"
    port=$(sed -n 's/^listening //p' "$work/authority.out")
}

# start_town [INI LINE...]: with an authority to ask; the lines go into [upstream]. Its state is kept.
start_town() {
    start_server town '[upstream]' "url = https://127.0.0.1:$port/verify" "token_file = $work/private/token" 'prefixes = XH1: XH2:' \
        "deadline_ms = $deadline_ms" "$@"
    if [ -e "$work/first.password" ]; then # it is at another address now
        "$tool" login --server "$server_url" --password-file "$work/first.password" 2>"$work/login.err" || bail_out "cannot log in again"
    else
        log_in_admin town "$GATEHOUSE_SESSION"
    fi
}
stop_town() {
    stop town || :
    cat "$work/town.err" >>"$work/town.log"
}

# asks RULE PREFIXES TEXT...: what the gate gets to know, in $work/answers.
gate_count=0
asks() {
    asks_rule=$1 asks_prefixes=$2
    shift 2
    gate_count=$((gate_count + 1))
    "$tool" gate add "gate $gate_count" --text >"$work/private/code" 2>"$work/gate.err" || bail_out "no gate"
    printf '%s\n' "$@" | "$BUILD/tests/system/asker" "$(cat "$work/private/code")" $deadline_ms "$asks_rule" "$asks_prefixes" \
        >"$work/answers" 2>"$work/asker.err" || { note <"$work/asker.err"; bail_out "the asker failed"; }
}
answer_is() { # answer_is TEXT PATTERN
    grep -q -e "^$1: $2\$" "$work/answers" || { note <"$work/answers"; return 1; }
}
in_time() { # every answer took less than three times the deadline
    awk -v most=$((3 * deadline_ms)) '$2 != "no" && $NF + 0 >= most { late = 1 } END { exit late }' "$work/answers"
}
was_asked() { [ "$(grep -c "^asked $1\$" "$work/authority.out")" -eq "$2" ]; }
sent_nothing_but() { ! grep '^asked' "$work/authority.out" | grep -v -q "^asked $1"; }

# --- the authority's word ------------------------------------------------------------------------------------------

start_authority authority
start_town "ca_file = $work/private/authority.pem"
run "$BUILD/gatehouse-server" --config "$work/town.ini" --check
check "--check of a configuration with upstream" says 0 'is fine' ''

asks guard 'XH1:' XH1:A-GREEN XH1:B-YELLOW XH1:C-RED XH1:D-ENDING XH1:E-OVER XH1:F-INVALID XH1:G-WHAT
check "green, and a subject" answer_is XH1:A-GREEN 'ok green [0-9a-f]\{16\} - [0-9]*'
check "yellow" answer_is XH1:B-YELLOW 'ok yellow [0-9a-f]\{16\} - [0-9]*'
check "red" answer_is XH1:C-RED 'ok red [0-9a-f]\{16\} - [0-9]*'
check "the same holder is the same subject" test "$(awk '{ print $4 }' "$work/answers" | head -n 3 | sort -u | wc -l)" -eq 1
check "valid for a time" answer_is XH1:D-ENDING 'ok green - 2100-01-01T00:00:00Z [0-9]*'
check "valid once" answer_is XH1:E-OVER 'upstream_refused none - - [0-9]*'
check "invalid" answer_is XH1:F-INVALID 'upstream_refused none - - [0-9]*'
check "unknown: what the gate says stands" answer_is XH1:G-WHAT 'not_a_code none - - [0-9]*'

asks guard 'XH1:' XH1:H-GREEN XH1:H-GREEN XH1:H-GREEN XH1:H-GREEN
check "a code that is shown again is asked about once" was_asked XH1:H-GREEN 1
check "and answered each time" test "$(grep -c '^XH1:H-GREEN: ok green' "$work/answers")" -eq 4

# --- what is never sent --------------------------------------------------------------------------------------------

asks guard 'XH1:' 'WIFI:T:WPA;S:home;P:hush-hush;;' 'XH2:GREEN' 'https://example.com/?q=XH1:GREEN' 'GH1:6BF' "$(cat "$work/private/code")"
check "a wireless network's password" answer_is 'WIFI:.*' 'no not_a_code'
check "a code that the gate's policy does not name" answer_is XH2:GREEN 'no .*'
check "a link" answer_is 'https:.*' 'no .*'
check "one of our own" answer_is GH1:6BF 'no .*'
check "an enrolment code" answer_is 'GHE1:.*' 'no .*'
asks guard 'WIFI:' 'WIFI:T:WPA;S:home;P:hush-hush;;'
check "the server does not send what its policy does not name" answer_is 'WIFI:.*' 'upstream_unreachable none - - [0-9]*'
check "the authority got nothing of that" sent_nothing_but XH1:

# --- an authority that fails ---------------------------------------------------------------------------------------

asks guard 'XH1:' XH1:SLOW XH1:HALF XH1:HUGE XH1:TYPE XH1:NONSENSE XH1:500 XH1:MOVED XH1:I-GREEN
for failure in SLOW HALF HUGE TYPE NONSENSE 500 MOVED; do
    check "$failure: the guard is called" answer_is XH1:$failure 'upstream_unreachable none - - [0-9]*'
done
check "and the next one is answered" answer_is XH1:I-GREEN 'ok green .*'
check "each in time" in_time
asks deny 'XH1:' XH1:J-SLOW XH1:J-500
check "without an answer, by the other rule what the gate says stands" answer_is XH1:J-SLOW 'not_a_code none - - [0-9]*'
check "(also at once)" answer_is XH1:J-500 'not_a_code none - - [0-9]*'

stop_town
for way in "wrong certificate:ca_file = $work/private/other.pem" "nobody's certificate:" "wrong pin:pin = $(printf %064d 0)"; do
    start_town "${way#*:}"
    asks guard 'XH1:' XH1:K-GREEN
    check "${way%%:*}: the guard is called" answer_is XH1:K-GREEN 'upstream_unreachable none - - [0-9]*'
    stop_town
done
check "nothing was said to it" was_asked XH1:K-GREEN 0
pin=$(openssl x509 -in "$work/private/authority.pem" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r)
start_town "pin = ${pin%% *}"
asks guard 'XH1:' XH1:L-GREEN
check "the right pin" answer_is XH1:L-GREEN 'ok green .*'
stop authority
asks guard 'XH1:' XH1:M-GREEN
check "a closed port: the guard is called" answer_is XH1:M-GREEN 'upstream_unreachable none - - [0-9]*'
check "in time" in_time

# --- the token ------------------------------------------------------------------------------------------------------

chmod 644 "$work/private/token"
run "$BUILD/gatehouse-server" --config "$work/town.ini" --check
check "--check says that the token is no secret" says 1 '' 'token_file .*chmod 600'
chmod 600 "$work/private/token"
start_authority authority
stop_town
echo "not $token" | tr -d ' ' >"$work/private/token"
start_town "ca_file = $work/private/authority.pem"
asks guard 'XH1:' XH1:N-GREEN
check "a wrong token: the guard is called" answer_is XH1:N-GREEN 'upstream_unreachable none - - [0-9]*'
check "and the log says where to look" grep -q 'answered 401: is the token right' "$work/town.err"
echo "$token" >"$work/private/token"
kill -HUP "$(pid_of town)"
answers_again() { asks guard 'XH1:' XH1:O-GREEN && answer_is XH1:O-GREEN 'ok green .*' >"$work/ignored"; }
check "the right one is read on SIGHUP" wait_for 10 answers_again
good=0
for _ in 1 2 3; do # in the middle of questions
    (
        sleep 1
        kill -HUP "$(pid_of town)"
    ) &
    asks guard 'XH1:' XH1:P-SLOW XH1:P-GREEN
    wait $!
    if answer_is XH1:P-SLOW 'upstream_unreachable .*' && answer_is XH1:P-GREEN 'ok green .*'; then good=$((good + 1)); fi
done
check "SIGHUP in the middle of a question calls it off, and the next is answered" test $good -eq 3

# --- a real gate -------------------------------------------------------------------------------------------------------

# Who shows a code that the authority knows is let in, if the policy says what a green certificate may do.
stop_town
start_town "ca_file = $work/private/authority.pem" '[policy]' 'home = none' 'debounce_ms = 500' '[certificates]' 'holder = open'
mkdir "$work/private/pictures"
for name in GREEN YELLOW RED INVALID WHAT SLOW; do
    "$tool" draw "XH1:Q-$name" --png "$work/private/pictures/$name.png" || bail_out "no picture"
done
"$tool" draw 'WIFI:T:WPA;S:home;P:hush-hush;;' --png "$work/private/pictures/WIFI.png" || bail_out "no picture"
make_gate west
start_gate west
wait_for 10 said west ready
enrol west
count=0
for row in 'GREEN open ok' 'YELLOW guard yellow' 'RED deny red' 'INVALID deny upstream_refused' 'WHAT deny not_a_code' \
    'SLOW guard upstream_unreachable' 'WIFI deny not_a_code'; do
    count=$((count + 1))
    show west "$work/private/pictures/${row%% *}.png"
    check "the real gate: $row" wait_for 10 last_passage_is west "${row#* }" || { passages west | note; }
    wait_for 10 passage_count_is west $count
    sleep 0.6
done
check "each is one entry" passage_count_is west $count
check "one opening" relay_pulses_are west 1
check "one question each, and none about the network" test "$(grep -c '^asked XH1:Q-' "$work/authority.out")" -eq 6

# A resident who comes while the authority is waited for does not wait for it.
printf 'ref,name,status\nr1,Rae,green\n' >"$work/people.csv"
"$tool" people import "$work/people.csv" >"$work/ignored" || bail_out "no people"
wait_for 10 said west 'list: generation' 2 || bail_out "no new list"
"$tool" health issue ref:r1 --png "$work/private/pictures/resident.png" >"$work/ignored" 2>&1 || bail_out "no code"
"$tool" draw 'XH1:R-SLOW' --png "$work/private/pictures/slow.png" || bail_out "no picture"
show west "$work/private/pictures/slow.png" "$work/private/pictures/resident.png"
wait_for 10 passage_count_is west $((count + 2))
passages west | tail -n 2 | tr '\n' ' ' >"$work/order"
check "a slow answer delays nobody else" test "$(cat "$work/order")" = 'open ok guard upstream_unreachable ' || note <"$work/order"
stop west

# --- nothing is left behind -------------------------------------------------------------------------------------------

stop_town
traces() { # of the codes that were sent, the holder, the token, the password: in all that server and gate wrote
    grep -r -l -a -e 'XH1:[A-Z]' -e 4711-holder -e "$token" -e hush-hush "$work/town.state" "$work/town.log" "$work/town.out" "$work/asker.err" \
        "$work/west.state" "$work/west.err" "$work/west.out"
}
check "the server wrote what it did" grep -q 'warning upstream: ' "$work/town.log"
found=$(traces)
check "no code, holder, token or password is in any file" test -z "$found"
printf '%s\n' "$found" | note
plan
