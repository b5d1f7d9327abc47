#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A full disk: ENOSPC for what needs space and for nothing else, nothing half made, nothing lost, and it goes on when there is space
# again; with the reserve (before the disk is really full) and without.
. "$(dirname "$0")/disk.sh"
needs fuse ours tool:faulty mkfs.xfs mkfs.ext4
mnt=$tmp/mnt
brick=$tmp/bricks/b1

fill() { # name: until there is no space
    local i
    for ((i = 0; i < 4000; i++)); do
        dd if="$tmp/data" of="$mnt/$1-$i" bs=256k conv=fsync status=none || return 1
        filled=$i
    done
}
create_many() { local i; for ((i = 0; i < 3000; i++)); do mknod "$mnt/m$i" p || return 1; done; }
gfidless() { # objects that a failed creation left behind
    find "$brick" -path "$brick/.glusterfs" -prune -o -print | while read -r f; do
        getfattr -h -n trusted.gfid "$f" >/dev/null 2>&1 || echo "$f"; done
}
stale_handles() { find "$brick/.glusterfs" -path '*/??/??/*' -type f -links 1; }
reserve_reached() { mkdir -p "$mnt/more"; rmdir "$mnt/more"; says "$tmp/b1.log" 'less than option reserve is free: clients get no more'; } 2>/dev/null
said_twice() { grep -oE '(less|more) than option reserve' "$tmp/b1.log" | uniq -d; }
room_again() { dd if="$tmp/data" of="$mnt/new" bs=256k count=1 conv=fsync status=none 2>/dev/null; }
head -c 256k /dev/urandom >"$tmp/data"

full_disk() { # type size reserve
    must make_disk "$2" "$1"
    must start_brick b1 --set storage/posix reserve "$3" --set storage/posix health-check-interval 0
    must mount_volume "$mnt" b1
    mkdir "$mnt/dir"; setfattr -n user.a -v kept "$mnt/dir"
    filled=0
    ok "$1, reserve $3: the client is told"            fails_with 'No space left on device' fill a
    ok 'so is who makes many objects'                  fails_with 'No space left on device' create_many
    if [ "$3" != 0 ]; then
        eventually 60 'the log says that the reserve is reached' reserve_reached
        ok 'then nothing is made'                      fails_with 'No space left on device' mkdir "$mnt/more"
        ok 'what is there may be written over'         dd if="$tmp/data" of="$mnt/a-0" bs=256k conv=notrunc,fsync status=none
    fi
    ok 'it can be read'                                cmp "$tmp/data" "$mnt/a-$((filled / 2))"
    ok 'listed, renamed and removed'                   sh -c "ls -l '$mnt' && mv '$mnt/a-0' '$mnt/dir/b' && rm '$mnt/dir/b'"
    is 'the log says each change once'                 "$(said_twice)" ''
    is 'nothing half made is left'                     "$(gfidless; stale_handles)" ''
    ok 'files are removed'                             sh -c "rm -f '$mnt'/a-*[1-9] '$mnt'/m*"
    eventually 60 'then there is room again'           room_again
    must stop_brick b1
    must start_brick b1
    must fresh_mount
    ok 'after a restart all is there'                  cmp "$tmp/data" "$mnt/new"
    is 'attributes, too'                               "$(getfattr -n user.a --only-values "$mnt/dir")" kept
    umount_volume "$mnt"; stop_brick b1; : >"$tmp/b1.log"
    ok 'the disk goes'                                 end_disk
    cleanup_hooks=()
}
full_disk ext4 64M 5
full_disk ext4 64M 0
[ -n "$FULL" ] && full_disk xfs 300M 0
done_testing
