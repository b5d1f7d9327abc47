#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Somebody worked on the brick by hand while it was down: objects without gfid, without handle, with somebody else's. What a client then
# sees, and what is repaired, is with ours what it is with stock; but a directory's handle that leads elsewhere, which stock leaves, ours
# makes again.
. "$(dirname "$0")/../lib.sh"
needs fuse ours stock setfattr getfattr

gfid_on_disk() { getfattr -h -n trusted.gfid -e hex "$1" 2>/dev/null | sed -n 's/^trusted.gfid=0x//p'; }
handle() { # path of the handle of a gfid
    local g=$1
    echo "$brick/.glusterfs/${g:0:2}/${g:2:2}/${g:0:8}-${g:8:4}-${g:12:4}-${g:16:4}-${g:20}"
}
damage() {
    local g
    echo new >"$brick/hand-f"; mkdir "$brick/hand-d"; echo in >"$brick/hand-d/in"; ln -s f1 "$brick/hand-s"; mkfifo "$brick/hand-p"
    rm "$(handle "$(gfid_on_disk "$brick/no-handle")")" "$(handle "$(gfid_on_disk "$brick/no-handle-dir")")"
    setfattr -x trusted.gfid "$brick/no-gfid"; setfattr -x trusted.gfid "$brick/no-gfid-dir"
    cp "$brick/twice" "$brick/twice-copy"; setfattr -n trusted.gfid -v "0x$(gfid_on_disk "$brick/twice")" "$brick/twice-copy"
    g=$(handle "$(gfid_on_disk "$brick/wrong-handle")"); rm "$g"; echo other >"$g"
    rm "$brick/name-gone"; rmdir "$brick/name-gone-dir"
    g=$(handle "$(gfid_on_disk "$brick/wrong-dir")"); rm "$g"; ln -s ../../00/00/00000000-0000-0000-0000-000000000001/d "$g"
    mv "$brick/d" "$brick/d-moved"
    touch -d '2001-02-03' "$brick"/hand-*
}
names='f1 hand-f hand-d hand-d/in hand-s hand-p no-handle no-handle-dir no-handle-dir/x no-gfid no-gfid-dir no-gfid-dir/x twice twice-copy
    wrong-handle name-gone name-gone-dir wrong-dir wrong-dir/x d d-moved d-moved/x none'
same() { [ "$1" -ef "$2" ] || [ "$(stat -c %i "$1")" = "$(stat -c %i "$2" 2>/dev/null)" ]; } # also of links that lead nowhere
look() { # all that can be said of each name, without the gfids themselves
    local n g st
    for n in $names; do
        st=$(stat -c '%F %a %h %s' "$mnt/$n" 2>&1 | sed 's/.*: //')
        # Two objects with one gfid are one for the client: whose links and contents it shows depends on its caches.
        case $n in twice* | wrong-handle) st=one\ of\ ${st/ [01] / } ;; esac
        printf '%s: %s' "$n" "$st"
        [ "${st#regular}" = "$st" ] || printf ' contents: %s' "$(cat "$mnt/$n" 2>&1 | sed 's/.*: //')"
        [ "${st#directory}" = "$st" ] || printf ' new entry: %s, list: %s' "$(mkdir "$mnt/$n/new" 2>&1 | sed 's/.*: //')" \
            "$(ls -A "$mnt/$n" 2>&1 | tr '\n' ' ' | sed 's/.*: //')"
        g=$(gfid_on_disk "$brick/$n")
        if [ -e "$brick/$n" ] || [ -L "$brick/$n" ]; then
            printf ' gfid: %s' "${g:+yes}"
            if [ "$n" = wrong-dir ] || [ "$n" = d-moved ]; then : # see below
            elif [ -n "$g" ]; then
                if same "$brick/$n" "$(handle "$g")"; then printf ' handle: its own'
                elif [ -L "$(handle "$g")" ] || [ -e "$(handle "$g")" ]; then printf ' handle: another'
                else printf ' handle: none'; fi
            fi
            [ -d "$brick/$n" ] || printf ' links: %s' "$(stat -c %h "$brick/$n")"
        fi
        echo
    done
}

# What has changed within the last second is left alone for that long, by both; that is another test's matter.
old_enough() { [ $(($(date +%s) - $(cd "$brick" && stat -c %Z -- * */* | sort -n | tail -n 1))) -ge 2 ]; }

for kind in stock ours; do
    mnt=$tmp/mnt-$kind brick=$tmp/bricks/$kind
    must start_brick "$kind" --stock
    must mount_volume "$mnt" "$kind"
    for n in f1 no-handle no-gfid twice wrong-handle name-gone; do echo "$n" >"$mnt/$n"; done
    for n in no-handle-dir no-gfid-dir name-gone-dir wrong-dir d; do mkdir "$mnt/$n"; done
    for n in no-handle-dir no-gfid-dir wrong-dir d; do echo x >"$mnt/$n/x"; done
    umount_volume "$mnt"
    must stop_brick "$kind"
    must damage
    must wait_until 10 old_enough
    must start_brick "$kind" "--$kind"
    must mount_volume "$mnt" "$kind"
    look >"$tmp/$kind.first" 2>&1
    look >"$tmp/$kind.second" 2>&1
    umount_volume "$mnt"
    must mount_volume "$mnt" "$kind"
    look >"$tmp/$kind.third" 2>&1
done
for turn in first second third; do
    ok "the $turn look is the same"  diff "$tmp/stock.$turn" "$tmp/ours.$turn"
done
for n in wrong-dir d-moved; do
    ok "ours has repaired the handle of $n"  test "$brick/$n" -ef "$(handle "$(gfid_on_disk "$brick/$n")")"
done
is 'about as much was looked at as there is' "$(grep -c . "$tmp/ours.first")" "$(echo $names | wc -w)"
done_testing
