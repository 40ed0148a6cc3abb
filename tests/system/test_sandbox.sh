#!/bin/sh
# The real programs are in their sandboxes, and still do what they are for.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"
# shellcheck source=tests/system/gate_lib.sh
. tests/system/gate_lib.sh

# status_is NAME FIELD VALUE [PID]: as the kernel says.
status_is() { [ "$(sed -n "s/^$2:[[:space:]]*//p" "/proc/${4:-$(pid_of "$1")}/status")" = "$3" ]; }
children_of() { cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\([0-9]*\) (.*) [A-Z] $1 .*/\1/p"; }
every_thread_is() { # NAME FIELD VALUE
    for task in "/proc/$(pid_of "$1")/task"/*; do
        [ "$(sed -n "s/^$2:[[:space:]]*//p" "$task/status")" = "$3" ] || return 1
    done
}

make_town
make_gate north
start_gate north
enrol north

if said town 'sandbox: system calls are restricted'; then
    for program in town north; do
        check "$program: no new privileges" every_thread_is $program NoNewPrivs 1
        check "$program: a filter of system calls" every_thread_is $program Seccomp 2
    done
    keeper=$(children_of "$(pid_of north)")
    check "the keeper, too" status_is north Seccomp 2 "$keeper"
elif said town 'no Landlock\|restricted'; then
    skip "a filter of system calls" "this kernel has none"
else
    skip "a filter of system calls" "there are sanitizers in these programs"
fi
comes() { show north "$(person g1)" && wait_for 10 last_passage_is north 'open ok'; }
check "a person is let in" wait_for 40 comes
check "the entry is on the server" wait_for 10 server_has_all north

# `sandbox = no`
make_gate bare '[gate]' 'sandbox = no'
start_gate bare
check "a gate without its own says that it waits" wait_for 10 said bare 'ready'
check "and is not restricted" status_is bare Seccomp 0
stop bare
check "and ends" test $? -eq 0
stop north
check "the gate ends cleanly" test $? -eq 0

# A certificate that is replaced as certbot does it: links into a folder where the new file is another one.
mkdir -p "$work/live" "$work/archive"
certificate() { # NUMBER
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=127.0.0.1" -addext 'subjectAltName=IP:127.0.0.1' \
        -keyout "$work/archive/key$1.pem" -out "$work/archive/certificate$1.pem" 2>/dev/null || bail_out "openssl makes no certificate"
    for part in key certificate; do
        ln -s "../archive/$part$1.pem" "$work/live/.new" && mv "$work/live/.new" "$work/live/$part.pem"
    done
}
certificate 1
start_server secure "tls_certificate = $work/live/certificate.pem" "tls_key = $work/live/key.pem"
fingerprint() {
    openssl s_client -connect "${server_url#https://}" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null
}
before=$(fingerprint)
check "a server with a certificate" test -n "$before"
certificate 2
kill -HUP "$(pid_of secure)"
serves_another() { now=$(fingerprint) && [ -n "$now" ] && [ "$now" != "$before" ]; }
check "reads a new one" wait_for 10 serves_another
check "SIGHUP" wait_for 10 said secure 'the TLS key is another one'
stop secure
check "and ends cleanly" test $? -eq 0

plan
