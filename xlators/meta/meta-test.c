/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inode.h"
#include "log.h"
#include "meta.h"
#include "testing.h"

/* ---- below: a storage that says "down" to all, and a translator with options and something to show ------------------------- */

static void below(struct xlator *xl, struct fop *fop)
{
    fop_fail(fop, EREMOTEIO);
}

struct thing {
    char *colour, *password;
};
static const struct option thing_options[] = {
    OPT_STR("colour", struct thing, colour, "grey", "-"),
    OPT_STR("password", struct thing, password, NULL, "-"),
};
static bool measured;
static void thing_ask(struct xlator *xl, struct xlator_ask *ask)
{
    int64_t on;

    if (dict_get_i64(ask->in, "enable", &on) == 0)
        measured = on;
    ask->done(ask, dict_set_i64(ask->out, "enabled", measured));
}
static void thing_dump(struct xlator *xl, struct dump *d)
{
    dump_kv(d, "connected", "%d", 1);
}
static const struct xlator_type storage = {.name = "storage/fake", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = below}};
static const struct xlator_type thing = {
    .name = "debug/thing", .options = thing_options, .nr_options = array_len(thing_options), .priv_size = sizeof(struct thing),
    .ask = thing_ask, .dump = thing_dump,
};
extern const struct xlator_type meta_type;

static struct process p;
static struct graph *g;

static void start(void)
{
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage},
                                                  {.type = &thing, .options = {"colour", "red", "password", "secret", "colour", "blue"}},
                                                  {.type = &meta_type},
                                                  {.type = NULL}});
}

static void end(void)
{
    testing_graph_free(g);
    testing_process_done(&p);
}

/* ---- as a mount does it --------------------------------------------------------------------------------------------------- */

/* An inode by its path below the root; NULL with *ret_err. A reference. */
static struct inode *walk(const char *path, int *ret_err)
{
    struct inode *at = inode_get(g->inodes, gfid_root);
    char copy[256], *save = NULL;

    snprintf(copy, sizeof(copy), "%s", path);
    *ret_err = 0;
    for (char *word = strtok_r(copy, "/", &save); word && at; word = strtok_r(NULL, "/", &save)) {
        struct fop *fop = fop_new(g, FOP_LOOKUP);

        fop->loc.parent = at;
        snprintf(fop->loc.name, sizeof(fop->loc.name), "%s", word);
        testing_run(g, fop);
        at = fop->ret >= 0 ? inode_ref(fop->out.inode) : NULL;
        *ret_err = fop->ret < 0 ? fop->err : 0;
        fop_free(fop);
    }
    return at;
}

/* The text of a file or link; NULL with *ret_err. */
static char *look_into(const char *path, uint32_t uid, int *ret_err)
{
    struct inode *in = walk(path, ret_err);
    static char text[8192];
    struct fop *fop, *open = NULL;

    if (!in)
        return NULL;
    if (atomic_load(&in->type) == S_IFLNK) {
        fop = fop_new(g, FOP_READLINK);
        fop->loc.inode = in;
        testing_run(g, fop);
        snprintf(text, sizeof(text), "%s", fop->out.path);
        fop_free(fop);
        return text;
    }
    open = fop_new(g, FOP_OPEN);
    open->loc.inode = in;
    open->cred.uid = uid;
    testing_run(g, open);
    *ret_err = open->ret < 0 ? open->err : 0;
    text[0] = '\0';
    for (size_t at = 0; open->ret >= 0;) { /* in small pieces */
        size_t n;

        fop = fop_new(g, FOP_READ);
        fop->fd = fd_ref(open->out.fd);
        fop->in.read.size = 7;
        fop->in.read.offset = at;
        testing_run(g, fop);
        assert_true(fop->ret >= 0);
        n = slicev_copy_out(&fop->out.data, 0, text + at, 7);
        fop_free(fop);
        at += n;
        text[at] = '\0';
        if (n == 0)
            break;
    }
    fop_free(open);
    return *ret_err ? NULL : text;
}

static int put_into(const char *path, const char *value)
{
    int err;
    struct inode *in = walk(path, &err);
    struct fop *fop = fop_new(g, FOP_WRITE);
    struct slice s = slice_new(p.env.bufs, strlen(value));

    assert_non_null(in);
    fop->loc.inode = in;
    memcpy(s.at, value, strlen(value));
    assert_int_equal(slicev_add(&fop->in.write.data, s), 0);
    testing_run(g, fop);
    err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

/* ---- tests ---------------------------------------------------------------------------------------------------------------- */

static void what_is_of_the_volume_goes_past(void **state)
{
    int err;

    start();
    assert_null(walk("file", &err));
    assert_int_equal(err, EREMOTEIO);
    for (unsigned int op = FOP_STAT; op < NR_FOPS; op++) {
        struct fop *fop = fop_new(g, (enum fop_op)op);

        fop->loc.inode = inode_get(g->inodes, gfid_root);
        testing_run(g, fop);
        assert_int_equal(fop->err, EREMOTEIO);
        fop_free(fop);
    }
    end();
}

static void a_translator_shows_its_type_options_children_and_what_it_dumps(void **state)
{
    int err;

    start();
    assert_string_equal(look_into(".meta/graphs/active", 0, &err) ? "there" : "", "there");
    char base[300], path[600];
    snprintf(base, sizeof(base), ".meta/graphs/%s", look_into(".meta/graphs/active", 0, &err));
    static const struct { const char *path, *text; } want[] = {
        {"x1/type", "debug/thing\n"}, {"x1/name", "x1\n"}, {"x1/options/colour", "blue\n"}, {"x1/subvolumes/0", "../../x0"},
        {"x1/private", "[xlator.debug.thing.x1.priv]\nconnected = 1\n"}, {"x0/private", ""}, {"x1/history", ""}, {"top", "x2"},
    };
    for (size_t i = 0; i < array_len(want); i++) {
        snprintf(path, sizeof(path), "%s/%s", base, want[i].path);
        const char *text = look_into(path, 0, &err);
        if (!text || strcmp(text, want[i].text) != 0)
            fail_msg("%s: \"%s\"", path, text ? text : strerror(err));
    }
    snprintf(path, sizeof(path), "%s/x0/subvolumes/0", base);
    assert_null(look_into(path, 0, &err));
    assert_int_equal(err, ENOENT);
    snprintf(path, sizeof(path), "%s/x1/options/password", base);
    assert_string_equal(look_into(path, 0, &err), "secret\n");
    assert_null(look_into(path, 1000, &err));
    assert_int_equal(err, EACCES);
    snprintf(path, sizeof(path), "%s/volfile", base);
    assert_null(look_into(path, 1000, &err));
    end();
}

/* Counts the objects below a folder, each name once; each is found by its name and by its gfid. */
static unsigned int count(struct inode *folder)
{
    unsigned int n = 0;
    uint64_t off = 0;

    for (bool more = true; more;) {
        struct fop *fop = fop_new(g, FOP_READDIRP);

        fop->loc.inode = inode_ref(folder);
        fop->in.readdir.size = 700; /* four at a time */
        fop->in.readdir.offset = off;
        testing_run(g, fop);
        assert_true(fop->ret >= 0);
        more = fop->ret > 0;
        for (unsigned int i = 0; i < fop->out.nr_entries; i++) {
            const struct dirent4 *d = &fop->out.entries[i];
            struct fop *again;

            off = d->off;
            if (d->name[0] == '.')
                continue;
            n++;
            again = fop_new(g, FOP_LOOKUP);
            again->loc.parent = inode_ref(folder);
            strcpy(again->loc.name, d->name);
            testing_run(g, again);
            assert_int_equal(again->ret, 0);
            assert_true(gfid_equal(again->out.stat.gfid, d->stat.gfid));
            struct inode *child = inode_ref(again->out.inode);
            fop_free(again);
            again = fop_new(g, FOP_LOOKUP);
            again->loc.inode = inode_ref(child);
            testing_run(g, again);
            assert_int_equal(again->ret, 0);
            fop_free(again);
            if (S_ISDIR(d->stat.mode) && strcmp(d->name, "root") != 0)
                n += count(child);
            inode_unref(child);
        }
        fop_free(fop);
    }
    return n;
}

static void every_object_is_listed_once_and_found_by_name_and_by_gfid(void **state)
{
    int err;

    start();
    struct inode *top = walk(".meta", &err);
    /* 9 in .meta; active and the graph; in it top, volfile and three translators of 9 objects; 1 + 1 subvolumes; 2 options; 2 in logging */
    assert_int_equal(count(top), 9 + 2 + 2 + 3 * (1 + 9) + 2 + 2 + 2);
    inode_unref(top);
    end();
}

static void gfids_that_nobody_gave_out_are_stale(void **state)
{
    static const struct meta_node nobody[] = {{.kind = NR_META}, {.kind = META_TYPE, .xl = 4}, {.kind = META_OPTION, .xl = 2, .item = 3}};

    start();
    for (unsigned int i = 0; i < array_len(nobody); i++) {
        gfid_t gfid = meta_gfid(nobody[i]);
        struct fop *fop = fop_new(g, FOP_STAT);

        fop->loc.inode = inode_get(g->inodes, gfid);
        testing_run(g, fop);
        assert_int_equal(fop->err, ESTALE);
        fop_free(fop);
    }
    end();
}

static void levels_and_latencies_can_be_set(void **state)
{
    enum log_level before = log_get_level();
    int err;

    start();
    assert_int_equal(put_into(".meta/logging/loglevel", "8\n"), 0);
    assert_int_equal(log_get_level(), LVL_DEBUG);
    assert_string_equal(look_into(".meta/logging/loglevel", 0, &err), "8\n");
    assert_int_equal(put_into(".meta/logging/loglevel", "10"), EINVAL);
    assert_int_equal(put_into(".meta/logging/loglevel", "x"), EINVAL);
    log_set_level(before);
    assert_string_equal(look_into(".meta/measure_latency", 0, &err), "0\n");
    assert_int_equal(put_into(".meta/measure_latency", "1"), 0);
    assert_true(measured);
    assert_string_equal(look_into(".meta/measure_latency", 0, &err), "1\n");
    assert_int_equal(put_into(".meta/version", "1"), EBADF);
    end();
}

static void nothing_is_made_or_removed_there(void **state)
{
    static const enum fop_op ops[] = {FOP_MKDIR, FOP_MKNOD, FOP_CREATE, FOP_UNLINK, FOP_RMDIR, FOP_SYMLINK, FOP_RENAME};

    start();
    for (size_t i = 0; i < array_len(ops); i++)
        for (int inside = 0; inside < 2; inside++) {
            struct fop *fop = fop_new(g, ops[i]);

            fop->loc.parent = inode_get(g->inodes, inside ? meta_gfid((struct meta_node){.kind = META_DIR}) : gfid_root);
            strcpy(fop->loc.name, inside ? "new" : ".meta");
            testing_run(g, fop);
            assert_int_equal(fop->err, EPERM);
            fop_free(fop);
        }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_of_the_volume_goes_past),
        cmocka_unit_test(a_translator_shows_its_type_options_children_and_what_it_dumps),
        cmocka_unit_test(every_object_is_listed_once_and_found_by_name_and_by_gfid),
        cmocka_unit_test(gfids_that_nobody_gave_out_are_stale),
        cmocka_unit_test(levels_and_latencies_can_be_set),
        cmocka_unit_test(nothing_is_made_or_removed_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
