#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A brick of a replicated volume dies, the others go on and note what it misses; it comes back, and stock's self-heal daemon makes it
# equal again: heal info ends at 0.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/features/heal.sh"
needs fuse stock
[ -n "$glfsheal" ] || skip_all "needs glfsheal"
mnt=$tmp/mnt
bricks="b1 b2 b3"

for b in $bricks; do must start_brick $b; done
must write_cluster_volfiles replicate '' $bricks
must mount_cluster "$mnt"
mkdir "$mnt/old"; seq 1000 >"$mnt/kept"; seq 1000 >"$mnt/changed"; touch "$mnt/gone"; ln -s x "$mnt/link"
eventually 30 'nothing is to be healed at first' nothing_to_heal

ok 'kill a brick'                      stop_brick -KILL b2
ok 'write meanwhile'                   dd if=/dev/urandom of="$mnt/changed" bs=128k count=8 conv=fsync status=none
ok 'make'                              mkdir -p "$mnt/new/deep"
seq 500 >"$mnt/new/deep/file"
mv "$mnt/kept" "$mnt/old/moved"; rm "$mnt/gone"; chmod 600 "$mnt/link" 2>/dev/null
setfattr -n user.a -v b "$mnt/old"; chmod 711 "$mnt/old"
for i in $(seq 40); do echo $i >"$mnt/old/$i"; done
ok 'the index says what is to be healed' sh -c "ls $tmp/bricks/b1/.glusterfs/indices/xattrop | grep -v ^xattrop-"
heal_info >"$tmp/info"
ok 'by path'                           grep -qx /changed "$tmp/info"
ok 'the brick comes back'              start_brick b2
start_shd
eventually 90 'heal info returns to 0' nothing_to_heal
stop_shd
content() { (cd "$1" && find . -path ./.glusterfs -prune -o -path ./.glusterfs-anonymous-inode\* -prune -o -printf '%P %y %m %l\n' -type f -exec md5sum {} + | sort); }
same() { content "$tmp/bricks/b1" >"$tmp/b1.list"; content "$tmp/bricks/$1" >"$tmp/b.list"; diff "$tmp/b1.list" "$tmp/b.list"; }
ok 'b2 has what b1 has'                same b2
ok 'b3 too'                            same b3
is 'and the attribute'                 "$(getfattr --absolute-names --only-values -n user.a "$tmp/bricks/b2/old")" b
no_entries() { ! ls "$tmp/bricks/$1/.glusterfs/indices/"{xattrop,dirty} | grep -E '^[0-9a-f]{8}-'; }
for b in $bricks; do eventually 30 "no entry is left on $b" no_entries $b; done
ok 'every byte can be read'            sh -c "cat $mnt/changed $mnt/old/* $mnt/new/deep/file >/dev/null"
ok 'unmount'                           umount_volume "$mnt"
done_testing
