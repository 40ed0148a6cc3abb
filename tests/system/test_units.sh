#!/bin/sh
# What systemd itself says about the units: that they are right, and how much is exposed if a program is taken over.
# shellcheck source=tests/system/lib.sh disable=SC2154,SC2317
. "${0%/*}/lib.sh"

units=$work/root/usr/lib/systemd/system

# exposure UNIT: tenths.
exposure() { sed -n 's/.*Overall exposure level for .*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p' "$work/$1.security"; }

# To be asked: where the programs are, which systemd looks for.
install_units() {
    for program in gatehouse-gate gatehouse-server; do
        scripts/install-system "$program" "$work/root/usr" "$units" "$work/root/usr/lib/sysusers.d" "$work/root/usr/lib/tmpfiles.d" \
            "$work/root/usr/lib/udev/rules.d" || return 1
        mkdir -p "$work/root/usr/sbin" && cp "$BUILD/$program" "$work/root/usr/sbin/" || return 1
    done
}

check "what is in systemd/ installs" install_units
check "@PREFIX@ is nowhere left" test -z "$(grep -rl '@PREFIX@' "$work/root/usr/lib")"
check "and nothing but units among the units" test "$(find "$units" -type f ! -name '*.service' | wc -l)" -eq 0

if ! command -v systemd-analyze >/dev/null; then
    skip "the units, as systemd sees them" "systemd-analyze is missing"
    plan
fi
systemd-analyze --version | head -n 1 | note

# What is verified is said in words that come from here only: a manual page that is not installed is none of them.
for unit in gatehouse-gate gatehouse-server; do
    run systemd-analyze verify --man=no "$units/$unit.service"
    check "$unit.service verifies" says 0 '' ''
done

while read -r unit limit; do
    systemd-analyze security --offline=true --no-pager "$units/$unit.service" >"$work/$unit.security" 2>"$work/$unit.errors"
    check "$unit.service has no key that this systemd does not know" test ! -s "$work/$unit.errors" || note <"$work/$unit.errors"
    grep Overall "$work/$unit.security" | note
    check "$unit.service is exposed by $limit tenths at most" test "$(exposure "$unit")" -le "$limit" ||
        grep '^✗' "$work/$unit.security" | note
done <<'LIMITS'
gatehouse-gate 15
gatehouse-server 15
LIMITS
# Without these the programs' own sandbox is not there, which tests/board sees under systemd itself.
for unit in gatehouse-gate gatehouse-server; do
    for call in seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self; do
        check "$unit.service lets the program restrict itself: $call" grep -q "^SystemCallFilter=[^~]*\b$call\b" "$units/$unit.service"
    done
done

sysusers_reads() { systemd-sysusers --root="$work/users" "$work/root/usr/lib/sysusers.d/$1.conf" 2>"$work/err" || { note <"$work/err"; false; }; }
if command -v systemd-sysusers >/dev/null && [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$work/users/etc"
    for program in gatehouse-gate gatehouse-server; do
        check "systemd-sysusers reads $program's" sysusers_reads $program
        check "and makes the user" grep -q "^$program:.*:/usr/sbin/nologin" "$work/users/etc/passwd"
    done
    for group in gatehouse video gpio audio dialout input i2c; do
        check "who is in $group" grep -q "^$group:.*[:,]gatehouse-gate\(,\|\$\)" "$work/users/etc/group"
    done
else
    skip "systemd-sysusers reads ours" "it is missing, or this is not root"
fi

if command -v udevadm >/dev/null && udevadm verify --help >/dev/null 2>&1; then
    run udevadm verify --no-style "$work/root/usr/lib/udev/rules.d/70-gatehouse-gate.rules"
    # A group that this machine does not have is no fault of the rules.
    check "udev takes the rules" test -z "$(grep -v -e 'Unknown group' -e 'check failed' "$work/err")" || note <"$work/err"
else
    skip "udev takes the rules" "udevadm is missing, or older than 254"
fi

# --rest, which a unit calls when all has ended.
printf '[gate]\nstate_dir = %s\ncamera = replay:%s\ndoor = trace\n' "$work/rest.state" "$work" >"$work/rest.ini"
run "$BUILD/gatehouse-gate" --config "$work/rest.ini" --rest
check "--rest puts the lines to rest" says 0 '' 'door: all lines are at rest'
printf '[door]\ninputs_file = %s\n' "$work/rest.inputs" >>"$work/rest.ini"
echo fire >"$work/rest.inputs"
run "$BUILD/gatehouse-gate" --config "$work/rest.ini" --rest
check "but in a fire" says 0 'relay on' 'door: unlocked, since there is a fire'
check "which leaves it so" test "$(grep -c relay "$work/out")" -eq 1
printf '[gate]\nstate_dir = %s\ncamera = replay:%s\ndoor = gpio\n[door]\nchip = %s\nrelay = 1\n' "$work/rest.state" "$work" "$work/nochip" >"$work/rest.ini"
run "$BUILD/gatehouse-gate" --config "$work/rest.ini" --rest
check "and says why it cannot" says 1 '' 'nochip'
run "$BUILD/gatehouse-gate" --config "$work/rest.ini" --rest --check
check "one thing at a time" says 2 '' 'usage'

plan
