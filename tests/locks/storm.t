#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Eight clients lock, wait, unlock, interrupt, go away and come back at random: the brick does what a model of POSIX locks says. Then all
# at once: never two that exclude each other. Plain and TLS.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:lockstorm # a stock brick leaves read locks waiting beside read locks
steps=1500 operations=6000 seed=$((RANDOM))
[ -n "$FULL" ] && steps=50000 operations=200000
echo "# seed $seed"
for tls in '' 1; do
    TLS=$tls
    must start_brick "b$tls"
    ok "$steps steps against the model${tls:+, TLS}"            tool lockstorm "b$tls" lockstep $steps $seed
    ok "$operations operations of 8 clients at once${tls:+, TLS}" tool lockstorm "b$tls" free $operations $seed
    eventually 30 'no lock is left'                                counts "b$tls" 'locks 0'
    must stop_brick "b$tls"
done
done_testing
