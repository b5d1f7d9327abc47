#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A stock client mounts the brick; what is written can be listed and read back, also by the next mount.
. "$(dirname "$0")/../lib.sh"
needs fuse setfattr setfacl openssl
mnt=$tmp/mnt

must start_brick b1
must mount_volume "$mnt" b1
is 'it is empty'             "$(ls -A "$mnt")" ''
head -c 3000001 /dev/urandom >"$tmp/data"
ok 'copy a file in'          cp "$tmp/data" "$mnt/file"
ok 'read it back'            cmp "$tmp/data" "$mnt/file"
ok 'append to it'            sh -c "echo more | tee -a '$tmp/data' >>'$mnt/file'"
ok 'make folders'            mkdir -p "$mnt/a/b/c"
ok 'rename a folder'         mv "$mnt/a/b" "$mnt/d"
is 'list them'               "$(cd "$mnt" && find . | sort | tr '\n' ' ')" '. ./a ./d ./d/c ./file '
ok 'unmount'                 umount_volume "$mnt"
is 'the brick has the file'  "$(stat -c %s "$tmp/bricks/b1/file")" 3000006
ok 'mount again'             mount_volume "$mnt" b1
ok 'read it again'           cmp "$tmp/data" "$mnt/file"
ok 'remove everything'       rm -r "$mnt/file" "$mnt/a" "$mnt/d"
is 'it is empty again'       "$(ls -A "$mnt")" ''
[ "$MOUNT" = local ] && done_testing # there is no brick to be stopped
ok 'stop the brick'          stop_brick b1
not_ok 'no brick, no file'   timeout -k 5 60 touch "$mnt/file"
ok 'start the brick again'   start_brick b1
eventually 60 'the mount comes back by itself' touch "$mnt/file"
done_testing
