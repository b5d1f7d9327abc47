#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# New certificate files are used by the next connection while the old ones go on; a broken set leaves the last good one serving.
. "$(dirname "$0")/../lib.sh"
needs root transport tool:peer openssl
pki=$(default_pki)
served() { # the name in the certificate that the brick shows
    openssl s_client -connect "127.0.0.1:${brick_port[b1]}" -CAfile "$pki/ca.pem" -cert "$pki/client.pem" -key "$pki/client.key" </dev/null 2>/dev/null |
        openssl x509 -noout -subject -nameopt multiline | awk '/commonName/ { print $3 }'
}
says_when_asked() { served >/dev/null; says "$tmp/b1.log" "$1"; }
serves() { [ "$(served)" = "$1" ]; }
put() { # from to: whole or not at all
    cp "$1" "$2.new" && mv "$2.new" "$2"
}

for n in one two three; do
    key='EC -pkeyopt ec_paramgen_curve:P-256'
    make_cert "$pki" $n ca /CN=$n '' >/dev/null 2>&1
done
put "$pki/one.key" "$pki/own.key"; put "$pki/one.pem" "$pki/own.pem"
must start_brick b1 --tls "$pki" --cert own
is 'the first certificate'                        "$(served)" one
ok 'a client that stays'                          start_healthy b1

put "$pki/two.key" "$pki/own.key"; put "$pki/two.pem" "$pki/own.pem"
eventually 60 'the new certificate is taken over' serves two

echo 'no key' >"$pki/own.key"
is 'with a broken key the last good set serves'   "$(served)" two
eventually 60 'and the log says so'               says_when_asked '\] [EW] \[.*own\.(key|pem)'
ok 'clients go on connecting'                     peer b1 welcome
put "$pki/one.key" "$pki/own.key"
is 'a key of another certificate is no good'      "$(served)" two

put "$pki/three.key" "$pki/own.key"; put "$pki/three.pem" "$pki/own.pem"
eventually 60 'the repaired set is taken over'    serves three
ok 'SIGHUP does no harm'                          kill -HUP "${brick_pid[b1]}"
is 'still the third'                              "$(served)" three
ok 'the client that stayed never noticed'         stop_healthy b1
done_testing
