#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our daemon's volume, mounted from another machine by the server's name: stock's client and ours, a plain and an encrypted volume, management plain
# and encrypted.
NODE_DAEMON=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse openssl
must start_nodes 2
must encrypt_nodes
must start_glusterd n1
must gluster n1 volume create open n1:/srv/open force
must gluster n1 volume create closed n1:/srv/closed force
must gluster n1 volume set closed server.ssl on client.ssl on auth.ssl-allow '*'
must gluster n1 volume start open
must gluster n1 volume start closed

visit() { # volume: mounted on n2 from n1, written, read, unmounted
    local text=$RANDOM
    on n2 mkdir -p "/mnt/$1" &&
        on n2 /usr/sbin/glusterfs -s n1 --volfile-id "$1" -l "/var/log/glusterfs/mnt-$1.log" --volfile-max-fetch-attempts=3 "/mnt/$1" &&
        echo $text >"$(root n2)/mnt/$1/f" && grep -q $text "$(root n2)/mnt/$1/f" && on n2 umount "/mnt/$1" &&
        grep -q $text "$(root n1)/srv/$1/f"
}
round() { # words for the test's name
    local client
    for client in stock ours; do
        use n2 clients $client
        ok "$1: $client, plain volume"      visit open
        ok "$1: $client, encrypted volume"  visit closed
    done
}
round 'plain management'
must stop_glusterd n1
on n1 touch /var/lib/glusterd/secure-access
must start_glusterd n1
not_ok 'encrypted management: a plain client is not let in' visit open
on n2 umount -l /mnt/open 2>/dev/null
on n2 touch /var/lib/glusterd/secure-access
round 'encrypted management'
done_testing
