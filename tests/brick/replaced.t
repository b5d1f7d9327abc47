#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# The brick's directory is taken away under a working brick: moved, replaced by another, its file system unmounted. One sentence in the
# log, nothing goes into the wrong directory, and what was synced is there when it is back. Clients are told at once (a replicated
# volume then does without this brick); half a minute later the process ends (FULL=1 waits for it).
. "$(dirname "$0")/disk.sh"
needs fuse ours tool:faulty mkfs.xfs
mnt=$tmp/mnt brick=$tmp/bricks/b1
brick_ended() { ! brick_alive b1; }
must make_disk 300M xfs

taken() { # what how back reason
    : >"$tmp/b1.log"
    must start_brick b1 --set storage/posix health-check-interval 1
    must mount_volume "$mnt" b1
    echo "$1" >"$mnt/$1" && sync "$mnt/$1"
    must "$2"
    eventually 60 "$1: the health check sees it"  says "$tmp/b1.log" "health check of $brick failed: $4: clients are told that the brick is down"
    is 'it is said once'                          "$(grep -c 'health check' "$tmp/b1.log")" 1
    if [ -n "$FULL" ]; then
        eventually 60 'the process ends by itself' brick_ended
        ok 'the client is without a brick'        fails_with 'Transport endpoint is not connected' stat "$mnt/$1"
    fi
    must brick_over
    umount_volume "$mnt"
    [ ! -d "$brick" ] || is 'nothing was written where it does not belong' "$(ls -A "$brick")" ''
    must "$3"
    must start_brick b1
    must mount_volume "$mnt" b1
    is 'back in its place it has all'             "$(cat "$mnt/$1")" "$1"
    must stop_brick b1
    umount_volume "$mnt"
}
move_away() { mv "$brick" "$brick.away"; }
move_back() { mv "$brick.away" "$brick"; }
replace() { move_away && mkdir "$brick"; }
put_back() { rmdir "$brick" && move_back; }
unmount() { umount -l "$tmp/bricks"; }
mount_again() { mkdir -p "$tmp/bricks" && mount_disk; }

taken moved move_away move_back 'No such file or directory'
taken replaced replace put_back 'another directory is in its place'
taken unmounted unmount mount_again 'No such file or directory'

mv "$brick" "$brick.away"; mkdir "$brick"
not_ok 'a directory that is no brick is not started'  start_brick b1
ok 'and the log says why'                             says "$tmp/b1.log" 'is missing: the directory is not a brick'
must brick_over
must put_back
done_testing
