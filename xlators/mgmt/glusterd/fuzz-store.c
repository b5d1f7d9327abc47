/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A volume's files below /var/lib/glusterd against any text: somebody's editor, a disk that lost half of one. Input: one byte that says
 * which file (info, node_state.info, a brick's), then its text; the others are good ones. What is read is written, read once more, and
 * volume files are made of it. */
#include <errno.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "store.h"
#include "util.h"
#include "volgen.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static const char info[] =
    "type=0\ncount=1\nstatus=1\nsub_count=1\nreplica_count=1\ndisperse_count=0\nredundancy_count=0\nversion=2\ntransport-type=0\n"
    "volume-id=6d1c7a52-3f0e-4b61-9c55-0d6f3a2b8e41\nusername=u\npassword=p\nop-version=70000\nclient-op-version=70000\nquota-version=0\n"
    "storage.fips-mode-rchecksum=on\nbrick-0=h:-b-one\n";
static const char brick[] =
    "uuid=6d1c7a52-3f0e-4b61-9c55-0d6f3a2b8e42\nhostname=h\npath=/b/one\nreal_path=/b/one\nlisten-port=49152\nrdma.listen-port=0\n"
    "decommissioned=0\nbrick-id=v-client-0\nmount_dir=/one\nsnap-status=0\nbrick-fsid=0\n";
static const char state[] = "rebalance_status=0\nstatus=0\nrebalance_op=0\n";

static char from[64] = "/dev/shm/gatling-fuzz-XXXXXX", to[80]; /* each run flushes a dozen files */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    return remove(path);
}
static void tidy(void)
{
    nftw(from, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *file, const void *text, size_t len)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/vols/v/%s", from, file);
    f = fopen(path, "w");
    if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0)
        abort();
}

static void begin(void)
{
    char path[256];

    log_set_level(LVL_NONE);
    if (!mkdtemp(from) && !mkdtemp(strcpy(from, "/tmp/gatling-fuzz-XXXXXX")))
        abort();
    atexit(tidy);
    snprintf(to, sizeof(to), "%s/to", from);
    if (store_make_tree(from, NULL) < 0 || store_make_tree(to, NULL) < 0)
        abort();
    snprintf(path, sizeof(path), "%s/vols/v", from);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/vols/v/bricks", from);
    mkdir(path, 0700);
}

static void make_volume_files(const struct volinfo *v)
{
    struct volgen g = {.volume = v, .workdir = from, .own_uuid = "6d1c7a52-3f0e-4b61-9c55-0d6f3a2b8e42"};

    if (v->nr_bricks > 0)
        free(volgen_brick(&g, 0));
    free(volgen_client(&g, false));
    free(volgen_client(&g, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    unsigned int which = len ? in[0] % 3 : 0;
    struct volinfo *v = NULL, *again = NULL;
    struct err err = {""};

    if (!to[0])
        begin();
    if (len < 1)
        return 0;
    put("info", which == 0 ? (const void *)(in + 1) : info, which == 0 ? len - 1 : sizeof(info) - 1);
    put("node_state.info", which == 1 ? (const void *)(in + 1) : state, which == 1 ? len - 1 : sizeof(state) - 1);
    put("bricks/h:-b-one", which == 2 ? (const void *)(in + 1) : brick, which == 2 ? len - 1 : sizeof(brick) - 1);
    if (store_load_volume(from, "v", &v, &err) < 0) {
        if (!err.text[0])
            abort(); /* no sentence */
        return 0;
    }
    make_volume_files(v);
    if (store_save_volume(to, v, &err) == 0) {
        if (store_load_volume(to, "v", &again, &err) < 0) {
            fprintf(stderr, "written, and not to be read: %s\n", err.text);
            abort();
        }
        volinfo_free(again);
        if (store_remove_volume(to, v, &err) < 0)
            abort();
    }
    volinfo_free(v);
    return 0;
}
