#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A mount comes and goes, many times: nothing is left of it. And one that is used while it is told to end, ends.
#
# In a name space of mounts of its own: one that somebody else makes meanwhile would have a copy of our mount, and keep it alive.
[ -n "${OWN_WORLD:-}" ] || OWN_WORLD=1 exec unshare -m --propagation private bash "$0"
. "$(dirname "$0")/../lib.sh"
MOUNT=local
needs fuse fio
mnt=$tmp/mnt
rounds=20
[ -n "$FULL" ] && rounds=1000
must start_brick b1

once() { mount_volume "$mnt" b1 && echo "$1" >"$mnt/f" && [ "$(cat "$mnt/f")" = "$1" ] && umount_volume "$mnt"; }
all() { for ((i = 0; i < rounds; i++)); do once $i || { echo "round $i"; return 1; }; done; }
ok "$rounds times mounted, used and unmounted"  all
is 'no mount is left'                           "$(grep -c "$tmp/mnt" /proc/mounts)" 0
not_ok 'no process told of an error'            grep -hE '\] [EC] \[' "$tmp/mount-mnt.log"

# In one process: files and folders come and go; what it counts is what it was.
numbers() { # of the mount: what is counted, threads without the pool's workers, descriptors, resident KiB
    local pid=${mount_pid[$mnt]}
    rm -f "$tmp"/dump/*
    mkdir -p "$tmp/dump"
    printf 'threads %s\n' "$(grep -hv '^worker$' /proc/"$pid"/task/*/comm | wc -l)"
    printf 'fds %s\n' "$(ls "/proc/$pid/fd" | wc -l)"
}
resident() { awk '/^VmRSS/ { print $2 }' "/proc/${mount_pid[$mnt]}/status"; }
must mount_volume "$mnt" b1
use() { mkdir "$mnt/d" && for ((n = 0; n < 200; n++)); do echo $n >"$mnt/d/$n"; done && rm -r "$mnt/d"; }
ok 'use it'                                     use
same() { [ "$(numbers)" = "$before" ]; }
before=$(numbers)
for ((i = 0; i < rounds; i++)); do use || break; done
is "$rounds times more"                         "$i" "$rounds"
eventually 30 'threads and descriptors are what they were' same
resident=$(resident)
use; use; use
ok 'and memory does not grow'                   test "$(resident)" -le $((resident + 2048))

# The files are there before: what a program opens after the mount has gone would be files of the folder below it.
files=(--name=load --directory="$mnt" --rw=randrw --bs=4k-256k --size=16m --numjobs=4 --ioengine=psync --group_reporting)
ok 'files'                                      fio "${files[@]}" --create_only=1
background exec_in_background fio "${files[@]}" --allow_file_create=0 --time_based --runtime=600 --output="$tmp/fio.out" 2>/dev/null
load=$!
at_work() { [ "$mnt/load.0.0" -nt "$tmp/begun" ]; }
touch "$tmp/begun"
eventually 30 'a load'                          at_work
pid=${mount_pid[$mnt]}
ok 'told to end under load'                     kill -TERM "$pid"
eventually 20 'it ends'                         process_gone "$pid"
wait "$pid"
is 'with the status of its signal'              $? 15
unset "mount_pid[$mnt]"
eventually 60 'who used it was told'            process_gone "$load"
is 'and it is not mounted any more'             "$(grep -c "$tmp/mnt" /proc/mounts)" 0
done_testing
