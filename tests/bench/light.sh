#!/bin/sh
# Light on the board: how soon a gate is ready, how much memory it has, and how much it writes, with a list of LIGHT_PEOPLE people,
# beside the least that could do the same in the same run. Real server, real gate; door = trace. Prints figures, judges nothing.
# On an ext4 of its own, with its journal, as a board has it, where one can be mounted: so what comes to the device can be told as well as what the
# kernel counts for the process. Else where TMPDIR is.
# shellcheck disable=SC1091,SC2154
: "${LIGHT_DISK:=}"
if [ -z "$LIGHT_DISK" ] && image=$(mktemp -d "${TMPDIR:-/tmp}/gatehouse-disk.XXXXXX"); then
    code=-1
    if mkdir "$image/disk" && truncate -s 2G "$image/ext4" && mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 "$image/ext4" &&
        mount -o loop "$image/ext4" "$image/disk"; then
        trap : INT TERM
        code=0
        LIGHT_DISK=$image/disk TMPDIR=$image/disk "$0" || code=$?
        umount "$image/disk"
    fi 2>/dev/null
    rm -rf --one-file-system "$image"
    [ $code -eq -1 ] || exit $code
    LIGHT_DISK=none
fi
. "${0%/*}/../system/lib.sh"
. tests/system/gate_lib.sh

: "${LIGHT_PEOPLE:=100000}" "${LIGHT_SCANS:=60}" "${LIGHT_STARTS:=15}" "${LIGHT_EVERY_S:=0.3}" "${LIGHT_ENTRIES:=600}"
# Whatever a gate does by itself it does within 75 s: two questions for the list, a look for entries that nobody told of. Twice.
: "${LIGHT_IDLE_S:=150}"
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
# The first receipt since the start has the WAL laid out anew, as once a day: counted there (below).
show south "$(person p40)"
wait_for 20 said south 'passage: open' || bail_out 'nobody comes in'
sleep 5
before=$(written) ticks=$(cpu_ticks)
number=0
# One after the other, as people come: nothing of one is shared with the next.
enough() { [ "$(grep -c 'passage: open' "$work/south.err")" -gt $number ]; }
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

# --- each alone, and what a day has besides ---

entry_bytes=$(($(dump south | tail -n "$entries" | wc -c) / entries))
mkdir "$work/bare"
if [ "$LIGHT_DISK" != none ]; then
    device=$(findmnt -n -o SOURCE "$LIGHT_DISK") && BARE_DEVICE=/sys/block/${device##*/}/stat && export BARE_DEVICE
fi
# rows NAME ...: a line `NAME COUNTED DEVICE`, bytes for one.
rows() {
    rows_name=$1
    shift
    echo "$rows_name $("$bare" "$@")"
}
{
    echo "rush $((for_entries / entries)) 0"
    echo "idle $idle 0"
    rows rush_rows rows "$work/bare/rows" "$entries" "$entry_bytes"
    rows alone journal-alone "$work/bare/alone" "$LIGHT_ENTRIES"
    rows shared journal-shared "$work/bare/shared" "$LIGHT_ENTRIES"
    rows alone_rows rows-alone "$work/bare/alone-rows" "$LIGHT_ENTRIES" "$entry_bytes"
    rows old journal-day "$work/bare/day" 5000
    rows note note "$work/bare/note" 50
} >"$work/figures"
[ "$(awk 'NF == 3' "$work/figures" | wc -l)" -eq 8 ] || bail_out 'a figure is missing'
awk -v idle_s="$LIGHT_IDLE_S" -v one="$entry_bytes" -v disk="$LIGHT_DISK" '
{ counted[$1] = $2; device[$1] = $3 }
function cell(bytes) { return disk == "none" ? "-" : sprintf("%.1f", bytes) }
function row(text, name) {
    printf "%-58s %6.1f KiB %6.1f MB %6s KiB %6s MB\n", text, counted[name] / 1024, 5000 * counted[name] / 1e6,
        cell(device[name] / 1024), cell(5000 * device[name] / 1e6)
}
END {
    printf "%-58s %10s %9s %21s\n", "written, as counted for the process", "an entry", "a day", "at the device (ext4)"
    printf "%-58s %6.1f KiB %6.1f MB\n", "entries of " one " bytes, in a rush", counted["rush"] / 1024, 5000 * counted["rush"] / 1e6
    row("baseline: SQLite alone commits rows of that size", "rush_rows")
    row("each alone, half a minute after the one before", "alone")
    row("  with shared = yes", "shared")
    row("baseline: SQLite alone", "alone_rows")
    row("each goes, when it is old, with all of a day", "old")
    notes = 24 * counted["note"]; idle = counted["idle"] * 86400 / idle_s
    printf "%-58s %10s %6.1f MB %10s %6s MB\n", "what was acknowledged is noted, once an hour", "", notes / 1e6, "", cell(24 * device["note"] / 1e6)
    printf "%-58s %10s %6.1f MB\n", "while nobody comes, from " idle_s " s", "", idle / 1e6
    printf "%-58s %10s %6.1f MB %10s %6s MB\n", "a day of 5000, each alone, as many going, all of it", "",
        (5000 * (counted["alone"] + counted["old"]) + notes + idle) / 1e6, "", cell((5000 * (device["alone"] + device["old"]) + 24 * device["note"]) / 1e6)
}' "$work/figures"
