#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A peer that asks for much and reads nothing, and one that is stopped in the middle, hold up nobody and do not fill the memory.
. "$(dirname "$0")/../lib.sh"
needs fuse tool:peer
mnt=$tmp/mnt
peak_kib() { awk '/^VmHWM/ { print $2 }' "/proc/${brick_pid[b1]}/status"; }
must start_brick b1

before=$(peak_kib)
ok 'an ordinary client'                          start_healthy b1
for i in 1 2 3; do
    background peer b1 stall 256 >"$tmp/stall$i"
    eventually 60 'a peer asks and does not read' says "$tmp/stall$i" '^asked'
done
ok 'the ordinary client does not wait for them'  stop_healthy b1
[ "$BRICK" = stock ] ||
    is 'they hold less than 256 MiB of memory'   "$(($(peak_kib) - before < 262144 || ${sanitized:-0}))" 1
for pid in "${other_pids[@]}"; do kill "$pid" 2>/dev/null; done

must mount_volume "$mnt" b1
head -c 64M /dev/urandom >"$tmp/bricks/b1.data"
ok 'a file to read'                              cp "$tmp/bricks/b1.data" "$mnt/file"
echo 3 >/proc/sys/vm/drop_caches
background dd if="$mnt/file" of="$tmp/copy" bs=1M status=none
reader=$!
eventually 60 'a mount is reading'               test -s "$tmp/copy"
kill -STOP "${mount_pid[$mnt]}"
ok 'while it is stopped an ordinary client'      start_healthy b1
ok 'goes on'                                     peer b1 welcome
ok 'and on'                                      stop_healthy b1
kill -CONT "${mount_pid[$mnt]}"
eventually 120 'the mount goes on when it may'   process_gone $reader
ok 'and has read what was written'               cmp "$tmp/copy" "$tmp/bricks/b1.data"
done_testing
