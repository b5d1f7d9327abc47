#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# What can go wrong around our glusterd: each time one clear sentence, and everything as it was before.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock python3
must start_nodes 1
on n1 mount -t tmpfs -o size=2m,mode=755 gatling-test /var/lib/glusterd || skip_all "needs a small file system"
must start_glusterd n1
srv=$(root n1)/srv store=$(root n1)/var/lib/glusterd vols=$(root n1)/var/lib/glusterd/vols

fails_with() { # text words of gluster...
    local text=$1 status; shift
    gluster n1 "$@" >"$tmp/said" 2>&1; status=$?
    cat "$tmp/said"
    [ $status = 1 ] && grep -qF -- "$text" "$tmp/said"
}
state() { gluster n1 volume info 2>&1; (cd "$vols" && find . -name '*.tmp'; cat one/info | grep -v '^version='; ls .); }
is_unchanged() { state >"$tmp/now"; diff "$tmp/state" "$tmp/now"; }
remember() { state >"$tmp/state"; }
bricks_run() { on n1 pgrep -c -f -- '--process-name brick'; }
hold() { echo "$1" >"$nodes_dir/n1/choice/env"; } # a line for the programs of the node

must gluster n1 volume create one n1:/srv/one force
must gluster n1 volume start one

remember
dd if=/dev/zero of="$store/filler" bs=4k status=none 2>/dev/null
ok 'full disk: an option is refused' fails_with 'No space left on device' volume set one user.some text
ok 'all is as it was'             is_unchanged
ok 'full disk: so is a new volume' fails_with 'No space left on device' volume create two n1:/srv/two force
ok 'all is as it was'             is_unchanged
not_ok 'no folder is left'        ls -d "$srv/two"
ok 'full disk: so is another brick' fails_with 'No space left on device' volume add-brick one n1:/srv/two force
ok 'all is as it was'             is_unchanged
not_ok 'no folder is left'        ls -d "$srv/two"
is 'one brick runs'               "$(bricks_run)" 1
rm "$store/filler"
ok 'with room again it works'     gluster n1 volume set one user.some text

remember
must on n1 mount -o remount,ro /var/lib/glusterd
ok 'read-only store: the same'    fails_with 'Read-only file system' volume set one user.some other
ok 'stop is refused, too'         fails_with 'Read-only file system' volume stop one
is 'and the brick runs on'        "$(bricks_run)" 1
must on n1 mount -o remount,rw /var/lib/glusterd
ok 'all is as it was'             is_unchanged

on n1 python3 -c '
import socket, time
held = [socket.socket() for i in range(4)]
for i, s in enumerate(held): s.bind(("", 49153 + i)); s.listen()
print("held", flush=True)
time.sleep(120)' >"$tmp/held" & holder=$!
wait_until 20 grep -q held "$tmp/held"
ok 'busy ports are passed over'   gluster n1 volume add-brick one n1:/srv/busy force
is 'the next free one is taken'   "$(gluster n1 volume status one | awk '$2 == "n1:/srv/busy" { print $3 }')" 49157
kill $holder; wait $holder 2>/dev/null
must gluster n1 volume remove-brick one n1:/srv/busy force

remember
hold '[ "$name" != glusterfsd ] || exit 3'
ok 'a brick that dies at its start' fails_with '(exit status 3); its log' volume add-brick one n1:/srv/dies force
ok 'all is as it was'             is_unchanged
not_ok 'no folder is left'        ls -d "$srv/dies"
must gluster n1 volume create three n1:/srv/three n1:/srv/four force
ok 'also with a volume start'     fails_with '(exit status 3); its log' volume start three
is 'which is not started'         "$(gluster n1 volume info three | grep ^Status)" 'Status: Created'
hold ':'
ok 'then it starts'               gluster n1 volume start three
must gluster n1 volume stop three
must gluster n1 volume delete three
set -- n1:/srv/m{1..12}
must gluster n1 volume create many "$@" force
hold 'case " $* " in *" --brick-name /srv/m7 "*) exit 3 ;; esac'
remember
ok 'one of twelve bricks dies'    fails_with 'brick n1:/srv/m7 did not start (exit status 3)' volume start many
ok 'all is as it was'             is_unchanged
is 'none of the others runs'      "$(bricks_run)" 1
rm "$nodes_dir/n1/choice/env"
ok 'then all start'               gluster n1 volume start many
is 'each has a port of its own'   "$(gluster n1 volume status many | awk '$1 == "Brick" && $5 == "Y" { print $3 }' | sort -u | wc -l)" 12
must gluster n1 volume stop many
must gluster n1 volume delete many

on n1 mv /usr/sbin/glusterfs /usr/sbin/glusterfs.away
must gluster n1 volume create pair replica 2 n1:/srv/p1 n1:/srv/p2 force
is 'it has the options of replicas' "$(gluster n1 volume info pair | grep -c -e '^performance.client-io-threads: off' -e '^cluster.granular-entry-heal: on')" 2
ok 'without the client that heals a volume starts' gluster n1 volume start pair
ok 'heal names the package'       fails_with 'package glusterfs-client' volume heal pair
ok 'another brick cannot be made known' fails_with 'package glusterfs-client' volume add-brick pair replica 3 n1:/srv/p3 force
is 'and does not join'            "$(gluster n1 volume info pair | grep -c '^Brick[0-9]')" 2
on n1 mv /usr/sbin/glusterfs.away /usr/sbin/glusterfs
eventually 60 'with it heals work again' gluster n1 volume heal pair full
must gluster n1 volume stop pair
must gluster n1 volume delete pair

remember
ok 'the root partition is no place for bricks' fails_with 'in the root partition' volume create bad n1:/usr/gatling-brick
not_ok 'no folder is left'        on n1 ls -d /usr/gatling-brick
ok 'one brick twice'              fails_with 'n1:/srv/x' volume create bad n1:/srv/x n1:/srv/x force
ok 'one brick inside another'     fails_with 'Brick may be containing or be contained by an existing brick.' volume create bad n1:/srv/x n1:/srv/x/y force
not_ok 'no folder is left'        ls -d "$srv/x"
long=$(printf 'n%.0s' $(seq 240))
ok 'a brick whose name is too long' fails_with 'too long' volume create bad "n1:/srv/$long" force
ok 'so is a volume'               fails_with 'too long' volume create "$long" n1:/srv/x force
ok 'all is as it was'             is_unchanged

many() { # twenty at once, all of one volume
    local i pids=() bad=0
    for i in $(seq 20); do gluster n1 volume set one user.k$i v$i >"$tmp/many.$i" 2>&1 & pids+=($!); done
    for i in "${pids[@]}"; do wait "$i" || bad=1; done
    return $bad
}
ok 'twenty command lines at once' many
is 'each has done its work'       "$(gluster n1 volume info one | grep -c '^user.k')" 20
cut_off() { # a command line that is killed while it waits
    local pid
    on n1 /usr/sbin/gluster --mode=script volume set one user.cut "$1" </dev/null >/dev/null 2>&1 &
    wait_until 20 on n1 pgrep -x gluster >/dev/null
    sleep "0.0$((RANDOM % 9))"
    pid=$(on n1 pgrep -x gluster) && on n1 kill -KILL $pid 2>/dev/null
    wait $!
} 2>/dev/null
for i in 1 2 3 4 5; do cut_off $i; done
ok 'after killed command lines it answers' gluster n1 volume set one user.cut whole
is 'and has what was said last'   "$(gluster n1 volume get one user.cut | awk 'NR == 3 { print $2 }')" whole
ok 'stop'                         gluster n1 volume stop one
is 'no brick runs'                "$(bricks_run)" 0
ok 'stop the daemon'              stop_glusterd n1
on n1 umount /var/lib/glusterd
done_testing
