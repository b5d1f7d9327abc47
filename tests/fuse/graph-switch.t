#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A mount gets another graph, again and again, under load: what was open stays open, also without a name; what was locked stays locked, and
# who waits for a lock goes on waiting; nothing of the old graphs is left.
. "$(dirname "$0")/../lib.sh"
MOUNT=ours
needs fuse brick fio perl flock
mnt=$tmp/mnt other=$tmp/other
rounds=20
[ -n "$FULL" ] && rounds=100
must start_brick b1
must mount_volume "$other" b1            # somebody else, straight to the brick
volfile() { # one of two shapes
    cp "$tmp/client-b1.vol" "$tmp/new.vol"
    [ $(($1 % 2)) = 0 ] || printf '\nvolume vol-more\n    type debug/io-stats\n    option log-level INFO\n    subvolumes vol\nend-volume\n' >>"$tmp/new.vol"
    mv "$tmp/new.vol" "$tmp/served.vol"
}
volfile 0
background exec_in_background "$top/tests/tools/volserver" "$tmp/port" "$tmp/served.vol"
must wait_until 30 test -s "$tmp/port"

mkdir -p "$mnt"
mount_exec -N -s 127.0.0.1 --volfile-server-port "$(cat "$tmp/port")" --volfile-id v --process-name fuse -l "$tmp/mount-mnt.log" "$mnt" \
    >"$tmp/mount-mnt.stderr" 2>&1 &
mount_pid[$mnt]=$!
must wait_until 60 is_mounted "$mnt"
exchanges() { grep -c 'a new graph has taken the place' "$tmp/mount-mnt.log"; }
exchanged() { [ "$(exchanges)" -ge "$1" ]; }
exchange() { volfile "$1" && kill -HUP "${mount_pid[$mnt]}" && wait_until 60 exchanged "$1"; }

ok 'the served volume works'       sh -c "echo first >'$mnt/open' && echo gone >'$mnt/gone' && echo >'$mnt/locked'"
exec 5<>"$mnt/open" 6<>"$mnt/gone"
rm "$mnt/gone"
# One holds a lock on a part of the file, one waits for it, and one holds the whole of another kind.
cat >"$tmp/lock" <<'P'
use Fcntl qw(:DEFAULT :flock);
my ($file, $say, $until) = @ARGV;
open(my $f, '+<', $file) or die;
my $l = pack('s s x4 q q l x4', F_WRLCK, 0, 10, 20, 0);
fcntl($f, F_SETLKW, $l) or die "$!";
open(my $s, '>', $say); close $s;
select(undef, undef, undef, 0.1) until -e $until;
P
background exec_in_background perl "$tmp/lock" "$mnt/locked" "$tmp/has" "$tmp/let-go"; holder=$!
must wait_until 30 test -e "$tmp/has"
background exec_in_background perl "$tmp/lock" "$mnt/locked" "$tmp/has-too" "$tmp/let-go"; waiter=$!
taken() { ! perl -e 'use Fcntl; open(F, "+<", $ARGV[0]) or die; my $l = pack("s s x4 q q l x4", F_WRLCK, 0, 15, 1, 0);
    exit(fcntl(F, F_SETLK, $l) ? 0 : 1)' "$other/locked"; }
ok 'a lock is seen by another mount'  taken

background exec_in_background fio --name=load --directory="$mnt" --numjobs=2 --size=8m --ioengine=psync --rw=randwrite --bs=4k-64k --verify=crc32c \
    --verify_fatal=1 --verify_state_save=0 --do_verify=1 --loops=10000 --time_based --runtime=36000 --output="$tmp/fio.out" 2>"$tmp/fio.err"
load=$!
must wait_until 60 test -s "$mnt/load.0.0"
must exchange 1
resources_now() { printf '%s %s\n' "$(grep -hv '^worker$' /proc/"${mount_pid[$mnt]}"/task/*/comm | wc -l)" "$(ls "/proc/${mount_pid[$mnt]}/fd" | wc -l)"; }
same() { [ "$(resources_now)" = "$before" ]; }
before=$(resources_now)
all() {
    local i
    for ((i = 2; i <= rounds; i++)); do
        exchange $i || { echo "round $i: no exchange"; return 1; }
        echo "round $i" >&5 || { echo "round $i: the open file"; return 1; }
        echo "round $i" >&6 || { echo "round $i: the unlinked file"; return 1; }
        taken || { echo "round $i: the lock is lost"; return 1; }
        [ ! -e "$tmp/has-too" ] || { echo "round $i: a second one has the lock"; return 1; }
        kill -0 $load || { echo "round $i: the load has ended"; tail -n 5 "$tmp/fio.err" "$tmp/fio.out"; return 1; }
    done
}
ok "$rounds exchanges under load"   all
ok 'the load goes on'               kill -0 $load
kill -TERM $load; wait $load 2>/dev/null
is 'and has read nothing wrong'     "$(cat "$tmp/fio.err" "$tmp/fio.out" | grep -ciE 'verify: bad|verify failed|io_u error')" 0
is 'the open file has every line'   "$(grep -c '^round' "$other/open")" $((rounds - 1))
is 'so has the unlinked one'        "$(perl -e 'open F, "<&=6"; seek F, 0, 0; print scalar grep { /^round/ } <F>')" $((rounds - 1))
touch "$tmp/let-go"
eventually 30 'the holder lets go'  process_gone $holder
eventually 30 'who waited has the lock' test -e "$tmp/has-too"
eventually 30 'and lets go'         process_gone $waiter
not_ok 'the lock is free'           taken
eventually 30 'nothing of the old graphs is left: threads, descriptors' same
ok 'no descriptor was lost'         sh -c "! grep -E 'it is lost|stays in memory' '$tmp/mount-mnt.log'"
exec 5>&- 6>&-
ok 'unmount'                        umount_volume "$mnt"
done_testing
