#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Somebody on the brick's machine puts a symbolic link to elsewhere in the place of a directory, again and again, while a client works in
# it: nothing outside of the brick is made, changed or removed. Likewise for the way to a directory and for its handle.
. "$(dirname "$0")/../lib.sh"
needs root ours tool:hostile tool:peer
rounds=100
[ -n "$FULL" ] && rounds=5000
dir=$tmp/bricks/b1

must start_brick b1
background tool hostile b1 race race >"$tmp/race.out" 2>"$tmp/race.err"
racer=$!
eventually 30 'a client works in a directory'   says "$tmp/race.err" started
mkdir "$tmp/outside" && echo precious >"$tmp/outside/planted" && chmod 600 "$tmp/outside/planted"
touch -d 2001-01-01 "$tmp/outside/planted" "$tmp/outside"
looks() { stat -c '%n %i %a %s %Y' "$tmp/outside" "$tmp/outside"/*; }
before=$(looks)
handle=$(find "$dir/.glusterfs" -lname '*/race' | head -n 1)
swap() { # what it is, as often as asked
    local i
    for ((i = 0; i < rounds; i++)); do
        mv -T "$1" "$1.away" && ln -s "$tmp/outside" "$1" && rm "$1" && mv -T "$1.away" "$1" || return 1
    done
}
ok 'the directory is swapped with a link'       swap "$dir/race"
is 'nothing has happened outside'               "$(looks)" "$before"
ok 'and its handle'                             swap "$handle"
is 'nothing has happened outside'               "$(looks)" "$before"
kill -0 $racer
ok 'the client has had an answer to every call' end_process $racer
is 'and worked'                                 "$(awk '/^rounds/ { print ($2 > 10) }' "$tmp/race.out")" 1
ok 'the brick serves'                           peer b1 welcome
is 'nothing has happened outside'               "$(looks)" "$before"
done_testing
