#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# stock-plugin enable, status, disable: in a system of the test's own the package's socket.so gives way and comes back byte for byte; the
# module exports what stock's loader looks up and nothing else, and refuses a version that it was not built for.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/plugin/plugin.sh"
needs root dpkg-divert nm readelf cc
tool=$build/extras/stock-plugin
[ -x "$tool" ] || skip_all "extras/stock-plugin is not built"
system=$tmp/system dir=$tmp/system${stock_socket%/*}
mkdir -p "$dir" "$system/var/lib/dpkg" && : >"$system/var/lib/dpkg/diversions" && cp "$stock_socket" "$dir/socket.so"
plug() { bash "$tool" --root "$system" "$@"; }
status_is() { plug status; [ $? = "$1" ]; }

ok 'before: the package stands there'          status_is 1
ok 'enable'                                    plug enable "$plugin"
ok 'status says so'                            status_is 0
ok 'ours stands in its place'                  cmp "$plugin" "$dir/socket.so"
ok 'and beside it'                             cmp "$plugin" "$dir/gatling.so"
ok "the package's is kept"                     cmp "$stock_socket" "$dir/socket.so.distrib"
ok 'enable again: a newer one'                 plug enable "$plugin"
ok 'is still whole'                            status_is 0
ok 'disable'                                   plug disable
ok 'status says so'                            status_is 1
ok "the package's is back"                     cmp "$stock_socket" "$dir/socket.so"
is 'nothing else is left'                      "$(ls "$dir")" socket.so
ok 'disable again does no harm'                plug disable
ok 'a half of it is told'                      cp "$plugin" "$dir/gatling.so"
ok 'as what it is'                             status_is 2
not_ok 'without a file nothing happens'        plug enable "$tmp/nothing"
not_ok 'what it wants is there'                eval 'ldd -r "$plugin" 2>&1 | grep "undefined symbol"'
is 'what it exports'                           "$(nm -D --defined-only "$plugin" | awk '{ print $3 }' | sort | tr '\n' ' ')" 'fini init options reconfigure tops '
ok 'it stays once it is loaded'                eval 'readelf -d "$plugin" | grep -q NODELETE'
ok 'it means its own names'                    eval 'readelf -d "$plugin" | grep -q SYMBOLIC'

cat >"$tmp/load.c" <<'LOAD'
#include <dlfcn.h>
#include <stdio.h>
/* Calls init() of a module with a transport that says nothing: with the right version it gets as far as reading its options. */
int main(int argc, char **argv)
{
    static char transport[65536];
    int (*init)(void *);
    void *so = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);

    if (!so || !(init = (int (*)(void *))dlsym(so, "init"))) {
        puts(dlerror());
        return 2;
    }
    return init(transport) == 0 ? 0 : 1;
}
LOAD
version=$(basename "$(dirname "${stock_socket%/*}")")
for v in 9.9 "$version"; do
    mkdir -p "$tmp/glusterfs/$v/rpc-transport" && cp "$plugin" "$tmp/glusterfs/$v/rpc-transport/socket.so"
done
must cc -o "$tmp/load" "$tmp/load.c"
not_ok 'another version is refused'            "$tmp/load" "$tmp/glusterfs/9.9/rpc-transport/socket.so"
is 'and the module was there'                  "$("$tmp/load" "$tmp/glusterfs/9.9/rpc-transport/socket.so" 2>/dev/null >&2; echo $?)" 1
ok 'its own is not'                            "$tmp/load" "$tmp/glusterfs/$version/rpc-transport/socket.so"
done_testing
