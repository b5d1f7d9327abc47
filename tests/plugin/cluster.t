#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Three stock servers and a stock client on machines of their own, with the plug-in on both ends, on the servers only, on the client only:
# replica 3 with a brick that dies and is healed, profile, status, options that make a new graph, statedump; plain, or with TLS for data
# and management. FULL: all six; else TLS on both ends.
. "$(dirname "$0")/../lib.sh"
BRICK=stock
. "$top/tests/cluster.sh"
. "$top/tests/plugin/plugin.sh"
needs root fuse openssl
everywhere() { local n; for n in n1 n2 n3; do "$@" "$n" || return 1; done; }
healed() { ! gluster n1 volume heal v info | grep '^Number of entries' | grep -qv ': 0$' && gluster n1 volume heal v info | grep -q '^Number of entries: 0'; }
same() { cmp "$nodes_dir/data" "$(root n4)/mnt/v/$1"; }
has_on() { # node program: every such process there has the plug-in
    local pid list
    list=$(pgrep --ns "${node_pid[$1]}" --nslist pid -x "$2")
    for pid in $list; do has_plugin "$pid" || return 1; done
    [ -n "$list" ]
}
all_in_sync() { # the three bricks have the same bytes
    local n
    for n in n1 n2 n3; do cmp "$nodes_dir/data" "$(root $n)/srv/b/$1" || return 1; done
}

scenario() { # where (both, servers, client) how (plain, tls)
    local what="$1, $2" dump
    must start_nodes 4
    [ "$2" = plain ] || must encrypt_nodes mgmt
    case $1 in both | servers) must everywhere plugin_on ;; esac
    case $1 in both | client) must plugin_on n4 ;; esac
    head -c 9M /dev/urandom >"$nodes_dir/data"
    ok "$what: glusterd starts on three"                everywhere start_glusterd
    ok "$what: they find each other"                    peer_with n1 n2 n3
    ok "$what: a volume"                                gluster n1 volume create v replica 3 n{1,2,3}:/srv/b force
    if [ "$2" = tls ]; then
        ok "$what: with TLS"                            gluster n1 volume set v client.ssl on
        ok "$what: on both ends"                        gluster n1 volume set v server.ssl on
        ok "$what: for all who are vouched for"         gluster n1 volume set v auth.ssl-allow '*'
    fi
    ok "$what: starts"                                  gluster n1 volume start v
    eventually 60 "$what: three bricks"                 bricks_online n1 v 3
    mkdir -p "$nodes_dir/n4/mnt/v"
    ok "$what: a client elsewhere mounts it"            on n4 timeout -k 5 90 mount -t glusterfs n1:/v /mnt/v
    case $1 in
    both | servers) ok "$what: the daemons have the plug-in"  has_on n1 glusterd; ok "$what: the bricks have it"  has_on n2 glusterfsd ;;
    client) not_ok "$what: the bricks do not have it"   has_on n2 glusterfsd ;;
    esac
    case $1 in
    both | client) ok "$what: the client has it"        has_on n4 glusterfs ;;
    servers) not_ok "$what: the client does not have it"  has_on n4 glusterfs ;;
    esac
    ok "$what: write"                                   on n4 dd if="$nodes_dir/data" of=/mnt/v/one bs=1M conv=fsync status=none
    ok "$what: read"                                    same one
    ok "$what: profile start"                           gluster n1 volume profile v start
    ok "$what: a brick dies"                            kill_brick n2 /srv/b
    ok "$what: write without it"                        on n4 dd if="$nodes_dir/data" of=/mnt/v/two bs=128k conv=fsync status=none
    ok "$what: it is started again"                     gluster n1 volume start v force
    eventually 60 "$what: three bricks again"           bricks_online n1 v 3
    eventually 60 "$what: heal"                         gluster n1 volume heal v
    eventually 90 "$what: it is healed"                 healed
    ok "$what: the bricks agree"                        all_in_sync two
    ok "$what: profile tells of writes"                 eval 'gluster n1 volume profile v info | grep -q WRITE'
    ok "$what: status of clients"                       eval 'gluster n1 volume status v clients | grep -q "Clients connected"'
    ok "$what: an option that makes a new graph"        gluster n1 volume set v performance.io-cache off
    ok "$what: and one that does not"                   gluster n1 volume set v diagnostics.client-log-level WARNING
    ok "$what: the mount goes on"                       on n4 cp /mnt/v/two /mnt/v/three
    ok "$what: with the same bytes"                     same three
    ok "$what: statedump"                               gluster n1 volume statedump v
    dump=$(echo "$nodes_dir"/n1/own/none "$(root n1)"/run/gluster/*.dump.*)
    ok "$what: it has been written"                     eval "grep -qs '^DUMP-START-TIME' ${dump#* }"
    ok "$what: a server's glusterd goes"                stop_glusterd n3
    ok "$what: and comes back"                          start_glusterd n3
    eventually 60 "$what: its peers see it"             peers_connected n1 2
    ok "$what: unmount"                                 umount_node n4 v
    ok "$what: stop the volume"                         gluster n1 volume stop v
    ok "$what: the machines end"                        end_nodes
    rm -rf "$nodes_dir"
}

if [ -n "$FULL" ]; then
    for how in plain tls; do for where in both servers client; do scenario $where $how; done; done
else
    scenario both tls
fi
done_testing
