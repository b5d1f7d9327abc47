#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Volumes come and go in a program, many of them, in any order, with the brick away, or without a proper end; nothing is left, nothing of the
# program's own is touched, and callbacks may call what they like.
. "$(dirname "$0")/../lib.sh"
needs root gfapi cc
[ "$GFAPI" = ours ] || skip_all 'about our own library'
ok 'compile'                              compile_api life
must start_brick b1
write_api_volfile "$tmp/api.vol" b1
life() { with_api timeout -k 5 300 "$tmp/life" "$1" "$tmp/api.vol" "${@:2}"; }
loops=${FULL:+1000}
ok 'what is said before the beginning'    life setup
ok "${loops:-100} times from glfs_new() to glfs_fini()" life loops "${loops:-100}"
ok 'several volumes at once'              life several 8
ok 'callbacks that wait'                  life callbacks
ok 'the process is left alone'            life process
ok 'an end with descriptors open'         life unclosed
leaks=${sanitized:+detect_leaks=0} # what is in use at exit() is no leak
for i in 1 2 3 4 5; do
    ok "an end without glfs_fini(), $i"   env ${leaks:+LSAN_OPTIONS=$leaks} bash -c "$(declare -f exec_in_background with_api life); build=$build tmp=$tmp GFAPI=$GFAPI; life exit"
done
rm -f "$tmp/bricks/b1/left"
is 'nothing is left on the brick'         "$(ls "$tmp/bricks/b1")" ''
clients() { counts b1 'clients 0'; }
eventually 30 'nor of a client'           clients
must start_brick b2 --plain --set protocol/server "auth.addr.$tmp/bricks/b2.allow" 192.0.2.7
write_api_volfile "$tmp/refused.vol" b2
ok 'a brick that refuses us'              with_api timeout 60 "$tmp/life" refused "$tmp/refused.vol"
ok 'with the brick away'                  life away "${brick_pid[b1]}"
wait "${brick_pid[b1]}" 2>/dev/null
unset 'brick_pid[b1]'
done_testing
