#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# What earlier transports broke on, at a stock brick with the plug-in: silent peers, two messages in one record, an old TLS error that is
# not one's own, peers that go without a word, records cut anywhere, slow readers, certificates that change. Bug classes 1, 6, 14, 17, 18,
# 23, 26, 27, 36. The tests are those of our own brick (tests/transport); FULL: all of them, plain and TLS.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/plugin/plugin.sh"
in_plugin_namespace
needs root tool:peer openssl
again() { # test mode
    timeout -k 5 900 env FULL= TLS="$2" bash "$top/tests/transport/$1.t"
}
opened() { says "$tmp/$1" '^open'; }
closed() { says "$tmp/$1" '^all closed'; }

must start_brick plain --stock --plain
must start_brick tls --stock --tls "$(default_pki)"
for kind in plain tls; do
    ok "$kind: the plug-in is there"                           has_plugin "${brick_pid[$kind]}"
    ok "$kind: an ordinary client"                             start_healthy $kind
    for at in connect record; do
        background peer $kind silent 100 $at >"$tmp/$kind-$at" 2>&1
    done
done
background peer tls silent 100 hello >"$tmp/tls-hello" 2>&1

tests='joined-calls certificates' modes=1
[ -n "$FULL" ] && tests='joined-calls certificates cert-reload cut-records slow-readers deferred-replies ipv6' modes='1 plain'
for mode in $modes; do
    for t in $tests; do ok "$t.t${mode:+, mode $mode}"         again "$t" "${mode/plain/}"; done
done

for name in plain-connect plain-record tls-connect tls-record tls-hello; do
    eventually 60 "$name: silent peers are there"              opened $name
    eventually 90 "$name: and are sent away"                   closed $name
done
ok 'plain: the ordinary client never waited for them'          stop_healthy plain
ok 'tls: nor did this one'                                     stop_healthy tls
done_testing
