/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "xml.h"

#include <libxml/xmlwriter.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct xml {
    xmlDocPtr doc;           /* a tree, because only its printer knows that text and elements side by side are not to be indented */
    xmlTextWriterPtr writer;
    bool failed;
};

static void check(struct xml *x, int n)
{
    if (n < 0)
        x->failed = true;
}

struct xml *xml_begin(void)
{
    struct xml *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->writer = xmlNewTextWriterDoc(&x->doc, 0);
    if (!x->writer) {
        xml_drop(x);
        return NULL;
    }
    check(x, xmlTextWriterStartDocument(x->writer, "1.0", "UTF-8", "yes"));
    xml_open(x, "cliOutput");
    return x;
}

void xml_drop(struct xml *x)
{
    if (!x)
        return;
    if (x->writer)
        xmlFreeTextWriter(x->writer);
    if (x->doc)
        xmlFreeDoc(x->doc);
    free(x);
}

void xml_open(struct xml *x, const char *name)
{
    if (x)
        check(x, xmlTextWriterStartElement(x->writer, BAD_CAST name));
}

void xml_close(struct xml *x)
{
    if (x)
        check(x, xmlTextWriterEndElement(x->writer));
}

void xml_attribute(struct xml *x, const char *name, const char *value)
{
    if (x)
        check(x, xmlTextWriterWriteAttribute(x->writer, BAD_CAST name, BAD_CAST value));
}

/* What a daemon sends may be anything: bytes that are no UTF-8 become '?'. */
static void make_valid(char *text)
{
    unsigned char *at = (unsigned char *)text;

    while (*at) {
        int len = 4, c = xmlGetUTF8Char(at, &len);

        if (c < 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
            *at++ = '?';
        } else {
            at += len;
        }
    }
}

void xml_inner(struct xml *x, const char *text)
{
    char *copy = x ? strdup(text) : NULL;

    if (!x)
        return;
    if (copy)
        make_valid(copy);
    check(x, copy ? xmlTextWriterWriteString(x->writer, BAD_CAST copy) : -1);
    free(copy);
}

void xml_put(struct xml *x, const char *name, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    if (!x)
        return;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    xml_open(x, name);
    if (!text)
        x->failed = true;
    else if (text[0])
        xml_inner(x, text);
    xml_close(x);
    free(text);
}

void xml_frame(struct xml *x, int op_ret, int op_errno, const char *reason)
{
    xml_put(x, "opRet", "%d", op_ret);
    xml_put(x, "opErrno", "%d", op_errno);
    xml_put(x, "opErrstr", "%s", reason);
}

struct xml *xml_begin_reply(const struct reply *r)
{
    struct xml *x = xml_begin();

    xml_frame(x, r->op_ret, r->op_errno, r->reason);
    return x;
}

int xml_end(struct xml *x)
{
    bool failed = !x;
    xmlChar *text = NULL;
    int len = 0;

    if (x) {
        check(x, xmlTextWriterEndDocument(x->writer));
        check(x, xmlTextWriterFlush(x->writer));
        xmlDocDumpFormatMemoryEnc(x->doc, &text, &len, "UTF-8", 1);
        failed = x->failed || !text;
        if (!failed)
            fwrite(text, 1, (size_t)len, stdout);
        xmlFree(text);
    }
    xml_drop(x);
    if (failed)
        fputs("the XML could not be made\n", stderr);
    return failed;
}

int xml_plain(const struct reply *r, const char *operation, const char *output)
{
    struct xml *x = xml_begin_reply(r);

    if (operation)
        xml_put(x, "cliOp", "%s", operation);
    if (output)
        xml_put(x, "output", "%s", output);
    return xml_end(x);
}

int xml_said(int op_ret, int op_errno, const char *reason)
{
    struct xml *x = xml_begin();

    xml_frame(x, op_ret, op_errno, reason);
    return xml_end(x);
}
