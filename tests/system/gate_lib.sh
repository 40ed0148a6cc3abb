#!/bin/sh
# What the system tests of the gate share, on top of lib.sh: a town with people and their codes, and a gate that looks into a folder.
# shellcheck disable=SC2034,SC2154 # variables of lib.sh, and for those who source this

tool=$BUILD/gatehouse
GATEHOUSE_SESSION=$work/admin.session
export GATEHOUSE_SESSION

# make_town [INI LINE...]: a server, its administrator, people of each colour, and their pictures in $work/pictures. What is not said otherwise: no
# housing code is asked for, so that one picture is one decision.
make_town() {
    [ $# -gt 0 ] || set -- '[policy]' 'home = none'
    start_server town "$@"
    log_in_admin town "$GATEHOUSE_SESSION"
    printf 'ref,name,status\nyellow,Yan,yellow\nred,Rob,red\n' >"$work/people.csv"
    for number in 1 2 3 4 5 6 7 8; do
        printf 'g%d,Green %d,green\n' $number $number >>"$work/people.csv"
    done
    "$tool" people import "$work/people.csv" >/dev/null || bail_out "no people"
    mkdir -p "$work/pictures"
    for ref in g1 g2 g3 g4 g5 g6 g7 g8 yellow red; do
        "$tool" health issue "ref:$ref" --png "$work/pictures/$ref.png" >/dev/null 2>&1 || bail_out "no code for $ref"
    done
}

# restart_town: one that was stopped, as town.ini is now.
restart_town() {
    rm -f "$work/town.url"
    start town "$BUILD/gatehouse-server" --config "$work/town.ini"
    wait_for 20 server_answers town || bail_out "the server does not start again"
}

# put_proxy_before_town: between gates and server, whose public address is the proxy's from now on. behave WORDS: what it does then.
put_proxy_before_town() {
    mkfifo "$work/proxy.in"
    "$BUILD/tests/system/fault_proxy" "${server_url##*:}" <"$work/proxy.in" >"$work/proxy.out" 2>"$work/proxy.err" &
    echo $! >"$work/proxy.pid"
    started="$started proxy"
    exec 3>"$work/proxy.in"
    wait_for 10 grep -q listening "$work/proxy.out" || bail_out "the proxy does not start"
    proxy_port=$(sed -n 's/listening //p' "$work/proxy.out")
    stop town
    sed -i "s|^listen = .*|listen = ${server_url#http://}|; s|^area = .*|&\npublic_url = http://127.0.0.1:$proxy_port|" "$work/town.ini"
    restart_town
}
behave() { echo "$*" >&3; }

# make_gate NAME [INI LINE...]: its configuration, with state in $work/NAME.state and a camera folder $work/NAME.camera; not started. The lines go at
# the end.
make_gate() {
    gate_name=$1
    shift
    mkdir -p "$work/$gate_name.state" "$work/$gate_name.camera"
    {
        printf '[gate]\nstate_dir = %s\ncamera = replay:%s\ndoor = trace\n' "$work/$gate_name.state" "$work/$gate_name.camera"
        # One frame: of two, a busy gate may see the second longer than debounce_ms after the first, as somebody who came again.
        printf '[replay]\nfollow = yes\nframe_interval_ms = 10\nframes_a_still = 1\nblanks_a_still = 1\n'
        # dump() reads the journal of a gate that runs.
        printf '[journal]\nshared = yes\n'
        printf '[courier]\npoll_ms = 200\nbackoff_first_ms = 50\nbackoff_max_ms = 400\n'
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$work/$gate_name.ini"
}

start_gate() { start "$1" "$BUILD/gatehouse-gate" --config "$work/$1.ini"; }

# show NAME PICTURE...: to its camera, each appearing whole.
shown=1000
show() {
    show_gate=$1
    shift
    for show_picture in "$@"; do
        shown=$((shown + 1))
        cp "$show_picture" "$work/$show_gate.camera/.part" &&
            mv "$work/$show_gate.camera/.part" "$work/$show_gate.camera/$shown-${show_picture##*/}"
    done
}

person() { printf '%s/pictures/%s.png' "$work" "$1"; }

# said NAME PATTERN [TIMES]: in the gate's log, since it was started last.
said() { [ "$(grep -c -e "$2" "$work/$1.err")" -ge "${3:-1}" ]; }

# enrol NAME: with a code of its own, until it has its list.
enrol() {
    "$tool" gate add "$1" --png "$work/$1.enrolment.png" >/dev/null || bail_out "the gate $1 cannot be added"
    show "$1" "$work/$1.enrolment.png"
    wait_for 20 said "$1" 'list: generation' || { note <"$work/$1.err"; bail_out "the gate $1 does not enrol"; }
}

journal_of() { for journal in "$work/$1.state"/journal-*.db; do printf '%s' "$journal"; done; }
dump() { "$BUILD/tests/system/journal_dump" "$(journal_of "$1")"; }
# passages NAME: the journal's decisions, `outcome reason` a line.
passages() {
    dump "$1" | sed -n '/"type":"passage"/s/.*"outcome":"\([a-z]*\)".*"reason":"\([a-z_]*\)".*/\1 \2/p'
}
last_passage_is() { [ "$(passages "$1" 2>/dev/null | tail -n 1)" = "$2" ]; }
passage_count_is() { [ "$(passages "$1" 2>/dev/null | wc -l)" -eq "$2" ]; }
# relay_pulses NAME: how often the door was unlocked since the gate was started last.
relay_pulses() { grep -c 'relay on' "$work/$1.out"; }
relay_pulses_are() { [ "$(relay_pulses "$1")" -eq "$2" ]; }

gate_id() {
    id=$(journal_of "$1")
    id=${id##*/journal-}
    printf '%s' "${id%.db}"
}
# server_entries NAME: the sequence numbers that the server has of this gate, in its order.
server_entries() { "$tool" entries --gate "$(gate_id "$1")" --json | sed -n 's/.*"seq": *\([0-9]*\).*/\1/p'; }
# Every entry of the gate's journal is on the server exactly once, in order.
server_has_all() {
    dump "$1" | sed -n 's/.*"seq":\([0-9]*\).*/\1/p' >"$work/journal.seq"
    server_entries "$1" >"$work/server.seq" 2>/dev/null
    [ -s "$work/journal.seq" ] && cmp -s "$work/journal.seq" "$work/server.seq"
}
