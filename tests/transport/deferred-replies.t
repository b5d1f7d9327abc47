#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Replies that leave late and in small pieces, to peers that stop reading and go on: no byte differs. Bug classes 1, 17, 23.
. "$(dirname "$0")/../lib.sh"
needs root tool:deferred
replies=100000
[ -n "$FULL" ] && replies=1000000
small=()
[ "$BRICK" = ours ] && small=(--set protocol/server tcp-window-size 4KB) # a stock brick does not listen with it

must start_brick b1 "${small[@]}"
ok "$replies replies through 4 KiB"     tool deferred b1 -r 4096 $replies
ok 'and nothing has broken'             tool deferred b1 100
done_testing
