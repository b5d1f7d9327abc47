#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# The same commands, one after the other, to stock's daemon through stock's `gluster` and ours, and to our daemon through stock's: text, XML and
# exit status are the same, but for ids, process ids, ports, times and sizes. The commands: tests/data/gluster-commands. Our daemon: FULL=1.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock
commands=$top/tests/data/gluster-commands

# What must differ, because it is another machine or another minute.
leave_out() { # node
    sed -E "s/\b$1\b/NODE/g; s/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/g
        s/^(Brick NODE:.*) [0-9]+ +0 +Y +[0-9]+ *\$/\1 PORT 0 Y PID/
        s/<(port|tcp|pid)>[0-9]+</<\1>N</; s/<(sizeFree|sizeTotal|inodesFree|inodesTotal)>[0-9]+</<\1>N</
        s/^((TCP Port|Pid|Disk Space Free|Total Disk Space|Inode Count|Free Inodes) +:) .*/\1 N/
        s/^([A-Z][a-z]+ *: )[0-9]+\$/\1N/; s/<(bytesRead|bytesWrite)>[0-9]+</<\1>N</; s/10\.77\.0\.[0-9]+:[0-9]+ +[0-9]+ +[0-9]+/PEER BYTES/
        s/<hostname>10\.77\.0\.[0-9]+:[0-9]+</<hostname>PEER</
        s/Duration: [0-9]+/Duration: N/"
}

ask() { # node file words...: what it said, and how it ended
    local node=$1 file=$2 status; shift 2
    on "$node" timeout -k 5 100 /usr/sbin/gluster --mode=script "$@" </dev/null >"$file.out" 2>"$file.err"; status=$?
    { cat "$file.out"; sed 's/^/[stderr] /' "$file.err"; echo "[exit $status]"; } | leave_out "$node" >"$file"
}

# All commands to the daemon of a node; the answer to the command of line N is in DIR/N.
ask_all() { # node daemon cli dir
    local node=$1 dir=$4 line n=0
    use "$node" daemon "$2"; use "$node" cli "$3"
    mkdir -p "$dir"
    start_glusterd "$node" || return 1
    # Stock's command line starts this each time (its daemon needs it once), and it starts an interpreter, only to look for geo-replication.
    for line in "$(root "$node")"/usr/lib/*/glusterfs/gsyncd; do
        [ -e "$line" ] && on "$node" mount --bind /bin/true "${line#"$(root "$node")"}"
    done
    while IFS= read -r line; do
        n=$((n + 1))
        case $line in
        '' | '#'*) continue ;;
        '! bricks '*) # shellcheck disable=SC2086
            set -- $line; wait_until 30 bricks_online "$node" "$3" "$4" ;;
        *)  line=${line#\~}
            # shellcheck disable=SC2086
            ask "$node" "$dir/$n" ${line//@/$node} ;;
        esac
    done <"$commands"
}

compare() { # dir other what
    local n=0 line
    while IFS= read -r line; do
        n=$((n + 1))
        case $line in '' | [#!]*) continue ;; esac
        [[ $3 == daemons && $line == '~'* ]] && continue
        ok "$3: ${line#\~}" diff "$1/$n" "$2/$n"
    done <"$commands"
}

must start_nodes 3
ask_all n1 stock stock "$tmp/stock" >"$tmp/ask1" 2>&1 &
one=$!
ask_all n2 stock ours "$tmp/our-cli" >"$tmp/ask2" 2>&1 &
two=$!
[ -n "$FULL" ] && { ask_all n3 ours stock "$tmp/our-daemon" >"$tmp/ask3" 2>&1 & three=$!; }
ok "stock's gluster has asked stock's daemon" wait $one
ok 'ours has asked it'           wait $two
compare "$tmp/stock" "$tmp/our-cli" 'command lines'
if [ -n "$FULL" ]; then
    ok "stock's has asked our daemon" wait "$three"
    compare "$tmp/stock" "$tmp/our-daemon" daemons
fi
is 'the list was read'           "$(($(find "$tmp/stock" -name '*.out' | wc -l) > 150))" 1
done_testing
