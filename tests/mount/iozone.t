#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# iozone finishes: 24 threads with 1 MiB records, and its automatic run over record and file sizes.
. "$(dirname "$0")/../lib.sh"
needs fuse iozone
mnt=$tmp/mnt
per_thread=4m most=4m
[ -n "$TLS" ] && most=1m
[ -n "$FULL" ] && per_thread=64m most=64m
must start_brick b1
must mount_volume "$mnt" b1
cd "$mnt" || exit

finished() { "$@" >"$tmp/iozone.out" && grep -q 'iozone test complete' "$tmp/iozone.out"; }
ok '24 threads write and read'    finished iozone -r 1m -s $per_thread -i 0 -i 1 -t 24
ok "all sizes up to $most"        finished iozone -a -g $most
is 'it has tidied up'             "$(ls -A)" ''
cd /
done_testing
