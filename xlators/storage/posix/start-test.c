/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a brick's start refuses, in one sentence each; the janitor; many threads at once. */
#include "config.h"

#include <time.h>

#include "pool.h"
#include "test-brick.h"

/* Starts a brick by hand, and gives back the sentence. */
static int try_start(struct brick *b, const char *const *options, struct err *err)
{
    struct graph g = {.process = &b->process};
    struct xlator xl = {.type = &posix_type, .name = "vol-posix", .graph = &g};
    *err = (struct err){0};
    for (unsigned int i = 0; options[i]; i += 2)
        assert_int_equal(optset_add(&xl.options, options[i], options[i + 1], "test", 1), 0);
    xl.priv = calloc(1, posix_type.priv_size);
    assert_non_null(xl.priv);
    int r = options_apply(posix_type.options, posix_type.nr_options, &xl.options, xl.name, false, xl.priv, err);
    if (r == 0) {
        r = posix_type.init(&xl, err);
        posix_type.fini(&xl);
    }
    options_release(posix_type.options, posix_type.nr_options, xl.priv);
    free(xl.priv);
    optset_done(&xl.options);
    return r;
}

static void refused(struct brick *b, const char *const *options, const char *because)
{
    struct err err;
    int r = try_start(b, options, &err);
    if (r >= 0 || !strstr(err.text, because))
        fail_msg("result %d, \"%s\" does not say \"%s\"", r, err.text, because);
    assert_non_null(strstr(err.text, "vol-posix"));
}

static void a_brick_that_is_not_right_is_refused_in_one_sentence(void **state)
{
    struct brick *b = brick_of(state);
    gfid_t id = gfid_random(), other = gfid_random();
    char text[GFID_TEXT], want[128];
    struct err err;
    brick_down(b);
    gfid_text(id, text);
    refused(b, (const char *[]){NULL}, "directory");
    refused(b, (const char *[]){"directory", "relative", NULL}, "directory");
    refused(b, (const char *[]){"directory", brick_path(b, "none"), NULL}, "No such file");
    refused(b, (const char *[]){"directory", "/proc/version", NULL}, "Not a directory");
    refused(b, (const char *[]){"directory", "/proc", NULL}, "/proc");
    refused(b, (const char *[]){"directory", b->dir, "volume-id", "junk", NULL}, "not a UUID");
    refused(b, (const char *[]){"directory", b->dir, "volume-id", text, NULL}, "is missing: the directory is not a brick");
    assert_int_equal(setxattr(b->dir, XATTR_VOLUME_ID, "short", 5, 0), 0);
    refused(b, (const char *[]){"directory", b->dir, "volume-id", text, NULL}, "not 16 bytes");
    assert_int_equal(setxattr(b->dir, XATTR_VOLUME_ID, other.b, 16, 0), 0);
    snprintf(want, sizeof(want), "expected %s: the directory belongs to another volume", text);
    refused(b, (const char *[]){"directory", b->dir, "volume-id", text, NULL}, want);
    assert_int_equal(setxattr(b->dir, XATTR_VOLUME_ID, id.b, 16, 0), 0);
    assert_int_equal(try_start(b, (const char *[]){"directory", b->dir, "volume-id", text, NULL}, &err), 0);
    assert_int_equal(setxattr(b->dir, XATTR_GFID, other.b, 16, 0), 0);
    refused(b, (const char *[]){"directory", b->dir, NULL}, "inside another brick");
    assert_int_equal(setxattr(b->dir, XATTR_GFID, gfid_root.b, 16, 0), 0);
    char handle[4096];
    snprintf(handle, sizeof(handle), "%s", brick_handle(b, gfid_root));
    assert_int_equal(unlink(handle), 0);
    assert_int_equal(symlink("../..", handle), 0);
    refused(b, (const char *[]){"directory", b->dir, NULL}, "another directory");
    assert_int_equal(unlink(handle), 0);
    assert_int_equal(rename(brick_path(b, ".glusterfs/7f"), brick_path(b, ".glusterfs/was")), 0);
    assert_int_equal(symlink("/tmp", brick_path(b, ".glusterfs/7f")), 0);
    refused(b, (const char *[]){"directory", b->dir, NULL}, "7f");
    assert_int_equal(unlink(brick_path(b, ".glusterfs/7f")), 0);
}

static void wrong_values_are_refused_by_name(void **state)
{
    struct brick *b = brick_of(state);
    static const char *const wrong[][2] = {{"linux-aio", "perhaps"},
                                           {"linux-io_uring", "perhaps"},
                                           {"batch-fsync-mode", "sometimes"},
                                           {"batch-fsync-delay-usec", "-1"},
                                           {"gfid2path-separator", "12345678"},
                                           {"create-mask", "1777"},
                                           {"max-hardlinks", "-1"}};
    brick_down(b);
    for (unsigned int i = 0; i < array_len(wrong); i++)
        refused(b, (const char *[]){"directory", b->dir, wrong[i][0], wrong[i][1], NULL}, wrong[i][0]);
}

struct poll {
    struct timer timer;
    struct brick *b;
    bool (*met)(struct brick *b);
    unsigned int left;
};

static void look(struct timer *t)
{
    struct poll *p = container_of(t, struct poll, timer);
    if (p->met(p->b) || p->left-- == 0)
        loop_stop(p->b->process.env.loop);
    else
        loop_arm(p->b->process.env.loop, t, 20);
}

/* Runs the loop until it is so. */
static void until(struct brick *b, bool (*met)(struct brick *b))
{
    struct poll p = {.timer = {.expired = look}, .b = b, .met = met, .left = 1500};
    loop_arm(b->process.env.loop, &p.timer, 1);
    assert_int_equal(loop_run(b->process.env.loop), 0);
    loop_disarm(b->process.env.loop, &p.timer);
    assert_true(met(b));
}

static bool landfill_is_empty(struct brick *b)
{
    DIR *d = opendir(brick_path(b, ".glusterfs/landfill"));
    unsigned int n = 0;
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n == 2;
}

static void the_janitor_empties_landfill_and_drops_handles(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d, *sub, *f, *kept;
    struct stat st;
    brick_down(b);
    brick_up(b, (const char *[]){"janitor-sleep-duration", "1", NULL});
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_mkdir(b, d, "sub", &sub), 0);
    assert_int_equal(do_create(b, sub, "f", &f, NULL), 0);
    assert_int_equal(do_create(b, sub, "kept", &kept, NULL), 0);
    assert_int_equal(do_link(b, kept, b->root, "name"), 0);
    settle(b);
    struct inode *at = inode_ref(sub);
    for (unsigned int i = 0; i < 70; i++) { /* deeper than it walks at once */
        struct inode *next;
        assert_int_equal(do_mkdir(b, at, "deep", &next), 0);
        inode_unref(at);
        at = next;
    }
    inode_unref(at);
    assert_int_equal(do_rmdir(b, b->root, "d", 1), 0);
    until(b, landfill_is_empty);
    assert_int_equal(lstat(brick_handle(b, d->gfid), &st), -1);
    assert_int_equal(lstat(brick_handle(b, sub->gfid), &st), -1);
    assert_int_equal(lstat(brick_handle(b, f->gfid), &st), -1);
    assert_int_equal(lstat(brick_handle(b, kept->gfid), &st), 0);
    assert_int_equal(lstat(brick_path(b, "name"), &st), 0);
    let_go(&d);
    let_go(&sub);
    let_go(&f);
    let_go(&kept);
    settle(b);
}

static bool stamp_is_there(struct brick *b)
{
    struct stat st;
    return stat(brick_path(b, ".glusterfs/health_check"), &st) == 0 && st.st_size == 25;
}

static void the_health_check_leaves_its_stamp(void **state)
{
    struct brick *b = brick_of(state);
    char text[32];
    struct tm tm;
    brick_down(b);
    brick_up(b, (const char *[]){"health-check-interval", "1", NULL});
    until(b, stamp_is_there);
    int fd = open(brick_path(b, ".glusterfs/health_check"), O_RDONLY);
    assert_int_equal(read(fd, text, sizeof(text)), 25);
    text[25] = 0;
    close(fd);
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S +0000", &tm));
}

/* ---- many threads ---- */

enum { WORKERS = 6, ROUNDS = 150, NAMES = 4 };
struct worker {
    struct brick *b;
    struct inode *dir[2];
    unsigned int seed;
    pthread_t thread;
    struct process *process;
};

static int quiet_run(struct brick *b, struct fop *fop)
{
    testing_run(b->g, fop);
    int r = fop->ret < 0 ? -fop->err : 0;
    fop_free(fop);
    return r;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct brick *b = w->b;
    for (unsigned int i = 0; i < ROUNDS; i++) {
        char a[16], c[16];
        snprintf(a, sizeof(a), "n%u", rand_r(&w->seed) % NAMES);
        snprintf(c, sizeof(c), "n%u", rand_r(&w->seed) % NAMES);
        struct inode *from = w->dir[rand_r(&w->seed) % 2], *to = w->dir[rand_r(&w->seed) % 2];
        struct fop *fop;
        switch (rand_r(&w->seed) % 6) {
        case 0:
            fop = fop_new(b->g, FOP_CREATE);
            fop->in.create.flags = O_CREAT | O_RDWR;
            fop->in.create.mode = 0644;
            break;
        case 1:
            fop = fop_new(b->g, FOP_UNLINK);
            break;
        case 2:
            fop = fop_new(b->g, FOP_RENAME);
            loc_entry(&fop->loc2, to, c);
            break;
        case 3: {
            fop = fop_new(b->g, FOP_LOOKUP);
            loc_entry(&fop->loc, from, a);
            testing_run(b->g, fop);
            struct inode *in = fop->ret == 0 ? inode_ref(fop->out.inode) : NULL;
            fop_free(fop);
            if (!in)
                continue;
            fop = fop_new(b->g, FOP_LINK);
            loc_inode(&fop->loc, in);
            loc_entry(&fop->loc2, to, c);
            inode_unref(in);
            quiet_run(b, fop);
            continue;
        }
        case 4:
            fop = fop_new(b->g, FOP_MKDIR);
            fop->in.mkdir.mode = 0755;
            break;
        default:
            fop = fop_new(b->g, FOP_RMDIR);
            break;
        }
        loc_entry(&fop->loc, from, a);
        stamp(fop, TIME_CTIME | TIME_MTIME | TIME_PARENT_MTIME, 1000 + i, i);
        dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
        quiet_run(b, fop);
    }
    return NULL;
}

/* Each object below dir has its handle, exactly its back references, and the link count that goes with its names. */
static void check_names(struct brick *b, const char *rest, gfid_t parent, unsigned int *ret_objects)
{
    DIR *d = opendir(brick_path(b, rest));
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));) {
        char path[600], key[GFID2PATH_KEY], value[GFID_TEXT + FOP_NAME_MAX + 1], full[4096];
        struct stat st, h;
        gfid_t g;
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", rest, e->d_name);
        snprintf(full, sizeof(full), "%s", brick_path(b, path));
        assert_int_equal(lstat(full, &st), 0);
        assert_int_equal(lgetxattr(full, XATTR_GFID, g.b, 16), 16);
        (*ret_objects)++;
        if (S_ISDIR(st.st_mode)) {
            assert_int_equal(stat(brick_handle(b, g), &h), 0);
            assert_int_equal(h.st_ino, st.st_ino);
            check_names(b, path, g, ret_objects);
            continue;
        }
        assert_int_equal(lstat(brick_handle(b, g), &h), 0);
        assert_int_equal(h.st_ino, st.st_ino);
        gfid2path_pair(parent, e->d_name, key, value);
        assert_true(lgetxattr(full, key, NULL, 0) > 0);
        char list[8192];
        unsigned int references = 0;
        ssize_t n = llistxattr(full, list, sizeof(list));
        assert_true(n > 0);
        for (const char *x = list; x < list + n; x += strlen(x) + 1)
            references += !strncmp(x, XATTR_GFID2PATH, strlen(XATTR_GFID2PATH));
        assert_int_equal(references + 1, st.st_nlink);
    }
    closedir(d);
}

/* Handles without an object would be found by gfid for ever. */
static unsigned int count_handles(struct brick *b, unsigned int *ret_dangling)
{
    unsigned int n = 0;
    for (unsigned int i = 0; i < 256; i++) {
        char rest[64];
        snprintf(rest, sizeof(rest), ".glusterfs/%02x", i);
        DIR *d = opendir(brick_path(b, rest));
        assert_non_null(d);
        for (const struct dirent *e; (e = readdir(d));) {
            if (e->d_name[0] == '.')
                continue;
            char sub[600];
            snprintf(sub, sizeof(sub), "%s/%s", rest, e->d_name);
            DIR *s = opendir(brick_path(b, sub));
            assert_non_null(s);
            for (const struct dirent *h; (h = readdir(s));) {
                char path[1000];
                struct stat st;
                if (h->d_name[0] == '.')
                    continue;
                n++;
                snprintf(path, sizeof(path), "%s/%s", sub, h->d_name);
                assert_int_equal(lstat(brick_path(b, path), &st), 0);
                if (handle_is_dir(&st))
                    *ret_dangling += stat(brick_path(b, path), &st) < 0;
                else
                    *ret_dangling += st.st_nlink < 2;
            }
            closedir(s);
        }
        closedir(d);
    }
    return n;
}

static void names_and_handles_agree_after_many_threads_fought_over_them(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *a, *c;
    struct worker w[WORKERS];
    assert_int_equal(do_mkdir(b, b->root, "a", &a), 0);
    assert_int_equal(do_mkdir(b, b->root, "c", &c), 0);
    for (unsigned int i = 0; i < WORKERS; i++) {
        w[i] = (struct worker){.b = b, .dir = {a, c}, .seed = i + 1};
        assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
    }
    for (unsigned int i = 0; i < WORKERS; i++)
        pthread_join(w[i].thread, NULL);
    settle(b);
    unsigned int objects = 0, dangling = 0;
    check_names(b, "a", a->gfid, &objects);
    check_names(b, "c", c->gfid, &objects);
    count_handles(b, &dangling);
    assert_int_equal(dangling, 0);
    assert_true(objects <= 2 * NAMES * 50);
    let_go(&a);
    let_go(&c);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, brick_setup, brick_teardown)
    const struct CMUnitTest tests[] = {
        T(a_brick_that_is_not_right_is_refused_in_one_sentence),
        T(wrong_values_are_refused_by_name),
        T(the_janitor_empties_landfill_and_drops_handles),
        T(the_health_check_leaves_its_stamp),
        T(names_and_handles_agree_after_many_threads_fought_over_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
