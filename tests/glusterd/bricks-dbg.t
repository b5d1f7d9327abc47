#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Bricks come and go under our glusterd, with data, below stock's FUSE client: add, rebalance, remove; more copies, a brick killed and healed, replaced,
# reset, fewer copies. The self-heal daemon and the rebalance process are stock's.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
must start_nodes 1
must start_glusterd n1
srv=$(root n1)/srv mnt=$(root n1)/mnt/vol

fails_with() { # text words of gluster...
    local text=$1 status; shift
    gluster n1 "$@" >"$tmp/said" 2>&1; status=$?
    cat "$tmp/said"
    [ $status = 1 ] && grep -qF -- "$text" "$tmp/said"
}
task_is() { gluster n1 volume "$@" status 2>/dev/null | grep -qE 'localhost .* completed '; }
moved() { gluster n1 volume "$@" status | awk '$1 == "localhost" { print $2 }'; }
files() { find "$srv/$1" -path "$srv/$1/.glusterfs*" -prune -o -type f ! -perm -1000 -print | wc -l; } # brick: without what only points elsewhere
sums() { (cd "$1" && find . -name '.glusterfs*' -prune -o -type f -print0 | sort -z | xargs -0r sha256sum); }
data_is_whole() { [ "$(sums "$mnt")" = "$(cat "$tmp/sums")" ]; }
same_bricks() { [ "$(sums "$srv/$1")" = "$(sums "$srv/$2")" ]; }
healed() { # bricks: nothing is left to heal, and the two are the same
    gluster n1 volume heal vol >/dev/null 2>&1
    [ "$(gluster n1 volume heal vol info 2>/dev/null | grep -c '^Number of entries: 0$')" = 2 ] && same_bricks "$1" "$2"
}
healed_in_full() { gluster n1 volume heal vol full >/dev/null 2>&1; healed "$@"; }
shd_pid() { gluster n1 volume status vol | awk '/^Self-heal Daemon on localhost/ && $7 == "Y" { print $8 }'; }
options() { gluster n1 volume info vol | grep "^performance.client-io-threads"; }

must gluster n1 volume create vol n1:/srv/a force
must gluster n1 volume start vol
must mount_node n1 vol
mkdir "$mnt"/{one,two}
for i in $(seq 30); do echo "file $i" >"$mnt/one/f$i"; cp "$mnt/one/f$i" "$mnt/two/g$i"; done
head -c 300000 /dev/urandom >"$mnt/big"
sums "$mnt" >"$tmp/sums"

ok 'add a brick'                  gluster n1 volume add-brick vol n1:/srv/b force
is 'it is online'                 "$(gluster n1 volume status vol | grep -c '^Brick n1.* Y ')" 2
ok 'the same brick once more is refused' fails_with 'Brick may be containing or be contained by an existing brick.' volume add-brick vol n1:/srv/b force
ok 'so is half of a set'          fails_with 'Incorrect number of bricks (1) supplied for replica count (2).' volume add-brick vol replica 2 n1:/srv/c force
not_ok 'which leaves no folder'   ls -d "$srv/c"
ok 'rebalance'                    gluster n1 volume rebalance vol start
eventually 60 'it comes to its end' task_is rebalance vol
not_ok 'it has moved files'       [ "$(moved rebalance vol)" = 0 ]
is 'all that it says'             "$(files b)" "$(moved rebalance vol)"
ok 'and lost none'                data_is_whole
is 'the store has the task'       "$(grep -c -e '^status=3$' -e '^rebalance_op=19$' "$(root n1)/var/lib/glusterd/vols/vol/node_state.info")" 2
ok 'kill the daemon'              stop_glusterd n1 -KILL
ok 'start it again'               start_glusterd n1
ok 'it knows how it went'         task_is rebalance vol

ok 'remove-brick'                 gluster n1 volume remove-brick vol n1:/srv/b start
ok 'no second one'                fails_with 'An earlier remove-brick task exists for volume vol.' volume remove-brick vol n1:/srv/a start
eventually 60 'it comes to its end' task_is remove-brick vol n1:/srv/b
is 'the brick has no file left'   "$(files b)" 0
ok 'commit'                       gluster n1 volume remove-brick vol n1:/srv/b commit
is 'it does not run any more'     "$(brick_at n1 /srv/b)" ''
ok 'nothing is lost'              data_is_whole
ok 'the last one stays'           fails_with 'Deleting all the bricks of the volume is not allowed' volume remove-brick vol n1:/srv/a force

is 'nothing heals a volume of one' "$(shd_pid)" ''
ok 'a second copy'                gluster n1 volume add-brick vol replica 2 n1:/srv/c force
is 'it has the option of replicas' "$(options)" 'performance.client-io-threads: off'
not_ok 'the self-heal daemon runs' [ -z "$(shd_pid)" ]
eventually 60 'the copy is whole' healed_in_full a c
ok 'kill -9 a brick'              kill_brick n1 /srv/c
echo more >"$mnt/one/more"; rm "$mnt/two/g1"; echo changed >"$mnt/one/f1"
sums "$mnt" >"$tmp/sums"
ok 'start it again'               gluster n1 volume start vol force
eventually 8 'it is healed'      healed a c
for b in a c; do for f in one/f1 one/more two/g1; do getfattr -d -m . -e hex $srv/$b/$f; stat -c '%s %y' $srv/$b/$f; done; ls -R $srv/$b/.glusterfs/indices; done >&2; exit 1
ok 'the mount has it all'         data_is_whole
ok 'replace a brick'              gluster n1 volume replace-brick vol n1:/srv/a n1:/srv/d commit force
is 'the old one does not run'     "$(brick_at n1 /srv/a)" ''
eventually 60 'the new one is healed' healed_in_full c d
ok 'reset: stop it'               gluster n1 volume reset-brick vol n1:/srv/d start
ok 'twice is no harm'             gluster n1 volume reset-brick vol n1:/srv/d start
rm -rf "$srv/d"
ok 'commit it, empty'             gluster n1 volume reset-brick vol n1:/srv/d n1:/srv/d commit force
eventually 60 'it is healed'      healed_in_full c d
ok 'the mount has it all'         data_is_whole
ok 'disable heal'                 gluster n1 volume heal vol disable
ok 'heal says so'                 fails_with 'Self-heal-daemon is disabled. Heal will not be triggered on volume vol' volume heal vol
is 'it is in no status'           "$(shd_pid)" ''
ok 'enable it'                    gluster n1 volume heal vol enable
ok 'counts'                       gluster n1 volume heal vol statistics heal-count
ok 'one copy again'               gluster n1 volume remove-brick vol replica 1 n1:/srv/c force
ok 'the mount has it all'         data_is_whole
is 'the self-heal daemon has ended' "$(on n1 pgrep -f 'process-name glustershd')" ''
ok 'stop the daemon'              stop_glusterd n1
done_testing
