#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Many clients that each have 64 calls of 1 MiB under way, while answers are held back or while they do not read: the brick's memory stays
# within what design section 6 allows, others are served, and afterwards every call is answered and nothing is lost.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:load tool:peer
clients=8
[ -n "$FULL" ] && clients=64
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/${brick_pid[b1]}/status"; }
peak_kib() { awk '/^VmHWM/ { print $2 }' "/proc/${brick_pid[b1]}/status"; }
forget_peak() { echo 5 >"/proc/${brick_pid[b1]}/clear_refs"; }
# What they send has no more room, or all has come: the memory says the same twice.
stands_still() { local now; now=$(rss_kib); [ "$now" -gt $((before + clients * 1024)) ] && [ "$now" = "${last:-}" ] && return; last=$now; sleep 0.2; return 1; }

# The barrier holds the answers of synchronous WRITEs, and with them what was received, for so many seconds from the start.
must start_brick b1 --set features/barrier barrier on --set features/barrier barrier-timeout $((clients / 4 + 11))
memory_kib=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
# an eighth of memory for records of all together; beside it each connection has what it had begun to receive, and its thread
bound=$((memory_kib / 8 + clients * 4096))
all=$((clients * 64 * 1024))
[ $bound -gt $((all + all / 4)) ] && bound=$((all + all / 4))

before=$(rss_kib)
background tool load b1 write $clients 64 >"$tmp/write.out" 2>"$tmp/write.err"
writers=$!
eventually 60 "$clients clients have logged in"    says "$tmp/write.out" '^logged in'
forget_peak
kill -USR1 $writers
eventually 60 'no more is read from them'          stands_still
ok 'others are served'                             peer b1 welcome
eventually 120 'all is written'                    says "$tmp/write.out" '^failed 0'
peak=$(($(peak_kib) - before))
echo "# $clients clients, WRITEs: $((peak / 1024)) MiB of $((all / 1024)) MiB that were sent, bound $((bound / 1024)) MiB"
is 'memory has stayed within the bound'            "$((peak < bound || ${sanitized:-0}))" 1
is 'and is there'                                  "$(find "$tmp/bricks/b1" -maxdepth 1 -name 'load*' -size 65536k | wc -l)" "$clients"
eventually 60 'the memory goes back'               sh -c "[ \$(awk '/^VmRSS/ { print \$2 }' /proc/${brick_pid[b1]}/status) -lt $((before + 131072)) ]"

before=$(rss_kib)
forget_peak
background tool load b1 read $clients 64 >"$tmp/read.out" 2>"$tmp/read.err"
readers=$!
eventually 60 "$clients clients have logged in"    says "$tmp/read.out" '^logged in'
kill -USR1 $readers
eventually 60 'they have asked for 64 MiB each'    says "$tmp/read.out" '^asked'
ok 'an ordinary client beside them'                start_healthy b1
ok 'goes on'                                       stop_healthy b1
peak=$(($(peak_kib) - before))
bound=$((clients * 20 * 1024 + 65536)) # 16 MiB queued for each
echo "# $clients slow readers: $((peak / 1024)) MiB, bound $((bound / 1024)) MiB"
is 'memory has stayed within the bound'            "$((peak < bound || ${sanitized:-0}))" 1
kill -USR1 $readers
eventually 120 'all get what they have asked for'  says "$tmp/read.out" '^failed 0'
eventually 60 'no request is left'                 counts b1 'requests 0'
done_testing
