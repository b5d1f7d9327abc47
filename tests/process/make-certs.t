#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# extras/make-certs: what it makes encrypts a brick with checks on both sides; what it is asked wrongly it refuses and leaves nothing.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer openssl
certs=$tmp/certs
make_certs() { "$top/extras/make-certs" -d "$certs" -t "$tmp/ssl" "$@"; }
good_for() { openssl verify -CAfile "$certs/ca.pem" -purpose "$1" "$certs/$2.pem"; }
has_names() { openssl x509 -in "$certs/n1.pem" -noout -ext subjectAltName | grep -q "DNS:n1, DNS:n1.example.org, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1"; }

not_ok 'no certificate without an authority'     make_certs server n1
ok 'an authority'                                make_certs ca
not_ok 'only one'                                make_certs ca
ok 'a server with more names'                    make_certs server n1 n1.example.org 192.0.2.1 2001:db8::1
ok 'has them all'                                has_names
ok 'a client'                                    make_certs client laptop
not_ok 'a second one of that name'               make_certs client laptop
ok 'a server can be a server'                    good_for sslserver n1
ok 'and a client'                                good_for sslclient n1
ok 'a client can be a client'                    good_for sslclient laptop
not_ok 'but no server'                           good_for sslserver laptop
not_ok 'names are no paths'                      make_certs client ../evil
not_ok 'nor lines of a configuration'            make_certs server n2 $'n2\nbasicConstraints=CA:TRUE'
not_ok 'too long a name'                         make_certs client "$(printf 'a%.0s' {1..80})"
is 'what failed leaves nothing'                  "$(echo "$certs"/* "$tmp"/*.pem)" "$(printf "$certs/%s " {ca,laptop,n1}.{key,pem})$tmp/*.pem"
ok 'installed'                                   make_certs install laptop
not_ok 'not over others'                         make_certs install n1
ok 'unless told to'                              make_certs install n1 --force
is 'keys are for their owner only'               "$(stat -c %a "$certs/ca.key" "$certs/n1.key" "$tmp/ssl/glusterfs.key" | tr '\n' ' ')" '600 600 600 '
ok 'one that is there is shown'                  make_certs show n1

# A brick with them: names as the other tests have them.
for name in ca:ca n1:server laptop:client; do ln -s "${name%:*}.pem" "$certs/${name#*:}.pem" 2>/dev/null; ln -s "${name%:*}.key" "$certs/${name#*:}.key" 2>/dev/null; done
must start_brick b1 --tls "$certs" --set protocol/server "auth.login.$tmp/bricks/b1.ssl-allow" laptop
ok 'a client comes in'                           "$tools/peer" -t "$certs" -c laptop -b "$tmp/bricks/b1" "${brick_port[b1]}" welcome
not_ok 'one of another name does not'            "$tools/peer" -t "$certs" -c server -b "$tmp/bricks/b1" "${brick_port[b1]}" welcome
done_testing
