#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# What options of a mount do that no other test shows (tests/process/command-line.t has the list).
. "$(dirname "$0")/../lib.sh"
MOUNT=ours CLIENT=client-bare
needs fuse brick perl pgrep setpriv setfattr setfacl
program=$build/glusterfsd/glusterfs
mnt=$tmp/mnt b=$tmp/bricks/b1
must start_brick b1
mount_with() { must mount_volume "$mnt" b1 -- "$@"; }
unmount() { ok 'unmount' umount_volume "$mnt"; }

# ---- the process and what it agrees on with the kernel ---------------------------------------------------------------------------
mkdir "$tmp/run" "$tmp/fusectl"; must mount -t fusectl none "$tmp/fusectl"
TZ=XXX-9 mount_with --background-qlen=20 --congestion-threshold=13 --invalidate-limit=7 --oom-score-adj=321 --localtime-logging \
    --log-format=no-msg-id --run-id=seen --no-mem-accounting --global-timer-wheel --global-threading=on --io-engine=legacy --volfile-check \
    --no-daemon --log-level=INFO --log-file="$tmp/own.log" --pid-file="$tmp/run/pid" --socket-file="$tmp/run/x.socket"
pid=${mount_pid[$mnt]}
connection=$tmp/fusectl/$(perl -e 'my $d = (stat $ARGV[0])[0]; print(($d & 0xff) | ($d >> 12 & 0xfff00))' "$mnt")
is '--background-qlen'                  "$(cat "$connection/max_background")" 20
is '--congestion-threshold'             "$(cat "$connection/congestion_threshold")" 13
is '--oom-score-adj'                    "$(cat "/proc/$pid/oom_score_adj")" 321
ok '--localtime-logging'                grep -q '^\[.* +0900\] I \[' "$tmp/own.log"
ok '--log-format: no message number'    grep -q '\] 0-fuse: ' "$tmp/own.log"
ok '--run-id: ps shows it'              grep -qz -- '^--run-id=seen$' "/proc/$pid/cmdline"
is '--pid-file'                         "$(cat "$tmp/run/pid")" "$pid"
ok '--socket-file'                      test -S "$tmp/run/x.socket"
must kill -USR1 "$pid"
dumped() { cat "$tmp"/run/glusterdump."$pid".dump.* 2>/dev/null | grep -q '^DUMP-END-TIME'; }
eventually 30 'a statedump beside the socket' dumped
ok '--invalidate-limit'                 grep -q '^invalidate_limit=7$' "$tmp"/run/glusterdump."$pid".dump.*
unmount
mount_with --debug
ok '--debug: on standard error'         grep -q '\] I \[.* 0-fuse: ' "$tmp/mount-mnt.stderr"
unmount
config() { sed -n "s/^#define $1 \"\(.*\)\"/\1/p" "$build/config.h"; }
is '--print-statedumpdir'               "$("$program" --print-statedumpdir)" "$(config GF_RUNDIR)"
is '--print-xlatordir'                  "$("$program" --print-xlatordir)" "$(config GF_PKGLIBDIR)/xlator"
is '--print-libexecdir'                 "$("$program" --print-libexecdir)" "$(config GF_PKGLIBDIR)"

# ---- pages and attributes --------------------------------------------------------------------------------------------------------
for words in '' '--fopen-keep-cache=off' '--auto-invalidation=on'; do
    # shellcheck disable=SC2086
    mount_with --attribute-timeout=0 --entry-timeout=0 $words
    printf 'old text' >"$b/pages"; touch -d '2020-01-01' "$b/pages"
    must grep -q old "$mnt/pages"
    printf 'new' 1<>"$b/pages"; touch -d '2021-01-01' "$b/pages" # behind the mount's back, as long as before
    is "pages of an opened file: ${words:-kept}" "$(cat "$mnt/pages")" "$([ -n "$words" ] && echo new text || echo old text)"
    unmount
    rm "$b/pages"
done
mount_with --attr-times-granularity=1000000000
must touch -d '2020-01-02 03:04:05.678' "$mnt/times"
is '--attr-times-granularity'           "$(stat -c %y "$mnt/times" | cut -d ' ' -f 2)" 03:04:05.000000000
unmount
mount_with
must touch -d '2020-01-02 03:04:05.678' "$mnt/times"
is 'without it'                         "$(stat -c %y "$mnt/times" | cut -d ' ' -f 2)" 03:04:05.678000000
not_ok 'without --selinux'              setfattr -n security.selinux -v label "$mnt/times"
not_ok 'without --capability'           setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 "$mnt/times"
unmount
mount_with --selinux --capability
ok '--selinux'                          setfattr -n security.selinux -v label "$mnt/times"
is 'the label is kept'                  "$(getfattr --only-values -n security.selinux "$mnt/times" 2>/dev/null)" label
ok '--capability'                       setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 "$mnt/times"
is 'it is kept'                         "$(getfattr --only-values -n security.capability "$mnt/times" 2>/dev/null | wc -c)" 20
must sh -c "mkdir '$mnt/sub' && echo below >'$mnt/sub/f'"
unmount
mount_with --subdir-mount=/sub
is '--subdir-mount'                     "$(cat "$mnt/f")" below
unmount

# ---- groups of callers -----------------------------------------------------------------------------------------------------------
echo text >"$b/group"; chgrp 4321 "$b/group"; chmod 640 "$b/group"
as_group() { setpriv --reuid 65534 --regid 65534 --groups 4321 cat "$mnt/group"; }
# One process that gets the group after the mount has seen it without.
later() { perl -e 'sub look { $> = 65534; my $r = open my $f, "<", $ARGV[0]; $> = 0; $r } $) = "65534 65534"; look() and die "too early";
    $) = "65534 4321"; exit !look()' "$mnt/group"; }
mount_with --entry-timeout=0 --attribute-timeout=0
ok 'groups of the process'              as_group
not_ok 'they are kept'                  later
unmount
mount_with --entry-timeout=0 --attribute-timeout=0 --gid-timeout=0
ok '--gid-timeout=0: they are not'      later
unmount
mount_with --resolve-gids
not_ok '--resolve-gids: the user data base knows of no such group' as_group
unmount

# ---- memory ----------------------------------------------------------------------------------------------------------------------
mkdir "$b/many"; (cd "$b/many" && touch $(seq 60))
kept() { # how many objects are in memory when the kernel has forgotten what it can
    echo 2 >/proc/sys/vm/drop_caches
    rm -f "$tmp"/run/*dump*
    kill -USR1 "${mount_pid[$mnt]}" && wait_until 30 dump_is_there || return
    sed -n 's/^inodes[ =]//p; s/.*inode.*lru_size=//p' "$tmp"/run/*dump.* | sort -n | tail -n 1
}
dump_is_there() { cat "$tmp"/run/*.dump.* 2>/dev/null | grep -q '^DUMP-END-TIME'; }
few() { [ "$(kept)" -lt 30 ]; }
many() { [ "$(kept)" -ge 60 ]; }
mount_with --lru-limit=5 --socket-file="$tmp/run/y.socket"
must ls -l "$mnt/many"
eventually 60 '--lru-limit: what nobody uses goes' few
unmount
mount_with --socket-file="$tmp/run/y.socket"
must ls -l "$mnt/many"
ok 'without it it stays'                many
unmount

# ---- auto_unmount ----------------------------------------------------------------------------------------------------------------
unmounter() { pgrep -f "^glusterfs-auto-unmount $mnt "; }
no_unmounter() { ! unmounter >/dev/null; }
no_mount() { ! is_mounted "$mnt"; }
mount_with --fuse-mountopts=auto_unmount,noatime
ok 'auto_unmount: who would do it'      unmounter
unmount
ok 'leaves when it is done'             no_unmounter
mount_with --fuse-mountopts=auto_unmount
must kill -TERM "$(unmounter)"          # as a person does who ends all of them: the mount unmounts itself
ok 'it works on'                        test -e "$mnt/times"
ok 'he waits on'                        unmounter
kill -KILL "${mount_pid[$mnt]}"; wait "${mount_pid[$mnt]}" 2>/dev/null; unset "mount_pid[$mnt]"
eventually 30 'a mount that was killed is unmounted' no_mount
eventually 30 'and nobody is left'      no_unmounter
mount_with
kill -KILL "${mount_pid[$mnt]}"; wait "${mount_pid[$mnt]}" 2>/dev/null; unset "mount_pid[$mnt]"
ok 'without the word it stays'          is_mounted "$mnt"
must umount -l "$mnt"
mount_with --fuse-mountopts=auto_unmount
must umount -l "$mnt"                   # and somebody else mounts there
must mount -t tmpfs none "$mnt"
wait "${mount_pid[$mnt]}" 2>/dev/null; unset "mount_pid[$mnt]"
ok "somebody else's mount stays"        grep -q "^none $mnt tmpfs" /proc/mounts
ok 'and nobody is left, again'          no_unmounter
must umount "$mnt"

# ---- volume files and engines ----------------------------------------------------------------------------------------------------
sed '/^volume vol-server$/,$d; s/^    type debug\/io-stats$/&\n    option no-such-option 1/' "$tmp/b1.vol" >"$tmp/odd.vol"
odd() { timeout -k 5 20 "$program" --no-daemon --volfile="$tmp/odd.vol" --log-file="$tmp/odd.log" "$@" "$mnt"; }
not_ok '--volfile-check: an option that nobody knows' odd --volfile-check
ok 'is named with file and line'        grep -qE 'E \[.*odd.vol:[0-9]+: volume .*: option no-such-option: no such option, and --volfile' \
    "$tmp/odd.log"
sed -n '1,/^end-volume/p' "$tmp/b1.vol" | sed 's/^    option directory .*/&\n    option linux-aio on/' >"$tmp/disk.vol"
disk() { # name words: a daemon that has only the disk comes up; it is ended at once
    "$build/glusterfsd/glusterfsd" --volfile="$tmp/disk.vol" --log-file="$tmp/$1.log" --pid-file="$tmp/$1.pid" "${@:2}" || return
    kill -TERM "$(cat "$tmp/$1.pid")" && wait_until 30 process_gone "$(cat "$tmp/$1.pid")"
}
transfers() { sed -n 's/.*transfers are done by //p' "$tmp/$1.log"; }
must stop_brick b1
ok 'the volume asks for AIO'            disk io1
if [ "$(transfers io1)" = linux-aio ]; then # this kernel has it
    ok '--io-engine=legacy'             disk io2 --io-engine=legacy
    is 'is above the volume'\''s options' "$(transfers io2)" ''
fi
if disk io3 --io-engine=io_uring 2>"$tmp/io3.err"; then
    is '--io-engine=io_uring'           "$(transfers io3)" io_uring
else
    ok '--io-engine=io_uring: no start without it' grep -q -- '--io-engine io_uring: the kernel refuses it' "$tmp/io3.err"
fi
not_ok '--io-engine io_uring: a mount has no disk' odd --io-engine=io_uring
done_testing
