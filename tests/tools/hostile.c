/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* hostile: a peer that means harm. Each command ends with 0 when the brick answered with errors or closed the connection, and
 * served an ordinary client afterwards.
 *
 *   hostile [-t pki] [-c cert] [-b brick] PORT COMMAND
 *
 *   mutate FOLDER [EACH]   the recorded calls of FOLDER about objects that exist, cut at every length, with every word replaced by
 *                          numbers that hurt; of these every EACH-th
 *   names                  every operation on names, with names that must not work
 *   strangers              descriptors, gfids, programs and procedures that are not the caller's or not there
 *   early                  every procedure before SETVOLUME
 *   records                record marks and fragments
 *   credentials            every flavor at every length
 *   dicts                  dictionaries: counts, nesting, duplicates, size
 *   impostor               SETVOLUME with names that look like lines of a statedump; holds the connection until SIGTERM
 *   race FOLDER            creates, writes, renames and removes in FOLDER of the root until SIGTERM, whatever comes back */
#include "wire.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOP = 1298437, HANDSHAKE = 14398633, DUMP = 123451501, NO_FD = -2, BATCH = 32, ARGS_MAX = 65536 };
enum { STAT = 1, MKNOD = 3, MKDIR, UNLINK, RMDIR, SYMLINK, RENAME, LINK, OPEN = 11, READ, WRITE, FLUSH = 15, SETXATTR = 17, GETXATTR,
       CREATE = 23, LK = 26, LOOKUP, INODELK = 29, FENTRYLK = 32, SETATTR = 38, RELEASE = 41, RELEASEDIR = 42, NR_OPS = 57 };

static const uint8_t root[16] = {[15] = 1};
static struct target to;
static unsigned long sent, closed, answered;

static void must(int ret, const char *what)
{
    if (ret < 0)
        die("%s: %s", what, ret == -EPROTO ? "TLS error" : strerror(-ret));
}

/* ---- a connection that comes again when the brick closes it ------------------------------------------------------------------- */

struct session {
    struct link l;
    bool open;
    uint8_t file[16], dir[16];
    int64_t fd;
    struct { uint32_t xid; bool must_answer, seen; const char *what; } batch[BATCH];
    unsigned int n;
};

static int ask(struct link *l, struct out *o, struct reply *r)
{
    int ret = link_push(l, o->bytes, o->len);
    while (ret == 0) {
        ret = link_reply(l, r);
        if (ret == 0 && r->type == 1 && r->xid == l->xid)
            break;
    }
    return ret;
}

static void put_gfid_req(struct out *o)
{
    static uint32_t serial;
    uint8_t gfid[16] = "gatling hostile!";
    memcpy(gfid + 8, &(uint32_t){++serial}, 4);
    memcpy(gfid + 12, &(uint32_t){(uint32_t)getpid()}, 4);
    put_u32(o, 36);
    put_u32(o, 1);
    put_u32(o, 1);
    put_opaque(o, "gfid-req", 9);
    put_u32(o, 7);
    put_bytes(o, gfid, 16);
}

/* The gfid in the attributes of a good reply. */
static bool gfid_in(const struct reply *r, uint8_t ret[16])
{
    if (r->accept_stat != 0 || r->len < 20 || (int32_t)get_u32(r->result) < 0 || r->len < 20 + get_u32(r->result + 8) + 16)
        return false;
    memcpy(ret, r->result + 20 + get_u32(r->result + 8), 16);
    return true;
}

static void find_folder(struct session *s, const char *name)
{
    struct out o = {0};
    struct reply r;

    call_begin(&o, &s->l, FOP, 400, MKDIR);
    put_bytes(&o, root, 16);
    put_u32(&o, 0755);
    put_u32(&o, 0);
    put_opaque(&o, name, strlen(name));
    put_gfid_req(&o);
    call_end(&o);
    must(ask(&s->l, &o, &r), "MKDIR");
    call_begin(&o, &s->l, FOP, 400, LOOKUP);
    put_bytes(&o, (uint8_t[16]){0}, 16);
    put_bytes(&o, root, 16);
    put_u32(&o, 0);
    put_opaque(&o, name, strlen(name));
    put_no_dict(&o);
    call_end(&o);
    must(ask(&s->l, &o, &r), "LOOKUP");
    if (!gfid_in(&r, s->dir))
        die("no folder %s", name);
    out_free(&o);
}

static void session_open(struct session *s)
{
    if (s->open)
        return;
    must(link_open(&s->l, &to), "connect");
    must(link_login(&s->l), "SETVOLUME");
    find_folder(s, "victims");
    must(link_create(&s->l, "victim", s->file, &s->fd), "CREATE");
    s->open = true;
    s->n = 0;
}

static void session_closed(struct session *s)
{
    link_cut(&s->l, CUT_CLOSE);
    s->open = false;
    s->n = 0;
    closed++;
}

static bool all_seen(const struct session *s)
{
    for (unsigned int i = 0; i < s->n; i++)
        if (s->batch[i].must_answer && !s->batch[i].seen)
            return false;
    return true;
}

/* Waits for the answers of what was sent, and of a ping after it: or the brick has closed. Answers twice, or none, are errors. */
static void settle(struct session *s)
{
    struct out o = {0};
    struct reply r;
    bool ping = false;
    int ret;

    if (!s->open)
        return;
    call_ping(&o, &s->l);
    ret = link_push(&s->l, o.bytes, o.len);
    out_free(&o);
    while (ret == 0 && !(ping && all_seen(s))) {
        unsigned int i = 0;
        ret = link_reply(&s->l, &r);
        if (ret == -ETIMEDOUT) {
            for (i = 0; i < s->n; i++)
                if (s->batch[i].must_answer && !s->batch[i].seen)
                    fprintf(stderr, "no answer to xid %u: %s\n", s->batch[i].xid, s->batch[i].what);
            die("the brick has not answered%s", ping ? "" : " a ping");
        }
        if (ret < 0 || r.type != 1)
            continue;
        answered++;
        if (r.xid == s->l.xid) {
            ping = true;
            continue;
        }
        while (i < s->n && s->batch[i].xid != r.xid)
            i++;
        if (i == s->n && r.xid != 0)
            continue; /* a lock of an earlier batch */
        if (i < s->n && s->batch[i].seen)
            die("two answers to %s", s->batch[i].what);
        if (i < s->n)
            s->batch[i].seen = true;
    }
    s->n = 0;
    if (ret < 0)
        session_closed(s);
}

static bool may_wait(uint32_t proc)
{
    return proc == LK || (proc >= INODELK && proc <= FENTRYLK);
}

/* Sends a whole record. */
static void throw(struct session *s, const struct out *o, uint32_t xid, bool must_answer, const char *what)
{
    sent++;
    s->batch[s->n].xid = xid;
    s->batch[s->n].must_answer = must_answer;
    s->batch[s->n].seen = false;
    s->batch[s->n].what = what;
    s->n++;
    if (link_push(&s->l, o->bytes, o->len) < 0)
        session_closed(s);
    else if (s->n == BATCH)
        settle(s);
}

static int done(struct session *s)
{
    settle(s);
    if (s->open)
        link_cut(&s->l, CUT_CLOSE);
    *s = (struct session){0};
    session_open(s);
    must(link_ping(&s->l), "an ordinary client afterwards");
    link_cut(&s->l, CUT_NOTIFY);
    printf("sent %lu, answered %lu, closed %lu\n", sent, answered, closed);
    return 0;
}

/* ---- mutate ------------------------------------------------------------------------------------------------------------------ */

struct recorded {
    char name[64];
    uint8_t bytes[ARGS_MAX];
    size_t len, args; /* with record mark; where the arguments begin */
    uint32_t prog, proc;
};

static bool read_recorded(const char *dir, const char *file, struct recorded *c)
{
    char path[1024], line[1024];
    bool in_call = false;
    unsigned int byte;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    f = fopen(path, "r");
    if (!f)
        die("%s: %s", path, strerror(errno));
    c->len = 0;
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#')
            continue;
        if (strncmp(line, "CALL", 4) == 0 || strncmp(line, "REPLY", 5) == 0) {
            in_call = line[0] == 'C';
            continue;
        }
        for (char *p = line; in_call && c->len < sizeof c->bytes && sscanf(p, "%2x", &byte) == 1; p += 2)
            c->bytes[c->len++] = (uint8_t)byte;
    }
    fclose(f);
    snprintf(c->name, sizeof c->name, "%.60s", file);
    if (c->len < 44 || get_u32(c->bytes + 8) != 0)
        return false;
    c->prog = get_u32(c->bytes + 16);
    c->proc = get_u32(c->bytes + 24);
    c->args = 44 + ((get_u32(c->bytes + 32) + 3) & ~3u);
    return c->args <= c->len;
}

/* Which object stands where: f the file, d the folder, r the root; the second gfid; o: an open descriptor at 16, a: an anonymous one. */
static const char *const objects[NR_OPS] = {
    [1] = "f",   [2] = "f",   [3] = "r",   [4] = "r",   [5] = "r",   [6] = "r",   [7] = "r",   [8] = "rr",  [9] = "fr",  [10] = "f",
    [11] = "f",  [12] = "fo", [13] = "fo", [14] = "r",  [15] = "fo", [16] = "fo", [17] = "f",  [18] = "f",  [19] = "f",  [20] = "d",
    [21] = "da", [22] = "f",  [23] = "r",  [24] = "fo", [25] = "fo", [26] = "fo", [27] = ".r", [28] = "da", [29] = "f",  [30] = "fo",
    [31] = "d",  [32] = "da", [33] = "f",  [34] = "fo", [35] = "fo", [36] = "fo", [37] = "fo", [38] = "f",  [39] = "fo", [40] = "da",
    [43] = "fo", [44] = "fo", [45] = "fo", [46] = "fo", [48] = "fo", [50] = "f",  [51] = "f",  [52] = "f",  [53] = "f",  [54] = "r",
    [56] = "ff",
};

static void set_u32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void set_objects(const struct session *s, uint8_t *args, size_t len, uint32_t proc)
{
    const char *what = proc < NR_OPS && objects[proc] ? objects[proc] : "";

    for (size_t at = 0; *what && at + 16 <= len; what++, at += 16) {
        if (*what == 'f' || *what == 'd' || *what == 'r')
            memcpy(args + at, *what == 'f' ? s->file : *what == 'd' ? s->dir : root, 16);
        else if (*what == 'o' || *what == 'a') {
            int64_t fd = *what == 'o' ? s->fd : NO_FD;
            set_u32(args + at, (uint32_t)((uint64_t)fd >> 32));
            set_u32(args + at + 4, (uint32_t)fd);
        }
    }
}

static unsigned int every = 1;
static bool due(void)
{
    static unsigned int n;
    return n++ % every == 0;
}

/* One variant: the first len bytes of the call, with the word at `word` replaced (0: none), and more bytes behind. */
static void variant(struct session *s, const struct recorded *c, size_t len, size_t word, uint32_t value, size_t more)
{
    static uint8_t noise[4096];
    struct out o = {0};

    if (!due())
        return;
    session_open(s);
    put_bytes(&o, c->bytes, len);
    if (c->prog == FOP && len > c->args)
        set_objects(s, o.bytes + c->args, len - c->args, c->proc);
    set_u32(o.bytes + 4, ++s->l.xid);
    if (word)
        set_u32(o.bytes + word, value);
    memset(noise, 0xa5, sizeof noise);
    put_bytes(&o, noise, more);
    call_end(&o);
    throw(s, &o, s->l.xid, word == 0 || word >= c->args ? !may_wait(c->proc) && len >= c->args : false, c->name);
    out_free(&o);
}

static void mutate_one(struct session *s, const struct recorded *c)
{
    for (size_t len = 8; len < c->len; len++)
        variant(s, c, len, 0, 0, 0);
    for (size_t at = 8; at + 4 <= c->len; at += 4) {
        uint32_t was = get_u32(c->bytes + at);
        const uint32_t values[] = {0, 1, was + 1, was - 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc, was << 24 | was >> 24};
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
            variant(s, c, c->len, at, values[i], 0);
    }
    for (size_t more = 1; more <= 4096; more *= 4)
        variant(s, c, c->len, 0, 0, more);
}

static int mutate(int argc, char **argv)
{
    static struct recorded c;
    static struct session s;
    struct dirent *e;
    unsigned int calls = 0;
    DIR *d = argc > 0 ? opendir(argv[0]) : NULL;

    if (!d)
        die("hostile mutate: which folder?");
    if (argc > 1)
        every = (unsigned int)atoi(argv[1]);
    while ((e = readdir(d))) {
        if (strncmp(e->d_name, "fop400-", 7) != 0 && strncmp(e->d_name, "hndsk-", 6) != 0 && strncmp(e->d_name, "dump-", 5) != 0)
            continue;
        if (!read_recorded(argv[0], e->d_name, &c))
            continue;
        mutate_one(&s, &c);
        settle(&s);
        calls++;
    }
    closedir(d);
    if (calls < 50)
        die("only %u recorded calls in %s", calls, argv[0]);
    return done(&s);
}

/* ---- names ------------------------------------------------------------------------------------------------------------------- */

struct name {
    const char *at;
    size_t len;
};

/* An operation on a name below parent. */
static void call_named(struct out *o, struct link *l, uint32_t proc, const uint8_t parent[16], struct name n, const struct session *s)
{
    call_begin(o, l, FOP, 400, proc);
    if (proc == LOOKUP)
        put_bytes(o, (uint8_t[16]){0}, 16);
    if (proc == LINK)
        put_bytes(o, s->file, 16);
    put_bytes(o, parent, 16);
    if (proc == RENAME)
        put_bytes(o, parent, 16);
    switch (proc) {
    case CREATE: put_u32(o, 0102); put_u32(o, 0100644); put_u32(o, 0); break;
    case MKNOD: put_u64(o, 0); put_u32(o, 0100644); put_u32(o, 0); break;
    case MKDIR: put_u32(o, 0755); put_u32(o, 0); break;
    case SYMLINK: put_u32(o, 0); break;
    case UNLINK: case RMDIR: case LOOKUP: put_u32(o, 0); break;
    }
    if (proc == RENAME)
        put_opaque(o, "victims", 7);
    put_opaque(o, n.at, n.len);
    if (proc == CREATE || proc == MKNOD || proc == MKDIR || proc == SYMLINK)
        put_gfid_req(o);
    else
        put_no_dict(o);
    if (proc == SYMLINK)
        put_opaque(o, "/etc/passwd", 11);
    call_end(o);
}

static int names(int argc, char **argv)
{
    static const uint32_t ops[] = {MKNOD, MKDIR, UNLINK, RMDIR, SYMLINK, RENAME, LINK, CREATE, LOOKUP};
    static char longest[4096];
    static struct session s;
#define NAME(text) {text, sizeof(text) - 1}
    const struct name list[] = {
        NAME(".."), NAME("../x"), NAME("../../../../../../tmp/x"), NAME("/"), NAME("/x"), NAME("a/b"), NAME("a/"), NAME("x\0y"), NAME("\0"),
        NAME(".glusterfs"), NAME(".glusterfs/indices"), {longest, 256}, {longest, 4095}, NAME("./x"), NAME("victims/../x"),
    };
    struct reply r;

    memset(longest, 'n', sizeof longest);
    session_open(&s);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
            struct out o = {0};
            call_named(&o, &s.l, ops[k], root, list[i], &s);
            must(ask(&s.l, &o, &r), "an answer");
            sent++, answered++;
            if (r.accept_stat == 0 && (r.len < 8 || (int32_t)get_u32(r.result) >= 0))
                die("operation %u with the name \"%s\" succeeded", ops[k], list[i].at);
            out_free(&o);
        }
    }
    link_cut(&s.l, CUT_CLOSE);
    s.open = false;
    return done(&s);
}

/* ---- strangers ----------------------------------------------------------------------------------------------------------------- */

/* errno of a call of one gfid and perhaps a descriptor. -1: GARBAGE or so. */
static int errno_of(struct link *l, uint32_t proc, const uint8_t gfid[16], int64_t fd, bool with_fd)
{
    struct out o = {0};
    struct reply r;

    call_begin(&o, l, FOP, 400, proc);
    put_bytes(&o, gfid, 16);
    if (with_fd)
        put_u64(&o, (uint64_t)fd);
    put_no_dict(&o);
    call_end(&o);
    must(ask(l, &o, &r), "an answer");
    out_free(&o);
    sent++, answered++;
    if (r.accept_stat != 0 || r.len < 8)
        return -1;
    return (int32_t)get_u32(r.result) < 0 ? (int)get_u32(r.result + 4) : 0;
}

static int strangers(int argc, char **argv)
{
    static struct session a, b;
    static const uint32_t programs[] = {0, 1, 100003, 4867634, 1238433, 34123456, 52743234, 0xffffffff, FOP, HANDSHAKE, DUMP};
    static const int64_t fds[] = {-1, -3, 1, 2, 63, 64, 65535, 65536, 1LL << 31, 1LL << 32, INT64_MAX, INT64_MIN};
    uint8_t gfid[16];
    struct reply r;

    session_open(&a);
    must(link_open(&b.l, &to), "connect"); /* another client, which has opened nothing */
    must(link_login(&b.l), "SETVOLUME");
    if (errno_of(&a.l, FLUSH, a.file, a.fd, true) != 0)
        die("FLUSH of one's own descriptor");
    if (errno_of(&b.l, FLUSH, a.file, a.fd, true) != EBADF)
        die("another client's descriptor was good");
    errno_of(&b.l, RELEASE, a.file, a.fd, true);
    if (errno_of(&a.l, FLUSH, a.file, a.fd, true) != 0)
        die("another client has closed our descriptor");
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (errno_of(&a.l, FLUSH, a.file, fds[i], true) != EBADF)
            die("descriptor %lld", (long long)fds[i]);
    for (int i = 0; i < 256; i++) {
        memset(gfid, i, 16);
        if (errno_of(&a.l, STAT, gfid, 0, false) == 0)
            die("a gfid of bytes %02x was found", i);
    }
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        for (uint32_t vers = 0; vers < 5; vers++) {
            struct out o = {0};
            call_begin(&o, &a.l, programs[i], vers == 0 ? 400 : vers == 4 ? 0xffffffff : vers, 0xffffffff - vers);
            call_end(&o);
            must(ask(&a.l, &o, &r), "an answer");
            if (r.accept_stat == 0)
                die("program %u version %u was served", programs[i], vers);
            out_free(&o);
            sent++, answered++;
        }
    }
    link_cut(&b.l, CUT_CLOSE);
    link_cut(&a.l, CUT_CLOSE);
    a.open = false;
    return done(&a);
}

/* ---- before SETVOLUME ------------------------------------------------------------------------------------------------------------ */

static int early(int argc, char **argv)
{
    static uint8_t args[256];
    static struct session s;
    struct link l;
    struct reply r;

    must(link_open(&l, &to), "connect");
    for (uint32_t proc = 0; proc < 70; proc++) {
        struct out o = {0};
        call_begin(&o, &l, FOP, 400, proc);
        memcpy(args, root, 16);
        put_bytes(&o, args, sizeof args);
        call_end(&o);
        sent++;
        must(link_push(&l, o.bytes, o.len), "send");
        out_free(&o);
        if (proc == RELEASE || proc == RELEASEDIR)
            continue;
        must(link_reply(&l, &r), "an answer");
        answered++;
        if (r.xid != l.xid || r.accept_stat == 0)
            die("operation %u before SETVOLUME: status %u", proc, r.accept_stat);
    }
    link_cut(&l, CUT_CLOSE);
    return done(&s);
}

/* ---- records ------------------------------------------------------------------------------------------------------------------------- */

static void expect_closed(struct link *l, const char *what)
{
    l->timeout_ms = 60000;
    if (link_wait_closed(l) < 0)
        die("%s: the connection is still open", what);
    link_cut(l, CUT_CLOSE);
    closed++;
}

static void push_mark(struct link *l, uint32_t mark)
{
    struct out o = {0};
    put_u32(&o, mark);
    link_push(l, o.bytes, o.len);
    out_free(&o);
}

static int records(int argc, char **argv)
{
    static const uint32_t marks[] = {0xffffffff, 0x7fffffff, 0xc0000000, 0x40000000, 0x84000001, 0x80020001, 0x00020001};
    static uint8_t zeros[65536];
    static struct session s;
    struct link l;

    for (int admitted = 0; admitted < 2; admitted++) {
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
            if (admitted && (marks[i] & 0x7fffffff) < 64u << 20)
                continue; /* allowed then */
            must(link_open(&l, &to), "connect");
            if (admitted)
                must(link_login(&l), "SETVOLUME");
            sent++;
            push_mark(&l, marks[i]);
            expect_closed(&l, "a record of too many bytes");
        }
    }
    must(link_open(&l, &to), "connect"); /* fragments without end: each small, together too large */
    for (int i = 0; i < 100; i++) {
        push_mark(&l, 4096);
        link_push(&l, zeros, 4096);
    }
    expect_closed(&l, "fragments without end");
    must(link_open(&l, &to), "connect"); /* and fragments of nothing */
    memset(zeros, 0, sizeof zeros);
    for (int i = 0; i < 1000; i++)
        if (link_push(&l, zeros, sizeof zeros) < 0)
            break;
    expect_closed(&l, "fragments of no bytes without end");
    for (uint32_t type = 2; type < 5; type++) {
        struct out o = {0};
        must(link_open(&l, &to), "connect");
        call_dump(&o, &l);
        set_u32(o.bytes + 8, type);
        link_push(&l, o.bytes, o.len);
        out_free(&o);
        expect_closed(&l, "a message of a type that there is not");
        sent++;
    }
    return done(&s);
}

/* ---- credentials ----------------------------------------------------------------------------------------------------------- */

static int credentials(int argc, char **argv)
{
    static const uint32_t flavors[] = {0, 1, 2, 3, 5, 6, 390039, 390040, 390041, 0xffffffff};
    static uint8_t body[2048];
    static struct session s;
    uint32_t seed = 1;

    for (size_t f = 0; f < sizeof flavors / sizeof flavors[0]; f++) {
        for (unsigned int fill = 0; fill < 3; fill++) {
            for (uint32_t len = 0; len <= 408; len += len < 64 ? 1 : 4) {
                struct out o = {0};
                session_open(&s);
                for (size_t i = 0; i < sizeof body; i++)
                    body[i] = fill == 0 ? 0 : fill == 1 ? 0xff : (uint8_t)rnd(&seed);
                put_u32(&o, 0);
                put_u32(&o, ++s.l.xid);
                put_u32(&o, 0);
                put_u32(&o, 2);
                put_u32(&o, FOP);
                put_u32(&o, 400);
                put_u32(&o, STAT);
                put_u32(&o, flavors[f]);
                put_opaque(&o, body, len);
                put_u32(&o, 0);
                put_u32(&o, 0);
                put_bytes(&o, root, 16);
                put_no_dict(&o);
                call_end(&o);
                throw(&s, &o, s.l.xid, len <= 400, "a credential");
                out_free(&o);
            }
        }
    }
    for (int i = 0; i < 2; i++) { /* credential, then verifier: longer than the record */
        struct out o = {0};
        session_open(&s);
        call_begin(&o, &s.l, FOP, 400, STAT);
        set_u32(o.bytes + (i ? o.len - 4 : 32), 0xffffffff);
        call_end(&o);
        throw(&s, &o, s.l.xid, false, "a credential of 4 GiB");
        out_free(&o);
    }
    return done(&s);
}

/* ---- dictionaries ---------------------------------------------------------------------------------------------------------- */

/* A STAT whose xdata is these bytes behind the two words. */
static void throw_dict(struct session *s, uint32_t size, uint32_t count, const struct out *pairs, const char *what)
{
    struct out o = {0};

    session_open(s);
    call_begin(&o, &s->l, FOP, 400, STAT);
    put_bytes(&o, root, 16);
    put_u32(&o, size);
    put_u32(&o, count);
    put_u32(&o, pairs->len > 0 ? (uint32_t)pairs->len : 0);
    put_bytes(&o, pairs->bytes, pairs->len);
    call_end(&o);
    throw(s, &o, s->l.xid, true, what);
    out_free(&o);
}

/* One pair of the typed form. */
static void put_pair(struct out *o, const char *key, size_t key_len, uint32_t type, uint32_t value_len, size_t value_bytes)
{
    static const uint8_t zeros[1 << 20];

    put_opaque(o, key, key_len);
    put_u32(o, type);
    put_u32(o, value_len);
    put_bytes(o, zeros, value_bytes);
}

static int dicts(int argc, char **argv)
{
    static const uint32_t numbers[] = {0, 1, 2, 3, 4095, 4096, 4097, 65536, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    static struct session s;
    static char key[4096];
    struct out p = {0};

    memset(key, 'k', sizeof key);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) { /* each of the announced numbers */
        p.len = 0;
        put_pair(&p, "key", 4, 5, 4, 4);
        throw_dict(&s, numbers[i], 1, &p, "announced size");
        throw_dict(&s, (uint32_t)p.len, numbers[i], &p, "announced count");
        p.len = 0;
        put_pair(&p, "key", 4, numbers[i], 4, 4);
        throw_dict(&s, (uint32_t)p.len, 1, &p, "type");
        p.len = 0;
        put_pair(&p, "key", 4, 6, numbers[i], 4);
        throw_dict(&s, (uint32_t)p.len, 1, &p, "value length");
        p.len = 0;
        put_u32(&p, numbers[i]);
        put_bytes(&p, "key\0\0\0\0\5\0\0\0\4abc", 16);
        throw_dict(&s, (uint32_t)p.len, 1, &p, "key length");
    }
    for (unsigned int pairs = 1; pairs <= 1u << 17; pairs *= 4) { /* many, all of the same name; then of names that differ */
        for (int differ = 0; differ < 2; differ++) {
            p.len = 0;
            for (unsigned int i = 0; i < pairs; i++) {
                char name[16];
                size_t len = (size_t)snprintf(name, sizeof name, "k%u", differ ? i : 7);
                put_pair(&p, name, len + 1, 6, 0, 0);
            }
            throw_dict(&s, (uint32_t)p.len, pairs, &p, "many pairs");
        }
    }
    for (size_t len = 1; len <= sizeof key; len *= 2) { /* long names, and without NUL */
        p.len = 0;
        put_pair(&p, key, len, 6, 0, 0);
        throw_dict(&s, (uint32_t)p.len, 1, &p, "a long name");
    }
    for (size_t len = 1 << 16; len <= 1 << 20; len *= 2) { /* a large value */
        p.len = 0;
        put_pair(&p, "key", 4, 6, (uint32_t)len, len);
        throw_dict(&s, (uint32_t)p.len, 1, &p, "a large value");
    }
    out_free(&p);
    return done(&s);
}

/* ---- impostor -------------------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop;
static void stop_asked(int sig)
{
    stop = 1;
}

static void put_text_pair(struct out *o, const char *key, const char *value)
{
    put_u32(o, (uint32_t)strlen(key));
    put_u32(o, (uint32_t)strlen(value) + 1);
    put_bytes(o, key, strlen(key) + 1);
    put_bytes(o, value, strlen(value) + 1);
}

static int impostor(int argc, char **argv)
{
    static struct session s;
    struct out dict = {0}, o = {0};
    struct reply r;

    signal(SIGTERM, stop_asked);
    put_u32(&dict, 4);
    put_text_pair(&dict, "remote-subvolume", to.brick);
    put_text_pair(&dict, "process-uuid", "me\n\n[census]\nclients=4711\n[x]\nno line of a statedump");
    put_text_pair(&dict, "process-name", "me\nDUMP-END-TIME: never\n");
    put_text_pair(&dict, "fops-version", "1298437");
    must(link_open(&s.l, &to), "connect");
    call_begin(&o, &s.l, HANDSHAKE, 2, 1);
    put_opaque(&o, dict.bytes, dict.len);
    call_end(&o);
    must(ask(&s.l, &o, &r), "an answer");
    if (r.accept_stat != 0 || r.len < 8 || (int32_t)get_u32(r.result) != 0)
        die("SETVOLUME was refused");
    sent++, answered++;
    fprintf(stderr, "started\n");
    while (!stop)
        pause();
    out_free(&dict);
    out_free(&o);
    link_cut(&s.l, CUT_CLOSE);
    return done(&s);
}

/* ---- race ------------------------------------------------------------------------------------------------------------------ */

static int race(int argc, char **argv)
{
    static const struct name mine = {"planted", 7};
    static const uint32_t ops[] = {CREATE, MKNOD, LOOKUP, RENAME, UNLINK, MKDIR, LINK, RMDIR, SYMLINK, UNLINK};
    static struct session s;
    unsigned long rounds = 0;

    signal(SIGTERM, stop_asked);
    session_open(&s);
    find_folder(&s, argc > 0 ? argv[0] : "race");
    fprintf(stderr, "started\n");
    while (!stop) {
        for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
            struct out o = {0};
            struct reply r;
            call_named(&o, &s.l, ops[k], s.dir, mine, &s);
            must(ask(&s.l, &o, &r), "an answer");
            out_free(&o);
            sent++, answered++;
        }
        rounds++;
    }
    printf("rounds %lu\n", rounds);
    link_cut(&s.l, CUT_CLOSE);
    s.open = false;
    return done(&s);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"mutate", mutate}, {"names", names}, {"strangers", strangers}, {"early", early}, {"records", records},
    {"credentials", credentials}, {"dicts", dicts}, {"impostor", impostor}, {"race", race},
};

int main(int argc, char **argv)
{
    target_from_args(&to, argc, argv);
    for (size_t i = 0; optind < argc && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, argv[optind]) == 0)
            return commands[i].run(argc - optind - 1, argv + optind + 1);
    die("hostile: which command?");
}
