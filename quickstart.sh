#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# From a fresh clone to a mounted, encrypted volume on this machine, and a first measurement.
#
#   sudo ./quickstart.sh            installs what is missing, builds, makes certificates, starts glusterd, creates and starts a TLS
#                                   volume, mounts it, and measures it. Run again it uses what is there.
#   sudo ./quickstart.sh --stop     unmounts, stops the volume and the daemon; files and certificates stay
#   sudo ./quickstart.sh --remove   the same, and removes everything that it has made, data included
#
# All it makes is in one folder: quickstart/ below the source tree, or the folder that GATLING_HOME names. Nothing listens anywhere but on
# the loopback address 127.1.1.1; /etc, /var and an installed GlusterFS are not touched.
set -u
cd "$(dirname "$0")" || exit 1
top=$PWD
home=${GATLING_HOME:-$top/quickstart}
build=$top/build
address=127.1.1.1 volume=quick
mnt=$home/mnt bin=$home/bin certs=$home/certs
export PATH=$PATH:/usr/sbin:/sbin

say() { printf '\n== %s\n' "$*"; }
fail() { echo "quickstart: $*" >&2; exit 1; }
usage() { sed -n '3,12s/^# \?//p' "$0"; }

alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
wait_until() { # seconds command...
    local end=$((SECONDS + $1)); shift
    until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}
is_mounted() { grep -q " $mnt fuse.glusterfs " /proc/mounts; }
gone() { ! alive "$1"; }
gluster() { "$bin/gluster" --mode=script "$@"; }
must() { local said; said=$("$@" 2>&1) || fail "$*: $said"; }

stop_process() { # pid file
    if alive "$1"; then
        kill "$(cat "$1")"
        wait_until 15 gone "$1" || kill -KILL "$(cat "$1")"
    fi
    rm -f "$1"
}

stop() {
    local pid
    if is_mounted; then umount "$mnt" || umount -l "$mnt"; fi
    stop_process "$home/mount.pid"
    if alive "$home/glusterd.pid"; then gluster volume stop $volume >/dev/null 2>&1; fi
    for pid in "$home"/run/vols/$volume/*.pid; do stop_process "$pid"; done
    stop_process "$home/glusterd.pid"
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
    grep -hE '\] [EC] \[' "$home"/log/*.log "$home"/log/bricks/*.log 2>/dev/null | tail -n 5 >&2
    stop
    echo "quickstart: stopped; nothing is left running. Logs: $home/log" >&2
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

# The programs as they were built, under their names, each with the places of this installation.
make_programs() {
    local name
    mkdir -p "$bin" "$home"/{log,run,state,mnt}
    for name in glusterd glusterfsd glusterfs gluster; do
        {
            printf '#!/bin/bash\n'
            printf 'export GATLING_TRANSPORT_DIR=%q GATLING_PROGRAMS=%q LD_LIBRARY_PATH=%q\n' \
                "$build/rpc/transport/socket/.libs" "$bin" "$build/libglusterfs/.libs"
            case $name in
            gluster)  printf 'exec %q --glusterd-sock=%q --log-file=%q "$@"\n' "$build/cli/gluster" "$home/run/glusterd.socket" "$home/log/cli.log" ;;
            *)        printf 'exec -a %s %q "$@"\n' $name "$(program)" ;;
            esac
        } >"$bin/$name" && chmod +x "$bin/$name" || fail "$bin/$name cannot be written"
    done
}
program() { if [ -x "$build/glusterfsd/.libs/glusterfsd" ]; then echo "$build/glusterfsd/.libs/glusterfsd"; else echo "$build/glusterfsd/glusterfsd"; fi; }

make_certificates() {
    local make=("$top/extras/make-certs" -d "$certs")
    [ -e "$certs/ca.pem" ] || must "${make[@]}" ca
    [ -e "$certs/server.pem" ] || must "${make[@]}" server server localhost $address
    [ -e "$certs/client.pem" ] || must "${make[@]}" client client
}

has_attributes() { setfattr -n trusted.gatling-try -v x "$1" 2>/dev/null && setfattr -x trusted.gatling-try "$1"; }

# Where the brick is: on a file system with trusted extended attributes; here if it has them, else on an image of its own.
brick_folder() {
    if has_attributes "$home"; then echo "$home/brick"; return; fi
    [ -e "$home/image" ] || { truncate -s 4G "$home/image" && mkfs.xfs -q "$home/image"; } || return 1
    mkdir -p "$home/image-mount"
    grep -q " $home/image-mount " /proc/mounts || mount -o loop "$home/image" "$home/image-mount" || return 1
    echo "$home/image-mount/brick"
}

answers() { gluster volume list >/dev/null 2>&1; }
start_daemon() {
    cat >"$home/glusterd.vol" <<-VOL
	volume management
	    type mgmt/glusterd
	    option working-directory $home/state
	    option run-directory $home/run
	    option logging-directory $home/log
	    option glusterd-sockfile $home/run/glusterd.socket
	    option transport.socket.bind-address $address
	end-volume
	VOL
    "$bin/glusterd" -f "$home/glusterd.vol" -l "$home/log/glusterd.log" -p "$home/glusterd.pid" ||
        fail "glusterd does not start: $home/log/glusterd.log (port 24007 must be free: no other glusterd may run)"
    wait_until 30 answers || fail "glusterd does not answer: $home/log/glusterd.log"
}

make_volume() {
    local brick
    brick=$(brick_folder) || fail 'no file system for a brick could be made'
    gluster volume list 2>&1 | grep -qx $volume && return
    must gluster volume create $volume "$address:$brick" force
    must gluster volume set $volume server.ssl on client.ssl on auth.ssl-allow client ssl.own-cert "$certs/server.pem" \
        ssl.private-key "$certs/server.key" ssl.ca-list "$certs/ca.pem"
}

start_mount() {
    "$bin/glusterfs" -s $address --volfile-id $volume --process-name fuse -l "$home/log/mount.log" -p "$home/mount.pid" \
        --xlator-option="*.transport.socket.ssl-own-cert=$certs/client.pem" --xlator-option="*.transport.socket.ssl-private-key=$certs/client.key" "$mnt" &&
        wait_until 30 is_mounted && timeout 30 stat "$mnt/." >/dev/null || fail "the mount does not work: $home/log/mount.log"
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
--stop) [ "$(id -u)" = 0 ] || fail "needs root: sudo $0 --stop"; stop; echo "stopped; everything is in $home"; exit ;;
--remove) [ "$(id -u)" = 0 ] || fail "needs root: sudo $0 --remove"; remove; echo "removed $home"; exit ;;
*) usage; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || fail "mounting needs root: sudo $0"

mkdir -p "$home" || exit 1
trap clean_up_failure EXIT
trap 'exit 130' INT TERM HUP

say 'packages'
extras/install-packages build quickstart || exit 1
say 'build'
build_it
stop
make_programs
say 'certificates'
make_certificates
echo "    $certs"
say 'glusterd, and a volume with TLS'
start_daemon
make_volume
must gluster volume start $volume
gluster volume info $volume | sed 's/^/    /'
say 'mount'
start_mount
echo "    $mnt"
say 'throughput (what is read back comes from the memory of this machine)'
measure
cat <<END

The volume is mounted on $mnt. What next:
    cp some files there
    $bin/gluster volume status $volume             and: volume help
    $bin/gluster volume ssl $volume status         who is connected, with which cipher
    $top/doc/first-volume.md       a volume that stays: installation, other machines, more bricks
    sudo $0 --stop       unmount and stop
    sudo $0 --remove     and remove everything, data included
END
