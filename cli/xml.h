/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* xml.h: the XML that --xml prints (spec management 4.4). A document is gathered in memory and printed when it is whole, so a reply that
 * turns out to be incomplete prints nothing. Whatever fails on the way shows in xml_end(). */
#ifndef CLI_XML_H
#define CLI_XML_H

#include "gluster.h"

struct xml;

struct xml *xml_begin(void);                                    /* <cliOutput> */
void xml_frame(struct xml *x, int op_ret, int op_errno, const char *reason); /* opRet, opErrno, opErrstr */
struct xml *xml_begin_reply(const struct reply *r);             /* both, with the reply's numbers and reason */
void xml_open(struct xml *x, const char *name);
void xml_close(struct xml *x);
void xml_attribute(struct xml *x, const char *name, const char *value);
void xml_inner(struct xml *x, const char *text);                /* text of the open element */
void xml_put(struct xml *x, const char *name, const char *fmt, ...) PRINTF(3, 4);
int xml_end(struct xml *x);                                     /* closes, prints, frees: an exit status */
void xml_drop(struct xml *x);

/* Frame, <cliOp>, <output> for commands without a body of their own; either may be NULL. Exit status. */
int xml_plain(const struct reply *r, const char *operation, const char *output);
int xml_said(int op_ret, int op_errno, const char *reason);     /* a frame and nothing else */

#endif
