# SPDX-License-Identifier: LGPL-3.0-or-later
# Volumes of several bricks on one machine, as most scripts make them: the distribution's client carries replicate and disperse, the rest is ours.
. "$(dirname "$0")/include.sh"
bricks() { seq -s ' ' -f "$H0:$B0/${V0}%g" 0 "$1"; } # highest number
TEST cleanup
TEST glusterd
TEST $CLI volume create $V0 replica 3 $(bricks 5)
EXPECT Distributed-Replicate info_field $V0 Type
EXPECT '2 x 3 = 6' info_field $V0 'Number of Bricks'
TEST $CLI volume set $V0 cluster.self-heal-daemon on
TEST $CLI volume start $V0
EXPECT_WITHIN 20 6 online_bricks $V0
EXPECT_WITHIN 20 Y shd_online $V0
TEST kill -0 "$(shd_pid $V0)"
TEST sh -c "ps auxww | grep -v grep | grep -q -- '--process-name glustershd'"
EXPECT 3 sh -c "$CLI volume info $V0 --xml | xmllint --xpath 'string(//replicaCount)' -"
EXPECT 6 sh -c "$CLI volume info $V0 --xml | xmllint --xpath 'string(//brickCount)' -"
EXPECT 2 sh -c "$CLI volume info $V0 --xml | xmllint --xpath 'string(//distCount)' -"
EXPECT 6 sh -c "$CLI volume info $V0 --xml | xmllint --xpath 'count(//brick[@uuid])' -"
TEST glusterfs -s $H0 --volfile-id=$V0 --entry-timeout=0 --attribute-timeout=0 $M0
up() { meta $M0 $V0-replicate-0 "child_up\\[$1\\]"; }
EXPECT_WITHIN 20 1 up 0
EXPECT_WITHIN 20 1 up 2
EXPECT_WITHIN 20 1 meta $M0 $V0-client-0 connected
TEST mkdir $M0/dir
for n in 1 2 3 4 5 6; do TEST sh -c "echo one >$M0/dir/f$n"; done
TEST kill_brick $V0 $B0/${V0}0
EXPECT_WITHIN 10 5 online_bricks $V0
EXPECT_WITHIN 20 0 up 0
for n in 1 2 3 4 5 6; do TEST sh -c "echo two >$M0/dir/f$n"; done
TEST sh -c "ls $B0/${V0}1/.glusterfs/indices/xattrop | grep -qv '^xattrop-'"
EXPECT '[1-9][0-9]*' heal_entries $V0
TEST $CLI volume start $V0 force
EXPECT_WITHIN 20 6 online_bricks $V0
EXPECT_WITHIN 30 1 up 0
EXPECT_WITHIN 20 Y shd_online $V0
EXPECT_WITHIN 60 'Launching heal operation.*success.*' sh -c "$CLI volume heal $V0 2>&1 | tr '\n' ' '"
EXPECT_WITHIN 120 0 heal_entries $V0
same_everywhere() { cat $B0/${V0}[012]/dir/* | sort | uniq -c | tr -s ' '; }
EXPECT ' [0-9]+ two' same_everywhere
EXPECT '0' sh -c "$CLI volume heal $V0 info split-brain | awk '/in split-brain: / { n += \$5 } END { print n + 0 }'"
TEST umount $M0
TEST $CLI volume stop $V0
TEST $CLI volume delete $V0

# Arbiter and disperse.
TEST $CLI volume create $V0 replica 2 arbiter 1 $H0:$B0/a{0,1,2}
EXPECT '1 x \(2 \+ 1\) = 3' info_field $V0 'Number of Bricks'
EXPECT 1 sh -c "$CLI volume info $V0 --xml | xmllint --xpath 'string(//arbiterCount)' -"
TEST $CLI volume create $V1 disperse 3 redundancy 1 $H0:$B0/e{0,1,2}
EXPECT '1 x \(2 \+ 1\) = 3' info_field $V1 'Number of Bricks'
EXPECT 1 sh -c "$CLI volume info $V1 --xml | xmllint --xpath 'string(//redundancyCount)' -"
TEST $CLI volume start $V0
TEST $CLI volume start $V1
EXPECT_WITHIN 20 3 online_bricks $V0
EXPECT_WITHIN 20 3 online_bricks $V1
TEST glusterfs -s $H0 --volfile-id=$V0 $M0
TEST glusterfs -s $H0 --volfile-id=$V1 $M1
EXPECT_WITHIN 20 3 meta $M1 $V1-disperse-0 childs_up
TEST sh -c "echo hello >$M0/f && echo hello >$M1/f"
EXPECT_WITHIN 5 hello cat $B0/a0/f
EXPECT '0' stat -c %s $B0/a2/f
TEST kill_brick $V1 $B0/e1
EXPECT_WITHIN 20 2 meta $M1 $V1-disperse-0 childs_up
EXPECT hello cat $M1/f
TEST umount $M0
TEST umount $M1
TEST $CLI volume stop $V0
TEST $CLI volume stop $V1
TEST $CLI volume delete $V0
TEST $CLI volume delete $V1

# Bricks come and go.
TEST $CLI volume create $V0 $H0:$B0/d0 $H0:$B0/d1
TEST $CLI volume start $V0
TEST glusterfs -s $H0 --volfile-id=$V0 $M0
for n in $(seq 40); do echo $n >$M0/file$n; done
TEST $CLI volume add-brick $V0 $H0:$B0/d2
EXPECT 3 info_field $V0 'Number of Bricks'
TEST $CLI volume rebalance $V0 start
state() { $CLI volume rebalance $V0 status | awk 'NR >= 3 && $1 == "localhost" { print $7 }'; }
EXPECT_WITHIN 60 completed state
TEST sh -c "ls $B0/d2 | grep -q file"
TEST $CLI volume remove-brick $V0 $H0:$B0/d0 start
leaving() { $CLI volume remove-brick $V0 $H0:$B0/d0 status | awk 'NR >= 3 && $1 == "localhost" { print $7 }'; }
EXPECT_WITHIN 60 completed leaving
TEST $CLI volume remove-brick $V0 $H0:$B0/d0 commit
EXPECT 2 info_field $V0 'Number of Bricks'
EXPECT 40 sh -c "ls $M0 | grep -c file"
EXPECT 820 sh -c "cat $M0/file* | paste -sd+ | bc"
TEST ! $CLI volume remove-brick no-such $H0:$B0/d0 start
TEST umount $M0
TEST cleanup
exit $((failures != 0))
