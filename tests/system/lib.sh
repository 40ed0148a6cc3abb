#!/bin/sh
# What the system tests share: TAP, temporary folders, real programs started and ended by their own process ids.
# Use: `. "${0%/*}/lib.sh"` as the first command; then `start`, `check`, ...; at last `plan`. Afterwards the current
# folder is the tree's root, $work is a folder of the test's own, and everything is cleaned up whatever happens.
# shellcheck disable=SC2034 # variables for those who source this

set -u
umask 077
cd "$(dirname "$0")/../.." || exit 2
: "${BUILD:=build/gcc}"
work=$(mktemp -d "${TMPDIR:-/tmp}/gatehouse-system.XXXXXX") || exit 2
test_count=0 test_failures=0
started='' # the names of what was started and not stopped yet

# --- TAP ---------------------------------------------------------------------------------------------------------

ok() {
    test_count=$((test_count + 1))
    printf 'ok %d - %s\n' $test_count "$*"
}

not_ok() {
    test_count=$((test_count + 1)) test_failures=$((test_failures + 1))
    printf 'not ok %d - %s\n' $test_count "$*"
}

skip() { # skip TEXT WHY
    test_count=$((test_count + 1))
    printf 'ok %d - %s # SKIP %s\n' $test_count "$1" "$2"
}

note() { sed 's/^/# /'; }

# check TEXT COMMAND...: ok if the command says yes.
check() {
    check_text=$1
    shift
    if "$@"; then
        ok "$check_text"
    else
        not_ok "$check_text"
        echo "# said no: $*"
        return 1
    fi
}

plan() {
    printf '1..%d\n' $test_count
    [ $test_failures -eq 0 ] && [ $test_count -gt 0 ]
    exit
}

bail_out() {
    echo "Bail out! $*"
    exit 1
}

# --- commands and what they said ------------------------------------------------------------------------------------

# run COMMAND...: its exit code in $code, what it printed in $work/out and $work/err.
run() {
    code=0
    "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
}

# says CODE OUT ERR: whether the last run ended so. OUT and ERR are basic regular expressions that some line must
# match; an empty one: nothing was printed; '*': whatever.
says() {
    if [ "$code" -eq "$1" ] && stream_says "$work/out" "$2" && stream_says "$work/err" "$3"; then
        return 0
    fi
    echo "# exit $code, wanted $1; wanted out '$2', err '$3'; it printed:"
    head -n 20 "$work/out" | sed 's/^/# out: /'
    head -n 20 "$work/err" | sed 's/^/# err: /'
    return 1
}

stream_says() {
    case $2 in
    '*') ;;
    '') [ ! -s "$1" ] ;;
    *) grep -q -e "$2" "$1" ;;
    esac
}

# wait_for SECONDS COMMAND...: until it says yes; 1 when it did not in time. The seconds are a quiet machine's: one that is busy, or whose programs carry
# sanitizers, gets three times as many, and the second that has begun does not count.
wait_for() {
    wait_limit_s=$(($(date +%s) + 3 * $1 + 1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$wait_limit_s" ] || return 1
        sleep 0.05
    done
}

# --- programs --------------------------------------------------------------------------------------------------------

# start NAME COMMAND...: in the background; its id in $work/NAME.pid, its output in $work/NAME.out and NAME.err.
start() {
    start_name=$1
    shift
    : >"$work/$start_name.out" # there from now on, whenever the child gets to it
    : >"$work/$start_name.err"
    "$@" </dev/null >"$work/$start_name.out" 2>"$work/$start_name.err" &
    echo $! >"$work/$start_name.pid"
    started="$started $start_name"
}

pid_of() { cat "$work/$1.pid"; }
is_running() { kill -0 "$(pid_of "$1")" 2>/dev/null; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }

# forget NAME: it needs no ending any more.
forget() {
    forget_rest=
    for forget_name in $started; do
        [ "$forget_name" = "$1" ] || forget_rest="$forget_rest $forget_name"
    done
    started=$forget_rest
}

# stop NAME [SIGNAL]: end it and give its exit code; what does not end within 10 s is killed (137).
stop() {
    stop_pid=$(pid_of "$1")
    forget "$1"
    kill -"${2:-TERM}" "$stop_pid" 2>/dev/null || :
    wait_for 10 is_gone "$stop_pid" || kill -KILL "$stop_pid" 2>/dev/null || :
    wait "$stop_pid"
}

# finish NAME SECONDS: let it come to its own end and give its exit code; 137 when it does not.
finish() {
    finish_pid=$(pid_of "$1")
    wait_for "$2" is_gone "$finish_pid" || kill -KILL "$finish_pid" 2>/dev/null || :
    forget "$1"
    wait "$finish_pid"
}

# start_server NAME [INI LINE...]: a server on loopback with its state in $work/NAME.state; its address comes to
# $server_url. The lines go behind the [server] section's own.
start_server() {
    server_name=$1
    shift
    {
        printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s\narea = test.example\nurl_file = %s\n' \
            "$work/$server_name.state" "$work/$server_name.url"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$work/$server_name.ini"
    rm -f "$work/$server_name.url"
    start "$server_name" "$BUILD/gatehouse-server" --config "$work/$server_name.ini"
    if ! wait_for 20 server_answers "$server_name" || ! is_running "$server_name"; then
        note <"$work/$server_name.err"
        bail_out "the server $server_name does not start"
    fi
    server_url=$(cat "$work/$server_name.url")
}

server_answers() { [ -s "$work/$1.url" ] || ! is_running "$1"; }

# log_in_admin NAME SESSION: into a new server, by its one-time password; the password is then `first password`.
log_in_admin() {
    echo 'first password' >"$work/first.password"
    GATEHOUSE_SESSION=$2 "$BUILD/gatehouse" login --server "$(cat "$work/$1.url")" \
        --password-file "$work/$1.state/admin-password" --new-password-file "$work/first.password" \
        2>"$work/login.err" || { note <"$work/login.err"; bail_out "the administrator cannot log in"; }
}

# --- order in the house ------------------------------------------------------------------------------------------------

clean_up() {
    clean_code=$?
    trap '' HUP INT TERM
    for clean_name in $started; do
        stop "$clean_name" || :
    done
    rm -rf "$work"
    exit $clean_code
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
