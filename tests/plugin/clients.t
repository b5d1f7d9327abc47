#!/bin/bash
# SPDX-License-Identifier: LGPL-3.0-or-later
# Stock's clients with the plug-in: libgfapi comes and goes many times in one process and leaves no thread, descriptor or memory; a mount
# finds its brick again each time that it dies. Bug classes 3, 11, 20, 25, 32.
. "$(dirname "$0")/../lib.sh"
. "$top/tests/plugin/plugin.sh"
in_plugin_namespace
needs root fuse openssl gfapi cc
times=3 programs=1 deaths=1 # glfs_fini takes 10 s, with stock's transport, too
[ -n "$FULL" ] && times=10 programs=20 deaths=30

cat >"$tmp/again.c" <<'AGAIN'
/* again VOLUME-FILE TIMES PATH: glfs_init, write, read, glfs_fini; prints "threads descriptors KiB" after the first third and at the end. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dirent.h>
#include <fcntl.h>
#include <glusterfs/api/glfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;

    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void tell(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (fgets(line, sizeof line, f))
        sscanf(line, "VmRSS: %ld", &kib);
    fclose(f);
    printf("%d %d %ld\n", entries("/proc/self/task"), entries("/proc/self/fd"), kib);
}

int main(int argc, char **argv)
{
    static char out[300000], in[sizeof out];
    int times = atoi(argv[2]);

    for (int i = 0; i < times; i++) {
        glfs_t *fs = glfs_new("vol");
        glfs_fd_t *fd;

        memset(out, 'a' + i % 20, sizeof out);
        if (!fs || glfs_set_volfile(fs, argv[1]) < 0 || glfs_set_logging(fs, "/dev/stderr", 4) < 0 || glfs_init(fs) < 0)
            return 1;
        fd = glfs_creat(fs, argv[3], O_RDWR | O_TRUNC, 0644);
        if (!fd || glfs_pwrite(fd, out, sizeof out, 0, 0, NULL, NULL) != sizeof out ||
            glfs_pread(fd, in, sizeof in, 0, 0, NULL) != sizeof in || memcmp(in, out, sizeof in) != 0)
            return 2;
        glfs_close(fd);
        glfs_fini(fs);
        if (i == times / 3)
            tell();
    }
    tell();
    return 0;
}
AGAIN
# shellcheck disable=SC2046
must cc -o "$tmp/again" "$tmp/again.c" $(pkg-config --cflags --libs glusterfs-api)
same_data() { cmp -s "$tmp/data" "$tmp/mnt/f"; }
head -c 3M /dev/urandom >"$tmp/data"

must start_brick b1 --stock --tls "$(default_pki)"
must write_client_volfile "$tmp/all.vol" b1 "${brick_tls[b1]}" client
sed '/^end-volume/q' "$tmp/all.vol" >"$tmp/again.vol"
declare -a comers=()
for p in $(seq $programs); do
    background "$tmp/again" "$tmp/again.vol" $times "/again-$p" 2>"$tmp/again-$p.err" >"$tmp/again-$p.out"
    comers+=($!)
done
comes_and_goes() { wait "${comers[$(($1 - 1))]}" || { tail "$tmp/again-$1.err"; false; }; }
for p in $(seq $programs); do
    ok "libgfapi comes and goes $times times ($p)"    comes_and_goes $p
    read -r threads fds kib < <(sed -n 1p "$tmp/again-$p.out")
    read -r threads_end fds_end kib_end < <(sed -n 2p "$tmp/again-$p.out")
    ok "no thread more ($threads, $threads_end)"      [ "$threads_end" -le "$((threads + 2))" ]
    is 'no descriptor more'                           "$fds_end" "$fds"
    diag <<<"memory: $kib KiB, $kib_end KiB at the end"
done

ok 'a mount'                                   mount_volume "$tmp/mnt" b1
ok 'writes'                                    dd if="$tmp/data" of="$tmp/mnt/f" bs=1M conv=fsync status=none
before=$(ls "/proc/${mount_pid[$tmp/mnt]}/fd" | wc -l)
for i in $(seq $deaths); do
    ok "the brick dies ($i)"                   stop_brick -9 b1
    ok "and comes back ($i)"                   start_brick b1
    eventually 60 "the mount finds it ($i)"    same_data
done
few() { [ "$(ls "/proc/${mount_pid[$tmp/mnt]}/fd" | wc -l)" -le "$((before + 1))" ]; }
eventually 30 'it has no descriptor more'      few
ok 'unmount'                                   umount_volume "$tmp/mnt"
ok 'the brick ends'                            stop_brick b1
done_testing
