#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A brick is killed under the load of our mount, and comes back: no call hangs, open files work again, and what fsync confirmed is there. Then
# one that stands still for longer than ping-timeout: a clear error, and all is well when it goes on.
: "${TLS:=1}" "${MOUNT:=ours}"
. "$(dirname "$0")/../lib.sh"
needs fuse cc
mnt=$tmp/mnt
kills=3 away=1
[ -n "$FULL" ] && kills=50 away=5
must cc -O1 -o "$tmp/confirmed" "$top/tests/fuse/confirmed.c"
must start_brick b1
must mount_volume "$mnt" b1 --set protocol/client ping-timeout 3
writers=()
start_writers() { # seconds
    writers=()
    for i in 1 2 3; do
        "$tmp/confirmed" write "$mnt/f$i" "$tmp/book$i" "$1" 2>>"$tmp/writers.err" & writers+=($!)
    done
}
writers_end() { local status=0 pid; for pid in "${writers[@]}"; do wait "$pid" || status=1; done; cat "$tmp/writers.err"; return $status; }
all_confirmed() { for i in 1 2 3; do "$tmp/confirmed" check "$mnt/f$i" "$tmp/book$i" || return 1; done; }
booked() { cat "$tmp"/book? 2>/dev/null | wc -l; }
goes_on() { [ "$(booked)" -gt "$before" ]; }
kill_and_back() {
    stop_brick -KILL b1 && sleep $away && start_brick b1 && before=$(booked) && wait_until 30 goes_on
}

start_writers $((kills * (away + 3) + 10))
before=0
eventually 30 'files are written'            goes_on
killed() { for ((k = 0; k < kills; k++)); do kill_and_back || { echo "after kill $k"; return 1; }; done; }
ok "the brick is killed $kills times; each time the open files go on"  killed
ok 'the writers end well'                    writers_end
ok 'what was confirmed is there'             all_confirmed
ok 'also for a mount of its own'             eval 'umount_volume "$mnt" && mount_volume "$mnt" b1 --set protocol/client ping-timeout 3 && all_confirmed'

kill -STOP "${brick_pid[b1]}"
is 'a brick that stands still: an error, in time' "$(timeout 60 perl -e 'my @s = stat $ARGV[0]; printf "%s\n", @s ? "none" : $!{ENOTCONN} ? "ENOTCONN" : "$!"' "$mnt/not-looked-up-yet")" ENOTCONN
kill -CONT "${brick_pid[b1]}"
eventually 60 'it goes on: so does the mount' all_confirmed
done_testing
