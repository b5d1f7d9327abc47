/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A working directory that a stock daemon wrote (tests/data/store) is read, and what we write of it is the same, byte for byte. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"
#include "util.h"
#include "volgen.h"

static char work[] = "/tmp/gatling-store-XXXXXX";
static const char *const volumes[] = {"arb", "dist", "ec", "one", "rep"};

static char *slurp(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    if (getdelim(&text, &size, '\0', f) < 0)
        text[0] = '\0';
    fclose(f);
    return text;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct volinfo *load(const char *from, const char *name)
{
    struct err err = {""};
    struct volinfo *v = NULL;
    if (store_load_volume(from, name, &v, &err) < 0)
        fail_msg("%s", err.text);
    return v;
}

static void save(const struct volinfo *v)
{
    struct err err = {""};
    if (store_save_volume(work, v, &err) < 0)
        fail_msg("%s", err.text);
}

static void same(const char *name, const char *file)
{
    char a[512], b[512];
    snprintf(a, sizeof a, "%s/vols/%s/%s", STORE, name, file);
    snprintf(b, sizeof b, "%s/vols/%s/%s", work, name, file);
    char *ta = slurp(a), *tb = slurp(b);
    assert_non_null(ta);
    assert_non_null(tb);
    assert_string_equal(tb, ta);
    free(ta);
    free(tb);
}

static void what_stock_wrote_is_written_back_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(volumes); i++) {
        struct volinfo *v = load(STORE, volumes[i]);
        save(v);
        same(v->name, "info");
        same(v->name, "cksum");
        same(v->name, "node_state.info");
        for (unsigned int k = 0; k < v->nr_bricks; k++) {
            char file[512], *dashed = path_dashed(v->bricks[k].path, true);
            snprintf(file, sizeof file, "bricks/%s:%s", v->bricks[k].host, dashed);
            same(v->name, file);
            free(dashed);
        }
        volinfo_free(v);
    }
}

static void is_generated(char *text, const char *name, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/vols/%s/%s", STORE, name, file);
    char *expected = slurp(path);
    assert_non_null(expected);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
}

static void its_volume_files_are_the_ones_that_stock_generated(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(volumes); i++) {
        struct volinfo *v = load(STORE, volumes[i]);
        struct volgen g = {.volume = v, .workdir = "/var/lib/glusterd", .own_uuid = v->bricks[0].owner};
        char file[600];
        for (unsigned int k = 0; k < v->nr_bricks; k++) {
            char *dashed = path_dashed(v->bricks[k].path, false);
            snprintf(file, sizeof file, "%s.%s.%s.vol", v->name, v->bricks[k].host, dashed);
            is_generated(volgen_brick(&g, k), v->name, file);
            free(dashed);
        }
        snprintf(file, sizeof file, "%s.tcp-fuse.vol", v->name);
        is_generated(volgen_client(&g, false), v->name, file);
        snprintf(file, sizeof file, "trusted-%s.tcp-fuse.vol", v->name);
        is_generated(volgen_client(&g, true), v->name, file);
        if (v->type != VOLUME_PLAIN) {
            snprintf(file, sizeof file, "%s-shd.vol", v->name);
            is_generated(volgen_shd(&g), v->name, file);
        }
        if (volinfo_subvolumes(v) > 1) {
            snprintf(file, sizeof file, "%s-rebalance.vol", v->name);
            is_generated(volgen_rebalance(&g), v->name, file);
        }
        snprintf(file, sizeof file, "%s.gfproxyd.vol", v->name);
        is_generated(volgen_gfproxyd(&g), v->name, file);
        snprintf(file, sizeof file, "trusted-%s.tcp-gfproxy-fuse.vol", v->name);
        is_generated(volgen_gfproxy_client(&g), v->name, file);
        volinfo_free(v);
    }
}

static void a_careless_file_is_read_all_the_same(void **state)
{
    (void)state;
    char path[128];
    struct pairs p = {0};
    snprintf(path, sizeof path, "%s/careless", work);
    put(path, "\nname=one\n\nempty=\nno value at all\nequals=a=b\nlast=without end");
    assert_int_equal(store_read_pairs(path, &p, NULL), 0);
    assert_int_equal(p.n, 4);
    assert_string_equal(pairs_get(&p, "name"), "one");
    assert_string_equal(pairs_get(&p, "empty"), "");
    assert_string_equal(pairs_get(&p, "equals"), "a=b");
    assert_string_equal(pairs_get(&p, "last"), "without end");
    pairs_done(&p);
    unlink(path);
}

static void lines_that_nobody_knows_are_kept(void **state)
{
    (void)state;
    char path[256];
    struct volinfo *v = load(STORE, "one");
    save(v);
    volinfo_free(v);
    snprintf(path, sizeof path, "%s/vols/one/info", work);
    char *text = slurp(path), *more;
    assert_true(asprintf(&more, "%suser.from=elsewhere\nsecondary1=root@far::vol\n", text) > 0);
    put(path, more);
    v = load(work, "one");
    assert_string_equal(pairs_get(&v->options, "user.from"), "elsewhere");
    v->version++;
    save(v);
    volinfo_free(v);
    free(text);
    text = slurp(path);
    assert_non_null(strstr(text, "user.from=elsewhere\n"));
    assert_non_null(strstr(text, "secondary1=root@far::vol\n"));
    assert_non_null(strstr(text, "version=5\n"));
    free(text);
    free(more);
}

static void a_damaged_volume_is_named_and_no_other(void **state)
{
    (void)state;
    char path[256];
    struct err err = {""};
    struct volinfo *v = load(STORE, "dist");
    save(v);
    volinfo_free(v);
    snprintf(path, sizeof path, "%s/vols/dist/bricks/n1:-srv-d2", work);
    put(path, "hostname=n1\n");
    v = NULL;
    assert_int_equal(store_load_volume(work, "dist", &v, &err), -EINVAL);
    assert_null(v);
    assert_non_null(strstr(err.text, "n1:-srv-d2: uuid, hostname, path or brick-id is missing"));
    unlink(path);
    err.text[0] = '\0';
    assert_int_equal(store_load_volume(work, "dist", &v, &err), -ENOENT);
    assert_non_null(strstr(err.text, "n1:-srv-d2"));
}

/* Removing a volume renames its folder to trash/ID.deleted and removes what it finds there. */
static void an_id_that_is_a_path_is_refused(void **state)
{
    struct err err = {""};
    struct volinfo *v = NULL;
    char path[300];

    (void)state;
    snprintf(path, sizeof path, "%s/vols/astray", work);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/vols/astray/info", work);
    put(path, "type=0\ncount=0\nstatus=0\nsub_count=1\nvolume-id=../../../../../../../../tmp/somewher\n");
    assert_int_equal(store_load_volume(work, "astray", &v, &err), -EINVAL);
    assert_non_null(strstr(err.text, "volume-id=../../../../../../../../tmp/somewher is no id"));
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static void a_file_of_a_brick_goes_with_the_brick(void **state)
{
    (void)state;
    char path[256];
    struct volinfo *v = load(STORE, "dist");
    save(v);
    snprintf(path, sizeof path, "%s/vols/dist/bricks/n1:-srv-d3", work);
    assert_int_equal(access(path, F_OK), 0);
    volinfo_remove_brick(v, 2);
    save(v);
    assert_int_equal(access(path, F_OK), -1);
    volinfo_free(v);
    v = load(work, "dist");
    assert_int_equal(v->nr_bricks, 2);
    volinfo_free(v);
}

static void a_volume_that_cannot_be_written_stays_as_it_was(void **state)
{
    (void)state;
    char path[256];
    struct volinfo *v = load(STORE, "rep");
    save(v);
    snprintf(path, sizeof path, "%s/vols/rep/info.tmp", work); /* a folder where the new info would be written */
    assert_int_equal(mkdir(path, 0755), 0);
    struct volinfo *changed = volinfo_copy(v);
    pairs_set(&changed->options, "cluster.eager-lock", "off");
    struct err err = {""};
    assert_true(store_save_volume(work, changed, &err) < 0);
    assert_non_null(strstr(err.text, "info.tmp"));
    rmdir(path);
    same("rep", "info");
    same("rep", "cksum");
    volinfo_free(changed);
    volinfo_free(v);
}

static void a_removed_volume_leaves_nothing(void **state)
{
    (void)state;
    char path[256], **names;
    struct volinfo *v = load(STORE, "ec");
    save(v);
    assert_int_equal(store_remove_volume(work, v, NULL), 0);
    snprintf(path, sizeof path, "%s/vols/ec", work);
    assert_int_equal(access(path, F_OK), -1);
    store_tidy(work);
    snprintf(path, sizeof path, "%s/trash/%s.deleted", work, v->id);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(store_list_volumes(work, &names, NULL), 0);
    for (char **n = names; *n; n++)
        assert_string_not_equal(*n, "ec");
    store_free_names(names);
    volinfo_free(v);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(work) && store_make_tree(work, NULL) == 0 ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    return nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stock_wrote_is_written_back_the_same),
        cmocka_unit_test(its_volume_files_are_the_ones_that_stock_generated),
        cmocka_unit_test(a_careless_file_is_read_all_the_same),
        cmocka_unit_test(lines_that_nobody_knows_are_kept),
        cmocka_unit_test(a_damaged_volume_is_named_and_no_other),
        cmocka_unit_test(an_id_that_is_a_path_is_refused),
        cmocka_unit_test(a_file_of_a_brick_goes_with_the_brick),
        cmocka_unit_test(a_volume_that_cannot_be_written_stays_as_it_was),
        cmocka_unit_test(a_removed_volume_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
