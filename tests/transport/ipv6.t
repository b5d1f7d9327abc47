#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# IPv6 serves as IPv4 does.
. "$(dirname "$0")/../lib.sh"
needs fuse
grep -qs ' lo$' /proc/net/if_inet6 || skip_all 'no IPv6 here'
works() { echo hello >"$1/file" && [ "$(cat "$1/file")" = hello ]; }

must start_brick b1 --set protocol/server transport.address-family inet6 --set protocol/server transport.socket.bind-address ::1
must mount_volume "$tmp/mnt" b1 --set protocol/client transport.address-family inet6 --set protocol/client remote-host ::1
ok 'it works'   works "$tmp/mnt"
done_testing
