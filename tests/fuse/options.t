#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Options of a mount do what they say.
. "$(dirname "$0")/../lib.sh"
MOUNT=local
needs fuse perl
mnt=$tmp/mnt
must start_brick b1

must mount_volume "$mnt" b1 -- --kernel-writeback-cache --fuse-mountopts=noatime --fs-display-name=shown:/here
ok 'the name that df shows'              grep -q "^shown:/here $mnt fuse.glusterfs .*noatime" /proc/mounts
ok 'writeback: a file that is only written to, in odd pieces' perl -e 'open F, ">", $ARGV[0] or die; for (1..300) { syswrite F, "line $_\n" or die "$!" } close F or die' "$mnt/f"
ok 'and appended to'                     sh -c "echo end >>'$mnt/f'"
is 'has them all'                        "$(wc -l <"$mnt/f") $(tail -n 1 "$mnt/f")" '301 end'
ok 'unmount'                             umount_volume "$mnt"
is 'the brick has them, too'             "$(wc -l <"$tmp/bricks/b1/f") $(tail -n 1 "$tmp/bricks/b1/f")" '301 end'

must mount_volume "$mnt" b1 -- --read-only --enable-ino32 --reader-thread-count=9
not_ok 'read-only: nothing can be made'  touch "$mnt/new"
is 'it can be read'                      "$(tail -n 1 "$mnt/f")" end
ok 'inode numbers of 32 bits'            test "$(stat -c %i "$mnt/f")" -lt 4294967296
is 'as many readers as asked for'        "$(grep -hc '^fuse-reader$' /proc/"${mount_pid[$mnt]}"/task/*/comm | grep -c 1)" 9
ok 'unmount'                             umount_volume "$mnt"

must mount_volume "$mnt" b1 -- --attribute-timeout=600 --entry-timeout=600 --negative-timeout=600
not_ok 'what is not there'               test -e "$mnt/later"
touch "$tmp/bricks/b1/later"
not_ok 'is believed not to be there'     test -e "$mnt/later"
rm "$tmp/bricks/b1/later"
is 'a size'                              "$(stat -c %s "$mnt/f")" "$(stat -c %s "$tmp/bricks/b1/f")"
echo more >>"$tmp/bricks/b1/f"
not_ok 'is believed as well'             test "$(stat -c %s "$mnt/f")" = "$(stat -c %s "$tmp/bricks/b1/f")"
ok 'unmount'                             umount_volume "$mnt"

must mount_volume "$mnt" b1 -- --direct-io-mode=on --use-readdirp=no --attribute-timeout=0
is 'past the page cache'                 "$(tail -n 1 "$mnt/f")" more
is 'a folder without attributes'         "$(ls "$mnt")" f
done_testing
