#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A stock brick's request queues and threads: each of our threads that brought it requests gives its own back when it ends
# (EVENT_THREAD_DIED), and 1,100 connections at once, more than there are queues, are all served. Bug classes 10, 11, 24.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/plugin/plugin.sh"
in_plugin_namespace
needs root tool:churn tool:peer
cycles=400
[ -n "$FULL" ] && cycles=20000
threads() { ls "/proc/${brick_pid[b1]}/task" | wc -l; }
fds() { ls "/proc/${brick_pid[b1]}/fd" | wc -l; }
few_threads() { [ "$(threads)" -le $((threads_before + 6)) ]; } # the pool of io-threads comes and goes by itself
few_fds() { [ "$(fds)" -le $((fds_before + 8)) ]; } # what posix keeps of its own

must start_brick b1 --stock
ok 'warm up'                                       tool churn b1 100 1
ok 'an ordinary client'                            start_healthy b1
ok 'goes'                                          stop_healthy b1
threads_before=$(threads) fds_before=$(fds)
ok "$cycles connections, cut anywhere"             tool churn b1 $cycles
eventually 60 'no descriptor more'                 few_fds
eventually 60 "no thread more ($threads_before)"   few_threads || ps -L -o comm= -p "${brick_pid[b1]}" | sort | uniq -c | diag

mkfifo "$tmp/hold"; exec 8<>"$tmp/hold"
background peer b1 hold 1100 <"$tmp/hold" >"$tmp/held"
holder=$!
eventually 120 '1,100 clients have logged in'      says "$tmp/held" '^holding'
ok 'one more is welcome'                           peer b1 welcome
kill $holder
eventually 60 'they are all gone'                  few_fds
eventually 60 'and so are their threads'           few_threads || ps -L -o comm= -p "${brick_pid[b1]}" | sort | uniq -c | diag
done_testing
