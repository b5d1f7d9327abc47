#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Features of a running brick are switched through GlusterFS's own daemon, with a client mounted: read-only, worm, cache invalidation,
# the barrier.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
must start_nodes 1
must start_glusterd n1
must gluster n1 volume create v n1:/srv/b force
must gluster n1 volume start v
must mount_node n1 v
mnt=$(root n1)/mnt/v brick=$(root n1)/srv/b
brick_process=$(on n1 pgrep -x glusterfsd)
set_option() { gluster n1 volume set v "$@"; }
writable() { sh -c "echo x >>'$mnt/f'" 2>/dev/null; }
not_writable() { ! writable; }
removable() { rm "$mnt/$1" 2>/dev/null; }
not_removable() { ! removable "$1"; }
node_statedump() {
    on n1 sh -c "rm -f /run/gluster/*.dump.*; kill -USR1 $brick_process"
    wait_until 20 on n1 sh -c 'cat /run/gluster/*.dump.* 2>/dev/null | grep -q "^DUMP-END-TIME"' && on n1 sh -c 'cat /run/gluster/*.dump.*' >"$tmp/dumped"
}
dump_says() { node_statedump && grep -qx "$1" "$tmp/dumped"; }

echo x >"$mnt/f"; mkdir "$mnt/d"; touch "$mnt"/d/{one,two,three}
ok 'read-only on'                     set_option features.read-only on
eventually 20 'nothing can be written' not_writable
is 'but read'                         "$(cat "$mnt/f")" x
ok 'read-only off'                    set_option features.read-only off
eventually 20 'it can be written'     writable
ok 'worm on'                          set_option features.worm on
eventually 20 'nothing can be removed' not_removable d/one
ok 'but made'                         sh -c "echo new >'$mnt/new'"
ok 'worm off'                         set_option features.worm off
eventually 20 'it can be removed'     removable d/two
ok 'cache invalidation on'            set_option features.cache-invalidation on
[ "$NODE_BRICKS" = ours ] && eventually 20 'the brick notes who looks' dump_says 'cache-invalidation=on'
ok 'the barrier comes up'             gluster n1 volume barrier v enable
background rm "$mnt/d/three"; remover=$!
eventually 20 'a file is gone on the brick' test ! -e "$brick/d/three"
ok 'who removed it does not know yet' kill -0 "$remover"
ok 'and down'                         gluster n1 volume barrier v disable
eventually 20 'now he does'           process_gone "$remover"
is 'the brick was not started anew'   "$(on n1 pgrep -x glusterfsd)" "$brick_process"

if [ "$NODE_BRICKS" = ours ] && [ -n "$FULL" ]; then # stock chooses other errors and other operations
# These two make another graph: GlusterFS's daemon has the brick take it at its next start. (Both at once make a volume file with two
# translators of one name.)
again() { must gluster n1 volume stop v force; must gluster n1 volume start v force; eventually 30 'the client is back' test -d "$mnt/d"; }
must set_option debug.error-gen posix
must set_option debug.error-failure 50
must set_option debug.error-number EIO
must set_option debug.error-fops STATFS
again
asked() { for _ in 1 2 3 4 5 6; do stat -f "$mnt/." 2>&1 >/dev/null; done | grep -c 'Input/output error'; }
is 'every second one fails'           "$(asked)" 3
ok 'others do not'                    cat "$mnt/f"
must gluster n1 volume reset v debug.error-gen
must set_option debug.delay-gen posix
must set_option delay-gen.delay-percentage 100
must set_option delay-gen.delay-duration 4000000
must set_option delay-gen.enable MKDIR
again
background mkdir "$mnt/late"; maker=$!
is 'others do not wait'               "$(cat "$mnt/f" | head -n 1)" x
ok 'a mkdir does'                     kill -0 "$maker"
eventually 30 'and comes to its end'  process_gone "$maker"
ok 'it is there'                      test -d "$mnt/late"
fi
ok 'umount'                           umount_node n1 v
ok 'stop'                             gluster n1 volume stop v
done_testing
