#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# `gluster volume ssl VOL check`: good files are fit for use; where one is bad in one way, it is named with the reason. Above all the lists of
# revoked certificates, without which (or with old ones) a brick lets nobody in.
NODE_DAEMON=ours NODE_CLI=ours
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs openssl
must start_nodes 1
must start_glusterd n1
pki=$tmp/pki
must make_pki "$pki"
must gluster n1 volume create v n1:/srv/b force
hash=$(openssl crl -in "$pki/crl.pem" -noout -hash)

files() { # certificate ca [lists]: what the volume's options say
    gluster n1 volume set v ssl.own-cert "$pki/$1.pem" ssl.private-key "$pki/$1.key" ssl.ca-list "$pki/$2.pem" &&
        if [ -n "${3:-}" ]; then gluster n1 volume set v ssl.crl-path "$3"; else gluster n1 volume reset v ssl.crl-path; fi
}
check() { gluster n1 volume ssl v check >"$tmp/said" 2>&1; } # the exit status
fit() { check && says "$tmp/said" "$1"; } # pattern
unfit() { ! check && says "$tmp/said" "$1" && says "$tmp/said" 'not fit for use' || { cat "$tmp/said"; false; }; } # pattern
try() { must files "$2" "$3" "${4:-}"; ok "$1" "${@:5}"; } # description certificate ca lists, what is to be seen
list() { # folder [arguments of openssl ca -gencrl]: a folder with one list, named by its hash
    mkdir -p "$1" && openssl ca -config "$pki/db/conf" -keyfile "$pki/ca.key" -cert "$pki/ca.pem" -gencrl -out "$1/$hash.r0" "${@:2}"
} 2>>"$tmp/pki.out"

try 'good files'                        server ca '' fit 'Authority .*/ca.pem: vouches'
not_ok 'say nothing of lists'           grep -q Revocation "$tmp/said"
try 'an expired certificate'            expired ca '' unfit 'expired.pem: has expired'
try 'one of somebody else'              foreign ca '' unfit 'foreign.pem: unable to get local issuer certificate'
try 'a certificate that is not there'   nothing ca '' unfit 'nothing.pem: No such file'
try 'an authority that is not there'    server nothing '' unfit 'nothing.pem: No such file'
must cp "$pki/client.key" "$pki/mixed.key" && must cp "$pki/server.pem" "$pki/mixed.pem"
try "another certificate's key"         mixed ca '' unfit 'mixed.key: does not belong'
openssl ec -aes128 -passout pass:secret -in "$pki/server.key" -out "$pki/locked.key" 2>/dev/null; cp "$pki/server.pem" "$pki/locked.pem"
try 'a key with a pass phrase'          locked ca '' unfit 'Key .*/locked.key: '

# An authority between: its certificate stands behind our own in the file.
key='EC -pkeyopt ec_paramgen_curve:P-256'
must make_cert "$pki" between ca /CN=between basicConstraints=critical,CA:TRUE
must make_cert "$pki" below between /CN=below ''
cat "$pki/between.pem" >>"$pki/below.pem"
try 'a chain of authorities'            below ca '' fit vouches

try 'a folder of lists'                 server ca "$pki/crl" fit "Revocation .*/crl/$hash.r0: 1 revoked, in force until 20"
try 'a file with a list'                server ca "$pki/crl.pem" fit 'Revocation .*/crl.pem: 1 revoked'
try 'our own certificate is on it'      revoked ca "$pki/crl" unfit "$hash.r0: our own certificate is on the list"
try 'no folder'                         server ca "$pki/none" unfit 'Revocation .*/none: No such file'
must mkdir "$pki/empty"
try 'an empty folder'                   server ca "$pki/empty" unfit 'Revocation .*/empty: has no list of an authority'
must mkdir "$pki/unnamed" && must cp "$pki/crl.pem" "$pki/unnamed/list.pem"
try 'a list that has not its hash as name' server ca "$pki/unnamed" unfit 'no list is named by its hash'
must list "$pki/old" -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z
try 'an old list'                       server ca "$pki/old" unfit "$hash.r0: has been out of date since 2020-02-01 00:00:00 UTC"
must list "$pki/early" -crl_lastupdate 20990101000000Z -crl_nextupdate 20990201000000Z
try 'one of tomorrow'                   server ca "$pki/early" unfit "$hash.r0: is not in force yet"
must mkdir "$pki/garbage" && echo garbage >"$pki/garbage/$hash.r0"
try 'what is no list'                   server ca "$pki/garbage" unfit "garbage/$hash.r0: "
must list "$pki/strange" -cert "$pki/foreign-ca.pem" -keyfile "$pki/foreign-ca.key"
try 'a list of somebody else'           server ca "$pki/strange" unfit 'is signed by no authority of ours'
# The same words, another key: only the signature tells.
must make_ca "$pki" twin 'gatling test' "$key"
must list "$pki/twin" -cert "$pki/twin.pem" -keyfile "$pki/twin.key"
try 'a forged list'                     server ca "$pki/twin" unfit 'its signature is wrong'
try 'a chain needs a list of each'      below ca "$pki/crl" unfit 'has no list of an authority'
done_testing
