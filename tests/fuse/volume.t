#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our mount of a volume of a stock daemon, by the server's name and with the volume file that the daemon writes, unchanged: options change while
# it runs, in place and by another graph; several servers of the volume file; a folder of the volume; names and words of the command line;
# encrypted, too.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
NODE_CLIENTS=ours
needs stock fuse
helper=$build/extras/mount.glusterfs

must start_nodes 1
must start_glusterd n1
must gluster n1 volume create v n1:/srv/b1 force
must gluster n1 volume start v
mnt=$(root n1)/mnt/v log=$nodes_dir/n1/log/mnt-v.log
client() { on n1 pgrep -f -- "glusterfs .*/mnt/${1:-v}( |\$)" | head -n 1; }
our_mount() { # point source [options of mount.glusterfs...]
    local point=$1 source=$2; shift 2
    on n1 mkdir -p "/mnt/$point"
    on n1 env GATLING_GLUSTERFS=/usr/sbin/glusterfs GATLING_STATEDIR=/var/lib/glusterd timeout -k 5 60 "$helper" "$source" "/mnt/$point" "$@" </dev/null
}
gone() { [ -z "$(client "$1")" ]; }
said() { grep -c -- "$1" "$log"; }
says_more() { [ "$(said "$1")" -gt "$2" ]; }

ok 'mount -t glusterfs n1:/v'        mount_node n1 v
is 'it is ours'                      "$(on n1 readlink "/proc/$(client)/exe")" "$(readlink -f "$nodes_dir/ours/glusterfs")"
is 'df shows where it is from'       "$(on n1 df --output=source /mnt/v | tail -n 1)" n1:/v
is 'type in /proc/mounts'            "$(on n1 awk '$2 == "/mnt/v" {print $3}' /proc/mounts)" fuse.glusterfs
ok 'the log is named after it'       test -s "$log"
ok 'it works'                        sh -c "mkdir '$mnt/d' && echo one >'$mnt/d/f' && sync '$mnt/d/f' && grep one '$(root n1)/srv/b1/d/f'"
is 'a directory has its layout'      "$(on n1 getfattr --only-values -n trusted.glusterfs.dht /srv/b1/d | od -An -tx1 | tr -d ' \n')" \
    000000000000000000000000ffffffff
is 'which is not shown'              "$(on n1 getfattr -d -m - /mnt/v/d 2>&1)" ""
ok 'times are the client'"'"'s'      on n1 getfattr -n trusted.glusterfs.mdata /srv/b1/d/f
is 'where a file is'                 "$(on n1 getfattr --only-values -n glusterfs.pathinfo /mnt/v/d/f | tr -d '\0')" '<POSIX(/srv/b1):n1:/srv/b1/d/f>'

# Options: in place, and by another graph, with a file that stays open.
exec 5<>"$mnt/d/f"
before=$(said 'new options are in force')
ok 'an option of the same graph'     gluster n1 volume set v diagnostics.client-log-level DEBUG
eventually 30 'counts at once'       says_more 'new options are in force' "$before"
must gluster n1 volume set v diagnostics.client-log-level INFO
graphs=$(said 'a new graph has taken the place')
ok 'an option that takes a translator out' gluster n1 volume set v performance.write-behind off
eventually 30 'another graph is in place' says_more 'a new graph has taken the place' "$graphs"
ok 'the open file goes on'           sh -c "cat <&5 >/dev/null; echo more >&5 && sync '$mnt/d/f' && grep more '$(root n1)/srv/b1/d/f'"
exec 5>&-
ok 'umount'                          umount_node n1 v
eventually 30 'the process goes'     gone v

# Servers of the volume file, folders of the volume, and words.
ok 'the second server has it'        our_mount two 'nowhere:/v' -o backup-volfile-servers=n1,log-level=DEBUG
ok 'and the mount works'             grep -q one "$(root n1)/mnt/two/d/f"
ok 'a folder of the volume'          our_mount sub n1:/v/d -o process-name=sub,xlator-option=v-utime.noatime=off,xlator-option=nothing.of=it
ok 'is what is seen'                 grep -q one "$(root n1)/mnt/sub/f"
ok 'it has .meta'                    grep -q 'connected = 1' "$(root n1)/mnt/sub/.meta/graphs/active/v-client-0/private"
is 'df shows the folder'             "$(on n1 df --output=source /mnt/sub | tail -n 1)" n1:/v/d
ok 'by the name of the process'      on n1 pgrep -f -- '--process-name=fuse.sub'
ok 'an option for nobody is told of' grep -q 'no volume of .* has such a name' "$nodes_dir/n1/log/mnt-sub.log"
access_kept() { # the option counts: reading changes the time of access that the brick keeps
    local t; t=$(stat -c %X.%x "$(root n1)/mnt/sub/f")
    on n1 sh -c 'cat /mnt/sub/f >/dev/null; dd if=/mnt/sub/f of=/dev/null iflag=direct status=none'
    wait_until 10 atime_moved "$t"
}
atime_moved() { [ "$(stat -c %X.%x "$(root n1)/mnt/sub/f")" != "$1" ]; }
ok 'an option for one counts'        access_kept
ok 'unmount both'                    on n1 umount /mnt/two /mnt/sub
eventually 30 'they go'              gone two
not_ok 'a volume that is not there'  our_mount none n1:/none
ok 'is named in the log'             grep -q none "$nodes_dir/n1/log/mnt-none.log"
must gluster n1 volume create two n1:/srv/b2 n1:/srv/b3 force
must gluster n1 volume start two
not_ok 'one with two bricks is refused' our_mount wide n1:/two
ok 'by name of the client that can'  grep -q 'glusterfs-client' "$nodes_dir/n1/log/mnt-wide.log"

# Encrypted: the same file, and what the daemon puts into it.
must encrypt_nodes
must gluster n1 volume stop v
must gluster n1 volume set v client.ssl on
must gluster n1 volume set v server.ssl on
must gluster n1 volume set v auth.ssl-allow server
must gluster n1 volume start v
ok 'encrypted: mount'                mount_node n1 v
ok 'it works'                        sh -c "grep one '$mnt/d/f' && echo two >'$mnt/d/g' && sync '$mnt/d/g' && grep two '$(root n1)/srv/b1/d/g'"
ok 'umount'                          umount_node n1 v
eventually 30 'the process goes'     gone v
done_testing
