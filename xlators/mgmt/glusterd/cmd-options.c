/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-options.c: volume set, get, reset, set help.
 *
 * All pairs of a set are checked, each against its row whether or not its translator is in a graph, and then together; only then is
 * anything changed. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "dict.h"
#include "glusterd.h"
#include "log.h"
#include "option-table.h"
#include "option-value.h"

#define OP_VERSION "100000"

/* Options of the whole node, in the order in which `volume get all all` shows them. NULL: always the same value. */
static const char *const global_keys[] = {
    "cluster.server-quorum-ratio", "cluster.enable-shared-storage", "cluster.op-version",          "cluster.max-op-version",
    "cluster.brick-multiplex",     "cluster.max-bricks-per-process", "glusterd.vol_count_per_thread", "cluster.localtime-logging",
    "cluster.daemon-log-level",    "cluster.brick-graceful-cleanup",
};

static bool is_version(const char *key)
{
    return strcmp(key, "cluster.op-version") == 0 || strcmp(key, "cluster.max-op-version") == 0;
}

static bool is_global(const char *key)
{
    for (size_t i = 0; i < array_len(global_keys); i++)
        if (strcmp(global_keys[i], key) == 0)
            return true;
    return false;
}

/* ---- checks -------------------------------------------------------------------------------------------------------------------- */

static int unknown_option(struct command *c, const char *key)
{
    char words[256];
    volopt_suggest(key, words, sizeof words);
    return command_fail(c, "option : %s does not exist\n%s", key, words);
}

/* Keys that have commands of their own (spec management 4.10). */
static int has_own_command(struct command *c, const char *key, const char *value)
{
    static const struct {
        const char *key, *text;
    } own[] = {
        {"features.bitrot", " 'gluster volume set <VOLNAME> features.bitrot' is invalid command. Use 'gluster volume bitrot <VOLNAME> "
                            "{enable|disable}' instead."},
        {"features.scrub-freq", " 'gluster volume set <VOLNAME> features.scrub-freq' is invalid command. Use 'gluster volume bitrot "
                                "<VOLNAME> scrub-frequency {hourly|daily|weekly|biweekly|monthly}' instead."},
        {"features.scrub", " 'gluster volume set <VOLNAME> features.scrub' is invalid command. Use 'gluster volume bitrot <VOLNAME> scrub "
                           "{pause|resume}' instead."},
        {"features.scrub-throttle", " 'gluster volume set <VOLNAME> features.scrub-throttle' is invalid command. Use 'gluster volume "
                                    "bitrot <VOLNAME> scrub-throttle  {lazy|normal|aggressive}' instead."},
        {"cluster.granular-entry-heal", " 'gluster volume set <VOLNAME> cluster.granular-entry-heal {enable, disable}' is not supported. "
                                        "Use 'gluster volume heal <VOLNAME> granular-entry-heal {enable, disable}' instead."},
    };
    for (size_t i = 0; i < array_len(own); i++)
        if (strcmp(own[i].key, key) == 0)
            return command_fail(c, "%s", own[i].text);
    bool on = false;
    if (strcmp(key, "features.quota") == 0 || strcmp(key, "features.inode-quota") == 0) {
        const char *word = strcmp(key, "features.quota") == 0 ? "quota" : "inode-quota";
        if (parse_bool(value, &on) == 0 && on)
            return command_fail(c, " 'gluster volume set <VOLNAME> %s on' is deprecated. Use 'gluster volume %s <VOLNAME> enable' instead.",
                                key, word);
        return command_fail(c, " 'gluster volume set <VOLNAME> %s off' is deprecated. Use 'gluster volume %s <VOLNAME> disable' instead.",
                            key, word);
    }
    return 0;
}

static int check_number(struct command *c, const char *key, const char *value, int64_t lo, int64_t hi)
{
    int64_t n;
    if (parse_int(value, &n) < 0)
        return command_fail(c, "%s is not an integer. %s expects a valid integer value.", value, key);
    if (n < lo || n > hi)
        return command_fail(c, "%lld in %s %s is out of range [%lld - %lld]", (long long)n, key, value, (long long)lo, (long long)hi);
    return 0;
}

static bool size_of(const struct volinfo *v, const char *key, uint64_t *ret)
{
    const char *value = volinfo_option(v, key);
    return value && parse_size(value, ret) == 0;
}

/* The row's own rule, in the light of the volume as it will be. */
static int check_rule(struct command *c, const struct volopt *o, const struct volinfo *v, const char *value)
{
    const char *rule = o->check;
    uint64_t lo, hi;
    int64_t n;
    if (!rule)
        return 0;
    if (strcmp(rule, "replicate volume") == 0 && v->type != VOLUME_REPLICATE) {
        if (strcmp(o->key, "cluster.self-heal-daemon") == 0)
            return command_fail(c, "Volume %s is not of replicate type", v->name);
        return command_fail(c, "Cannot set %s for a non-replicate volume.", o->key);
    }
    if (strcmp(rule, "disperse volume") == 0 && v->type != VOLUME_DISPERSE) {
        if (strcmp(o->key, "cluster.disperse-self-heal-daemon") == 0)
            return command_fail(c, "Volume %s is not of disperse type", v->name);
        return command_fail(c, "Cannot set %s for a non-disperse volume.", o->key);
    }
    if (strcmp(rule, "min<=max") == 0 && size_of(v, "performance.cache-min-file-size", &lo) &&
        size_of(v, "performance.cache-max-file-size", &hi) && hi > 0 && lo > hi)
        return command_fail(c, "cache-min-file-size (%s) is greater than cache-max-file-size (%s)",
                            volinfo_option(v, "performance.cache-min-file-size"), volinfo_option(v, "performance.cache-max-file-size"));
    if (strcmp(rule, "quota enabled") == 0 && !volinfo_is_on(v, "features.quota"))
        return command_fail(c, "Cannot set %s. Enable quota first.", o->key);
    if (strncmp(rule, "1..replica", 10) == 0)
        return check_number(c, o->key, value, 1, v->type == VOLUME_REPLICATE ? v->replica_count : 1);
    if (strncmp(rule, "data count", 10) == 0)
        return check_number(c, o->key, value, v->disperse_count - v->redundancy_count, v->disperse_count);
    if (strcmp(rule, "<= subvolume count") == 0 && parse_int(value, &n) == 0 && n > volinfo_subvolumes(v))
        return command_fail(c, "subvols-per-directory(%lld) is greater than the number of subvolumes(%u).", (long long)n,
                            volinfo_subvolumes(v));
    if (strcmp(rule, "existing directory") == 0) {
        struct stat st;
        if (stat(value, &st) < 0 || !S_ISDIR(st.st_mode))
            return command_fail(c, "Failed: %s is not a directory", value);
    }
    if (strcmp(rule, "off file forced optimal") == 0 && strcmp(value, "off") && strcmp(value, "file") && strcmp(value, "forced") &&
        strcmp(value, "optimal"))
        return command_fail(c, "Invalid option value '%s': Available options are 'off', 'file', 'forced' or 'optimal'", value);
    if (strcmp(rule, "positive integer") == 0 && (parse_int(value, &n) < 0 || n < 0))
        return command_fail(c, "%s is not a compatible value. %s expects %s value.", value, o->key,
                            parse_int(value, &n) < 0 ? "an integer" : "a positiveinteger");
    if (strcmp(rule, "uint64") == 0 && (!isdigit((unsigned char)value[0]) || value[strspn(value, "0123456789")] != '\0'))
        return command_fail(c, "%s is not a valid uint64_t value. %s expects a valid uint64_t value.", value, o->key);
    if (strcmp(rule, "relax or enterprise") == 0 && strcmp(value, "relax") && strcmp(value, "enterprise"))
        return command_fail(c, "The value of retention mode should be either relax or enterprise. But the value of %s is %s", o->key,
                            value);
    if (strncmp(rule, "starts with dot", 15) == 0) {
        if (value[0] != '.')
            return command_fail(c, "%s expects value starting with '.' ", o->key);
        if (strlen(value) < 2)
            return command_fail(c, "value of %s too short, expects at least two characters", o->key);
        if (strlen(value) > 255)
            return command_fail(c, "value of %s exceedes 255 characters", o->key);
        if (strspn(value + 1, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(value + 1))
            return command_fail(c, "%s expects value to contain only '0-9a-z-_'", o->key);
    }
    if (strcmp(rule, "pure distribute; on/off") == 0) {
        bool on;
        if (v->type != VOLUME_PLAIN)
            return command_fail(c, "Lock migration is a experimental feature. Currently works with pure distribute volume only");
        if (parse_bool(value, &on) < 0)
            return command_fail(c, "Invalid value for volume set command. Use on/off only.");
    }
    if (strcmp(rule, "word or 0..cores") == 0) {
        int cores = get_nprocs();
        if (strcmp(value, "lazy") == 0 || strcmp(value, "normal") == 0 || strcmp(value, "aggressive") == 0)
            return 0;
        if (parse_int(value, &n) < 0)
            return command_fail(c, "%s should be {lazy|normal|aggressive} or a number up to number of cores available (cores available - "
                                   "%d)", o->key, cores);
        if (n < 0 || n > cores)
            return command_fail(c, "%s should be within range of 0 and maximum number of cores available (cores available - %d)", o->key,
                                cores);
    }
    return 0;
}

/* What contradicts what, in the volume as it will be. */
static int check_whole(struct command *c, const struct volinfo *v)
{
    if (volinfo_is_on(v, "features.read-only") && (volinfo_is_on(v, "features.worm") || volinfo_is_on(v, "features.worm-file-level")))
        return command_fail(c, "read-only and worm options should not be set together");
    if (volinfo_is_on(v, "server.root-squash") && pairs_get(&v->options, "performance.read-after-open"))
        return command_fail(c, "performance.read-after-open cannot be set while server.root-squash is on: it follows from it");
    return 0;
}

/* check_rule() says all that there is to say of its values. */
static bool has_rule_of_its_own(const struct volopt *o)
{
    static const char *const rules[] = {"1..replica count", "data count..disperse count", "word or 0..cores"};
    for (size_t i = 0; o->check && i < array_len(rules); i++)
        if (strcmp(o->check, rules[i]) == 0)
            return true;
    return false;
}

/* Checks key and value for a volume (NULL: for all) and gives the full name. */
static int check_pair(struct command *c, const struct volinfo *v, const char *key, const char *value, const char **ret_key)
{
    struct err err = {""};
    *ret_key = key;
    if (strpbrk(key, "=\n")) /* the store has a line KEY=VALUE for each */
        return command_fail(c, "an option's name has no '=' and is one line");
    if (strchr(value, '\n'))
        return command_fail(c, "%s: a value has one line", key);
    if (strncmp(key, "user.", 5) == 0 && v)
        return 0;
    if (is_version(key)) {
        int64_t n;
        if (strcmp(key, "cluster.max-op-version") == 0)
            return command_fail(c, "Not a valid option to set");
        if (v)
            return command_fail(c, "Option \"%s\" is not valid for a single volume", key);
        if (parse_int(value, &n) < 0)
            return command_fail(c, "invalid number format \"%s\" in option \"%s\"", value, key);
        if (n > atoi(OP_VERSION))
            return command_fail(c, "Required op_version (%lld) is not supported. Max supported op version is %s", (long long)n, OP_VERSION);
        return command_fail(c, "Required op-version (%lld) should not be equal or lower than current cluster op-version (%s).",
                            (long long)n, OP_VERSION);
    }
    const struct volopt *o = volopt_find(key);
    if (!o)
        return unknown_option(c, key);
    *ret_key = o->key;
    if (v && has_own_command(c, o->key, value) < 0)
        return -1;
    bool global = o->scope == SCOPE_ALL || is_global(o->key);
    if (v && global)
        return command_fail(c, "Not a valid option for single volume");
    if (!v && !global)
        return command_fail(c, "Not a valid option for all volumes");
    if (!has_rule_of_its_own(o) && volopt_check(o, value, v && v->nr_bricks ? v->bricks[0].path : NULL, &err) < 0) {
        if (strcmp(o->key, "cluster.daemon-log-level") == 0)
            return command_fail(c, "Invalid option(%s). Valid options are 'INFO' or 'WARNING' or 'ERROR' or 'DEBUG' or  'TRACE'", value);
        return command_fail(c, "%s", err.text);
    }
    if (o->check && strncmp(o->check, "brick-multiplex on", 18) == 0)
        return command_fail(c, "Brick-multiplexing is not enabled. Please enable brick multiplexing before trying to set this option.");
    if (v && strcmp(o->key, "config.transport") == 0 && strcmp(value, "tcp") != 0)
        return command_fail(c, "transport-type %s is not built by this glusterd: it serves tcp", value);
    if (v && v->status == VOLUME_STARTED && (strcmp(o->key, "storage.linux-aio") == 0 || strcmp(o->key, "storage.linux-io_uring") == 0))
        return command_fail(c, "Changing '%s' is not supported when the volume is in started state. Please stop the volume first.", o->key);
    if (!v && strcmp(o->key, "cluster.brick-multiplex") == 0) {
        bool on;
        if (parse_bool(value, &on) == 0 && on)
            return command_fail(c, "several bricks in one process are not built by this glusterd");
    }
    return 0;
}

/* ---- set ------------------------------------------------------------------------------------------------------------------------ */

static int set_global(struct command *c, const char *key, const char *value)
{
    struct glusterd *gd = c->gd;
    struct err err = {""};
    struct pairs next = {0};
    char path[4200];
    const char *version;
    int r = node_globals(gd, &next);
    version = pairs_get(&next, "global-option-version");
    if (r == 0)
        r = pairs_setf(&next, "global-option-version", "%d", (version ? atoi(version) : 0) + 1);
    if (r == 0)
        r = value ? pairs_set(&next, key, value) : 0;
    if (!value)
        pairs_unset(&next, key);
    snprintf(path, sizeof path, "%s/options", gd->workdir);
    if (r < 0 || store_write_pairs(path, &next, &err) < 0) {
        pairs_done(&next);
        return command_fail(c, "%s", err.text[0] ? err.text : "no memory");
    }
    pthread_mutex_lock(&gd->lock);
    struct pairs old = gd->globals;
    gd->globals = next;
    pthread_mutex_unlock(&gd->lock);
    pairs_done(&old);
    return 0;
}

static int help(struct command *c, bool xml)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    for (size_t i = 0; f && i < nr_volopts; i++) {
        const struct volopt *o = &volopts[i];
        if (!o->in_help || (i && strcmp(o->key, volopts[i - 1].key) == 0))
            continue;
        if (xml)
            fprintf(f, "<option><defaultValue>%s</defaultValue><description>%s</description><name>%s</name></option>",
                    o->def ? o->def : "(null)", o->text, o->key);
        else
            fprintf(f, "Option: %s\nDefault Value: %s\nDescription: %s\n\n", o->key, o->def ? o->def : "(null)", o->text);
    }
    if (!f || fclose(f) != 0) {
        free(text);
        return command_fail(c, "no memory");
    }
    char *framed = NULL;
    if (xml && asprintf(&framed, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<options>%s</options>\n", text) < 0)
        framed = NULL;
    int r = xml && !framed ? -ENOMEM : dict_set_text(c->out, "help-str", xml ? framed : text);
    free(framed);
    free(text);
    return r < 0 ? command_fail(c, "no memory") : 0;
}

static int set_run(struct command *c)
{
    const char *name = command_text(c, "volname"), *how = command_text(c, "help");
    bool all = name && strcmp(name, "all") == 0;
    int n = command_number(c, "count", 0), r = 0;
    char kn[32], vn[32];
    if (how || (name && strncmp(name, "help", 4) == 0))
        return help(c, (how && strcmp(how, "help-xml") == 0) || (name && strcmp(name, "help-xml") == 0));
    struct volview *w = all ? NULL : command_volume(c);
    struct volinfo *v = w ? volinfo_copy(w->v) : NULL;
    if (!all && !w)
        return -1;
    if (w && !v)
        r = command_fail(c, "no memory");
    int found = 0;
    for (int i = 1; r == 0 && i <= n; i++) {
        const char *key, *value, *full;
        snprintf(kn, sizeof kn, "key%d", i);
        snprintf(vn, sizeof vn, "value%d", i);
        if (!(key = command_text(c, kn)) || !(value = command_text(c, vn)))
            break;
        found++;
        r = check_pair(c, v, key, value, &full);
        if (r == 0 && v && pairs_set(&v->options, full, value) < 0)
            r = command_fail(c, "no memory");
    }
    for (int i = 1; r == 0 && all && i <= found; i++) {
        const char *full;
        snprintf(kn, sizeof kn, "key%d", i);
        snprintf(vn, sizeof vn, "value%d", i);
        r = check_pair(c, NULL, command_text(c, kn), command_text(c, vn), &full);
        if (r == 0)
            r = set_global(c, full, command_text(c, vn));
    }
    if (r == 0 && found == 0)
        r = command_fail(c, "volume set: there is no option to set");
    for (int i = 1; r == 0 && v && i <= found; i++) { /* against all of the volume as it will be */
        snprintf(kn, sizeof kn, "key%d", i);
        snprintf(vn, sizeof vn, "value%d", i);
        const struct volopt *o = volopt_find(command_text(c, kn));
        for (size_t k = 0; r == 0 && o && k < nr_volopts; k++)
            if (strcmp(volopts[k].key, o->key) == 0)
                r = check_rule(c, &volopts[k], v, command_text(c, vn));
    }
    if (r == 0 && v)
        r = check_whole(c, v);
    if (r == 0 && v) {
        volume_op_versions(v);
        r = volume_commit(c, v);
        v = NULL;
    }
    volinfo_free(v);
    volview_unref(w);
    return r;
}

/* ---- reset ------------------------------------------------------------------------------------------------------------------------ */

static int again_the_first(struct volinfo *v)
{
    static const char *const first[][2] = {{"nfs.disable", "on"}, {"transport.address-family", "inet"},
                                           {"storage.fips-mode-rchecksum", "on"}};
    for (size_t i = 0; i < array_len(first); i++)
        if (!pairs_get(&v->options, first[i][0]) && pairs_set(&v->options, first[i][0], first[i][1]) < 0)
            return -ENOMEM;
    /* Stock forgets the two that only a create gives to replicated volumes; here a reset leaves what a create would make. */
    if (v->type != VOLUME_REPLICATE)
        return 0;
    if (!pairs_get(&v->options, "performance.client-io-threads") && pairs_set(&v->options, "performance.client-io-threads", "off") < 0)
        return -ENOMEM;
    return pairs_get(&v->options, "cluster.granular-entry-heal") ? 0 : pairs_set(&v->options, "cluster.granular-entry-heal", "on");
}

static int no_such_option(struct command *c, const char *key)
{
    char words[256];
    volopt_suggest(key, words, sizeof words);
    return command_fail(c, "Option %s does not exist\n%s", key, words);
}

/* key NULL: all of them. */
static int reset_globals(struct command *c, const char *key)
{
    const struct volopt *o = key ? volopt_find(key) : NULL;
    struct pairs globals = {0};
    if (key && !o)
        return no_such_option(c, key);
    if (o && !is_global(o->key) && o->scope != SCOPE_ALL)
        return command_fail(c, "Not a valid option for all volumes");
    int r = node_globals(c->gd, &globals) < 0 ? command_fail(c, "no memory") : 0;
    for (size_t i = 0; r == 0 && i < array_len(global_keys); i++)
        if (!o || strcmp(o->key, global_keys[i]) == 0)
            r = pairs_get(&globals, global_keys[i]) ? set_global(c, global_keys[i], NULL) : 0;
    pairs_done(&globals);
    return r;
}

static int reset_one(struct command *c, struct volinfo *v, const char *key, bool force)
{
    const struct volopt *o = volopt_find(key);
    if (strncmp(key, "user.", 5) == 0) {
        pairs_unset(&v->options, key);
        return 0;
    }
    if (!o)
        return no_such_option(c, key);
    if (strcmp(o->key, "features.quota") == 0 || strcmp(o->key, "features.inode-quota") == 0)
        return command_fail(c, "'gluster volume reset <VOLNAME> %s' is deprecated. Use 'gluster volume %s <VOLNAME> disable' instead.",
                            o->key, o->key + 9);
    if ((o->flags & VOLOPT_NEVER_RESET) || ((o->flags & VOLOPT_FORCE_RESET) && !force))
        return command_fail(c, "'%s' is protected. To reset use 'force'.", o->key);
    pairs_unset(&v->options, o->key);
    return 0;
}

static void reset_all(struct volinfo *v, bool force, bool *kept)
{
    for (size_t i = v->options.n; i > 0; i--) {
        const struct volopt *o = volopt_find(v->options.at[i - 1].key);
        if (o && ((o->flags & VOLOPT_NEVER_RESET) || ((o->flags & VOLOPT_FORCE_RESET) && !force)))
            *kept = true;
        else
            pairs_unset(&v->options, v->options.at[i - 1].key);
    }
}

static int reset_run(struct command *c)
{
    const char *name = command_text(c, "volname"), *key = command_text(c, "key");
    bool force = command_number(c, "force", 0) != 0, kept = false, every = !key || strcmp(key, "all") == 0;
    if (name && strcmp(name, "all") == 0)
        return reset_globals(c, every ? NULL : key);
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    struct volinfo *v = volinfo_copy(w->v);
    int r = v ? 0 : command_fail(c, "no memory");
    if (r == 0 && every)
        reset_all(v, force, &kept);
    else if (r == 0)
        r = reset_one(c, v, key, force);
    if (r == 0 && again_the_first(v) < 0)
        r = command_fail(c, "no memory");
    if (r == 0) {
        volume_op_versions(v);
        r = volume_commit(c, v);
        v = NULL;
    }
    if (r == 0 && kept)
        snprintf(c->errstr, sizeof c->errstr, "All unprotected fields were reset. To reset the protected fields, use 'force'.");
    volinfo_free(v);
    volview_unref(w);
    return r;
}

/* ---- get ---------------------------------------------------------------------------------------------------------------------------- */

static int put_option(struct command *c, unsigned int *n, const char *key, const char *value, bool is_default)
{
    char name[32];
    snprintf(name, sizeof name, "key%u", ++*n);
    int r = dict_set_text(c->out, name, key);
    snprintf(name, sizeof name, "value%u", *n);
    if (r == 0)
        r = dict_set_textf(c->out, name, "%s%s", value ? value : "(null)", is_default ? " (DEFAULT)" : "");
    return r;
}

static int put_global(struct command *c, unsigned int *n, const char *key)
{
    if (is_version(key))
        return put_option(c, n, key, OP_VERSION, false);
    struct pairs globals = {0};
    if (node_globals(c->gd, &globals) < 0)
        return -ENOMEM;
    const char *set = pairs_get(&globals, key);
    const struct volopt *o = volopt_find(key);
    int r = put_option(c, n, key, set ? set : o ? o->def : NULL, !set);
    pairs_done(&globals);
    return r;
}

static int did_you_mean(struct command *c, const char *key)
{
    char words[256];
    volopt_suggest(key, words, sizeof words);
    return command_fail(c, "%s", words);
}

static int get(struct command *c)
{
    const char *name = command_text(c, "volname"), *key = command_text(c, "key");
    unsigned int n = 0;
    int r = 0;
    if (!name || !key)
        return command_fail(c, "volume get: the volume or the option is missing");
    bool every = strcmp(key, "all") == 0;
    if (strcmp(name, "all") == 0) {
        if (!every && !is_global(key))
            return volopt_find(key) ? command_fail(c, "Not a valid option for all volumes") : did_you_mean(c, key);
        for (size_t i = 0; r == 0 && i < array_len(global_keys); i++)
            if (every || strcmp(global_keys[i], key) == 0)
                r = put_global(c, &n, global_keys[i]);
    } else {
        struct volview *w = command_volume(c);
        if (!w)
            return -1;
        const struct volinfo *v = w->v;
        const struct volopt *o = every ? NULL : volopt_find(key);
        if (!every && (is_global(key) || is_version(key))) {
            r = dict_set_text(c->out, "warning",
                              "Warning: support to get                                         global option value using volume get       "
                              "                                  <volname>` will be deprecated from                                       "
                              "  next release. Consider using `volume                                         get all` instead for global "
                              "options");
            if (r == 0)
                r = put_global(c, &n, key);
        } else if (!every && strncmp(key, "user.", 5) == 0) {
            const char *value = pairs_get(&v->options, key);
            r = put_option(c, &n, key, value, !value);
        } else if (!every && !o) {
            r = did_you_mean(c, key);
        } else if (!every) {
            const char *value = pairs_get(&v->options, o->key);
            r = put_option(c, &n, o->key, value ? value : o->def, !value && !o->always);
        }
        for (size_t i = 0; r == 0 && every && i < nr_volopts; i++) {
            const char *value = pairs_get(&v->options, volopts[i].key);
            if (volopts[i].listed && volopts[i].scope != SCOPE_ALL && !is_global(volopts[i].key) &&
                (i == 0 || strcmp(volopts[i].key, volopts[i - 1].key)))
                r = put_option(c, &n, volopts[i].key, value ? value : volopts[i].def, !value && !volopts[i].always);
        }
        for (size_t i = 0; r == 0 && every && i < v->options.n; i++)
            if (strncmp(v->options.at[i].key, "user.", 5) == 0)
                r = put_option(c, &n, v->options.at[i].key, v->options.at[i].value, false);
        for (size_t i = 0; r == 0 && every && i < array_len(global_keys); i++)
            r = put_global(c, &n, global_keys[i]);
        volview_unref(w);
    }
    if (r == 0)
        r = dict_set_textf(c->out, "count", "%u", n);
    return r == 0 ? 0 : c->errstr[0] ? -1 : command_fail(c, "no memory");
}

static int get_run(struct command *c)
{
    int r = get(c);
    if (r < 0)
        c->op_errno = 0; /* GlusterFS has no number for what can go wrong here */
    return r;
}

const struct command_type set_command = {.name = "volume set", .hook = "set", .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = set_run};
const struct command_type reset_command = {.name = "volume reset", .hook = "reset", .flags = COMMAND_CHANGES | COMMAND_LOGGED,
                                           .run = reset_run};
const struct command_type get_command = {.name = "volume get", .flags = COMMAND_QUICK, .run = get_run};
