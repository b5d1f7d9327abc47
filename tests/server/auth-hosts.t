#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Host names in auth.addr are looked up, and a name that nobody knows lets nobody in and holds nobody up. The test has an /etc/hosts of
# its own.
[ "$(id -u)" = 0 ] && [ -z "${OWN_HOSTS:-}" ] && OWN_HOSTS=1 exec unshare -m "$0" "$@"
. "$(dirname "$0")/../lib.sh"
needs root tool:peer
printf '127.0.0.1 localhost near.gatling.example\n192.0.2.77 far.gatling.example\n' >"$tmp/hosts"
printf 'hosts: files\n' >"$tmp/nsswitch.conf" # nobody else is asked
chmod 644 "$tmp/hosts" "$tmp/nsswitch.conf"
must mount --bind "$tmp/hosts" /etc/hosts
must mount --bind "$tmp/nsswitch.conf" /etc/nsswitch.conf
unbind() { umount /etc/hosts /etc/nsswitch.conf; }
cleanup_hooks+=(unbind)
dir=$tmp/bricks/b1
with() { start_brick b1 --plain --set protocol/server "auth.addr.$dir.allow" "$1" "${@:2}"; }

must with far.gatling.example,near.gatling.example
ok 'a name that is ours'                peer b1 welcome
ok 'again'                              peer b1 welcome
must stop_brick b1
must with far.gatling.example,nosuch.gatling.example
not_ok 'one that is another'\''s'       peer b1 welcome
must stop_brick b1
must with nosuch.gatling.example,127.0.0.1
ok 'an unknown one beside an address'   peer b1 welcome
must stop_brick b1
must with '*' --set protocol/server "auth.addr.$dir.reject" near.gatling.example
not_ok 'in the reject list'             peer b1 welcome
done_testing
