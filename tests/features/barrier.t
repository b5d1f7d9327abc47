#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# While the barrier is up nobody is told that a file is gone or synced; after barrier-timeout everybody is. Reading and writing go on.
# (The kernel keeps others out of the folder in which it waits for a removal.)
. "$(dirname "$0")/../lib.sh"
needs fuse
mnt=$tmp/mnt

must start_brick b1
must mount_volume "$mnt" b1
mkdir "$mnt/d"; echo text >"$mnt/d/f"; echo text >"$mnt/g"; echo text >"$mnt/h"
must umount_volume "$mnt"
must stop_brick b1
must start_brick b1 --set features/barrier barrier enable --set features/barrier barrier-timeout 7
must mount_volume "$mnt" b1
background rm "$mnt/d/f"
remover=$!
background sync "$mnt/g"
eventually 10 'the file is gone on the brick'  test ! -e "$tmp/bricks/b1/d/f"
ok 'who removed it does not know yet'          kill -0 "$remover"
is 'reading goes on'                           "$(timeout 10 cat "$mnt/h")" text
ok 'writing too'                               timeout 10 dd if=/dev/zero of="$mnt/new" bs=4k count=4 status=none
eventually 40 'when the time is over he is told' process_gone "$remover"
ok 'and the barrier is down'                   timeout 10 rm "$mnt/g"
done_testing
