#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our glusterd is killed at a moment of chance while commands run, over and over: what it had said is so; what it had not come to say has happened
# as a whole or not at all; bricks and mounts have not noticed. 20 times; with FULL 200.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
must start_nodes 1
must start_glusterd n1
srv=$(root n1)/srv mnt=$(root n1)/mnt/keep
log=$(root n1)/var/log/glusterfs/glusterd.log
rounds=$([ -n "$FULL" ] && echo 200 || echo 20)
RANDOM=$$
echo "seed $$" | diag

must gluster n1 volume create keep n1:/srv/keep force
must gluster n1 volume start keep
must mount_node n1 keep
echo data >"$mnt/f"
brick=$(brick_at n1 /srv/keep)

# Words that have been answered with success are in $tmp/said, those that may have happened in $tmp/asked.
work() {
    local i=0 step
    step=$(last said set)
    while :; do
        i=$((i + 1)) step=$((step + 1))
        run set "$step" volume set keep user.step "$step" || return
        case $((i % 6)) in
        0) run made yes volume create other n1:/srv/o1 force || return ;;
        1) run on yes volume start other || return ;;
        2) run bricks 2 volume add-brick other n1:/srv/o2 force || return ;;
        3) run bricks 1 volume remove-brick other n1:/srv/o2 force || return ;;
        4) run on no volume stop other || return ;;
        5) run made no volume delete other || return; rm -rf "$srv"/o[12] ;;
        esac
    done
}
run() { # fact value words...
    echo "$1 $2" >>"$tmp/asked"
    timeout -k 1 60 nsenter -t "${node_pid[n1]}" -m -n -p -u -i -- /usr/sbin/gluster --mode=script "${@:3}" </dev/null >"$tmp/answer" 2>&1 || return 1
    echo "$1 $2" >>"$tmp/said"
}
last() { awk -v f="$2" '$1 == f { v = $2 } END { print v }' "$tmp/$1"; } # file fact
step_is_right() {
    local now
    now=$(gluster n1 volume get keep user.step | awk 'NR == 3 { print $2 }')
    echo "step $now, said $(last said set), asked $(last asked set)"
    [ "$now" = "$(last said set)" ] || [ "$now" = "$(last asked set)" ]
}
# The other volume: it is whole or not there, and can be got rid of.
other_is_whole() {
    local n
    if ! gluster n1 volume list | grep -qx other; then
        [ ! -e "$(root n1)/var/lib/glusterd/vols/other" ]
        return
    fi
    n=$(gluster n1 volume info other | grep -cE '^Brick[0-9]+:')
    [ "$n" = 1 ] || [ "$n" = 2 ] || return 1
    [ "$n" = "$(ls "$(root n1)/var/lib/glusterd/vols/other/bricks" | grep -c '^n1')" ] || [ "$n" = 1 ] || return 1
    gluster n1 volume stop other force >/dev/null 2>&1
    gluster n1 volume delete other && rm -rf "$srv"/o[12]
}
none_left_over() { [ -z "$(brick_at n1 /srv/o1)$(brick_at n1 /srv/o2)" ]; }
round() {
    local worker
    : >"$tmp/asked"; : >"$tmp/said"
    echo "set $(gluster n1 volume get keep user.step 2>/dev/null | awk 'NR == 3 { print $2 }')" | tee "$tmp/said" >"$tmp/asked"
    work & worker=$!
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    stop_glusterd n1 -KILL || return 1
    wait $worker
    [ "$(cat "$mnt/f")" = data ] || { echo 'the mount has lost its file'; return 1; }
    start_glusterd n1 || { echo 'it does not come up'; return 1; }
    grep -n 'is not served' "$log" && return 1
    step_is_right && other_is_whole || { cat "$tmp/asked" "$tmp/answer"; return 1; }
    wait_until 30 none_left_over || { echo 'a brick of the other volume runs'; return 1; }
    [ "$(brick_at n1 /srv/keep)" = "$brick" ] || { echo 'the brick is another process'; return 1; }
}
must gluster n1 volume set keep user.step 0
good=0
for i in $(seq "$rounds"); do
    if round >"$tmp/out" 2>&1; then good=$((good + 1)); else diag <"$tmp/out"; break; fi
done
is 'killed so many times, and all was right' "$good" "$rounds"
not_ok 'commands were under way'  [ "$(gluster n1 volume get keep user.step | awk 'NR == 3 { print $2 }')" -le 2 ]
ok 'the brick is online'          bricks_online n1 keep 1
ok 'write'                        dd if=/dev/zero of="$mnt/g" bs=4k count=4 status=none
ok 'umount'                       umount_node n1 keep
ok 'stop the volume'              gluster n1 volume stop keep
ok 'stop the daemon'              stop_glusterd n1
done_testing
