/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lockcalls.h: the lock operations of the file protocol, and the few others that meet locks, for locker and lockstorm. */
#ifndef TEST_LOCKCALLS_H
#define TEST_LOCKCALLS_H

#include "wire.h"

enum lk_cmd { LK_GET, LK_SET, LK_SETW, LK_RES, LK_RESW, LK_UNRES, LK_GETFD };
enum lk_type { LK_READ, LK_WRITE, LK_UNLOCK, LK_END };

/* Who calls. */
struct caller {
    uint32_t pid, uid;
    uint8_t owner[64];
    uint32_t owner_len;
};

struct file {
    uint8_t gfid[16];
    int64_t fd;
};

struct range {
    uint32_t type;
    int64_t start, len;
};

enum proc {
    P_UNLINK = 5, P_RMDIR = 6, P_RENAME = 8, P_TRUNCATE = 10, P_OPEN = 11, P_READ = 12, P_WRITE = 13, P_FLUSH = 15, P_SETXATTR = 17,
    P_GETXATTR = 18, P_REMOVEXATTR = 19, P_CREATE = 23, P_FTRUNCATE = 24, P_FSTAT = 25, P_LK = 26, P_LOOKUP = 27, P_INODELK = 29,
    P_FINODELK = 30, P_ENTRYLK = 31, P_FGETXATTR = 35, P_FSETXATTR = 36, P_RELEASE = 41, P_FREMOVEXATTR = 43, P_DISCARD = 45,
    P_ZEROFILL = 46, P_GETACTIVELK = 51, P_SETACTIVELK = 52,
};

/* The head of a call by somebody; put_*() and call_end() follow. */
void begin_as(struct out *o, struct link *l, const struct caller *c, enum proc proc);
void put_dict(struct out *o, const char *key, int type, const void *value, size_t len); /* one pair: dict4 */
void put_flock(struct out *o, const struct range *r, uint32_t pid);

void call_lk(struct out *o, struct link *l, const struct caller *c, const struct file *f, enum lk_cmd cmd, const struct range *r,
             bool mandatory);
void call_inodelk(struct out *o, struct link *l, const struct caller *c, const struct file *f, const char *domain, enum lk_cmd cmd,
                  const struct range *r);

/* The flock in the answer to LK. */
struct lock_seen {
    uint32_t type, pid;
    int64_t start, len;
    uint8_t owner[64];
    uint32_t owner_len;
};
int lk_result(const struct reply *r, struct lock_seen *ret); /* 0, or the negative op_errno */

#endif
