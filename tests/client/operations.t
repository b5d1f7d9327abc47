#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Each operation of program 400 from our own client, against our brick and a stock one, plain and encrypted: it does what it is for,
# and nothing is left in the process at its end.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/client/client.sh"
needs root stock tool:../client/remote openssl

for kind in ours stock; do
    for how in plain tls; do
        name=$kind-$how
        case $how in plain) way=(--plain) ;; tls) way=(--tls "$(default_pki)") ;; esac
        must start_brick "$name" "--$kind" "${way[@]}"
        graph_of "$name"
        ok "every operation, $kind brick, $how" remote "$name" every
        must stop_brick "$name"
    done
done
is 'as many operations on each' "$(grep -hc '^52 operations' "$tmp"/*.said | sort | uniq -c | tr -s ' ')" ' 4 1'
done_testing
