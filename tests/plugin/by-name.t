#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# The transport chosen by its name beside stock's socket.so: glusterd takes `option transport-type gatling` for its own port; bricks and clients
# check the option against lists of their own, and refuse it in words.
. "$(dirname "$0")/../lib.sh"
BRICK=stock
. "$top/tests/cluster.sh"
. "$top/tests/plugin/plugin.sh"
needs root fuse
maps_gatling() { grep -q 'rpc-transport/gatling.so' "/proc/$1/maps"; }
daemon() { pgrep --ns "${node_pid[$1]}" --nslist pid -x glusterd; }
not_valid() { grep -q "'gatling' is not valid" "$1"; }

must start_nodes 2
mkdir -p "$tmp/modules" && cp "${stock_socket%/*}"/*.so "$tmp/modules/" && cp "$plugin" "$tmp/modules/gatling.so"
sed 's/transport-type socket/transport-type gatling/' /etc/glusterfs/glusterd.vol >"$tmp/glusterd.vol"
must grep -q 'transport-type gatling' "$tmp/glusterd.vol"
must on n1 mount --bind "$tmp/modules" "${stock_socket%/*}"

ok 'glusterd starts with it'                   start_glusterd n1 -f "$tmp/glusterd.vol"
ok 'another without it'                        start_glusterd n2
ok 'it has it'                                 maps_gatling "$(daemon n1)"
not_ok 'the other has not'                     maps_gatling "$(daemon n2)"
ok 'they find each other'                      peer_with n1 n2
ok 'the other way, too'                        peers_connected n2 1
ok 'a volume'                                  gluster n1 volume create v n{1,2}:/srv/b force
ok 'starts'                                    gluster n1 volume start v
eventually 60 'its bricks'                     bricks_online n1 v 2
mkdir -p "$nodes_dir/n2/mnt/v"
ok 'the other mounts it from this daemon'      on n2 timeout -k 5 90 mount -t glusterfs n1:/v /mnt/v
ok 'write'                                     on n2 dd if=/dev/zero of=/mnt/v/f bs=1M count=3 conv=fsync status=none
ok 'unmount'                                   umount_node n2 v

sed 's/\(option transport-type\) .*/\1 gatling/' "$(root n1)"/var/lib/glusterd/vols/v/v.n1.*.vol >"$tmp/brick.vol"
sed 's/\(option transport-type\) .*/\1 gatling/' "$(root n1)"/var/lib/glusterd/vols/v/trusted-v.tcp-fuse.vol >"$tmp/client.vol"
must grep -q 'transport-type gatling' "$tmp/brick.vol" "$tmp/client.vol"
not_ok 'a brick refuses it'                    on n1 timeout -k 5 30 "$nodes_dir/stock/glusterfsd" -N -f "$tmp/brick.vol" -l "$tmp/brick.log"
ok 'and says so'                               not_valid "$tmp/brick.log"
not_ok 'a client refuses it'                   on n1 timeout -k 5 30 "$nodes_dir/stock/glusterfs" -N -f "$tmp/client.vol" -l "$tmp/client.log" /mnt
ok 'and says so'                               not_valid "$tmp/client.log"
ok 'the machines end'                          end_nodes
done_testing
