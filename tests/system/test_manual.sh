#!/bin/sh
# The manual: every key that a program takes is in its sample file and in its man page, and every command and option of
# the tool in gatehouse(1). The keys are those of the tables in the source, as the compiler sees them.
# shellcheck source=tests/system/lib.sh disable=SC2317 # functions that check calls
. "${0%/*}/lib.sh"

# SECTION KEY, a line each.
keys_in_table() { # SOURCE
    ${CC:-gcc} -E -P -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude -Isrc "$1" | tr -s ' \n' '  ' |
        grep -oE '\{ ?(\.section = )?\(?"[a-z_]+"\)?, (\.name = )?\(?"[a-z0-9_]+"\)?, \.type' |
        sed 's/^[^"]*"\([a-z_]*\)"[^"]*"\([a-z0-9_]*\)".*/\1 \2/' | LC_ALL=C sort
}
keys_in_sample() { # FILE
    awk '/^\[/ { gsub(/[][]/, ""); section = $0 }
        /^;?[a-z][a-z0-9_]* =/ { sub(/^;/, ""); sub(/ =.*/, ""); print section, $0 }' "$1" | LC_ALL=C sort -u
}
keys_in_page() { # FILE
    awk '/^\.Ss Section / { gsub(/[][]/, "", $3); section = $3 } /^\.It Cm / { if (section) print section, $3 }
        /^\.Sh FILES/ { exit }' "$1" | LC_ALL=C sort -u
}

# tells_all PROGRAM SOURCE
tells_all() {
    program=$1 sample=docs/$1.ini page=$work/$1.ini.5
    keys_in_table "$2" >"$work/table"
    keys_in_sample "$sample" >"$work/sample"
    scripts/ini-man "$program" "/etc/gatehouse/${program#gatehouse-}.ini" "$sample" >"$page"
    keys_in_page "$page" >"$work/page"
    check "$program: the table was found" test "$(wc -l <"$work/table")" -ge 25
    check "$program: every key is in the sample, and no other" diff "$work/table" "$work/sample"
    check "$program: every key is in the man page, and no other" diff "$work/table" "$work/page"
    check "$program: the sample says something about every key" says_something "$page"
    if command -v mandoc >/dev/null; then
        check "$program: the man page is well-formed" mandoc -Tlint -W warning "$page"
    else
        skip "$program: the man page is well-formed" "there is no mandoc here"
    fi
}
# Keys may share their words with those below them, or be explained by their section's; not by nothing.
says_something() { # PAGE
    awk '/^\.Ss / { told = 0 } /^[^.]/ { told = told || !listed } /^\.Bl/ { listed = 1 }
        /^\.El/ { if (bare && !told) { print "# nothing about " bare; bad = 1 } listed = 0 }
        { bare = "" } /^\.It Cm / { bare = $3 }
        /^\.Sh FILES/ { exit } END { exit bad }' "$1"
}

tells_all gatehouse-gate src/gate/gate_config.c
tells_all gatehouse-server src/server/settings.c

# --- the tool ---------------------------------------------------------------------------------------------------------

tool=$BUILD/gatehouse
page=docs/man/gatehouse.1
for command in $("$tool" --complete ''); do
    check "gatehouse(1) has $command" grep -qE "^\.(It )?Cm $command( |$)" "$page"
    for part in '' $("$tool" --complete "$command" ''); do
        [ -z "$part" ] ||
            check "gatehouse(1) has $command $part" grep -qE "^\.Cm ([a-z -]* \| )?$part( |$)" "$page"
        for option in $("$tool" --complete "$command" ${part:+"$part"} --); do
            check "gatehouse(1) has $command $part $option" grep -qE "Fl -${option#--}( |$)|Fl ${option#--}( |$)" "$page"
        done
    done
done

# What an option takes: as the program says that takes it.
types=$("$tool" entries --type '' 2>&1 | sed 's/.*--type takes //; s/ (.*//; s/ or /, /; s/,//g')
check "entries: the types were found" test "$(echo "$types" | wc -w)" -ge 8
"$tool" entries --help >"$work/usage"
for type in $types; do
    check "entries --help has the type $type" grep -qw "$type" "$work/usage"
    check "gatehouse(1) has the type $type" grep -qE "^\.Op Fl -type Cm .*\b$type\b" "$page"
    check "gatehouse-journal(5) has the type $type" grep -qE "^\.Cm (.* , )?$type( , .*)?( [:;])?$" docs/man/gatehouse-journal.5
    check "openapi.yaml has the type $type" grep -qE "name: type, .*[[ ]${type}[],]" docs/openapi.yaml
done

plan
