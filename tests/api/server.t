#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# libgfapi under a stock daemon: servers that are away, volumes that there are not, the volume's id, graphs that change under an open descriptor with
# a lock, encrypted management and data.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root gfapi cc stock
ok 'compile'                            compile_api server
must start_nodes 1
must start_glusterd n1
must gluster n1 volume create v n1:/srv/b1 force
must gluster n1 volume start v
server() { with_api nsenter -t "${node_pid[n1]}" -m -n -p -- timeout -k 5 60 "$tmp/server" "$@" 2>"$tmp/server.err"; }
says_init() { server v "$@" -- init; }
id=$(gluster n1 volume info v | sed -n 's/^Volume ID: //p')

is 'tcp'                                "$(says_init tcp:n1)" 'init 0 -'
is 'tcp, with a port'                   "$(says_init tcp:10.77.0.1:24007)" 'init 0 -'
is 'a unix socket'                      "$(says_init unix:/run/glusterd.socket)" 'init 0 -'
is 'the first is away'                  "$(says_init tcp:n1:9 tcp:n1)" 'init 0 -'
is 'the first two are of another kind'  "$(says_init unix:/none tcp:no.such.host.invalid tcp:n1)" 'init 0 -'
is 'all are away'                       "$(says_init tcp:n1:9 unix:/none)" 'init -1 ENOTCONN'
is 'none are named'                     "$(server v -- init)" 'init -1 EINVAL'
is 'a volume that there is not'         "$(server w tcp:n1 -- init)" 'init -1 ENOENT'
is 'its id'                             "$(server v tcp:n1 -- id)" "$id"
is 'its volume file'                    "$(server v tcp:n1 -- file | grep -c protocol/client)" 1

hold() { background with_api nsenter -t "${node_pid[n1]}" -m -n -p -- "$tmp/server" v tcp:n1 -- hold "$tmp/stop" >"$tmp/hold" 2>"$tmp/hold.err"; holder=$!; }
hold
eventually 30 'somebody works'          says "$tmp/hold" ready
ok 'translators come'                   gluster n1 volume set v performance.io-cache on
taken() { says "$tmp/hold.err" 'a new graph has taken the place'; }
[ "$GFAPI" = stock ] || eventually 60 'the graph is another'  taken
ok 'and go'                             gluster n1 volume set v performance.quick-read off
twice() { [ "$(grep -c 'a new graph has taken the place' "$tmp/hold.err")" = 2 ]; }
[ "$GFAPI" = stock ] || eventually 60 'and another'           twice
touch "$tmp/stop"
eventually 30 'it has come to its end'  process_gone "$holder"
ok 'and nothing was wrong'              says "$tmp/hold" 'rounds$'

ok 'the volume stops'                   gluster n1 volume stop v
is 'known, and away'                    "$(says_init tcp:n1)" 'init 1 -'

must stop_glusterd n1
must encrypt_nodes mgmt
must start_glusterd n1
ok 'with TLS'                           gluster n1 volume set v client.ssl on server.ssl on auth.ssl-allow '*'
ok 'it starts'                          gluster n1 volume start v
is 'encrypted management, encrypted data' "$(says_init tcp:n1)" 'init 0 -'
is 'the id, over TLS'                   "$(server v tcp:n1 -- id)" "$id"
done_testing
