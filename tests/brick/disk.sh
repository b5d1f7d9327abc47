# SPDX-License-Identifier: LGPL-3.0-or-later
# disk.sh: a brick's disk that can break, fill up, be read-only or be taken away. Sourced instead of lib.sh, which it brings.
#
# The test runs in a mount namespace of its own: one that another test makes meanwhile would copy our mounts, and hold the disk after
# we have let go of it.
#
#   make_disk 300M xfs      a fresh file system at $tmp/bricks, on a loop device over tools/faulty
#   disk_does fail          writes fail from now on; all: reads too; hang: nothing is answered; work: it works again
#   unmount_disk; mount_disk

if [ "$(id -u)" = 0 ] && [ -z "${disk_namespace:-}" ]; then
    export disk_namespace=1
    exec unshare -m bash "$0" "$@"
fi
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

disk_dev= disk_faulty=

make_disk() { # size type
    local pid
    rm -f "$tmp/disk.img" && truncate -s "$1" "$tmp/disk.img" && "mkfs.$2" -q "$tmp/disk.img" && mkdir -p "$tmp/faulty" "$tmp/bricks" || return 1
    background "$tools/faulty" "$tmp/faulty" "$tmp/disk.img" "$tmp/disk.does" </dev/null >"$tmp/faulty.stderr" 2>&1
    pid=$!
    disk_faulty=$pid
    cleanup_hooks+=(end_disk)
    wait_until 30 test -e "$tmp/faulty/disk" && disk_dev=$(losetup --show -f "$tmp/faulty/disk") && mount_disk
}
disk_does() { # work|fail|all|hang
    case $1 in
    fail) echo w ;;
    all)  echo a ;;
    hang) echo h ;;
    *)    echo - ;;
    esac >"$tmp/disk.new" && mv "$tmp/disk.new" "$tmp/disk.does"
}
mount_disk() { mount "$disk_dev" "$tmp/bricks"; }
disk_mounted() { grep -q " $tmp/bricks " /proc/mounts; } # without asking a file system that may be dead
unmount_disk() { ! disk_mounted || umount "$tmp/bricks"; }

end_disk() { # what uses it goes first
    local x left=0
    disk_does work
    for x in "${!mount_pid[@]}"; do umount -l "$x" 2>/dev/null; end_process "${mount_pid[$x]}"; unset "mount_pid[$x]"; done
    for x in "${!brick_pid[@]}"; do stop_brick "$x" || left=1; done
    unmount_disk && losetup -d "$disk_dev" && wait_until 10 umount "$tmp/faulty" || left=1 # the loop device lets go a moment later
    wait_until 10 process_gone "$disk_faulty" || left=1
    return $left
}

# COMMAND...: fails with this error, as the user sees it.
fails_with() { # text command...
    local text=$1; shift
    ! "$@" >"$tmp/failed" 2>&1 && cat "$tmp/failed" && says "$tmp/failed" "$text"
}
# The brick was told to end, or has ended by itself because its disk is gone.
brick_over() { stop_brick b1 2>/dev/null || [ "${brick_status[b1]}" = 1 ]; }

# What is on the brick, gone through as a client that has nothing in memory.
fresh_mount() { # [arguments of mount_volume]
    [ -z "${mount_pid[$mnt]:-}" ] || umount_volume "$mnt"
    mount_volume "$mnt" b1 "$@"
}
same_files() { # list of md5sums: each confirmed file is as it was
    (cd "$mnt" && md5sum -c --quiet "$1")
}
