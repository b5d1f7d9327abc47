#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# doc/first-volume.md and doc/tls.md, followed word by word with our programs on two machines: the commands that the pages show do what they say.
NODE_DAEMON=ours NODE_CLI=ours NODE_CLIENTS=ours NODE_BRICKS=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs fuse openssl mkfs.xfs losetup
must test -x "$build/cli/gluster"
must start_nodes 2
for node in n1 n2; do
    must cp "$build/extras/mount.glusterfs" "$(root $node)/usr/sbin/mount.glusterfs"
    must cp "$top/extras/make-certs" "$(root $node)/usr/sbin/make-certs"
    on $node sed -i 's#^program=.*#program=/usr/sbin/glusterfs#; s#^state=.*#state=/var/lib/glusterd#' /usr/sbin/mount.glusterfs
done
# The page wants a file system of its own for the brick.
truncate -s 400M "$tmp/photos.img" && must mkfs.xfs -q "$tmp/photos.img"
loops+=("$(losetup --show -f "$tmp/photos.img")")
must mkdir -p "$(root n1)/srv/photos"
must on n1 mount "${loops[-1]}" /srv/photos
must start_glusterd n1

part() { # page mark [n]: the commands of its n-th part
    awk -v begin="<!-- $2 -->" -v n="${3:-1}" '$0 == begin { k++; on = 1; next } /^<!-- end/ { on = 0 } on && k == n && /^    / { sub(/^    /, ""); print }' "$top/doc/$1" | sed 's/server1/n1/g'
}
follow() { # node page mark [n]: each command succeeds
    local text
    text=$(part "$2" "$3" "${4:-1}")
    [ -n "$text" ] || { echo "$2 has no part $3 ${4:-1}"; return 1; }
    on "$1" timeout 120 bash -e -c "export PATH=\$PATH:/usr/sbin; mkdir -p '$tmp/work.$1' && cd '$tmp/work.$1'; set -x; $text" </dev/null || { grep -hE "\] [EW] \[" "$nodes_dir/$1"/log/*.log | tail -n 5 | cut -c1-300; return 1; }
}

ok 'first-volume: create and start'         follow n1 first-volume.md commands 1
ok 'first-volume: mount'                    follow n1 first-volume.md commands 2
ok 'a file can be written'                  sh -c "echo hello >'$(root n1)/mnt/photos/f'"
ok 'and is in the brick'                    grep -q hello "$(root n1)/srv/photos/brick/f"
ok 'unmount'                                on n1 umount /mnt/photos
ok 'stop, as the TLS page says'             gluster n1 volume stop photos
ok 'tls: the five commands'                 follow n1 tls.md server
ok 'start'                                  gluster n1 volume start photos
cp -r "$tmp/work.n1/gatling-certs" "$tmp/work.certs" && mkdir -p "$tmp/work.n2/gatling-certs" && cp "$tmp/work.certs"/{laptop.pem,laptop.key,ca.pem} "$tmp/work.n2/gatling-certs/"
on n2 mkdir -p /mnt/photos
ok 'tls: the client'                        follow n2 tls.md client
ok 'reads what was there'                   grep -q hello "$(root n2)/mnt/photos/f"
said() { gluster "$@" >"$tmp/said" 2>&1; }
ok 'volume ssl check'                       said n1 volume ssl photos check
ok 'names the files'                        grep -q glusterfs.pem "$tmp/said"
ok 'volume ssl status'                      said n1 volume ssl photos status
ok 'shows the name of the client'           grep -q laptop "$tmp/said"
ok 'and a cipher'                           grep -qE 'TLS_|ECDHE' "$tmp/said"
ok 'volume clients'                         said n1 volume clients photos
ok 'shows a round trip'                     awk '/^[0-9.]+:[0-9]+ / { found = 1; if ($NF <= 0) exit 1 } END { exit !found }' "$tmp/said"
# The server's own certificate is allowed, another one of the same authority is not.
ok 'the server mounts, too'                 on n1 mount -t glusterfs n1:/photos /mnt/photos
ok 'a stranger gets a certificate'          on n1 sh -c "cd '$tmp/work.n1' && make-certs client stranger"
cp "$tmp/work.n1/gatling-certs/"stranger.* "$tmp/work.n2/gatling-certs/"
ok 'the client becomes the stranger'        on n2 sh -c "umount /mnt/photos && cd '$tmp/work.n2' && make-certs install stranger --force"
not_ok 'who is not let in'                  on n2 mount -t glusterfs n1:/photos /mnt/photos
ok 'unmount'                                on n1 umount /mnt/photos
ok 'stop'                                   gluster n1 volume stop photos
ok 'delete'                                 gluster n1 volume delete photos
done_testing
