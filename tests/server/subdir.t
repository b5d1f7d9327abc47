#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A stock client mounts a directory of the volume: it is the root, works as one, and nothing above it is seen; who may mount what is
# in auth.addr; a directory that is removed under a mount is an error and nothing else.
. "$(dirname "$0")/../lib.sh"
needs fuse tool:peer
mnt=$tmp/mnt sub=$tmp/sub
dir=$tmp/bricks/b1
mounts() { mount_volume "$@" && is_mounted "$1"; } # a client that is refused unmounts; what was there before is not it

must start_brick b1
must mount_volume "$mnt" b1
mkdir -p "$mnt/a/b/deep" "$mnt/other" && echo inside >"$mnt/a/b/file" && echo outside >"$mnt/other/secret" && ln -s ../../other "$mnt/a/b/way-out"
ok 'a directory is mounted'                   mount_volume "$sub" b1 --set protocol/client subdir-mount /a/b
is 'it is the root'                           "$(stat -c %i "$sub")" 1
is 'with what is in it'                       "$(ls "$sub" | xargs)" 'deep file way-out'
is 'a file in it'                             "$(cat "$sub/file")" inside
not_ok 'not with what is beside it'           ls "$sub/other"
not_ok 'a symbolic link does not lead out'    cat "$sub/way-out/secret"
ok 'a file is made'                           sh -c "echo new >'$sub/new' && mkdir '$sub/d' && mv '$sub/new' '$sub/d/moved' && ln '$sub/d/moved' '$sub/linked'"
is 'where it belongs'                         "$(cat "$dir/a/b/d/moved" "$dir/a/b/linked")" $'new\nnew'
ok 'and is seen by the whole mount'           wait_until 5 cmp "$mnt/a/b/linked" "$dir/a/b/linked"
ok 'attributes of the root'                   sh -c "chmod 0751 '$sub' && setfattr -n user.k -v v '$sub' && getfattr -n user.k '$sub'"
is 'are the directory'\''s'                   "$(stat -c %a "$dir/a/b")" 751
ok 'what was made can be removed'             rm -r "$sub/d" "$sub/linked"
file=$(statedump b1)
ok 'the statedump knows of it'                says "$file" '^conn\.[0-9]+\.subdir=/a/b$'
ok 'umount'                                   umount_volume "$sub"
not_ok 'one that is not there'                mounts "$tmp/no1" b1 --set protocol/client subdir-mount /a/nosuch
not_ok 'a file'                               mounts "$tmp/no2" b1 --set protocol/client subdir-mount /a/b/file

ok 'a second one'                             mount_volume "$tmp/sub2" b1 --set protocol/client subdir-mount /other
rm -r "$mnt/other"
not_ok 'removed while it is mounted: an error' sh -c "echo x >'$tmp/sub2/file'"
ok 'umount'                                   umount_volume "$tmp/sub2"
ok 'the others go on'                         cat "$mnt/a/b/file"
ok 'umount'                                   umount_volume "$mnt"

must stop_brick b1
must start_brick b1 --plain --set protocol/server "auth.addr.$dir.allow" '/a/b(127.0.0.1),/(192.0.2.1)'
ok 'who may mount the directory'              mount_volume "$sub" b1 --set protocol/client subdir-mount /a/b
ok 'does so'                                  cat "$sub/file"
not_ok 'and not another one'                  mounts "$tmp/sub3" b1 --set protocol/client subdir-mount /a
not_ok 'nor all'                              peer b1 welcome
done_testing
