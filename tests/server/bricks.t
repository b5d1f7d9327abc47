#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Two bricks under one server: each client sees the one that it names, and when the storage of one goes only its clients are told.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer tool:rawfop
make_brick_dir b1 && make_brick_dir b2 || exit
pick_port; brick_port[b1]=$port brick_port[b2]=$port
brick_kind[b1]=ours
for b in b1 b2; do
    printf 'volume %s\n  type storage/posix\n  option directory %s\n  option health-check-interval 1\nend-volume\n' "$tmp/bricks/$b" "$tmp/bricks/$b"
done >"$tmp/b1.vol"
cat >>"$tmp/b1.vol" <<VOL
volume server
  type protocol/server
  option transport-type tcp
  option transport.socket.bind-address 127.0.0.1
  option transport.socket.listen-port $port
  option statedump-path $tmp/dump
  option auth.addr.$tmp/bricks/b1.allow *
  option auth.addr.$tmp/bricks/b2.allow *
  subvolumes $tmp/bricks/b1 $tmp/bricks/b2
end-volume
VOL
run_brick b1
must wait_until 60 listening "$port"

ok 'a client of the first'               peer b1 welcome
ok 'a client of the second'              peer b2 welcome
ok 'one that works on the first'         start_healthy b1
eventually 30 'writes there'             test -s "$tmp/bricks/b1/healthy"
is 'and not to the other'                "$(ls "$tmp/bricks/b2")" ''
for b in b1 b2; do
    ok "the root of $b is looked up"     tool rawfop $b lookup root
done
ok 'the first has the file'              tool rawfop b1 lookup root healthy
not_ok 'the second has not'              tool rawfop b2 lookup root healthy
mv "$tmp/bricks/b2" "$tmp/bricks/gone"
refused() { ! peer b2 welcome; }
eventually 30 'the second has gone: its clients are turned away' refused
ok 'the first still takes new ones'      peer b1 welcome
ok 'and the one that works goes on'      stop_healthy b1
mv "$tmp/bricks/gone" "$tmp/bricks/b2"
done_testing
