#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# An open file stays what it was: when another is renamed over its name, and when its name is removed.
. "$(dirname "$0")/../lib.sh"
needs fuse perl
mnt=$tmp/mnt
none_unlinked() { [ -z "$(ls "$tmp/bricks/b1/.glusterfs/unlink")" ]; }

must start_brick b1
must mount_volume "$mnt" b1

echo old >"$mnt/name"
echo new >"$mnt/other"
exec 5<"$mnt/name"
ok 'rename another file over an open one'   mv "$mnt/other" "$mnt/name"
is 'the name has the new contents'          "$(cat "$mnt/name")" new
is 'the open file still has the old ones'   "$(cat <&5)" old
exec 5<&-

exec 6<>"$mnt/name"
ok 'unlink an open file'                    rm "$mnt/name"
not_ok 'the name is gone'                   test -e "$mnt/name"
echo more >&6
is 'it can still be written and read'    "$(perl -e 'open F, "<&=6"; seek F, 0, 0; print <F>')" more
is 'it has no links'                        "$(stat -L -c %h /dev/fd/6)" 0
exec 6>&-
eventually 30 'the brick forgets it'        none_unlinked
done_testing
