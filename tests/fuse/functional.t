#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our own mount does all that tests/mount asks of a stock one: above the brick's graph in the same process, and over the wire.
. "$(dirname "$0")/../lib.sh"
needs fuse
run() { # file, words that set the mode
    local name=${1##*/} status file=$1; shift
    env "$@" timeout -k 30 600 bash "$file" >"$tmp/$name.out" 2>&1; status=$?
    if grep -q '^1\.\.0 # SKIP' "$tmp/$name.out"; then
        report 0 "$* $name # SKIP $(sed -n 's/^1\.\.0 # SKIP //p' "$tmp/$name.out")"
    else
        report $((status != 0)) "$* $name: $(grep -c '^ok' "$tmp/$name.out")" || diag <"$tmp/$name.out"
    fi
}
for file in "$top"/tests/mount/*.t; do
    case ${file##*/} in
    source-tree.t | big-directory.t | iozone.t | fio-verify.t) [ -n "$FULL" ] || continue ;; # the long ones
    esac
    run "$file" MOUNT=local
done
# Over the wire: what depends on a brick that comes and goes, and on what a stock brick does differently.
run "$top/tests/mount/basic.t" MOUNT=ours TLS=1
run "$top/tests/mount/open-files.t" MOUNT=ours BRICK=stock
if [ -n "$FULL" ]; then
    for brick in ours stock; do
        for tls in '' 1; do
            for file in "$top"/tests/mount/*.t; do run "$file" MOUNT=ours BRICK=$brick TLS=$tls; done
        done
    done
fi
done_testing
