/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* vectors.c */
#include "vectors.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "callback.h"
#include "common.h"
#include "dump.h"
#include "fop400.h"
#include "handshake.h"
#include "portmap.h"
#include "rpcmsg.h"

/* ---- files -------------------------------------------------------------------------------------------------------------- */
static int hex(char c)
{
    assert(isxdigit((unsigned char)c));
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}
static void add_hex(uint8_t **bytes, size_t *len, const char *line)
{
    for (; isxdigit((unsigned char)line[0]); line += 2) {
        *bytes = realloc(*bytes, *len + 1);
        assert(*bytes);
        (*bytes)[(*len)++] = (uint8_t)(hex(line[0]) << 4 | hex(line[1]));
    }
}
static void strip_mark(uint8_t *bytes, size_t *len)
{
    uint32_t mark;
    assert(*len >= 4);
    memcpy(&mark, bytes, 4);
    assert(be32toh(mark) == (0x80000000u | (*len - 4)));
    *len -= 4;
    memmove(bytes, bytes + 4, *len);
}
static void load(struct vector *v, const char *dir)
{
    char path[512], *line = NULL;
    size_t room = 0;
    uint8_t **bytes = NULL;
    size_t *len = NULL;
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, v->name);
    f = fopen(path, "r");
    assert(f);
    while (getline(&line, &room, f) >= 0) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (strcmp(line, "CALL\n") == 0) {
            bytes = &v->call;
            len = &v->call_len;
        } else if (strcmp(line, "REPLY\n") == 0) {
            bytes = &v->reply;
            len = &v->reply_len;
        } else {
            assert(bytes);
            add_hex(bytes, len, line);
        }
    }
    fclose(f);
    free(line);
    assert(v->call);
    strip_mark(v->call, &v->call_len);
    if (v->reply)
        strip_mark(v->reply, &v->reply_len);
}
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct vector *)a)->name, ((const struct vector *)b)->name);
}
struct vector *vectors_load(const char *dir, const char *prefix)
{
    struct vector *v = calloc(1, sizeof(*v));
    size_t n = 0;
    struct dirent *e;
    DIR *d = opendir(dir);

    assert(d && v);
    while ((e = readdir(d))) {
        size_t len = strlen(e->d_name);
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 || len < 5 || strcmp(e->d_name + len - 4, ".hex") != 0)
            continue;
        assert(len < sizeof(v->name));
        v = realloc(v, (n + 2) * sizeof(*v));
        assert(v);
        memset(&v[n], 0, 2 * sizeof(*v));
        memcpy(v[n].name, e->d_name, len + 1);
        load(&v[n++], dir);
    }
    closedir(d);
    qsort(v, n, sizeof(*v), by_name);
    return v;
}
void vectors_free(struct vector *v)
{
    for (struct vector *p = v; p->name[0]; p++) {
        free(p->call);
        free(p->reply);
    }
    free(v);
}

/* ---- procedures --------------------------------------------------------------------------------------------------------- */
#define SHAPE(t) .name = #t, .proc = xdr_##t, .size = sizeof(t)
#define DICT(t, m) (offsetof(t, m) + 1)
#define X(t)     {SHAPE(t), .dicts = {DICT(t, xdata)}}
#define XD(t, m) {SHAPE(t), .dicts = {DICT(t, m), DICT(t, xdata)}}
#define XL(t, l) {SHAPE(t), .dicts = {DICT(t, xdata)}, .list = DICT(t, l)}
#define D3(t, m) {SHAPE(t), .dict3 = DICT(t, m)}
#define P(t)     {SHAPE(t)}
#define FOP(n, req, rsp) {FOP_PROGRAM, FOP400_VERSION, n, req, rsp}
#define HNDSK(n, req, rsp) {HNDSK_PROGRAM, HNDSK_VERSION, n, req, rsp}
#define PMAP(n, req, rsp) {PMAP_PROGRAM, PMAP_VERSION, n, req, rsp}
#define CBK(n, req) {CBK_PROGRAM, CBK_VERSION, n, req, {0}}
#define NONE {0}

const struct procedure procedures[] = {
    FOP(0, NONE, P(rpc_common_rsp)),
    FOP(1, X(fop_gfid_req), X(fop_iatt_rsp)),                 /* STAT */
    FOP(2, X(fop_readlink_req), X(fop_readlink_rsp)),
    FOP(3, X(fop_mknod_req), X(fop_3iatt_rsp)),
    FOP(4, X(fop_mkdir_req), X(fop_3iatt_rsp)),
    FOP(5, X(fop_unlink_req), X(fop_2iatt_rsp)),
    FOP(6, X(fop_rmdir_req), X(fop_2iatt_rsp)),
    FOP(7, X(fop_symlink_req), X(fop_3iatt_rsp)),
    FOP(8, X(fop_rename_req), X(fop_rename_rsp)),
    FOP(9, X(fop_link_req), X(fop_3iatt_rsp)),
    FOP(10, X(fop_truncate_req), X(fop_2iatt_rsp)),
    FOP(11, X(fop_open_req), X(fop_open_rsp)),
    FOP(12, X(fop_rw_req), X(fop_read_rsp)),
    FOP(13, X(fop_rw_req), X(fop_2iatt_rsp)),
    FOP(14, X(fop_gfid_req), X(fop_statfs_rsp)),
    FOP(15, X(fop_fd_req), X(fop_rsp)),                       /* FLUSH */
    FOP(16, X(fop_fsync_req), X(fop_2iatt_rsp)),
    FOP(17, XD(fop_setxattr_req, dict), X(fop_rsp)),
    FOP(18, X(fop_getxattr_req), XD(fop_dict_rsp, dict)),
    FOP(19, X(fop_removexattr_req), X(fop_rsp)),
    FOP(20, X(fop_gfid_req), X(fop_open_rsp)),                /* OPENDIR */
    FOP(21, X(fop_fsync_req), X(fop_rsp)),
    FOP(22, X(fop_access_req), X(fop_rsp)),
    FOP(23, X(fop_create_req), X(fop_create_rsp)),
    FOP(24, X(fop_ftruncate_req), X(fop_2iatt_rsp)),
    FOP(25, X(fop_fd_req), X(fop_iatt_rsp)),                  /* FSTAT */
    FOP(26, X(fop_lk_req), X(fop_lk_rsp)),
    FOP(27, X(fop_lookup_req), X(fop_2iatt_rsp)),
    FOP(28, X(fop_readdir_req), XL(fop_readdir_rsp, entries)),
    FOP(29, X(fop_inodelk_req), X(fop_rsp)),
    FOP(30, X(fop_finodelk_req), X(fop_rsp)),
    FOP(31, X(fop_entrylk_req), X(fop_rsp)),
    FOP(32, X(fop_fentrylk_req), X(fop_rsp)),
    FOP(33, XD(fop_xattrop_req, dict), XD(fop_dict_rsp, dict)),
    FOP(34, XD(fop_fxattrop_req, dict), XD(fop_dict_rsp, dict)),
    FOP(35, X(fop_fgetxattr_req), XD(fop_dict_rsp, dict)),
    FOP(36, XD(fop_fsetxattr_req, dict), X(fop_rsp)),
    FOP(37, X(fop_rchecksum_req), X(fop_rchecksum_rsp)),
    FOP(38, X(fop_setattr_req), X(fop_2iatt_rsp)),
    FOP(39, X(fop_fsetattr_req), X(fop_2iatt_rsp)),
    FOP(40, X(fop_readdir_req), XL(fop_readdirp_rsp, entries)),
    FOP(41, X(fop_fd_req), X(fop_rsp)),                       /* RELEASE */
    FOP(42, X(fop_fd_req), X(fop_rsp)),                       /* RELEASEDIR */
    FOP(43, X(fop_fremovexattr_req), X(fop_rsp)),
    FOP(44, X(fop_fallocate_req), X(fop_2iatt_rsp)),
    FOP(45, X(fop_range_req), X(fop_2iatt_rsp)),
    FOP(46, X(fop_range_req), X(fop_2iatt_rsp)),
    FOP(47, X(fop_ipc_req), X(fop_rsp)),
    FOP(48, X(fop_seek_req), X(fop_seek_rsp)),
    FOP(49, NONE, NONE),                                      /* COMPOUND has no layout */
    FOP(50, X(fop_lease_req), X(fop_lease_rsp)),
    FOP(51, X(fop_gfid_req), XL(fop_getactivelk_rsp, locks)),
    FOP(52, XL(fop_setactivelk_req, locks), X(fop_rsp)),
    FOP(53, X(fop_icreate_req), X(fop_iatt_rsp)),
    FOP(54, X(fop_namelink_req), X(fop_2iatt_rsp)),
    FOP(55, XD(fop_put_req, xattr), X(fop_3iatt_rsp)),
    FOP(56, X(fop_copy_file_range_req), X(fop_3iatt_rsp)),
    HNDSK(HNDSK_NULL, NONE, P(rpc_common_rsp)),
    HNDSK(HNDSK_SETVOLUME, D3(hndsk_setvolume_req, dict), D3(hndsk_setvolume_rsp, dict)),
    HNDSK(HNDSK_GETSPEC, D3(hndsk_getspec_req, xdata), D3(hndsk_getspec_rsp, xdata)),
    HNDSK(HNDSK_PING, NONE, P(rpc_common_rsp)),
    HNDSK(HNDSK_SET_LK_VER, P(hndsk_set_lk_ver_req), P(hndsk_set_lk_ver_rsp)),
    HNDSK(HNDSK_EVENT_NOTIFY, D3(hndsk_event_notify_req, dict), D3(hndsk_event_notify_rsp, dict)),
    HNDSK(HNDSK_GET_VOLUME_INFO, D3(hndsk_info_req, dict), D3(hndsk_info_rsp, dict)),
    HNDSK(HNDSK_GET_SNAPSHOT_INFO, D3(hndsk_info_req, dict), D3(hndsk_info_rsp, dict)),
    {DUMP_PROGRAM, DUMP_VERSION, DUMP_DUMP, P(dump_req), {SHAPE(dump_rsp), .list = DICT(dump_rsp, programs)}},
    {DUMP_PROGRAM, DUMP_VERSION, DUMP_PING, NONE, P(rpc_common_rsp)},
    PMAP(PMAP_PORTBYBRICK, P(pmap_port_by_brick_req), P(pmap_port_by_brick_rsp)),
    PMAP(PMAP_BRICKBYPORT, P(pmap_brick_by_port_req), P(pmap_brick_by_port_rsp)),
    PMAP(PMAP_SIGNIN, P(pmap_signin_req), P(pmap_sign_rsp)),
    PMAP(PMAP_SIGNOUT, P(pmap_signout_req), P(pmap_sign_rsp)),
    CBK(CBK_FETCHSPEC, NONE),
    CBK(CBK_EVENT_NOTIFY, D3(cbk_event_notify, dict)),
    CBK(CBK_CACHE_INVALIDATION, D3(cbk_cache_invalidation, xdata)),
    CBK(CBK_RECALL_LEASE, D3(cbk_recall_lease, xdata)),
    CBK(CBK_STATEDUMP, P(cbk_statedump)),
    CBK(CBK_INODELK_CONTENTION, D3(cbk_inodelk_contention, xdata)),
    CBK(CBK_ENTRYLK_CONTENTION, D3(cbk_entrylk_contention, xdata)),
};
const unsigned int nr_procedures = array_len(procedures);

const struct procedure *find_procedure(uint32_t prog, uint32_t vers, uint32_t proc)
{
    for (unsigned int i = 0; i < nr_procedures; i++)
        if (procedures[i].prog == prog && procedures[i].vers == vers && procedures[i].proc == proc)
            return &procedures[i];
    return NULL;
}
