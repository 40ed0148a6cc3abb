#!/bin/sh
# Completion: every command and option of the tool is offered, in bash, zsh and fish; and the usage texts name them all.
# shellcheck source=tests/system/lib.sh disable=SC2317 # functions that check calls
. "${0%/*}/lib.sh"

tool=$PWD/$BUILD/gatehouse
HOME=$work/home GATEHOUSE_SESSION=$work/session
export HOME GATEHOUSE_SESSION
mkdir "$HOME"

offers() { "$tool" --complete "$@" 2>"$work/err" && ! [ -s "$work/err" ]; }

# The options in the usage of one command (`people list`), and what it offers: each a sorted list. A command that has
# commands may have options besides (`announce`): those of the lines that are none of these commands'.
options_in_usage() { # WORD...
    "$tool" "$@" --help | awk -v words="$*" -v parts=" $(offers "$@" '' | tr '\n' ' ')" '
        /^$/ { exit }
        /gatehouse / {
            rest = $0 " "
            at = sub(".*gatehouse " words " ", "", rest) > 0
            sub(/ .*/, "", rest)
            if (rest != "" && index(parts, " " rest " ")) at = 0
        }
        at' | grep -oE -- '(^|[[ |])--?[a-z][a-z-]*' | tr -d '[ |' | LC_ALL=C sort -u
}
options_offered() { offers "$@" -- | grep -vx -- --help | LC_ALL=C sort -u; }

# A letter in the usage (-o) stands for its long form, which the table has: left out on both sides.
command_is_whole() { # WORD...
    options_in_usage "$@" | grep -v '^-[a-z]$' >"$work/usage"
    options_offered "$@" >"$work/offered"
    letters=$(options_in_usage "$@" | grep -c '^-[a-z]$')
    missing=$(LC_ALL=C comm -13 "$work/usage" "$work/offered" | wc -l)
    if [ -z "$(LC_ALL=C comm -23 "$work/usage" "$work/offered")" ] && [ "$missing" -le "$letters" ]; then return 0; fi
    echo '# in the usage but not offered:' "$(LC_ALL=C comm -23 "$work/usage" "$work/offered" | tr '\n' ' ')"
    echo '# offered but not in the usage:' "$(LC_ALL=C comm -13 "$work/usage" "$work/offered" | tr '\n' ' ')"
    return 1
}

# --- the commands ---------------------------------------------------------------------------------------------------

"$tool" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | LC_ALL=C sort >"$work/listed"
offers '' | LC_ALL=C sort >"$work/offered"
check "there are commands" test -s "$work/offered"
check "what --help lists is what is offered" cmp "$work/listed" "$work/offered"
check "--help and --version are offered" test "$(offers --)" = "$(printf -- '--version\n--help')"

commands=$(offers '')
for command in $commands; do
    parts=$(offers "$command" '')
    check "$command: its options" command_is_whole "$command"
    [ -n "$parts" ] || continue
    "$tool" "$command" --help | awk '/^$/ { exit } /gatehouse / { sub(/.*gatehouse /, ""); print $2 }' |
        grep -x '[a-z-]*[a-z]' | grep -v '^-' | LC_ALL=C sort -u >"$work/listed"
    printf '%s\n' "$parts" | LC_ALL=C sort >"$work/offered"
    check "$command: what --help lists is what is offered" cmp "$work/listed" "$work/offered"
    for part in $parts; do
        check "$command $part: its options" command_is_whole "$command" "$part"
    done
done
check "nothing was done and nothing left behind" test -z "$(find "$HOME" "$GATEHOUSE_SESSION" -type f 2>/dev/null)"

# --- the shells -----------------------------------------------------------------------------------------------------

PATH=$PWD/$BUILD:$PATH
in_bash() { # WORD...: what bash has for the last of the words
    # shellcheck disable=SC2016 # bash expands
    bash --norc -c '. src/cli/completion/gatehouse.bash
        complete -p gatehouse >/dev/null || exit 1
        COMP_WORDS=(gatehouse "$@") COMP_CWORD=$#
        _gatehouse
        [ "${#COMPREPLY[@]}" -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}
check "bash: commands" test "$(in_bash '')" = "$commands"
check "bash: a command half written" test "$(in_bash reve)" = '' -a "$(in_bash revo)" = revocations
check "bash: a command's commands" test "$(in_bash people '')" = "$(offers people '')"
check "bash: options" test "$(in_bash people list --j)" = --json
check "bash: the cursor stands in the middle" test "$(
    # shellcheck disable=SC2016 # bash expands
    bash --norc -c '. src/cli/completion/gatehouse.bash
        COMP_WORDS=(gatehouse peo list --json) COMP_CWORD=1; _gatehouse; echo "${COMPREPLY[*]}"')" = people
check "bash: a file's name is the shell's" test -z "$(in_bash people import '')"

if command -v zsh >/dev/null; then
    # compadd and _files are the completion system's, which wants a terminal: these say what they got.
    # shellcheck disable=SC2016 # zsh expands
    in_zsh() {
        zsh -f -c 'compadd() { shift; print -l -- "${(@P)1}" }; _files() { print files }
            words=(gatehouse "$@") CURRENT=$(($# + 1)); . src/cli/completion/_gatehouse' zsh "$@"
    }
    check "zsh: commands" test "$(in_zsh '')" = "$commands"
    check "zsh: options" test "$(in_zsh people list --j)" = --json
    check "zsh: a file's name is the shell's" test "$(in_zsh people import '')" = files
else
    skip "zsh" "there is no zsh here"
fi
if command -v fish >/dev/null; then
    # shellcheck disable=SC2016 # fish expands
    in_fish() { fish --no-config -c 'source src/cli/completion/gatehouse.fish; complete -C "$argv[1]"' "$1"; }
    check "fish: commands" test "$(in_fish 'gatehouse ' | LC_ALL=C sort)" = "$(printf '%s\n' "$commands" | LC_ALL=C sort)"
    check "fish: options" test "$(in_fish 'gatehouse people list --j')" = --json
    check "fish: a file's name is the shell's" test "$(in_fish 'gatehouse people import READ')" = README.md
else
    skip "fish" "there is no fish here"
fi

plan
