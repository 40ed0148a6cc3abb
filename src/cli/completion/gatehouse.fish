# SPDX-License-Identifier: Apache-2.0
# Completion of `gatehouse` for fish: the tool knows what may come next; without an answer files are offered.
function __gatehouse_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] --complete $words[2..-1] 2>/dev/null
end
complete -c gatehouse -n 'test -n "$(__gatehouse_complete)"' -f -a '(__gatehouse_complete)'
