/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* locker: speaks the file protocol's lock operations as its input tells it, and prints what is answered.
 *
 *   locker [-t pki] -b brick PORT [PID FOLDER] <script
 *
 * A line is WHO [LABEL=]VERB ARGUMENTS. WHO is a client of its own, made when first named. Without a label the answer is waited for
 * and printed as "WHO VERB: ..."; with one the line only sends, and `WHO wait LABEL` prints the answer, `WHO idle LABEL` says that
 * there is none and there will be none: whatever has not been answered is parked in the brick. That, and that it has noticed a `cut`, it is
 * asked by statedumps, of process PID into FOLDER. A brick that has no such numbers (stock) is given a moment instead.
 * Answers are "ok", "ok VALUE" or the name of an errno.
 *
 *   create NAME | open NAME [FLAGS] | release           the file that the client's later lines are about; open without a name
 *                                                       that exists fails. Flags: t truncate, n non-blocking
 *   as OWNER [PID [UID]]                                who calls from now on
 *   lk get|set|setw|res|resw|unres|getfd r|w|u START LEN [mandatory]
 *   inodelk DOMAIN set|setw r|w|u START LEN             entrylk DOMAIN NAME|- lock|unlock|nb r|w      of the root
 *   flush | read OFF LEN | write OFF TEXT | truncate LEN | ftruncate LEN | discard OFF LEN | zerofill OFF LEN
 *   unlink NAME | rename NAME NAME | getx NAME | fgetx NAME | setx NAME TEXT | fsetx NAME TEXT | fsetx NAME @LABEL  | fremovex NAME
 *   count KEY [TEXT]                                    a lock count, asked for with FSTAT
 *   active | setactive LABEL                            GETACTIVELK; SETACTIVELK of what a labelled `active` gave
 *   wait LABEL | idle LABEL | ping | notices | cut      */
#include "lockcalls.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 10, EMPTY_DICT = 12, IATT = 148, KEPT = 64 };

struct answer {
    uint32_t xid;
    char label[32], verb[16];
    bool asked, here;
    uint8_t *bytes;
    struct reply reply;
};
struct who {
    struct who *next;
    char name[16];
    struct link link;
    struct caller caller;
    struct file file;
    char path[64];
    struct answer answers[KEPT];
    char notices[1024];
};

static struct target to;
static struct who *everybody;
static pid_t brick; /* 0: it cannot be asked */
static const char *dumps;
static const uint8_t root[16] = {[15] = 1};

static void check(int failed, const char *what)
{
    if (failed < 0)
        die("%s: %s", what, strerror(-failed));
}

static struct who *find(const char *name)
{
    struct who *w;

    for (w = everybody; w; w = w->next)
        if (strcmp(w->name, name) == 0)
            return w;
    w = calloc(1, sizeof *w);
    if (!w)
        die("no memory");
    snprintf(w->name, sizeof w->name, "%s", name);
    w->caller.pid = (uint32_t)getpid();
    w->caller.owner_len = 8;
    snprintf((char *)w->caller.owner, sizeof w->caller.owner, "own-%.4s", name);
    check(link_open(&w->link, &to), "connect");
    check(link_login(&w->link), "SETVOLUME");
    w->next = everybody;
    return everybody = w;
}

/* ---- what the brick counts ------------------------------------------------------------------------------------------------- */

enum { GUARD_US = 60000000 };

/* Reads the number behind "NAME=" in section [census] of a complete dump. False: it is not complete yet. */
static bool read_dump(const char *path, const char *name, long *ret)
{
    char line[4096], key[64];
    bool whole = false, here = false;
    FILE *f = fopen(path, "r");

    snprintf(key, sizeof key, "%s=", name);
    while (f && fgets(line, sizeof line, f)) {
        if (line[0] == '[')
            here = strcmp(line, "[census]\n") == 0;
        if (here && strncmp(line, key, strlen(key)) == 0)
            *ret = strtol(line + strlen(key), NULL, 10);
        whole |= strncmp(line, "DUMP-END-TIME", strlen("DUMP-END-TIME")) == 0;
    }
    if (f)
        fclose(f);
    return whole;
}

static void remove_all(glob_t *found)
{
    for (size_t i = 0; i < found->gl_pathc; i++)
        unlink(found->gl_pathv[i]);
    globfree(found);
}

static long census(const char *name)
{
    uint64_t end = now_us() + GUARD_US;
    char pattern[4096];
    long number = -1;
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/*.dump.*", dumps);
    if (glob(pattern, 0, NULL, &found) == 0)
        remove_all(&found);
    if (kill(brick, SIGUSR1) < 0)
        die("brick %d: %s", (int)brick, strerror(errno));
    while (now_us() < end) {
        bool whole = glob(pattern, 0, NULL, &found) == 0 && read_dump(found.gl_pathv[0], name, &number);

        if (whole)
            remove_all(&found);
        if (whole && number < 0)
            die("the census has no \"%s\"", name);
        if (whole)
            return number;
        usleep(1000);
    }
    die("no statedump");
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

/* A callback's result begins at the RPC version. INODELK_CONTENTION and ENTRYLK_CONTENTION carry the domain as a string. */
static void keep_notice(struct who *w, const struct reply *r)
{
    uint32_t proc = r->len >= 12 ? get_u32(r->result + 8) : 0;
    size_t used = strlen(w->notices);

    snprintf(w->notices + used, sizeof w->notices - used, " %s", proc == 10 ? "inodelk" : proc == 11 ? "entrylk" : "other");
}

static void receive(struct who *w)
{
    struct reply r;

    check(link_reply(&w->link, &r), w->name);
    if (r.type != 1) {
        keep_notice(w, &r);
        return;
    }
    for (int i = 0; i < KEPT; i++) {
        struct answer *a = &w->answers[i];

        if (!a->asked || a->here || a->xid != r.xid)
            continue;
        a->here = true;
        a->reply = r;
        a->bytes = malloc(r.len + 1);
        memcpy(a->bytes, r.result, r.len);
        a->reply.result = a->bytes;
        return;
    }
    die("%s: an answer to nothing", w->name);
}

static struct answer *expect(struct who *w, uint32_t xid, const char *label, const char *verb)
{
    for (int i = 0; i < KEPT; i++) {
        struct answer *a = &w->answers[i];

        if (a->asked)
            continue;
        *a = (struct answer){.asked = true, .xid = xid};
        snprintf(a->label, sizeof a->label, "%s", label);
        snprintf(a->verb, sizeof a->verb, "%s", verb);
        return a;
    }
    die("%s: more answers than I can keep", w->name);
}

static struct answer *labelled(struct who *w, const char *label)
{
    for (int i = 0; i < KEPT; i++)
        if (w->answers[i].asked && strcmp(w->answers[i].label, label) == 0)
            return &w->answers[i];
    die("%s: no label %s", w->name, label);
}

static void await(struct who *w, struct answer *a)
{
    while (!a->here)
        receive(w);
}

static void forget(struct answer *a)
{
    free(a->bytes);
    *a = (struct answer){0};
}

/* Whatever was answered to w before this is here after it. */
static void ping(struct who *w)
{
    struct out o = {0};
    struct answer *a;

    call_ping(&o, &w->link);
    check(link_push(&w->link, o.bytes, o.len), "send");
    await(w, a = expect(w, w->link.xid, "", "ping"));
    forget(a);
    out_free(&o);
}

static long nr_unanswered(void)
{
    long n = 0;

    for (struct who *w = everybody; w; w = w->next)
        for (int i = 0; i < KEPT; i++)
            n += w->link.fd >= 0 && w->answers[i].asked && !w->answers[i].here;
    return n;
}

/* Until a is here, or waits with all others that have no answer. */
static void settle(struct answer *a)
{
    uint64_t end = now_us() + GUARD_US;

    if (!brick)
        usleep(150000);
    do {
        for (struct who *w = everybody; w; w = w->next)
            if (w->link.fd >= 0)
                ping(w);
        if (a->here || !brick)
            return;
        long unanswered = nr_unanswered();
        if (census("parked") == unanswered)
            return;
    } while (now_us() < end);
    die("%s: neither answered nor parked", a->label);
}

static void until_noticed(void)
{
    uint64_t end = now_us() + GUARD_US;
    long left = 0;

    for (struct who *w = everybody; w; w = w->next)
        left += w->link.fd >= 0;
    if (!brick)
        usleep(150000);
    while (brick && census("clients") != left)
        if (now_us() > end)
            die("the brick has not noticed that a client went");
}

static const uint8_t *behind_xdata(const struct reply *r)
{
    return r->result + 8 + EMPTY_DICT + get_u32(r->result + 8);
}

/* The first pair of a dict4, as text. */
static void print_dict(const uint8_t *d)
{
    const uint8_t *p = d + 12;
    uint32_t klen, type, vlen;

    if ((int32_t)get_u32(d + 4) <= 0) {
        printf(" nothing");
        return;
    }
    klen = get_u32(p);
    p += 4 + ((klen + 3) & ~3u);
    type = get_u32(p);
    p += 4;
    if (type == 2 || type == 3) {
        printf(" %lld", (long long)get_u64(p));
        return;
    }
    vlen = get_u32(p);
    putchar(' ');
    for (uint32_t i = 0; i < vlen; i++)
        if (isprint(p[4 + i]))
            putchar(p[4 + i]);
        else if (p[4 + i])
            putchar('.');
}

static void print_active(const struct reply *r)
{
    const uint8_t *p = behind_xdata(r);

    while (get_u32(p)) { /* a list: 1, element, ..., 0 */
        uint32_t owner = get_u32(p + 32), uid;

        printf(" %c%lld+%lld", "rwu."[get_u32(p + 4) & 3], (long long)get_u64(p + 12), (long long)get_u64(p + 20));
        p += 36 + ((owner + 3) & ~3u);
        uid = get_u32(p);
        p += 4 + ((uid + 3) & ~3u);
        printf("/%u", get_u32(p));
        p += 4;
    }
}

static void print(struct who *w, const struct answer *a)
{
    const struct reply *r = &a->reply;
    struct lock_seen seen;
    const uint8_t *data;
    size_t len;
    int failed;

    printf("%s %s:", w->name, a->verb);
    failed = r->accept_stat ? -EREMOTEIO : r->len < 8 ? -EBADMSG : (int32_t)get_u32(r->result) < 0 ? -(int)get_u32(r->result + 4) : 0;
    if (failed) {
        const char *name = strerrorname_np(-failed);
        printf(" %s\n", name ? name : failed ? "unknown error" : "failed");
        return;
    }
    if ((int32_t)get_u32(r->result) < 0) {
        printf(" failed with 0\n");
        return;
    }
    printf(" ok");
    if (strcmp(a->verb, "lk") == 0 && lk_result(r, &seen) == 0)
        printf(" %c %lld+%lld pid=%u owner=%.*s", "rwu."[seen.type & 3], (long long)seen.start, (long long)seen.len, seen.pid,
               (int)seen.owner_len, (const char *)seen.owner);
    else if (strcmp(a->verb, "read") == 0 && read_result(r, &data, &len) == 0)
        printf(" %.*s", (int)len, (const char *)data);
    else if (strcmp(a->verb, "getx") == 0 || strcmp(a->verb, "fgetx") == 0)
        print_dict(behind_xdata(r));
    else if (strcmp(a->verb, "count") == 0)
        print_dict(r->result + 8);
    else if (strcmp(a->verb, "active") == 0)
        print_active(r);
    putchar('\n');
}

/* ---- verbs --------------------------------------------------------------------------------------------------------------- */

static int code(const char *word, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], word) == 0)
            return i;
    die("%s?", word);
}
static const char *const lk_cmds[] = {"get", "set", "setw", "res", "resw", "unres", "getfd", NULL};
static const char *const lk_types[] = {"r", "w", "u", "e", NULL};
static const char *const entry_cmds[] = {"lock", "unlock", "nb", NULL};

static struct range range_of(char **w)
{
    return (struct range){.type = (uint32_t)code(w[0], lk_types), .start = strtoll(w[1], NULL, 0), .len = strtoll(w[2], NULL, 0)};
}

static void put_file(struct out *o, const struct who *w, bool fd)
{
    put_bytes(o, w->file.gfid, 16);
    if (fd)
        put_u64(o, (uint64_t)w->file.fd);
}

static void open_file(struct who *w, char **arg)
{
    static const uint8_t nobody[16];
    const char *flags = arg[1] ? arg[1] : "";
    struct out o = {0};
    struct reply r;
    int failed;

    begin_as(&o, &w->link, &w->caller, P_LOOKUP);
    put_bytes(&o, nobody, 16);
    put_bytes(&o, root, 16);
    put_u32(&o, 0);
    put_string(&o, arg[0]);
    put_no_dict(&o);
    call_end(&o);
    check(link_ask(&w->link, &o, &r), "LOOKUP");
    check(result_of(&r, 8 + EMPTY_DICT + IATT), "LOOKUP");
    memcpy(w->file.gfid, behind_xdata(&r), 16);
    begin_as(&o, &w->link, &w->caller, P_OPEN);
    put_bytes(&o, w->file.gfid, 16);
    put_u32(&o, 02u | (strchr(flags, 't') ? 01000u : 0) | (strchr(flags, 'n') ? 04000u : 0));
    put_no_dict(&o);
    call_end(&o);
    check(link_ask(&w->link, &o, &r), "OPEN");
    failed = result_of(&r, 8 + EMPTY_DICT + 8);
    if (!failed)
        w->file.fd = (int64_t)get_u64(behind_xdata(&r));
    printf("%s open: %s\n", w->name, failed ? strerrorname_np(-failed) : "ok");
}

/* Value of a labelled answer to fgetx: the first pair's. */
static const uint8_t *value_of(const struct answer *a, uint32_t *len)
{
    const uint8_t *p = behind_xdata(&a->reply) + 12;

    p += 4 + ((get_u32(p) + 3) & ~3u) + 4;
    *len = get_u32(p);
    return p + 4;
}

static void put_setx(struct out *o, struct who *w, char **arg)
{
    if (arg[1][0] == '@') {
        struct answer *a = NULL;
        uint32_t len;

        for (struct who *x = everybody; x && !a; x = x->next)
            for (int i = 0; i < KEPT && !a; i++)
                if (x->answers[i].asked && strcmp(x->answers[i].label, arg[1] + 1) == 0)
                    await(x, a = &x->answers[i]);
        if (!a)
            die("no label %s", arg[1]);
        const uint8_t *value = value_of(a, &len);
        put_dict(o, arg[0], 6, value, len);
    } else {
        put_dict(o, arg[0], 5, arg[1], strlen(arg[1]) + 1);
    }
    put_no_dict(o);
}

/* The list that GETACTIVELK gave, as it was. */
static void put_active(struct out *o, const char *label)
{
    for (struct who *w = everybody; w; w = w->next)
        for (int i = 0; i < KEPT; i++) {
            struct answer *a = &w->answers[i];

            if (!a->asked || strcmp(a->label, label) != 0)
                continue;
            await(w, a);
            const uint8_t *list = behind_xdata(&a->reply);
            put_bytes(o, list, (size_t)(a->bytes + a->reply.len - list));
            put_no_dict(o);
            return;
        }
    die("no label %s", label);
}

static bool simple_verb(struct who *w, const char *verb, char **arg, struct out *o)
{
    struct caller *c = &w->caller;
    struct link *l = &w->link;

    if (strcmp(verb, "lk") == 0) {
        struct range r = range_of(arg + 1);
        call_lk(o, l, c, &w->file, (enum lk_cmd)code(arg[0], lk_cmds), &r, arg[4] != NULL);
        return true;
    }
    if (strcmp(verb, "inodelk") == 0) {
        struct range r = range_of(arg + 2);
        call_inodelk(o, l, c, &w->file, arg[0], (enum lk_cmd)code(arg[1], lk_cmds), &r);
        return true;
    }
    if (strcmp(verb, "entrylk") == 0) {
        begin_as(o, l, c, P_ENTRYLK);
        put_bytes(o, root, 16);
        put_u32(o, (uint32_t)code(arg[2], entry_cmds));
        put_u32(o, (uint32_t)code(arg[3], lk_types));
        put_u64(o, strcmp(arg[1], "-") != 0);
        put_string(o, strcmp(arg[1], "-") ? arg[1] : "");
        put_string(o, arg[0]);
        put_no_dict(o);
    } else if (strcmp(verb, "read") == 0) {
        begin_as(o, l, c, P_READ);
        put_file(o, w, true);
        put_u64(o, strtoull(arg[0], NULL, 0));
        put_u32(o, (uint32_t)strtoul(arg[1], NULL, 0));
        put_u32(o, 0100002);
        put_no_dict(o);
    } else if (strcmp(verb, "write") == 0) {
        begin_as(o, l, c, P_WRITE);
        put_file(o, w, true);
        put_u64(o, strtoull(arg[0], NULL, 0));
        put_u32(o, (uint32_t)strlen(arg[1]));
        put_u32(o, 0100002);
        put_no_dict(o);
        put_bytes(o, arg[1], strlen(arg[1]));
    } else if (strcmp(verb, "flush") == 0 || strcmp(verb, "release") == 0) {
        begin_as(o, l, c, verb[0] == 'f' ? P_FLUSH : P_RELEASE);
        put_file(o, w, true);
        put_no_dict(o);
    } else if (strcmp(verb, "truncate") == 0 || strcmp(verb, "ftruncate") == 0) {
        begin_as(o, l, c, verb[0] == 't' ? P_TRUNCATE : P_FTRUNCATE);
        put_file(o, w, verb[0] == 'f');
        put_u64(o, strtoull(arg[0], NULL, 0));
        put_no_dict(o);
    } else if (strcmp(verb, "discard") == 0 || strcmp(verb, "zerofill") == 0) {
        begin_as(o, l, c, verb[0] == 'd' ? P_DISCARD : P_ZEROFILL);
        put_file(o, w, true);
        put_u64(o, strtoull(arg[0], NULL, 0));
        put_u64(o, strtoull(arg[1], NULL, 0));
        put_no_dict(o);
    } else if (strcmp(verb, "unlink") == 0) {
        begin_as(o, l, c, P_UNLINK);
        put_bytes(o, root, 16);
        put_string(o, arg[0]);
        put_u32(o, 0);
        put_no_dict(o);
    } else if (strcmp(verb, "rename") == 0) {
        begin_as(o, l, c, P_RENAME);
        put_bytes(o, root, 16);
        put_bytes(o, root, 16);
        put_string(o, arg[0]);
        put_string(o, arg[1]);
        put_no_dict(o);
    } else if (strcmp(verb, "getx") == 0 || strcmp(verb, "fgetx") == 0) {
        begin_as(o, l, c, verb[0] == 'g' ? P_GETXATTR : P_FGETXATTR);
        put_file(o, w, verb[0] == 'f');
        put_u32(o, 1);
        put_string(o, arg[0]);
        put_no_dict(o);
    } else if (strcmp(verb, "setx") == 0 || strcmp(verb, "fsetx") == 0) {
        begin_as(o, l, c, verb[0] == 's' ? P_SETXATTR : P_FSETXATTR);
        put_file(o, w, verb[0] == 'f');
        put_u32(o, 0);
        put_setx(o, w, arg);
    } else if (strcmp(verb, "fremovex") == 0) {
        begin_as(o, l, c, P_FREMOVEXATTR);
        put_file(o, w, true);
        put_string(o, arg[0]);
        put_no_dict(o);
    } else if (strcmp(verb, "count") == 0) {
        uint64_t zero = 0;
        begin_as(o, l, c, P_FSTAT);
        put_file(o, w, true);
        if (arg[1])
            put_dict(o, arg[0], 5, arg[1], strlen(arg[1]) + 1);
        else
            put_dict(o, arg[0], 3, &zero, 0);
    } else if (strcmp(verb, "active") == 0) {
        begin_as(o, l, c, P_GETACTIVELK);
        put_file(o, w, false);
        put_no_dict(o);
    } else if (strcmp(verb, "setactive") == 0) {
        begin_as(o, l, c, P_SETACTIVELK);
        put_file(o, w, false);
        put_active(o, arg[0]);
    } else {
        return false;
    }
    call_end(o);
    return true;
}

static void run(struct who *w, char *verb, char **arg)
{
    char *label = "", *eq = strchr(verb, '=');
    struct out o = {0};
    struct answer *a;

    if (eq) {
        *eq = '\0';
        label = verb;
        verb = eq + 1;
    }
    if (strcmp(verb, "create") == 0) {
        int failed = link_create(&w->link, arg[0], w->file.gfid, &w->file.fd);
        printf("%s create: %s\n", w->name, failed ? strerrorname_np(-failed) : "ok");
    } else if (strcmp(verb, "open") == 0) {
        open_file(w, arg);
    } else if (strcmp(verb, "as") == 0) {
        w->caller.owner_len = (uint32_t)strnlen(arg[0], sizeof w->caller.owner);
        memcpy(w->caller.owner, arg[0], w->caller.owner_len);
        if (strcmp(arg[0], "-") == 0)
            w->caller.owner_len = 0;
        if (arg[1])
            w->caller.pid = (uint32_t)strtol(arg[1], NULL, 0);
        if (arg[1] && arg[2])
            w->caller.uid = (uint32_t)strtoul(arg[2], NULL, 0);
    } else if (strcmp(verb, "wait") == 0) {
        a = labelled(w, arg[0]);
        await(w, a);
        print(w, a);
        forget(a);
    } else if (strcmp(verb, "idle") == 0) {
        a = labelled(w, arg[0]);
        settle(a);
        printf("%s %s: %s\n", w->name, a->verb, a->here ? "answered" : "waits");
    } else if (strcmp(verb, "ping") == 0) {
        ping(w);
    } else if (strcmp(verb, "notices") == 0) {
        printf("%s notices:%s\n", w->name, w->notices);
        w->notices[0] = '\0';
    } else if (strcmp(verb, "cut") == 0) {
        link_cut(&w->link, CUT_RESET);
        until_noticed();
    } else if (simple_verb(w, verb, arg, &o)) {
        check(link_push(&w->link, o.bytes, o.len), "send");
        a = expect(w, w->link.xid, label, verb);
        if (!eq) {
            await(w, a);
            print(w, a);
            forget(a);
        }
    } else {
        die("%s?", verb);
    }
    out_free(&o);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[4096];

    target_from_args(&to, argc, argv);
    if (optind + 2 <= argc) {
        brick = (pid_t)strtol(argv[optind], NULL, 10);
        dumps = argv[optind + 1];
    }
    while (fgets(line, sizeof line, stdin)) {
        char *words[WORDS + 2] = {0}, *save = NULL;
        int n = 0;

        for (char *w = strtok_r(line, " \t\n", &save); w && n < WORDS; w = strtok_r(NULL, " \t\n", &save))
            words[n++] = w;
        if (n == 0 || words[0][0] == '#')
            continue;
        if (n == 1)
            die("%s what?", words[0]);
        run(find(words[0]), words[1], words + 2);
    }
    for (struct who *w; (w = everybody);) {
        everybody = w->next;
        for (int i = 0; i < KEPT; i++)
            forget(&w->answers[i]);
        if (w->link.fd >= 0)
            link_cut(&w->link, CUT_CLOSE);
        free(w);
    }
    return 0;
}
