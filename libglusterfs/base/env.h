/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* env.h: what a layer needs of the program around it. Made by main (or by a test), constant after that. */
#ifndef BASE_ENV_H
#define BASE_ENV_H

struct env {
    struct iobuf_pool *bufs;
    struct reaper *reaper;
    struct loop *loop;
    struct census *census;
};

#endif
