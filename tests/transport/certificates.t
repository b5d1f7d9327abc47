#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Who may come in with TLS: every wrong certificate is refused and logged once with the reason, while others work. Bug classes
# 18, 26, 27.
. "$(dirname "$0")/../lib.sh"
needs root transport tool:peer openssl
pki=$(default_pki)
lines=0
new_complaints() { grep -E '\] [EW] \[' "$tmp/b1.log" | tail -n +$((lines + 1)); }
complained() { [ "$(new_complaints | wc -l)" -ge 1 ]; }
refused() { # what pattern peer's arguments...
    local what=$1 pattern=$2; shift 2
    lines=$(grep -cE '\] [EW] \[' "$tmp/b1.log")
    not_ok "$what: refused"                 peer b1 "$@"
    eventually 30 "$what: logged"           complained
    is "$what: once"                        "$(new_complaints | wc -l)" 1
    ok "$what: with the reason ($pattern)"  eval "new_complaints | grep -iE '$pattern' || { new_complaints; false; }"
}

must start_brick b1 --tls "$pki" --set protocol/server transport.socket.ssl-crl-path "$pki/crl" \
    --set protocol/server "auth.login.$tmp/bricks/b1.ssl-allow" 'client,client.example'
ok 'a good certificate is welcome'          peer b1 welcome
ok 'an ordinary client'                     start_healthy b1
refused 'expired'        'expired'                     -c expired welcome
refused 'revoked'        'revoked'                     -c revoked welcome
refused 'foreign'        'issuer|unknown ca|verify'    -c foreign welcome
refused 'none'           'not return a certificate'    -c '' welcome
if [ "$BRICK" = ours ]; then # a stock brick does not name it, and knows common names only
    refused 'another name'   'stranger'                -c wrong welcome
    ok 'a name among the alternative ones is good'  peer b1 -c san welcome
else
    not_ok 'another name: refused'          peer b1 -c wrong welcome
fi
lines=$(grep -cE '\] [EW] \[' "$tmp/b1.log")
ok 'plain bytes on this port are shut out'  env -u TLS "$tools/peer" "${brick_port[b1]}" garbage
eventually 30 'and logged'                  complained
is 'once'                                   "$(new_complaints | wc -l)" 1

# Revoked while connected: one that works, and one that says nothing.
revoke() { # name
    openssl ca -config "$pki/db/conf" -keyfile "$pki/ca.key" -cert "$pki/ca.pem" -revoke "$pki/$1.pem" &&
    openssl ca -config "$pki/db/conf" -keyfile "$pki/ca.key" -cert "$pki/ca.pem" -gencrl -out "$pki/crl.pem" &&
    cp "$pki/crl.pem" "$pki/new.r0" && mv "$pki/new.r0" "$pki/crl/$(openssl crl -in "$pki/crl.pem" -noout -hash).r0"
}
key='EC -pkeyopt ec_paramgen_curve:P-256'
must make_cert "$pki" leaving ca /CN=client ''
background peer b1 -c leaving healthy leaving >"$tmp/leaving" 2>"$tmp/leaving.err"
worker=$!
exec {idle_in}> >(peer b1 -c leaving hold 2 >"$tmp/idle" 2>&1)
eventually 30 'two that will be revoked'    says "$tmp/leaving.err" started
eventually 30 'and that say nothing'        says "$tmp/idle" '^holding 2'
lines=$(grep -cE '\] [EW] \[' "$tmp/b1.log")
must revoke leaving
three_complaints() { [ "$(new_complaints | grep -c 'counts no more.*revoked')" = 3 ]; }
eventually 60 'the brick cuts all three'    three_complaints
eventually 30 'the one at work is gone'     process_gone "$worker"
exec {idle_in}>&-
not_ok 'and does not come back'             peer b1 -c leaving welcome
ok 'others do'                              peer b1 welcome
ok 'the ordinary client never noticed'      stop_healthy b1
done_testing
