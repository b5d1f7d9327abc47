#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A brick in which one allocation, one thread or one descriptor cannot be had: it does not start, with a reason; or it serves a client whose
# session fails and is repeated, with the right bytes; and it ends in order. Bug classes 2, 8, 9 (doc/testing.md).
#
# K = 1, 2, ... up to as many as there are (FULL), else some, evenly spread over them. FAIL_AT='memory:123 fd:4' does those alone.
. "$(dirname "$0")/../lib.sh"
needs root ours brick tool:peer openssl
[ -z "$sanitized" ] || skip_all "a sanitizer has malloc to itself"
failing=$tools/.libs/failing.so
[ -e "$failing" ] || skip_all "needs $failing (make check builds it)"
pki=$(default_pki)

eval "plain_$(declare -f brick_exec)"
brick_exec() { # as lib.sh's, with what is to fail
    export LD_PRELOAD=$failing GATLING_FAIL=$fail GATLING_FAIL_IN=glusterfsd GATLING_FAIL_SAID=$tmp/said
    plain_brick_exec "$@"
}
orderly() { case ${brick_status[b1]} in 0 | 2 | 15) ;; *) return 1 ;; esac; }

# One run with $fail. Prints what is wrong with it.
one_run() {
    local status
    rm -f "$tmp/said" "$tmp/b1.log" "$tmp/b1.stderr"
    if ! start_brick b1 --tls "$pki" >"$tmp/start.out" 2>&1; then
        wait_until 30 process_gone "${brick_pid[b1]}" || { echo "does not start and does not end"; kill -KILL "${brick_pid[b1]}"; }
        wait "${brick_pid[b1]}"; status=$?
        unset 'brick_pid[b1]'
        [ $status -gt 0 ] && [ $status -lt 99 ] || echo "did not start: status $status"
        grep -qE '\] [MACE] \[' "$tmp/b1.log" "$tmp/b1.stderr" 2>/dev/null || [ -s "$tmp/b1.stderr" ] || echo "did not start, and says no reason"
        ended=start
        return
    fi
    # What OpenSSL could not keep when the certificates were read is there after they are read again.
    peer b1 session 5 >"$tmp/session" 2>&1 || { kill -HUP "${brick_pid[b1]}" && wait_until 30 peer b1 session 1 >>"$tmp/session" 2>&1; } ||
        { echo "session:"; cat "$tmp/session"; }
    ended=$([ -s "$tmp/session" ] && echo repeated || echo served)
    stop_brick b1 >"$tmp/stop.out" 2>&1 || { echo "does not end:"; tail -n 20 "$tmp/stop.out"; }
    orderly || echo "ended with status ${brick_status[b1]}"
}

declare -A count=()
examine() { # kind:k
    fail=$1
    one_run >"$tmp/wrong"
    count[$ended]=$((${count[$ended]:-0} + 1))
    [ -s "$tmp/wrong" ] || return 0
    { echo "$1"; cat "$tmp/wrong" "$tmp/said"; tail -n 5 "$tmp/b1.log" "$tmp/b1.stderr"; } 2>&1 | diag
    return 1
}

if [ -n "${FAIL_AT:-}" ]; then
    for what in $FAIL_AT; do ok "$what" examine "$what"; done
    done_testing
fi
for kind in thread fd own memory; do
    fail=$kind:0
    one_run >"$tmp/wrong"
    is "$kind: nothing fails" "$(cat "$tmp/wrong" "$tmp/session")" ''
    total=$(awk '$1 == "saw" { print $3 }' "$tmp/said")
    ok "$kind: $total were asked for" [ "$total" -gt 5 ]
    step=$((total / 12 + 1))
    [ -z "$FULL" ] || { [ $kind = memory ] && step=$((total / 500 + 1)) || step=1; } # the most of them are OpenSSL's
    count=() bad=0
    for ((k = 1; k <= total; k += step)); do
        examine "$kind:$k" || bad=$((bad + 1))
    done
    is "$kind: each failure ends in an error or a repeated session" "$bad" 0
    echo "$kind: of $total, every $step: not started ${count[start]:-0}, session repeated ${count[repeated]:-0}, not noticed ${count[served]:-0}" | diag
done
done_testing
