/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Volumes whose volume file comes from a daemon.
 *
 *   server VOLUME SERVER... -- init          "init RESULT ERRNO"
 *   server VOLUME SERVER... -- id            the volume's id
 *   server VOLUME SERVER... -- file          the volume file
 *   server VOLUME SERVER... -- hold STOP     works by one open descriptor, with a lock, until the file STOP is there
 *
 * SERVER: tcp:HOST[:PORT] or unix:PATH */
#include "check.h"
#include <fcntl.h>
#include <glusterfs/api/glfs-handles.h>
#include <unistd.h>

static void add_server(glfs_t *fs, char *server)
{
    char *host = strchr(server, ':'), *port;

    TRUE(host != NULL);
    *host++ = '\0';
    port = strcmp(server, "tcp") == 0 ? strchr(host, ':') : NULL;
    if (port)
        *port++ = '\0';
    OK(glfs_set_volfile_server(fs, server, host, port ? atoi(port) : 0));
}

static void hold(glfs_t *fs, const char *stop)
{
    struct flock lk = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    glfs_fd_t *f = glfs_creat(fs, "/held", O_RDWR, 0644);
    unsigned int n = 0, back;

    TRUE(f != NULL);
    OK(glfs_fd_set_lkowner(f, "holder", 6));
    OK(glfs_posix_lock(f, F_SETLK, &lk));
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (access(stop, F_OK) != 0) {
        n++;
        IS(glfs_pwrite(f, &n, sizeof(n), n % 100 * sizeof(n), 0, NULL, NULL), sizeof(n));
        IS(glfs_pread(f, &back, sizeof(back), n % 100 * sizeof(n), 0, NULL), sizeof(n));
        IS(back, n);
        usleep(1000);
    }
    lk.l_type = F_UNLCK;
    OK(glfs_posix_lock(f, F_SETLK, &lk));
    OK(glfs_close(f));
    printf("%u rounds\n", n);
}

int main(int argc, char **argv)
{
    glfs_t *fs = glfs_new(argc > 1 ? argv[1] : "");
    char text[65536];
    ssize_t n;
    int i, r;

    TRUE(fs != NULL);
    OK(glfs_set_logging(fs, "/dev/stderr", 5));
    for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        add_server(fs, argv[i]);
    TRUE(i + 1 < argc);
    errno = 0;
    r = glfs_init(fs);
    if (strcmp(argv[i + 1], "init") == 0) {
        printf("init %d %s\n", r, r < 0 ? strerrorname_np(errno) : "-");
        return glfs_fini(fs) == (r < 0 ? -1 : 0) ? 0 : 1;
    }
    IS(r, 0);
    if (strcmp(argv[i + 1], "id") == 0) {
        IS(glfs_get_volumeid(fs, text, sizeof(text)), 16);
        for (int k = 0; k < 16; k++)
            printf("%s%02x", k == 4 || k == 6 || k == 8 || k == 10 ? "-" : "", (unsigned char)text[k]);
        printf("\n");
    } else if (strcmp(argv[i + 1], "file") == 0) {
        n = glfs_get_volfile(fs, text, sizeof(text));
        TRUE(n > 0);
        fwrite(text, 1, (size_t)n, stdout);
    } else if (i + 2 < argc) {
        hold(fs, argv[i + 2]);
    }
    OK(glfs_fini(fs));
    return 0;
}
