#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our glusterd under GlusterFS's own command line and clients: a volume's life; the daemon killed and back; a brick killed and started again;
# a create that fails leaves nothing; a login goes to no other machine; stock's daemon takes the folder over and gives it back.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
must start_nodes 2
must start_glusterd n1
on n2 rm -f /etc/glusterfs/glusterd.vol
ok 'a daemon without a volume file' start_glusterd n2
srv=$(root n1)/srv mnt=$(root n1)/mnt/one

fails_with() { # text words of gluster...
    local text=$1 status; shift
    gluster n1 "$@" >"$tmp/said" 2>&1; status=$?
    cat "$tmp/said"
    [ $status = 1 ] && grep -qF -- "$text" "$tmp/said"
}
line_of() { gluster n1 volume status "$1" | grep "^Brick n1:$2 "; }
is_online() { line_of "$1" "$2" | grep -q ' Y '; }
is_offline() { line_of "$1" "$2" | grep -q ' N '; }

ok 'create'                       gluster n1 volume create one n1:/srv/one force
ok 'its brick is marked'          getfattr -n trusted.glusterfs.volume-id "$srv/one"
ok 'start'                        gluster n1 volume start one
ok 'it is online'                 is_online one /srv/one
ok 'stock mounts it by name'      mount_node n1 one
ok 'write'                        dd if=/dev/urandom of="$mnt/f" bs=64k count=64 status=none
ok 'set an option'                gluster n1 volume set one cache-size 64MB
is 'it shows under its full name' "$(gluster n1 volume get one cache-size | awk 'NR == 3 { print $1, $2 }')" 'performance.cache-size 64MB'
ok 'set one that changes the graph' gluster n1 volume set one performance.io-cache on
ok 'the client has gone over'     wait_until 30 says "$(root n1)/var/log/glusterfs/mnt-one.log" 'performance/io-cache'
ok 'and reads on'                 cmp "$mnt/f" "$srv/one/f"
ok 'what is out of range is refused' fails_with "'5000' in 'option ping-timeout 5000' is out of range [0 - 1013]" volume set one network.ping-timeout 5000
ok 'also of a translator that is in no graph' fails_with 'out of range' volume set one features.shard-block-size 5
ok 'an unknown option is'         fails_with 'Did you mean cluster.lookup-optimize?' volume set one cluster.lookup-optimiz on
ok 'a started volume is not deleted' fails_with 'Volume one has been started.Volume needs to be stopped before deletion.' volume delete one

ok 'any loopback address is this machine' gluster n1 volume create loop 127.0.1.1:/srv/loop force
ok 'delete that one'              gluster n1 volume delete loop
echo 'not a folder' >"$srv/file"
ok 'create with a brick that is none' fails_with 'is not a directory' volume create bad n1:/srv/good n1:/srv/file force
not_ok 'leaves no folder behind'  ls -d "$srv/good"
ok 'one with a path of another volume' fails_with 'Brick may be containing or be contained by an existing brick.' volume create bad n1:/srv/one/sub force
not_ok 'leaves none either'       ls -d "$srv/one/sub"
is 'there is the one volume'      "$(gluster n1 volume list)" one

before=$(line_of one /srv/one)
ok 'kill the daemon'              stop_glusterd n1 -KILL
ok 'the mount works on'           cmp "$mnt/f" "$srv/one/f"
ok 'start it again'               start_glusterd n1
eventually 30 'it finds the brick' is_online one /srv/one
is 'which is the same process'    "$(line_of one /srv/one)" "$before"
socket_of() { on n1 cat "/proc/$(brick_at n1 "$1")/cmdline" | tr '\0' '\n' | grep '\.socket$'; }
attach=(on n1 env "GATLING_TRANSPORT_DIR=$build/rpc/transport/socket/.libs" "$build/cli/gf_attach")
ok 'gf_attach for a brick of another path' "${attach[@]}" -d "$(socket_of /srv/one)" /srv/none
ok 'changes nothing'              is_online one /srv/one
ok 'and ends this one'            "${attach[@]}" -d "$(socket_of /srv/one)" /srv/one
eventually 30 'which is seen'     is_offline one /srv/one
ok 'start force'                  gluster n1 volume start one force
ok 'it is back'                   is_online one /srv/one
ok 'kill the brick'               kill_brick n1 /srv/one
eventually 30 'it is seen to be gone' is_offline one /srv/one
ok 'start force'                  gluster n1 volume start one force
ok 'it is back'                   is_online one /srv/one
eventually 60 'and the mount with it' cmp "$mnt/f" "$srv/one/f"

getspec() { on n2 timeout 60 /usr/sbin/gluster --mode=script --remote-host=n1 system:: getspec "$1" </dev/null; }
use n2 cli stock
ok 'another machine may have the client file' getspec one
not_ok "but not a brick's, with the login" getspec one.n1.srv-one
not_ok 'nor leave the folder'     getspec ../../glusterd.info

ok 'umount'                       umount_node n1 one
info=$(gluster n1 volume info | sort) # stock turns the order of options round when it loads them
ok 'stop the daemon'              stop_glusterd n1
use n1 daemon stock
ok "stock's daemon takes over"    start_glusterd n1
is 'and tells the same'           "$(gluster n1 volume info | sort)" "$info"
eventually 30 'with the same brick' is_online one /srv/one
ok 'it stops it'                  gluster n1 volume stop one
ok 'and starts it'                gluster n1 volume start one
ok 'stop it'                      stop_glusterd n1
use n1 daemon ours
ok 'ours has it back'             start_glusterd n1
is 'and tells the same'           "$(gluster n1 volume info | sort)" "$info"
eventually 30 'with the brick that stock has started' is_online one /srv/one
ok 'stop the volume'              gluster n1 volume stop one
is 'no brick runs'                "$(brick_at n1 /srv/one)" ''
ok 'delete it'                    gluster n1 volume delete one
is 'there is none'                "$(gluster n1 volume list 2>&1)" 'No volumes present in cluster'
ok 'stop the daemon'              stop_glusterd n1
done_testing
