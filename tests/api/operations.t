#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A program calls each operation of libgfapi, sync and async, on the brick and gets what it should: compiled for the library that it runs
# with, and compiled for stock's and run with ours.
. "$(dirname "$0")/../lib.sh"
needs root gfapi cc
ok 'compile'                      compile_api ops
must start_brick b1
write_api_volfile "$tmp/api.vol" b1
ok 'every operation'              with_api timeout 120 "$tmp/ops" "$tmp/api.vol"
is 'nothing is left on the brick' "$(ls "$tmp/bricks/b1")" ''
if [ "$GFAPI" = ours ] && [ -z "$sanitized" ] && pkg-config --exists glusterfs-api; then
    ok 'compile for stock'        eval 'GFAPI=stock compile_api ops'
    ok 'and run with ours'        with_api timeout 120 "$tmp/ops" "$tmp/api.vol"
fi
done_testing
