#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# 1,100 connections at once (bug class 24: 1,024 was the end once), all of them answered, none left afterwards.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer
count=1100
[ -n "$sanitized" ] && count=300

must start_brick b1
mkfifo "$tmp/hold"; exec 8<>"$tmp/hold" # they hold on as long as somebody might write to it
background peer b1 hold $count <"$tmp/hold" >"$tmp/held"

eventually 120 "$count clients have logged in"  says "$tmp/held" '^holding'
ok 'the brick counts them'                      counts b1 "connections $count"
ok 'one more is welcome'                        peer b1 welcome
kill $!
eventually 60 'they are all gone'               counts b1 'connections 0'
done_testing
