#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our libgfapi shows the same names with the same versions as stock's, and nothing else; what is ours is inside of it.
. "$(dirname "$0")/../lib.sh"
needs nm readelf cc
[ "$GFAPI" = ours ] || skip_all 'about our own library'
[ -z "$sanitized" ] || skip_all 'once is enough, with the real build'
library=$build/api/.libs/libgfapi.so.0
stock=$(ls /usr/lib/*/libgfapi.so.0 2>/dev/null | head -n 1)
names() { nm -D --with-symbol-versions --defined-only "$1" | awk '{ print $2, $3 }' | sort; }
functions() { names "$1" | sed -n 's/^T \(glfs_[a-z_]*\)@.*/\1/p' | sort -u; }
if [ -n "$stock" ]; then
    is 'the names and versions of stock' "$(names "$library")" "$(names "$stock")"
fi
is 'that many, some in two versions'     "$(names "$library" | grep -c '^T glfs_')" 186
is 'its name'                            "$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" libgfapi.so.0
is 'no library of ours, none of stock'   "$(readelf -d "$library" | grep NEEDED | grep -E 'gatling|glusterfs|gfrpc|gfxdr|fuse')" ''

# Every function that the headers declare is in the library, but for two that stock's headers have and its library has not.
for header in glfs glfs-handles; do
    printf '#include <glusterfs/api/%s.h>\nint main(void) { return 0; }\n' "$header" >"$tmp/$header.c"
    ok "$header.h by itself"             cc -Wall -Wextra -Werror -I"$top/api" -o "$tmp/$header" "$tmp/$header.c"
    printf '#include <glusterfs/api/%s.h>\n' "$header" >"$tmp/$header.cc"
done
declared() { cc -E -P -I"$1" "$tmp/glfs-handles.c" | tr '\n' ' ' | tr ';' '\n' | grep -o 'glfs_[a-z_]* *(' | tr -d ' (' | sort -u; }
is 'all that is declared is there'       "$(declared "$top/api" | comm -23 - <(functions "$library"))" \
                                         "$(printf '%s\n' glfs_caller_specific_init glfs_h_find_handle)"
if [ -n "$stock" ] && [ -e /usr/include/glusterfs/api/glfs.h ]; then
    is 'and all that stock declares'     "$(declared /usr/include)" "$(declared "$top/api")"
    layout() { cc -I"$1" -o "$tmp/layout" "$top/tests/api/layout.c" && "$tmp/layout"; }
    is 'layouts and numbers are the same' "$(layout "$top/api")" "$(layout /usr/include)"
fi
done_testing
