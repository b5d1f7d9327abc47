#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A program in which one allocation, one thread or one descriptor cannot be had from glfs_new() to glfs_fini(), over TLS: the call says an
# errno, or it works; what is done again works; and the program ends. Bug classes 2, 8, 9, 32.
#
# K = 1, 2, ... up to as many as there are (FULL), else some, evenly spread over them. FAIL_AT='own:123 fd:4' does those alone.
. "$(dirname "$0")/../lib.sh"
needs root ours brick gfapi openssl
[ "$GFAPI" = ours ] || skip_all "about our own library"
[ -z "$TLS" ] || skip_all "over TLS always"
[ -z "$sanitized" ] || skip_all "a sanitizer has malloc to itself"
failing=$tools/.libs/failing.so
[ -e "$failing" ] || skip_all "needs $failing (make check builds it)"

must compile_api failing
must start_brick b1 --tls "$(default_pki)"
write_api_volfile "$tmp/c.vol" b1

export GATLING_TRANSPORT_DIR=$build/rpc/transport/socket/.libs
program() { # kind:k
    rm -f "$tmp/said"
    LD_LIBRARY_PATH=$build/api/.libs LD_PRELOAD=$failing GATLING_FAIL=$1 GATLING_FAIL_IN=failing GATLING_FAIL_SAID=$tmp/said \
        timeout -k 5 -s ABRT 60 "$tmp/failing" "$tmp/c.vol" 4 >"$tmp/program.out" 2>"$tmp/program.err"
}
examine() { # kind:k
    local status
    program "$1"; status=$?
    [ $status = 0 ] && return
    { echo "$1: status $status"; cat "$tmp/program.out" "$tmp/said"; tail -n 5 "$tmp/program.err" "$tmp/client.log"; } 2>&1 | diag
    return 1
}

if [ -n "${FAIL_AT:-}" ]; then
    for what in $FAIL_AT; do ok "$what" examine "$what"; done
    done_testing
fi
for kind in thread fd own memory; do
    ok "$kind: nothing fails" program "$kind:0"
    total=$(awk '$1 == "saw" { print $3 }' "$tmp/said")
    ok "$kind: $total were asked for" [ "${total:-0}" -gt 3 ]
    step=$((total / 30 + 1)) bad=0 runs=0
    [ -z "$FULL" ] || { [ $kind = memory ] && step=$((total / 500 + 1)) || step=1; } # the most of them are OpenSSL's
    for ((k = 1; k <= total; k += step)); do
        runs=$((runs + 1))
        examine "$kind:$k" || bad=$((bad + 1))
    done
    is "$kind: each failure of $runs is told or does no harm" "$bad" 0
done
ok 'the brick is well' peer b1 session
done_testing
