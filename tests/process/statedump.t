#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# SIGUSR1 writes what is inside as text: complete, in GlusterFS's sections, under GlusterFS's name; the brick goes on.
. "$(dirname "$0")/../lib.sh"
needs fuse
mnt=$tmp/mnt

must start_brick b1
must mount_volume "$mnt" b1
exec 5>"$mnt/open"
ok 'SIGUSR1'                      statedump b1
file=$(statedump b1)
is 'the name'                     "$(basename "$file" | sed 's/[0-9]*$//')" "glusterdump.${brick_pid[b1]}.dump." # a brick that was not given --brick-name
is 'only root may read it'        "$(stat -c %a "$file")" 600
is 'begins with the time'         "$(head -n 1 "$file" | cut -d: -f1)" DUMP-START-TIME
ok 'ends with the time'           sh -c "tail -n 1 '$file' | grep -q '^DUMP-END-TIME'"
not_ok 'no line is of another kind' grep -vE '^$|^\[.*\]$|^[^=]+=|^DUMP-(START|END)-TIME: ' "$file"
ok 'mallinfo'                     says "$file" '^\[mallinfo\]$'
ok 'the translators'              says "$file" '^\[xlator.storage.posix'
ok 'the inode table'              says "$file" 'active_size='
ok 'an open file'                 says "$file" 'fd-count=1'
if [ "$BRICK" = ours ]; then
    ok 'the census'               says "$file" '^\[census\]$'
    ok 'counts the connection'    counts b1 'connections 1'
    ok 'the client'               counts b1 'clients 1'
    ok 'and the file'             counts b1 'fds 1'
fi
exec 5>&-
ok 'the brick goes on'            cp "$self" "$mnt/file"
done_testing
