#!/bin/sh
# The tool `gatehouse` against the real server: every command that talks to it, and what people get wrong.
# shellcheck source=tests/system/lib.sh disable=SC2317 # functions that check calls
. "${0%/*}/lib.sh"

tool=$BUILD/gatehouse
as() { # as ROLE COMMAND...
    session=$work/$1.session
    shift
    run env GATEHOUSE_SESSION="$session" "$tool" "$@"
}

# refuses CODE PATTERN: the last run ended with CODE, printed nothing, and said one sentence, which matches.
refuses() {
    says "$1" '' "$2" || return 1
    [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q '^gatehouse' "$work/err" && return 0
    echo '# that is not one sentence:' && note <"$work/err"
    return 1
}

out_is_id() { says 0 '^[0-9a-f]\{16\}$' '*' && [ "$(wc -l <"$work/out")" -eq 1 ]; }
is_svg() { grep -q '<svg' "$1" && grep -q "$2" "$1"; }
code_in() { "$tool" scan "$1" 2>/dev/null; }
person() { GATEHOUSE_SESSION=$work/admin.session "$tool" people list | awk -v "ref=$1" '$2 == ref { print $1 }'; }

# --- without a server ------------------------------------------------------------------------------------------------

run "$tool"
check "without a command: usage, 2" says 2 '' '^usage: gatehouse'
run "$tool" --help
check "--help is no mistake" says 0 '^usage: gatehouse' ''
run "$tool" --version
check "--version" says 0 '^gatehouse [0-9]' ''
run "$tool" fly
check "an unknown command" refuses 2 "'fly'"
for command in login people home health gate user entries draw scan code; do
    run "$tool" $command --help
    check "$command --help" says 0 "^usage: gatehouse $command" ''
done
for words in 'people' 'people fly' 'people import' 'people import a b' 'people status x' 'people status x blue' \
    'people list --xml' 'home' 'home inspect x' 'home inspect x --passed --failed' 'home add-member x' \
    'health issue' 'health issue x --valid 5' 'health issue x --valid 999d' 'health issue x --png' \
    'health revoke nonsense' 'gate add' 'user add x' 'user add x --role king' 'entries --type x' 'login' \
    'draw' 'draw x --level Z' 'gate add x'; do
    # shellcheck disable=SC2086 # words
    run "$tool" $words
    check "'$words' is a mistake in usage" refuses 2 '.'
done
as nobody people list
check "who has not logged in is told to" refuses 1 'not logged in.*gatehouse login'
run env -u HOME -u XDG_CONFIG_HOME -u GATEHOUSE_SESSION "$tool" people list
check "no place for a session" refuses 1 'GATEHOUSE_SESSION'

run "$tool" draw 'HELLO 123' --png "$work/hello.png" --svg "$work/hello.svg"
check "draw writes a picture and a sheet" says 0 '' ''
check "the picture says the text" test "$(code_in "$work/hello.png")" = 'HELLO 123'
check "the sheet is SVG" is_svg "$work/hello.svg" .
printf 'from\nstdin\n' | "$tool" draw - --level H --png "$work/stdin.png"
check "draw - reads standard input, without its last line end" \
    test "$(code_in "$work/stdin.png")" = "$(printf 'from\nstdin')"
run "$tool" draw 'on the terminal'
check "without a file the code is drawn" says 0 '▀' ''
run "$tool" draw ''
check "nothing to draw" refuses 1 'no text'
head -c 5000 /dev/zero | tr '\0' 'a' >"$work/much"
run sh -c "'$tool' draw - <'$work/much'"
check "too much to draw" refuses 1 '5000 bytes'
run "$tool" draw x --png /nowhere/x.png
check "a folder that is not there" refuses 1 '/nowhere'

# --- logging in ------------------------------------------------------------------------------------------------------

start_server town
once=$work/town.state/admin-password
echo 'a new password' >"$work/new"
echo 'wrong' >"$work/wrong"
echo 'short' >"$work/short"
login() { as "$1" login --server "$server_url" --user "$2" --password-file "$3" --new-password-file "$4"; }

as admin login --server "$server_url" --password-file "$once"
check "a one-time password has to be changed" refuses 1 'one-time password.*--new-password-file'
login admin admin "$once" "$work/short"
check "a weak new password" refuses 1 '10'
check "what failed leaves no session" test ! -e "$work/admin.session"
login admin admin "$once" "$work/new"
check "the first login" says 0 '' 'Logged in to .* as admin'
check "the session is for its owner only" test "$(stat -c %a "$work/admin.session")" = 600
check "the session holds no password" sh -c "! grep -q -e 'new password' '$work/admin.session'"
login again admin "$once" "$work/new"
check "the one-time password works once" refuses 1 'password'
as again login --server "$server_url" --password-file "$work/wrong"
check "a wrong password" refuses 1 'password'
as again login --server "$server_url/" --password-file "$work/new"
check "the new password, and a slash too many" says 0 '' 'Logged in'
as again login --server "$server_url"
check "no terminal to ask on" refuses 1 'no terminal.*--password-file'
as again login --server "$server_url" --password-file /nowhere/file
check "a password file that is not there" refuses 1 '/nowhere/file'
as again login --server http://gate.example --password-file "$work/new"
check "plain HTTP leaves this machine for nobody" refuses 1 .
as again login --server ftp://gate.example --password-file "$work/new"
check "not a web address" refuses 1 .
as again login --server https://localhost:1 --pin 12 --password-file "$work/new"
check "a pin of the wrong length" refuses 1 '64 hex digits'
as again login --server https://localhost:1 --ca /nowhere/ca.pem --password-file "$work/new"
check "certificates that are not there" refuses 1 '/nowhere/ca.pem'
as down login --server http://127.0.0.1:1 --password-file "$work/new"
check "a server that is down" refuses 1 '127.0.0.1'
printf '{"server": "%s", "token": "%043d"}\n' "$server_url" 0 >"$work/stale.session"
as stale people list
check "a login that is not valid" refuses 1 "gatehouse login"

# --- logging in at a terminal -------------------------------------------------------------------------------------------

# at_terminal COMMAND: start it on a terminal of its own, which types what is written to descriptor 3.
at_terminal() {
    rm -f "$work/keys"
    mkfifo "$work/keys"
    GATEHOUSE_SESSION=$work/terminal.session script -qec "$1" /dev/null <"$work/keys" >"$work/screen" 2>&1 &
    terminal_pid=$!
    exec 3>"$work/keys"
}
screen_shows() { grep -q "$1" "$work/screen"; }
types() { # types PROMPT TEXT
    wait_for 10 screen_shows "$1" || return 1
    printf '%s\n' "$2" >&3
}
terminal_ends() {
    wait_for 20 is_gone "$terminal_pid" || kill -KILL "$terminal_pid"
    exec 3>&-
    wait "$terminal_pid"
}

if script -qec true /dev/null >/dev/null 2>&1; then
    start_server other
    at_terminal "$tool login --server $server_url"
    types '^Password: ' "$(cat "$work/other.state/admin-password")"
    types '^New password: ' 'typed by hand'
    types '^The same again: ' 'typed by hand'
    terminal_ends
    check "a one-time password is changed at the terminal" screen_shows 'Logged in'
    check "nothing typed was shown" sh -c "! grep -q 'typed by hand' '$work/screen'"
    at_terminal "$tool login --server $server_url"
    types '^Password: ' 'typed by hand'
    terminal_ends
    check "the new one is asked for alone" screen_shows 'Logged in'
    stop other
else
    skip "logging in at a terminal" "there is no script(1), or no pseudo-terminal for it"
fi

server_url=$(cat "$work/town.url")

# --- people ----------------------------------------------------------------------------------------------------------

as admin people import examples/people.csv
check "import says how many" says 0 '^8 added, 0 updated, 0 unchanged$' ''
as admin people import examples/people.csv
check "the same again changes nothing" says 0 '^0 added, 0 updated, 8 unchanged$' ''
printf '\357\273\277name,status,ref\r\n"Ada ""A"" Ahorn, the first",yellow,P-001\r\nZoe Zeder,green,P-100\r\n' >"$work/bom.csv"
as admin people import "$work/bom.csv"
check "byte-order mark, CRLF, quotes, another order" says 0 '^1 added, 1 updated, 0 unchanged$' ''
as admin people list
check "quotes were understood" says 0 'P-001  *Ada "A" Ahorn, the first  *yellow' ''
check "the list is aligned whatever the script" \
    test "$(awk 'NR > 1 { sub(/李娜/, "abcd"); sub(/ü/, "u"); print match($0, /(green|yellow|red) /) }' "$work/out" | uniq | wc -l)" -eq 1
as admin people list --json
check "one object a line" says 0 '^{.*"ref":"P-100".*}$' ''
check "all of them" test "$(wc -l <"$work/out")" -eq 9

cat >"$work/broken.csv" <<'CSV'
ref,name,status
X-1,Good,green
X-2,Bad,blue
X-3,Few
X-4,"Never closed,green
CSV
as admin people import "$work/broken.csv"
check "broken lines: each with its number" says 1 '' "^$work/broken.csv:3: ."
check "and the next one" says 1 '' "^$work/broken.csv:4: ."
check "an unclosed quote, too" says 1 '' "^$work/broken.csv:5: ."
check "nothing was imported, it says" says 1 '' '^gatehouse: nothing was imported$'
check "and it is true" test -z "$(person X-1)"
printf 'ref,name,status\nX-1,B\374cher,green\n' >"$work/latin.csv"
as admin people import "$work/latin.csv"
check "not UTF-8" says 1 '' "^$work/latin.csv:2: ."
printf 'ref,status\nX-1,green\n' >"$work/column.csv"
as admin people import "$work/column.csv"
check "a column is missing" says 1 '' "^$work/column.csv:1: ."
as admin people import /nowhere/people.csv
check "no such file" refuses 1 '/nowhere/people.csv'
as admin people import "$work"
check "a folder is no file" refuses 1 'not a regular file'

{
    echo ref,name,status
    seq -f 'M-%06.0f,Somebody,green' 1 2500
} >"$work/many.csv"
as admin people import "$work/many.csv"
check "a few thousand" says 0 '^2500 added' ''
as admin people list --json
check "all pages are followed" test "$(wc -l <"$work/out")" -eq 2509

as admin people status P-001 green
check "a status is set by reference" says 0 '' 'P-001.*green'
as admin people status "$(person P-100)" red
check "and by identifier" says 0 '' 'P-100.*red'
as admin people status ref:P-100 green
check "and by ref:" says 0 '' 'P-100.*green'
as admin people status 'P 999/&?' green
check "a reference that nobody has" refuses 1 "nobody.*'P 999/&?'"
as admin people status 0123456789abcdef green
check "an identifier that nobody has" refuses 1 .

# --- users -----------------------------------------------------------------------------------------------------------

for role in landlord inspector; do
    as admin user add "the-$role" --role $role
    check "a $role's one-time password, alone on standard output" says 0 '^[^ ]*$' "the-$role"
    cp "$work/out" "$work/$role.once"
    check "one line" test "$(wc -l <"$work/$role.once")" -eq 1
    login $role "the-$role" "$work/$role.once" "$work/new"
    check "the $role logs in" says 0 '' "as the-$role ($role)"
done
as admin user add the-landlord --role landlord
check "a user who is there already" refuses 1 .

# --- homes -----------------------------------------------------------------------------------------------------------

as landlord home apply 'Plum Lane 7'
check "apply prints just the identifier" out_is_id
home=$(cat "$work/out")
as landlord home issue "$home" --png "$work/x.png"
check "no code before it is approved" refuses 1 .
as admin home approve "$home"
check "no approval before it is inspected" refuses 1 .
as landlord home inspect "$home" --passed
check "a landlord does not inspect" refuses 1 .
as inspector home inspect 'Plum Lane 7' --passed --note 'dry and warm'
check "the inspector inspects, by address" says 0 '' 'Plum Lane 7: inspected'
as inspector home approve "$home"
check "an inspector does not approve" refuses 1 .
as admin home approve "$home"
check "the administrator approves" says 0 '' 'Plum Lane 7: approved'
as landlord home add-member "$home" "$(person P-001)"
check "a landlord adds a member by identifier" says 0 '' '1 member'
as landlord home add-member "$home" P-002
check "a landlord cannot look up a reference" refuses 1 'administrator.*identifier'
as admin home add-member "$home" P-002
check "an administrator can" says 0 '' '2 members'
as landlord home remove-member "$home" "$(person P-001)"
check "a member moves out" says 0 '' '1 member'
as landlord home issue "$home" --png "$work/home.png" --svg "$work/home.svg"
check "the housing code: the credential's identifier on standard output" out_is_id
cp "$work/out" "$work/credential.1"
check "the picture holds a link" sh -c "'$tool' scan '$work/home.png' | grep -q -i '^https\{0,1\}://.*/H/'"
check "the picture is 400 to 600 pixels wide" sh -c \
    "side=\$(od -An -tu1 -j18 -N2 '$work/home.png' | awk '{ print \$1 * 256 + \$2 }'); [ \$side -ge 400 ] && [ \$side -le 600 ]"
check "the sheet names the home" is_svg "$work/home.svg" 'Plum Lane 7'
as landlord home issue "$home" --text
check "the same code each time" test "$(cat "$work/out")" = "$(code_in "$work/home.png")"
as landlord home issue "$home" --renew --png "$work/home2.png"
check "renewed, it is another" sh -c "! cmp -s '$work/out' '$work/credential.1'"
as landlord home issue "$home"
check "without a file it is drawn" says 0 '▀' 'Housing code'
as landlord home issue 0123456789abcdef
check "an unknown home" refuses 1 .
as landlord home issue 'Nowhere 1'
check "an unknown address" refuses 1 "no home 'Nowhere 1'"
as inspector home issue "$home" --png "$work/x.png"
check "not the inspector's to issue" refuses 1 .
as admin home apply 'Plum Lane 7'
as admin home issue 'Plum Lane 7'
check "two homes with one address" refuses 1 'more than one home'
as landlord home list
check "a landlord sees the own home" says 0 "^$home  approved  .*Plum Lane 7" ''
check "and no other" test "$(wc -l <"$work/out")" -eq 2
as inspector home list --json
check "an inspector sees all" test "$(wc -l <"$work/out")" -eq 2
as inspector home inspect "$(sed -n '/"applied"/s/.*"id":"\([0-9a-f]*\)".*/\1/p' "$work/out")" --failed
check "an inspection may fail" says 0 '' 'refused'
printf 'Lane \377' >"$work/bytes"
as landlord home apply "$(cat "$work/bytes")"
check "an address that is not UTF-8" refuses 1 'UTF-8'
as landlord home apply ''
check "an empty address" refuses 1 .

# --- health codes ------------------------------------------------------------------------------------------------------

as admin health issue P-001 --valid 90m --png "$work/health.png" --svg "$work/health.svg"
check "a health code: its identifier on standard output" out_is_id
credential=$(cat "$work/out")
check "the colour and the end are said" says 0 '*' 'green.*valid until 20'
check "the picture holds a code" sh -c "'$tool' scan '$work/health.png' | grep -q '^GH1:'"
check "the sheet says until when" is_svg "$work/health.svg" 'valid until'
as admin health issue ref:P-001 --text
check "as text" says 0 '^GH1:[0-9A-Z $%*+./:-]*$' 'Health code'
as admin health issue "$(person P-002)"
check "drawn" says 0 '▀' 'Health code'
as admin health issue nobody
check "for nobody" refuses 1 "nobody.*'nobody'"
as landlord health issue "$(person P-001)" --text
check "not for landlords" refuses 1 .
as admin health revoke "$credential"
check "revoked" says 0 '' "$credential is revoked"
as admin health revoke 0123456789abcdef
check "what was never issued" refuses 1 .

# --- gates, entries ------------------------------------------------------------------------------------------------------

as admin gate add 'North gate' --png "$work/gate.png"
check "a gate: its identifier on standard output" out_is_id
gate=$(cat "$work/out")
check "its enrolment code is in the picture" sh -c "'$tool' scan '$work/gate.png' | grep -q '^GHE1:'"
as admin gate list
check "it waits" says 0 "^$gate  waiting .*North gate" ''
as admin gate list --json
check "one object a line" says 0 '^{.*"state":"waiting".*}$' ''
as landlord gate list
check "gates are not for landlords" refuses 1 .
as admin gate add 'x y' --text
check "the enrolment code as text" says 0 '^GHE1:' 'waits for its enrolment'
as admin gate remove 'North gate'
check "removed by name" says 0 '' "$gate is shut out"
as admin gate list
check "it is shut out" says 0 "^$gate  shut_out" ''
as admin gate remove 'South gate'
check "a gate that is not there" refuses 1 "no gate 'South gate'"
as admin entries
check "no entries yet: just the headings" says 0 '^TIME  *GATE  *OUTCOME  *REASON  *COLOUR  *NAME  *HOME$' ''
as admin entries --json --type passage --gate "$gate"
check "nor any in JSON" says 0 '' ''
as landlord entries
check "entries are not for landlords" refuses 1 .

# --- the reader of a pipe goes away, the server goes away --------------------------------------------------------------

run sh -c "GATEHOUSE_SESSION='$work/admin.session' '$tool' people list | head -n 1"
check "| head" says 0 '^ID' ''
run sh -c "GATEHOUSE_SESSION='$work/admin.session' '$tool' people list >/dev/full"
check "a full disk is said" refuses 1 'cannot write'
start follower env GATEHOUSE_SESSION="$work/admin.session" "$tool" entries --follow
following() { grep -q '^TIME' "$work/follower.out"; }
check "--follow prints the headings at once" wait_for 10 following
stop town
check "the server ended cleanly" test $? -eq 0
trying() { grep -q 'trying on' "$work/follower.err"; }
check "--follow says that the server is away" wait_for 10 trying
check "and goes on" is_running follower
stop follower
check "until it is ended" test $? -eq 143
as admin people list
check "the server is down" refuses 1 '127.0.0.1'

plan
