/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lockstorm: POSIX locks by many clients, against a model of what such locks are.
 *
 *   lockstorm [-t pki] -b brick PORT lockstep STEPS SEED   8 clients, 2 owners each, one request at a time. A table of bytes says what
 *                                                          each answer must be, who waits, and who is granted next
 *   lockstorm ... PORT free OPERATIONS SEED                8 processes at once. Whoever is granted a lock marks its bytes in shared
 *                                                          memory: no two may have what excludes each other
 *   lockstorm ... PORT crowd N                             N waiting lock calls of one client, while it reads, pings and locks; then they
 *                                                          are granted in the order in which they came, and N of another that goes
 *   lockstorm ... PORT cost N                              what a lock and an unlock cost with N others on the file
 *
 * The model is a type per owner and byte; the last byte stands for all that come after. */
#include "lockcalls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 8, OWNERS = 2 * CLIENTS, BYTES = 48, EMPTY_DICT = 12, FIRST_PID = 1000, GUARD_MS = 60000 };

static struct target to;

static void check(int failed, const char *what)
{
    if (failed < 0)
        die("%s: %s", what, strerror(-failed));
}

static void join(struct link *l, const char *name, struct file *f)
{
    check(link_open(l, &to), "connect");
    l->timeout_ms = GUARD_MS;
    check(link_login(l), "SETVOLUME");
    check(link_create(l, name, f->gfid, &f->fd), "CREATE");
}

static struct caller owner_named(unsigned int n)
{
    struct caller c = {.pid = FIRST_PID + n};

    c.owner_len = (uint32_t)snprintf((char *)c.owner, sizeof c.owner, "owner-%u", n);
    return c;
}

static uint32_t send_lk(struct link *l, const struct file *f, unsigned int owner, enum lk_cmd cmd, const struct range *r)
{
    struct caller c = owner_named(owner);
    struct out o = {0};
    uint32_t xid;

    call_lk(&o, l, &c, f, cmd, r, false);
    xid = l->xid;
    check(link_push(l, o.bytes, o.len), "send");
    out_free(&o);
    return xid;
}

static uint32_t send_count(struct link *l, const struct file *f)
{
    struct caller c = owner_named(0);
    struct out o = {0};
    uint64_t zero = 0;

    begin_as(&o, l, &c, P_FSTAT);
    put_bytes(&o, f->gfid, 16);
    put_u64(&o, (uint64_t)f->fd);
    put_dict(&o, "glusterfs.posixlk-count", 3, &zero, 0);
    call_end(&o);
    check(link_push(l, o.bytes, o.len), "send");
    out_free(&o);
    return l->xid;
}

/* The only pair of the answer's xdata: length of key 4, key 24, type 4, value 8. */
static unsigned int count_of(const struct reply *r)
{
    check(result_of(r, 8 + EMPTY_DICT + 40), "FSTAT");
    return (unsigned int)get_u64(r->result + 8 + EMPTY_DICT + 32);
}

/* ---- lock-step ----------------------------------------------------------------------------------------------------------- */

struct wish {
    bool waits, answered; /* the model's word, the brick's word */
    uint32_t xid, type;
    int start, end, error; /* error: what the answer must be */
};
static struct {
    uint8_t has[OWNERS][BYTES]; /* 0 nothing, 1 read, 2 write */
    struct wish wishes[OWNERS];
    unsigned int queue[OWNERS], queued;
} model;
static struct link links[CLIENTS];
static struct file files[CLIENTS];
static unsigned long step;

static bool is_free(unsigned int owner, uint32_t type, int start, int end)
{
    for (unsigned int o = 0; o < OWNERS; o++)
        for (int b = start; o != owner && b <= end; b++)
            if (model.has[o][b] == 2 || (model.has[o][b] == 1 && type == LK_WRITE))
                return false;
    return true;
}

static void put(unsigned int owner, uint32_t type, int start, int end)
{
    memset(&model.has[owner][start], type == LK_READ ? 1 : type == LK_WRITE ? 2 : 0, (size_t)(end - start + 1));
}

static void leave_queue(unsigned int owner)
{
    unsigned int left = 0;

    for (unsigned int i = 0; i < model.queued; i++)
        if (model.queue[i] != owner)
            model.queue[left++] = model.queue[i];
    model.queued = left;
    model.wishes[owner].waits = false;
}

/* In order of arrival, until nobody can be granted any more. */
static void grant(void)
{
    bool again;

    do {
        again = false;
        for (unsigned int i = 0; i < model.queued && !again; i++) {
            unsigned int o = model.queue[i];
            const struct wish *w = &model.wishes[o];

            if (!is_free(o, w->type, w->start, w->end))
                continue;
            put(o, w->type, w->start, w->end);
            leave_queue(o);
            again = true;
        }
    } while (again);
}

static unsigned int locks_in_model(void)
{
    unsigned int n = model.queued;

    for (unsigned int o = 0; o < OWNERS; o++)
        for (int b = 0; b < BYTES; b++)
            n += model.has[o][b] && (b == 0 || model.has[o][b] != model.has[o][b - 1]);
    return n;
}

static struct range range_from(uint32_t type, int start, int end)
{
    return (struct range){.type = type, .start = start, .len = end == BYTES - 1 ? 0 : end - start + 1};
}

/* An answer that is not the one waited for: a wish's. */
static void take_wish(unsigned int client, const struct reply *r)
{
    for (unsigned int o = 2 * client; o < 2 * client + 2; o++) {
        struct wish *w = &model.wishes[o];
        struct lock_seen seen;
        int failed;

        if (w->answered || w->xid != r->xid)
            continue;
        if (w->waits)
            die("step %lu: owner %u has an answer and should wait for %d to %d", step, o, w->start, w->end);
        failed = lk_result(r, &seen);
        if (failed != w->error)
            die("step %lu: owner %u waited and got %d, expected %d", step, o, failed, w->error);
        w->answered = true;
        return;
    }
    die("step %lu: client %u got an answer to nothing", step, client);
}

static struct reply answer(unsigned int client, uint32_t xid)
{
    struct reply r;

    for (;;) {
        check(link_reply(&links[client], &r), "an answer");
        if (r.type != 1)
            continue;
        if (r.xid == xid)
            return r;
        take_wish(client, &r);
    }
}

/* All that the model says is granted has been answered, and the brick has as many locks as the model. The latter may take a moment
 * after a client went. */
static void settle(unsigned int via)
{
    struct reply r;
    unsigned int n = 0;

    for (unsigned int o = 0; o < OWNERS; o++)
        while (!model.wishes[o].answered && !model.wishes[o].waits && model.wishes[o].xid) {
            check(link_reply(&links[o / 2], &r), "a granted lock");
            if (r.type == 1)
                take_wish(o / 2, &r);
        }
    for (uint64_t end = now_us() + GUARD_MS * 1000ull; now_us() < end;) {
        r = answer(via, send_count(&links[via], &files[via]));
        n = count_of(&r);
        if (n == locks_in_model())
            return;
    }
    die("step %lu: %u locks, the model has %u", step, n, locks_in_model());
}

/* Each byte of each owner, from GETACTIVELK. */
static void compare(unsigned int via)
{
    struct caller c = owner_named(0);
    uint8_t has[OWNERS][BYTES] = {0};
    struct out o = {0};
    struct reply r;
    const uint8_t *p;

    begin_as(&o, &links[via], &c, P_GETACTIVELK);
    put_bytes(&o, files[via].gfid, 16);
    put_no_dict(&o);
    call_end(&o);
    check(link_push(&links[via], o.bytes, o.len), "send");
    out_free(&o);
    r = answer(via, links[via].xid);
    check(result_of(&r, 8 + EMPTY_DICT + 4), "GETACTIVELK");
    p = r.result + 8 + EMPTY_DICT + get_u32(r.result + 8);
    while (get_u32(p)) {
        uint32_t type = get_u32(p + 4), len = get_u32(p + 32);
        int64_t start = (int64_t)get_u64(p + 12), size = (int64_t)get_u64(p + 20);
        unsigned int owner = len == 7 || len == 8 ? (unsigned int)atoi((char[]){(char)p[42], len == 8 ? (char)p[43] : '\0', '\0'}) : OWNERS;

        if (owner >= OWNERS || start < 0 || start >= BYTES)
            die("step %lu: a lock of nobody", step);
        for (int64_t b = start; b < (size ? start + size : BYTES); b++) {
            if (has[owner][b])
                die("step %lu: owner %u has byte %d twice", step, owner, (int)b);
            has[owner][b] = (uint8_t)(type + 1);
        }
        p += 36 + ((len + 3) & ~3u);
        p += 4 + ((get_u32(p) + 3) & ~3u) + 4;
    }
    if (memcmp(has, model.has, sizeof has) != 0)
        for (unsigned int x = 0; x < OWNERS; x++)
            for (int b = 0; b < BYTES; b++)
                if (has[x][b] != model.has[x][b])
                    die("step %lu: owner %u, byte %d: brick %u, model %u", step, x, b, has[x][b], model.has[x][b]);
}

static void try_set(unsigned int o, uint32_t type, int start, int end)
{
    struct range r = range_from(type, start, end);
    bool possible = type == LK_UNLOCK || is_free(o, type, start, end);
    struct lock_seen seen;
    struct reply rep;
    int failed;

    if (possible)
        put(o, type, start, end);
    grant(); /* answers to those who waited may come before ours */
    rep = answer(o / 2, send_lk(&links[o / 2], &files[o / 2], o, LK_SET, &r));
    failed = lk_result(&rep, &seen);
    if (failed != (possible ? 0 : -EAGAIN))
        die("step %lu: owner %u asked for %u of %d to %d and got %d", step, o, type, start, end, failed);
}

static void wish_for(unsigned int o, uint32_t type, int start, int end)
{
    struct range r = range_from(type, start, end);
    struct wish *w = &model.wishes[o];

    *w = (struct wish){.type = type, .start = start, .end = end};
    if (is_free(o, type, start, end)) {
        put(o, type, start, end);
    } else {
        put(o, LK_UNLOCK, start, end); /* who waits gives up what it has there */
        w->waits = true;
        model.queue[model.queued++] = o;
    }
    w->xid = send_lk(&links[o / 2], &files[o / 2], o, LK_SETW, &r);
}

static void ask(unsigned int o, uint32_t type, int start, int end)
{
    struct range r = range_from(type, start, end);
    struct lock_seen seen;
    struct reply rep;
    int last;

    rep = answer(o / 2, send_lk(&links[o / 2], &files[o / 2], o, LK_GET, &r));
    check(lk_result(&rep, &seen), "LK get");
    if (seen.type == LK_UNLOCK) {
        if (!is_free(o, type, start, end))
            die("step %lu: nothing is in owner %u's way, says the brick", step, o);
        return;
    }
    last = seen.len ? (int)(seen.start + seen.len - 1) : BYTES - 1;
    unsigned int x = seen.pid - FIRST_PID;
    if (x >= OWNERS || x == o || seen.start > end || last < start || seen.start < 0 || last >= BYTES ||
        (type == LK_READ && seen.type == LK_READ))
        die("step %lu: owner %u is told of a lock that is not in its way", step, o);
    for (int b = (int)seen.start; b <= last; b++)
        if (model.has[x][b] != seen.type + 1)
            die("step %lu: owner %u is told of a lock that is not there", step, o);
}

static void flush(unsigned int o)
{
    struct caller c = owner_named(o);
    struct out out = {0};
    struct reply r;

    begin_as(&out, &links[o / 2], &c, P_FLUSH);
    put_bytes(&out, files[o / 2].gfid, 16);
    put_u64(&out, (uint64_t)files[o / 2].fd);
    put_no_dict(&out);
    call_end(&out);
    put(o, LK_UNLOCK, 0, BYTES - 1);
    grant();
    check(link_push(&links[o / 2], out.bytes, out.len), "send");
    out_free(&out);
    r = answer(o / 2, links[o / 2].xid);
    check(result_of(&r, 8), "FLUSH");
}

static void interrupt(unsigned int o)
{
    struct wish *w = &model.wishes[o];
    struct range r = range_from(w->type, w->start, w->end);
    struct caller c = owner_named(o);
    struct out out = {0};
    struct reply rep;
    char name[96];

    snprintf(name, sizeof name, "glusterfs.intrlk.tposix.kblocked.0,%lld-%lld", (long long)r.start, (long long)r.len);
    begin_as(&out, &links[o / 2], &c, P_FGETXATTR);
    put_bytes(&out, files[o / 2].gfid, 16);
    put_u64(&out, (uint64_t)files[o / 2].fd);
    put_u32(&out, 1);
    put_string(&out, name);
    put_no_dict(&out);
    call_end(&out);
    if (w->waits) {
        w->error = -EINTR;
        leave_queue(o);
    }
    check(link_push(&links[o / 2], out.bytes, out.len), "send");
    out_free(&out);
    rep = answer(o / 2, links[o / 2].xid);
    check(result_of(&rep, 8), "an interrupt");
}

static void go_and_come_back(unsigned int client)
{
    link_cut(&links[client], CUT_RESET);
    for (unsigned int o = 2 * client; o < 2 * client + 2; o++) {
        leave_queue(o);
        model.wishes[o] = (struct wish){.answered = true};
        put(o, LK_UNLOCK, 0, BYTES - 1);
    }
    join(&links[client], "storm", &files[client]);
}

static void lockstep(unsigned long steps, uint32_t seed)
{
    unsigned long waits = 0, refusals = 0, gone = 0;

    for (unsigned int i = 0; i < CLIENTS; i++)
        join(&links[i], "storm", &files[i]);
    for (unsigned int o = 0; o < OWNERS; o++)
        model.wishes[o].answered = true;
    for (step = 1; step <= steps; step++) {
        unsigned int o = rnd(&seed) % OWNERS, what = rnd(&seed) % 64;
        uint32_t type = rnd(&seed) % 3;
        int start = (int)(rnd(&seed) % BYTES), end = start + (int)(rnd(&seed) % (uint32_t)(BYTES - start));

        if (rnd(&seed) % 2)
            end = start + (int)(rnd(&seed) % 4);
        if (end >= BYTES)
            end = BYTES - 1;
        if (what == 0) {
            go_and_come_back(o / 2);
            gone++;
        } else if (what < 3) {
            flush(o);
        } else if (what < 8) {
            interrupt(o);
        } else if (what < 16) {
            ask(o, type % 2, start, end);
        } else if (what < 40 || type == LK_UNLOCK) {
            refusals += type != LK_UNLOCK && !is_free(o, type, start, end);
            try_set(o, type, start, end);
        } else if (!model.wishes[o].waits) {
            wish_for(o, type, start, end);
            waits += model.wishes[o].waits;
        }
        grant();
        settle(o / 2);
        if (step % 16 == 0)
            compare(o / 2);
    }
    for (unsigned int i = 0; i < CLIENTS; i++)
        link_cut(&links[i], CUT_CLOSE);
    printf("%lu steps, %lu refused, %lu waited, %lu clients went: no difference\n", steps, refusals, waits, gone);
}

/* ---- all at once --------------------------------------------------------------------------------------------------------- */

struct shared {
    atomic_int readers[BYTES], writer[BYTES]; /* number of them; who, or 0 */
    atomic_ulong granted, refused;
};

/* After the grant, and before the unlock is sent: what is marked is ours for certain. */
static void mark(struct shared *s, int me, uint32_t type, int start, int end)
{
    for (int b = start; b <= end; b++) {
        if (type == LK_WRITE) {
            int nobody = 0;
            if (!atomic_compare_exchange_strong(&s->writer[b], &nobody, me) || atomic_load(&s->readers[b]) > 0)
                die("client %d writes byte %d, and %d does, and %d read it", me, b, nobody, atomic_load(&s->readers[b]));
        } else {
            atomic_fetch_add(&s->readers[b], 1);
            if (atomic_load(&s->writer[b]))
                die("client %d reads byte %d, and %d writes it", me, b, atomic_load(&s->writer[b]));
        }
    }
}

static void unmark(struct shared *s, uint8_t *has, int start, int end)
{
    for (int b = start; b <= end; b++) {
        if (has[b] == 2)
            atomic_store(&s->writer[b], 0);
        else if (has[b] == 1)
            atomic_fetch_sub(&s->readers[b], 1);
        has[b] = 0;
    }
}

static bool holds_any(const uint8_t *has, int start, int end)
{
    for (int b = start; b <= end; b++)
        if (has[b])
            return true;
    return false;
}

static void one_of_many(struct shared *s, int me, unsigned long operations, uint32_t seed)
{
    uint8_t has[BYTES] = {0};
    struct link l;
    struct file f;

    join(&l, "free", &f);
    for (unsigned long i = 0; i < operations; i++) {
        uint32_t type = rnd(&seed) % 3, what = rnd(&seed) % 256;
        int start = (int)(rnd(&seed) % BYTES), end = start + (int)(rnd(&seed) % 6);
        enum lk_cmd cmd = LK_SET;
        struct lock_seen seen;
        struct range r;
        struct reply rep;
        uint32_t xid;
        int failed;

        if (end >= BYTES)
            end = BYTES - 1;
        if (what == 0) { /* all is gone with the connection */
            unmark(s, has, 0, BYTES - 1);
            link_cut(&l, CUT_RESET);
            join(&l, "free", &f);
            continue;
        }
        if (what < 64) { /* having nothing, one may wait without others waiting for oneself */
            r = range_from(LK_UNLOCK, 0, BYTES - 1);
            unmark(s, has, 0, BYTES - 1);
            send_lk(&l, &f, (unsigned int)me, LK_SET, &r);
            check(link_reply(&l, &rep), "unlock");
            check(lk_result(&rep, &seen), "unlock");
            cmd = LK_SETW;
            type %= 2;
        } else if (type != LK_UNLOCK && holds_any(has, start, end)) {
            type = LK_UNLOCK;
        }
        if (type == LK_UNLOCK)
            unmark(s, has, start, end);
        r = range_from(type, start, end);
        xid = send_lk(&l, &f, (unsigned int)me, cmd, &r);
        do
            check(link_reply(&l, &rep), "an answer");
        while (rep.type != 1 || rep.xid != xid);
        failed = lk_result(&rep, &seen);
        if (failed && (failed != -EAGAIN || cmd == LK_SETW || type == LK_UNLOCK))
            die("client %d: %s", me, strerror(-failed));
        atomic_fetch_add(failed ? &s->refused : &s->granted, 1);
        if (!failed && type != LK_UNLOCK) {
            mark(s, me, type, start, end);
            memset(has + start, type == LK_READ ? 1 : 2, (size_t)(end - start + 1));
        }
    }
    unmark(s, has, 0, BYTES - 1);
    link_cut(&l, CUT_CLOSE);
}

static void all_at_once(unsigned long operations, uint32_t seed)
{
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status, bad = 0;

    if (s == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    fflush(stdout);
    for (int i = 1; i <= CLIENTS; i++) {
        pid_t pid = fork();
        if (pid < 0)
            die("fork: %s", strerror(errno));
        if (pid == 0) {
            one_of_many(s, i, operations / CLIENTS, seed + (uint32_t)i);
            _exit(0);
        }
    }
    while (wait(&status) > 0)
        bad |= status != 0;
    if (bad)
        die("not all of them came to the end");
    printf("%lu granted, %lu refused: never two that exclude each other\n", (unsigned long)atomic_load(&s->granted),
           (unsigned long)atomic_load(&s->refused));
}

/* ---- a crowd ------------------------------------------------------------------------------------------------------------- */

static struct reply next_reply(struct link *l)
{
    struct reply r;

    do
        check(link_reply(l, &r), "an answer");
    while (r.type != 1);
    return r;
}

static void expect_count(struct link *l, const struct file *f, unsigned int n)
{
    unsigned int got = 0;

    for (uint64_t end = now_us() + GUARD_MS * 1000ull; now_us() < end;) {
        uint32_t xid = send_count(l, f);
        struct reply r = next_reply(l);
        if (r.xid != xid)
            die("an answer that nobody waits for");
        got = count_of(&r);
        if (got == n)
            return;
    }
    die("%u locks, expected %u", got, n);
}

static void lock_now(struct link *l, const struct file *f, unsigned int owner, uint32_t type, int64_t start, int64_t len)
{
    struct range r = {.type = type, .start = start, .len = len};
    uint32_t xid = send_lk(l, f, owner, LK_SET, &r);
    struct lock_seen seen;
    struct reply rep = next_reply(l);

    if (rep.xid != xid)
        die("an answer that nobody waits for");
    check(lk_result(&rep, &seen), "lock");
}

static uint64_t read_and_ping(struct link *l, const struct file *f, unsigned int n)
{
    uint8_t want[4096];
    uint64_t worst = 0;

    for (unsigned int i = 0; i < n; i++) {
        uint64_t begun = now_us();
        const uint8_t *data;
        struct out o = {0};
        struct reply r;
        size_t len;

        check(link_ping(l), "ping");
        call_read(&o, l, f->gfid, f->fd, (i % 16) * sizeof want, sizeof want);
        check(link_ask(l, &o, &r), "READ");
        check(read_result(&r, &data, &len), "READ");
        pattern(want, 5, (i % 16) * sizeof want, sizeof want);
        if (len != sizeof want || memcmp(data, want, len) != 0)
            die("READ %u has other bytes", i);
        if (now_us() - begun > worst)
            worst = now_us() - begun;
    }
    return worst;
}

static void ask_all(struct link *l, const struct file *f, unsigned int n, uint32_t *ret_first_xid)
{
    struct range all = {.type = LK_WRITE};

    *ret_first_xid = l->xid + 1;
    for (unsigned int i = 0; i < n; i++)
        send_lk(l, f, 100 + i, LK_SETW, &all);
}

static void crowd(unsigned int n)
{
    struct link holder, many, gone;
    struct file hf, mf, gf;
    uint8_t data[65536];
    uint32_t first, unused;
    uint64_t worst, begun;

    join(&holder, "crowd", &hf);
    join(&many, "crowd", &mf);
    join(&gone, "crowd", &gf);
    pattern(data, 5, 0, sizeof data);
    check(link_write(&holder, hf.gfid, hf.fd, 0, data, sizeof data), "WRITE");
    lock_now(&holder, &hf, 1, LK_WRITE, 0, 0);
    ask_all(&many, &mf, n, &first);
    worst = read_and_ping(&many, &mf, 500); /* an answer to one of the n here would be an error */
    expect_count(&holder, &hf, n + 1);
    printf("%u calls wait, 500 reads and pings were answered, the slowest pair after %.1f ms\n", n, (double)worst / 1000);
    fflush(stdout);
    getchar(); /* whoever runs us looks at the brick */

    ask_all(&gone, &gf, n, &unused);
    expect_count(&holder, &hf, 2 * n + 1);
    begun = now_us();
    link_cut(&gone, CUT_RESET);
    expect_count(&holder, &hf, n + 1);
    printf("%u of a client that went were gone after %.0f ms\n", n, (double)(now_us() - begun) / 1000);

    begun = now_us();
    lock_now(&holder, &hf, 1, LK_UNLOCK, 0, 0);
    for (unsigned int granted = 0, unlocked = 0; unlocked < n;) { /* the next is granted no earlier than the one before is unlocked */
        struct range all = {.type = LK_UNLOCK};
        struct reply r = next_reply(&many);
        struct lock_seen seen;

        check(lk_result(&r, &seen), "a lock that waited, or its unlock");
        if (r.xid - first >= n) {
            unlocked++;
            continue;
        }
        if (r.xid != first + granted)
            die("number %u was granted out of turn", r.xid - first);
        send_lk(&many, &mf, 100 + granted++, LK_SET, &all);
    }
    printf("%u were granted in turn, %.0f us each\n", n, (double)(now_us() - begun) / n);
    expect_count(&holder, &hf, 0);
    link_cut(&holder, CUT_CLOSE);
    link_cut(&many, CUT_CLOSE);
}

/* ---- cost ---------------------------------------------------------------------------------------------------------------- */

/* Pairs sent ahead, so that the way there and back does not count for each. */
static double pairs(struct link *l, const struct file *f, uint32_t type, int64_t start)
{
    enum { PAIRS = 2000, AHEAD = 50 };
    struct range lock = {.type = type, .start = start, .len = 1}, unlock = {.type = LK_UNLOCK, .start = start, .len = 1};
    unsigned int sent = 0, back = 0;
    uint64_t begun = now_us();

    while (back < 2 * PAIRS) {
        struct lock_seen seen;
        struct reply r;

        for (; sent < PAIRS && 2 * sent - back < 2 * AHEAD; sent++) {
            send_lk(l, f, 7, LK_SET, &lock);
            send_lk(l, f, 7, LK_SET, &unlock);
        }
        r = next_reply(l);
        check(lk_result(&r, &seen), "lock");
        back++;
    }
    return (double)(now_us() - begun) / PAIRS;
}

static void cost(unsigned int n)
{
    static const char *const what[] = {"alone", "locks of others beside it", "read locks of others on the same byte",
                                       "waiting locks of others"};

    for (unsigned int kind = 0; kind < 4; kind++) {
        struct link me, others;
        struct file f, g;

        join(&me, "cost", &f);
        join(&others, "cost", &g);
        if (kind == 3)
            lock_now(&others, &g, 99, LK_WRITE, 0, 1);
        for (unsigned int i = 0; kind && i < n; i++) {
            struct range r = {.type = kind == 2 ? LK_READ : LK_WRITE, .start = kind == 1 ? 2 * (int64_t)i + 10 : 0, .len = 1};

            send_lk(&others, &g, 100 + i, kind == 3 ? LK_SETW : LK_SET, &r);
            if (kind != 3)
                next_reply(&others);
        }
        expect_count(&me, &f, kind ? n + (kind == 3) : 0);
        printf("%-40s %8.1f us for a lock and an unlock\n", what[kind],
               pairs(&me, &f, kind == 2 ? LK_READ : LK_WRITE, kind == 1 ? n + 11 : kind == 3 ? 5 : 0));
        fflush(stdout);
        link_cut(&others, CUT_RESET);
        expect_count(&me, &f, 0);
        link_cut(&me, CUT_CLOSE);
    }
}

int main(int argc, char **argv)
{
    target_from_args(&to, argc, argv);
    if (argc - optind < 2)
        die("what?");
    unsigned long n = strtoul(argv[optind + 1], NULL, 0);
    uint32_t seed = argc - optind > 2 ? (uint32_t)strtoul(argv[optind + 2], NULL, 0) : 1;
    const char *what = argv[optind];

    seed = seed * 2654435761u + 1;
    if (strcmp(what, "lockstep") == 0)
        lockstep(n, seed);
    else if (strcmp(what, "free") == 0)
        all_at_once(n, seed);
    else if (strcmp(what, "crowd") == 0)
        crowd((unsigned int)n);
    else if (strcmp(what, "cost") == 0)
        cost((unsigned int)n);
    else
        die("%s?", what);
    return 0;
}
