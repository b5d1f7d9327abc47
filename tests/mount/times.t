#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Times are kept to the nanosecond, and move when and only when they should.
. "$(dirname "$0")/../lib.sh"
needs fuse
mnt=$tmp/mnt
change() { stat -c %Z.%z "$1"; }

must start_brick b1
must mount_volume "$mnt" b1 -- --attribute-timeout=0 --entry-timeout=0

touch "$mnt/f"
ok 'set both times'                 touch -a -d '2001-02-03 04:05:06.123456789 UTC' "$mnt/f"
ok 'each of its own'                touch -m -d '2011-12-13 14:15:16.987654321 UTC' "$mnt/f"
is 'atime is kept'                  "$(date -u -d "$(stat -c %x "$mnt/f")" +%FT%T.%N)" 2001-02-03T04:05:06.123456789
is 'mtime is kept'                  "$(date -u -d "$(stat -c %y "$mnt/f")" +%FT%T.%N)" 2011-12-13T14:15:16.987654321
ok 'before 1970'                    touch -d '1969-01-02 03:04:05.5 UTC' "$mnt/f"
is 'is kept'                        "$(date -u -d "$(stat -c %y "$mnt/f")" +%FT%T.%N)" 1969-01-02T03:04:05.500000000
before=$(change "$mnt/f")
ok 'a write moves mtime'            sh -c "echo x >>'$mnt/f' && [ \$(stat -c %Y '$mnt/f') -gt 1000000000 ]"
not_ok 'and ctime'                  test "$(change "$mnt/f")" = "$before"
before=$(stat -c %y "$mnt/f"); changed=$(change "$mnt/f")
ok 'chmod'                          chmod 600 "$mnt/f"
is 'leaves mtime'                   "$(stat -c %y "$mnt/f")" "$before"
not_ok 'moves ctime'                test "$(change "$mnt/f")" = "$changed"
before=$(stat -c %y "$mnt")
ok 'a new name'                     ln "$mnt/f" "$mnt/g"
not_ok 'moves mtime of its folder'  test "$(stat -c %y "$mnt")" = "$before"
ok 'another mount'                  mount_volume "$tmp/mnt2" b1
is 'sees the same times'            "$(stat -c '%x %y %z' "$tmp/mnt2/f")" "$(stat -c '%x %y %z' "$mnt/f")"
done_testing
