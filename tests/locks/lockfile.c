/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lockfile: locks of a file as programs take them, as its input says. With GLFS, through libgfapi.
 *
 *   lockfile [nonblock] FILE          lockfile VOLFILE FILE (compiled with -DGLFS)
 *
 *   set|wait|get r|w|u START LEN      fcntl F_SETLK, F_SETLKW, F_GETLK
 *   mandatory r|w|u START LEN         libgfapi: F_SETLK of a mandatory lock
 *   flock s|x|u [n]
 *   write OFF TEXT | read OFF LEN
 *
 * One line of answer for each, numbered: "1 ok", "2 EAGAIN", "3 w 0+10", "4 free". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#ifdef GLFS
#include <glusterfs/api/glfs.h>
static glfs_fd_t *file;
#define LOCK(cmd, lk) glfs_posix_lock(file, cmd, lk)
#define READ(buf, len, at) glfs_pread(file, buf, len, at, 0, NULL)
#define WRITE(buf, len, at) glfs_pwrite(file, buf, len, at, 0, NULL, NULL)
#else
static int file;
#define LOCK(cmd, lk) fcntl(file, cmd, lk)
#define READ(buf, len, at) pread(file, buf, len, at)
#define WRITE(buf, len, at) pwrite(file, buf, len, at)
#endif

static short type_of(const char *word)
{
    return word[0] == 'r' ? F_RDLCK : word[0] == 'w' ? F_WRLCK : F_UNLCK;
}

static const char *ranged(char **w)
{
    struct flock lk = {.l_type = type_of(w[1]), .l_whence = SEEK_SET, .l_start = atoll(w[2]), .l_len = atoll(w[3])};
    static char text[64];
    int ret;

#ifdef GLFS
    if (w[0][0] == 'm')
        ret = glfs_file_lock(file, F_SETLK, &lk, GLFS_LK_MANDATORY);
    else
#endif
        ret = LOCK(w[0][0] == 's' ? F_SETLK : w[0][0] == 'w' ? F_SETLKW : F_GETLK, &lk);
    if (ret < 0)
        return strerrorname_np(errno == EACCES ? EAGAIN : errno);
    if (w[0][0] != 'g')
        return "ok";
    if (lk.l_type == F_UNLCK)
        return "free";
    snprintf(text, sizeof text, "%c %lld+%lld", lk.l_type == F_RDLCK ? 'r' : 'w', (long long)lk.l_start, (long long)lk.l_len);
    return text;
}

#ifndef GLFS
static const char *whole(char **w, int n)
{
    int how = w[1][0] == 's' ? LOCK_SH : w[1][0] == 'x' ? LOCK_EX : LOCK_UN;

    return flock(file, how | (n > 2 ? LOCK_NB : 0)) < 0 ? strerrorname_np(errno) : "ok";
}
#endif

static const char *run(char **w, int n)
{
    static char data[4096];
    ssize_t len;

    if (n == 4 && strchr("swgm", w[0][0]))
        return ranged(w);
    if (n == 3 && strcmp(w[0], "write") == 0)
        return WRITE(w[2], strlen(w[2]), atoll(w[1])) < 0 ? strerrorname_np(errno) : "ok";
    if (n == 3 && strcmp(w[0], "read") == 0) {
        len = READ(data, (size_t)atoi(w[2]), atoll(w[1]));
        data[len < 0 ? 0 : len] = '\0';
        return len < 0 ? strerrorname_np(errno) : data;
    }
#ifndef GLFS
    if (strcmp(w[0], "flock") == 0)
        return whole(w, n);
#endif
    return "what?";
}

int main(int argc, char **argv)
{
    char line[4096];
    const char *path = argv[argc - 1];

#ifdef GLFS
    glfs_t *fs = argc > 2 ? glfs_new("vol") : NULL;
    if (!fs || glfs_set_volfile(fs, argv[1]) < 0 || glfs_init(fs) < 0 || !(file = glfs_open(fs, path, O_RDWR))) {
        perror(path);
        return 1;
    }
#else
    file = argc > 1 ? open(path, O_RDWR | (argc > 2 ? O_NONBLOCK : 0)) : -1;
    if (file < 0) {
        perror(path);
        return 1;
    }
#endif
    for (unsigned int number = 1; fgets(line, sizeof line, stdin); number++) {
        char *words[8] = {0}, *save = NULL;
        int n = 0;

        for (char *w = strtok_r(line, " \n", &save); w && n < 7; w = strtok_r(NULL, " \n", &save))
            words[n++] = w;
        printf("%u %s\n", number, n ? run(words, n) : "what?");
        fflush(stdout);
    }
#ifdef GLFS
    glfs_close(file);
    glfs_fini(fs);
#endif
    return 0;
}
