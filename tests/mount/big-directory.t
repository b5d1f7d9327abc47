#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A folder of 4,000 entries (--full: 50,000) lists completely, each name once, with attributes and without, and can be removed.
. "$(dirname "$0")/../lib.sh"
needs fuse perl
mnt=$tmp/mnt
count=4000
[ -n "$TLS" ] && count=1500
[ -n "$FULL" ] && count=50000

must start_brick b1
must mount_volume "$mnt" b1
mkdir "$mnt/d"
seq -f 'a-name-that-is-not-very-short-%06g' $count >"$tmp/names"

ok "make $count entries"            perl -MPOSIX -e 'chdir shift; while (<>) { chomp; mkfifo $_, 0644 or die "$_: $!" }' "$mnt/d" "$tmp/names"
ok 'the list is complete'           sh -c "ls -U '$mnt/d' | sort | cmp - '$tmp/names'"
ok 'with attributes too'            sh -c "find '$mnt/d' -type p -perm 644 -printf '%f\n' | sort | cmp - '$tmp/names'"
ok 'another mount'                  mount_volume "$tmp/mnt2" b1
ok 'lists the same'                 sh -c "ls -U '$tmp/mnt2/d' | sort | cmp - '$tmp/names'"
ok 'remove the folder'              rm -r "$mnt/d"
is 'nothing is left of it'          "$(ls "$mnt" "$tmp/bricks/b1" | grep -v : | xargs)" ''
done_testing
