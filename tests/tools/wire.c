/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The link: connecting, TLS over memory BIOs so that every byte on the network is ours to hold back, and record reading. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

uint64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint32_t rnd(uint32_t *state)
{
    uint32_t x = *state ? *state : 2463534242u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static SSL_CTX *tls_context(const char *dir, const char *name)
{
    char cert[512], key[512], ca[512];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    snprintf(cert, sizeof cert, "%s/%s.pem", dir, name);
    snprintf(key, sizeof key, "%s/%s.key", dir, name);
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    if (!ctx || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
        die("cannot read %s", ca);
    if (*name && (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 || SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1))
        die("cannot read %s and %s", cert, key);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

static void caller_from(struct target *t, const char *text)
{
    char *at = (char *)text;

    t->uid = (uint32_t)strtoul(at, &at, 10);
    t->gid = *at ? (uint32_t)strtoul(at + 1, &at, 10) : t->uid;
    while (*at && t->nr_groups < sizeof t->groups / sizeof t->groups[0])
        t->groups[t->nr_groups++] = (uint32_t)strtoul(at + 1, &at, 10);
}

void target_from_args(struct target *t, int argc, char **argv)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&t->addr;
    const char *dir = NULL, *cert = "client";
    int c;

    memset(t, 0, sizeof *t);
    while ((c = getopt(argc, argv, "+t:c:b:r:u:")) != -1) {
        switch (c) {
        case 't': dir = optarg; break;
        case 'c': cert = optarg; break;
        case 'b': t->brick = optarg; break;
        case 'r': t->rcvbuf = atoi(optarg); break;
        case 'u': caller_from(t, optarg); break;
        default: die("usage: %s [-t pki] [-c certificate] [-b brick] [-r receive-buffer] [-u uid:gid:groups] PORT ...", argv[0]);
        }
    }
    if (optind >= argc)
        die("%s: which port?", argv[0]);
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in->sin_port = htons((uint16_t)atoi(argv[optind++]));
    t->addr_len = sizeof *in;
    if (dir)
        t->tls = tls_context(dir, cert);
}

static int wait_for(struct link *l, short events)
{
    struct pollfd p = {.fd = l->fd, .events = events};
    int n;
    do
        n = poll(&p, 1, l->timeout_ms);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int send_raw(struct link *l, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t want = len;
        ssize_t n;
        if (l->may_send == 0)
            return -ECANCELED;
        if (l->may_send > 0 && want > (size_t)l->may_send)
            want = (size_t)l->may_send;
        n = send(l->fd, bytes, want, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            int ret = wait_for(l, POLLOUT);
            if (ret < 0)
                return ret;
            continue;
        }
        if (n < 0)
            return -errno;
        if (l->may_send > 0)
            l->may_send -= n;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int flush_tls(struct link *l)
{
    uint8_t *bytes;
    BIO *b = SSL_get_wbio(l->ssl);
    long n = BIO_get_mem_data(b, &bytes);
    int ret = send_raw(l, bytes, (size_t)n);
    BIO_reset(b);
    return ret;
}

/* Waits for bytes and takes what is there. 0: the peer closed. */
static ssize_t receive_raw(struct link *l, uint8_t *to, size_t len)
{
    for (;;) {
        ssize_t n;
        if (l->may_receive == 0)
            return -ECANCELED;
        if (l->may_receive > 0 && len > (size_t)l->may_receive)
            len = (size_t)l->may_receive;
        n = recv(l->fd, to, len, 0);
        if (n < 0 && errno == EAGAIN) {
            int ret = wait_for(l, POLLIN);
            if (ret < 0)
                return ret;
            continue;
        }
        if (n > 0 && l->may_receive > 0)
            l->may_receive -= n;
        return n < 0 ? -errno : n;
    }
}

int link_connect(struct link *l, const struct target *to)
{
    int ret, one = 1;
    socklen_t len = sizeof ret;

    memset(l, 0, sizeof *l);
    l->to = to;
    l->may_send = l->may_receive = -1;
    l->timeout_ms = 120000;
    l->fd = socket(to->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return -errno;
    if (to->rcvbuf)
        setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &to->rcvbuf, sizeof to->rcvbuf);
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ret = connect(l->fd, (const struct sockaddr *)&to->addr, to->addr_len) < 0 ? -errno : 0;
    if (ret == -EINPROGRESS) {
        ret = wait_for(l, POLLOUT);
        if (ret == 0 && getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &one, &len) == 0)
            ret = -one;
    }
    if (ret < 0)
        link_cut(l, CUT_CLOSE);
    return ret;
}

static int feed_tls(struct link *l)
{
    uint8_t bytes[CHUNK];
    ssize_t n = receive_raw(l, bytes, sizeof bytes);
    if (n <= 0)
        return n == 0 ? -ECONNRESET : (int)n;
    BIO_write(SSL_get_rbio(l->ssl), bytes, (int)n);
    return 0;
}

int link_handshake(struct link *l)
{
    int ret = 0;
    if (!l->to->tls)
        return 0;
    l->ssl = SSL_new(l->to->tls);
    SSL_set_bio(l->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    while (ret == 0) {
        int n, why;
        ERR_clear_error();
        n = SSL_connect(l->ssl);
        why = n == 1 ? SSL_ERROR_NONE : SSL_get_error(l->ssl, n);
        ret = flush_tls(l);
        if (ret < 0 || why == SSL_ERROR_NONE)
            return ret;
        ret = why == SSL_ERROR_WANT_READ ? feed_tls(l) : -EPROTO;
    }
    return ret;
}

int link_open(struct link *l, const struct target *to)
{
    int ret = link_connect(l, to);
    if (ret < 0)
        return ret;
    ret = link_handshake(l);
    if (ret < 0)
        link_cut(l, CUT_CLOSE);
    return ret;
}

static int seal(struct link *l, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        int n = SSL_write(l->ssl, bytes, len > CHUNK ? CHUNK : (int)len);
        if (n <= 0)
            return -EPROTO;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

int link_push(struct link *l, const void *bytes, size_t len)
{
    int ret;
    if (!l->ssl)
        return send_raw(l, bytes, len);
    ret = seal(l, bytes, len);
    return ret < 0 ? ret : flush_tls(l);
}

size_t link_sealed(struct link *l, size_t len)
{
    size_t records = (len + 16383) / 16384; /* each with header, tag and, by version, inner type or explicit nonce */
    return l->ssl ? len + records * (SSL_version(l->ssl) == TLS1_3_VERSION ? 22 : 29) : len;
}

/* How many bytes the socket at the other end of the loopback has not read yet. */
static long unread_at_peer(struct link *l)
{
    struct sockaddr_in us;
    socklen_t len = sizeof us;
    char line[512], pattern_text[64];
    long unread = -1;
    FILE *f = fopen("/proc/net/tcp", "r");

    if (!f || getsockname(l->fd, (struct sockaddr *)&us, &len) < 0)
        die("/proc/net/tcp: %s", strerror(errno));
    snprintf(pattern_text, sizeof pattern_text, ":%04X %08X:%04X ", ntohs(((const struct sockaddr_in *)&l->to->addr)->sin_port),
             us.sin_addr.s_addr, ntohs(us.sin_port));
    while (unread < 0 && fgets(line, sizeof line, f)) {
        unsigned int state, tx, rx;
        char *at = strstr(line, pattern_text);
        if (at && sscanf(at + strlen(pattern_text), "%x %x:%x", &state, &tx, &rx) == 3)
            unread = (long)rx;
    }
    fclose(f);
    return unread;
}

int link_push_cut(struct link *l, const void *bytes, size_t len, size_t at)
{
    const uint8_t *raw = bytes;
    uint64_t end = now_us() + 10000000;
    uint8_t *copy;
    int ret;

    if (l->ssl) {
        if (seal(l, bytes, len) < 0)
            return -EPROTO;
        len = (size_t)BIO_get_mem_data(SSL_get_wbio(l->ssl), (char **)&raw);
    }
    copy = malloc(len);
    memcpy(copy, raw, len);
    if (l->ssl)
        BIO_reset(SSL_get_wbio(l->ssl));
    if (at > len)
        at = len;
    ret = send_raw(l, copy, at);
    while (ret == 0 && at < len && unread_at_peer(l) > 0) /* the peer must see two pieces, not one */
        if (now_us() > end)
            ret = -ETIMEDOUT;
        else
            usleep(100);
    if (ret == 0)
        ret = send_raw(l, copy + at, len - at);
    free(copy);
    return ret;
}

static void make_room(struct link *l, size_t want)
{
    if (l->taken > 0) {
        memmove(l->in, l->in + l->taken, l->have - l->taken);
        l->have -= l->taken;
        l->taken = 0;
    }
    if (l->cap - l->have < want) {
        l->cap = l->have + want;
        l->in = realloc(l->in, l->cap);
    }
}

/* At least `want` bytes in l->in behind l->taken. */
static int receive(struct link *l, size_t want)
{
    while (l->have - l->taken < want) {
        ssize_t n;
        int ret;
        make_room(l, want > CHUNK ? want : CHUNK);
        if (!l->ssl) {
            n = receive_raw(l, l->in + l->have, l->cap - l->have);
            if (n <= 0)
                return n == 0 ? -ECONNRESET : (int)n;
        } else {
            ERR_clear_error();
            n = SSL_read(l->ssl, l->in + l->have, (int)(l->cap - l->have));
            if (n <= 0) {
                if (SSL_get_error(l->ssl, (int)n) != SSL_ERROR_WANT_READ)
                    return SSL_get_shutdown(l->ssl) & SSL_RECEIVED_SHUTDOWN ? -ECONNRESET : -EPROTO;
                ret = feed_tls(l);
                if (ret < 0)
                    return ret;
                continue;
            }
        }
        l->have += (size_t)n;
    }
    return 0;
}

int link_reply(struct link *l, struct reply *ret_reply)
{
    uint32_t mark, verf;
    const uint8_t *p;
    int ret = receive(l, 4);

    if (ret < 0)
        return ret;
    mark = get_u32(l->in + l->taken);
    if (!(mark & 0x80000000u) || (mark & 0x7fffffffu) < 12)
        return -EBADMSG;
    mark &= 0x7fffffffu;
    ret = receive(l, 4 + mark);
    if (ret < 0)
        return ret;
    p = l->in + l->taken + 4;
    l->taken += 4 + mark;
    memset(ret_reply, 0, sizeof *ret_reply);
    ret_reply->xid = get_u32(p);
    ret_reply->type = get_u32(p + 4);
    if (ret_reply->type != 1 || get_u32(p + 8) != 0) { /* a callback, or denied: the caller looks at type and bytes */
        ret_reply->accept_stat = ret_reply->type == 1 ? UINT32_MAX : 0;
        ret_reply->result = p + 12;
        ret_reply->len = mark - 12;
        return 0;
    }
    if (mark < 24)
        return -EBADMSG;
    verf = (get_u32(p + 16) + 3) & ~3u;
    if (24 + (uint64_t)verf > mark)
        return -EBADMSG;
    ret_reply->accept_stat = get_u32(p + 20 + verf);
    ret_reply->result = p + 24 + verf;
    ret_reply->len = mark - 24 - verf;
    return 0;
}

int link_wait_closed(struct link *l)
{
    uint8_t bytes[4096];
    ssize_t n;
    l->may_receive = -1;
    while ((n = receive_raw(l, bytes, sizeof bytes)) > 0)
        ;
    return n == 0 || n == -ECONNRESET || n == -EPIPE ? 0 : (int)n;
}

void link_cut(struct link *l, enum cut how)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    l->may_send = -1;
    if (how == CUT_RESET)
        setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (how == CUT_NOTIFY && l->ssl && SSL_is_init_finished(l->ssl)) {
        SSL_shutdown(l->ssl);
        flush_tls(l);
    }
    if (how == CUT_HALF && shutdown(l->fd, SHUT_WR) == 0)
        link_wait_closed(l);
    close(l->fd);
    SSL_free(l->ssl);
    free(l->in);
    l->fd = -1;
    l->ssl = NULL;
    l->in = NULL;
}
