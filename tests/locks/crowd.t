#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Thousands of lock calls of one client wait: its reads and pings go on, no thread waits with them, they are granted in the order in which
# they came, and those of a client that goes are gone with it.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:lockstorm # a stock brick stops reading at 64
waiting=2000
[ -n "$FULL" ] && waiting=10000
must start_brick b1
mkfifo "$tmp/go"
exec 7<>"$tmp/go"
background tool lockstorm b1 crowd $waiting <"$tmp/go" >"$tmp/said" 2>&1 7>&-
crowd=$!
eventually 120 "$waiting calls wait, reads and pings are answered" says "$tmp/said" 'calls wait'
resources b1 >"$tmp/resources"
ok 'the brick counts them'                      grep -qx "locks $((2 * waiting + 1))" "$tmp/resources" # each has a spare: granting may cut one
ok 'and they hold no thread'                    awk '$1 == "os-threads" { few = $2 < 32 } END { exit !few }' "$tmp/resources"
echo >&7
wait $crowd
is 'all were granted in turn, or went with their client' $? 0
diag <"$tmp/said"
eventually 30 'no lock is left'                 counts b1 'locks 0'
ok 'what a lock costs with others on the file'  tool lockstorm b1 cost $waiting
diag <"$tmp/out"
done_testing
