#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# What takes its time, under our glusterd (n1) beside stock's (n2), with GlusterFS's own client as the engine of both: what heals is counted, layouts
# are repaired, a rebalance and the removal of a brick are stopped in the middle. The command line says the same, but for numbers.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root fuse stock

plain() { # what is another minute or another machine
    sed -E 's/\bn2\b/n1/g; s/[0-9a-f]{8}-[0-9a-f-]{27}/ID/g; s/[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]+ [0-9:]{8} [0-9]{4}/TIME/
            s/[0-9]+:[0-9]{2}:[0-9]{2} *$/TIME/; s/ +/ /g'
}
moved() { plain | sed -E 's/^( localhost) .* (in progress|stopped|completed|failed) /\1 MOVED \2 /; s/-+/-/g'; }
# What there is to say of crawls, once each: how many there were depends on when the daemon began.
crawls() { plain | sed -E 's/(healed|entries so far): [1-9][0-9]*/\1: SOME/' | sort -u; }
says_same() { # description filter words of gluster, with NODE for the node
    local text=$1 filter=$2 node; shift 2
    for node in n1 n2; do { gluster $node "${@//NODE/$node}" 2>&1; echo "exit $?"; } | $filter >"$tmp/says-$node"; done
    is "$text" "$(cat "$tmp/says-n1")" "$(cat "$tmp/says-n2")"
}
on_both() { "$@" n1 && "$@" n2; } # function

must start_nodes 2
use n1 daemon ours
must on_both start_glusterd

# ---- heal statistics ---------------------------------------------------------------------------------------------------------------
replicated() { # node
    gluster "$1" volume create r replica 3 "$1":/srv/r{1,2,3,4,5,6} force && gluster "$1" volume start r && mount_node "$1" r
}
counts() { # node pattern: a line of heal-count of the second set's first brick
    gluster "$1" volume heal r statistics heal-count | grep -A 1 "^Brick $1:/srv/r4" | grep -q "$2"
}
none_left() { ! gluster "$1" volume heal r statistics heal-count | grep -qE '^(Number of entries: [1-9]|Status|No gath)'; }
fall_behind() { # node: five files of the second set
    local i=0 n=0
    kill_brick "$1" /srv/r5 || return 1
    while [ $n -lt 5 ] && [ $i -lt 200 ]; do
        i=$((i + 1))
        echo text >"$(root "$1")/mnt/r/f$i" || return 1
        [ ! -e "$(root "$1")/srv/r4/f$i" ] || n=$((n + 1))
    done
}
crawled() { gluster "$1" volume heal r statistics | grep -q 'No. of entries healed: [1-9]'; }
must on_both replicated
eventually 60 'nothing is behind'         none_left n1
must wait_until 60 none_left n2
says_same 'heal-count'                    plain volume heal r statistics heal-count
says_same 'of one set'                    plain volume heal r statistics heal-count replica NODE:/srv/r5
says_same 'statistics'                    crawls volume heal r statistics
must on_both fall_behind
eventually 60 'five files and their folder are counted' counts n1 'entries: 6$'
must wait_until 60 counts n2 'entries: 6$'
says_same 'heal-count without a brick'    plain volume heal r statistics heal-count
says_same 'of its set'                    plain volume heal r statistics heal-count replica NODE:/srv/r5
for node in n1 n2; do must gluster $node volume start r force; gluster $node volume heal r >/dev/null 2>&1; done
eventually 120 'it catches up'            none_left n1
must wait_until 120 none_left n2
eventually 60 'which statistics tell'     crawled n1
says_same 'heal-count of none'            plain volume heal none statistics heal-count
says_same 'its statistics'                plain volume heal none statistics
bad_brick() { ! gluster n1 volume heal r statistics heal-count replica n1:/srv/none >"$tmp/said" 2>&1 && grep -q 'n1:/srv/none does not exist in volume r' "$tmp/said"; }
ok 'a brick that is none is said to be'   bad_brick
for node in n1 n2; do umount_node $node r; must gluster $node volume stop r force; done

# ---- rebalance -----------------------------------------------------------------------------------------------------------------------
files=400
distributed() { # node
    gluster "$1" volume create d "$1:/srv/d1" "$1:/srv/d2" force && gluster "$1" volume start d && mount_node "$1" d &&
        on "$1" sh -ec 'mkdir /mnt/d/a; for i in $(seq '$files'); do head -c 65536 /dev/zero >/mnt/d/a/f$i; done' &&
        gluster "$1" volume add-brick d "$1:/srv/d3" force
}
status_is() { gluster "$1" volume "${@:3}" status 2>/dev/null | grep -qE "^ +localhost .* $2 +[0-9]"; } # node words of the status, of what
has_moved() { [ "$(gluster "$1" volume "${@:2}" status 2>/dev/null | awk '$1 == "localhost" { print $2 + 0 }')" -gt 0 ]; } 2>/dev/null
third() { brick_at "$1" /srv/d3; }
halt() { on "$1" kill -STOP "$(third "$1")"; } # what is moved there stays where it is
go_on() { on "$1" kill -CONT "$(third "$1")"; }
all_there() { [ "$(find "$(root n1)/mnt/d/a" -type f -size 64k | wc -l)" = $files ]; }
layout() { getfattr -e hex -n trusted.glusterfs.dht "$(root "$1")/srv/d3/a" 2>/dev/null | grep -q =0x; }
must on_both distributed
says_same 'status before'                 moved volume rebalance d status
says_same 'stop before'                   moved volume rebalance d stop
says_same 'fix-layout'                    plain volume rebalance d fix-layout start
eventually 120 'is completed'             status_is n1 'fix-layout completed' rebalance d
must wait_until 120 status_is n2 'fix-layout completed' rebalance d
says_same 'and its status says so'        plain volume rebalance d status
says_same 'as XML'                        plain --xml volume rebalance d status
tasks_say() { gluster n1 volume status d tasks | grep -qE "^Status +: $1 *\$"; } # stock: completed
ok 'the list of tasks, too'               tasks_say 'fix-layout completed'
ok 'the new brick has its part of a folder' layout n1
is 'and no file'                          "$(find "$(root n1)/srv/d3/a" -type f ! -perm 1000 | wc -l)" 0
says_same 'stop of what is completed'     plain volume rebalance d stop
halted() { # node words: in the middle
    gluster "$1" volume "${@:2}" start >"$tmp/started-$1" 2>&1 && wait_until 60 has_moved "$@" && halt "$1" && status_is "$1" 'in progress' "${@:2}"
}
ok 'a rebalance, halted in the middle'    halted n1 rebalance d
ok "stock's, too"                         halted n2 rebalance d
says_same 'a second one'                  plain volume rebalance d start
says_same 'bricks cannot be removed now'  plain volume remove-brick d NODE:/srv/d1 start
says_same 'stop'                          moved volume rebalance d stop
on_both go_on
eventually 60 'it has stopped'            status_is n1 stopped rebalance d
gone() { ! on "$1" pgrep -f 'process-name rebalance' >/dev/null; }
eventually 60 'its process is gone'       gone n1
must wait_until 60 gone n2
ok 'not all was moved'                    test "$(find "$(root n1)/srv/d3/a" -type f ! -perm 1000 | wc -l)" -lt $((files / 4))
ok 'and nothing is lost'                  all_there

# ---- the removal of a brick, stopped -----------------------------------------------------------------------------------------------------
ok 'a removal, halted in the middle'      halted n1 remove-brick d n1:/srv/d1
ok "stock's, too"                         halted n2 remove-brick d n2:/srv/d1
says_same 'no rebalance now'              plain volume rebalance d start
says_same 'stop'                          moved volume remove-brick d NODE:/srv/d1 stop
on_both go_on
eventually 60 'its process is gone'       gone n1
must wait_until 60 gone n2
says_same 'status after'                  plain volume remove-brick d NODE:/srv/d1 status
says_same 'a second stop'                 plain volume remove-brick d NODE:/srv/d1 stop
says_same 'there is no task'              plain volume status d tasks
is 'the brick is there'                   "$(gluster n1 volume info d | grep -c '^Brick[0-9]: n1:/srv/d[123]$')" 3
ok 'and nothing is lost'                  all_there
clients_know() { ! grep -q decommissioned "$(root n1)/var/lib/glusterd/vols/d/d.tcp-fuse.vol"; }
ok 'clients place files there again'      clients_know
for node in n1 n2; do umount_node $node d; must gluster $node volume stop d force; done
done_testing
