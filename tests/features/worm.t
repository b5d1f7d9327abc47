#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Write once, read many: a whole volume, and single files with their retention, as on a stock brick.
. "$(dirname "$0")/../lib.sh"
needs fuse setfattr getfattr
mnt=$tmp/mnt
refused() { "$@" 2>&1 | grep -E 'Read-only file system|I/O error'; } # command...; open-behind turns some into EIO
append() { sh -c "echo more >>'$1'"; }
over() { sh -c "echo more >'$1'"; }
state() { getfattr --absolute-names --only-values -n trusted.reten_state "$tmp/bricks/b1/$1" 2>/dev/null | tr -d '\0'; }

must start_brick b1 --set features/worm worm on
must mount_volume "$mnt" b1
ok 'a new file'                  sh -c "echo text >'$mnt/f'"
ok 'a new folder'                mkdir "$mnt/d"
ok 'a large new file'            dd if=/dev/zero of="$mnt/big" bs=64k count=32 status=none
ok 'append'                      refused append "$mnt/f"
ok 'overwrite'                   refused over "$mnt/f"
ok 'unlink'                      refused rm -f "$mnt/f"
ok 'rename'                      refused mv "$mnt/f" "$mnt/g"
ok 'link'                        refused ln "$mnt/f" "$mnt/g"
ok 'rmdir'                       refused rmdir "$mnt/d"
ok 'permissions are no data'     chmod 600 "$mnt/f"
is 'it is as it was'             "$(cat "$mnt/f")" text
must umount_volume "$mnt"
must stop_brick b1

must start_brick b1 --set features/worm worm off --set features/worm worm-file-level on --set features/worm auto-commit-period 2 \
    --set features/worm default-retention-period 4
must mount_volume "$mnt" b1
ok 'what was there before is free' append "$mnt/f"
echo one >"$mnt/kept"
ok 'a young file can grow'       append "$mnt/kept"
is 'has no state'                "$(state kept)" ''
ok 'lose its write permission'   chmod 444 "$mnt/kept"
is 'is retained'                 "$(state kept)" 3/4/2
ok 'overwrite'                   refused over "$mnt/kept"
ok 'unlink'                      refused rm -f "$mnt/kept"
ok 'rename'                      refused mv "$mnt/kept" "$mnt/g"
ok 'link'                        refused ln "$mnt/kept" "$mnt/g"
ok 'truncate'                    refused truncate -s 0 "$mnt/kept"
if [ "$BRICK" = ours ]; then # stock lets root take it away
    not_ok 'its state cannot be removed' setfattr -x trusted.reten_state "$mnt/kept"
fi
echo two >"$mnt/rests"
rested() { ln "$mnt/rests" "$mnt/also" 2>/dev/null && rm -f "$mnt/also" 2>/dev/null; [ "$(state rests)" = 3/4/2 ]; }
eventually 20 'a file that rests is retained' rested
expired() { rm -f "$mnt/kept" 2>/dev/null; }
eventually 20 'after its time it can be removed' expired
append "$mnt/rests"; expired2() { append "$mnt/rests"; sync "$mnt/rests"; [ "$(state rests)" = 1/0/0 ]; } 2>/dev/null
eventually 20 'the other one, too' expired2
is 'nothing was written to it'   "$(cat "$tmp/bricks/b1/rests")" two
done_testing
