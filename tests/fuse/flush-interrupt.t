#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# --fuse-flush-handle-interrupt: who closes a file while the brick stands still can be interrupted; without it he waits. What was written is there in
# either case.
. "$(dirname "$0")/../lib.sh"
MOUNT=ours CLIENT=client-bare
needs fuse brick perl
mnt=$tmp/mnt
must start_brick b1
cat >"$tmp/close" <<'P'
use POSIX ();
my ($file, $brick, $began, $said) = @ARGV;
my $fd = POSIX::open($file, POSIX::O_WRONLY()) or die "$!";
POSIX::write($fd, "x", 1) == 1 or die "$!";
kill 'STOP', $brick;
POSIX::sigaction(POSIX::SIGALRM(), POSIX::SigAction->new(sub { $interrupted = 1 }));
open(my $b, '>', $began); close $b;
alarm 1;
my $closed = POSIX::close($fd);
my $error = $! + 0;
open(my $s, '>', $said); print $s $closed ? 'closed' : "error $error"; close $s;
P
ends() { # name: the program in the background has said what close() said
    [ -s "$tmp/said-$1" ]
}
try() { # name [options]
    local name=$1; shift
    mount_volume "$mnt" b1 -- "$@" && echo >"$mnt/$name" &&
        { background exec_in_background perl "$tmp/close" "$mnt/$name" "${brick_pid[b1]}" "$tmp/began-$name" "$tmp/said-$name"; closer=$!; } &&
        wait_until 30 test -e "$tmp/began-$name"
}
alarm_waits() { # the signal has come, and close() has not returned for it
    awk '/^(Sig|Shd)Pnd:/ && substr($2, length($2) - 3, 1) ~ /[2367abef]/ { found = 1 } END { exit !found }' "/proc/$closer/status"
}
ok 'with it: mount, open, stop the brick'  try on --fuse-flush-handle-interrupt=on
eventually 20 'close() is interrupted'     ends on
is 'with EINTR'                            "$(cat "$tmp/said-on")" 'error 4'
must kill -CONT "${brick_pid[b1]}"
is 'the byte is there'                     "$(head -c 1 "$mnt/on")" x
ok 'unmount'                               umount_volume "$mnt"
ok 'without it: the same'                  try off
eventually 30 'the alarm comes'            alarm_waits
not_ok 'close() waits, past it'            ends off
must kill -CONT "${brick_pid[b1]}"
eventually 30 'and ends when the brick is back' ends off
is 'well'                                  "$(cat "$tmp/said-off")" closed
is 'the byte is there'                     "$(head -c 1 "$mnt/off")" x
ok 'unmount'                               umount_volume "$mnt"
done_testing
