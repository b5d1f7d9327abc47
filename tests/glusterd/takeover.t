#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A stock daemon's folder with five volumes of different types: served by ours, changed by ours, given back to stock. What the command line says
# of them is the same, the data is there, and nobody had to be told.
NODE_BRICKS=ours NODE_DAEMON=stock
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
must start_nodes 1
must start_glusterd n1
b() { printf "n1:/srv/$1%s " $(seq "$2"); } # name count: bricks
# shellcheck disable=SC2046
{
    must gluster n1 volume create spread $(b s 2) force
    must gluster n1 volume create copies replica 3 $(b c 3) force
    must gluster n1 volume create arbiter replica 3 arbiter 1 $(b a 3) force
    must gluster n1 volume create coded disperse 3 redundancy 1 $(b d 3) force
    must gluster n1 volume create both replica 2 $(b r 4) force
}
volumes='arbiter both coded copies spread'
must gluster n1 volume set spread cluster.min-free-disk 5%
must gluster n1 volume set copies performance.cache-size 64MB
must gluster n1 volume set copies user.note 'some words'
must gluster n1 volume set both cluster.self-heal-daemon off
must gluster n1 volume set all cluster.server-quorum-ratio 51
for v in $volumes; do must gluster n1 volume start $v; done

# Options are a set: stock's daemon turns their order round each time it loads.
info() { gluster n1 volume info | awk '/^Volume Name/ { name = $3 } /^Options Reconfigured/ { on = 1; next } /^ *$/ { on = 0 } on { print name, $0 | "sort"; next } { print name ": " $0 }'; }
online() { gluster n1 volume status all | grep -c '^Brick .* Y '; }
all_online() { [ "$(online)" = 15 ]; }
bricks() { on n1 pgrep -f -- --brick-name | sort -n | xargs; }
change_over() { # daemon
    stop_glusterd n1 && use n1 daemon "$1" && start_glusterd n1
}
write_all() { local v; for v in $volumes; do mount_node n1 $v && echo "$1" >"$(root n1)/mnt/$v/$1" && umount_node n1 $v || return 1; done; }
read_all() { local v; for v in $volumes; do mount_node n1 $v && grep -q "$1" "$(root n1)/mnt/$v/$1" && umount_node n1 $v || return 1; done; }

eventually 60 'all bricks are online'       all_online
ok 'data in each volume'                    write_all one
info >"$tmp/before"; processes=$(bricks)
ok 'ours takes the folder over'             change_over ours
eventually 60 'all bricks are online'       all_online
is 'they are the same processes'            "$(bricks)" "$processes"
info >"$tmp/ours"
ok 'info says the same'                     diff "$tmp/before" "$tmp/ours"
ok 'the data is there'                      read_all one
ok 'more data'                              write_all two
ok 'an option'                              gluster n1 volume set coded disperse.background-heals 4
ok 'another volume'                         gluster n1 volume create more n1:/srv/more force
ok 'one is stopped'                         gluster n1 volume stop spread
ok 'and started'                            gluster n1 volume start spread
info >"$tmp/changed"; processes=$(bricks)
ok 'stock has it back'                      change_over stock
eventually 60 'all bricks are online'       all_online
is 'they are the same processes'            "$(bricks)" "$processes"
info >"$tmp/after"
ok 'info says what ours said'               diff "$tmp/changed" "$tmp/after"
is 'also the new option'                    "$(gluster n1 volume get coded disperse.background-heals | awk 'NR == 3 { print $2 }')" 4
ok 'all data is there'                      read_all two
not_ok 'stock misses nothing of the new volume' grep -E '\] E \[.*vols/more' "$(root n1)/var/log/glusterfs/glusterd.log"
done_testing
