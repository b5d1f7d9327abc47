#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# After `make install && ldconfig` our program runs from where it was installed, and stock programs still load stock libraries only.
# In a mount namespace of its own, so that this machine keeps its /usr/local and its linker cache.
. "$(dirname "$0")/../lib.sh"
needs root ours stock make unshare ldd tool:peer
[ -z "$sanitized" ] || skip_all 'once is enough, with the real build'
prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
unshare -m true || skip_all 'needs mount namespaces'
[ -d "$prefix" ] || skip_all "needs $prefix to be there"

inside() { # script: with the installation in its place
    unshare -m bash -c "set -e
        mount --bind '$tmp/inst$prefix' '$prefix'
        ldconfig -C '$tmp/cache'
        mount --bind '$tmp/cache' /etc/ld.so.cache
        $1"
}
ok 'install'                              make -s -C "$build" install DESTDIR="$tmp/inst"
is 'no library outside its own folder'    "$(cd "$tmp/inst" && find . -name '*.so*' ! -path '*/gatlingfs/*')" ''
not_ok 'stock programs load none of ours' inside "ldd /usr/sbin/glusterfsd /usr/lib/*/libgfapi.so.0 /usr/lib/*/glusterfs/*/rpc-transport/socket.so | grep '$prefix'"
ok 'stock runs as before'                 inside '/usr/sbin/glusterfsd --version | grep -q "glusterfs 10"'
ok 'ours finds its own'                   inside "ldd '$prefix/sbin/glusterfsd' | grep '$prefix/lib/gatlingfs/'"
not_ok 'and none of stock'                inside "ldd '$prefix/sbin/glusterfsd' | grep -E 'libglusterfs\.so|libgfrpc|libgfxdr'"

ok 'our libgfapi is where we say'         test -e "$tmp/inst$prefix/lib/gatlingfs/gfapi/libgfapi.so.0"
ok 'who looks for libgfapi finds stock'   inside "ldd /usr/lib/*/glusterfs/*/xlator/features/snapview-server.so | grep libgfapi | grep -v '$prefix'"
pc() { PKG_CONFIG_PATH=$prefix/lib/gatlingfs/gfapi/pkgconfig pkg-config "$@" glusterfs-api; }
ok 'a program is compiled for ours'       inside "$(declare -f pc); prefix='$prefix'; cc -o '$tmp/life' '$top/tests/api/life.c' \$(pc --cflags --libs) -lpthread"
ok 'and finds it when it is told where'   inside "LD_LIBRARY_PATH='$prefix/lib/gatlingfs/gfapi' ldd '$tmp/life' | grep '$prefix/lib/gatlingfs/gfapi/libgfapi.so.0'"

make_brick_dir b1; pick_port; brick_port[b1]=$port
write_brick_volfile b1
background inside "exec '$prefix/sbin/glusterfsd' -N -f '$tmp/b1.vol' -l '$tmp/b1.log'"
eventually 60 'the installed brick listens'  listening "$port"
ok 'and serves'                           peer b1 welcome
done_testing
