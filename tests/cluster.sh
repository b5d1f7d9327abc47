# SPDX-License-Identifier: LGPL-3.0-or-later
# cluster.sh: machines in namespaces, each with a glusterd, for tests of what needs one or several of them. Source lib.sh first.
#
#   start_nodes 3                         n1, n2, n3: each with its own network (10.77.0.N, name nN, all on one bridge), processes,
#                                         mounts, host name, /var/lib/glusterd, /run/gluster, /var/log/glusterfs, /etc/ssl; and
#                                         empty folders /srv (for bricks) and /mnt. A node's process 1 ends, all of it is gone.
#   on n1 COMMAND...                      runs it there. Files: $(root n1)/srv/b1 is n1's /srv/b1, seen from outside.
#   start_glusterd n1                     waits until it answers; stop_glusterd n1 [-KILL]; peer_with n1 n2 n3
#   gluster n1 volume create ...          the command line of that node (--mode=script)
#   mount_node n1 VOLUME [-o options]     mounts n1:VOLUME at n1's /mnt/VOLUME; umount_node n1 VOLUME
#
# Which program stands behind a name is each node's choice, from NODE_BRICKS (glusterfsd), NODE_CLIENTS (glusterfs: mounts, self-heal,
# rebalance), NODE_DAEMON (glusterd) and NODE_CLI (gluster): stock (default) or ours; use n1 bricks ours changes it for what starts
# from then on. Bricks default to ours ($BRICK). A shell file $(root n1)/etc/gluster-test/env is read before each of these programs.

: "${NODE_BRICKS:=$BRICK}" "${NODE_CLIENTS:=stock}" "${NODE_DAEMON:=stock}" "${NODE_CLI:=stock}"
nodes_dir=$tmp/nodes
switch_pid=
declare -A node_pid=()
cleanup_hooks+=(end_nodes)

root() { echo "/proc/${node_pid[$1]}/root"; }
on() { # node command...
    local node=$1; shift
    nsenter -t "${node_pid[$node]}" -m -n -p -u -i -- "$@"
}

start_nodes() { # count
    local i
    [ "$(id -u)" = 0 ] || skip_all "needs root"
    [ -x /usr/sbin/glusterd ] || [ "$NODE_DAEMON" = ours ] || skip_all "needs the package glusterfs-server"
    mkdir -p "$nodes_dir"
    stock_programs
    unshare -n sleep infinity </dev/null >/dev/null 2>&1 &
    switch_pid=$!
    wait_until 10 other_namespace "$switch_pid" net || return 1
    nsenter -t "$switch_pid" -n ip link add br0 type bridge && nsenter -t "$switch_pid" -n ip link set br0 up || return 1
    for i in $(seq "$1"); do echo "10.77.0.$i n$i"; done >"$nodes_dir/hosts"
    echo '127.0.0.1 localhost' >>"$nodes_dir/hosts"
    for i in $(seq "$1"); do start_node "n$i" "10.77.0.$i" || return 1; done
}

other_namespace() { [ "$(readlink "/proc/$1/ns/$2")" != "$(readlink "/proc/$$/ns/$2")" ]; }

# Stock's one binary under its three names: in a folder of its own, because its place in /usr/sbin is taken by the chooser.
stock_programs() {
    local dir=$nodes_dir/stock
    [ -d "$dir" ] && return 0
    mkdir -p "$dir"
    [ -x /usr/sbin/glusterfsd ] || return 0
    cp /usr/sbin/glusterfsd /usr/sbin/gluster "$dir/"
    ln -s glusterfsd "$dir/glusterfs"
    ln -s glusterfsd "$dir/glusterd"
}

# What a node runs under the names glusterfsd, glusterfs, glusterd, gluster: whatever /etc/gatling says.
write_chooser() { # file
    cat >"$1" <<-CHOOSER
	#!/bin/bash
	name=\${0##*/}
	[ -e /etc/gluster-test/env ] && . /etc/gluster-test/env
	read -r kind </etc/gluster-test/\$name
	if [ "\$kind" = ours ]; then
	    export GATLING_TRANSPORT_DIR=$build/rpc/transport/socket/.libs
	    export GATLING_PROGRAMS=/usr/sbin GATLING_STOCK_GLUSTERFS=/usr/sbin/glusterfs
	    export ASAN_OPTIONS=exitcode=99:detect_leaks=1:log_path=/var/log/glusterfs/sanitizer UBSAN_OPTIONS=print_stacktrace=1
	    export TSAN_OPTIONS=exitcode=99:log_path=/var/log/glusterfs/sanitizer
	    LD_LIBRARY_PATH=\$(echo $build/libglusterfs/.libs $build/api/.libs | tr ' ' :)\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
	    export LD_LIBRARY_PATH
	    case \$name in
	    gluster) file=$build/cli/gluster ;;
	    *)       file=$nodes_dir/ours/\$name ;;
	    esac
	    exec -a "/usr/sbin/\$name" "\$file" "\$@"
	fi
	exec -a "/usr/sbin/\$name" $nodes_dir/stock/\$name "\$@"
	CHOOSER
    chmod 755 "$1"
}

our_programs() { # links, so that the kernel's short name of the process is the right one
    local name program=$build/glusterfsd/glusterfsd
    [ -x "$build/glusterfsd/.libs/glusterfsd" ] && program=$build/glusterfsd/.libs/glusterfsd
    mkdir -p "$nodes_dir/ours"
    for name in glusterfsd glusterfs glusterd; do ln -sfn "$program" "$nodes_dir/ours/$name"; done
}

our_folder() { sed -n "s/^#define $1 \"\(.*\)\"/\1/p" "$build/config.h"; } # GF_STATEDIR, GF_RUNDIR: where this build looks

use() { # node bricks|clients|daemon|cli ours|stock
    case $2 in
    bricks) echo "$3" >"$nodes_dir/$1/choice/glusterfsd" ;;
    clients) echo "$3" >"$nodes_dir/$1/choice/glusterfs" ;;
    daemon) echo "$3" >"$nodes_dir/$1/choice/glusterd" ;;
    cli) echo "$3" >"$nodes_dir/$1/choice/gluster" ;;
    esac
}

start_node() { # node address
    local node=$1 address=$2 dir=$nodes_dir/$1 inner
    mkdir -p "$dir"/{own,lib,log,srv,mnt,choice}
    our_programs
    write_chooser "$dir/chooser"
    # A starting glusterd configures geo-replication with a dozen runs of a Python program, 4 to 10 s. Nodes have none.
    printf '#!/bin/sh\necho "gsyncd.py 4.0.0"\n' >"$dir/gsyncd" && chmod 755 "$dir/gsyncd"
    use "$node" bricks "$NODE_BRICKS"; use "$node" clients "$NODE_CLIENTS"; use "$node" daemon "$NODE_DAEMON"; use "$node" cli "$NODE_CLI"
    # /etc and /usr/sbin are this machine's; what a node changes in them lies in overlays of its own.
    cat >"$dir/begin" <<-BEGIN
	# What this build was configured to use in the place of one of stock's folders is that folder here.
	same_place() {
	    local up=\$1 name
	    [ "\$(readlink -f "\$1")" != "\$(readlink -f "\$2")" ] || return 0
	    while [ ! -d "\$up" ]; do up=\${up%/*}; done
	    name=\${up//\//-}
	    if [ "\$up" != "\$1" ]; then
	        mkdir -p "$dir/own/up\$name" "$dir/own/work/up\$name" &&
	        mount -t overlay -o "lowerdir=\$up,upperdir=$dir/own/up\$name,workdir=$dir/own/work/up\$name" gatling-test "\$up" &&
	        mkdir -p "\$1" || return 1
	    fi
	    mount --bind "\$2" "\$1"
	}
	hostname $node && ip link set lo up && mount -t tmpfs -o mode=755 gatling-test /run && mkdir -p /run/gluster /run/lock &&
	mount -t tmpfs -o mode=755 gatling-test $dir/own && mkdir $dir/own/{etc,sbin,work,work/etc,work/sbin} &&
	mount -t overlay -o lowerdir=/etc,upperdir=$dir/own/etc,workdir=$dir/own/work/etc gatling-test /etc &&
	mount -t overlay -o lowerdir=/usr/sbin,upperdir=$dir/own/sbin,workdir=$dir/own/work/sbin gatling-test /usr/sbin &&
	mkdir -p $dir/own/ssl $dir/own/work/ssl &&
	mount -t overlay -o lowerdir=/usr/lib/ssl,upperdir=$dir/own/ssl,workdir=$dir/own/work/ssl gatling-test /usr/lib/ssl &&
	{ [ -e /etc/mtab ] || ln -sf /proc/self/mounts /etc/mtab; } && # stock looks there for what a brick lies on
	mkdir -p /etc/gluster-test /var/lib/glusterd /var/log/glusterfs && rm -f /etc/ssl/glusterfs.* &&
	cp $nodes_dir/hosts /etc/hosts && rm -f /usr/sbin/{glusterfsd,glusterfs,glusterd,gluster} &&
	for name in glusterfsd glusterfs glusterd gluster; do cp $dir/chooser /usr/sbin/\$name || exit 1; done &&
	mount --bind $dir/choice /etc/gluster-test && mount --bind $dir/srv /srv && mount --bind $dir/mnt /mnt &&
	for name in /usr/lib/*/glusterfs/gsyncd; do [ ! -e "\$name" ] || mount --bind $dir/gsyncd "\$name" || exit 1; done &&
	mount --bind $dir/log /var/log/glusterfs && mkdir -p /var/log/glusterfs/bricks &&
	for name in groups hooks; do [ ! -d /var/lib/glusterd/\$name ] || cp -a /var/lib/glusterd/\$name $dir/lib/ || exit 1; done &&
	mount --bind $dir/lib /var/lib/glusterd &&
	same_place "$(our_folder GF_STATEDIR)" /var/lib/glusterd && same_place "$(our_folder GF_RUNDIR)" /run/gluster && touch $dir/ready
	# Process 1 of the node: it has to take what the daemons leave, or a dead brick would be a zombie for ever.
	trap : TERM
	while [ -d "$dir" ]; do sleep infinity & wait \$!; done
	BEGIN
    rm -f "$dir/ready"
    unshare -m -n -p -u -i --fork --mount-proc --propagation private --kill-child=KILL bash "$dir/begin" </dev/null >"$dir/begin.out" 2>&1 &
    inner=$!
    other_pids+=("$inner") # before anything can fail
    wait_until 60 node_ready "$dir" "$inner" || { cat "$dir/begin.out"; return 1; }
    node_pid[$node]=$(pgrep -P "$inner" | head -n 1)
    nsenter -t "$switch_pid" -n ip link add "$node" type veth peer name eth0 netns "${node_pid[$node]}" &&
        nsenter -t "$switch_pid" -n ip link set "$node" master br0 up &&
        on "$node" ip addr add "$address/24" dev eth0 && on "$node" ip link set eth0 up
}
node_ready() { [ -e "$1/ready" ] || process_gone "$2"; } # dir pid

node_alive() { [ -n "${node_pid[$1]:-}" ] && kill -0 "${node_pid[$1]}" 2>/dev/null; }

# The node dies as a machine does that loses its power.
kill_node() { # node
    kill -KILL "${node_pid[$1]}" && wait_until 20 process_gone "${node_pid[$1]}"
    unset "node_pid[$1]"
}

end_nodes() {
    local node pid left=0
    for node in "${!node_pid[@]}"; do
        if grep -qs Sanitizer "$nodes_dir/$node"/log/sanitizer.*; then head -n 60 "$nodes_dir/$node"/log/sanitizer.*; left=1; fi
        pid=${node_pid[$node]}
        on "$node" umount -a -t fuse.glusterfs -l 2>/dev/null
        kill -KILL "$pid" 2>/dev/null
        wait_until 20 process_gone "$pid" || left=1
    done
    node_pid=()
    [ -n "$switch_pid" ] && kill -KILL "$switch_pid" && wait "$switch_pid" 2>/dev/null
    switch_pid=
    return $left
}

# ---- glusterd and gluster --------------------------------------------------------------------------------------------------

start_glusterd() { # node [arguments of glusterd...]
    local node=$1; shift
    on "$node" /usr/sbin/glusterd --pid-file=/run/glusterd.pid "$@" </dev/null >>"$nodes_dir/$node/glusterd.stderr" 2>&1 || return 1
    wait_until 60 glusterd_answers "$node"
}
glusterd_answers() { gluster "$1" pool list >/dev/null 2>&1; }
glusterd_pid() { cat "$(root "$1")/run/glusterd.pid" 2>/dev/null; } # node: as the node counts

stop_glusterd() { # node [-SIGNAL]
    local pid
    pid=$(glusterd_pid "$1") && [ -n "$pid" ] || return 1
    on "$1" kill "${2:--TERM}" "$pid"
    wait_until 30 not on "$1" kill -0 "$pid"
} 2>/dev/null
not() { ! "$@"; }

gluster() { # node words...
    local node=$1; shift
    on "$node" timeout -k 5 180 /usr/sbin/gluster --mode=script "$@" </dev/null
}

peer_with() { # node others...
    local node=$1 other; shift
    for other; do gluster "$node" peer probe "$other" || return 1; done
    wait_until 60 peers_connected "$node" $#
}
peers_connected() { [ "$(gluster "$1" peer status | grep -c '^State: Peer in Cluster (Connected)')" = "$2" ]; }

# The pid of the brick at PATH, as the node counts; empty when none runs.
brick_at() { # node path
    on "$1" pgrep -f -- "--brick-name $2 " 2>/dev/null | head -n 1
}
kill_brick() { # node path [-SIGNAL]
    local pid
    pid=$(brick_at "$1" "$2") && [ -n "$pid" ] && on "$1" kill "${3:--KILL}" "$pid" && wait_until 30 not on "$1" kill -0 "$pid"
} 2>/dev/null
bricks_online() { # node volume count: by what `volume status` says
    [ "$(gluster "$1" volume status "$2" 2>/dev/null | grep -cE '^[^ ].* [0-9]+ +[0-9]+ +Y +[0-9]+ *$')" = "$3" ]
}

mount_node() { # node volume [-o options]
    local node=$1 volume=$2; shift 2
    mkdir -p "$nodes_dir/$node/mnt/$volume"
    on "$node" timeout -k 5 90 mount -t glusterfs "$@" "$node:/$volume" "/mnt/$volume" </dev/null
}
umount_node() { on "$1" umount "/mnt/$2" || on "$1" umount -l "/mnt/$2"; } # node volume

# Everybody's certificate is at /etc/ssl/glusterfs.*, and at /usr/lib/ssl, where Debian's OpenSSL has its folder and stock looks; signed by
# one authority. With "mgmt" the management is encrypted, too.
encrypt_nodes() { # [mgmt]
    local node pki dir
    pki=$(default_pki) || return 1
    for node in "${!node_pid[@]}"; do
        for dir in /etc/ssl /usr/lib/ssl; do
            on "$node" cp "$pki/server.pem" "$dir/glusterfs.pem" && on "$node" cp "$pki/server.key" "$dir/glusterfs.key" &&
                on "$node" cp "$pki/ca.pem" "$dir/glusterfs.ca" || return 1
        done
        [ "${1:-}" = mgmt ] && { on "$node" touch /var/lib/glusterd/secure-access || return 1; }
    done
    return 0
}
