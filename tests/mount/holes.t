#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Holes stay holes, are found by SEEK_DATA and SEEK_HOLE, and can be punched; sizes change in both directions.
. "$(dirname "$0")/../lib.sh"
needs fuse fallocate perl
mnt=$tmp/mnt
seek_to() { # file whence (3: data, 4: hole) from
    perl -e 'open F, "<", $ARGV[0] or die; my $p = sysseek F, $ARGV[2], $ARGV[1]; print defined $p ? 0 + $p : $!{ENXIO} ? "none" : "$!"' "$@"
}

must start_brick b1
must mount_volume "$mnt" b1

ok 'write behind a hole'              dd if=/dev/urandom of="$mnt/f" bs=1M count=1 seek=8 status=none
is 'the size includes the hole'       "$(stat -c %s "$mnt/f")" $((9 << 20))
is 'the hole takes no room'           "$(($(stat -c %b "$mnt/f") < 4096))" 1
is 'the hole begins at once'          "$(seek_to "$mnt/f" 4 0)" 0
is 'the data is behind it'            "$(seek_to "$mnt/f" 3 0)" $((8 << 20))
is 'then comes the end'               "$(seek_to "$mnt/f" 4 $((8 << 20)))" $((9 << 20))
is 'beyond the end is nothing'        "$(seek_to "$mnt/f" 3 $((9 << 20)))" none
ok 'holes read as zeros'              cmp -n $((8 << 20)) "$mnt/f" /dev/zero

ok 'punch a hole into the data'       fallocate -p -o $((8 << 20)) -l 65536 "$mnt/f"
is 'the data begins later'            "$(seek_to "$mnt/f" 3 0)" $(((8 << 20) + 65536))
is 'the size is the same'             "$(stat -c %s "$mnt/f")" $((9 << 20))
ok 'allocate'                         fallocate -l 16M "$mnt/f"
is 'the size grows'                   "$(stat -c %s "$mnt/f")" $((16 << 20))
ok 'allocate, keeping the size'       fallocate -n -o 16M -l 1M "$mnt/f"
is 'the size stays'                   "$(stat -c %s "$mnt/f")" $((16 << 20))
ok 'shorten'                          truncate -s 1000 "$mnt/f"
ok 'lengthen'                         truncate -s 2000 "$mnt/f"
ok 'what was cut off reads as zeros'  cmp "$mnt/f" <(head -c 2000 /dev/zero)
done_testing
