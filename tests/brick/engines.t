#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A brick whose transfers an engine does (options linux-io_uring, linux-aio): fio reads back what it wrote, through the page cache and
# past it; a failing and a full disk are told; the statedump says which engine runs and that nothing is left under way.
. "$(dirname "$0")/disk.sh"
needs fuse ours brick fio tool:faulty mkfs.xfs
mnt=$tmp/mnt
size=4m
[ -n "$FULL" ] && size=128m

run() { # name options...: four jobs, all that is read is verified
    local name=$1; shift
    fio --name="$name" --directory="$mnt" --numjobs=4 --size=$size --ioengine=psync --bsrange=4k-256k --verify=crc32c --verify_fatal=1 \
        --verify_state_save=0 --do_verify=1 --fallocate=none --fsync=16 "$@" --output="$tmp/fio.$name" && rm -f "$mnt/$name".*
}
dumped() { grep -x "$1" "$(statedump b1)"; }
number() { # engine word: what the statedump counts
    sed -n "s/^engine.$1=.*$2 \([0-9]*\).*/\1/p" "$(statedump b1)"
}
idle() { [ "$(number "$1" in_flight)" = 0 ]; }
more_than() { # engine number
    echo "$1 $2 $(number "$1" taken)"; [ "$(number "$1" taken)" -gt "$2" ]
}
fill() { for ((i = 0; i < 800; i++)); do dd if="$tmp/data" of="$mnt/fill$i" bs=1M conv=fsync status=none || return 1; done; }
sync_one() { dd if="$tmp/data" of="$mnt/one" bs=64k count=4 conv=fsync "$@" status=none; }
head -c 1M /dev/urandom >"$tmp/data"

with_engine() { # option name
    must start_brick b1 --set storage/posix "$1" on --set storage/posix health-check-interval 0 --set storage/posix reserve 0
    must mount_volume "$mnt" b1
    ok "$2 is what runs"                  dumped "engine=$2"
    ok 'through the page cache'           run cached --rw=randwrite
    taken=$(number "$2" taken)
    ok 'past it'                          run direct --rw=randwrite --direct=1
    ok 'the engine has done that'         more_than "$2" $((taken + 50))
    ok 'mixed with reading'               run mixed --rw=randrw --direct=1
    eventually 20 'and has nothing under way' idle "$2"
    ok 'a file is written'                sync_one
    disk_does fail
    ok 'a failing disk is told'           fails_with 'Input/output error' sync_one oflag=direct
    disk_does work
    stop_brick b1
    umount_volume "$mnt"
    must unmount_disk
    must mount_disk
    must start_brick b1 --set storage/posix "$1" on --set storage/posix health-check-interval 0 --set storage/posix reserve 0
    must mount_volume "$mnt" b1
    ok 'when it works again, so does the brick' sync_one oflag=direct
    ok 'a full disk is told'              fails_with 'No space left on device' fill
    ok 'what is there can be read'        cmp "$tmp/data" "$mnt/fill0"
    rm -f "$mnt"/*
    ok 'and there is room again'          sync_one
    umount_volume "$mnt"
    ok 'the brick ends in order'          stop_brick b1
    : >"$tmp/b1.log"
}

must make_disk 320M xfs
with_engine linux-io_uring io_uring
with_engine linux-aio linux-aio
done_testing
