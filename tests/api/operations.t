#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A program linked with the stock libgfapi calls each operation, sync and async, on the brick and gets what it should.
. "$(dirname "$0")/../lib.sh"
needs root gfapi cc
# shellcheck disable=SC2046
ok 'compile'                      cc -o "$tmp/ops" "$top/tests/api/ops.c" $(pkg-config --cflags --libs glusterfs-api) -lpthread
must start_brick b1
write_client_volfile "$tmp/api.vol" b1 "${brick_tls[b1]}" client
ok 'every operation'              timeout 120 "$tmp/ops" "$tmp/api.vol"
is 'nothing is left on the brick' "$(ls "$tmp/bricks/b1")" ''
done_testing
