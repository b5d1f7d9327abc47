#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Option by option, from the table that the daemon is made of: each is set, shows, and lands in its translator of the volume files; a value of a
# wrong type or out of its range is refused with the range (every tenth here, all of them with FULL). Running bricks and clients take over what is set.
NODE_DAEMON=ours NODE_CLI=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
[ -x "$build/cli/gluster" ] || NODE_CLI=stock
must start_nodes 1
must start_glusterd n1
table=$top/xlators/mgmt/glusterd/volume-options.tsv
awk -v what=good -f "$top/tests/glusterd/options.awk" "$table" >"$tmp/good"
awk -v what=bad -f "$top/tests/glusterd/options.awk" "$table" | { [ -n "$FULL" ] && cat || awk 'NR % 10 == 3'; } >"$tmp/bad"

must gluster n1 volume create d n1:/srv/d1 n1:/srv/d2 force
must gluster n1 volume create r replica 2 n1:/srv/r{1,2,3,4} force
must gluster n1 volume create e disperse 3 redundancy 1 n1:/srv/e{1,2,3} force

pairs_for() { awk -F'\t' -v v="$1" '$1 != "lands" && index($1, v) { print $2; print $3 }' "$tmp/good"; } # volume
for v in d r e; do
    mapfile -t pairs < <(pairs_for $v)
    ok "$((${#pairs[@]} / 2)) options of $v are set" gluster n1 volume set $v "${pairs[@]}"
    gluster n1 volume get $v all >"$tmp/shown-$v"
    gluster n1 volume info $v >"$tmp/info-$v"
    is 'info shows each'                   "$(pairs_for $v | while read -r key; do read -r value; grep -qxF "$key: $value" "$tmp/info-$v" || echo "$key"; done)" ''
    is 'get shows each that it lists'      "$(pairs_for $v | while read -r key; do read -r value
        awk -v k="$key" -v v="$value" '$1 == k && $2 != v { print k, $2, "is not", v }' "$tmp/shown-$v"; done)" ''
done

# TYPE OPTION VALUE of every volume file, once each.
cat "$(root n1)"/var/lib/glusterd/vols/*/*.vol | awk '$1 == "type" { type = $2 } $1 == "option" { sub(/^ *option /, ""); print type, $0 }' | sort -u >"$tmp/landed"
awk '{ print $1 }' "$tmp/landed" | sort -u >"$tmp/types"
lost() { # options whose translator is there, and has not got the value
    awk -F'\t' '$1 == "lands" { print $4, $5, $3 }' "$tmp/good" | while read -r type option value; do
        grep -qx "$type" "$tmp/types" && ! grep -qxF "$type $option $value" "$tmp/landed" && echo "$type $option $value"
    done
}
is 'each is in its translator of the volume files' "$(lost)" ''
ok 'which are most of them'                test "$(awk -F'\t' '$1 == "lands" { print $4 }' "$tmp/good" | grep -cxFf "$tmp/types")" -gt 150

accepted() { # bad values that are not refused as they should be
    local volume key value words
    while IFS=$'\t' read -r volume key value words; do
        gluster n1 volume set "$volume" "$key" "$value" >"$tmp/said" 2>&1 && { echo "$key $value: accepted"; continue; }
        grep -qF -- "${words:-volume set: failed: }" "$tmp/said" || echo "$key $value: $(cat "$tmp/said")"
        grep -qF -- "${key#*.}" "$tmp/said" || grep -qF -- "$value" "$tmp/said" || echo "$key $value: does not say which: $(cat "$tmp/said")"
    done <"$tmp/bad"
}
is "$(wc -l <"$tmp/bad") values are refused, each with its reason" "$(accepted)" ''
is 'and nothing has changed'               "$(gluster n1 volume info d | sort)" "$(sort "$tmp/info-d")"

# A sample of classes, on a brick and a mount that run: what they say is in force, is.
must gluster n1 volume create live n1:/srv/live force
must gluster n1 volume start live
must mount_node n1 live
pid=$(brick_at n1 /srv/live)
must gluster n1 volume set live network.inode-lru-limit 3000 performance.io-thread-count 9 server.outstanding-rpc-limit 33 features.read-only on
read_only() { ! on n1 touch /mnt/live/x 2>/dev/null; }
eventually 30 'a translator of the brick is switched on' read_only
must gluster n1 volume reset live features.read-only
eventually 30 'and off'                    on n1 touch /mnt/live/x
dump() { rm -f "$(root n1)"/run/gluster/*.dump.*; gluster n1 volume statedump live >/dev/null && cat "$(root n1)"/run/gluster/srv-live.*.dump.*; }
in_dump() { dump | grep -qE "$1"; }
eventually 20 'the size of the inode table' in_dump '^(lru_limit|inode.*limit|.*lru_limit)=3000$'
is 'by the same process'                   "$(brick_at n1 /srv/live)" "$pid"
must gluster n1 volume set live performance.io-cache on
eventually 30 'a mount has the new graph'  says "$(root n1)/var/log/glusterfs/mnt-live.log" 'performance/io-cache'
umount_node n1 live
done_testing
