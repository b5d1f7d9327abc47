#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# 1,100 connections at once (bug class 24: 1,024 was the end once), all of them answered, none left afterwards.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer
conns() { census b1 | awk '$1 == "conns" { print $2 }'; }
has_conns() { [ "$(conns)" = "$1" ]; }
count=1100
[ -n "$sanitized" ] && count=300

must start_brick b1
mkfifo "$tmp/hold"; exec 8<>"$tmp/hold"
background peer b1 hold $count <"$tmp/hold" >"$tmp/held"

eventually 120 "$count clients have logged in"  says "$tmp/held" '^holding'
is 'the brick counts them'                      "$(conns)" $count
ok 'one more is welcome'                        peer b1 welcome
exec 8>&-
eventually 60 'they are all gone'               has_conns 0
done_testing
