#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Locks of two mounts: of ranges and of whole files; who waits can be interrupted, and gets the lock when it comes free.
. "$(dirname "$0")/../lib.sh"
[ "$MOUNT" = stock ] && MOUNT=ours
needs fuse brick flock perl
a=$tmp/a b=$tmp/b
must start_brick b1
must mount_volume "$a" b1
must mount_volume "$b" b1
echo x >"$a/f"

cat >"$tmp/range" <<'P'
use Fcntl;
my ($file, $how, $type, $start, $len, $hold) = @ARGV;
open(my $f, '+<', $file) or die "open: $!";
my $l = pack('s s x4 q q l x4', {r => F_RDLCK, w => F_WRLCK}->{$type}, 0, $start, $len, 0);
if ($how eq 'test') {
    fcntl($f, F_GETLK, $l) or die "getlk: $!";
    my ($t, undef, $s, $n) = unpack('s s x4 q q l x4', $l);
    print $t == F_UNLCK ? "free\n" : "$s+$n\n";
    exit 0;
}
fcntl($f, $how eq 'wait' ? F_SETLKW : F_SETLK, $l) or exit 1;
print "has it\n"; close STDOUT;
if ($hold) { select(undef, undef, undef, 0.1) until -e $hold; }
P
range() { perl "$tmp/range" "$@"; }
held() { says "$tmp/held" 'has it'; }

background exec_in_background perl "$tmp/range" "$a/f" try w 100 50 "$tmp/let-go" >"$tmp/held"; holder=$!
must wait_until 30 held
not_ok 'the other mount does not get it'     range "$b/f" try w 149 1
not_ok 'nor does another process of ours'    range "$a/f" try r 100 1
ok 'what lies beside it is free'             range "$b/f" try w 150 10
is 'the other mount can ask who has it'      "$(range "$b/f" test w 120 1)" 100+50
background exec_in_background perl "$tmp/range" "$b/f" wait w 0 1000 >"$tmp/waits"; waiter=$!
background exec_in_background perl "$tmp/range" "$b/f" wait w 0 1000 >"$tmp/waits-too"; doomed=$!
sleeping() { [ "$(awk '{ print $3 }' "/proc/$1/stat")" = S ] && grep -q fuse "/proc/$1/wchan" 2>/dev/null || [ "$(cat "/proc/$1/syscall" | cut -d' ' -f1)" = 72 ]; }
must wait_until 30 sleeping "$doomed"
must wait_until 30 sleeping "$waiter"
kill -TERM "$doomed"
eventually 10 'one that waits can be killed' process_gone "$doomed"
is 'it has got nothing'                      "$(cat "$tmp/waits-too")" ''
touch "$tmp/let-go"
eventually 30 'the holder ends'              process_gone "$holder"
eventually 30 'the one that waited has it'   says "$tmp/waits" 'has it'
eventually 30 'and ends'                     process_gone "$waiter"
is 'nobody has it now'                       "$(range "$a/f" test w 0 0)" free

background exec_in_background flock "$a/f" sh -c "touch '$tmp/flocked'; until [ -e '$tmp/unflock' ]; do sleep 0.1; done"; holder=$!
must wait_until 30 test -e "$tmp/flocked"
not_ok 'flock() excludes the other mount'    flock -n "$b/f" true
touch "$tmp/unflock"
eventually 30 'until it ends'                flock -n "$b/f" true
done_testing
