#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# The volume file that README.md shows is a good one.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer setfattr openssl
pki=$(default_pki)
make_brick_dir data && pick_port
brick_port[data]=$port brick_kind[data]=ours brick_tls[data]=$pki
sed -n '/^    volume data-posix/,/^    volume data-server/p; /^        type protocol\/server/,/^    end-volume/p' "$top/README.md" |
    sed "s#(the id from above)#$volume_id#; s#/srv/brick#$tmp/bricks/data#; s#24100#$port#; s#/etc/gatling#$pki#" >"$tmp/data.vol"

must run_brick data
eventually 60 'the brick listens'   brick_up_or_dead data
ok 'it lets a client in'            "$tools/peer" -t "$pki" -b data "$port" welcome
not_ok 'and a stranger not'         "$tools/peer" -t "$pki" -c wrong -b data "$port" welcome
done_testing
