/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rawfop: one file operation by gfid, as replicate and its heal daemon send them; the answer as text.
 *
 *   rawfop [-t pki] [-c cert] [-b brick] PORT OPERATION GFID [arguments] [+KEY=VALUE]...
 *
 *   lookup GFID [NAME]          getxattr GFID NAME|""      list GFID
 *   unlink GFID NAME            rmdir GFID NAME FLAGS      xattrop GFID FLAGS [KEY=HEX]...
 *
 * GFID may be "root". +KEY=VALUE goes into xdata: a number as signed, anything else as text. Exit status 1: the answer is an error,
 * which is printed. */
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROGRAM = 1298437, IATT = 148, NO_FD = -2 };
enum { UNLINK = 5, RMDIR = 6, GETXATTR = 18, OPENDIR = 20, LOOKUP = 27, READDIR = 28, XATTROP = 33 };

static struct link l;
static struct out o, pairs;
static char **xdata;

/* ---- what is asked ---------------------------------------------------------------------------------------------------------- */

static unsigned int digit(char c)
{
    const char *all = "0123456789abcdef", *at = c ? strchr(all, c) : NULL;

    if (!at)
        die("rawfop: not a hexadecimal digit: %c", c);
    return (unsigned int)(at - all);
}

static size_t from_hex(const char *text, uint8_t *to, size_t max)
{
    size_t n = 0;

    for (; *text; text++) {
        if (*text == '-')
            continue;
        if (n == max || !text[1])
            die("rawfop: too long, or half a byte");
        to[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
        text++;
    }
    return n;
}

static void put_gfid(const char *text)
{
    uint8_t gfid[16] = {0};

    if (strcmp(text, "root") == 0)
        gfid[15] = 1;
    else if (*text && from_hex(text, gfid, 16) != 16)
        die("rawfop: not a gfid: %s", text);
    put_bytes(&o, gfid, 16);
}

static void put_text(const char *text)
{
    put_opaque(&o, text, strlen(text));
}

static void put_dict(unsigned int n)
{
    put_u32(&o, n ? (uint32_t)pairs.len : 0);
    put_u32(&o, n ? n : UINT32_MAX);
    put_u32(&o, n);
    if (n)
        put_bytes(&o, pairs.bytes, pairs.len);
    pairs.len = 0;
}

static void put_xdata(void)
{
    unsigned int n = 0;

    for (char **x = xdata; *x && **x == '+'; x++, n++) {
        char *value = strchr(*x, '='), *end;
        if (!value)
            die("rawfop: +KEY=VALUE, not %s", *x);
        *value++ = '\0';
        put_opaque(&pairs, *x + 1, strlen(*x + 1) + 1);
        long long number = strtoll(value, &end, 10);
        put_u32(&pairs, *value && !*end ? 2 : 5);
        if (*value && !*end)
            put_u64(&pairs, (uint64_t)number);
        else
            put_opaque(&pairs, value, strlen(value) + 1);
        value[-1] = '=';
    }
    put_dict(n);
}

/* ---- what is answered ------------------------------------------------------------------------------------------------------- */

static const uint8_t *at;
static size_t left;

static const uint8_t *take(size_t n)
{
    const uint8_t *bytes = at;

    if (n > left)
        die("rawfop: the answer is too short");
    at += n;
    left -= n;
    return bytes;
}

static const uint8_t *take_opaque(size_t *len)
{
    *len = get_u32(take(4));
    const uint8_t *bytes = take(*len);
    take(-*len & 3);
    return bytes;
}

static void print_gfid(const uint8_t *g)
{
    for (int i = 0; i < 16; i++)
        printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", g[i]);
}

static void print_dict(const char *what)
{
    take(8);
    for (uint32_t n = get_u32(take(4)); n > 0; n--) {
        size_t len;
        const char *key = (const char *)take_opaque(&len);
        uint32_t type = get_u32(take(4));
        printf("%s %s ", what, key);
        if (type == 2 || type == 3) {
            printf("%s:%" PRId64 "\n", type == 2 ? "signed" : "unsigned", (int64_t)get_u64(take(8)));
            continue;
        }
        len = type == 4 ? 8 : type == 7 ? 16 : type == 8 ? IATT : type == 9 ? 36 : SIZE_MAX;
        const uint8_t *value = len == SIZE_MAX ? take_opaque(&len) : take(len);
        if (type == 5) {
            printf("text:%s\n", (const char *)value);
        } else {
            printf("%u:", type);
            for (size_t i = 0; i < len; i++)
                printf("%02x", value[i]);
            putchar('\n');
        }
    }
}

static void print_iatt(const char *what)
{
    const uint8_t *b = take(IATT); /* spec wire 5.3 */

    printf("%s gfid ", what);
    print_gfid(b);
    printf(" ino %" PRIu64 " raw ", get_u64(b + 24));
    for (int i = 16; i < IATT; i++)
        printf("%02x", b[i]);
    putchar('\n');
}

/* Sends what is in o; returns op_ret, the answer behind op_errno and xdata is at `at`. */
static int32_t ask(void)
{
    struct reply r;
    int failed = 0;

    call_end(&o);
    if ((failed = link_push(&l, o.bytes, o.len)) < 0)
        die("rawfop: %s", strerror(-failed));
    do {
        if ((failed = link_reply(&l, &r)) < 0)
            die("rawfop: %s", strerror(-failed));
    } while (r.type != 1);
    if (r.accept_stat)
        die("rawfop: accept status %u", r.accept_stat);
    at = r.result;
    left = r.len;
    int32_t ret = (int32_t)get_u32(take(4));
    int32_t err = (int32_t)get_u32(take(4));
    print_dict("xdata");
    if (ret < 0) {
        printf("error %s\n", strerrorname_np(err) ? strerrorname_np(err) : "?");
        exit(1);
    }
    return ret;
}

static void begin(uint32_t procedure, const char *gfid)
{
    call_begin(&o, &l, PROGRAM, 400, procedure);
    put_gfid(gfid);
}

/* ---- operations ---------------------------------------------------------------------------------------------------------------- */

static void lookup(char **arg, int n)
{
    begin(LOOKUP, n > 1 ? "" : arg[0]);
    put_gfid(n > 1 ? arg[0] : "");
    put_u32(&o, 0);
    put_text(n > 1 ? arg[1] : "");
    put_xdata();
    ask();
    print_iatt("stat");
    print_iatt("parent");
}

static void getxattr(char **arg, int n)
{
    begin(GETXATTR, arg[0]);
    put_u32(&o, arg[1][0] != '\0');
    put_text(arg[1]);
    put_xdata();
    printf("ret %d\n", ask());
    print_dict("value");
}

static void list(char **arg, int n)
{
    uint64_t offset = 0;
    int32_t got;

    begin(OPENDIR, arg[0]);
    put_xdata();
    ask();
    uint64_t fd = get_u64(take(8));
    do {
        begin(READDIR, arg[0]);
        put_u64(&o, fd);
        put_u64(&o, offset);
        put_u32(&o, 600); /* a few at a time, so that cookies are used */
        put_xdata();
        got = ask();
        while (get_u32(take(4))) {
            size_t len;
            take(8);
            offset = get_u64(take(8));
            take(4);
            uint32_t type = get_u32(take(4));
            const uint8_t *name = take_opaque(&len);
            printf("entry %.*s type %u\n", (int)len, (const char *)name, type);
        }
    } while (got > 0);
}

static void xattrop(char **arg, int n)
{
    begin(XATTROP, arg[0]);
    put_u32(&o, (uint32_t)atoi(arg[1]));
    for (int i = 2; i < n; i++) {
        uint8_t bytes[64];
        char *hex = strchr(arg[i], '=');
        if (!hex)
            die("rawfop: KEY=HEX, not %s", arg[i]);
        *hex++ = '\0';
        put_opaque(&pairs, arg[i], strlen(arg[i]) + 1);
        put_u32(&pairs, 6);
        put_opaque(&pairs, bytes, from_hex(hex, bytes, sizeof(bytes)));
    }
    put_dict((unsigned int)n - 2);
    put_xdata();
    ask();
    print_dict("value");
}

static void unlink_name(char **arg, int n)
{
    begin(UNLINK, arg[0]);
    put_text(arg[1]);
    put_u32(&o, 0);
    put_xdata();
    ask();
}

static void remove_dir(char **arg, int n)
{
    begin(RMDIR, arg[0]);
    put_u32(&o, (uint32_t)atoi(arg[2]));
    put_text(arg[1]);
    put_xdata();
    ask();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int needs;
        void (*run)(char **arg, int n);
    } ops[] = {{"lookup", 1, lookup}, {"getxattr", 2, getxattr}, {"list", 1, list}, {"xattrop", 2, xattrop}, {"unlink", 2, unlink_name},
               {"rmdir", 3, remove_dir}};
    struct target to = {0};

    target_from_args(&to, argc, argv);
    char **arg = argv + optind + 1;
    int n = 0;
    while (optind < argc && arg[n] && *arg[n] != '+')
        n++;
    xdata = arg + n;
    for (size_t i = 0; optind < argc && i < sizeof ops / sizeof ops[0]; i++) {
        if (strcmp(ops[i].name, argv[optind]) != 0)
            continue;
        if (n < ops[i].needs)
            break;
        if (link_open(&l, &to) < 0 || link_login(&l) < 0)
            die("rawfop: no connection");
        ops[i].run(arg, n);
        return 0;
    }
    die("rawfop: which operation?");
}
