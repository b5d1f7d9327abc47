#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Programs of the distribution that were linked with stock's libgfapi run on ours, with the volume file of a stock daemon: fio checks what it
# has written, synchronously and asynchronously; QEMU's tools make, fill, compare and work on images.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/cluster.sh"
needs root stock fio qemu-img qemu-io
[ "$GFAPI" = ours ] || needs gfapi
[ -z "$sanitized" ] || skip_all 'the programs are not built with sanitizers'
# fio's engine has its library log there, wherever fio works.
remove_fio_log() { rm -f /tmp/fio_gfapi.log; }
[ -e /tmp/fio_gfapi.log ] || cleanup_hooks+=(remove_fio_log)
must start_nodes 1
must start_glusterd n1
must gluster n1 volume create v n1:/srv/b1 force
must gluster n1 volume start v
mkdir -p "$tmp/work"

api() { with_api nsenter -t "${node_pid[n1]}" -m -n -- timeout -k 5 100 "$@"; }
fio_job() { # engine arguments
    api fio --name=job --ioengine="$1" --volume=v --brick=n1 "${@:2}" --verify=crc32c --do_verify=1 --verify_fatal=1 --verify_state_save=0 --output="$tmp/fio.out" &&
        ! grep -qE 'verify:|error=|err= *[1-9]' "$tmp/fio.out"
}
maps_ours() { grep -q "$build/api/.libs/libgfapi.so" "/proc/$1/maps"; }
if [ "$GFAPI" = ours ]; then
    background api fio --name=idle --ioengine=gfapi --volume=v --brick=n1 --rw=write --size=1M --time_based --runtime=30 --filename=idle >/dev/null 2>&1
    loaded() { local p; for p in $(pgrep -x fio); do maps_ours "$p" && return 0; done; return 1; }
    eventually 30 'it is our library that fio has loaded' loaded
    kill $!
fi
ok 'fio gfapi'                        fio_job gfapi --rw=randrw --bs=64k --size=8M --filename=sync
ok 'fio gfapi_async'                  fio_job gfapi_async --rw=randwrite --bs=16k --size=16M --iodepth=32 --filename=async
ok 'fio gfapi_async, odd sizes'       fio_job gfapi_async --rw=randwrite --bsrange=512-200k --bs_unaligned=1 --size=8M --iodepth=8 --filename=odd
is 'it is on the brick'               "$(stat -c %s "$(root n1)/srv/b1/async")" $((16 << 20))

image=gluster+tcp://n1/v
head -c 6M /dev/urandom >"$tmp/work/raw" && truncate -s 20M "$tmp/work/raw" && head -c 1M /dev/urandom >>"$tmp/work/raw"
quiet() { "$@" 2>"$tmp/quiet.err"; } # QEMU has the library log on stderr
ok 'qemu-img create'                  api qemu-img create -f qcow2 $image/a.qcow2 64M
ok 'qemu-img info'                    api qemu-img info $image/a.qcow2
ok 'qemu-img convert to the volume'   api qemu-img convert -f raw -O qcow2 "$tmp/work/raw" $image/b.qcow2
ok 'qemu-img compare'                 api qemu-img compare -f raw -F qcow2 "$tmp/work/raw" $image/b.qcow2
ok 'and back'                         api qemu-img convert -f qcow2 -O raw $image/b.qcow2 "$tmp/work/back"
ok 'it is the same'                   cmp "$tmp/work/raw" "$tmp/work/back"
ok 'qemu-img check'                   api qemu-img check $image/b.qcow2
ok 'qemu-img resize'                  api qemu-img resize $image/b.qcow2 100M
io() { quiet api qemu-io "$@" >"$tmp/io.out"; cat "$tmp/io.out"; ! grep -qE 'failed|error' "$tmp/io.out"; }
ok 'qemu-io'                          io -c 'write -P 7 0 1M' -c 'read -P 7 0 1M' -c 'write -z 64k 64k' -c 'read -P 0 64k 64k' -c 'discard 256k 64k' -c flush \
                                         -c 'aio_write -P 9 2M 512k' -c 'aio_write -P 8 3M 512k' -c aio_flush -c 'read -P 9 2M 512k' $image/a.qcow2
ok 'what it wrote is found again'     io -c 'read -P 7 128k 128k' -c 'read -P 8 3M 512k' $image/a.qcow2
not_ok 'what is not there'            quiet api qemu-img info $image/none.qcow2
# A socket: the daemon of the node itself.
ok 'by the unix socket of the daemon' api qemu-img info "gluster+unix:///v/a.qcow2?socket=/run/glusterd.socket"
done_testing
