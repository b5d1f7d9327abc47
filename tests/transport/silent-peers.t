#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Peers that connect and say nothing (more) hold up nobody, and are sent away when their time is over: 10 s for the handshake
# and for a first record, 30 s for SETVOLUME. Bug class 6.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer openssl
count=200
[ -n "$sanitized" ] && count=50
silent_ones() { # file brick when
    background peer "$2" silent $count "$3" >"$tmp/$1" 2>&1
}
opened() { says "$tmp/$1" '^open'; }
closed() { says "$tmp/$1" '^all closed'; }

for kind in plain tls; do
    case $kind in plain) how=--plain ;; tls) how="--tls $(default_pki)" ;; esac
    # shellcheck disable=SC2086
    ok "start a $kind brick"                         start_brick $kind $how
    ok 'an ordinary client'                          start_healthy $kind
    points='connect record ping'
    [ $kind = tls ] && points="$points hello handshake"
    for at in $points; do silent_ones $kind-$at $kind $at; done
    for at in $points; do eventually 60 "$count peers are silent from '$at' on" opened $kind-$at; done
    for at in $points; do eventually 120 "those of '$at' are sent away" closed $kind-$at; done
    ok 'the ordinary client never waited for them'   stop_healthy
    eventually 30 'no connection is left'            counts $kind 'connections 0'
done
ok 'a peer that trickles is sent away'               peer tls trickle
done_testing
