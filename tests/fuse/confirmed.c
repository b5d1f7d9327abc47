/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* confirmed: writes a file block by block, each with fsync, whatever errors come between, and keeps a book of what fsync confirmed.
 *
 *   confirmed write FILE BOOK SECONDS      one descriptor all the time; one line in the book (elsewhere) for each confirmed block
 *   confirmed check FILE BOOK              every block of the book is there, as it was written
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 16384 };

static void fill(char block[BLOCK], unsigned int n)
{
    for (unsigned int i = 0; i < BLOCK; i++)
        block[i] = (char)((n * 31 + i) * 2654435761u >> 13);
}

static int writes(int fd, FILE *book, int seconds)
{
    time_t end = time(NULL) + seconds;
    unsigned int n = 0, errors = 0;
    char block[BLOCK];

    while (time(NULL) < end || errors) { /* it ends with a block that got through */
        fill(block, n);
        if (pwrite(fd, block, BLOCK, (off_t)n * BLOCK) == BLOCK && fsync(fd) == 0) {
            fprintf(book, "%u\n", n++);
            fflush(book);
            errors = 0;
            continue;
        }
        if (errno != ENOTCONN && errno != EIO && errno != ETIMEDOUT && errno != EBADFD) {
            perror("write");
            return 1;
        }
        errors++;
        if (time(NULL) > end + 60) {
            fprintf(stderr, "the descriptor does not come back: %s\n", strerror(errno));
            return 1;
        }
        usleep(20000); /* the peer is away: not as fast as can be */
    }
    return 0;
}

static int checks(int fd, FILE *book)
{
    char want[BLOCK], have[BLOCK];
    unsigned int n, count = 0;

    while (fscanf(book, "%u", &n) == 1) {
        fill(want, n);
        if (pread(fd, have, BLOCK, (off_t)n * BLOCK) != BLOCK || memcmp(want, have, BLOCK) != 0) {
            fprintf(stderr, "block %u was confirmed and is not there\n", n);
            return 1;
        }
        count++;
    }
    printf("%u blocks\n", count);
    return count == 0;
}

int main(int argc, char **argv)
{
    int write = argc == 5 && strcmp(argv[1], "write") == 0;
    int fd = argc > 3 ? open(argv[2], write ? O_CREAT | O_RDWR : O_RDONLY, 0644) : -1;
    FILE *book = argc > 3 ? fopen(argv[3], write ? "w" : "r") : NULL;

    if (fd < 0 || !book) {
        perror("confirmed");
        return 2;
    }
    return write ? writes(fd, book, atoi(argv[4])) : checks(fd, book);
}
