#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our gluster at a terminal: a prompt, completion from its own table and from the daemon, questions, history. And the same completion for bash.
NODE_DAEMON=ours NODE_CLI=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs script
must start_nodes 1
must start_glusterd n1
must gluster n1 volume create first n1:/srv/b force

# A terminal whose keys are what comes through fd 7; what it shows lies in $tmp/seen.
mkdir -p "$tmp/home"; mkfifo "$tmp/keys"
on n1 env HOME="$tmp/home" TERM=dumb script -qec /usr/sbin/gluster /dev/null <"$tmp/keys" >"$tmp/seen" 2>&1 &
shell=$!
other_pids+=("$shell")
exec 7>"$tmp/keys"
type_in() { printf "$1" >&7; }
shows() { says "$tmp/seen" "$1"; }
prompts() { [ "$(grep -o 'gluster> ' "$tmp/seen" | wc -l)" -ge "$1" ]; }
eventually 30 'there is a prompt'      prompts 1
type_in 'vol\tli\t\n'
eventually 30 'words are completed'    shows 'volume list'
eventually 30 'and the command runs'   prompts 2
type_in 'volume start f\t\n'
eventually 30 'so are names of volumes' shows 'volume start: first: success'
eventually 30 'the next prompt'        prompts 3
type_in 'volume stop first\nn\n'
eventually 30 'there is a question'    shows 'Do you want to continue. .y/n.'
eventually 30 'the next prompt again'  prompts 4
type_in 'no such thing\n'
eventually 30 'what it does not know it says' shows 'unrecognized word: no .position 0.'
type_in 'quit\n'
eventually 30 'quit ends it'           process_gone "$shell"
exec 7>&-
is 'no was a no'                       "$(gluster n1 volume info first | grep -c '^Status: Started')" 1
ok 'the history is kept'               says "$tmp/home/.gluster_history" '^volume stop first'

bash_offers() { # line: what bash would complete it to
    on n1 bash -c '. "$1"; COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=$'"' \t:'"'
        COMP_WORDS=(/usr/sbin/gluster ${2#gluster}) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        [[ $2 == *" " ]] && { COMP_WORDS+=(""); COMP_CWORD=$((COMP_CWORD + 1)); }
        _gluster; echo "${COMPREPLY[*]}"' x "$top/extras/gluster-completion.bash" "$1"
}
is 'bash: words'            "$(bash_offers 'gluster volume st')" 'start stop status statedump'
is 'bash: volumes'          "$(bash_offers 'gluster volume start ')" first
is 'bash: bricks'           "$(bash_offers 'gluster volume status first n1')" n1:/srv/b
is 'bash: options of the program' "$(bash_offers 'gluster --print-l')" --print-logdir
is 'one word after the other' "$(bash_offers 'gluster volume rebalance first ')" 'fix-layout start stop status'
ok 'stop it'                gluster n1 volume stop first
ok 'stop the daemon'        stop_glusterd n1
done_testing
