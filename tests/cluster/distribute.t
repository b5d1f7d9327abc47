#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# GlusterFS's own distribute translator over our bricks: two bricks share the files, a third one is added, and a rebalance gives it
# its part without anything being lost; then a brick is emptied and taken out.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
files=${FULL:+3000}; files=${files:-150}

must start_nodes 1
must start_glusterd n1
ok 'create' gluster n1 volume create dist n1:/srv/b1 n1:/srv/b2 force
ok 'start' gluster n1 volume start dist
ok 'mount' mount_node n1 dist
mnt=$(root n1)/mnt/dist

fill() {
    local i
    mkdir -p "$mnt/a/b" && for i in $(seq "$files"); do echo "content $i" >"$mnt/a/b/file$i" || return 1; done
    head -c 2M /dev/urandom >"$mnt/a/big" && chown 1000:1000 "$mnt/a/b/file1" && setfattr -n user.x -v y "$mnt/a/b/file2" &&
        ln -s big "$mnt/a/link" && mv "$mnt/a/b/file3" "$mnt/a/b/renamed-file3"
}
all_of_it() { (cd "$mnt" && find . -printf '%P %y %s %m %U:%G %l\n' | grep -v ' d ' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
held_by() { find "$(root n1)$1" -path '*/.glusterfs' -prune -o -type f ! -perm 1000 -print | wc -l; }
completed() { gluster n1 volume "$@" status | grep -q completed; }

ok 'write' fill
all_of_it >"$tmp/before"
ok 'both bricks have a part' test "$(held_by /srv/b1)" -gt 0 -a "$(held_by /srv/b2)" -gt 0
ok 'add-brick' gluster n1 volume add-brick dist n1:/srv/b3 force
ok 'rebalance' gluster n1 volume rebalance dist start
eventually 180 'rebalance completes' completed rebalance dist
is 'no file failed' "$(gluster n1 volume rebalance dist status --xml | grep -c '<failures>[1-9]')" 0
ok 'the third brick has a part' test "$(held_by /srv/b3)" -gt 0
is 'everything is there as before' "$(all_of_it)" "$(cat "$tmp/before")"
ok 'remove-brick' gluster n1 volume remove-brick dist n1:/srv/b1 start
eventually 180 'its files are moved away' completed remove-brick dist n1:/srv/b1
ok 'commit' gluster n1 volume remove-brick dist n1:/srv/b1 commit
is 'nothing was left on it' "$(held_by /srv/b1)" 0
is 'everything is there still' "$(all_of_it)" "$(cat "$tmp/before")"
ok 'umount' umount_node n1 dist
ok 'stop' gluster n1 volume stop dist
done_testing
