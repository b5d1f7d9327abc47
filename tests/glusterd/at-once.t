#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Much at once under our glusterd: more bricks to start than it has threads, commands that would take each other's folder or identity,
# one that measures for long while the volume is changed; a daemon that comes up and finds some of its bricks running and some not.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
many=40
must start_nodes 1
must start_glusterd n1
store=$(root n1)/var/lib/glusterd
refuses() { # text words of gluster...
    local text=$1 status; shift
    gluster n1 "$@" >"$tmp/said" 2>&1; status=$?
    cat "$tmp/said"
    [ $status = 1 ] && grep -qF -- "$text" "$tmp/said"
}
behind() { gluster n1 "${@:2}" </dev/null >"$tmp/$1.said" 2>&1 & pid=$!; } # name words of gluster...: sets $pid

# ---- a command under way has what it has looked at, before anybody can see it --------------------------------------------------
mkdir -p "$store/hooks/1/create/pre"
cat >"$store/hooks/1/create/pre/S01wait" <<-'HOOK'
	#!/bin/sh
	[ "$1" = --volname=slow ] || exit 0
	touch /run/hook-waits
	while [ ! -e /run/hook-go ]; do sleep 0.05; done
	HOOK
chmod 755 "$store/hooks/1/create/pre/S01wait"
behind create volume create slow n1:/srv/slow force; creates=$pid
eventually 30 'a create is half done'      test -e "$(root n1)/run/hook-waits"
ok 'its folder is no other volume'"'"'s'   refuses 'not available. Brick may be containing' volume create thief n1:/srv/slow force
ok 'nor what is inside of it'              refuses 'not available. Brick may be containing' volume create thief n1:/srv/slow/in force
not_ok 'which leaves no folder'            test -e "$(root n1)/srv/slow/in"
ok 'the identity that it names stays'      refuses 'another command is running' system:: uuid reset
touch "$(root n1)/run/hook-go"
ok 'it comes to its end'                   wait $creates
ok 'and starts'                            gluster n1 volume start slow
ok 'what was refused is no folder of anybody' gluster n1 volume create other n1:/srv/other force
rm "$store/hooks/1/create/pre/S01wait"

# ---- who only asks does not hold the volume ------------------------------------------------------------------------------------
brick=$(brick_at n1 /srv/slow)
must on n1 kill -STOP "$brick"
behind top volume top slow write-perf bs 4096 count 16; measures=$pid
# Somebody has called it, and it does not pick up.
asked() { on n1 ss -xlH | awk '/\/gluster\/[0-9a-f]*\.socket/ && $3 > 0 { n++ } END { exit !n }'; }
eventually 30 'a brick is to measure its disk' asked
ok 'meanwhile its volume is changed'       gluster n1 volume set slow user.a b
not_ok 'while it still measures'           process_gone $measures
must on n1 kill -CONT "$brick"
ok 'it comes to its end'                   wait $measures

# ---- more at once than there are threads: bricks ask the daemon while it waits for them ----------------------------------------
for i in $(seq $many); do echo "volume create v$i n1:/srv/v$i force"; done | on n1 /usr/sbin/gluster --mode=script >"$tmp/created" 2>&1
is 'there are many volumes'                "$(gluster n1 volume list | grep -c '^v')" $many
pids=()
for i in $(seq $many); do behind "start-$i" volume start "v$i"; pids+=($pid); done
ok 'others are answered'                   gluster n1 volume info v1
failed=0; for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
is 'all start, each by a command of its own' $failed 0
[ $failed = 0 ] || cat "$tmp"/start-*.said | sort | uniq -c | diag
online() { [ "$(gluster n1 volume status all 2>/dev/null | grep -c '^Brick n1:/srv/v.* Y ')" = $many ]; }
eventually 60 'and are online'             online

# ---- the daemon comes up: bricks that run are left alone, those that do not are started ----------------------------------------
must mount_node n1 v1
echo data >"$(root n1)/mnt/v1/f"
must stop_glusterd n1 -KILL
left=/run/gluster/v1-replace-brick-mount-abcdef # as if it had told replicate of a brick just then
must on n1 mkdir "$left"
must on n1 mount -t tmpfs gatling-test "$left"
must on n1 touch /run/gluster/v1-replace-brick.vol
bricks() { on n1 pgrep -f -- '--brick-name /srv/v' | sort; }
bricks >"$tmp/before"
awk 'NR % 2' "$tmp/before" | grep -vx "$(brick_at n1 /srv/v1)" >"$tmp/killed"
# shellcheck disable=SC2046
must on n1 kill -KILL $(cat "$tmp/killed")
must on n1 /usr/sbin/glusterd --pid-file=/run/glusterd.pid
listed() { [ "$(gluster n1 volume list 2>/dev/null | grep -c '^v')" = $many ]; }
eventually 60 'it answers'                 listed
not_ok 'what it was busy with is tidied up' on n1 sh -c "ls -d /run/gluster/v1-replace-brick*"
eventually 120 'all bricks are online'     online
bricks >"$tmp/after"
is 'those that ran are the same'           "$(comm -23 "$tmp/before" <(sort "$tmp/killed"))" "$(comm -12 "$tmp/before" "$tmp/after")"
is 'and none is there twice'               "$(wc -l <"$tmp/after")" $many
is 'the mount has not noticed'             "$(cat "$(root n1)/mnt/v1/f")" data
ok 'write'                                 dd if=/dev/zero of="$(root n1)/mnt/v1/g" bs=4k count=4 status=none
ports() { gluster n1 volume status all 2>/dev/null | awk '/^Brick/ { print $3 }' | sort; }
is 'each has a port of its own'            "$(ports | uniq -d)" ''
# What a brick has open: nothing of the daemon's.
brick=$(brick_at n1 "/srv/v$many")
daemons() { on n1 ls -l "/proc/$brick/fd" | grep -E 'glusterd\.(pid|log|socket)|/var/lib/glusterd'; }
is 'no descriptor of the daemon is in a brick' "$(daemons)" ''
ok 'umount'                                umount_node n1 v1
ok 'stop the daemon'                       stop_glusterd n1
done_testing
