#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# SIGTERM ends a busy brick in order: it stops listening, drains, and leaves; SIGHUP reopens the log; SIGPIPE does nothing.
. "$(dirname "$0")/../lib.sh"
needs fuse tool:peer
mnt=$tmp/mnt
next_line_in_new_log() { peer b1 welcome && [ -s "$tmp/b1.log" ]; } # (stock reopens it when it has something to say)

must start_brick b1
must mount_volume "$mnt" b1
ok 'SIGPIPE'                                 kill -PIPE "${brick_pid[b1]}"
mv "$tmp/b1.log" "$tmp/b1.old.log"
ok 'SIGHUP'                                  kill -HUP "${brick_pid[b1]}"
eventually 30 'opens the log anew'           next_line_in_new_log
ok 'the brick works'                         cp "$self" "$mnt/file"

background peer b1 stall 64 >"$tmp/stall"
background dd if=/dev/zero of="$mnt/zeros" bs=1M count=2000 status=none
writer=$!
start_healthy b1
eventually 60 'a busy brick'                 says "$tmp/stall" '^asked'
ok 'ends at SIGTERM'                         stop_brick b1
not_ok 'nobody listens any more'             listening "${brick_port[b1]}"
is 'its status is that of an orderly end'    "$(grep -cx "${brick_status[b1]}" <<<$'0\n15')" 1
kill "$writer" 2>/dev/null

ok 'it starts again'                         start_brick b1
eventually 120 'the mount goes on'           cmp "$self" "$mnt/file"
ok 'SIGINT'                                  stop_brick -INT b1
ok 'again'                                   start_brick b1
ok 'SIGKILL'                                 stop_brick -KILL b1
ok 'and after that, too'                     start_brick b1
eventually 120 'everything is there'         cmp "$self" "$mnt/file"
done_testing
