#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Our client's connections are cut again and again under load, in the handshake, in a record, in a reply: descriptors are opened again, locks
# held again, what is read is what was written, and at the end nothing is left at either end. Bug classes 3, 4, 5, 11, 30, 34.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/client/client.sh"
needs root ours tool:../client/remote tool:cutter openssl
clients=2 cuts=60
[ -n "$FULL" ] && [ -z "$sanitized" ] && clients=8 cuts=10000
declare -A to=() from=() pid=() was=()
as_before() { resources b1 >"$tmp/after" && diff "$tmp/before" "$tmp/after" >"$tmp/diff"; }

start_client() { # number port
    write_client_volfile "$tmp/c$1-all.vol" b1 "${brick_tls[b1]:-}" client "protocol/client remote-port $2" 'protocol/client strict-locks off'
    sed '/^end-volume/q' "$tmp/c$1-all.vol" >"$tmp/c$1-client.vol"
    rm -f "$tmp/c$1.in" "$tmp/c$1.out"
    mkfifo "$tmp/c$1.in" "$tmp/c$1.out"
    remote_exec "c$1" load 3 "c$1-" <"$tmp/c$1.in" >"$tmp/c$1.out" 2>"$tmp/c$1-client.stderr" &
    pid[$1]=$!
    other_pids+=("${pid[$1]}")
    exec {w}>"$tmp/c$1.in" {r}<"$tmp/c$1.out"
    to[$1]=$w from[$1]=$r was[$1]='0 0 0'
}
count() { # client: how often each of its files went well, as counts
    echo how >&"${to[$1]}"
    read -t 60 -r -a counts <&"${from[$1]}" && [ ${#counts[@]} = 3 ]
}
goes_on() { # client: each of its files does, since what `was`
    local i before
    read -r -a before <<<"${was[$1]}"
    count "$1" || return 1
    for i in 0 1 2; do [ "${counts[i]}" -gt "${before[i]}" ] || return 1; done
}
end_client() { # number
    local status
    echo end >&"${to[$1]}"
    w=${to[$1]} r=${from[$1]}
    exec {w}>&-
    wait "${pid[$1]}"; status=$?
    last_words=$(tail -n 1 <&"$r"; grep '^remote:' "$tmp/c$1-client.stderr")
    exec {r}<&-
    return $status
}

for how in plain tls; do
    case $how in plain) way=(--plain) ;; tls) way=(--tls "$(default_pki)") ;; esac
    must start_brick b1 "${way[@]}"
    for ((c = 1; c <= clients; c++)); do # what the brick remembers of the files is part of what was before
        start_client $c "${brick_port[b1]}"
        eventually 60 "$how: client $c works" goes_on $c
        ok "$how: and ends" end_client $c
    done
    eventually 60 "$how: nobody is connected" counts b1 'connections 0'
    resources b1 >"$tmp/before"

    pick_port; cutter_port=$port
    exec {cutter_in}> >(exec "$tools/cutter" "$cutter_port" "${brick_port[b1]}" "$cuts" >"$tmp/cutter.out" 2>&1)
    eventually 30 "$how: the cutter is there" listening "$cutter_port"
    started=$SECONDS
    for ((c = 1; c <= clients; c++)); do start_client $c "$cutter_port"; done
    eventually $((120 + cuts)) "$how: $cuts connections are cut" says "$tmp/cutter.out" '^done'
    took=$((SECONDS - started))
    for ((c = 1; c <= clients; c++)); do
        count $c && was[$c]=${counts[*]}
        eventually 60 "$how: client $c goes on with all its files" goes_on $c
    done

    graph_of b1
    talk_to b1
    is "$how: somebody else" "$(say wait up 60)" 'ok 0'
    locked=0
    for ((c = 1; c <= clients; c++)); do
        for file in 0 1 2; do
            says_ok open 1 "c$c-$file"
            [ "$(say lock 1 w 1000 10 99)" = EAGAIN ] && locked=$((locked + 1))
            says_ok close 1
        done
    done
    is "$how: all files are still locked" "$locked" $((3 * clients))
    goodbye
    for ((c = 1; c <= clients; c++)); do
        ok "$how: client $c: what was read was written, nothing is left" end_client $c
        echo "$how, client $c: $last_words" | diag
    done
    echo "$how: $cuts cuts in $took s, $(head -n 1 "$tmp/cutter.out")" | diag
    exec {cutter_in}>&-
    eventually 60 "$how: the brick is as before" as_before
    [ -s "$tmp/diff" ] && diag <"$tmp/diff"
    must stop_brick b1
done
done_testing
