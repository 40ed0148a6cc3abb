#!/bin/sh
# The life of the packages on one machine: installed, upgraded, configured, used, removed, installed again, purged. Runs
# as root in a fresh Debian root (tests/packages/run makes it), with the packages in new/, and those of the version
# before in old/. systemd does not run there: what it would do, and no more, is done by hand, and what it is told to do
# is written down.
# shellcheck source=tests/system/lib.sh disable=SC2317 # functions that check calls
. "${0%/*}/../system/lib.sh"

umask 022
programs='gatehouse-gate gatehouse-server'
gate_ini=/etc/gatehouse/gate.ini server_ini=/etc/gatehouse/server.ini
gate_state=/var/lib/gatehouse-gate server_state=/var/lib/gatehouse-server
GATEHOUSE_SESSION=$work/admin.session
export GATEHOUSE_SESSION

# --- what apt and dpkg say --------------------------------------------------------------------------------------------

apt() { : >"$told"; run apt-get -q -y -o DPkg::Path="$work/told:$PATH" -o Dpkg::Options::=--force-confold "$@"; }
# What maintainer scripts would have systemd do: `action unit`, a line each.
told=$work/systemctl.told
mkdir -p /run/systemd/system "$work/told"
cat >"$work/told/systemctl" <<END
#!/bin/sh
case "\$*" in
*is-enabled*) echo enabled ;;
*preset*) exec /usr/bin/systemctl "\$@" ;;
*) printf '%s\n' "\$*" | sed 's/--[a-z]* //g' >>$told ;;
esac
END
chmod +x "$work/told/systemctl"
is_told() { # ACTION
    for unit in $programs; do
        grep -qx "$1 $unit.service" "$told" || { note <"$told"; return 1; }
    done
}
worked() { [ "$code" -eq 0 ] || { note <"$work/out"; note <"$work/err"; return 1; }; }
# Nothing that a maintainer script or dpkg has to complain about.
is_quiet() { ! grep -iE 'warning|error|unsafe|failed' "$work/out" "$work/err" | grep -v '/etc/gatehouse.* not empty'; }
state_of() { dpkg-query -W -f '${db:Status-Abbrev} ${Version}' "$1" 2>/dev/null; }
has_version() { for package in gatehouse $programs; do [ "$(state_of "$package")" = "ii  $1" ] || return 1; done; }
is() { [ "$(stat -c '%A %U %G' "$1")" = "$2" ] || { stat "$1" | note; return 1; }; }
is_user() { id "$1" >/dev/null; }
unit_says() { [ "$(systemctl --root=/ is-enabled "$1.service" 2>/dev/null)" = "$2" ]; }
# All files of this machine but what programs note down for themselves.
all_files() {
    find / -xdev \( -path /proc -o -path /dev -o -path /src -o -path /tmp -o -path /run \) -prune -o -print |
        grep -vE '^/var/(lib/(dpkg|apt|systemd)|log|cache)(/|$)|^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|^/etc/\.pwd\.lock$' |
        LC_ALL=C sort
}

# --- what systemd would do: the unit's user, its folder, its command -------------------------------------------------

unit_value() { sed -n "s/^$2=//p" "/usr/lib/systemd/system/$1.service" | tail -n 1; }
start_unit() { # NAME
    user=$(unit_value "$1" User) group=$(unit_value "$1" Group)
    install -d -m 0700 -o "$user" -g "$group" "/var/lib/$1"
    install -d -m 0750 -o "$user" -g "$group" "/run/$1"
    : >"$work/$1.out"
    chmod 0711 "$work"
    # shellcheck disable=SC2046 # words
    start "$1" setpriv --reuid "$user" --regid "$group" --init-groups $(unit_value "$1" ExecStart)
}
said() { grep -q "$2" "$work/$1.err"; }

# --- install, then upgrade -------------------------------------------------------------------------------------------

all_files >"$work/before"
apt install ./old/*.deb
check "the version before installs" worked || bail_out "nothing can be tried without it"
check "without a complaint" is_quiet
check "it is there" has_version 0.0.9
check "the units are started" is_told start
check "its configuration is" grep -q 'of the version before' $gate_ini
cp $server_ini "$work/server.ini.before"
sed -i 's/^;area = .*/area = test.example/; s/^listen = .*/listen = 127.0.0.1:18440/' $server_ini
printf '\n; mine\n' >>$server_ini
sum=$(sha256sum <$server_ini)

apt install ./new/*.deb
check "the upgrade works" worked || bail_out "nothing can be tried without it"
check "without a complaint" is_quiet
check "the units are restarted" is_told restart
check "it is there" has_version "$(gatehouse --version | cut -d' ' -f2)"
check "a file that the new version has not is gone" test ! -e /usr/share/doc/gatehouse-gate/of-the-version-before
check "a configuration that nobody has changed is the new one" test "$(grep -c 'of the version before' $gate_ini)" -eq 0
check "one that was changed by hand is kept" test "$(sha256sum <$server_ini)" = "$sum"
check "the new one is beside it" test -e $server_ini.dpkg-dist
rm $server_ini.dpkg-dist
apt install --reinstall ./new/*.deb
check "the same version again" worked
check "changes nothing in a configuration, and asks nothing" test "$(sha256sum <$server_ini)" = "$sum" -a ! -e $server_ini.dpkg-dist

# --- what is installed -------------------------------------------------------------------------------------------------

for program in bin/gatehouse sbin/gatehouse-gate sbin/gatehouse-server; do
    check "/usr/$program: mode and owner" is "/usr/$program" '-rwxr-xr-x root root'
    run "${program#*/}" --version
    check "${program#*/} --version" says 0 "^${program#*/} [0-9]" ''
done
for file in $gate_ini $server_ini; do
    check "$file: mode and owner" is "$file" '-rw-r--r-- root root'
done
check "/etc/gatehouse: mode and owner" is /etc/gatehouse 'drwxr-xr-x root root'
check "dpkg finds every file as it was packed" test -z "$(dpkg -V gatehouse-gate gatehouse-server gatehouse | grep -v " c $server_ini")"
for program in $programs; do
    check "$program: its user" is_user "$program"
    check "$program: nobody logs in as it" test "$(getent passwd "$program" | cut -d: -f7)" = /usr/sbin/nologin
    check "$program: the unit's user is that one" test "$(unit_value "$program" User)" = "$program"
    check "$program: starts at boot" unit_says "$program" enabled
    check "$program: is not tried again with a configuration that is wrong" test "$(unit_value "$program" RestartPreventExitStatus)" = 78
    run systemd-analyze verify "$program.service"
    check "$program: systemd understands the unit" says 0 '*' ''
    check "$program: its state folder" is "/var/lib/$program" "drwx------ $program $(unit_value "$program" Group)"
    check "$program: which is empty before the first start" test -z "$(ls -A "/var/lib/$program")"
done
check "the manual" test -e /usr/share/man/man5/gatehouse-gate.ini.5.gz -a -e /usr/share/man/man5/gatehouse-server.ini.5.gz \
    -a -e /usr/share/man/man5/gatehouse-journal.5.gz -a -e /usr/share/man/man8/gatehouse-gate.8.gz -a -e /usr/share/man/man1/gatehouse.1.gz
check "the gate is a member of its devices' groups" test -z "$(for group in gatehouse video gpio audio dialout input; do
    id -nG gatehouse-gate | tr ' ' '\n' | grep -qx $group || echo $group; done)"
for sound in en/welcome zh/guard; do
    check "the gate can say $sound" test -s /usr/share/gatehouse/sounds/$sound.wav
done
for page in codes.md protocol.md; do
    check "$page, where the manual says" test -e /usr/share/doc/gatehouse/$page
done

# --- completion, as installed ------------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # the shells expand
in_bash='. /usr/share/bash-completion/completions/gatehouse; COMP_WORDS=(gatehouse people l) COMP_CWORD=2; _gatehouse; echo "${COMPREPLY[*]}"'
check "completion in bash" test "$(bash --norc -c "$in_bash")" = list
# shellcheck disable=SC2016 # the shells expand
in_zsh='autoload -U compinit && compinit -u -d /tmp/zcompdump && print -- "${_comps[gatehouse]}"'
check "completion in zsh" test "$(zsh -f -c "$in_zsh")" = _gatehouse
check "completion in fish" test "$(HOME=/tmp fish -c 'complete -C "gatehouse people l"')" = list

# --- not configured yet ------------------------------------------------------------------------------------------------

run gatehouse-gate --config $gate_ini
check "a gate as it was installed drives nothing, and says what is missing" says 78 '' 'relay'
check "and has made nothing" test -z "$(ls -A $gate_state)"
cp "$work/server.ini.before" "$work/as-packed.ini"
run gatehouse-server --config "$work/as-packed.ini"
check "a server as it was installed says what is missing" says 78 '' 'area is missing'
check "and has made nothing" test -z "$(ls -A $server_state)"

# --- at work -------------------------------------------------------------------------------------------------------------

mkdir -p /srv/camera
sed -i 's/^home = code/home = none/' $server_ini
sed -i "s|^camera = .*|camera = replay:/srv/camera|; s/^door = gpio/door = trace/; s/^follow = .*/follow = yes/; \
    s/^frame_interval_ms = .*/frame_interval_ms = 10/; s/^poll_ms = .*/poll_ms = 200/" $gate_ini
gate_sum=$(sha256sum <$gate_ini)

server_answers() { curl -fsS http://127.0.0.1:18440/healthz >"$work/health" 2>/dev/null; }
start_server_unit() {
    start_unit gatehouse-server
    wait_for 60 server_answers
}
# A picture for the camera, there at once as a whole.
show() { cp "$1" /srv/camera/.part && mv /srv/camera/.part "/srv/camera/$2"; }
entry_count() { gatehouse entries --json | wc -l; }
has_entries() { [ "$(entry_count 2>/dev/null)" -ge "$1" ]; }
relay_has_moved() { grep -q 'relay on' "$work/gatehouse-gate.out"; }

check "the server starts and is well" start_server_unit || note <"$work/gatehouse-server.err"
check "its state is its own" is $server_state 'drwx------ gatehouse-server gatehouse-server'
run gatehouse-server --config $server_ini --check
check "--check of the server" worked
run gatehouse-gate --config $gate_ini --check
check "--check of the gate" worked
find $gate_state -mindepth 1 -delete # what --check has made, as root

echo 'first password' >"$work/password"
run gatehouse login --server http://127.0.0.1:18440 --password-file $server_state/admin-password --new-password-file "$work/password"
check "the administrator logs in" worked || bail_out "nothing can be tried without"
printf 'ref,name,status\nP-1,Ada,green\n' >"$work/people.csv"
run gatehouse people import "$work/people.csv"
check "and imports people" worked
run gatehouse gate add North --png "$work/enrolment.png"
check "and adds a gate" worked
run gatehouse health issue ref:P-1 --png "$work/ada.png"
check "and issues a code" worked

start_unit gatehouse-gate
show "$work/enrolment.png" 1.png
check "the gate enrols and gets its list" wait_for 60 said gatehouse-gate 'list: generation' || note <"$work/gatehouse-gate.err"
check "its state is its own" is $gate_state 'drwx------ gatehouse-gate gatehouse'
show "$work/ada.png" 2.png
check "it opens for a green code" wait_for 30 relay_has_moved || note <"$work/gatehouse-gate.err"
check "the server hears of it" wait_for 30 has_entries 2
gate=$(gatehouse gate list --json | sed -n 's/.*"id": *"\([0-9a-f]*\)".*/\1/p')
stop gatehouse-gate
check "the gate ends well" test $? -eq 0
stop gatehouse-server
check "the server ends well" test $? -eq 0

# --- removed and installed again -----------------------------------------------------------------------------------------

kept() { [ -s "$gate_state/identity.json" ] && [ -s "$gate_state/journal-$gate.db" ] && [ -s "$server_state/gatehouse.db" ]; }
apt remove gatehouse-gate gatehouse-server
check "remove" worked
check "without a complaint" is_quiet
check "the units are stopped" is_told stop
check "the programs are gone" test ! -e /usr/sbin/gatehouse-gate -a ! -e /usr/sbin/gatehouse-server
check "and so are the units" test ! -e /usr/lib/systemd/system/gatehouse-gate.service -a ! -e /usr/lib/systemd/system/gatehouse-server.service
check "the configuration stays" test "$(sha256sum <$gate_ini)" = "$gate_sum"
check "identity, journal and database stay" kept
apt install ./new/*.deb
check "installed again" worked
check "the configuration is as it was" test "$(sha256sum <$gate_ini)" = "$gate_sum"
check "it starts at boot again" unit_says gatehouse-gate enabled

check "the server goes on" start_server_unit || note <"$work/gatehouse-server.err"
had=$(entry_count)
rm -f /srv/camera/*
start_unit gatehouse-gate
check "the gate goes on: its entries come to the same chain" wait_for 60 has_entries $((had + 1)) || note <"$work/gatehouse-gate.err"
check "without enrolling anew" test "$(gatehouse gate list --json | grep -o '"id"' | wc -l)" -eq 1
run gatehouse gate chain North
check "the chain is whole" worked
check "it is the same gate" grep -q "$gate" "$gate_state/identity.json"
stop gatehouse-gate || :
stop gatehouse-server || :

# --- purged ------------------------------------------------------------------------------------------------------------------

mkdir -p /var/lib/gatehouse-mine
echo secret >/etc/gatehouse/server.pem
apt purge gatehouse-gate
check "purge of the gate" worked
check "its state and configuration are gone" test ! -e $gate_state -a ! -e $gate_ini
check "the server's are not" test -s $server_state/gatehouse.db -a -s $server_ini
apt purge gatehouse-server gatehouse gatehouse-sounds
check "purge of the rest" worked
check "without a complaint" is_quiet
check "what is not the packages' stays" test -s /etc/gatehouse/server.pem -a -d /var/lib/gatehouse-mine
rm -r /etc/gatehouse /var/lib/gatehouse-mine /srv/camera
all_files >"$work/after"
check "nothing else is left, and nothing else is gone" diff "$work/before" "$work/after"
apt install ./new/*.deb
check "installed once more" worked
apt purge gatehouse gatehouse-gate gatehouse-server gatehouse-sounds
check "and purged without ever having run" worked

plan
