/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Volume files as a stock daemon wrote them (tests/data/volfiles) are what comes out, byte for byte. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "volgen.h"

static const char node[] = "49e62d44-59f0-43a7-b9d2-3c85c6f9de15";

static char *slurp(const char *name)
{
    char path[512], *text = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, "%s/%s", VOLFILES, name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s: cannot be read", path);
    if (getdelim(&text, &len, '\0', f) < 0)
        fail_msg("%s: empty", path);
    fclose(f);
    return text;
}

static void word_after(const char *text, const char *what, char *ret, size_t size)
{
    const char *at = strstr(text, what);
    assert_non_null(at);
    at += strlen(what);
    snprintf(ret, size, "%.*s", (int)strcspn(at, "\n. "), at);
}

/* The volume that the sample belongs to; ids and login as its brick's file has them. */
static struct volinfo *sample(const char *name, enum volume_type type, unsigned int bricks, unsigned int set)
{
    char file[128], word[128], path[64];
    struct volinfo *v = volinfo_new(name);
    snprintf(file, sizeof file, "%s.gfs1.srv-t-%s-1.vol", name, name);
    char *text = slurp(file);
    word_after(text, "option volume-id ", v->id, sizeof v->id);
    snprintf(path, sizeof path, "option auth.login./srv/t/%s-1.allow ", name);
    word_after(text, path, word, sizeof word);
    v->username = strdup(word);
    snprintf(path, sizeof path, "%s.password ", v->username);
    word_after(text, path, word, sizeof word);
    v->password = strdup(word);
    free(text);
    v->type = type;
    v->sub_count = set;
    v->replica_count = type == VOLUME_REPLICATE ? set : 1;
    for (unsigned int i = 0; i < bricks; i++) {
        struct brickinfo *b = volinfo_add_brick(v);
        b->host = strdup("gfs1");
        assert_true(asprintf(&b->path, "/srv/t/%s-%u", name, i + 1) > 0);
        assert_true(asprintf(&b->id, "%s-client-%u", name, i) > 0);
        b->fsid = strdup("12594332965659310558");
        strcpy(b->owner, node);
    }
    pairs_set(&v->options, "transport.address-family", "inet");
    pairs_set(&v->options, "storage.fips-mode-rchecksum", "on");
    pairs_set(&v->options, "nfs.disable", "on");
    if (type == VOLUME_REPLICATE) {
        pairs_set(&v->options, "cluster.granular-entry-heal", "on");
        pairs_set(&v->options, "performance.client-io-threads", "off");
    }
    return v;
}

static struct volgen of(const struct volinfo *v)
{
    return (struct volgen){.volume = v, .workdir = "/var/lib/glusterd", .own_uuid = node};
}

static void is_file(char *text, const char *file)
{
    char *expected = slurp(file);
    assert_non_null(text);
    if (strcmp(text, expected) != 0) {
        const char *a = text, *b = expected;
        while (*a && *a == *b)
            a++, b++;
        while (a > text && a[-1] != '\n')
            a--, b--;
        print_error("%s: got\n%.300s\n--- expected\n%.300s\n", file, a, b);
    }
    assert_string_equal(text, expected);
    free(text);
    free(expected);
}

static void bricks_are(const struct volinfo *v)
{
    struct volgen g = of(v);
    char file[128];
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        snprintf(file, sizeof file, "%s.gfs1.srv-t-%s-%u.vol", v->name, v->name, i + 1);
        is_file(volgen_brick(&g, i), file);
    }
}

static void one_brick(void **state)
{
    (void)state;
    struct volinfo *v = sample("bfone", VOLUME_PLAIN, 1, 0);
    struct volgen g = of(v);
    bricks_are(v);
    is_file(volgen_client(&g, false), "bfone.tcp-fuse.vol");
    is_file(volgen_gfproxyd(&g), "bfone.gfproxyd.vol");
    is_file(volgen_gfproxy_client(&g), "trusted-bfone.tcp-gfproxy-fuse.vol");
    volinfo_free(v);
}

static void distribute(void **state)
{
    (void)state;
    struct volinfo *v = sample("bfdist", VOLUME_PLAIN, 2, 0);
    struct volgen g = of(v);
    bricks_are(v);
    is_file(volgen_client(&g, false), "bfdist.tcp-fuse.vol");
    is_file(volgen_client(&g, true), "trusted-bfdist.tcp-fuse.vol");
    is_file(volgen_rebalance(&g), "bfdist-rebalance.vol");
    volinfo_free(v);
}

static void replicate(void **state)
{
    (void)state;
    struct volinfo *v = sample("bfrep", VOLUME_REPLICATE, 3, 3);
    struct volgen g = of(v);
    bricks_are(v);
    is_file(volgen_client(&g, false), "bfrep.tcp-fuse.vol");
    is_file(volgen_client(&g, true), "trusted-bfrep.tcp-fuse.vol");
    is_file(volgen_shd(&g), "bfrep-shd.vol");
    volinfo_free(v);
}

static void arbiter(void **state)
{
    (void)state;
    struct volinfo *v = sample("bfarb", VOLUME_REPLICATE, 3, 3);
    struct volgen g = of(v);
    v->arbiter_count = 1;
    bricks_are(v);
    is_file(volgen_client(&g, false), "bfarb.tcp-fuse.vol");
    volinfo_free(v);
}

static void disperse(void **state)
{
    (void)state;
    struct volinfo *v = sample("bfec", VOLUME_DISPERSE, 6, 6);
    struct volgen g = of(v);
    v->redundancy_count = 2;
    v->disperse_count = 6;
    bricks_are(v);
    is_file(volgen_client(&g, false), "bfec.tcp-fuse.vol");
    is_file(volgen_shd(&g), "bfec-shd.vol");
    volinfo_free(v);
}

static void encrypted(void **state)
{
    (void)state;
    struct volinfo *v = sample("bftls", VOLUME_PLAIN, 1, 0);
    struct volgen g = of(v);
    pairs_set(&v->options, "client.ssl", "on");
    pairs_set(&v->options, "server.ssl", "on");
    pairs_set(&v->options, "auth.ssl-allow", "*");
    bricks_are(v);
    is_file(volgen_client(&g, false), "bftls.tcp-fuse.vol");
    is_file(volgen_client(&g, true), "trusted-bftls.tcp-fuse.vol");
    volinfo_free(v);
}

static void caches_and_snapshots_seen_by_users(void **state)
{
    (void)state;
    struct volinfo *v = sample("bfcache", VOLUME_PLAIN, 1, 0);
    struct volgen g = of(v);
    static const char *const on[] = {"performance.read-ahead", "performance.readdir-ahead", "performance.io-cache", "performance.nl-cache",
                                     "performance.parallel-readdir", "features.cache-invalidation", "features.shard"};
    for (size_t i = 0; i < array_len(on); i++)
        pairs_set(&v->options, on[i], "on");
    bricks_are(v);
    pairs_set(&v->options, "features.uss", "on");
    is_file(volgen_client(&g, false), "bfcache.tcp-fuse.vol");
    volinfo_free(v);
}

static void features_of_a_brick(void **state)
{
    (void)state;
    struct volinfo *v = volinfo_new("bffeat");
    struct volgen g = of(v);
    struct brickinfo *b = volinfo_add_brick(v);
    static const char *const on[] = {"features.shard", "features.quota", "features.inode-quota", "features.quota-deem-statfs",
                                     "features.bitrot", "features.trash", "changelog.changelog", "storage.build-pgfid"};
    b->host = strdup("gfs1");
    b->path = strdup("/srv/t/bffeat/b");
    b->id = strdup("bffeat-client-0");
    b->fsid = strdup("1");
    strcpy(b->owner, node);
    strcpy(v->id, "2d1e0055-9bf0-41df-af77-2161ccb0f63d");
    v->username = strdup("e6ef524c-a43e-471b-b64d-83a99f4bf958");
    v->password = strdup("6655fe6e-e5bc-480f-b5b8-f915b0500201");
    v->quota_version = 1;
    pairs_set(&v->options, "transport.address-family", "inet");
    pairs_set(&v->options, "storage.fips-mode-rchecksum", "on");
    for (size_t i = 0; i < array_len(on); i++)
        pairs_set(&v->options, on[i], "on");
    is_file(volgen_brick(&g, 0), "bffeat.brick.vol");
    volinfo_free(v);
}

static void a_debug_translator_stands_above_the_one_it_names(void **state)
{
    (void)state;
    struct volinfo *v = sample("bfone", VOLUME_PLAIN, 1, 0);
    struct volgen g = of(v);
    pairs_set(&v->options, "debug.error-gen", "posix");
    pairs_set(&v->options, "debug.delay-gen", "client");
    pairs_set(&v->options, "user.xlator.locks", "mine");
    pairs_set(&v->options, "user.xlator.mine.depth", "3");
    char *text = volgen_brick(&g, 0);
    assert_non_null(strstr(text, "volume bfone-error-gen\n    type debug/error-gen\n    subvolumes bfone-posix\nend-volume\n\nvolume "
                                 "bfone-trash\n"));
    assert_non_null(strstr(text, "volume bfone-mine\n    type user/mine\n    option depth 3\n    subvolumes bfone-locks\n"));
    assert_null(strstr(text, "delay-gen"));
    free(text);
    text = volgen_client(&g, false);
    assert_non_null(strstr(text, "type debug/delay-gen"));
    assert_null(strstr(text, "error-gen"));
    free(text);
    volinfo_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_brick),
        cmocka_unit_test(distribute),
        cmocka_unit_test(replicate),
        cmocka_unit_test(arbiter),
        cmocka_unit_test(disperse),
        cmocka_unit_test(encrypted),
        cmocka_unit_test(caches_and_snapshots_seen_by_users),
        cmocka_unit_test(features_of_a_brick),
        cmocka_unit_test(a_debug_translator_stands_above_the_one_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
