#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Every way in, through every pair of client and brick: {our FUSE mount, our libgfapi, stock's mount, stock's libgfapi} x {our brick, stock's} x
# {plain, TLS}. The same checks (matrix/checks.c) in each cell, each with as many done as in the others.
. "$(dirname "$0")/lib.sh"
needs fuse stock gfapi cc ours
[ -z "$TLS" ] || skip_all 'it does both by itself'
compile() { # way, libraries...
    local way=$1; shift
    cc -std=gnu11 -O1 -o "$tmp/checks-$way" "$top/tests/matrix/checks.c" "$top/tests/matrix/way-$way.c" "$@" -lpthread
}
must compile mount
# shellcheck disable=SC2046
must compile gfapi $(pkg-config --cflags --libs glusterfs-api)
must test -e "$build/api/.libs/libgfapi.so.0"

cell() { # client brick tls
    local client=$1 brick=$2 mnt=$tmp/mnt-$1-$2 status
    local -a kept=(); [ "$client" = stock-mount ] && kept=(kept)
    case $client in
    *-mount)
        MOUNT=${client%-mount} mount_volume "$mnt" "$brick" || return 1
        timeout 120 "$tmp/checks-mount" "$mnt" "${kept[@]}" >"$tmp/checks.out" 2>&1; status=$?
        umount_volume "$mnt" || status=1 ;;
    *-gfapi)
        MOUNT=stock write_client_volfile "$tmp/api.vol" "$brick" "${brick_tls[$brick]}" client
        if [ "$client" = ours-gfapi ]; then
            LD_LIBRARY_PATH=$build/api/.libs GATLING_TRANSPORT_DIR=$build/rpc/transport/socket/.libs \
                timeout 120 "$tmp/checks-gfapi" "$tmp/api.vol" >"$tmp/checks.out" 2>"$tmp/checks.err"; status=$?
        else
            timeout 120 "$tmp/checks-gfapi" "$tmp/api.vol" >"$tmp/checks.out" 2>"$tmp/checks.err"; status=$?
        fi ;;
    esac
    cat "$tmp/checks.out"
    counts+=("$(sed -n 's/^\([0-9]*\) checks, 0 failed$/\1/p' "$tmp/checks.out")")
    return $status
}

declare -a counts=()
for brick in ours stock; do
    for tls in '' tls; do
        name=$brick$tls
        if [ -n "$tls" ]; then must start_brick "$name" --$brick --tls "$(default_pki)"; else must start_brick "$name" --$brick --plain; fi
        for client in ours-mount ours-gfapi stock-mount stock-gfapi; do
            ok "$client on a brick of $brick ${tls:-plain}" cell $client "$name"
            [ -z "$(ls "$tmp/bricks/$name")" ] || report 1 "$client on $name leaves something behind"
        done
        must stop_brick "$name"
    done
done
is 'the same number of checks in all 16' "$(printf '%s\n' "${counts[@]}" | sort | uniq -c | awk '{ print $1, ($2 > 200) }')" '16 1'
echo "# ${counts[0]} checks in each of ${#counts[@]} cells"
done_testing
