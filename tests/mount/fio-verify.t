#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# fio, four jobs, mixed block sizes: every block it reads back has the checksum that it wrote.
. "$(dirname "$0")/../lib.sh"
needs fuse fio
mnt=$tmp/mnt
size=10m
[ -n "$FULL" ] && size=512m
must start_brick b1
must mount_volume "$mnt" b1
run() { # name options...
    local name=$1; shift
    fio --name="$name" --directory="$mnt" --numjobs=4 --size=$size --ioengine=psync --bsrange=512-1m --bs_unaligned=1 --verify=crc32c \
        --verify_fatal=1 --verify_state_save=0 --do_verify=1 --group_reporting --fallocate=none "$@" --output="$tmp/fio.$name"
}
ok 'written and read in order'       run seq --rw=write
ok 'at random places'                run rand --rw=randwrite --norandommap=0 --bsrange=4k-128k --bs_unaligned=0
ok 'mixed with reading'              run mixed --rw=randrw --rwmixread=40 --bsrange=4k-64k --bs_unaligned=0
ok 'past the client'"'"'s cache'     run direct --rw=write --direct=1 --bsrange=4k-1m --bs_unaligned=0
sums() { (cd "$mnt" && md5sum -- *); }
before=$(sums)
ok 'unmount and mount again'         eval 'umount_volume "$mnt" && mount_volume "$mnt" b1'
is 'the other mount reads the same'  "$(sums)" "$before"
done_testing
