#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# How our brick starts and ends under a stock glusterd: what fails, fails with a sentence and the status that the daemon looks at.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root stock

must start_nodes 1
must start_glusterd n1
must gluster n1 volume create v n1:/srv/b1 force
must gluster n1 volume start v
must bricks_online n1 v 1
port=$(gluster n1 volume status v | awk '/^Brick/ { print $3 }')
pid=$(brick_at n1 /srv/b1)
socket=$(on n1 tr '\0' '\n' <"$(root n1)/proc/$pid/cmdline" | sed -n '/^-S$/{n;p}')
by_hand() { # arguments: a brick as the daemon starts it, but for these; says its status
    on n1 timeout 60 /usr/sbin/glusterfsd -s "${server:-n1}" --volfile-id v.n1.srv-b1 --brick-name /srv/b1 -l /var/log/glusterfs/by-hand.log \
        --process-name brick "$@" </dev/null >"$tmp/said" 2>&1
    echo $? >>"$tmp/said"
    tail -n 1 "$tmp/said"
}

is 'the socket is root'"'"'s alone'         "$(on n1 stat -c %a "$socket")" 600
is 'a port that is taken: status 98'        "$(by_hand --brick-port "$port" --xlator-option "v-server.listen-port=$port")" 98
ok 'and a sentence'                         says "$tmp/said" 'glusterfsd: .*[Aa]ddress already in use'
is 'a pid file that is held'                "$(by_hand --brick-port 49000 -p /var/run/gluster/vols/v/n1-srv-b1.pid)" 1
ok 'and a sentence'                         says "$tmp/said" 'another process holds it'
is 'a volume that does not exist'           "$(by_hand --brick-port 49000 --volfile-id nosuch)" 1
ok 'and a sentence'                         says "$tmp/said" 'no volume file "nosuch".*No such file'
is 'a daemon that is not there'             "$(by_hand --brick-port 49000 --volfile-server-port 1)" 1
ok 'and a sentence'                         says "$tmp/said" 'Connection refused'
is 'a host that does not exist'             "$(server=nosuch.invalid by_hand --brick-port 49000)" 1
ok 'the brick went on through all of it'    bricks_online n1 v 1

offline() { gluster n1 volume status v | grep -q '^Brick .*N/A *N *N/A'; }
ok 'SIGTERM'                                on n1 kill "$pid"
eventually 20 'ends it'                     not on n1 kill -0 "$pid"
ok 'it has signed out'                      says "$(root n1)/var/log/glusterfs/glusterd.log" 'pmap_signout|removing brick /srv/b1 on port'
eventually 20 'and is offline'              offline
ok 'start force'                            gluster n1 volume start v force
eventually 20 'online again'                bricks_online n1 v 1

pid=$(brick_at n1 /srv/b1)
must stop_glusterd n1
ok 'SIGTERM without a daemon'               on n1 kill "$pid"
eventually 20 'ends it, too'                not on n1 kill -0 "$pid"
must start_glusterd n1
eventually 30 'a new daemon starts it'      bricks_online n1 v 1
ok 'stop'                                   gluster n1 volume stop v
ok 'delete'                                 gluster n1 volume delete v
done_testing
