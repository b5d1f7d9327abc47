#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# The heal index, call by call as replicate and its heal daemon make them; a stock brick gives the same answers.
. "$(dirname "$0")/../lib.sh"
needs root stock tool:rawfop getfattr
index=$tmp/bricks/b1/.glusterfs/indices
raw() { timeout 30 "$tools/rawfop" -b "$tmp/bricks/b1" ${brick_tls[b1]:+-t "${brick_tls[b1]}"} "${brick_port[b1]}" "$@"; }
with_dashes() { sed -E 's/(.{8})(.{4})(.{4})(.{4})/\1-\2-\3-\4-/'; }
gfid() { getfattr --absolute-names -e hex -n trusted.gfid "$tmp/bricks/b1/$1" | sed -n 's/.*=0x//p' | with_dashes; }
virtual() { raw getxattr root "glusterfs.xattrop_$1_gfid" | sed -n 's/.*6:\(.*\)/\1/p' | with_dashes; }
listing() { raw list "$@" | sed -n 's/^entry \([^.]*\) type .*/\1/p' | grep -v '^entry-changes-' | sort | xargs; } # stock lists its base file there
value() { raw "$@" | sed -n 's/^\(value\|xdata\) [^ ]* //p'; }
up=000000010000000000000000 down=ffffffff0000000000000000 zero=000000000000000000000000
pending=trusted.afr.vol-client-1 dirty=trusted.afr.dirty

must start_brick b1
must mount_volume "$tmp/mnt" b1
touch "$tmp/mnt/"{f,g}; mkdir "$tmp/mnt/d"
f=$(gfid f) g=$(gfid g) d=$(gfid d)
x=$(virtual index) y=$(virtual dirty) e=$(virtual entry_changes)

is 'nothing is to be healed'          "$(value lookup "$f" +link-count=glusterfs.xattrop_index_count)" signed:0
is 'a counter that stays zero'        "$(value xattrop "$f" 0 $pending=$zero)" 6:$zero
is 'enters nothing'                   "$(listing "$x")" ''
is 'one that goes up'                 "$(value xattrop "$f" 0 $pending=$up $dirty=$up | xargs)" "6:$up 6:$up"
is 'enters the object'                "$(listing "$x")" "$f"
is 'in both indices'                  "$(listing "$y")" "$f"
is 'as a link to a base file'         "$(stat -c '%h %a %s' "$index/xattrop/$f")" '2 0 0'
is 'look-ups tell'                    "$(value lookup "$f" +link-count=glusterfs.xattrop_index_count)" signed:1
is 'also of what is not there'        "$(raw lookup root nothing +link-count=glusterfs.xattrop_index_count | xargs)" 'xdata link-count signed:1 error ENOENT'
is 'the number'                       "$(value getxattr root glusterfs.xattrop_index_count)" unsigned:1
is 'types, when asked for'            "$(raw list "$x" +get-gfid-type=1 | grep "$f")" "entry $f type 8"
is 'the index is of files'            "$(value lookup "$x" +glusterfs.index-ia-type-get-req=1)" unsigned:1
is 'entry-changes of folders'         "$(value lookup "$e" +glusterfs.index-ia-type-get-req=1)" unsigned:2
raw xattrop "$f" 0 $dirty=$down >/dev/null
is 'back to zero it goes'             "$(listing "$y")" ''
is 'and stays in the other'           "$(listing "$x")" "$f"
ok 'an entry can be removed'          raw unlink "$x" "$f"
is 'and is gone'                      "$(listing "$x")" ''
is 'once'                             "$(raw unlink "$x" "$f")" 'error ENOENT'

raw xattrop "$d" 0 $pending=${zero%0}1 +glusterfs.xattrop-entry-create=one >/dev/null
raw xattrop "$d" 0 $pending=$zero +glusterfs.xattrop-entry-create=two >/dev/null
is 'names that changed'               "$(listing "$e")" "$d"
sub=$(raw lookup "$e" "$d" | sed -n 's/^stat gfid \([^ ]*\).*/\1/p')
is 'are listed by folder'             "$(listing "$sub")" 'one two'
raw xattrop "$d" 0 $pending=$zero +glusterfs.xattrop-entry-delete=two >/dev/null
is 'can be taken out'                 "$(listing "$sub")" one
ok 'or unlinked'                      raw unlink "$sub" one
ok 'with their folder'                raw rmdir "$e" "$d" 0
is 'then nothing is left'             "$(listing "$e")" ''
for name in a/b ../../x; do
    is "a name like $name is refused"  "$(raw xattrop "$f" 0 $pending=$zero +glusterfs.xattrop-entry-create=$name)" 'error EINVAL'
done
must umount_volume "$tmp/mnt"
raw xattrop "$g" 0 $pending=$up >/dev/null # not f: stock thinks that what was unlinked is there still
must stop_brick b1
must start_brick b1
is 'what is to be healed is known'    "$(value getxattr root glusterfs.xattrop_index_count)" unsigned:2
is 'under a new gfid'                 "$(listing "$(virtual index)")" "$(printf '%s\n' "$d" "$g" | sort | xargs)"
is 'the old one is stale'             "$(raw list "$x" 2>&1)" 'error ESTALE'
done_testing
