#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Two stock mounts, and programs with stock libgfapi, exclude each other with fcntl and flock; who waits is granted in turn; who is killed
# leaves no lock; mandatory locking holds between mounts. Plain and TLS.
. "$(dirname "$0")/../lib.sh"
needs root fuse gfapi cc
must cc -D_FILE_OFFSET_BITS=64 -o "$tmp/lockfile" "$top/tests/locks/lockfile.c"
# shellcheck disable=SC2046
must cc -DGLFS -o "$tmp/glfs-lockfile" "$top/tests/locks/lockfile.c" $(pkg-config --cflags --libs glusterfs-api)

declare -A channel=() locker_pid=()
# NAME PROGRAM...: a program that locks, listening
locker() {
    local name=$1 fd; shift
    rm -f "$tmp/$name.in"; mkfifo "$tmp/$name.in"
    exec {fd}<>"$tmp/$name.in"
    channel[$name]=$fd
    : >"$tmp/$name.asked" # a file: $(asks ...) is a shell of its own
    background exec_in_background "$@" <"$tmp/$name.in" >"$tmp/$name.out" 2>"$tmp/$name.err"
    locker_pid[$name]=$!
}
tell() { # NAME command...
    echo >>"$tmp/$1.asked"
    echo "${*:2}" >&"${channel[$1]}"
}
asked() { wc -l <"$tmp/$1.asked"; }
answered() { says "$tmp/$1.out" "^$(asked "$1") "; }
answer() { wait_until 60 answered "$1"; sed -n "s/^$(asked "$1") //p" "$tmp/$1.out"; }
asks() { tell "$@"; answer "$1"; }
kill_locker() { kill -KILL "${locker_pid[$1]}"; wait "${locker_pid[$1]}" 2>/dev/null; }
waiting_at_brick() { [ "$(grep -c 'posixlk.*(BLOCKED)' "$(statedump "$1")")" = "$2" ]; }
no_lock() { ! grep -q 'posixlk\.' "$(statedump "$1")"; }

drop_mount() { # a stock client that had a wait interrupted may not end by itself when it is unmounted
    umount -l "$1"
    end_process "${mount_pid[$1]}"
    unset "mount_pid[$1]"
}

for tls in '' 1; do
    TLS=$tls b=b$tls one=$tmp/one$tls two=$tmp/two$tls what=${tls:+, TLS}
    must start_brick "$b"
    must mount_volume "$one" "$b"
    must mount_volume "$two" "$b"
    echo 0123456789 >"$one/f"
    wait_until 30 test -s "$two/f"
    locker p "$tmp/lockfile" "$one/f"
    locker q "$tmp/lockfile" "$two/f"
    locker r "$tmp/lockfile" "$two/f"
    is "a lock of one mount$what"                  "$(asks p set w 0 10)" ok
    is 'keeps the other one out'                   "$(asks q set r 5 1)" EAGAIN
    is 'which is told of it'                       "$(asks q get w 0 100)" 'w 0+10'
    is 'but not beside it'                         "$(asks q set w 10 5)" ok
    tell q wait w 0 10
    eventually 30 'one waits'                      waiting_at_brick "$b" 1
    tell r wait w 0 10
    eventually 30 'and another one'                waiting_at_brick "$b" 2
    is 'a part is given up'                        "$(asks p set u 0 5)" ok
    is 'then the rest'                             "$(asks p set u 5 5)" ok
    is 'the first one has it'                      "$(answer q)" ok
    ok 'and the second one not'                    waiting_at_brick "$b" 1
    is 'until it is free'                          "$(asks q set u 0 0)" ok
    is 'then it has it'                            "$(answer r)" ok
    tell p wait r 0 1
    eventually 30 'a program waits'                waiting_at_brick "$b" 1
    kill_locker p
    eventually 30 'and is killed: it waits no more' waiting_at_brick "$b" 0
    kill_locker r
    is 'what a killed program had is free'         "$(asks q wait w 0 0)" ok
    locker p "$tmp/lockfile" "$one/f"
    tell p wait w 3 1
    eventually 30 'a program waits'                waiting_at_brick "$b" 1
    kill -KILL "${mount_pid[$two]}"; wait "${mount_pid[$two]}" 2>/dev/null
    is 'what a killed mount had is free at once'   "$(answer p)" ok
    kill_locker q; kill_locker p
    umount -l "$two"; unset "mount_pid[$two]"
    must mount_volume "$two" "$b"

    locker p "$tmp/lockfile" "$one/f"
    locker q "$tmp/lockfile" "$two/f"
    is 'flock: shared'                             "$(asks p flock s n)" ok
    is 'by both'                                   "$(asks q flock s n)" ok
    is 'not exclusive beside it'                   "$(asks q flock x n)" EAGAIN
    is 'one gives up'                              "$(asks p flock u)" ok
    is 'the other has it alone'                    "$(asks q flock x n)" ok
    tell p flock s
    eventually 30 'one waits'                      waiting_at_brick "$b" 1
    kill_locker q
    is 'until the holder is killed'                "$(answer p)" ok

    write_client_volfile "$tmp/api.vol" "$b" "${brick_tls[$b]}" client
    locker g "$tmp/glfs-lockfile" "$tmp/api.vol" /f
    is 'libgfapi meets a lock of a mount'          "$(asks g set w 0 0)" EAGAIN
    kill_locker p
    is 'and gets it when it is free'               "$(asks g wait w 0 0)" ok
    locker q "$tmp/lockfile" "$two/f"
    is 'which a mount notices'                     "$(asks q set w 0 1)" EAGAIN
    kill_locker g
    is 'until the program is killed'               "$(asks q wait w 0 1)" ok
    kill_locker q
    eventually 30 'no lock is left'                no_lock "$b"
    drop_mount "$one"; drop_mount "$two"
    must stop_brick "$b"
done

# Mandatory locking: no client may answer for the brick.
TLS=
through=()
for type in performance/write-behind performance/open-behind performance/quick-read performance/md-cache; do
    through+=(--set "$type" pass-through on)
done
must start_brick m --set features/locks mandatory-locking forced
must mount_volume "$tmp/m1" m "${through[@]}" -- --direct-io-mode=enable
must mount_volume "$tmp/m2" m "${through[@]}" -- --direct-io-mode=enable
echo 0123456789 >"$tmp/m1/f"
locker p "$tmp/lockfile" "$tmp/m1/f"
locker q "$tmp/lockfile" "$tmp/m2/f"
locker n "$tmp/lockfile" nonblock "$tmp/m2/f"
is 'mandatory: what one mount has locked'      "$(asks p set w 0 5)" ok
is 'another does not write'                    "$(asks n write 3 x)" EAGAIN
is 'nor read'                                  "$(asks n read 3 1)" EAGAIN
is 'but what is beside it'                     "$(asks n write 5 y)" ok
tell q write 0 z
is 'its owner does'                            "$(asks p read 0 1)" 0
not_ok 'a blocking descriptor waits'           answered q
is 'until it is free'                          "$(asks p set u 0 0)" ok
is 'and goes on'                               "$(answer q)" ok
is 'with what it wrote'                        "$(asks p read 0 6)" z1234y
kill_locker p; kill_locker q; kill_locker n
drop_mount "$tmp/m1"; drop_mount "$tmp/m2"
must stop_brick m
done_testing
