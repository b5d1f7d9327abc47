#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Shell harnesses that drive GlusterFS, as people have them: the scripts of tests/harness/ on a machine of their own where all programs are ours, but for the
# client of volumes with several bricks. BRICK=stock: all are stock's, which tells whether a script asks for what is so. HARNESS="one-brick ...": only those.
: "${BRICK:=ours}"
NODE_DAEMON=$BRICK NODE_CLI=$BRICK NODE_CLIENTS=$BRICK NODE_BRICKS=$BRICK
. "$(dirname "$0")/lib.sh"
. "$top/tests/cluster.sh"
needs root fuse stock xmllint setfacl getfattr killall
[ "$BRICK" = stock ] || must test -x "$build/cli/gluster"
must start_nodes 1
if [ "$BRICK" = ours ]; then
    must cp "$build/extras/mount.glusterfs" "$(root n1)/usr/sbin/mount.glusterfs"
    must on n1 sed -i 's#^program=.*#program=/usr/sbin/glusterfs#; s#^state=.*#state=/var/lib/glusterd#' /usr/sbin/mount.glusterfs
fi

play() { # script
    local line
    [ "$1" != several-bricks ] || use n1 clients stock
    on n1 timeout -k 5 600 bash "$top/tests/harness/$1.sh" </dev/null >"$tmp/$1.tap" 2>&1
    while read -r line; do
        case $line in
        'ok - '*)     report 0 "$1: ${line#ok - }" ;;
        'not ok - '*) report 1 "$1: ${line#not ok - }" ;;
        *)            echo "$1: $line" | diag ;;
        esac
    done <"$tmp/$1.tap"
    is "$1: ran to its end" "$(grep -cE '^(not )?ok - cleanup$' "$tmp/$1.tap")" "$(grep -c '^TEST cleanup$' "$top/tests/harness/$1.sh")"
    use n1 clients "$BRICK"
}
for script in ${HARNESS:-one-brick several-bricks inside}; do play "$script"; done
done_testing
