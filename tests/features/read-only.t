#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A read-only brick gives what it has and refuses every change.
. "$(dirname "$0")/../lib.sh"
needs fuse setfattr
mnt=$tmp/mnt
refused() { "$@" 2>&1 | grep 'Read-only file system'; } # command...

must start_brick b1
must mount_volume "$mnt" b1
echo text >"$mnt/f"; mkdir "$mnt/d"; setfattr -n user.a -v b "$mnt/f"
must umount_volume "$mnt"
must stop_brick b1
must start_brick b1 --set features/read-only read-only on
must mount_volume "$mnt" b1
is 'reads'            "$(cat "$mnt/f")" text
is 'lists'            "$(ls "$mnt" | xargs)" 'd f'
is 'attributes'       "$(getfattr --absolute-names --only-values -n user.a "$mnt/f")" b
ok 'create'           refused touch "$mnt/new"
ok 'write'            refused dd if=/dev/zero of="$mnt/f" count=1 conv=notrunc
ok 'truncate'         refused truncate -s 0 "$mnt/f"
ok 'mkdir'            refused mkdir "$mnt/e"
ok 'rmdir'            refused rmdir "$mnt/d"
ok 'unlink'           refused rm -f "$mnt/f"
ok 'rename'           refused mv "$mnt/f" "$mnt/g"
ok 'link'             refused ln "$mnt/f" "$mnt/g"
ok 'symlink'          refused ln -s f "$mnt/g"
ok 'mknod'            refused mkfifo "$mnt/p"
ok 'chmod'            refused chmod 600 "$mnt/f"
ok 'times'            refused touch -c -d @5 "$mnt/f"
ok 'setxattr'         refused setfattr -n user.a -v c "$mnt/f"
ok 'removexattr'      refused setfattr -x user.a "$mnt/f"
is 'all is as it was' "$(cat "$mnt/f"; ls "$mnt" | xargs)" "text
d f"
done_testing
