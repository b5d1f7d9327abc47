#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# What the log of a brick has at level DEBUG for those who hunt a problem: connections, who logged in and with what, operations that failed,
# who waited for whose lock. At the usual level there is nothing of that.
. "$(dirname "$0")/../lib.sh"
needs root brick ours tool:locker
default_pki >/dev/null

play() { # brick: two failures, and a lock that is waited for
    printf '%s\n' 'A create f' 'A lk set w 0 10' 'B open f' 'B unlink nothing' 'B lk set w 5 1' 'B x=lk setw w 5 1' 'B idle x' \
        'A lk set u 0 10' 'B wait x' | tool locker "$1" "${brick_pid[$1]}" "$tmp/dump" | tail -n 1 | grep -q 'B lk: ok w 5+1'
}
noted() { # brick pattern
    says "$tmp/$1.log" " D \[.*0-$2"
}

must start_brick b1 --tls "$tmp/pki" --set debug/io-stats log-level DEBUG
ok 'a client works'                       play b1
ok 'its connection, with what secures it' noted b1 'rpc-service: connected: 127\.0\.0\.1:[0-9]+, TLSv1\.[23], [A-Z0-9_-]+, certificate client$'
ok 'its SETVOLUME and the answer'         noted b1 'vol-server: SETVOLUME of 127\.0\.0\.1:[0-9]+: .*process-uuid=.*: Success$'
ok 'a failed operation, where it failed'  noted b1 'vol-server: UNLINK 0{8}-.*01/nothing of .*, uid 0, pid [0-9]+ failed: No such file or directory$'
ok 'a lock that was not given'            noted b1 'vol-locks: LK .* failed: Resource temporarily unavailable$'
ok 'who waits for whom'                   noted b1 'vol-locks: LK: .*start=5, len=1: waits for the lock of .*, pid [0-9]+$'
ok 'and how long'                         noted b1 'vol-locks: LK: .*start=5, len=1: waits no longer, after [0-9]+ ms: it goes on$'
eventually 30 'the end of the connection' noted b1 'rpc-service: disconnected: 127\.0\.0\.1:[0-9]+.*: [0-9]+ bytes came, [0-9]+ went$'
ok 'what the transport says of it'        noted b1 'socket: conn \(127\.0\.0\.1:[0-9]+, up\)'

must start_brick b2 --tls "$tmp/pki"
ok 'at the usual level'                   play b2
not_ok 'there is nothing of that'         says "$tmp/b2.log" ' [DT] \[|failed|waits|connected: '
done_testing
