#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# A client may hold 65,536 descriptors; one more gets EMFILE and harms nobody; when it goes all of them are closed. Where this
# machine does not let a process have so many, the brick keeps room for connections and gives the same error earlier.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:peer
must start_brick b1
file=$(statedump b1)
room=$(dump_section xlator.storage.posix.vol-posix.priv "$file" | awk '$1 == "client_descriptors_max" { print $2 }')
may=$((room < 65536 ? room : 65536))
closed() { census b1 >"$tmp/census" && grep -qx 'fds 0' "$tmp/census" && [ "$(ls "/proc/${brick_pid[b1]}/fd" | wc -l)" -le $((before + 8)) ]; }
before=$(ls "/proc/${brick_pid[b1]}/fd" | wc -l)
mkfifo "$tmp/hold"; exec 8<>"$tmp/hold" # it holds on as long as somebody might write to it

background peer b1 descriptors <"$tmp/hold" >"$tmp/opened"
holder=$!
eventually 300 "$may descriptors are opened, the first and the last work"  says "$tmp/opened" '^all usable'
is 'one more gets the error for it'     "$(head -n 1 "$tmp/opened")" "opened $may, then: Too many open files"
ok 'the brick counts them'              counts b1 "fds $may"
ok 'another client is welcome'          peer b1 welcome
[ $may = 65536 ] && ok 'and may open files'  peer b1 descriptors other 100 </dev/null
kill $holder
eventually 120 'all are closed when it goes'  closed
ok 'and can be opened again'            peer b1 descriptors again 100 </dev/null
done_testing
