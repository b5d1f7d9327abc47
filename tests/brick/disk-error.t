#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# The disk begins to fail under a working brick: the client hears of it, what was synced before is there when the disk is back, and
# the health check takes the brick down with one sentence. FULL=1 also waits for the end of the process, half a minute later.
. "$(dirname "$0")/disk.sh"
needs fuse ours tool:faulty mkfs.xfs
mnt=$tmp/mnt
confirmed=$tmp/confirmed
: >"$confirmed"

write_files() { # first count: ends at the first that is not confirmed
    local i
    for ((i = $1; i < $1 + $2; i++)); do
        head -c $((i * 7919 % 90000 + 1)) /dev/urandom >"$tmp/new"
        dd if="$tmp/new" of="$mnt/file$i" bs=64k conv=fsync status=none || return 1
        md5sum <"$tmp/new" | sed "s/-/file$i/" >>"$confirmed"
    done
}
told() { grep -c "health check of $tmp/bricks/b1 failed" "$tmp/b1.log"; }
down() { says "$tmp/b1.log" 'health check .* failed: '; }
brick_ended() { ! brick_alive b1; }

must make_disk 300M xfs
must start_brick b1 --set storage/posix health-check-interval 0
must mount_volume "$mnt" b1
ok 'files are written and synced'               write_files 0 200
disk_does fail
ok 'then the disk fails: the client is told'    fails_with 'Input/output error' write_files 200 50
disk_does work
stop_brick b1
umount_volume "$mnt"
must unmount_disk
must mount_disk
must start_brick b1
must mount_volume "$mnt" b1
ok 'the disk is back: what was confirmed is there' same_files "$confirmed"
ok 'the other file can be written again'        write_files 200 20

must stop_brick b1
must start_brick b1 --set storage/posix health-check-interval 1
must fresh_mount
ok 'files are written and synced'               write_files 300 20
disk_does all
ok 'the disk is dead: the client is told'       fails_with 'Input/output error' write_files 400 50
sync -f "$tmp/bricks" 2>/dev/null # the journal, too, finds out now and not in half a minute
eventually 60 'the health check fails'          down
ok 'with the reason'                            says "$tmp/b1.log" 'health check .* failed: Input/output error: clients are told'
is 'it is said once'                            "$(told)" 1
if [ -n "$FULL" ]; then
    eventually 60 'the process ends by itself'  brick_ended
    ok 'the client is without a brick'          fails_with 'Transport endpoint is not connected' stat "$mnt/none"
fi
disk_does work
must brick_over
umount_volume "$mnt"
must unmount_disk
must mount_disk
must start_brick b1
must mount_volume "$mnt" b1
ok 'after a restart what was confirmed is there' same_files "$confirmed"

must stop_brick b1
must start_brick b1 --set storage/posix health-check-interval 1 --set storage/posix health-check-timeout 2
disk_does hang
eventually 60 'a disk that does not answer is found out, too' says "$tmp/b1.log" 'health check .* failed: Connection timed out'
if [ -n "$FULL" ]; then
    eventually 60 'the process leaves although the disk holds a thread'  says "$tmp/b1.log" 'leaving without them'
fi
disk_does work
must brick_over
done_testing
