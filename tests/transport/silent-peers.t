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

declare -A points=([plain]='connect record ping' [tls]='connect hello handshake record ping')
must start_brick plain --plain
must start_brick tls --tls "$(default_pki)"
for kind in plain tls; do
    ok "$kind: an ordinary client"                          start_healthy $kind
    for at in ${points[$kind]}; do silent_ones $kind-$at $kind "$at"; done
done
for kind in plain tls; do
    for at in ${points[$kind]}; do eventually 60 "$kind: $count peers are silent from '$at' on" opened $kind-$at; done
done
for kind in plain tls; do
    for at in ${points[$kind]}; do eventually 120 "$kind: those of '$at' are sent away" closed $kind-$at; done
    ok "$kind: the ordinary client never waited for them"   stop_healthy $kind
    eventually 30 "$kind: no connection is left"            counts $kind 'connections 0'
done
ok 'a peer that trickles is sent away'                      peer tls trickle
done_testing
