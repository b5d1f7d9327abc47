#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# storage.linux-io_uring and storage.linux-aio, set through our glusterd, reach our brick; while it runs they are refused. FULL=1: through
# stock's glusterd, too.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root ours stock

engine_is() { says "$(root "$1")/var/log/glusterfs/bricks/srv-b.log" "transfers are done by $2"; } # node name
refused() { # node option
    ! gluster "$1" volume set v "$2" on >"$tmp/said" 2>&1 && says "$tmp/said" "Changing .$2. is not supported when the volume is in started state"
}

nodes=(n1)
[ -n "$FULL" ] && nodes=(n1 n2)
must start_nodes ${#nodes[@]}
use n1 daemon ours
for n in "${nodes[@]}"; do
    must start_glusterd $n
    must gluster $n volume create v $n:/srv/b force
    ok "$n: set"                         gluster $n volume set v storage.linux-io_uring on
    must gluster $n volume start v
    eventually 20 'the brick uses it'    engine_is $n io_uring
    ok 'no change while it runs'         refused $n storage.linux-aio
    must gluster $n volume stop v
    must gluster $n volume set v storage.linux-aio on
    must gluster $n volume reset v storage.linux-io_uring
    must gluster $n volume start v
    eventually 20 'the other one'        engine_is $n linux-aio
    must gluster $n volume stop v
done
done_testing
