#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A client may hold 65,536 descriptors, also where the machine does not let a process have so many: what is beyond rests on the brick; one
# more gets EMFILE and harms nobody; when the client goes all of them are closed.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer
must start_brick b1
may=65536
closed() { census b1 >"$tmp/census" && grep -qx 'fds 0' "$tmp/census" && [ "$(ls "/proc/${brick_pid[b1]}/fd" | wc -l)" -le $((before + 8)) ]; }
before=$(ls "/proc/${brick_pid[b1]}/fd" | wc -l)
mkfifo "$tmp/hold"; exec 8<>"$tmp/hold" # it holds on as long as somebody might write to it

background peer b1 descriptors <"$tmp/hold" >"$tmp/opened"
holder=$!
eventually 300 "$may descriptors are opened, the first and the last work"  says "$tmp/opened" '^all usable'
is 'one more gets the error for it'     "$(head -n 1 "$tmp/opened")" "opened $may, then: Too many open files"
ok 'the brick counts them'              counts b1 "fds $may"
ok 'another client is welcome'          peer b1 welcome
ok 'and may open files'  peer b1 descriptors other 100 </dev/null
kill $holder
eventually 120 'all are closed when it goes'  closed
ok 'and can be opened again'            peer b1 descriptors again 100 </dev/null
done_testing
