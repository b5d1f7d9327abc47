#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# --thin-client: a mount through a volume's proxy (gfproxyd), stock's and ours. While the proxy is away operations wait for it; the end of
# the mount does not.
. "$(dirname "$0")/../lib.sh"
NODE_DAEMON=stock
. "$top/tests/cluster.sh"
needs stock fuse pgrep
must start_nodes 2
must start_glusterd n1
must gluster n1 volume create v n1:/srv/v force
must gluster n1 volume start v
mnt=$(root n2)/mnt/v

proxy_pid() { on n1 pgrep -f 'volfile-id gfproxyd/v' | head -n 1; }
proxy_signs_in() { [ -n "$(proxy_pid)" ] && on n1 gluster --mode=script volume status v >/dev/null 2>&1; }
thin_is_gone() { ! on n2 pgrep -f -- --thin-client >/dev/null; }
thin() {
    on n2 mkdir -p /mnt/v &&
        on n2 /usr/sbin/glusterfs --thin-client --volfile-server=n1 --volfile-id=v --volfile-max-fetch-attempts=3 \
            -l /var/log/glusterfs/thin.log /mnt/v
}
use n2 clients ours
must gluster n1 volume set v config.gfproxyd enable

round() { # whose proxy
    local before writer
    eventually 60 "$1: there is a proxy"   proxy_signs_in
    ok "$1: mount through it"              thin
    ok "$1: df names the volume"           on n2 grep '^n1:v /mnt/v fuse.glusterfs' /proc/mounts
    ok "$1: write"                         sh -c "echo text >'$mnt/$1'"
    ok "$1: the brick has it"              grep text "$(root n1)/srv/v/$1"
    before=$(proxy_pid)
    must on n1 kill -KILL "$before"
    (echo more >"$mnt/$1-2" && stat "$mnt/$1") >"$tmp/writer" 2>&1 &
    writer=$!; other_pids+=($writer)
    eventually 60 "$1: it is missed"       on n2 grep -q 'the volume is away' /var/log/glusterfs/thin.log
    ok "$1: who writes waits"              kill -0 $writer
    ok "$1: the proxy is started again"    gluster n1 volume start v force
    ok "$1: and has written"               wait $writer
    ok "$1: the brick has that, too"       grep more "$(root n1)/srv/v/$1-2"
    ok "$1: unmount"                       on n2 umount /mnt/v
    eventually 30 "$1: the mount's process is gone" thin_is_gone
}
round ours
use n1 bricks stock
must on n1 kill "$(proxy_pid)"
must gluster n1 volume start v force
round stock

must thin
must on n1 kill -KILL "$(proxy_pid)"
(cat "$mnt/ours") >"$tmp/reader" 2>&1 &
reader=$!; other_pids+=($reader)
eventually 60 'the proxy is away again'           sh -c "[ \$(grep -c 'the volume is away' '$(root n2)/var/log/glusterfs/thin.log') = 3 ]"
ok 'a reader waits'                               kill -0 $reader
must on n2 kill "$(on n2 pgrep -f -- --thin-client)"
eventually 30 'the end of the mount does not'     thin_is_gone
wait $reader
ok 'and the reader has its answer'                grep -E 'not connected|abort' "$tmp/reader"
done_testing
