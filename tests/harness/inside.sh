# SPDX-License-Identifier: LGPL-3.0-or-later
# What scripts look at inside: profile and top, statedumps, .meta, virtual attributes, the brick's own folder, hooks, a second daemon beside the first.
. "$(dirname "$0")/include.sh"
TEST cleanup
TEST glusterd
hook=$workdir/hooks/1/start/post/S99said.sh
printf '#!/bin/sh\necho "$@" >/run/hook-said\n' >$hook && chmod +x $hook
TEST $CLI volume create $V0 $H0:$B0/${V0}0
TEST $CLI volume set $V0 storage.build-pgfid on
TEST $CLI volume start $V0
EXPECT_WITHIN 10 ".*--volname=$V0.*" cat /run/hook-said
rm -f $hook
TEST glusterfs -s $H0 --volfile-id=$V0 --entry-timeout=0 --attribute-timeout=0 $M0

TEST $CLI volume profile $V0 start
EXPECT on info_field $V0 diagnostics.count-fop-hits
TEST dd if=/dev/zero of=$M0/data bs=64k count=16 conv=fsync
cumulative() { $CLI volume profile $V0 info cumulative | tr -s ' ' | sed -n "s/^ *Data Written: \\([0-9]*\\) bytes.*/\\1/p"; }
EXPECT_WITHIN 10 1048576 cumulative
EXPECT '[1-9][0-9]*' sh -c "$CLI volume profile $V0 info | awk '\$NF == \"WRITE\" { print \$8; exit }'"
TEST sh -c "$CLI volume profile $V0 info incremental | grep -q '^Interval [0-9]* Stats:'"
TEST sh -c "$CLI volume profile $V0 info clear | grep -q 'Cleared stats.'"
TEST $CLI volume profile $V0 stop
TEST sh -c "$CLI volume top $V0 write | grep -q /data"

# State dumps.
TEST $CLI volume statedump $V0
exec 6>>$M0/data # for writing: open-behind lets a file that is only read wait
brick_dump=$(dump_of "$(brick_pid $V0 $B0/${V0}0)")
exec 6<&-
TEST test -s "$brick_dump"
TEST grep -qE '^fd-count=[1-9]' "$brick_dump"
TEST grep -q "gfid=" "$brick_dump"
TEST grep -qE '\.active_size=[0-9]+' "$brick_dump"
TEST grep -qE '\.lru_size=[0-9]+' "$brick_dump"
TEST test -s "$(dump_of "$(mount_pid $V0 $M0)")"
TEST test -s "$(dump_of "$(pidof glusterd)")"

# .meta
EXPECT 1 meta $M0 $V0-client-0 connected
TEST ls $M0/.meta/graphs/active/$V0-client-0/subvolumes
EXPECT "$H0" cat $M0/.meta/graphs/active/$V0-client-0/options/remote-host
TEST grep -q volfile-id $M0/.meta/cmdline
TEST grep -q '"' $M0/.meta/version
EXPECT '[0-9]+' cat $M0/.meta/logging/loglevel
TEST test -e $M0/.meta/frames

# Virtual attributes.
attribute() { getfattr --only-values --absolute-names -n "$1" "$2" | tr -d '\0'; }
TEST mkdir -p $M0/a/b
TEST touch $M0/a/b/c
EXPECT ".*<POSIX\\($B0/${V0}0\\):$H0:$B0/${V0}0/a/b/c>.*" attribute trusted.glusterfs.pathinfo $M0/a/b/c
EXPECT '[0-9a-f]{8}-[0-9a-f-]{27}' attribute glusterfs.gfid.string $M0/a/b/c
EXPECT '/a/b/c' attribute glusterfs.gfidtopath $M0/a/b/c
EXPECT '/a/b/c' attribute glusterfs.ancestry.path $M0/a/b/c
TEST setfattr -n trusted.io-stats-dump -v stats $M0
EXPECT_WITHIN 10 '[1-9][0-9]*' sh -c 'ls /var/run/gluster/stats* | wc -l'

# On the brick itself.
gfid=$(attribute glusterfs.gfid.string $M0/a/b/c)
TEST test $B0/${V0}0/.glusterfs/${gfid:0:2}/${gfid:2:2}/$gfid -ef $B0/${V0}0/a/b/c
EXPECT "0x${gfid//-/}" sh -c "getfattr --absolute-names -e hex -n trusted.gfid $B0/${V0}0/a/b/c | sed -n 's/^trusted.gfid=//p'"
TEST getfattr --absolute-names -n trusted.glusterfs.volume-id $B0/${V0}0
TEST sh -c "getfattr --absolute-names -m trusted.gfid2path -d $B0/${V0}0/a/b/c | grep -q trusted.gfid2path"
TEST sh -c "getfattr --absolute-names -m trusted.pgfid -d $B0/${V0}0/a/b/c | grep -q trusted.pgfid"
TEST getfattr --absolute-names -n trusted.glusterfs.mdata $B0/${V0}0/a/b/c
TEST test -d $B0/${V0}0/.glusterfs/unlink
TEST test -d $B0/${V0}0/.glusterfs/landfill

# Locks, barrier, logs.
TEST $CLI volume barrier $V0 enable
TEST $CLI volume barrier $V0 disable
TEST $CLI volume clear-locks $V0 / kind all entry
TEST $CLI volume log $V0 rotate $H0:$B0/${V0}0
TEST sh -c "ls $logdir/bricks/ | grep -q srv-${V0}0.log"
TEST grep -qE ' [IWED] ' $logdir/bricks/srv-${V0}0.log
TEST test -s $logdir/mnt-m0.log

TEST umount $M0
TEST cleanup

# Two daemons on one machine, each with folders and an address of its own, as scripts for several nodes start them.
node() { # number: the words that make it
    local name dir=$B0/node$1
    mkdir -p $dir/gd $dir/log
    echo "--pid-file=$dir/gd.pid --log-file=$dir/log/gd.log --xlator-option management.transport.socket.bind-address=127.1.1.$1"
    for name in working-directory=$dir/gd run-directory=$dir/run logging-directory=$dir/log glusterd-sockfile=$dir/gd/gd.sock; do
        echo "--xlator-option management.$name"
    done
}
of() { local n=$1; shift; gluster --mode=script --glusterd-sock=$B0/node$n/gd/gd.sock "$@"; } # number words
online() { of "$1" --xml volume status "$2" | xml 'count(//node[status=1])'; }
for n in 1 2; do
    TEST glusterd $(node $n)
    EXPECT_WITHIN 20 1 sh -c "gluster --glusterd-sock=$B0/node$n/gd/gd.sock pool list | grep -cE '^[0-9a-f-]{36}[[:space:]]+localhost[[:space:]]+Connected'"
    TEST of $n volume create $V0 127.1.1.$n:$B0/node$n/b force
    TEST of $n volume start $V0
    EXPECT_WITHIN 20 1 online $n $V0
done
TEST glusterfs -s 127.1.1.1 --volfile-id=$V0 $M0
TEST glusterfs -s 127.1.1.2 --volfile-id=$V0 $M1
TEST touch $M0/one
TEST touch $M1/two
TEST test -e $B0/node1/b/one
TEST test -e $B0/node2/b/two
TEST umount $M0
TEST umount $M1
for n in 1 2; do
    TEST of $n volume stop $V0
    TEST kill "$(cat $B0/node$n/gd.pid)"
done
TEST cleanup
exit $((failures != 0))
