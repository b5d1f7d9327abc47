#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# What our glusterd does beside volumes: hook scripts (order, words, environment, before and after, one that hangs), option groups, get-state, a
# new identity, and one sentence for each thing that it does not have.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock root
must start_nodes 1
hooks=$(root n1)/var/lib/glusterd/hooks/1
groups=$(root n1)/var/lib/glusterd/groups
rm -rf "$hooks" "${groups:?}"/virt
must start_glusterd n1

says_and_ends() { # status text words of gluster...
    local want=$1 text=$2 status; shift 2
    gluster n1 "$@" >"$tmp/said" 2>&1; status=$?
    cat "$tmp/said"
    [ $status = "$want" ] && grep -qF -- "$text" "$tmp/said"
}
refuses() { says_and_ends 1 "$@"; } # text words...

# ---- before there is a volume ------------------------------------------------------------------------------------------------
id() { gluster n1 system:: uuid get; }
before=$(id)
ok 'a new identity'                        gluster n1 --mode=script system:: uuid reset
not_ok 'is another one'                    test "$before" = "$(id)"

# ---- hooks -----------------------------------------------------------------------------------------------------------------------
is 'folders of all events are there'       "$(cd "$hooks" && echo */p*)" \
    "$(for e in add-brick create delete gsync-create remove-brick reset set start stop; do echo $e/post $e/pre; done | xargs)"
is 'and a group that was missing'          "$(grep -c = "$groups/virt")" 25
log=$(root n1)/srv/hooked
script() { # file
    mkdir -p "${1%/*}"
    cat >"$1" <<-'SCRIPT'
	#!/bin/sh
	echo "${0##*/1/} $* [$GLUSTERD_WORKDIR $_GLUSTERD_CALLED_ $(readlink /proc/self/fd/0)]" >>/srv/hooked
	echo said by a script
	SCRIPT
    chmod +x "$1"
}
for event in create start set reset stop delete; do script "$hooks/$event/pre/S10a"; script "$hooks/$event/post/S20b"; done
script "$hooks/create/pre/S09first"
printf '#!/bin/sh\nls -l /proc/self/fd >/srv/fds\n' >"$hooks/create/pre/S12fds"; chmod +x "$hooks/create/pre/S12fds"
script "$hooks/create/pre/K01never"
script "$hooks/create/pre/S50.rpmsave"
printf 'not a program\n' >"$hooks/create/pre/S11broken"
must gluster n1 volume create h n1:/srv/h force
must gluster n1 volume start h
must gluster n1 volume set h user.color 'light blue' cache-size 64MB
must gluster n1 volume reset h
must gluster n1 volume stop h
must gluster n1 volume delete h
ends_with_delete() { tail -n 1 "$log" | grep -q '^delete/post'; }
eventually 20 'the last one runs'          ends_with_delete
in=' [/var/lib/glusterd 1 /dev/null]'
is 'all have run, in order, with their words' "$(cat "$log")" "create/pre/S09first --volname=h$in
create/pre/S10a --volname=h$in
create/post/S20b --volname=h$in
start/pre/S10a --volname=h --first=yes --version=1 --volume-op=start --gd-workdir=/var/lib/glusterd$in
start/post/S20b --volname=h --first=yes --version=1 --volume-op=start --gd-workdir=/var/lib/glusterd$in
set/pre/S10a --volname=h -o user.color=light blue cache-size=64MB --gd-workdir=/var/lib/glusterd$in
set/post/S20b --volname=h -o user.color=light blue cache-size=64MB --gd-workdir=/var/lib/glusterd$in
reset/pre/S10a --volname=h --version=1 --volume-op=reset --gd-workdir=/var/lib/glusterd$in
reset/post/S20b --volname=h --version=1 --volume-op=reset --gd-workdir=/var/lib/glusterd$in
stop/pre/S10a --volname=h --last=yes$in
stop/post/S20b --volname=h --last=yes$in
delete/pre/S10a --volname=h$in
delete/post/S20b --volname=h$in"
gdlog=$(root n1)/var/log/glusterfs/glusterd.log
ok 'what one says is logged'               says "$gdlog" 'S10a: said by a script'
ok 'and that one cannot be run'            says "$gdlog" 'S11broken: cannot be run'
not_ok 'it has no socket, event loop or log of ours' grep -E 'socket|anon_inode|glusterd.log|pidfd' "$(root n1)/srv/fds"
rm -rf "$hooks"; mkdir -p "$hooks/set/post" "$hooks/create/post"
# A post script that hangs: the command has its answer, other volumes' scripts run, and so do other commands of its own volume.
printf '#!/bin/sh\n[ "$1" = --volname=one ] && sleep 1000\necho $1 >>/srv/later\n' >"$hooks/set/post/S1"; chmod +x "$hooks/set/post/S1"
must gluster n1 volume create one n1:/srv/one force
must gluster n1 volume create two n1:/srv/two force
ok 'a set whose post script hangs'         gluster n1 volume set one user.a b
ok 'one of another volume'                 gluster n1 volume set two user.a b
eventually 20 'whose script runs meanwhile' says "$(root n1)/srv/later" '^--volname=two$'
ok 'a group is set'                        gluster n1 volume set two group metadata-cache
is 'with all its pairs'                    "$(gluster n1 volume info two | grep -cE '^(performance|network|features)')" 6
ok 'the daemon ends all the same'          stop_glusterd n1
rm -rf "$hooks/set"
must start_glusterd n1

# ---- get-state --------------------------------------------------------------------------------------------------------------------
must gluster n1 volume start two
state() { gluster n1 get-state "$@" 2>"$tmp/state.err" | sed -n "s,^glusterd state dumped to \(/var\)*,,p"; } # /var/run is a link
file=$(root n1)$(state)
shape() { sed -E 's/[0-9a-f]{8}-[0-9a-f-]{27}/ID/; s/[0-9]+Bytes/NBytes/; s/port: [0-9]+/port: N/' "$1"; }
is 'it has the sections'                   "$(grep '^\[' "$file" | xargs)" '[Global] [Global options] [Peers] [Volumes] [Services] [Misc]'
is 'and the volume'                        "$(shape "$file" | grep '^Volume2' | grep -v options)" 'Volume2.name: two
Volume2.id: ID
Volume2.type: Distribute
Volume2.transport_type: tcp
Volume2.status: Started
Volume2.profile_enabled: 0
Volume2.brickcount: 1
Volume2.Brick1.path: n1:/srv/two
Volume2.Brick1.hostname: n1
Volume2.Brick1.port: N
Volume2.Brick1.rdma_port: N
Volume2.Brick1.port_registered: 1
Volume2.Brick1.status: Started
Volume2.Brick1.spacefree: NBytes
Volume2.Brick1.spacetotal: NBytes
Volume2.snap_count: 0
Volume2.stripe_count: 1
Volume2.replica_count: 1
Volume2.subvol_count: 1
Volume2.arbiter_count: 0
Volume2.disperse_count: 0
Volume2.redundancy_count: 0
Volume2.quorum_status: not_applicable
Volume2.snapd_svc.online_status: Offline
Volume2.snapd_svc.inited: False
Volume2.rebalance.id: ID
Volume2.rebalance.status: not_started
Volume2.rebalance.failures: 0
Volume2.rebalance.skipped: 0
Volume2.rebalance.lookedup: 0
Volume2.rebalance.files: 0
Volume2.rebalance.data: NBytes
Volume2.time_left: 0
Volume2.shd_svc.online_status: Offline
Volume2.shd_svc.inited: False
Volume2.gsync_count: 0'
ok 'with the clients'                      says "$(root n1)$(state detail)" '^Volume2.Brick1.client_count: 0'
ok 'or with all options'                   says "$(root n1)$(state volumeoptions)" '^Volume2.options.key300: '
is 'to a file of that name'                "$(state glusterd odir /srv file here)" /srv/here
ok 'to no folder'                          refuses 'Output directory /nowhere does not exist.' get-state glusterd odir /nowhere
ok 'to a file in the place of a folder'    refuses 'Output directory does not exist. /etc/hosts points to a file.' get-state glusterd odir /etc/hosts

# ---- what is not built, or not on one machine -----------------------------------------------------------------------------------------
ok 'no new identity with volumes'          refuses 'volumes are already present in the cluster. Resetting uuid is not allowed' system:: uuid reset
ok 'peer probe'                            refuses "pools are run by GlusterFS's own glusterd, which starts our bricks: see doc/pools.md" peer probe n9
ok 'of this machine'                       says_and_ends 0 'Probe on localhost not needed' peer probe n1
ok 'peer detach'                           refuses 'n9 is not part of cluster' peer detach n9
ok 'of this machine'                       refuses 'n1 is localhost' peer detach n1
ok 'peer status'                           says_and_ends 0 'Number of Peers: 0' peer status
ok 'pool list'                             says_and_ends 0 localhost pool list
ok 'volume sync'                           refuses 'n9, is not a friend' volume sync n9 all
ok 'quota enable'                          refuses 'this build does not have quota' volume quota two enable
ok 'quota list'                            says_and_ends 2 'Quota is disabled, please enable quota' volume quota two list
ok 'inode-quota'                           refuses 'this build does not have quota' volume inode-quota two enable
ok 'bitrot enable'                         refuses 'this build does not have bit-rot detection' volume bitrot two enable
ok 'bitrot scrub'                          refuses 'Bitrot is not enabled on volume two' volume bitrot two scrub pause
ok 'of no volume'                          refuses 'Volume none does not exist' volume bitrot none enable
ok 'snapshot'                              refuses 'this build does not have snapshots' snapshot create s two
ok 'snapshot list'                         refuses 'this build does not have snapshots' snapshot list
ok 'nfs-ganesha'                           refuses 'NFS-Ganesha' nfs-ganesha enable
ok 'geo-replication'                       refuses 'geo-replication command failed' volume geo-replication two status
ok 'mount broker'                          says_and_ends 1 '' system:: mount a b
ok 'fsm log'                               says_and_ends 0 'No transitions' system:: fsm log
ok 'of a peer'                             refuses 'n9 is not a peer' system:: fsm log n9
ok 'the volume is none the worse'          says_and_ends 0 'Brick n1:/srv/two' volume status two
ok 'getspec'                               says_and_ends 0 'type protocol/client' system:: getspec two
done_testing
