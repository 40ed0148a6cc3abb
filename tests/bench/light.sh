#!/bin/sh
# Light on the board: how soon a gate is ready, how much memory it has, and how much it writes, with a list of LIGHT_PEOPLE people,
# beside the least that could do the same in the same run. Real server, real gate; door = trace. Prints figures, judges nothing.
# shellcheck disable=SC1091,SC2154
. "${0%/*}/../system/lib.sh"
. tests/system/gate_lib.sh

: "${LIGHT_PEOPLE:=100000}" "${LIGHT_SCANS:=60}" "${LIGHT_STARTS:=15}" "${LIGHT_IDLE_S:=30}" "${LIGHT_EVERY_S:=0.3}" "${LIGHT_ENTRIES:=1500}"
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
# As it is packaged: nobody reads along. What it says goes to memory, as what the journal of systemd gets does not count here.
sed -i 's/^shared = yes/shared = no/' "$work/south.ini"
memory=$(mktemp -d /dev/shm/gatehouse-light.XXXXXX)
trap 'rm -rf "$memory"; clean_up' EXIT
for stream in out err; do ln -s "$memory/$stream" "$work/south.$stream"; done
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
before=$(written) ticks=$(cpu_ticks)
number=0
# One after the other, as people come: nothing of one is shared with the next.
enough() { [ "$(grep -c 'passage: open' "$work/south.err")" -ge $number ]; }
while [ $number -lt "$LIGHT_SCANS" ]; do
    number=$((number + 1))
    show south "$(person "p$((number % 40 + 1))")"
    wait_for 20 enough || bail_out "passage $number is not there"
    sleep "$LIGHT_EVERY_S"
done
sleep 2 # until the server's word for the last ones is noted
entries=$LIGHT_SCANS
for_entries=$(($(written) - before)) scan_ticks=$(($(cpu_ticks) - ticks))

before=$(written) ticks=$(cpu_ticks)
sleep "$LIGHT_IDLE_S"
idle=$(($(written) - before)) idle_ticks=$(($(cpu_ticks) - ticks))

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

entry_bytes=$(($(dump south | tail -n "$entries" | wc -c) / entries))
rows() { "$bare" "$@" || bail_out "bare $1"; }
mkdir "$work/bare"
awk -v rush="$((for_entries / entries))" -v rush_rows="$(rows rows "$work/bare/rows" "$entries" "$entry_bytes")" \
    -v alone="$(rows journal-alone "$work/bare/alone" "$LIGHT_ENTRIES")" -v shared="$(rows journal-shared "$work/bare/shared" "$LIGHT_ENTRIES")" \
    -v alone_rows="$(rows rows-alone "$work/bare/alone-rows" "$LIGHT_ENTRIES" "$entry_bytes")" \
    -v idle="$idle" -v idle_s="$LIGHT_IDLE_S" -v one="$entry_bytes" 'BEGIN {
    day = idle * 86400 / idle_s
    row = "%-58s %9.1f KiB %9.1f MB\n"
    printf "%-58s %13s %12s\n", "", "an entry", "5000 a day"
    printf row, "written for entries of " one " bytes that come in a rush", rush / 1024, 5000 * rush / 1e6
    printf row, "baseline: SQLite alone commits rows of that size", rush_rows / 1024, 5000 * rush_rows / 1e6
    printf row, "each comes alone, half a minute after the one before", alone / 1024, 5000 * alone / 1e6
    printf row, "  with shared = yes", shared / 1024, 5000 * shared / 1e6
    printf row, "baseline: SQLite alone", alone_rows / 1024, 5000 * alone_rows / 1e6
    printf "%-58s %13s %9.1f MB\n", "while nobody comes, from " idle_s " s", "", day / 1e6
}'
