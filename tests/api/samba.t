#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Samba's vfs_glusterfs, linked with stock's libgfapi, serves a share through ours: a client of SMB writes, reads, lists, renames and removes.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root stock smbclient
[ -x /usr/sbin/smbd ] || skip_all 'needs the package samba'
ls /usr/lib/*/samba/vfs/glusterfs.so >/dev/null 2>&1 || skip_all 'needs the package samba-vfs-modules'
[ "$GFAPI" = ours ] || needs gfapi
[ -z "$sanitized" ] || skip_all 'the program is not built with sanitizers'
must start_nodes 1
must start_glusterd n1
must gluster n1 volume create v n1:/srv/b1 force
must gluster n1 volume start v
home=$nodes_dir/n1/samba
mkdir -p "$home"/{private,lock,state,cache,pid,ncalrpc}
cat >"$home/smb.conf" <<CONF
[global]
    server role = standalone server
    smb ports = 445
    map to guest = bad user
    guest account = root
    disable netbios = yes
    load printers = no
    log file = $home/log
    log level = 1
    private dir = $home/private
    lock directory = $home/lock
    state directory = $home/state
    cache directory = $home/cache
    pid directory = $home/pid
    ncalrpc dir = $home/ncalrpc
[share]
    path = /
    vfs objects = glusterfs
    glusterfs:volume = v
    glusterfs:volfile_server = n1
    glusterfs:logfile = $home/gfapi.log
    kernel share modes = no
    read only = no
    guest ok = yes
    force user = root
CONF
inside() { nsenter -t "${node_pid[n1]}" -m -n -- "$@"; }
serve() { with_api setsid nsenter -t "${node_pid[n1]}" -m -n -- /usr/sbin/smbd -F --no-process-group -s "$home/smb.conf" >"$home/out" 2>&1; }
background serve
smb() { inside timeout 60 smbclient -s "$home/smb.conf" -N //n1/share -c "$1"; }
eventually 60 'the share is served'    smb 'ls'
server=$(cat "$home/pid/smbd.pid" 2>/dev/null || cat "$home"/pid/smbd*.pid)
uses_ours() { # a process of the server has the library while somebody is connected
    local p
    for p in "$server" $(pgrep -P "$server"); do grep -q "$build/api/.libs/libgfapi.so" "/proc/$p/maps" && return 0; done
    return 1
}
head -c 5M /dev/urandom >"$tmp/data"
ok 'put'                               smb "put $tmp/data one"
is 'it is on the brick'                "$(md5sum <"$(root n1)/srv/b1/one")" "$(md5sum <"$tmp/data")"
ok 'get'                               smb "get one $tmp/back"
ok 'it is the same'                    cmp "$tmp/data" "$tmp/back"
ok 'folders, many names'               smb "mkdir dir; cd dir; $(for i in {1..30}; do printf 'put %s f%d; ' "$top/configure.ac" $i; done)"
is 'all are listed'                    "$(smb 'ls dir\*' | grep -c ' f[0-9]')" 30
ok 'rename'                            smb 'rename one dir\two'
is 'it is there'                       "$(ls "$(root n1)/srv/b1" "$(root n1)/srv/b1/dir" | grep -c -x -e one -e two)" 1
inside timeout 60 smbclient -s "$home/smb.conf" -N //n1/share < <(sleep 20) >/dev/null 2>&1 & held=$!
[ "$GFAPI" != ours ] || eventually 15 'it is our library'  uses_ours
kill $held 2>/dev/null
ok 'remove'                            smb 'cd dir; del f*; del two'
ok 'remove the folder'                 smb 'rmdir dir'
is 'nothing is left'                   "$(ls "$(root n1)/srv/b1")" ''
done_testing
