#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Hard links, symbolic links and special files.
. "$(dirname "$0")/../lib.sh"
needs fuse
mnt=$tmp/mnt

must start_brick b1
must mount_volume "$mnt" b1
cd "$mnt" || exit

echo data >file
mkdir dir
ok 'hard link'                        ln file dir/link
is 'both have two links'              "$(stat -c %h file dir/link | tr '\n' ' ')" '2 2 '
is 'and are the same inode'           "$(stat -c %i file)" "$(stat -c %i dir/link)"
ok 'remove the first name'            rm file
is 'the second has the data'          "$(cat dir/link)" data
is 'and one link'                     "$(stat -c %h dir/link)" 1
not_ok 'no hard link to a folder'     ln -d dir dir2

ok 'symbolic link'                    ln -s dir/link soft
is 'it names its target'              "$(readlink soft)" dir/link
is 'it leads there'                   "$(cat soft)" data
long=$(printf '%0300d/' 1 2 3 4 5 6 7 8 9 10)
ok 'a link with a long target'        ln -s "$long" long
is 'is kept whole'                    "$(readlink long)" "$long"
ok 'its owner can change'             chown -h "$user" soft
is 'and that of the target does not'  "$(stat -c %u:%g soft dir/link | tr '\n' ' ')" "$user 0:0 "

ok 'fifo'                             mkfifo -m 640 fifo
ok 'device'                           mknod null c 1 3
is 'keep type and mode'               "$(stat -c '%F %a' fifo)" 'fifo 640'
is 'keep their numbers'               "$(stat -c '%F %t:%T' null)" 'character special file 1:3'
not_ok 'a folder with entries stays'  rmdir dir
ok 'rename within and across folders' mv fifo dir/pipe
ok 'remove them'                      rm -r dir soft long null
is 'all gone'                         "$(ls -A)" ''
cd /
done_testing
