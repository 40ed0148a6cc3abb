#!/bin/sh
# The demo: it passes, it notices what goes wrong, and it leaves nothing behind.
# shellcheck source=tests/system/lib.sh disable=SC2317 # functions that check calls
. "${0%/*}/lib.sh"

mkdir "$work/tmp"
export TMPDIR="$work/tmp" BUILD

# The processes whose command line names a folder of this test's demo.
processes() {
    for process in /proc/[0-9]*; do
        { tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null | grep -q "$TMPDIR/gatehouse-demo" && echo "${process##*/}"
    done
}
nothing_runs() { [ -z "$(processes)" ]; }
nothing_lies_there() { [ -z "$(ls -A "$TMPDIR")" ]; }

run env KEEP='' scripts/demo
check "the demo passes" says 0 '^All [0-9]* passages as expected' ''
note <"$work/out"
check "it shows at least eight entries from the server" \
    test "$(grep -c '^20[0-9T:-]*Z  North gate ' "$work/out")" -ge 8
check "it says what the gate decided, of each visitor" \
    test "$(grep -cE '^  (open|guard|deny ) +[A-Z]' "$work/out")" -eq "$(sed -n 's/^All \([0-9]*\) passages.*/\1/p' "$work/out")"
check "a phone opens" grep -q '^  open   .* phone' "$work/out"
check "a photo of it does not" grep -q '^20.* deny     A copy: ' "$work/out"
check "nor a screenshot" grep -q "^20.* deny     A picture of a phone's code" "$work/out"
check "it shows the door's relay" grep -q 's* +[0-9.]* on$' "$work/out"
check "no process is left" nothing_runs
check "no file is left" nothing_lies_there

# --- KEEP=1 ------------------------------------------------------------------------------------------------------------

start kept env KEEP=1 scripts/demo
the_gate_comes() { grep -q '^The gate' "$work/$1.out"; }
check "a demo under way" wait_for 30 the_gate_comes kept
start follower env GATEHOUSE_SESSION="$(echo "$TMPDIR"/gatehouse-demo.*/admin.session)" \
    "$BUILD/gatehouse" entries --follow --type passage
finish kept 60
code=$?
cp "$work/kept.out" "$work/out"
cp "$work/kept.err" "$work/err"
check "KEEP=1 passes, too" says 0 '^The server goes on running' ''
followed() { grep -q 'A copy: ' "$work/follower.out"; }
check "entries --follow shows what came in meanwhile" wait_for 10 followed
check "each once" test "$(wc -l <"$work/follower.out")" -eq "$(($(sed -n 's/^All \([0-9]*\) passages.*/\1/p' "$work/out") + 1))"
check "the headings once" test "$(grep -c '^TIME' "$work/follower.out")" -eq 1
stop follower
url=$(sed -n 's/^ *address *//p' "$work/out")
session=$(sed -n 's/^ *session *export GATEHOUSE_SESSION=//p' "$work/out")
pid=$(sed -n 's/^ *stop *kill \([0-9]*\) .*/\1/p' "$work/out")
folder=$(sed -n 's/^ *stop .*rm -r //p' "$work/out")
password=$(sed -n 's/.*password in //p' "$work/out")
check "only the server runs" test "$(processes)" = "$pid"
run env GATEHOUSE_SESSION="$session" "$BUILD/gatehouse" entries --type passage
check "it answers with the printed session" says 0 'North gate  *open' ''
run env GATEHOUSE_SESSION="$work/mine.session" "$BUILD/gatehouse" login --server "$url" --password-file "$password"
check "and lets in with the printed password" says 0 '' 'Logged in'
kill "$pid"
check "the printed id stops it" wait_for 10 is_gone "$pid"
rm -r "$folder"
check "nothing else is left" nothing_lies_there

# --- when something goes wrong -----------------------------------------------------------------------------------------

# A server that denies one entry: the tool's answer is changed on its way.
mkdir "$work/lying"
for program in gatehouse-server gatehouse-gate; do
    ln -s "$(realpath "$BUILD/$program")" "$work/lying/$program"
done
cat >"$work/lying/gatehouse" <<TOOL
#!/bin/sh
"$(realpath "$BUILD/gatehouse")" "\$@" >"$work/answer" || exit
case "\$*" in
*--json*) sed 's/"reason":"forged"/"reason":"ok"/' "$work/answer" ;;
*) cat "$work/answer" ;;
esac
TOOL
chmod +x "$work/lying/gatehouse"
run env KEEP='' BUILD="$work/lying" scripts/demo
check "an entry that is not as expected fails it, loudly" says 1 '*' 'FAILED: the entries are not'
check "then, too, no process is left" nothing_runs
check "and no file" nothing_lies_there

start interrupted env KEEP=1 scripts/demo
check "another one under way" wait_for 30 the_gate_comes interrupted
stop interrupted
check "interrupted, it ends as such" test $? -eq 143
check "it took its processes along" nothing_runs
check "and its files" nothing_lies_there

run env BUILD=/nowhere scripts/demo
check "without programs it says what to do" says 1 '' 'run make first'

plan
