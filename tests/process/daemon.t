#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Without -N the parent returns when the brick serves, with status 0; when it cannot, with another, and nothing stays behind.
. "$(dirname "$0")/../lib.sh"
needs root
detached() { # volume file
    env GATLING_TRANSPORT_DIR="$build/rpc/transport/socket/.libs" timeout 60 "$(brick_program "$BRICK")" -f "$1" -l "$tmp/b1.log" -p "$tmp/pid"
}
make_brick_dir b1; pick_port; brick_port[b1]=$port
write_brick_volfile b1

ok 'start'                                detached "$tmp/b1.vol"
pid=$(cat "$tmp/pid")
brick_pid[b1]=$pid
ok 'it listens at once'                   listening "$port"
is 'the pid file names it'                "$(tr '\0' ' ' <"/proc/$pid/cmdline" | grep -c -- "-f $tmp/b1.vol")" 1
is 'it has left the terminal'             "$(readlink "/proc/$pid/fd/0")" /dev/null
ok 'SIGTERM'                              kill "$pid"
eventually 30 'ends it'                   process_gone "$pid"
unset "brick_pid[b1]"

sed 's#option directory .*#option directory /nonexistent#' "$tmp/b1.vol" >"$tmp/bad.vol"
not_ok 'a brick that cannot start'        detached "$tmp/bad.vol"
not_ok 'does not listen'                  listening "$port"
done_testing
