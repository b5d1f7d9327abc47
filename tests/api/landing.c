/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A read whose answer stops in the middle: it ends, and from then on nobody writes into the memory that was lent for it.
 *
 *   landing VOLUME-FILE BRICK-PORT
 *
 * Between the library and the brick stands a relay of this program, on whose port a copy of the volume file goes. Asked to, it holds up
 * what the brick says behind so many bytes, until it is told to go on. */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <glusterfs/api/glfs.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 1 << 20, THROUGH = 300000 };

static int brick_port, listening;
static atomic_long may_pass = LONG_MAX; /* bytes of the brick's that the relay hands on */
static atomic_int ends;                 /* connections of the library's that have ended */
static char data[SIZE], lent[SIZE];

/* ---- the relay ------------------------------------------------------------------------------------------------------------------- */

static int to_brick(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)brick_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    TRUE(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0);
    return fd;
}

static bool hand_on(int from, int to, long most)
{
    char bytes[65536];
    ssize_t n = recv(from, bytes, most < (long)sizeof(bytes) ? (size_t)most : sizeof(bytes), 0);

    for (ssize_t done = 0, r; done < n; done += r)
        if ((r = send(to, bytes + done, (size_t)(n - done), MSG_NOSIGNAL)) <= 0)
            return false;
    if (n > 0 && most != LONG_MAX)
        atomic_fetch_sub(&may_pass, n);
    return n > 0;
}

static void relay_one(int library)
{
    int brick = to_brick();
    bool both = true;

    while (both) {
        long most = atomic_load(&may_pass);
        struct pollfd p[2] = {{.fd = library, .events = POLLIN}, {.fd = most ? brick : -1, .events = POLLIN}};

        poll(p, 2, 20); /* looks again at what may pass */
        if (p[0].revents)
            both = hand_on(library, brick, LONG_MAX);
        if (both && most && p[1].revents)
            both = hand_on(brick, library, most);
    }
    close(library);
    close(brick);
    atomic_fetch_add(&ends, 1);
}

static void *relay(void *arg)
{
    int fd;

    while ((fd = accept(listening, NULL, NULL)) >= 0)
        relay_one(fd);
    return NULL;
}

static int relay_start(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    pthread_t t;

    listening = socket(AF_INET, SOCK_STREAM, 0);
    TRUE(bind(listening, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(listening, 5) == 0);
    TRUE(getsockname(listening, (struct sockaddr *)&in, &len) == 0);
    TRUE(pthread_create(&t, NULL, relay, NULL) == 0);
    return ntohs(in.sin_port);
}

static void copy_volume_file(const char *from, const char *to, int port)
{
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    char line[4096];

    TRUE(in && out);
    while (fgets(line, sizeof(line), in))
        if (strstr(line, "option remote-port"))
            fprintf(out, "    option remote-port %d\n", port);
        else
            fputs(line, out);
    TRUE(fclose(in) == 0 && fclose(out) == 0);
}

/* ---- the reads ------------------------------------------------------------------------------------------------------------------- */

static bool all(const char *bytes, size_t n, char what)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != what)
            return false;
    return true;
}

static void read_whole(glfs_fd_t *f)
{
    for (int i = 0; glfs_pread(f, lent, SIZE, 0, 0, NULL) != SIZE; i++) { /* once it is connected again */
        TRUE(i < 600);
        usleep(100000);
    }
    TRUE(memcmp(lent, data, SIZE) == 0);
}

static void cut_off(glfs_fd_t *f)
{
    int before = atomic_load(&ends);

    memset(lent, 'g', SIZE);
    atomic_store(&may_pass, THROUGH);
    FAILS(glfs_pread(f, lent, SIZE, 0, 0, NULL), ENOTCONN);
    TRUE(memcmp(lent, data, THROUGH / 2) == 0); /* it had begun to land, so there was something to be stopped */
    TRUE(all(lent + THROUGH, SIZE - THROUGH, 'g'));
    memset(lent, 'n', SIZE);
    atomic_store(&may_pass, LONG_MAX);
    for (int i = 0; atomic_load(&ends) == before; i++) {
        TRUE(i < 6000);
        usleep(10000);
    }
    TRUE(all(lent, SIZE, 'n'));
}

int main(int argc, char **argv)
{
    char path[4096];
    glfs_fd_t *f;
    glfs_t *fs;

    TRUE(argc == 3);
    brick_port = atoi(argv[2]);
    snprintf(path, sizeof(path), "%s.relayed", argv[1]);
    copy_volume_file(argv[1], path, relay_start());
    fs = glfs_new("vol");
    TRUE(fs && glfs_set_volfile(fs, path) == 0 && glfs_set_logging(fs, "/dev/stderr", 5) == 0);
    OK(glfs_init(fs));
    for (int i = 0; i < SIZE; i++)
        data[i] = (char)('0' + i * 2654435761u % 10);
    f = glfs_creat(fs, "/landing", O_RDWR, 0644);
    TRUE(f != NULL);
    IS(glfs_pwrite(f, data, SIZE, 0, 0, NULL, NULL), SIZE);
    read_whole(f);
    cut_off(f);
    read_whole(f);
    OK(glfs_close(f));
    OK(glfs_fini(fs));
    return 0;
}
