/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* get-state, nfs-ganesha and system:: commands (spec management 4.20). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "xml.h"

/* ---- get-state ----------------------------------------------------------------------------------------------------------- */

enum { STATE_DETAIL = 1, STATE_OPTIONS = 2 };

struct state_words {
    const char *daemon, *dir, *file;
    int what;
};

static bool take_state_words(const struct words *w, struct state_words *s)
{
    int i = 1;

    if (i < w->n && !word_is(w, i, "odir") && !word_is(w, i, "file") && !word_is(w, i, "detail") && !word_is(w, i, "volumeoptions")) {
        if (!word_is(w, i, "glusterd")) {
            fputs("glusterd is the only supported daemon.\n", stderr);
            return false;
        }
        i++;
    }
    for (; i < w->n; i++) {
        const char **to = word_is(w, i, "odir") ? &s->dir : word_is(w, i, "file") ? &s->file : NULL;

        if (to && !*to && i + 1 < w->n)
            *to = w->at[++i];
        else if (!s->what && i == w->n - 1 && (word_is(w, i, "detail") || word_is(w, i, "volumeoptions")))
            s->what = word_is(w, i, "detail") ? STATE_DETAIL : STATE_OPTIONS;
        else
            return false;
    }
    return true;
}

int cmd_get_state(struct cli *c, const struct words *w)
{
    struct state_words s = {.daemon = "glusterd"};
    struct request r;
    REPLY(a);
    int status;

    if (!take_state_words(w, &s))
        return BAD_WORDS;
    r = request(w);
    put(&r, "daemon", "%s", s.daemon);
    if (s.dir)
        put(&r, "odir", "%s", s.dir);
    if (s.file)
        put(&r, "filename", "%s", s.file);
    if (s.what == STATE_DETAIL)
        put(&r, "getstate-cmd", "detail");
    else if (s.what == STATE_OPTIONS)
        put(&r, "getstate-cmd", "volumeoptions");
    status = ask(c, CLI_GET_STATE, &r, USUAL_S, &a);
    if (!status && a.op_ret) {
        status = refused_with(&a, "Failed to get daemon state%s%s", a.reason[0] ? ": " : "", a.reason);
    } else if (!status && reply_has(&a, "ofilepath")) {
        printf("glusterd state dumped to %s\n", reply_text(&a, "ofilepath"));
    } else if (!status) {
        status = missing("ofilepath");
    }
    return status;
}

/* ---- nfs-ganesha --------------------------------------------------------------------------------------------------------- */

int cmd_ganesha(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);
    int status;

    if (w->n != 2)
        return BAD_WORDS;
    if (!word_is(w, 1, "enable") && !word_is(w, 1, "disable")) {
        puts("Invalid global option \nUsage : nfs-ganesha <enable/disable>");
        return BAD_WORDS;
    }
    if (!agreed(c, word_is(w, 1, "enable")
                       ? "Enabling NFS-Ganesha requires Gluster-NFS to be disabled across the trusted pool. Do you still want to "
                           "continue?\n"
                       : "Disabling NFS-Ganesha will tear down the entire ganesha cluster across the trusted pool. Do you still want to "
                         "continue?\n"))
        return 1;
    if (word_is(w, 1, "enable"))
        puts("This will take a few minutes to complete. Please wait ..");
    r = request(w);
    put(&r, "key", "nfs-ganesha");
    put(&r, "value", "%s", w->at[1]);
    put(&r, "globalname", "All");
    put_number(&r, "hold_global_locks", 1);
    status = ask(c, CLI_GANESHA, &r, LONG_S, &a);
    if (!status && a.op_ret) {
        status = refused_with(&a, "nfs-ganesha: failed: %s", a.reason);
    } else if (!status) {
        puts("nfs-ganesha : success ");
    }
    return status;
}

/* ---- system:: ------------------------------------------------------------------------------------------------------------ */

int cmd_getspec(struct cli *c, const struct words *w)
{
    REPLY(a);
    char *spec = NULL;
    int status;

    if (w->n != 3) {
        printf("Fetching spec for volume %s failed\n", w->n > 3 ? w->at[2] : "(null)");
        return BAD_WORDS;
    }
    status = ask_spec(c, w->at[2], &a, &spec);
    if (!status && (a.op_ret < 0 || !spec[0]))
        status = 1;
    else if (!status)
        puts(spec);
    free(spec);
    return status;
}

int cmd_getwd(struct cli *c, const struct words *w)
{
    REPLY(a);
    char *dir = NULL;
    int status;

    if (w->n != 2)
        return BAD_WORDS;
    status = ask_directory(c, &a, &dir);
    if (!status && a.op_ret) {
        status = refused_with(&a, "getwd failed");
    } else if (!status) {
        puts(dir);
    }
    free(dir);
    return status;
}

/* GlusterFS 10's own command prints nothing and fails: its daemon has taken the procedure out. */
int cmd_portmap(struct cli *c, const struct words *w)
{
    if (w->n != 4)
        return BAD_WORDS;
    fputs("the daemons of GlusterFS 10 do not answer this any more: `volume status` shows the port of a brick\n", stderr);
    return 1;
}

int cmd_fsm_log(struct cli *c, const struct words *w)
{
    REPLY(a);
    int status, n;

    if (w->n < 3 || w->n > 4)
        return BAD_WORDS;
    status = ask_fsm_log(c, w->n == 4 ? w->at[3] : "", &a);
    if (!status && a.op_ret) {
        status = refused_with(&a, "%s\nfsm log unsuccessful", a.reason);
    } else if (!status) {
        n = (int)reply_number(&a, 0, "count");
        if (!n)
            fputs("No transitions\n", stderr);
        for (int i = 0; i < n; i++)
            printf("Old State: [%s]\nNew State: [%s]\nEvent    : [%s]\ntimestamp: [%s]\n\n", reply_or(&a, "", "log%d-old-state", i),
                   reply_or(&a, "", "log%d-new-state", i), reply_or(&a, "", "log%d-event", i), reply_or(&a, "", "log%d-time", i));
    }
    return status;
}

int cmd_uuid_get(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);
    struct xml *x;
    int status;

    if (w->n != 3)
        return BAD_WORDS;
    r = request(w);
    status = ask(c, CLI_UUID_GET, &r, USUAL_S, &a);
    if (!status && c->xml) {
        x = xml_begin_reply(&a);
        xml_open(x, "uuidGenerate");
        xml_put(x, "uuid", "%s", reply_or(&a, "", "uuid"));
        status = xml_end(x);
    } else if (!status && a.op_ret) {
        status = refused_with(&a, "%s", a.reason[0] ? a.reason : "Failed to get uuid of glusterd");
    } else if (!status) {
        printf("UUID: %s\n", reply_or(&a, "", "uuid"));
    }
    return status;
}

/* For the commands whose answer is the daemon's sentence, or a word of success. */
static int ask_and_say(struct cli *c, unsigned int proc, struct request *r, const char *good, const char *bad)
{
    REPLY(a);
    int status = ask(c, proc, r, USUAL_S, &a);

    if (!status && c->xml && proc == CLI_UUID_RESET) {
        status = xml_plain(&a, "uuidReset", a.op_ret ? a.reason : good);
    } else if (!status && a.op_ret) {
        status = refused_with(&a, "%s", a.reason[0] ? a.reason : bad);
    } else if (!status) {
        printf("%s\n", good);
    }
    return status;
}

int cmd_uuid_reset(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n != 3)
        return BAD_WORDS;
    if (!agreed(c, "Resetting uuid changes the uuid of local glusterd. Do you want to continue?"))
        return 0;
    r = request(w);
    return ask_and_say(c, CLI_UUID_RESET, &r, "resetting the peer uuid has been successful",
                       "resetting the peer uuid has been unsuccessful");
}

int cmd_mount(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);
    char *path = NULL, key[16];
    int status;

    if (w->n < 4) {
        puts("Mount command failed");
        return BAD_WORDS;
    }
    r = request(NULL);
    for (int i = 3; i < w->n; i++) {
        snprintf(key, sizeof(key), "%d", i - 3);
        put(&r, key, "%s", w->at[i]);
    }
    status = ask_mount(c, w->at[2], &r, &a, &path);
    if (!status && a.op_ret) {
        status = refused_with(&a, "%d : failed with this errno (%s)", a.op_errno, strerror(a.op_errno));
    } else if (!status) {
        puts(path);
    }
    free(path);
    return status;
}

int cmd_umount(struct cli *c, const struct words *w)
{
    REPLY(a);
    int status;

    if (w->n < 3 || w->n > 4 || (w->n == 4 && !word_is(w, 3, "lazy"))) {
        puts("Umount command failed");
        return BAD_WORDS;
    }
    status = ask_umount(c, w->n == 4, w->at[2], &a);
    if (!status && a.op_ret) {
        status = refused_with(&a, "umount failed");
    }
    return status;
}

int cmd_copy_file(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n != 4)
        return BAD_WORDS;
    r = request(w);
    put(&r, "source", "%s", w->at[3]);
    put(&r, "volname", "N/A");
    return ask_and_say(c, CLI_COPY_FILE, &r, "Successfully copied file.", "Copy File unsuccessful");
}

int cmd_execute(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);
    char key[32];
    int status;

    if (w->n < 3)
        return BAD_WORDS;
    r = request(w);
    put(&r, "volname", "N/A");
    put(&r, "command", "%s", w->at[2]);
    put_number(&r, "cmd_args_count", w->n - 3);
    for (int i = 3; i < w->n; i++) {
        snprintf(key, sizeof(key), "cmd_arg_%d", i - 2);
        put(&r, key, "%s", w->at[i]);
    }
    status = ask(c, CLI_SYS_EXEC, &r, USUAL_S, &a);
    if (!status && a.op_ret) {
        status = refused_with(&a, "%s", a.reason[0] ? a.reason : "Command failed.");
    } else if (!status) {
        for (int i = 1; i <= (int)reply_number(&a, 0, "output_count"); i++)
            fputs(reply_or(&a, "", "output_%d", i), stdout);
    }
    return status;
}
