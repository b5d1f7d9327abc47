#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A source tree is unpacked on the mount, is what it was, is built there, runs, and is removed.
. "$(dirname "$0")/../lib.sh"
needs fuse tar make cc pkg-config
mnt=$tmp/mnt
must start_brick b1
must mount_volume "$mnt" b1
mkdir "$tmp/tree" && tar -C "$top" --exclude='./build*' --exclude=./.git --exclude=./autom4te.cache -cf "$tmp/tree.tar" . && tar -C "$tmp/tree" -xf "$tmp/tree.tar"
cat >"$tmp/tree/tests/tools/Makefile" <<'M'
CFLAGS = -std=gnu11 -D_GNU_SOURCE -O1 $(shell pkg-config --cflags libssl)
all: peer churn deferred
peer churn deferred: %: %.o wire.o calls.o
	$(CC) -o $@ $^ $(shell pkg-config --libs libssl libcrypto)
*.o: wire.h
M
mkdir "$mnt/src"
ok 'unpack a tree'           sh -c "tar -C '$tmp/tree' --format=pax -cf - . | tar -C '$mnt/src' -xf -"
ok 'it is the same tree'     diff -r "$tmp/tree" "$mnt/src"
is 'with the same times'     "$(cd "$mnt/src" && find . -type f -printf '%p %T@ %m\n' | sort | md5sum)" "$(cd "$tmp/tree" && find . -type f -printf '%p %T@ %m\n' | sort | md5sum)"
ok 'build in it'             make -C "$mnt/src/tests/tools" -j2
ok 'nothing is left to do'   make -C "$mnt/src/tests/tools" -q
is 'what was built runs'     "$("$mnt/src/tests/tools/peer" 2>&1)" "$mnt/src/tests/tools/peer: which port?"
if [ -n "$FULL" ]; then
    ok 'all of it: configure'  sh -c "cd '$mnt/src' && ./autogen.sh && mkdir b && cd b && ../configure -q"
    ok 'all of it: make'       make -C "$mnt/src/b" -j2
fi
ok 'remove the tree'         rm -r "$mnt/src"
is 'nothing is left'         "$(ls -A "$mnt")" ''
done_testing
