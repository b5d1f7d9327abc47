#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# The file system of a brick becomes read-only: reading goes on, writing gets EROFS, nothing is half done; the health check, which
# writes, takes the brick down; writable again it serves as before.
. "$(dirname "$0")/disk.sh"
needs fuse ours tool:faulty mkfs.ext4
mnt=$tmp/mnt
down() { says "$tmp/b1.log" 'health check .* failed: Read-only file system'; }
erofs() { fails_with 'Read-only file system' "$@"; } # command...

must make_disk 64M ext4
must start_brick b1 --set storage/posix health-check-interval 0
must mount_volume "$mnt" b1
echo before >"$mnt/file"; mkdir "$mnt/dir"; ln "$mnt/file" "$mnt/link"; sync "$mnt/file"
must mount -o remount,ro "$tmp/bricks"
must fresh_mount
is 'a file can be read'            "$(cat "$mnt/file")" before
ok 'not written'                   erofs dd if=/dev/zero of="$mnt/file" bs=10 count=1 conv=notrunc,fsync
ok 'nothing can be made'           erofs mkdir "$mnt/new"
ok 'not a file either'             erofs dd if=/dev/zero of="$mnt/new" bs=10 count=1
ok 'nor removed'                   erofs rm "$mnt/link"
ok 'nor renamed'                   erofs mv "$mnt/dir" "$mnt/rid"
ok 'no attribute set'              erofs setfattr -n user.a -v 1 "$mnt/dir"
ok 'and chmod fails'               erofs chmod 600 "$mnt/file"
must stop_brick b1
must start_brick b1 --set storage/posix health-check-interval 1
eventually 60 'the health check takes it down' down
must stop_brick b1
must mount -o remount,rw "$tmp/bricks"
must start_brick b1
must fresh_mount
is 'writable again, all is there'  "$(cd "$mnt" && ls; cat file link; stat -c %h file)" "$(printf '%s\n' dir file link before before 2)"
ok 'and can be changed'            sh -c "rm '$mnt/link' && mv '$mnt/dir' '$mnt/rid' && echo after >'$mnt/file'"
done_testing
