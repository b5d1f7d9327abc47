/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Streams and the send queue over a scripted socket: at every call it may move one byte, nothing (EAGAIN), be interrupted,
 * reset or end. Two TLS streams talk through two byte queues in memory, so that each step can be scripted. Numbers are bug
 * classes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sendq.h"
#include "sock.h"
#include "testing/fixture.h"

static struct fixture f;

/* ---- a socket that does what it is told ------------------------------------------------------------------------------------ */
struct pipe {
    uint8_t bytes[1 << 20];
    size_t at, end;
    bool ended;
};
struct scripted {
    struct sock sock;
    struct pipe *in, *out;
    unsigned int calls;
    unsigned int odd_at;   /* the call at which odd happens; 0: never */
    int odd;               /* -EAGAIN, -EINTR, -ECONNRESET, ...       */
    size_t most;           /* bytes a call moves at most              */
    unsigned int again;    /* every so many calls says EAGAIN; 0: never */
};

static int upset(struct scripted *s)
{
    s->calls++;
    if (s->odd_at && s->calls == s->odd_at)
        return s->odd;
    return s->again && s->calls % s->again == 0 ? -EAGAIN : 0;
}

static ssize_t play_receive(void *ctx, int fd, const struct iovec *iov, unsigned int n)
{
    struct scripted *s = ctx;
    int r = upset(s);
    size_t got = 0;

    if (r < 0)
        return r;
    if (s->in->at == s->in->end)
        return s->in->ended ? 0 : -EAGAIN;
    for (unsigned int i = 0; i < n; i++) {
        size_t take = min_of(iov[i].iov_len, min_of(s->in->end - s->in->at, s->most - got));

        memcpy(iov[i].iov_base, s->in->bytes + s->in->at, take);
        s->in->at += take;
        got += take;
    }
    return got;
}

static ssize_t play_transmit(void *ctx, int fd, const struct iovec *iov, unsigned int n)
{
    struct scripted *s = ctx;
    int r = upset(s);
    size_t put = 0;

    if (r < 0)
        return r;
    for (unsigned int i = 0; i < n; i++) {
        size_t take = min_of(iov[i].iov_len, min_of(sizeof(s->out->bytes) - s->out->end, s->most - put));

        memcpy(s->out->bytes + s->out->end, iov[i].iov_base, take);
        s->out->end += take;
        put += take;
    }
    return put ? (ssize_t)put : -EAGAIN;
}
static const struct sock_calls played = {play_receive, play_transmit};

struct duo {
    struct pipe to_server, to_client;
    struct scripted server, client;
    struct tls *ts, *tc;
};

static void script(struct scripted *s, struct pipe *in, struct pipe *out)
{
    *s = (struct scripted){.in = in, .out = out, .most = SIZE_MAX};
    sock_init(&s->sock, -1);
    s->sock.calls = &played;
    s->sock.ctx = s;
}

static void ready(struct scripted *s)
{
    s->sock.readable = s->sock.writable = true;
}

static struct duo *duo_new(void)
{
    struct duo *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    script(&d->server, &d->to_server, &d->to_client);
    script(&d->client, &d->to_client, &d->to_server);
    assert_int_equal(tls_open(f.server, &d->server.sock, f.env.bufs, true, &d->ts), 0);
    assert_int_equal(tls_open(f.client, &d->client.sock, f.env.bufs, false, &d->tc), 0);
    return d;
}

static void duo_free(struct duo *d)
{
    tls_stream(d->ts)->type->free(tls_stream(d->ts));
    tls_stream(d->tc)->type->free(tls_stream(d->tc));
    free(d);
}

/* 0 when both are proven, else what the first to fail said. */
static int shake_hands(struct duo *d)
{
    int rs = -EAGAIN, rc = -EAGAIN;
    bool write;

    for (int i = 0; i < 20000 && (rs || rc); i++) {
        ready(&d->client);
        ready(&d->server);
        if (rc)
            rc = tls_handshake(d->tc, &write);
        if (rs)
            rs = tls_handshake(d->ts, &write);
        if (rc && rc != -EAGAIN)
            return rc;
        if (rs && rs != -EAGAIN)
            return rs;
    }
    return rs ? rs : rc;
}

static ssize_t read_all(struct tls *t, struct scripted *s, uint8_t *to, size_t len)
{
    size_t have = 0;

    for (int i = 0; i < 100000 && have < len; i++) {
        ssize_t r;

        ready(s);
        r = tls_stream(t)->type->read(tls_stream(t), to + have, len - have);
        if (r == -EAGAIN)
            continue;
        if (r <= 0)
            return r;
        have += r;
    }
    return have;
}

static uint8_t data[400000], back[400000];

static int write_all(struct tls *t, struct scripted *s, size_t len)
{
    size_t done = 0;
    int r = -EAGAIN;

    for (int i = 0; i < 100000 && (done < len || r); i++) {
        struct iovec iov[3] = {{data + done, min_of(len - done, (size_t)4)}, {data + done + 4, 100}, {0}};
        ssize_t n;

        ready(s);
        if (done < len) {
            size_t first = iov[0].iov_len;

            iov[1].iov_len = min_of(len - done - first, (size_t)100);
            iov[2] = (struct iovec){data + done + first + iov[1].iov_len, len - done - first - iov[1].iov_len};
            n = tls_stream(t)->type->write(tls_stream(t), iov, 3);
            if (n < 0 && n != -EAGAIN)
                return n;
            done += n > 0 ? n : 0;
            continue;
        }
        r = tls_stream(t)->type->flush(tls_stream(t));
        if (r && r != -EAGAIN)
            return r;
    }
    return r;
}

/* 14, 23: the handshake and what follows do not mind where the bytes are cut. */
static void one_byte_at_a_time_is_enough(void **state)
{
    struct duo *d = duo_new();

    d->server.most = d->client.most = 1;
    assert_int_equal(shake_hands(d), 0);
    assert_int_equal(write_all(d->tc, &d->client, 40000), 0);
    assert_int_equal(read_all(d->ts, &d->server, back, 40000), 40000);
    assert_memory_equal(data, back, 40000);
    duo_free(d);
}

/* 12, 23, 26: at each call in turn something odd; EAGAIN and EINTR change nothing, the rest ends it with the right errno. */
static void every_call_may_be_upset(void **state)
{
    static const int odds[] = {-EAGAIN, -EINTR, -ECONNRESET, -ETIMEDOUT};

    for (unsigned int o = 0; o < array_len(odds); o++)
        for (int side = 0; side < 2; side++)
            for (unsigned int at = 1;; at++) {
                struct duo *d = duo_new();
                struct scripted *s = side ? &d->client : &d->server;
                bool harmless = odds[o] == -EAGAIN || odds[o] == -EINTR, over;
                int r;

                s->odd_at = at;
                s->odd = odds[o];
                r = shake_hands(d);
                if (r == 0)
                    r = write_all(d->tc, &d->client, 50000);
                if (r == 0) {
                    ssize_t n = read_all(d->ts, &d->server, back, 50000);

                    r = n == 50000 ? 0 : (int)n;
                }
                over = s->calls < at;
                if (harmless || over)
                    assert_int_equal(r, 0);
                else
                    assert_int_equal(r, odds[o]);
                if (r == 0)
                    assert_memory_equal(data, back, 50000);
                duo_free(d);
                if (over)
                    break;
            }
}

/* The stream ends after each byte of what was sent: an end is an end, never a wrong byte, and never told as success of more. */
static void an_end_at_every_byte_is_an_end(void **state)
{
    struct duo *d = duo_new();
    size_t from, to;

    assert_int_equal(shake_hands(d), 0);
    from = d->to_server.end;
    assert_int_equal(write_all(d->tc, &d->client, 300), 0);
    to = d->to_server.end;
    duo_free(d);
    for (size_t cut = 0; cut <= to - from; cut++) {
        ssize_t r, n = 0;

        d = duo_new();
        assert_int_equal(shake_hands(d), 0);
        from = d->to_server.end;
        assert_int_equal(write_all(d->tc, &d->client, 300), 0);
        d->to_server.end = from + min_of(cut, d->to_server.end - from);
        d->to_server.ended = true;
        do {
            ready(&d->server);
            r = tls_stream(d->ts)->type->read(tls_stream(d->ts), back + n, 300 - n ? 300 - n : 1);
            n += r > 0 ? r : 0;
        } while (r > 0 || r == -EAGAIN);
        assert_int_equal(r, 0);
        assert_true(n == 0 || n == 300);
        assert_memory_equal(data, back, n);
        ready(&d->server);
        assert_int_equal(tls_stream(d->ts)->type->read(tls_stream(d->ts), back, 1), 0); /* and stays one */
        duo_free(d);
    }
}

static void a_changed_byte_is_an_error(void **state)
{
    for (int i = 5; i < 60; i += 9) {
        struct duo *d = duo_new();
        size_t from;

        assert_int_equal(shake_hands(d), 0);
        from = d->to_server.end;
        assert_int_equal(write_all(d->tc, &d->client, 300), 0);
        d->to_server.bytes[from + i] ^= 1;
        assert_int_equal(read_all(d->ts, &d->server, back, 300), -EPROTO);
        assert_string_not_equal(tls_stream(d->ts)->why, "");
        duo_free(d);
    }
}

/* 26: one peer's error in this thread's error queue does not become another's. */
static void one_peers_error_is_not_anothers(void **state)
{
    struct duo *good = duo_new(), *bad;

    assert_int_equal(shake_hands(good), 0);
    for (int i = 0; i < 5; i++) {
        size_t from;

        bad = duo_new();
        assert_int_equal(shake_hands(bad), 0);
        from = bad->to_server.end;
        assert_int_equal(write_all(bad->tc, &bad->client, 100), 0);
        bad->to_server.bytes[from + 20] ^= 1;
        assert_int_equal(read_all(bad->ts, &bad->server, back, 100), -EPROTO);
        ready(&good->server);
        assert_int_equal(tls_stream(good->ts)->type->read(tls_stream(good->ts), back, 1), -EAGAIN);
        assert_int_equal(write_all(good->tc, &good->client, 100), 0);
        assert_int_equal(read_all(good->ts, &good->server, back, 100), 100);
        duo_free(bad);
    }
    duo_free(good);
}

/* 13 */
static void goodbye_is_heard(void **state)
{
    struct duo *d = duo_new();

    assert_int_equal(shake_hands(d), 0);
    assert_int_equal(write_all(d->tc, &d->client, 100), 0);
    ready(&d->client);
    assert_int_equal(tls_stream(d->tc)->type->goodbye(tls_stream(d->tc)), 0);
    assert_int_equal(read_all(d->ts, &d->server, back, 100), 100);
    ready(&d->server);
    assert_int_equal(tls_stream(d->ts)->type->read(tls_stream(d->ts), back, 1), 0);
    assert_false(d->server.sock.ended); /* it was said, not found out */
    duo_free(d);
}

/* ---- the send queue -------------------------------------------------------------------------------------------------------- */
struct queued {
    struct msg m;
    int seen, err;
};
static unsigned int order;
static void on_done(void *ctx, struct msg *m, int err)
{
    struct queued *q = container_of(m, struct queued, m);

    assert_int_equal(q->seen, 0); /* once */
    q->seen = ++order;
    q->err = err;
    slicev_done(&m->body);
}

static void fill(struct queued *q, size_t len, unsigned int parts)
{
    memset(q, 0, sizeof(*q));
    for (unsigned int i = 0; i < parts; i++) {
        struct slice s = slice_new(f.env.bufs, len / parts);

        memcpy(s.at, data + i * (len / parts), len / parts);
        slicev_add(&q->m.body, s);
    }
}

/* 1, 14: whatever the socket takes at a time, the bytes are the same and each message is reported once, in order. */
static void the_queue_survives_every_pace(void **state)
{
    enum { N = 40 };
    static const size_t paces[] = {1, 3, 100, 4096, SIZE_MAX};

    for (int tls = 0; tls < 2; tls++)
        for (unsigned int p = 0; p < array_len(paces); p++)
            for (unsigned int again = 0; again < 3; again++) {
                struct duo *d = duo_new();
                struct queued q[N];
                struct stream *s, *plain = NULL;
                struct sendq out;
                int r = -EAGAIN;

                if (tls)
                    assert_int_equal(shake_hands(d), 0);
                assert_int_equal(plain_open(&d->client.sock, f.env.bufs, &plain), 0);
                s = tls ? tls_stream(d->tc) : plain;
                order = 0;
                d->client.most = paces[p];
                d->client.again = again ? again + 1 : 0;
                sendq_init(&out, on_done, NULL);
                for (int i = 0; i < N; i++) {
                    fill(&q[i], 700 * (1 + i % 7), 1 + i % 7);
                    assert_int_equal(sendq_put(&out, &q[i].m), 0);
                }
                for (int i = 0; i < 1000000 && r; i++) {
                    ready(&d->client);
                    r = sendq_flush(&out, s, SIZE_MAX);
                    assert_true(r == 0 || r == -EAGAIN);
                }
                assert_int_equal(r, 0);
                assert_true(sendq_idle(&out));
                assert_int_equal(atomic_load(&out.bytes), 0);
                for (int i = 0; i < N; i++) {
                    uint8_t mark[4];
                    size_t len = 700 * (1 + i % 7);

                    assert_int_equal(q[i].seen, i + 1);
                    assert_int_equal(q[i].err, 0);
                    if (tls) {
                        assert_int_equal(read_all(d->ts, &d->server, mark, 4), 4);
                        assert_int_equal(read_all(d->ts, &d->server, back, len), len);
                    } else {
                        memcpy(mark, d->to_server.bytes + d->to_server.at, 4);
                        memcpy(back, d->to_server.bytes + d->to_server.at + 4, len);
                        d->to_server.at += 4 + len;
                    }
                    assert_int_equal(mark[0], 0x80);
                    assert_int_equal(mark[2] << 8 | mark[3], len);
                    assert_memory_equal(back, data, len);
                }
                plain->type->free(plain);
                duo_free(d);
            }
}

/* 36, towards stock: no TLS record has bytes of two messages, and a small message is one record. */
static void no_record_has_bytes_of_two_messages(void **state)
{
    struct duo *d = duo_new();
    struct queued q[3];
    struct sendq out;
    size_t at, records = 0;

    assert_int_equal(shake_hands(d), 0);
    at = d->to_server.end;
    sendq_init(&out, on_done, NULL);
    order = 0;
    for (int i = 0; i < 3; i++) {
        fill(&q[i], 1000, 4);
        assert_int_equal(sendq_put(&out, &q[i].m), 0);
    }
    ready(&d->client);
    d->client.calls = 0;
    assert_int_equal(sendq_flush(&out, tls_stream(d->tc), SIZE_MAX), 0);
    assert_int_equal(d->client.calls, 1); /* and all of them leave with one call */
    for (; at < d->to_server.end; records++)
        at += 5 + (d->to_server.bytes[at + 3] << 8 | d->to_server.bytes[at + 4]);
    assert_int_equal(records, 3);
    duo_free(d);
}

static void what_cannot_be_sent_is_reported_once(void **state)
{
    enum { N = 50 };
    struct duo *d = duo_new();
    struct queued q[N];
    struct stream *plain;
    struct sendq out;
    unsigned int sent = 0;

    assert_int_equal(plain_open(&d->client.sock, f.env.bufs, &plain), 0);
    sendq_init(&out, on_done, NULL);
    order = 0;
    for (int i = 0; i < N; i++) {
        fill(&q[i], 4096, 1);
        assert_int_equal(sendq_put(&out, &q[i].m), 0);
    }
    d->client.most = 10000;
    d->client.odd_at = 2;
    d->client.odd = -ECONNRESET;
    assert_int_equal(sendq_flush(&out, plain, SIZE_MAX), -EAGAIN);
    ready(&d->client);
    assert_int_equal(sendq_flush(&out, plain, SIZE_MAX), -ECONNRESET);
    sendq_empty(&out, -ECONNRESET);
    for (int i = 0; i < N; i++) {
        assert_int_equal(q[i].seen, i + 1);
        sent += q[i].err == 0;
    }
    assert_int_equal(sent, 2); /* and a part of the third, which does not count */
    assert_int_equal(atomic_load(&out.bytes), 0);
    plain->type->free(plain);
    duo_free(d);
}

static void a_message_longer_than_a_record_is_not_taken(void **state)
{
    struct queued q = {.seen = 0};
    struct sendq out;

    sendq_init(&out, on_done, NULL);
    assert_int_equal(sendq_put(&out, &q.m), -EMSGSIZE); /* none at all */
    q.m.body.len = (size_t)INT32_MAX + 1;
    assert_int_equal(sendq_put(&out, &q.m), -EMSGSIZE);
    assert_true(sendq_idle(&out));
}

static int setup(void **state)
{
    fixture_init(&f);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = i * 13 + (i >> 9);
    return 0;
}
static int teardown(void **state)
{
    fixture_done(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_at_a_time_is_enough),
        cmocka_unit_test(every_call_may_be_upset),
        cmocka_unit_test(an_end_at_every_byte_is_an_end),
        cmocka_unit_test(a_changed_byte_is_an_error),
        cmocka_unit_test(one_peers_error_is_not_anothers),
        cmocka_unit_test(goodbye_is_heard),
        cmocka_unit_test(the_queue_survives_every_pace),
        cmocka_unit_test(no_record_has_bytes_of_two_messages),
        cmocka_unit_test(what_cannot_be_sent_is_reported_once),
        cmocka_unit_test(a_message_longer_than_a_record_is_not_taken),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
