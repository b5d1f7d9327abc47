# SPDX-License-Identifier: LGPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# heal.sh: a replicated or dispersed volume of bricks, with stock's client, stock's self-heal daemon and stock's `heal info`, all by
# hand: no glusterd. Source lib.sh first.
glfsheal=$(ls /usr/lib*/*/glusterfs/glfsheal /usr/libexec/glusterfs/glfsheal 2>/dev/null | head -n 1)

# TYPE "OPTIONS" BRICK...: writes cluster.vol for mounts and shd.vol for the daemon and heal info. OPTIONS: lines of cluster/TYPE.
write_cluster_volfiles() {
    local type=$1 options=$2 brick kind i=0 names pending pause=5; shift 2
    [ "$type" = replicate ] || pause=60 # seconds between two crawls: the least that each takes
    for brick; do
        printf 'volume vol-client-%s\n    type protocol/client\n' $i
        printf '    option %s\n' 'transport-type tcp' 'transport.address-family inet' 'remote-host 127.0.0.1' \
            "remote-port ${brick_port[$brick]}" "remote-subvolume $tmp/bricks/$brick" 'ping-timeout 42'
        [ -n "${brick_tls[$brick]}" ] && tls_options "${brick_tls[$brick]}" client
        printf 'end-volume\n\n'
        i=$((i + 1))
    done >"$tmp/clients.part"
    names=$(seq -f ' vol-client-%g' 0 $(($# - 1)) | tr -d '\n') pending=${names// /,}
    for kind in cluster shd; do {
        cat "$tmp/clients.part"
        printf 'volume vol-%s-0\n    type cluster/%s\n    option self-heal-daemon enable\n' "$type" "$type"
        [ "$type" = replicate ] && printf '    option %s\n' "afr-pending-xattr ${pending#,}" 'granular-entry-heal on' \
            'use-anonymous-inode yes' "volume-id $volume_id"
        [ $kind = shd ] && printf '    option %s\n' 'iam-self-heal-daemon yes' "heal-timeout $pause"
        [ $kind = shd ] && [ "$type" = replicate ] && printf '    option %s\n' 'data-self-heal on' 'metadata-self-heal on' 'entry-self-heal on'
        [ -z "$options" ] || printf '    option %s\n' "$options"
        printf '    subvolumes%s\nend-volume\n\nvolume vol\n    type debug/io-stats\n    subvolumes vol-%s-0\nend-volume\n' "$names" "$type"
    } >"$tmp/$kind.vol"; done
}

mount_cluster() { # mountpoint
    mkdir -p "$1"
    /usr/sbin/glusterfs -N -f "$tmp/cluster.vol" --process-name fuse -l "$tmp/mount-${1##*/}.log" "$1" >"$tmp/mount.stderr" 2>&1 &
    mount_pid[$1]=$!
    wait_until 60 mounted_or_dead "$1" && timeout -k 5 60 stat "$1/." >/dev/null
}

start_shd() {
    background /usr/sbin/glusterfs -N -f "$tmp/shd.vol" --process-name glustershd --client-pid=-6 -l "$tmp/shd.log" >"$tmp/shd.stderr" 2>&1
    shd_pid=$!
}
stop_shd() { end_process "$shd_pid"; }

heal_info() { timeout 60 "$glfsheal" vol volfile-path "$tmp/shd.vol"; }
# How many entries in all; nothing when a brick did not answer.
to_heal() { heal_info | awk '/Number of entries:/ { if ($4 == "-") exit 1; n += $4; seen = 1 } END { if (seen) print n }'; }
nothing_to_heal() { [ "$(to_heal)" = 0 ]; }
