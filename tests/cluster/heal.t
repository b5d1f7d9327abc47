#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# GlusterFS's own cluster engine over our bricks: one brick is killed, the client goes on writing, the brick comes back, and the
# self-heal daemon makes it equal again: replica 3, replica 3 arbiter 1, disperse 3 redundancy 1.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse
files=${FULL:+400}; files=${files:-40}

must start_nodes 1
must start_glusterd n1

heal_info_is_empty() { # volume bricks. What a crawl has passed by (a brick or a lock that was not there yet) waits 10 minutes for the next
    gluster n1 volume heal "$1" >/dev/null 2>&1
    [ "$(gluster n1 volume heal "$1" info 2>/dev/null | grep -c '^Number of entries: 0$')" = "$2" ]
}
some_to_heal() { gluster n1 volume heal "$1" info | grep -q '^Number of entries: [1-9]'; }

# What a brick holds. Not: our bookkeeping, and what the self-heal daemon has put aside under names of its own and not removed yet.
content() { # path [names only]
    local -a found=(find . '(' -path ./.glusterfs -o -path './.glusterfs-anonymous-inode-*' ')' -prune -o)
    (cd "$(root n1)$1" && "${found[@]}" -printf '%P %y %m %U:%G %l\n' | sort &&
        { [ -n "${2:-}" ] || "${found[@]}" -type f -print0 | sort -z | xargs -0 sha256sum; } &&
        "${found[@]}" -print0 | sort -z | xargs -0 getfattr -h -e hex -n trusted.gfid 2>/dev/null)
}
same_content() { # path path [names only]
    content "$1" ${3:+"$3"} >"$tmp/one" && content "$2" ${3:+"$3"} >"$tmp/other" && diff "$tmp/one" "$tmp/other"
}

populate() { # folder, what to write
    local mnt=$1 i
    mkdir -p "$mnt/dir/deep" || return 1
    for i in $(seq "$files"); do
        echo "$2 $i" >"$mnt/dir/file$i" && head -c $((i * 977)) /dev/urandom >"$mnt/dir/deep/data$i" || return 1
    done
    head -c 3000000 /dev/urandom >"$mnt/big" && ln -sfn "big $2" "$mnt/link"
}
change() { # what a client does while a brick is away
    local mnt=$1 i
    populate "$mnt" second && mkdir "$mnt/new" && mv "$mnt/dir/file1" "$mnt/new/moved" && rm "$mnt/dir/file2" &&
        chmod 640 "$mnt/dir/file3" && setfattr -n user.colour -v green "$mnt/dir/file4" && ln "$mnt/dir/file5" "$mnt/new/hard" &&
        truncate -s 100 "$mnt/dir/deep/data6" && rmdir "$mnt/empty" && mknod "$mnt/new/pipe" p
}

check_volume() { # name kind what-create-is-told...
    local volume=$1 kind=$2 dead=/srv/$1-2 mnt brick; shift 2
    ok "$kind: create" gluster n1 volume create "$volume" "$@" n1:/srv/"$volume"-{1,2,3} force
    ok "$kind: start" gluster n1 volume start "$volume"
    ok "$kind: mount" mount_node n1 "$volume"
    mnt=$(root n1)/mnt/$volume
    ok "$kind: write" populate "$mnt" first
    ok "$kind: an empty folder" mkdir "$mnt/empty"
    ok "$kind: kill a brick" kill_brick n1 "$dead"
    ok "$kind: go on without it" change "$mnt"
    (cd "$mnt" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$tmp/$volume.sums"
    eventually 60 "$kind: heal info names what is behind" some_to_heal "$volume"
    ok "$kind: start the brick again" gluster n1 volume start "$volume" force
    eventually 180 "$kind: heal info returns to 0" heal_info_is_empty "$volume" 3
    ok "$kind: the mount reads the same" sh -c "cd '$mnt' && sha256sum --quiet -c '$tmp/$volume.sums'"
    case $kind in
    'replica 3') ok "$kind: data is equal on all bricks" same_content "$dead" "/srv/$volume-1"
                 ok "$kind: and on the third" same_content "/srv/$volume-3" "/srv/$volume-1" ;;
    arbiter)     ok "$kind: data is equal on both" same_content "$dead" "/srv/$volume-1"
                 ok "$kind: names are equal on the arbiter" same_content "/srv/$volume-3" "/srv/$volume-1" names
                 is "$kind: the arbiter holds no data" "$(find "$(root n1)/srv/$volume-3" -path '*/.glusterfs' -prune -o -type f -size +0 -print)" '' ;;
    disperse)    ok "$kind: names are equal on all bricks" same_content "$dead" "/srv/$volume-1" names
                 # Each other pair of bricks has to be able to give the data: with the first one gone the healed one is needed.
                 ok "$kind: kill another brick" kill_brick n1 "/srv/$volume-1"
                 ok "$kind: what the healed brick holds reads the same" sh -c "cd '$mnt' && echo 3 >/proc/sys/vm/drop_caches; sha256sum --quiet -c '$tmp/$volume.sums'" ;;
    esac
    ok "$kind: umount" umount_node n1 "$volume"
    ok "$kind: stop" gluster n1 volume stop "$volume" force
    ok "$kind: delete" gluster n1 volume delete "$volume"
}

check_volume rep 'replica 3' replica 3
check_volume arb arbiter replica 3 arbiter 1
check_volume ec disperse disperse 3 redundancy 1
done_testing
