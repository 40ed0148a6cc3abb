#!/bin/sh
# Light on the board: how soon a gate is ready, how much memory it has, and how much it writes, with a list of LIGHT_PEOPLE people,
# beside the least that could do the same in the same run. Real server, real gate; door = trace. Prints figures, judges nothing.
# shellcheck disable=SC1091,SC2154
. "${0%/*}/../system/lib.sh"
. tests/system/gate_lib.sh

: "${LIGHT_PEOPLE:=100000}" "${LIGHT_SCANS:=60}" "${LIGHT_STARTS:=15}" "${LIGHT_IDLE_S:=30}"
bare=$BUILD/tests/bench/light/bare

# middle: the median of the numbers on standard input.
middle() { sort -n | awk '{ at[NR] = $1 } END { print at[int((NR + 1) / 2)] }'; }
# member FILE NAME: kB of a line of /proc/PID/status, or bytes of /proc/PID/io.
member() { awk -v name="$2:" '$1 == name { print $2 }' "$1"; }
written() { member "/proc/$(pid_of south)/io" write_bytes; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$(pid_of south)/stat"; }

# --- a town and a gate that has its list ---

start_server town '[policy]' 'home = none' 'debounce_ms = 500'
log_in_admin town "$GATEHOUSE_SESSION"
awk -v people="$LIGHT_PEOPLE" 'BEGIN {
    print "ref,name,status"
    for (i = 1; i <= people; i++) printf "p%d,Person %d,green\n", i, i
}' >"$work/people.csv"
"$tool" people import "$work/people.csv" >/dev/null || bail_out 'no people'
mkdir -p "$work/pictures"
number=1
while [ $number -le 40 ]; do
    "$tool" health issue "ref:p$number" --png "$work/pictures/p$number.png" >/dev/null 2>&1 || bail_out 'no code'
    number=$((number + 1))
done
make_gate south
start_gate south
enrol south 2>/dev/null
stop south >/dev/null

# --- how soon ---

run_for() { for _ in $(seq "$LIGHT_STARTS"); do "$bare" "$@" || bail_out "bare $1"; done | middle; }
ready_us=$(run_for ready "$BUILD/gatehouse-gate" --config "$work/south.ini")
exit_us=$(run_for exit "$BUILD/gatehouse-gate" --version)
printf '%-58s %9d us\n' "start to ready, median of $LIGHT_STARTS" "$ready_us" \
    'baseline: the same program says its version and ends' "$exit_us"

# --- how much is written, for how many entries ---

start_gate south
wait_for 20 said south 'version .* ready' || bail_out 'the gate does not start'
passages_before=$(passages south | wc -l)
before=$(written) ticks=$(cpu_ticks)
number=0
# One after the other, as people come: nothing of one is shared with the next.
enough() { [ "$(passages south | wc -l)" -ge $((passages_before + number)) ]; }
while [ $number -lt "$LIGHT_SCANS" ]; do
    number=$((number + 1))
    show south "$(person "p$((number % 40 + 1))")"
    wait_for 20 enough || bail_out "passage $number is not there"
    sleep 0.3
done
sleep 2 # until the server's word for the last ones is noted
entries=$(($(passages south | wc -l) - passages_before))
for_entries=$(($(written) - before)) scan_ticks=$(($(cpu_ticks) - ticks))
entry_bytes=$(($(dump south | tail -n "$entries" | wc -c) / entries))
bare_bytes=$("$bare" commits "$work/bare.db" "$entries" "$entry_bytes") || bail_out 'bare commits'

before=$(written) ticks=$(cpu_ticks)
sleep "$LIGHT_IDLE_S"
idle=$(($(written) - before)) idle_ticks=$(($(cpu_ticks) - ticks))

awk -v entries="$entries" -v bytes="$for_entries" -v bare="$bare_bytes" -v idle="$idle" -v idle_s="$LIGHT_IDLE_S" -v one="$entry_bytes" 'BEGIN {
    printf "%-58s %9.1f KiB\n", "written for an entry of " one " bytes, of " entries, bytes / entries / 1024
    printf "%-58s %9.1f KiB\n", "baseline: SQLite alone commits a row of that size", bare / entries / 1024
    printf "%-58s %9.1f MB\n", "a day of 5000 entries", (5000 * bytes / entries + idle * 86400 / idle_s) / 1e6
    printf "%-58s %9.1f MB\n", "  of which while nobody comes, from " idle_s " s", idle * 86400 / idle_s / 1e6
    printf "%-58s %9.1f MB\n", "baseline: 5000 such rows by SQLite alone", 5000 * bare / entries / 1e6
}'

# --- how much memory, how busy ---

status=/proc/$(pid_of south)/status
awk -v most="$(member "$status" VmHWM)" -v now="$(member "$status" VmRSS)" -v own="$(member "$status" RssAnon)" -v people="$LIGHT_PEOPLE" 'BEGIN {
    printf "%-58s %9.1f MiB\n", "resident memory, list of " people " people, at most", most / 1024
    printf "%-58s %9.1f MiB\n", "  now", now / 1024
    printf "%-58s %9.1f MiB\n", "  of which its own (the rest is files, programs among them)", own / 1024
}'
awk -v idle="$idle_ticks" -v idle_s="$LIGHT_IDLE_S" -v scans="$scan_ticks" -v entries="$entries" -v hz="$(getconf CLK_TCK)" 'BEGIN {
    printf "%-58s %9.1f %%\n", "of a processor while blank frames come", 100 * idle / hz / idle_s
    printf "%-58s %9.1f ms\n", "of a processor for a passage, its frames included", 1000 * scans / hz / entries
}'
stop south >/dev/null
stop town >/dev/null
