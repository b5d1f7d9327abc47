#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Two of our mounts of one volume: what POSIX promises two programs on one machine, as far as a network file system keeps it: appending,
# creating exclusively, renaming, removing what the other has open, locks, mapped memory; and when one sees what the other did.
: "${TLS:=1}" "${MOUNT:=ours}"
. "$(dirname "$0")/../lib.sh"
needs fuse perl flock setfattr
a=$tmp/a b=$tmp/b
must start_brick b1
must mount_volume "$a" b1
must mount_volume "$b" b1
at_once() { # script: in both mounts at the same time, with $me and $dir; both succeed
    (me=a dir=$a; eval "$1") & local first=$!
    (me=b dir=$b; eval "$1") && wait $first
}

append='perl -e '\''open my $f, ">>", $ARGV[0] or die; for (1 .. 300) { syswrite $f, sprintf("%s %06d\n", $ARGV[1], $_) or die }'\'' "$dir/log" $me'
ok 'both append'                            at_once "$append"
lines() { sort "$b/log" | uniq | wc -l; }
eventually 10 'no line is lost or torn'     eval '[ "$(lines)" = 600 ] && [ "$(wc -c <"$b/log")" = 5400 ]'
is 'each in its order'                      "$(grep ^a "$a/log" | sort -c && grep ^b "$a/log" | sort -c && echo yes)" yes

exclusive='perl -MFcntl -e '\''for (1 .. 200) { sysopen(my $f, "$ARGV[0]/x$_", O_CREAT | O_EXCL | O_WRONLY) and print "$_\n" }'\'' "$dir" >"$tmp/won.$me"'
ok 'both create 200 files exclusively'      at_once "$exclusive"
is 'each file has one creator'              "$(sort -n "$tmp/won.a" "$tmp/won.b" | uniq -c | awk '$1 == 1' | wc -l)" 200

mkdir "$a/from"; for i in {1..100}; do echo $i >"$a/from/$i"; done; mkdir "$a/to.a" "$a/to.b"
move='for i in {1..100}; do mv "$dir/from/$i" "$dir/to.$me/$i" 2>/dev/null; done; true'
ok 'both move the same 100 files'           at_once "$move"
is 'each file went one way'                 "$(cat "$a"/to.?/* | sort -n | uniq | wc -l) $(find "$a/from" "$a/to.a" "$a/to.b" -type f | wc -l)" '100 100'

echo 'still here' >"$a/open"
eventually 10 'what one has written and closed the other sees soon' grep -q 'still here' "$b/open" # flush-behind: close does not wait
exec 8<>"$b/open"
ok 'one removes what the other has open'    rm "$a/open"
is 'which reads it on'                      "$(cat <&8)" 'still here'
ok 'and writes'                             sh -c 'echo more >&8'
exec 8<&-
not_ok 'the name is gone for both'          stat "$b/open"

exec 7>"$a/locked"
ok 'one locks (flock)'                      flock -n 7
not_ok 'the other cannot'                   flock -n "$b/locked" true
exec 7>&-
ok 'until it lets go'                       flock -n "$b/locked" true
cat >"$tmp/hold.pl" <<'PERL'
use Fcntl; $| = 1;
open my $f, "+>>", $ARGV[0] or die;
my $lock = pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0);
fcntl($f, F_SETLKW, $lock) or die;
print "held\n";
<STDIN> if $ARGV[1];
PERL
coproc holder { exec perl "$tmp/hold.pl" "$a/locked" 1; }
holder_pid=$holder_PID
read -r said <&"${holder[0]}"
is 'one locks a range (fcntl)'              "$said" held
is 'the other waits'                        "$(timeout 1 perl "$tmp/hold.pl" "$b/locked"; echo $?)" 124
kill -KILL "$holder_pid"
ok 'until the holder dies'                  timeout 30 perl "$tmp/hold.pl" "$b/locked"

ok 'one maps a file'                        fio --name=map --filename="$a/map" --ioengine=mmap --rw=write --bs=4k --size=1m --verify=crc32c --do_verify=0 --end_fsync=1 --output="$tmp/fio.out"
ok 'the other reads what was synced'        cmp "$a/map" "$b/map"
echo first >"$a/seen"; cat "$b/seen" >/dev/null
echo second, longer >"$a/seen"
eventually 10 'a change is seen'            grep -q second "$b/seen"
chmod 600 "$a/seen"
eventually 10 'so is a mode'                eval '[ "$(stat -c %a "$b/seen")" = 600 ]'
setfattr -n user.x -v 1 "$a/seen"
eventually 10 'so is an attribute'          getfattr -n user.x "$b/seen"
rm "$a/seen"
eventually 10 'and that it is gone'         eval '! stat "$b/seen"'
done_testing
