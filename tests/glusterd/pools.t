#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# doc/pools.md, command by command, on three machines: stock's glusterd makes the pool, our bricks serve it; one moves to stock's process and back.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs stock fuse root
[ -x /usr/bin/dpkg-divert ] || skip_all "needs dpkg-divert"
must start_nodes 3

# The page is followed by what a machine has: its own /usr/sbin and dpkg state, and our program where `make install` puts it.
prepare() { # node
    on "$1" sh -ec "
        mkdir -p $tmp/$1/dpkg $tmp/$1/dpkgwork $tmp/$1/local && mount -t tmpfs gatling-test $tmp/$1 && mkdir $tmp/$1/dpkg $tmp/$1/dpkgwork $tmp/$1/local
        mount -t overlay -o lowerdir=/var/lib/dpkg,upperdir=$tmp/$1/dpkg,workdir=$tmp/$1/dpkgwork gatling-test /var/lib/dpkg
        mount --bind $tmp/$1/local /usr/local/sbin
        rm -f /usr/sbin/glusterfsd /usr/sbin/glusterfs /usr/sbin/glusterd /usr/sbin/gluster
        cp $nodes_dir/stock/glusterfsd $nodes_dir/stock/gluster /usr/sbin/
        ln -s glusterfsd /usr/sbin/glusterfs; ln -s glusterfsd /usr/sbin/glusterd"
    cat >"$tmp/wrapper" <<-WRAPPER
	#!/bin/bash
	export GATLING_TRANSPORT_DIR=$build/rpc/transport/socket/.libs
	export LD_LIBRARY_PATH=$build/libglusterfs/.libs
	exec -a /usr/sbin/glusterfsd $nodes_dir/ours/glusterfsd "\$@"
	WRAPPER
    chmod 755 "$tmp/wrapper"
    on "$1" cp "$tmp/wrapper" /usr/local/sbin/glusterfsd
}
# The commands below a heading; systemctl is not in a namespace.
commands() { # heading
    awk -v h="## $1" '/^## / { here = ($0 == h) } here && /^```$/ { shown = 0 } here && shown { print } here && /^```sh$/ { shown = 1 }' "$top/doc/pools.md" |
        sed 's#^systemctl stop glusterd#true#; s#^systemctl start glusterd#/usr/sbin/glusterd#; s#^gluster #gluster --mode=script #'
}
follow() { # node heading
    commands "$2" >"$tmp/commands" && [ -s "$tmp/commands" ] || return 1
    while read -r line; do
        echo "# $line"
        on "$1" timeout 120 sh -c "$line" </dev/null || return 1
        case $line in
        /usr/sbin/glusterd) wait_until 60 glusterd_answers "$1" || return 1 ;;
        *'peer probe'*) wait_until 60 on "$1" sh -c '! gluster --mode=script peer status | grep ^State: | grep -v "Peer in Cluster (Connected)"' || return 1 ;;
        esac
    done <"$tmp/commands"
}
is_ours() { on "$1" sh -c "readlink /proc/\$(pgrep -f -- '--brick-name /srv/pool' | head -n 1)/exe" | grep -q "^$build/"; }
is_stocks() { ! is_ours "$1" && [ -n "$(brick_at "$1" /srv/pool)" ]; }

all_online() { [ "$(gluster n1 volume status pool | grep -cE '^Brick .* Y ')" = 3 ]; }

for node in n1 n2 n3; do must prepare $node; done
for node in n1 n2 n3; do ok "every machine: $node" follow $node 'On every machine'; done
ok 'the first'                         follow n1 'On the first'
is 'the pool has three'                "$(gluster n1 pool list | grep -c Connected)" 3
eventually 60 'all bricks are online'  all_online
for node in n1 n2 n3; do ok "the brick of $node is our process" is_ours $node; done
ok 'write'                             on n1 sh -c 'head -c 5M /dev/urandom >/mnt/f && sync'
same_everywhere() { for node in n1 n2 n3; do cmp "$(root n1)/mnt/f" "$(root $node)/srv/pool/f" || return 1; done; }
ok 'it is on all three'                same_everywhere

ok 'take it back on n3'                follow n3 'Taking it back'
is 'the three names are as they were'  "$(on n3 sh -c 'readlink /usr/sbin/glusterfs /usr/sbin/glusterd; test -L /usr/sbin/glusterfsd || echo file' | xargs)" 'glusterfsd glusterfsd file'
must kill_brick n3 /srv/pool
ok 'written without it'                on n1 sh -c 'echo more >/mnt/g && sync'
ok 'start it again'                    follow n1 'A brick moves to our process, and back'
eventually 60 'it is back'             all_online
ok "it is stock's process"             is_stocks n3
eventually 60 'it is healed'           test -e "$(root n3)/srv/pool/g"
on n1 umount /mnt
ok 'the volume stops'                  gluster n1 volume stop pool
for node in n1 n2 n3; do on $node pkill -x glusterd; on $node pkill -x glusterfs; done
done_testing
