#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# `mount -t glusterfs`: mount(8)'s words become glusterfs' words; what cannot be is refused; the helper comes into mount(8)'s place and goes again.
. "$(dirname "$0")/../lib.sh"
MOUNT=local
needs fuse unshare setfattr
mnt=$tmp/mnt; mkdir -p "$mnt"
helper=$build/extras/mount.glusterfs

# A program that only says what it was told.
printf '#!/bin/sh\nfor w; do echo "$w"; done >"%s/said"\nexit 3\n' "$tmp" >"$tmp/fake"; chmod +x "$tmp/fake"
said() { GATLING_GLUSTERFS=$tmp/fake GATLING_STATEDIR=$tmp/state "$helper" "$@" >"$tmp/out" 2>&1; tr '\n' ' ' <"$tmp/said"; }
status_of() { "$@" >"$tmp/out" 2>&1; echo $?; }
helped() { GATLING_GLUSTERFS=$tmp/fake GATLING_STATEDIR=$tmp/state "$helper" "$@"; }

is 'servers, volume, folder'        "$(said a,b:/vol/sub/dir "$mnt")" \
    "--process-name=fuse --volfile-server=a --volfile-server=b --volfile-id=/vol --subdir-mount=/sub/dir $mnt "
is 'options of a mount'             "$(said a:/vol "$mnt" -o rw,_netdev,log-level=DEBUG,acl,ro,entry-timeout=0.5,backup-volfile-servers=c:d,process-name=x)" \
    "--process-name=fuse.x --log-level=DEBUG --acl --read-only --entry-timeout=0.5 --volfile-server=a --volfile-server=c --volfile-server=d --volfile-id=/vol $mnt "
is 'options of the kernel'          "$(said a:/vol "$mnt" -o 'noatime,context="x,y",nodev')" \
    "--process-name=fuse --volfile-server=a --volfile-id=/vol --fuse-mountopts=noatime,context=\"x,y\",nodev $mnt "
is 'root squash, transport, port'   "$(said a:vol "$mnt" -o root-squash=no,transport=tcp,server-port=1234)" \
    "--process-name=fuse --no-root-squash --volfile-server-transport=tcp --volfile-server-port=1234 --volfile-server=a --volfile-id=vol.tcp $mnt "
is 'what is no option'              "$(status_of helped a:/vol "$mnt" -o bogus=1; tail -n 1 "$tmp/out")" "1
mount.glusterfs: Invalid option bogus"
is 'a value is missing'             "$(status_of helped a:/vol "$mnt" -o log-level)" 1
is 'not on /'                       "$(status_of helped a:/vol /)" 2
is 'not on /tmp'                    "$(status_of helped a:/vol /tmp)" 2
must start_brick b1
mkdir -p "$tmp/state/vols/v/bricks" "$tmp/g"; echo "path=$tmp/bricks/b1" >"$tmp/state/vols/v/bricks/h:b1"
is 'not above a brick'              "$(status_of helped a:/vol "$tmp/bricks")" 2
setfattr -n trusted.gfid -v 0x0123456789abcdef0123456789abcdef "$tmp/bricks/b1"
is 'not in a brick'                 "$(status_of helped a:/vol "$tmp/bricks/b1")" 2
setfattr -x trusted.gfid "$tmp/bricks/b1"

# A real one, as a daemon.
export GATLING_GLUSTERFS=$build/glusterfsd/glusterfs GATLING_STATEDIR=$tmp/state
daemon_pid() { pgrep -f -- "$tmp/b1.vol.*$mnt" | head -n 1; }
gone() { [ -z "$(daemon_pid)" ]; }
ok 'mount a volume file'            "$helper" "$tmp/b1.vol" "$mnt" -o "log-file=$tmp/mount-daemon.log,log-level=INFO,noatime"
ok 'it is there'                    grep -q " $mnt fuse.glusterfs rw.*noatime" /proc/mounts
ok 'and works'                      sh -c "echo x >'$mnt/f' && grep x '$mnt/f'"
is 'a second time it is refused'    "$(status_of "$helper" "$tmp/b1.vol" "$mnt")" 32
ok 'unmount'                        umount "$mnt"
eventually 30 'the daemon is gone'  gone

# mount(8)'s place, in a world of its own.
cat >"$tmp/world" <<'W'
set -e
cd "$1"; mkdir -p up1 work1 up2 work2
sbin=$(readlink -f /sbin)
mount -t tmpfs none up1; mkdir up1/u up1/w up1/u2 up1/w2
mount -t overlay -o "lowerdir=$sbin,upperdir=up1/u,workdir=up1/w" none "$sbin"
mount -t overlay -o lowerdir=/var/lib/dpkg,upperdir=up1/u2,workdir=up1/w2 none /var/lib/dpkg
before=$(cksum </sbin/mount.glusterfs 2>/dev/null || echo none)
export GATLING_HELPER=$2/mount.glusterfs
! "$2/mount-helper" status
"$2/mount-helper" enable
"$2/mount-helper" status
mount -t glusterfs -o "log-file=$1/mount-world.log" "$1/b1.vol" "$3"
grep " $3 fuse.glusterfs " /proc/mounts
ls "$3/f"
umount "$3"
"$2/mount-helper" disable
! "$2/mount-helper" status
[ "$before" = "$(cksum </sbin/mount.glusterfs 2>/dev/null || echo none)" ]
W
ok 'enable, mount -t glusterfs, disable' unshare -m --propagation private bash "$tmp/world" "$tmp" "$build/extras" "$mnt"
eventually 30 'that daemon is gone, too' gone
done_testing
