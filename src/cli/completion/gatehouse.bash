# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of `gatehouse` for bash: the tool knows what may come next.
_gatehouse() {
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" --complete "${words[@]}" 2>/dev/null)
}
complete -o default -F _gatehouse gatehouse
