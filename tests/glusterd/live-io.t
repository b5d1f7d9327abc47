#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Options change one after the other while fio writes and reads back through a mount with TLS: what it reads is what it wrote, and brick and mount
# are the same processes in the end. Every tenth option that a running process takes over; with FULL all of them.
NODE_DAEMON=ours NODE_CLI=ours NODE_BRICKS=ours NODE_CLIENTS=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse fio
[ -x "$build/cli/gluster" ] || NODE_CLI=stock
table=$top/xlators/mgmt/glusterd/volume-options.tsv
# Not those that refuse writes by what they are for, nor certificates that are not there: live-options.t has them.
awk -v what=live -f "$top/tests/glusterd/options.awk" "$table" | awk -f "$top/tests/glusterd/live-options.awk" |
    awk -F'\t' -v OFS='\t' '$1 == "live" { print $4, $5 } $1 == "graph" || $1 == "ignored" { print $2, $3 }' | sort -u |
    grep -vE '^(ssl\.|features\.worm|server\.all-squash|features\.barrier|debug\.)' | { [ -n "$FULL" ] && cat || awk 'NR % 10 == 3'; } >"$tmp/options"

must start_nodes 1
must encrypt_nodes
must start_glusterd n1
must gluster n1 volume create t n1:/srv/t force
must gluster n1 volume set t server.ssl on client.ssl on
must gluster n1 volume start t
must mount_node n1 t
processes() { on n1 pgrep -f -- '--brick-name /srv/t |glusterfs .*/mnt/t$' | sort | xargs; }
before=$(processes)

# Rounds of writing and reading back until there is a file `enough`.
work() {
    local rounds=0
    while [ ! -e "$tmp/enough" ]; do
        fio --name=t --directory="$(root n1)/mnt/t" --size=8M --bs=16k --rw=randwrite --ioengine=psync --numjobs=2 --verify=crc32c --verify_fatal=1 \
            --fsync=64 --randrepeat=0 >"$tmp/fio.out" 2>&1 || return 1
        rounds=$((rounds + 1))
        echo $rounds >"$tmp/rounds"
    done
}
work & worker=$!
changed=0
while IFS=$'\t' read -r key value; do
    gluster n1 volume set t "$key" "$value" >"$tmp/said" 2>&1 && gluster n1 volume reset t "$key" >>"$tmp/said" 2>&1 && changed=$((changed + 1)) ||
        echo "$key $value: $(cat "$tmp/said")" >>"$tmp/failed"
done <"$tmp/options"
is "$(wc -l <"$tmp/options") options are set and reset"  "$(cat "$tmp/failed" 2>/dev/null)" ''
is 'each of them'                            "$changed" "$(wc -l <"$tmp/options")"
several_rounds() { process_gone "$worker" || [ "$(cat "$tmp/rounds" 2>/dev/null || echo 0)" -ge 2 ]; }
eventually 300 'meanwhile data is written and read back'  several_rounds
touch "$tmp/enough"
ok 'and is right'                            wait "$worker"
tail -n 5 "$tmp/fio.out" | grep -i 'verify' | diag
is 'by the same brick and the same mount'    "$(processes)" "$before"
umount_node n1 t
done_testing
