#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Names: 255 bytes are kept, 256 refused; any byte but / and NUL is good.
. "$(dirname "$0")/../lib.sh"
needs fuse
mnt=$tmp/mnt
n255=$(printf '%0255d' 1)

must start_brick b1
must mount_volume "$mnt" b1
cd "$mnt" || exit

ok 'a file with a name of 255 bytes'   touch "$n255"
is 'is listed'                         "$(ls)" "$n255"
ok 'is found by name'                  test -f "$n255"
not_ok 'one more byte is refused'      touch "${n255}x"
not_ok 'for folders'                   mkdir "${n255}x"
not_ok 'for links'                     ln "$n255" "${n255}x"
not_ok 'and for renames'               mv "$n255" "${n255}x"
ok 'a folder of 255 bytes'             mkdir "d${n255:1}"
ok 'can be renamed to another'         mv "d${n255:1}" "e${n255:1}"
is 'both are there'                    "$(find . -mindepth 1 | wc -l)" 2
rm -r ./*
odd=$'a \t\n*?\\"\'\x01\x7f\xff\xc3\xa4'
ok 'odd bytes'                         touch -- "$odd" '-rf' '...' ' '
is 'are all kept'                      "$(find . -mindepth 1 -print0 | sort -z | tr '\0' '|')" "$(printf './%s\0' ' ' '-rf' '...' "$odd" | sort -z | tr '\0' '|')"
ok 'and removed'                       rm -- "$odd" '-rf' '...' ' '
not_ok '.glusterfs cannot be made'     mkdir .glusterfs
is 'nor seen'                          "$(ls -A)" ''
cd /
done_testing
