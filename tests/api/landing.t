#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# An answer that stops in the middle, while it lands in the program's memory: the read ends, by its own time-out or by the ping's, and
# what comes later leaves that memory alone. Encrypted; with FULL plain, too.
. "$(dirname "$0")/../lib.sh"
needs root gfapi cc openssl
[ "$GFAPI" = ours ] || skip_all 'stock copies'
[ -z "$TLS" ] || skip_all 'over TLS always'
ok 'compile'                      compile_api landing
for how in tls ${FULL:+plain}; do
    args=(--plain); [ $how = plain ] || { pki=$(default_pki); args=(--tls "$pki"); }
    must start_brick $how "${args[@]}"
    write_api_volfile "$tmp/frame-$how.vol" $how "protocol/client frame-timeout 10" "protocol/client ping-timeout 0"
    ok "$how: the read's time-out" with_api timeout 300 "$tmp/landing" "$tmp/frame-$how.vol" "${brick_port[$how]}"
    write_api_volfile "$tmp/ping-$how.vol" $how "protocol/client ping-timeout 10"
    ok "$how: the ping's"          with_api timeout 300 "$tmp/landing" "$tmp/ping-$how.vol" "${brick_port[$how]}"
done
done_testing
