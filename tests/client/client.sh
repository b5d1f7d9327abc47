# SPDX-License-Identifier: LGPL-3.0-or-later
# client.sh: our own client as a program that a test drives (client/remote.c).

# NAME [TYPE KEY VALUE...]: NAME-client.vol, a graph of protocol/client alone.
graph_of() {
    local name=$1; shift
    write_client_volfile "$tmp/$name-all.vol" "$name" "${brick_tls[$name]:-}" client "$@"
    sed '/^end-volume/q' "$tmp/$name-all.vol" >"$tmp/$name-client.vol"
}

remote_exec() { # name arguments...
    export GATLING_TRANSPORT_DIR=$build/rpc/transport/socket/.libs
    exec "$build/tests/client/remote" "$tmp/$1-client.vol" "${@:2}"
}

# To its end; what it said is in NAME.said.
remote() { # name arguments...
    (remote_exec "$@") >"$tmp/$1.said" 2>"$tmp/$1-client.stderr" && return
    cat "$tmp/$1.said"
    tail -n 20 "$tmp/$1-client.stderr"
    return 1
}

# Talks to it: one at a time.
talk_to() { # name
    coproc TALK { remote_exec "$1" talk 2>"$tmp/$1-client.stderr"; }
    other_pids+=("$TALK_PID")
    talk_pid=$TALK_PID talk_in=${TALK[1]} talk_out=${TALK[0]}
}
say() { # command...: prints the answer
    local answer
    echo "$*" >&"$talk_in"
    read -t 60 -r answer <&"$talk_out" || answer="no answer"
    echo "$answer"
}
says_ok() { [[ $(say "$@") == ok* ]]; }
goodbye() { # status of the program
    exec {talk_in}>&-
    wait "$talk_pid"
}
connected_more() { [ "$(grep -c 'connected to' "$1")" -gt $(($2 + 1)) ]; } # file, connections before: there is one more
stands_still() { ! grep -h '^State:' /proc/"$1"/task/*/status | grep -qv '[tT] (stopped)'; } # pid: each of its threads
