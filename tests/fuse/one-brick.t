#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A volume of one brick that our client has filled is given to GlusterFS's own: it reads everything, gets two more bricks, and a rebalance
# spreads what we wrote; times are those that our client set. Then it goes the other way, while there is one brick.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
NODE_CLIENTS=ours
needs stock fuse
files=${FULL:+2000}; files=${files:-120}

must start_nodes 1
must start_glusterd n1
must gluster n1 volume create v n1:/srv/b1 force
must gluster n1 volume start v
must mount_node n1 v
mnt=$(root n1)/mnt/v brick=$(root n1)/srv
client_gone() { [ -z "$(on n1 pgrep -f 'glusterfs .*/mnt/v$')" ]; }
client() { use n1 clients "$1" && mount_node n1 v; }
unmount() { umount_node n1 v && wait_until 30 client_gone; }
fill() {
    local i
    mkdir -p "$mnt/a/b/c" && for i in $(seq "$files"); do echo "content $i" >"$mnt/a/b/file$i" || return 1; done
    head -c 2M /dev/urandom >"$mnt/a/big" && chown 1000:1000 "$mnt/a/b/file1" && setfattr -n user.x -v y "$mnt/a/b/file2" &&
        ln -s big "$mnt/a/link" && mv "$mnt/a/b/file3" "$mnt/a/b/c/renamed" && ln "$mnt/a/b/file4" "$mnt/a/b/c/hard" &&
        touch -d '2001-02-03 04:05:06.789' "$mnt/a/b/file5" && mv "$mnt/a/b/c" "$mnt/a/moved"
}
all_of_it() { (cd "$mnt" && find . \( -type d -printf '%P %y %m %U:%G\n' -o -printf '%P %y %s %m %U:%G %T@ %l\n' \) | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
held_by() { find "$brick/$1" -path '*/.glusterfs' -prune -o -type f ! -perm 1000 -print | wc -l; }
completed() { gluster n1 volume rebalance v status | grep -q completed; }
times_agree() { # the record of each object has the time that the mount shows
    local f; f=$(on n1 getfattr --only-values -n trusted.glusterfs.mdata "/srv/b1/a/b/$1" | od -An -tx1 -j25 -N8 | tr -d ' \n')
    [ "$((16#$f))" = "$(stat -c %Y "$mnt/a/b/$1")" ]
} 2>/dev/null

ok 'our client writes'               fill
all_of_it >"$tmp/ours"
ok 'the record of times: a file'     times_agree file7
ok 'and one whose time was given'    times_agree file5
ok 'unmount'                         unmount
ok 'a stock client mounts'           client stock
is 'and sees the same'               "$(all_of_it)" "$(cat "$tmp/ours")"
ok 'it writes, too'                  sh -c "mkdir '$mnt/s' && echo stock >'$mnt/s/f' && touch -d '2011-01-01 00:00:01' '$mnt/s/f'"
all_of_it >"$tmp/both"
ok 'unmount'                         unmount
ok 'ours mounts again'               client ours
is 'and sees the same'               "$(all_of_it)" "$(cat "$tmp/both")"
ok 'unmount'                         unmount
use n1 clients stock
ok 'two more bricks'                 gluster n1 volume add-brick v n1:/srv/b2 n1:/srv/b3 force
ok 'rebalance'                       gluster n1 volume rebalance v start
eventually 120 'it completes'        completed
is 'no file failed'                  "$(gluster n1 volume rebalance v status --xml | grep -c '<failures>[1-9]')" 0
ok 'the second brick has a part'     test "$(held_by b2)" -gt 0
ok 'the third, too'                  test "$(held_by b3)" -gt 0
ok 'a stock client mounts'           client stock
is 'everything is there as before'   "$(all_of_it)" "$(cat "$tmp/both")"
ok 'unmount'                         unmount
done_testing
