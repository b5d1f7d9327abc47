/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a program may ask about its volume: the volume file, the volume's id, a statedump. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake.h"
#include "impl.h"
#include "rpc-client.h"
#include "statedump.h"
#include "wire.h"

#define ASK_TIMEOUT_MS 30000

void fs_keep_text(struct glfs *fs, const char *text, size_t len)
{
    char *copy = malloc(max_of(len, (size_t)1)), *old;

    if (!copy)
        return;
    memcpy(copy, text, len);
    pthread_mutex_lock(&fs->lock);
    old = fs->text;
    fs->text = copy;
    fs->text_len = len;
    pthread_mutex_unlock(&fs->lock);
    free(old);
}

int fs_keep_file(struct glfs *fs, const char *name)
{
    FILE *f = fopen(name, "re");
    char *text = NULL;
    size_t len = 0;
    ssize_t n;

    if (!f)
        return -errno;
    n = getdelim(&text, &len, '\0', f); /* a volume file is text */
    fclose(f);
    if (n >= 0)
        fs_keep_text(fs, text, (size_t)n);
    free(text);
    return n < 0 ? -EINVAL : 0;
}

ssize_t glfs_get_volfile(glfs_t *fs, void *buf, size_t len)
{
    if (!fs_there(fs))
        return -1;
    SCOPED_LOCK(&fs->lock);
    if (len < fs->text_len)
        return (ssize_t)len - (ssize_t)fs->text_len;
    memcpy(buf, fs->text, fs->text_len);
    return (ssize_t)fs->text_len;
}

/* ---- the id: the daemon is asked ------------------------------------------------------------------------------------------- */

struct question {
    struct loop_work work;
    struct glfs *fs;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;           /* lock */
    int err;
    gfid_t id;
};

static void told(struct question *q, int err)
{
    SCOPED_LOCK(&q->lock);
    q->err = err;
    q->done = true;
    pthread_cond_signal(&q->answered);
}

static int take_answer(struct question *q, const hndsk_info_rsp *rsp)
{
    struct dict *d = NULL;
    int failed;

    if (rsp->op_ret < 0)
        return rsp->op_errno ? -rsp->op_errno : -EIO;
    failed = wire_dict3_open(&rsp->dict, &d);
    if (!failed)
        failed = dict_get_gfid(d, "volume_id", &q->id);
    dict_unref(d);
    return failed;
}

static void answered(void *ctx, struct rpc_reply *reply)
{
    struct question *q = ctx;
    hndsk_info_rsp rsp = {0};
    int failed = reply->err;

    if (!failed && wire_decode(xdr_hndsk_info_rsp, &rsp, reply->result, reply->len) < 0)
        failed = -EBADMSG;
    told(q, failed ? failed : take_answer(q, &rsp));
}

static int ask(struct question *q, struct dict *d)
{
    hndsk_info_req req = {0};
    size_t len;
    uint8_t *bytes;
    int failed;

    if (!mgmt_connected(q->fs->mgmt))
        return -ENOTCONN;
    if (dict_set_text(d, "flags", "1") < 0 || dict_set_text(d, "volname", q->fs->volname) < 0)
        return -ENOMEM;
    len = dict3_size(d);
    bytes = malloc(len);
    if (!bytes)
        return -ENOMEM;
    dict3_encode(d, bytes);
    req.dict = (wire_dict3){.at = bytes, .len = (uint32_t)len};
    failed = rpc_ask(mgmt_client(q->fs->mgmt), HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_GET_VOLUME_INFO, xdr_hndsk_info_req, &req,
                     ASK_TIMEOUT_MS, answered, q);
    free(bytes);
    return failed;
}

static void ask_on_loop(struct loop_work *w)
{
    struct question *q = container_of(w, struct question, work);
    struct dict *d = dict_new();
    int failed = d ? ask(q, d) : -ENOMEM;

    dict_unref(d);
    if (failed)
        told(q, failed);
}

static int ask_for_id(struct glfs *fs, gfid_t *ret)
{
    struct question q = {.fs = fs, .work.run = ask_on_loop, .lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

    if (!fs->mgmt)
        return -EINVAL; /* a volume file that was given tells nobody's id */
    loop_post(fs->process.env.loop, &q.work);
    pthread_mutex_lock(&q.lock);
    while (!q.done)
        pthread_cond_wait(&q.answered, &q.lock);
    pthread_mutex_unlock(&q.lock);
    pthread_mutex_destroy(&q.lock);
    pthread_cond_destroy(&q.answered);
    if (!q.err)
        *ret = q.id;
    return q.err;
}

int glfs_get_volumeid(glfs_t *fs, char *volid, size_t size)
{
    gfid_t id = {0};
    int r;

    if (!fs_there(fs))
        return -1;
    if (!volid || !size)
        return (int)sizeof(id.b);
    if (size < sizeof(id.b))
        return (int)answer(-EINVAL);
    r = ask_for_id(fs, &id);
    if (r < 0)
        return (int)answer(r);
    memcpy(volid, id.b, sizeof(id.b));
    return (int)sizeof(id.b);
}

/* ---- statedump ------------------------------------------------------------------------------------------------------------- */

void fs_dump(struct glfs *fs)
{
    struct err err = {0};

    SCOPED_LOCK(&fs->dump_lock);
    if (statedump_write(&fs->process, "glusterdump", &err) < 0)
        log_error(DOMAIN, "%s", err.text);
}

int glfs_sysrq(glfs_t *fs, char sysrq)
{
    if (!fs_there(fs))
        return -1;
    switch (sysrq) {
    case GLFS_SYSRQ_HELP:
        log_info(DOMAIN, "glfs_sysrq(): %c: this list, %c: a statedump", GLFS_SYSRQ_HELP, GLFS_SYSRQ_STATEDUMP);
        return 0;
    case GLFS_SYSRQ_STATEDUMP:
        fs_dump(fs);
        return 0;
    default:
        return (int)answer(-ENOTSUP);
    }
}
