#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Clients that cache for ten minutes see at once what another client changes: the brick tells them (features/upcall).
. "$(dirname "$0")/../lib.sh"
needs fuse setfattr getfattr
a=$tmp/a b=$tmp/b

mounted() { # mountpoint
    mount_volume "$1" b1 --set performance/md-cache cache-invalidation on --set performance/md-cache md-cache-timeout 600 \
        --set performance/md-cache xattr-cache-list user.seen --set performance/quick-read quick-read-cache-invalidation true \
        --set performance/quick-read cache-timeout 600 -- --entry-timeout=0 --attribute-timeout=0 --negative-timeout=0
}
size_is() { [ "$(stat -c %s "$a/$1")" = "$2" ]; }
mode_is() { [ "$(stat -c %a "$a/$1")" = "$2" ]; }
links_are() { [ "$(stat -c %h "$a/$1")" = "$2" ]; }
content_is() { [ "$(cat "$a/$1")" = "$2" ]; }
attribute_is() { [ "$(getfattr --absolute-names --only-values -n user.seen "$a/$1")" = "$2" ]; }
same_time() { [ "$(stat -c %y "$a/$1")" = "$(stat -c %y "$b/$1")" ]; }

must start_brick b1 --set features/upcall cache-invalidation on --set features/upcall cache-invalidation-timeout 600
must mounted "$a"
must mounted "$b"
for f in f g h; do echo 1234 >"$a/$f"; done
mkdir "$a/d"
setfattr -n user.seen -v one "$a/f"
stat "$a"/* >/dev/null; cat "$a/f" >/dev/null; attribute_is f one

echo 56789 >>"$b/f"
eventually 10 'appended: the size'        size_is f 11
echo other >"$b/f"
eventually 10 'written: the content'      content_is f other
chmod 700 "$b/g"
eventually 10 'chmod'                     mode_is g 700
ln "$b/h" "$b/d/h2"
eventually 10 'a second name'             links_are h 2
eventually 10 'the time of its folder'    same_time d
setfattr -n user.seen -v two "$b/f"
eventually 10 'an attribute'              attribute_is f two
truncate -s 3 "$b/g"
eventually 10 'truncated'                 size_is g 3
mv "$b/g" "$b/d/moved"
eventually 10 'renamed'                   test ! -e "$a/g"
rm "$b/h"
eventually 10 'one name less'             links_are d/h2 1
if [ "$BRICK" = ours ]; then
    file=$(statedump b1)
    ok 'the statedump counts'             says "$file" '^notices-sent=[1-9]'
fi
ok 'unmount one'                          umount_volume "$b"
ok 'the other goes on'                    sh -c "echo x >>'$a/f'"
ok 'unmount'                              umount_volume "$a"
ok 'stop'                                 stop_brick b1

# Without it a client goes on with what it has: the test above would see the difference.
must start_brick b1 --set features/upcall cache-invalidation off
must mounted "$a"
must mounted "$b"
size_is f 8; stat "$a/f" >/dev/null
echo more >>"$b/f"
not_ok 'switched off nobody is told'      size_is f 13
done_testing
