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
for command in login people home health gate user entries key trust revocations draw scan code; do
    run "$tool" $command --help
    check "$command --help" says 0 "^usage: gatehouse $command" ''
done
for words in 'people' 'people fly' 'people import' 'people import a b' 'people status x' 'people status x blue' \
    'people list --xml' 'home' 'home inspect x' 'home inspect x --passed --failed' 'home add-member x' \
    'health issue' 'health issue x --valid 5' 'health issue x --valid 999d' 'health issue x --png' \
    'health revoke nonsense' 'health recall' 'health issue x --phone' 'people certificate x' \
    'people certificate x text --remove' 'key' 'key fly' 'key rotate' 'key rotate lists' 'key rotate list --lead 0' 'key rotate health --lead 5' \
    'key rotate health --lead 999d' 'key show' 'trust add' 'trust revoke' 'revocations' 'revocations add' \
    'gate add' 'user add x' 'user add x --role king' 'entries --type x' 'login' \
    'draw' 'draw x --level Z' 'gate add x' 'code' 'code fly' 'code read --at noon x' 'code key' \
    'code key --type rsa x' 'code present x' 'code present --key x -o y.gif z'; do
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

vectors=tests/vectors/codes
vector() { awk -F '\t' -v name="$1" '$1 == name { print $5 }' "$vectors/codes.tsv"; }
at=2020-03-01T01:00:00Z
run "$tool" code read --trust $vectors/trust --at $at --json "$(vector health)"
check "a code on paper" says 0 '"kind": "health", "verdict": "valid", "reason": "ok".*"form": "paper"' ''
run "$tool" code read --trust $vectors/trust --at $at "$(vector phone-unproven)"
check "a phone's code without the phone" says 1 '^reason: unproven (' ''
run "$tool" code key --type p256 "$work/phone.key"
check "a phone's key: its public half is printed" says 0 '^{"kty":"EC","crv":"P-256","x":"[^"]*","y":"[^"]*"}$' ''
check "the private half is for its owner only" test "$(stat -c %a "$work/phone.key")" = 600
cp "$work/phone.key" "$work/phone.copy"
run "$tool" code key "$work/phone.key"
check "a key is never written over" refuses 1 'there already'
check "it is still what it was" cmp -s "$work/phone.key" "$work/phone.copy"
run "$tool" code key --public --pem "$work/phone.key"
check "its public half as PEM" says 0 '^-----BEGIN PUBLIC KEY' ''
run "$tool" code present --key "$work/phone.key" "$(vector phone-unproven)"
check "a code of another phone" refuses 1 'another key'
run "$tool" code present --key $vectors/phone.ed25519.key --at $at -o "$work/now.png" "$(vector phone-unproven)"
check "what the phone shows, as a picture" says 0 '' ''
code_in "$work/now.png" >"$work/now.txt"
run sh -c "'$tool' code read --trust $vectors/trust --at 2020-03-01T01:00:15Z <'$work/now.txt'"
check "is read from the picture" says 0 '^form: phone$' ''
run sh -c "'$tool' code read --trust $vectors/trust --at 2020-03-01T01:00:16Z <'$work/now.txt'"
check "and is a copy 16 seconds later" says 1 '^reason: stale (' ''

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
as admin health recall P-001
check "all of a person's codes" says 0 '' 'P-001.*recalled'
as admin health recall nobody
check "nobody's codes" refuses 1 "nobody.*'nobody'"
echo '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}' >"$work/phone.jwk"
as admin health issue P-001 --phone "$work/phone.jwk" --text
check "a code of a phone's" says 0 '^GH1:' '(phone)'
as admin health issue P-001 --text
check "a code on paper" says 0 '^GH1:' '(paper)'
echo '{"kty":"OKP","crv":"Ed25519","x":"AAAA"}' >"$work/bad.jwk"
as admin health issue P-001 --phone "$work/bad.jwk" --text
check "a key that is none" refuses 1 .
echo 'not JSON' >"$work/bad.jwk"
as admin health issue P-001 --phone "$work/bad.jwk" --text
check "nor is this" refuses 1 'no JSON Web Key'
echo '{"kty":"OKP","crv":"Ed25519","x":"A","d":"A"}' >"$work/bad.jwk"
as admin health issue P-001 --phone "$work/bad.jwk" --text
check "a private key is not sent anywhere" refuses 1 'must not leave'

# --- our own keys --------------------------------------------------------------------------------------------------------

active() { "$tool" key list | awk -v purpose="$1" '$2 == purpose && $3 == "active" { print $1 }'; }
as admin key list
check "two keys to begin with" test "$(grep -c ' active ' "$work/out")" -eq 2
old=$(GATEHOUSE_SESSION=$work/admin.session active health)
as admin key revoke "$old"
check "the only one stays" refuses 1 'rotate first'
as admin key rotate health --lead 2h
check "a new key: its identifier on standard output" out_is_id
next=$(cat "$work/out")
as admin key list
check "it waits" says 0 "^$next  health  *next " ''
as admin key rotate health
check "one waits at a time" refuses 1 'waits'
as admin key show "$next"
check "its public half" says 0 '^-----BEGIN PUBLIC KEY-----$' ''
as admin key show 0123456789abcdef
check "a key that is not there" refuses 1 'no key 0123456789abcdef'
before_day=$(date -u +%Y-%m-%d) # it may be midnight soon
as admin key revoke "$old"
check "the old one is revoked, now that another can sign" says 0 '' "$old is revoked"
as admin key list --json
check "which it does" says 0 "\"id\":\"$next\",.*\"state\":\"active\"" ''
as admin health issue P-001 --text
check "and codes are issued as before" says 0 '^GH1:' .
as admin key list
today=$(date -u +%Y-%m-%d)
check "a revoked one signed until it was revoked, not until its turn would have been over" says 0 \
    "^$old  health  *revoked  -  *\($before_day\|$today\)" ''
as admin key rotate housing --lead 0
check "one that signs at once" out_is_id
as admin key rotate housing --lead 0h
check "and in other words" out_is_id
as admin key rotate housing --lead 00
check "but not in any" says 2 '' 'not a time'
as admin key revoke 0123456789abcdef
check "a key that is not there cannot be revoked" refuses 1 'there is no such key'
as admin key revoke nonsense
check "not an identifier" refuses 1 '16 hex digits'
as landlord key list
check "keys are not for landlords" refuses 1 .

# --- foreign keys, certificates, revocations ----------------------------------------------------------------------------

signer() { # signer NAME: a document signer's certificate
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" -out "$work/$1.pem" \
        -days 30 -subj "/C=XX/CN=$1" 2>/dev/null
}
if command -v openssl >/dev/null && signer one && signer two && openssl x509 -in "$work/two.pem" -outform DER -out "$work/two.der"; then
    as admin trust add "$work/one.pem" "$work/two.der"
    check "keys of foreign issuers, a line for each file" says 0 "^$work/two.der: 1 added, 0 known\$" ''
    as admin trust add "$work/two.pem"
    check "the same again" says 0 "^$work/two.pem: 0 added, 1 known\$" ''
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout "$work/other.key" -out "$work/other.pem" \
        -days 30 -subj "/C=XX/CN=other" 2>/dev/null
    cat "$work/other.pem" "$work/one.pem" "$work/other.pem" "$work/two.pem" >"$work/bundle.pem"
    as admin trust add "$work/bundle.pem"
    check "a bundle with keys of other types: they are passed over" says 0 \
        "^$work/bundle.pem: 0 added, 2 known, 2 passed over: no codes are signed with such keys\$" ''
    as admin trust add "$work/other.pem"
    check "nothing but such" refuses 1 'other.pem: there is no key in it that codes are signed with'
    as admin trust list
    check "as they are listed" says 0 '  hcert  ES256  [0-9a-f]*  trusted  20.*Z  vaccination,test,recovery  -$' ''
    key=$(awk 'NR == 2 { print $1 }' "$work/out")
    as admin trust revoke "$key"
    check "one is revoked" says 0 '' "$key is revoked"
    as admin trust list
    check "and stays, marked" says 0 "^$key  hcert .* revoked " ''
    as admin trust forget "$key"
    check "or is forgotten" says 0 '' "$key is forgotten"
    as admin trust forget "$key"
    check "once" refuses 1 .
else
    skip "keys of foreign issuers" "openssl is not here"
fi
as admin trust add "$work/broken.csv"
check "a file of another kind" refuses 1 'neither a certificate.*nor a JWK set'
echo '{"keys": []}' >"$work/no.jwks.json"
as admin trust add "$work/no.jwks.json"
check "a set without an issuer" refuses 1 "no.jwks.json: ."
as admin trust revoke nonsense
check "not an identifier of a foreign key" refuses 1 '16 hex digits'
as landlord trust list
check "foreign keys are not for landlords" refuses 1 .

echo '{"kid":"UNKNOWN_KID","hashType":"UCI","entries":[{"hash":"AAECAwQFBgcICQoLDA0ODw=="}]}' >"$work/batch.json"
as admin revocations add "$work/batch.json" "$work/batch.json"
check "a batch of revocations" says 0 "^$work/batch.json: 1 added, 0 known\$" ''
check "which is a set" grep -q 'batch.json: 0 added, 1 known$' "$work/out"
sed 's/"entries"/"expires":"2020-01-01T00:00:00Z","entries"/' "$work/batch.json" >"$work/old.json"
as admin revocations add "$work/old.json"
check "one that has expired" says 0 '0 added, 0 known, 1 expired$' ''
sed 's/UCI/MD5/' "$work/batch.json" >"$work/bad.json"
as admin revocations add "$work/bad.json"
check "one with a mistake: file and reason" refuses 1 'bad.json: .*hashType'
: >"$work/empty.json"
as admin revocations add "$work/empty.json"
check "an empty file" refuses 1 'empty'

as admin people certificate P-001 'HC1:NONSENSE'
check "a certificate that is none" refuses 1 .
as admin people certificate nobody 'HC1:NONSENSE'
check "nobody's certificate" refuses 1 "nobody.*'nobody'"
run sh -c "GATEHOUSE_SESSION='$work/admin.session' '$tool' people certificate P-001 - </dev/null"
check "nothing on standard input" refuses 1 'no certificate'
as admin people certificate P-001 --remove
check "nobody's certificate any more" says 0 '' 'No certificate belongs to P-001 any more'
vectors=../shared/vectors/hcert
if [ -f "$vectors/cases.tsv" ]; then
    # One that is in time now: judged by the server's clock, that is, long over.
    awk -F '\t' '$4 == "valid" { print $3; print $6; exit }' "$vectors/cases.tsv" >"$work/case"
    as admin trust add "$vectors/certs/$(head -n 1 "$work/case")"
    check "a published document signer, in DER" says 0 ': 1 added, 0 known$' ''
    tail -n 1 "$work/case" >"$work/hcert"
    run sh -c "GATEHOUSE_SESSION='$work/admin.session' '$tool' people certificate P-001 - <'$work/hcert'"
    check "a published certificate, which is over" refuses 1 'expired'
    check "is in no file of the server" sh -c "! grep -r -q -F -e \"\$(cut -c 1-60 '$work/hcert')\" '$work/town.state'"
else
    skip "a published certificate" "../shared/vectors is not here"
fi

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
