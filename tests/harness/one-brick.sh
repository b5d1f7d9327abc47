# SPDX-License-Identifier: LGPL-3.0-or-later
# One brick, from nothing to nothing: programs found through PATH, names of processes, text and files that scripts read.
. "$(dirname "$0")/include.sh"
TEST test -d "$statedumpdir"
TEST test -d "$logdir"
TEST cleanup
TEST glusterd
TEST pidof glusterd
EXPECT 1 count '^glusterd$'
TEST $CLI volume create $V0 $H0:$B0/${V0}1
EXPECT $V0 info_field $V0 'Volume Name'
EXPECT Created info_field $V0 Status
EXPECT Distribute info_field $V0 Type
EXPECT 1 info_field $V0 'Number of Bricks'
EXPECT "$H0:$B0/${V0}1" info_field $V0 Brick1
TEST ! $CLI volume create $V0 $H0:$B0/other
TEST $CLI v start $V0
EXPECT Started info_field $V0 Status
TEST ! $CLI volume start $V0
EXPECT_WITHIN 20 1 online_bricks $V0
EXPECT 1 brick_online $V0 $H0 $B0/${V0}1
EXPECT '[0-9]+' port_column $V0 $B0/${V0}1
TEST pidof glusterfsd
TEST kill -0 "$(brick_pid $V0 $B0/${V0}1)"
TEST test -e $workdir/vols/$V0/$V0.$H0.srv-${V0}1.vol
TEST grep -q 'type protocol/server' $workdir/vols/$V0/$V0.$H0.srv-${V0}1.vol
TEST grep -q 'option remote-subvolume' $workdir/vols/$V0/$V0.tcp-fuse.vol
TEST test -e $workdir/vols/$V0/trusted-$V0.tcp-fuse.vol
TEST grep -q "^UUID=" $workdir/glusterd.info
TEST grep -q "volume create $V0 .*: SUCCESS" "$logdir/cmd_history.log"

TEST $CLI volume set $V0 open-behind off
EXPECT off info_field $V0 performance.open-behind
EXPECT off get_option $V0 performance.open-behind
TEST $CLI volume set $V0 diagnostics.client-log-level DEBUG
TEST ! $CLI volume set $V0 no.such.option on
TEST $CLI volume reset $V0 open-behind
EXPECT on get_option $V0 performance.open-behind
EXPECT '[1-9][0-9]+' sh -c "$CLI volume set help | grep -c '^Option: '"

# Every way to give the same mount.
TEST glusterfs --volfile-server=$H0 --volfile-id=$V0 $M0
EXPECT 1 mounted $M0
EXPECT "$H0:$V0" sh -c "df --output=source $M0 | tail -n 1"
EXPECT '[0-9]+' mount_pid $V0 $M0
TEST sh -c "echo hello >$M0/f"
EXPECT_WITHIN 5 hello cat $B0/${V0}1/f # flush-behind: soon
TEST umount $M0
EXPECT_WITHIN 5 '' mount_pid $V0 $M0
TEST glusterfs -s $H0 --volfile-id=/$V0 $M0 --entry-timeout=0 --attribute-timeout=0 --direct-io-mode=yes
EXPECT hello cat $M0/f
TEST umount $M0
TEST glusterfs --acl --selinux --entry-timeout=0 --attribute-timeout=0 -s $H0 --volfile-id $V0 --xlator-option '*.ping-timeout=20' --use-readdirp=no $M0
TEST setfacl -m u:65534:r $M0/f
TEST sh -c "getfacl -c $M0/f | grep -qx user:nobody:r--"
TEST umount $M0
TEST glusterfs -f $workdir/vols/$V0/$V0.tcp-fuse.vol $M0 --lru-limit=100 --gid-timeout=1 --reader-thread-count=2 --event-history=on --oom-score-adj=10 --no-root-squash
EXPECT hello cat $M0/f
TEST umount $M0
TEST mkdir $B0/${V0}1/none
TEST glusterfs -s $H0 --volfile-id=$V0 --aux-gfid-mount --resolve-gids --log-level=DEBUG --log-file="$logdir/aux.log" --volume-name=$V0-client-0 $M0
TEST grep -q . "$logdir/aux.log"
gfid() { getfattr --only-values -n glusterfs.gfid.string $M0/f; }
EXPECT '[0-9a-f-]{36}' gfid
EXPECT hello cat "$M0/.gfid/$(gfid)"
TEST umount $M0
TEST mount -t glusterfs $H0:$V0 $M0
EXPECT "$H0:$V0" sh -c "df --output=source $M0 | tail -n 1"
TEST umount $M0
TEST mount -t glusterfs $H0:/$V0 $M0
EXPECT "$H0:/$V0" sh -c "df --output=source $M0 | tail -n 1"
TEST mkdir -p $M0/d/e
TEST umount $M0
TEST $CLI volume set $V0 auth.allow '*'
TEST glusterfs -s $H0 --volfile-id=$V0 --subdir-mount=/d $M0
EXPECT e ls $M0
EXPECT 1 mounted $M0
TEST umount $M0

# A brick goes as harnesses let it go, and comes back.
TEST kill_brick $V0 $B0/${V0}1
EXPECT_WITHIN 10 0 brick_online $V0 $H0 $B0/${V0}1
EXPECT N/A port_column $V0 $B0/${V0}1
EXPECT_WITHIN 10 0 sh -c 'pgrep -c "^glusterfsd$"; true'
TEST $CLI volume start $V0 force
EXPECT_WITHIN 20 1 brick_online $V0 $H0 $B0/${V0}1

# The daemon goes; bricks stay.
TEST killall glusterd
EXPECT_WITHIN 5 0 sh -c 'pgrep -c "^glusterd$"; true'
EXPECT 1 count '^glusterfsd$'
TEST glusterd -LDEBUG
EXPECT_WITHIN 20 1 online_bricks $V0
EXPECT 1 count '^glusterfsd$'

# Helper functions run inside pipes: whoever holds the pipe's end would be waited for.
TEST timeout 20 sh -c 'gluster --mode=script volume stop patchy | cat; gluster --mode=script volume start patchy | cat'
EXPECT_WITHIN 20 1 online_bricks $V0
TEST sh -c "echo 'volume info $V0' | gluster --mode=script | grep -q 'Volume Name: $V0'"
EXPECT "$workdir" sh -c "$CLI system:: getwd"
TEST sh -c "$CLI system getspec $V0 | grep -q 'volume $V0-client-0'"
TEST $CLI get-state
TEST $CLI volume stop $V0
EXPECT Stopped info_field $V0 Status
EXPECT_WITHIN 10 0 sh -c 'pgrep -c "^glusterfsd$"; true'
TEST $CLI volume delete $V0
TEST ! $CLI volume info $V0
TEST cleanup
exit $((failures != 0))
