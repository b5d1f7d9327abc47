#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# 1,100 connections at once (bug class 24: 1,024 was the end once), all of them answered, none left afterwards: as the mode says (plain
# ones are served by the event loop), then plain with a thread for each.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer
count=1100
[ -n "$sanitized" ] && count=300

all_at_once() { # name what arguments of start_brick...
    local name=$1 what=$2 holder; shift 2
    must start_brick "$name" "$@"
    mkfifo "$tmp/hold"; exec 8<>"$tmp/hold" # they hold on as long as somebody might write to it
    background peer "$name" hold $count <"$tmp/hold" >"$tmp/held"
    holder=$!
    eventually 120 "$count clients have logged in, $what"  says "$tmp/held" '^holding'
    ok 'the brick counts them'                      counts "$name" "connections $count"
    ok 'one more is welcome'                        peer "$name" welcome
    threads=$(ls "/proc/${brick_pid[$name]}/task" | wc -l)
    kill $holder
    eventually 60 'they are all gone'               counts "$name" 'connections 0'
    rm "$tmp/hold"
}
all_at_once b1 'as the mode says'
all_at_once b2 'plain, each with its own thread' --plain --own-thread on
ok 'as many threads served them'                    test "$threads" -ge $count
done_testing
