# SPDX-License-Identifier: LGPL-3.0-or-later
# plugin.sh: stock's daemons with our transport in the place of socket.so. Source lib.sh first. Nothing of the machine's is touched:
# the module is bound over stock's in a mount namespace of the test's own.
#
#   in_plugin_namespace    the test itself and all that it starts from here on has the plug-in (starts the test again inside)
#   plugin_on n1           a node of cluster.sh has it (before its daemons start)

plugin=$build/rpc/transport/socket/.libs/gatling.so
stock_socket=$(echo /usr/lib/*/glusterfs/*/rpc-transport/socket.so)

[ -x /usr/sbin/glusterfsd ] && [ -e "$stock_socket" ] || skip_all "needs the package glusterfs-server"
[ -z "$sanitized" ] || skip_all "a module with a sanitizer does not load into stock's programs"
[ -e "$plugin" ] || skip_all "the plug-in is not built (libglusterfs-dev)"

in_plugin_namespace() {
    export BRICK=stock PLUGIN=1
    [ -n "${IN_PLUGIN_NAMESPACE:-}" ] && return
    cd /; rm -rf "$tmp"
    IN_PLUGIN_NAMESPACE=1 exec unshare -m --propagation private bash -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' _ \
        "$plugin" "$stock_socket" bash "$self"
}

plugin_on() { # node
    on "$1" mount --bind "$plugin" "$stock_socket"
}

# Has this process our transport mapped, and not stock's? (Both have the path of stock's: the inode tells.)
has_plugin() { # pid
    [ "$(awk '/rpc-transport\/socket.so/ { print $5; exit }' "/proc/$1/maps")" = "$(stat -c %i "$plugin")" ]
}
