# SPDX-License-Identifier: LGPL-3.0-or-later
# gluster-completion.bash: completion for gluster: what may stand next is the program's own table of commands, which it is asked for; names of
# volumes, bricks, options and peers come from the daemon.

_gluster() {
    local cur=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT} word
    local -a words=() before=()
    if [[ $cur == --* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--help --version --print-logdir --print-statedumpdir --mode=script --xml --nolog --log-file=
            --log-level= --remote-host= --glusterd-sock= --timeout= --inet6 --secure-mgmt= --wignore --wignore-partition' -- "$cur")
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
        return
    fi
    # A brick is one word for the program, and several for bash, which divides at colons.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=${words[-1]}
    unset 'words[-1]'
    for word in "${words[@]:1}"; do
        [[ $word == --* ]] || before+=("$word")
    done
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" --nolog --complete="$cur" -- "${before[@]}" 2>/dev/null)
    [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
}
complete -F _gluster gluster
