#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A brick dies and comes back, or stands still, under our own client: operations fail with ENOTCONN meanwhile, open descriptors work
# again without being opened again by anybody, held locks are held again, and a lock that somebody else took is not pretended to be.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/client/client.sh"
needs root tool:../client/remote openssl

kinds=ours
[ -x /usr/sbin/glusterfsd ] && kinds='ours stock'
for kind in $kinds; do
    for how in plain tls; do
        name=$kind-$how
        case $how in plain) way=(--plain) ;; tls) way=(--tls "$(default_pki)") ;; esac
        must start_brick "$name" "--$kind" "${way[@]}"
        graph_of "$name" 'protocol/client ping-timeout 3' 'protocol/client strict-locks off'

        talk_to "$name"
        is "$name: up" "$(say wait up 60)" 'ok 0'
        say create 1 f >/dev/null
        say create 2 g >/dev/null
        is "$name: a lock" "$(say lock 1 w 100 50 7)" 'ok 0'
        is "$name: a part of it given back" "$(say lock 1 u 120 10 7)" 'ok 0'
        is "$name: written" "$(say write 1 0 before)" 'ok 6'
        must stop_brick -KILL "$name"
        is "$name: down" "$(say wait down 60)" 'ok 0'
        is "$name: an operation meanwhile" "$(say read 1 0 6)" ENOTCONN
        must start_brick "$name"
        is "$name: up again" "$(say wait up 60)" 'ok 0'
        is "$name: the descriptor reads" "$(say read 1 0 6)" 'ok before'
        is "$name: and writes" "$(say write 1 6 -after)" 'ok 6'
        is "$name: so does the other" "$(say write 2 0 xyz)" 'ok 3'

        # Somebody else may have what was given back, and nothing more.
        first_in=$talk_in first_out=$talk_out first_pid=$talk_pid
        cp "$tmp/$name-client.vol" "$tmp/$name-2-client.vol"
        mkfifo "$tmp/$name.in" "$tmp/$name.out"
        remote_exec "$name-2" talk <"$tmp/$name.in" >"$tmp/$name.out" 2>"$tmp/$name-2-client.stderr" &
        second_pid=$!
        other_pids+=("$second_pid")
        exec {second_in}>"$tmp/$name.in" {second_out}<"$tmp/$name.out"
        talk_in=$second_in talk_out=$second_out
        is "$name: a second client" "$(say wait up 60)" 'ok 0'
        is "$name: opens" "$(say open 1 f)" 'ok 0'
        is "$name: what is locked before the gap" "$(say lock 1 w 119 1 9)" EAGAIN
        is "$name: what is locked behind the gap" "$(say lock 1 w 130 1 9)" EAGAIN
        is "$name: the gap" "$(say lock 1 w 120 10 9)" 'ok 0'

        # The brick stands still.
        talk_in=$first_in talk_out=$first_out talk_pid=$first_pid
        kill -STOP "${brick_pid[$name]}"
        wait_until 30 stands_still "${brick_pid[$name]}"
        is "$name: a brick that stands still" "$(say read 1 0 6)" ENOTCONN
        kill -CONT "${brick_pid[$name]}"
        is "$name: it moves, and we are up" "$(say wait up 60)" 'ok 0'
        is "$name: the descriptor reads after that" "$(say read 1 0 12)" 'ok before-after'
        exec {first_in}>&- {second_in}>&-
        wait "$second_pid"; is "$name: the second ends well" $? 0
        wait "$first_pid"; is "$name: and the first" $? 0
        exec {second_out}<&-

        # Under load.
        rounds=2; [ -n "$FULL" ] && rounds=50
        mkfifo "$tmp/$name.load"
        remote_exec "$name" load 4 <"$tmp/$name.load" >"$tmp/$name.loaded" 2>"$tmp/$name-load.stderr" &
        load_pid=$!
        other_pids+=("$load_pid")
        exec {load_in}>"$tmp/$name.load"
        loaded() { [ -s "$tmp/bricks/$name/load0" ] && [ -s "$tmp/bricks/$name/load3" ]; }
        alive_again=0
        for ((i = 0; i < rounds; i++)); do
            wait_until 60 loaded || break
            stop_brick -KILL "$name" && start_brick "$name" || break
            wait_until 60 connected_more "$tmp/$name-load.stderr" "$i" && alive_again=$((alive_again + 1))
        done
        is "$name: back after each of $rounds kills under load" "$alive_again" "$rounds"
        echo end >&"$load_in"
        exec {load_in}>&-
        wait "$load_pid"; is "$name: what was read was what was written" $? 0
        { echo "$name: $(cat "$tmp/$name.loaded")"; grep '^remote:' "$tmp/$name-load.stderr"; } | diag
        must stop_brick "$name"
    done
done
done_testing
