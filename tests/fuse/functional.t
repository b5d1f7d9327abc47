#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our own mount does all that tests/mount asks of a stock one: its tests, one after the other, above the brick's graph in the same process.
. "$(dirname "$0")/../lib.sh"
needs fuse
export MOUNT=local
for file in "$top"/tests/mount/*.t; do
    name=${file##*/}
    case $name in
    source-tree.t | big-directory.t | iozone.t | fio-verify.t) [ -n "$FULL" ] || continue ;; # the long ones
    esac
    timeout -k 30 600 bash "$file" >"$tmp/$name.out" 2>&1; status=$?
    if grep -q '^1\.\.0 # SKIP' "$tmp/$name.out"; then
        report 0 "$name # SKIP $(sed -n 's/^1\.\.0 # SKIP //p' "$tmp/$name.out")"
    else
        report $((status != 0)) "$name: $(grep -c '^ok' "$tmp/$name.out")" || diag <"$tmp/$name.out"
    fi
done
done_testing
