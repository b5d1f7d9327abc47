/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A fuzz target's function over its seeds and their nearest kin, for `make check` with any compiler: each file of the folder SEEDS as it
 * is, cut short, and with single bytes changed. It ends by itself, or by the target's abort(). */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PLACES
#define PLACES 100 /* of a long seed so many, evenly spread */
#endif
enum { SEED_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

/* In memory of exactly this size, so that a sanitizer sees a byte read too far. */
static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    if (!copy)
        exit(1);
    if (len)
        memcpy(copy, bytes, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static void run_kin(uint8_t *seed, size_t len)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, '\n', '"'};
    size_t step = len / PLACES + 1;

    run(seed, len);
    for (size_t at = 0; at < len; at += step) {
        uint8_t was = seed[at];

        run(seed, at);
        for (size_t i = 0; i < sizeof(values); i++) {
            seed[at] = values[i];
            run(seed, len);
        }
        seed[at] = was;
    }
}

int main(void)
{
    static uint8_t seed[SEED_MAX];
    const struct dirent *e;
    unsigned int seeds = 0;
    char path[4096];
    DIR *d = opendir(SEEDS);

    while (d && (e = readdir(d))) {
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", SEEDS, e->d_name);
        if (e->d_name[0] == '.' || !(f = fopen(path, "r")))
            continue;
        run_kin(seed, fread(seed, 1, sizeof(seed), f));
        fclose(f);
        seeds++;
    }
    if (d)
        closedir(d);
    printf("%u seeds in %s\n", seeds, SEEDS);
    return seeds < 4;
}
