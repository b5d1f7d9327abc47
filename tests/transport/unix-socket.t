#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A Unix socket serves as TCP does.
. "$(dirname "$0")/../lib.sh"
needs fuse
works() { echo hello >"$1/file" && [ "$(cat "$1/file")" = hello ]; }

# start_brick waits for a port, so this one is started by hand.
make_brick_dir b1 && pick_port && brick_port[b1]=$port && write_brick_volfile b1 --plain --set protocol/server transport-type unix \
    --set protocol/server transport.address-family unix --set protocol/server transport.socket.listen-path "$tmp/socket" && run_brick b1
eventually 60 'the brick listens'   test -S "$tmp/socket"
must mount_volume "$tmp/mnt" b1 --set protocol/client transport-type unix --set protocol/client transport.address-family unix \
    --set protocol/client transport.socket.connect-path "$tmp/socket"
ok 'it works'   works "$tmp/mnt"
done_testing
