#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Calls that nobody honest makes are answered with errors, or the connection is closed; the brick lives, an ordinary client beside them
# goes on, and nothing has come to be outside of the brick. In the default form every 11th variant of the recorded calls, with FULL all.
. "$(dirname "$0")/../lib.sh"
needs root ours mkfs.xfs tool:hostile tool:peer
hostile() { tool hostile b1 "$@"; }
each=11
[ -n "$FULL" ] && each=1

must mount_image "$tmp/bricks" 512M # mutated calls ask for much space
must start_brick b1
ok 'an ordinary client'                                start_healthy b1
ok 'recorded calls, cut and with numbers that hurt'    hostile mutate "$top/tests/data/vectors" $each
diag <"$tmp/out"
ok 'names that lead elsewhere'                         hostile names
ok 'what belongs to others, or to nobody'              hostile strangers
ok 'everything before SETVOLUME'                       hostile early
ok 'records and fragments'                             hostile records
ok 'credentials'                                       hostile credentials
ok 'dictionaries'                                      hostile dicts
background hostile impostor >"$tmp/impostor.out" 2>"$tmp/impostor.err"
eventually 30 'a name that looks like a statedump'     says "$tmp/impostor.err" started
file=$(statedump b1)
not_ok 'makes no line of one'                          grep -nvE '^$|^\[.*\]$|^[^=]+=|^DUMP-(START|END)-TIME: ' "$file"
is 'and no section'                                    "$(grep -c '^\[census\]' "$file")" 1
ok 'the impostor goes'                                 end_process "${other_pids[-1]}"
ok 'the ordinary client went on'                       stop_healthy b1
eventually 60 'no request is left'                     counts b1 'requests 0'
is 'no client is left'                                 "$(census b1 | awk '$1 == "clients" || $1 == "fds" || $1 == "locks" { n += $2 } END { print n }')" 0
is 'nothing beside the brick'                          "$(ls "$tmp/bricks")" b1
is 'no planted handle'                                 "$(ls "$tmp/bricks/b1/.glusterfs" | grep -cvE '^([0-9a-f]{2}|health_check|indices|landfill|unlink|changelogs|quarantine|.*\.db.*)$')" 0
done_testing
