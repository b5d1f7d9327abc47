#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A brick of a replicated, arbitrated or dispersed volume dies, the others go on and note what it misses; it comes back, and stock's
# self-heal daemon makes it equal again: heal info ends at 0.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/features/heal.sh"
needs fuse stock
[ -n "$glfsheal" ] || skip_all "needs glfsheal"
mnt=$tmp/mnt files=$([ -n "$FULL" ] && echo 2000 || echo 40)

change() { # what the dead brick misses
    dd if=/dev/urandom of="$mnt/changed" bs=128k count=8 conv=fsync status=none && mkdir -p "$mnt/new/deep" &&
    seq 500 >"$mnt/new/deep/file" && mv "$mnt/kept" "$mnt/old/moved" && rm "$mnt/gone" &&
    setfattr -n user.a -v b "$mnt/old" && chmod 711 "$mnt/old" && for i in $(seq "$files"); do echo "$i" >"$mnt/old/$i"; done
}
# Names, types, modes, links; and, with "data", contents.
content() {
    (cd "$1" && find . \( -path './.glusterfs*' -o -path ./.trashcan \) -prune -o -printf '%P %y %m %l\n' | sort
        [ "$2" = names ] || find . -path './.glusterfs*' -prune -o -type f -exec md5sum {} + | sort)
}
same() { # brick what
    content "$tmp/bricks/${1%?}1" "$2" >"$tmp/first.list" && content "$tmp/bricks/$1" "$2" >"$tmp/other.list" &&
        diff "$tmp/first.list" "$tmp/other.list"
}
entries() { find "$tmp/bricks/$1/.glusterfs/indices" -path '*/xattrop/????????-*' -o -path '*/dirty/????????-*' | grep .; }
no_entries() { ! entries "$1"; }

not_healed() { # brick...: why that may be
    local b
    heal_info
    for b; do entries "$b"; done
    tail -n 40 "$tmp/shd.log"
}

heals() { # name type options dead brick...
    local name=$1 type=$2 options=$3 dead=$4 b; shift 4
    must write_cluster_volfiles "$type" "$options" "$@"
    must mount_cluster "$mnt"
    mkdir "$mnt/old"; seq 1000 >"$mnt/kept"; seq 1000 >"$mnt/changed"; touch "$mnt/gone"; ln -s x "$mnt/link"
    eventually 30 "$name: nothing is to be healed at first" nothing_to_heal
    ok "$name: kill a brick"                stop_brick -KILL "$dead"
    ok "$name: go on"                       change
    ok "$name: the index says what is missed" entries "$1"
    heal_info >"$tmp/info"
    ok "$name: heal info, too"              grep -qx '/changed *' "$tmp/info"
    ok "$name: the brick comes back"        start_brick "$dead"
    start_shd
    eventually 240 "$name: heal info returns to 0" nothing_to_heal || not_healed "$@" | diag
    for b; do eventually 60 "$name: no entry is left on $b" no_entries "$b"; done
    stop_shd
    find "$mnt" -type f -exec md5sum {} + | sort >"$tmp/before"
    ok "$name: unmount"                     umount_volume "$mnt"
}
# Reads everything again with one of the bricks that were never dead gone.
without() { # name brick
    must stop_brick -KILL "$2"
    must mount_cluster "$mnt"
    find "$mnt" -type f -exec md5sum {} + | sort >"$tmp/after"
    ok "$1: the healed brick's data is right" diff "$tmp/before" "$tmp/after"
    must umount_volume "$mnt"
}

for b in r1 r2 r3; do must start_brick $b; done
heals replica replicate '' r2 r1 r2 r3
ok 'replica: r2 has what r1 has'   same r2 data
ok 'replica: r3 too'               same r3 data
is 'replica: the attribute'        "$(getfattr --absolute-names --only-values -n user.a "$tmp/bricks/r2/old")" b
for b in r1 r2 r3; do must stop_brick $b; done

if [ -n "$FULL" ]; then # under a daemon: tests/cluster/heal.t
for b in a1 a2; do must start_brick $b; done
must start_brick a3 --volfile arbiter
heals arbiter replicate 'arbiter-count 1' a2 a1 a2 a3
ok 'arbiter: a2 has what a1 has'   same a2 data
ok 'arbiter: the arbiter has the names' same a3 names
is 'arbiter: and no data'          "$(find "$tmp/bricks/a3" -path '*/.glusterfs' -prune -o -type f -size +0 -print)" ''
without arbiter a1
start_brick a1
for b in a1 a2 a3; do must stop_brick $b; done

files=300 # stock's daemon heals a dispersed volume slowly, over stock's bricks, too
for b in e1 e2 e3; do must start_brick $b --volfile disperse; done
heals disperse disperse 'redundancy 1' e2 e1 e2 e3
without disperse e1
fi
done_testing
