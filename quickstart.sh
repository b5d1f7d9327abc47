#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# From a fresh clone to a mounted, encrypted volume on this machine, and a first measurement.
#
#   sudo ./quickstart.sh            installs what is missing, builds, makes certificates, starts a TLS brick on 127.0.0.1,
#                                   mounts it, and measures it. Run again it uses what is there.
#   sudo ./quickstart.sh --stop     unmounts and stops the brick; files and certificates stay
#   sudo ./quickstart.sh --remove   the same, and removes everything that it has made, data included
#
# All it makes is in one folder: quickstart/ below the source tree, or the folder that GATLING_HOME names.
# The mount is made by the stock GlusterFS client (package glusterfs-client) until GatlingFS has one of its own.
set -u
cd "$(dirname "$0")" || exit 1
top=$PWD
home=${GATLING_HOME:-$top/quickstart}
build=$top/build
brick=$home/brick mnt=$home/mnt pki=$home/pki

say() { printf '\n== %s\n' "$*"; }
fail() { echo "quickstart: $*" >&2; exit 1; }
usage() { sed -n '3,11s/^# \?//p' "$0"; }

alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
wait_until() { # seconds command...
    local end=$((SECONDS + $1)); shift
    until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}
is_mounted() { grep -q " $mnt fuse.glusterfs " /proc/mounts; }
gone() { ! alive "$1"; }

stop_process() { # pid file
    if alive "$1"; then
        kill "$(cat "$1")"
        wait_until 15 gone "$1" || kill -KILL "$(cat "$1")"
    fi
    rm -f "$1"
}

stop() {
    if is_mounted; then umount "$mnt" || umount -l "$mnt"; fi
    stop_process "$home/mount.pid"
    stop_process "$home/brick.pid"
    if grep -q " $home/image-mount " /proc/mounts; then umount "$home/image-mount"; fi
}

remove() {
    stop
    rm -rf --one-file-system "$home"
}

# A failure must not leave half of it running.
clean_up_failure() {
    local status=$?
    [ $status = 0 ] && return
    [ -s "$home/brick.log" ] && grep -hE '\] [EC] \[' "$home/brick.log" | tail -n 3 >&2
    [ -s "$home/mount.log" ] && grep -hE '\] [EC] \[' "$home/mount.log" | tail -n 3 >&2
    stop
    echo "quickstart: stopped; nothing is left running. Logs: $home/*.log" >&2
    exit $status
}

build_it() {
    if [ ! -x configure ] || [ configure.ac -nt configure ]; then ./autogen.sh >"$home/build.log" 2>&1 || fail "autogen.sh failed: $home/build.log"; fi
    mkdir -p "$build"
    (
        cd "$build" || exit 1
        if [ ! -e Makefile ] || [ ../configure -nt Makefile ]; then ../configure -q; fi && make -s -j"$(nproc)"
    ) >>"$home/build.log" 2>&1 || { tail -n 20 "$home/build.log" >&2; fail "the build failed: $home/build.log"; }
}

# A certificate authority for this machine, and one certificate each for server and client. Nothing below /etc is touched.
make_pki() {
    [ -e "$pki/client.pem" ] && return
    mkdir -p "$pki" && chmod 700 "$pki" && (
        cd "$pki" || exit 1
        printf 'basicConstraints=CA:FALSE\nsubjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\n' "$(uname -n)" >extensions
        openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=GatlingFS on $(uname -n)" -keyout ca.key -out ca.pem
        for name in server client; do
            openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout $name.key -out $name.csr &&
                openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile extensions -out $name.pem.new &&
                mv $name.pem.new $name.pem || exit 1
        done
    ) >"$home/pki.log" 2>&1 || fail "cannot make certificates: $home/pki.log"
}

has_attributes() { setfattr -n trusted.gatling-try -v x "$1" 2>/dev/null && setfattr -x trusted.gatling-try "$1"; }

# The brick's folder, on a file system with trusted extended attributes: here if it has them, else on an image of its own.
make_brick() {
    mkdir -p "$brick" "$mnt"
    if ! has_attributes "$brick"; then
        [ -e "$home/image" ] || { truncate -s 4G "$home/image" && mkfs.xfs -q "$home/image"; } || fail "cannot make a file system"
        mkdir -p "$home/image-mount"
        grep -q " $home/image-mount " /proc/mounts || mount -o loop "$home/image" "$home/image-mount" || fail "cannot mount $home/image"
        brick=$home/image-mount/brick
        mkdir -p "$brick"
    fi
    [ -s "$home/volume-id" ] || cat /proc/sys/kernel/random/uuid >"$home/volume-id"
    setfattr -n trusted.glusterfs.volume-id -v "0x$(tr -d - <"$home/volume-id")" "$brick" || fail "cannot mark $brick as a brick"
}

port_in_use() { grep -qi ":$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; }

volume_files() {
    local port
    if [ -s "$home/port" ] && ! port_in_use "$(cat "$home/port")"; then :; else
        for ((port = 24100; port < 24200; port++)); do port_in_use $port || break; done
        echo $port >"$home/port"
    fi
    port=$(cat "$home/port")
    tls() { # whose
        printf '    option transport.socket.ssl-%s\n' 'enabled on' "own-cert $pki/$1.pem" "private-key $pki/$1.key" "ca-list $pki/ca.pem"
    }
    cat >"$home/brick.vol" <<-VOL
	volume quick-posix
	    type storage/posix
	    option directory $brick
	    option volume-id $(cat "$home/volume-id")
	end-volume

	volume quick-access-control
	    type features/access-control
	    subvolumes quick-posix
	end-volume

	volume quick-locks
	    type features/locks
	    subvolumes quick-access-control
	end-volume

	volume quick-io-threads
	    type performance/io-threads
	    subvolumes quick-locks
	end-volume

	volume quick
	    type debug/io-stats
	    subvolumes quick-io-threads
	end-volume

	volume quick-server
	    type protocol/server
	    option transport-type tcp
	    option transport.address-family inet
	    option transport.socket.bind-address 127.0.0.1
	    option transport.socket.listen-port $port
	    option statedump-path $home
	$(tls server)
	    option auth.login.quick.ssl-allow client
	    subvolumes quick
	end-volume
	VOL
    cat >"$home/client.vol" <<-VOL
	volume quick-client
	    type protocol/client
	    option transport-type tcp
	    option transport.address-family inet
	    option remote-host 127.0.0.1
	    option remote-port $port
	    option remote-subvolume quick
	    option ping-timeout 42
	$(tls client)
	end-volume

	volume quick-write-behind
	    type performance/write-behind
	    subvolumes quick-client
	end-volume

	volume quick-md-cache
	    type performance/md-cache
	    subvolumes quick-write-behind
	end-volume

	volume quick
	    type debug/io-stats
	    subvolumes quick-md-cache
	end-volume
	VOL
}

start_brick() {
    GATLING_TRANSPORT_DIR="$build/rpc/transport/socket/.libs" "$build/glusterfsd/glusterfsd" -f "$home/brick.vol" -l "$home/brick.log" \
        -p "$home/brick.pid" || fail "the brick does not start: $home/brick.log"
}

start_mount() {
    /usr/sbin/glusterfs -f "$home/client.vol" --process-name fuse -l "$home/mount.log" -p "$home/mount.pid" "$mnt" &&
        wait_until 30 is_mounted && timeout 30 stat "$mnt/." >/dev/null || fail "the mount does not work: $home/mount.log"
}

measure() {
    mkdir -p "$mnt/measure"
    if command -v iozone >/dev/null; then
        (cd "$mnt/measure" && iozone -r 1m -s 64m -i 0 -i 1 -t 8) | grep -E 'Children see throughput' | sed 's/^[[:space:]]*/    /'
    else
        for rw in write read; do
            fio --name=quick --directory="$mnt/measure" --rw=$rw --bs=1m --size=64m --numjobs=8 --ioengine=psync --group_reporting |
                grep -E '^ *(READ|WRITE):' | sed 's/^ */    /'
        done
    fi
    rm -r "$mnt/measure"
}

case "${1:-}" in
'') ;;
--stop) [ "$(id -u)" = 0 ] || fail "needs root: sudo $0 --stop"; stop; echo "stopped; the files are in $brick"; exit ;;
--remove) [ "$(id -u)" = 0 ] || fail "needs root: sudo $0 --remove"; remove; echo "removed $home"; exit ;;
*) usage; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || fail "mounting needs root: sudo $0"

mkdir -p "$home" || exit 1
trap clean_up_failure EXIT
trap 'exit 130' INT TERM HUP

say 'packages'
extras/install-packages build test || exit 1
say 'build'
build_it
say 'certificates of this machine'
make_pki
echo "    $pki"
stop
say 'brick'
make_brick
volume_files
start_brick
echo "    $brick on 127.0.0.1:$(cat "$home/port"), mutual TLS"
say 'mount (by the stock GlusterFS client, until GatlingFS has its own)'
start_mount
echo "    $mnt"
say 'throughput (what is read back comes from the memory of this machine)'
measure
cat <<END

The volume is mounted on $mnt. What next:
    cp some files there; they appear in $brick
    less $home/brick.vol                     how a brick is described
    kill -USR1 \$(cat $home/brick.pid)        what is inside it: $home/*.dump.*
    sudo $0 --stop       unmount and stop
    sudo $0 --remove     and remove everything, data included
END
