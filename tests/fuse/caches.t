#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our caches in a mount: what one mount changes another one sees, when the brick tells of it and when it does not; what is written behind is
# seen by who reads, is there after fsync, and its loss is reported.
. "$(dirname "$0")/../lib.sh"
[ "$MOUNT" = stock ] && MOUNT=ours
needs fuse brick setfattr getfattr perl
a=$tmp/a b=$tmp/b
size_is() { [ "$(stat -c %s "$a/$1")" = "$2" ]; }
mode_is() { [ "$(stat -c %a "$a/$1")" = "$2" ]; }
content_is() { [ "$(cat "$a/$1")" = "$2" ]; }
attribute_is() { [ "$(getfattr --absolute-names --only-values -n user.seen "$a/$1" 2>/dev/null)" = "$2" ]; }
changes() { # seconds: each change in b is seen in a after that time at most
    for f in f g h; do echo 1234 >"$a/$f"; done
    setfattr -n user.seen -v one "$a/f"
    stat "$a"/* >/dev/null; cat "$a/f" >/dev/null; attribute_is f one; attribute_is g ''
    echo 56789 >>"$b/f"
    eventually "$1" 'appended: the size'      size_is f 11
    echo other >"$b/f"
    eventually "$1" 'written: the content'    content_is f other
    chmod 700 "$b/g"
    eventually "$1" 'chmod'                   mode_is g 700
    setfattr -n user.seen -v two "$b/f"
    eventually "$1" 'an attribute'            attribute_is f two
    setfattr -n user.seen -v new "$b/g"
    eventually "$1" 'one that was not there'  attribute_is g new
    truncate -s 3 "$b/g"
    eventually "$1" 'truncated'               size_is g 3
    rm "$b/h"
    eventually "$1" 'removed'                 test ! -e "$a/h"
}
keep=(--set performance/md-cache cache-invalidation on --set performance/md-cache md-cache-timeout 600 --set performance/md-cache xattr-cache-list user.seen)
must start_brick b1 --set features/upcall cache-invalidation on --set features/upcall cache-invalidation-timeout 600
must mount_volume "$a" b1 "${keep[@]}" -- --attribute-timeout=600
must mount_volume "$b" b1 "${keep[@]}" -- --attribute-timeout=600
changes 10
ok 'unmount'                             umount_volume "$a"
ok 'and the other'                       umount_volume "$b"
ok 'stop'                                stop_brick b1

must start_brick b1
must mount_volume "$a" b1 --set performance/md-cache xattr-cache-list user.seen
must mount_volume "$b" b1 --set performance/md-cache xattr-cache-list user.seen
changes 10

# Its own changes a mount sees at once, also those that the kernel makes by name.
links_are() { [ "$(stat -c %h "$1")" = "$2" ]; }
echo x >"$a/one"; ln "$a/one" "$a/two"; stat "$a/one" "$a/two" >/dev/null
ok 'two names'                           links_are "$a/one" 2
rm "$a/two"
ok 'one name less'                       links_are "$a/one" 1
ln "$a/one" "$a/two"; echo y >"$a/three"; stat "$a/one" "$a/two" >/dev/null
mv "$a/three" "$a/two"
ok 'one that was replaced'               links_are "$a/one" 1
is 'by what was renamed'                 "$(cat "$a/two")" y
exec 5<"$a/one"; stat "$a/one" >/dev/null; rm "$a/one"
is 'none is left of an open file'        "$(stat -Lc %h /proc/self/fd/5)" 0
exec 5<&-

# What was opened and not yet at the brick: the file may lose its name, and who may not read does not.
echo kept >"$a/behind"; chmod 600 "$a/behind"
not_ok 'somebody else may not read'      as_user sh -c "cat '$a/behind'; cat '$a/behind'"
exec 5<"$a/behind"; rm "$a/behind"
is 'read after its name is gone'         "$(cat <&5)" kept
exec 5<&-

# Written behind: a program sees its own writes, another mount sees them after close, small ones are joined.
ok 'small writes'                        dd if=/dev/urandom of="$a/small" bs=512 count=4000 status=none
is 'are all there for another'           "$(cat "$b/small" | cksum)" "$(cksum <"$a/small")"
cat >"$tmp/mixed.pl" <<'P'
# Writes, reads and cuts one file at random, and a string with it.
use Fcntl;
srand(7);
my $model = '';
sysopen(F, $ARGV[0], O_RDWR | O_CREAT | O_TRUNC) or die "$!";
for my $i (1 .. 3000) {
    my ($at, $n) = (int rand 20000, 1 + int rand 3000);
    my $what = int rand 10;
    if ($what < 6) {
        my $data = chr(65 + $i % 26) x $n;
        sysseek(F, $at, 0); syswrite(F, $data) == $n or die "write: $!";
        $model .= "\0" x ($at - length $model) if $at > length $model;
        substr($model, $at, $n) = $data;
    } elsif ($what < 8) {
        sysseek(F, $at, 0);
        my $want = $at < length $model ? substr($model, $at, $n) : '';
        defined sysread(F, my $got, $n) or die "read: $!";
        $got eq $want or die "step $i: read at $at differs";
    } elsif ($what == 8) {
        (-s F) == length $model or die "step $i: size ", -s F, " and not ", length $model;
    } else {
        truncate(F, $at) or die "truncate: $!";
        $model = $at < length $model ? substr($model, 0, $at) : $model . "\0" x ($at - length $model);
    }
}
close(F) or die "close: $!";
open(M, '>', $ARGV[1]); print M $model; close M;
P
ok 'at random'                           perl "$tmp/mixed.pl" "$a/mixed" "$tmp/model"
ok 'and as it should be, over there'     cmp "$tmp/model" "$b/mixed"
cat >"$tmp/lost.pl" <<'P'
# Writes, waits until the brick is gone, syncs.
use Fcntl; use IO::Handle;
sysopen(my $f, $ARGV[0], O_WRONLY | O_CREAT) or die "open: $!";
kill 'STOP', $ARGV[1];
syswrite($f, 'x' x 4096) == 4096 or die "write: $!"; # answered although nobody takes it
kill 'KILL', $ARGV[1];
my $synced = $f->sync ? 'synced' : "not synced: $!";
print "$synced\n";
P
: >"$a/lost"
ok 'written, and then the brick dies'    perl "$tmp/lost.pl" "$a/lost" "${brick_pid[b1]}"
not_ok 'fsync does not say that it was'  says "$tmp/out" '^synced'
ok 'the process is gone'                 stop_brick -9 b1
must start_brick b1
eventually 30 'it goes on'               sh -c "echo again >'$a/lost' && sync '$a/lost'"
eventually 30 'and the other sees it'     grep -qx again "$b/lost" # which comes back in its own time

# Closed and unmounted at once: what is behind is written before the end.
ok 'many small files'                    sh -c "mkdir '$a/many' && for i in \$(seq 300); do echo \$i >'$a/many/'\$i; done"
ok 'unmount'                             umount_volume "$a"
is 'all of them are there'               "$(cat "$tmp"/bricks/b1/many/* | sort -n | tail -1) $(cat "$tmp"/bricks/b1/many/* | wc -l)" '300 300'
done_testing
