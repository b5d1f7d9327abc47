#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Connections are made and cut at random points under load, by either side and by SIGKILL: afterwards threads, descriptors,
# buffers, fops, inodes, fds and locks are what they were. Bug classes 2 to 5, 8, 10, 11, 19, 21, 22, 25, 34.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:churn tool:peer
cycles=20000
[ -n "$FULL" ] && cycles=100000
[ -n "$TLS" ] && [ -z "$FULL" ] && cycles=3000
[ -n "$sanitized" ] && cycles=2000
as_before() { resources b1 >"$tmp/after" && diff "$tmp/before" "$tmp/after" >"$tmp/diff"; }
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/${brick_pid[b1]}/status"; }

must start_brick b1
ok 'warm up'                              tool churn b1 200 1
ok 'an ordinary client'                   start_healthy b1
ok 'goes'                                 stop_healthy b1
eventually 60 'nobody is connected'       counts b1 'connections 0'
resources b1 >"$tmp/before"
rss=$(rss_kib)

ok 'load'                                 start_healthy b1
cut_anywhere() { tool churn b1 $cycles >"$tmp/cycles" || { cat "$tmp/cycles"; false; }; }
ok "$cycles connections, cut anywhere"    cut_anywhere
ok 'the load never noticed'               stop_healthy b1
eventually 60 'all is as it was before'   as_before || diag <"$tmp/diff"
is 'it did not grow by 64 MiB'            "$(($(rss_kib) - rss < 65536 || ${sanitized:-0}))" 1
{ grep -h '^cycles' "$tmp/cycles"; echo "resident memory: $rss KiB before, $(rss_kib) after"; cat "$tmp/after"; } | diag
done_testing
