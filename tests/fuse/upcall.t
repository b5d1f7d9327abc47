#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# With cache invalidation on, the brick tells a mount what another one changed, and the kernel forgets what it believed: for ten minutes, else.
. "$(dirname "$0")/../lib.sh"
[ "$MOUNT" = stock ] && MOUNT=ours
needs fuse brick ours
a=$tmp/a b=$tmp/b
must start_brick b1 --set features/upcall cache-invalidation on --set features/upcall cache-invalidation-timeout 600
must mount_volume "$a" b1 -- --attribute-timeout=600 --entry-timeout=600
must mount_volume "$b" b1
echo old >"$a/f"
is 'the first mount believes the size'     "$(stat -c %s "$a/f")" 4
ok 'the other one writes'                  sh -c "echo longer >'$b/f'"
size_is() { [ "$(stat -c %s "$a/f")" = "$1" ]; }
eventually 30 'the first one hears of it'  size_is 7
is 'and of the contents'                   "$(cat "$a/f")" longer
ok 'another mode'                          chmod 600 "$b/f"
mode_is() { [ "$(stat -c %a "$a/f")" = "$1" ]; }
eventually 30 'is heard of, too'           mode_is 600
ok 'a program can ask for it'              setfattr -n inode-invalidate -v 1 "$a/f"
done_testing
