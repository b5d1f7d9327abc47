#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A stock brick with the plug-in under valgrind: connections cut at random points under load, replies that wait for a reader that does not
# read, silent peers, bad certificates, reconnects; no error and no lost memory that has the plug-in in it. Bug classes 1 to 5, 8, 10, 11, 25, 26.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/plugin/plugin.sh"
in_plugin_namespace
needs root valgrind openssl tool:churn tool:peer tool:deferred
cycles=150 replies=300
[ -n "$FULL" ] && cycles=3000 replies=20000
kinds=tls points=connect
[ -n "$FULL" ] && kinds='plain tls' points='connect record'
closed() { says "$tmp/$1" '^all closed'; }

# Stock's own daemons are not clean under valgrind: what counts is what has a frame of the module.
ours_in() { # log: the reports that name our module (which goes by the path of stock's here)
    awk '/^==[0-9]+== *$/ { if (bad && ours) { printf "%s", text; found = 1 } text = ""; bad = ours = 0; next }
         { text = text $0 "\n" }
         /Invalid (read|write|free)|uninitialised|definitely lost|Mismatched|Source and destination overlap/ { bad = 1 }
         /socket\.so|gatling/ { ours = 1 }
         END { exit !found }' "$1"
}
brick_exec() {
    exec valgrind --leak-check=full --show-leak-kinds=definite --num-callers=30 --keep-debuginfo=yes --fair-sched=yes \
        --log-file="$tmp/$1.valgrind" /usr/sbin/glusterfsd -N -f "$tmp/$1.vol" -l "$tmp/$1.log"
}

for kind in $kinds; do
    how=(--plain); [ $kind = tls ] && how=(--tls "$(default_pki)")
    must start_brick $kind --stock "${how[@]}"
    ok "$kind: the plug-in is there"                      has_plugin "${brick_pid[$kind]}"
    ok "$kind: an ordinary client"                        start_healthy $kind
    for at in $points; do background peer $kind silent 20 "$at" >"$tmp/$kind-$at" 2>&1; done
    ok "$kind: $cycles connections, cut anywhere"         tool churn $kind $cycles
    ok "$kind: $replies replies that have to wait"        tool deferred $kind $replies
    ok "$kind: many calls in one piece"                   peer $kind joined 50
    if [ $kind = tls ]; then
        not_ok "$kind: a stranger"                        peer $kind -c foreign welcome
        ok "$kind: plain bytes"                           env -u TLS "$tools/peer" "${brick_port[$kind]}" garbage
    fi
    for at in $points; do eventually 120 "$kind: peers that are silent from '$at' on are sent away" closed "$kind-$at"; done
    ok "$kind: the ordinary client never noticed"         stop_healthy $kind
    ok "$kind: a mount"                                   mount_volume "$tmp/mnt-$kind" $kind
    ok "$kind: writes"                                    dd if=/dev/urandom of="$tmp/mnt-$kind/f" bs=1M count=6 conv=fsync status=none
    ok "$kind: and goes"                                  umount_volume "$tmp/mnt-$kind"
    ok "$kind: the brick ends"                            stop_brick $kind
    ok "$kind: valgrind has looked"                       says "$tmp/$kind.valgrind" 'HEAP SUMMARY'
    not_ok "$kind: valgrind has nothing to say of ours"   ours_in "$tmp/$kind.valgrind"
done
done_testing
