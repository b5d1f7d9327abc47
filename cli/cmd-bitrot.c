/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume bitrot (spec management 4.18). */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"

enum bitrot_op {
    BITROT_ENABLE = 1,
    BITROT_DISABLE = 2,
    BITROT_THROTTLE = 3,
    BITROT_FREQUENCY = 4,
    BITROT_SCRUB = 5,
    BITROT_SIGNING_TIME = 6,
    BITROT_STATUS = 7,
    BITROT_ONDEMAND = 8,
    BITROT_THREADS = 9,
};

struct wanted {
    enum bitrot_op op;
    const char *key, *value;   /* what goes with it; NULL: nothing */
};

static bool say(const char *text)
{
    fprintf(stderr, "%s\n", text);
    return false;
}

static bool one_of(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

static bool take_choice(const struct words *w, struct wanted *want, enum bitrot_op op, const char *key, const char *const *list,
                        const char *none, const char *wrong)
{
    if (w->n == 4)
        return say(none);
    if (w->n != 5 || !one_of(w->at[4], list))
        return say(wrong);
    *want = (struct wanted){op, key, w->at[4]};
    return true;
}

static bool take_count(const struct words *w, struct wanted *want, enum bitrot_op op, const char *key, const char *none, const char *small)
{
    int64_t n;

    if (w->n == 4)
        return say(none);
    if (w->n != 5 || !word_number(w->at[4], &n) || n < 1)
        return say(small);
    *want = (struct wanted){op, key, w->at[4]};
    return true;
}

static bool take_words(const struct words *w, struct wanted *want)
{
    static const char *const throttles[] = {"lazy", "normal", "aggressive", NULL};
    static const char *const frequencies[] = {"hourly", "daily", "weekly", "biweekly", "monthly", "minute", NULL};
    static const char *const scrubs[] = {"pause", "resume", "status", "ondemand", NULL};

    if (w->n < 4 || w->n > 5)
        return false;
    if (w->n == 4 && (word_is(w, 3, "enable") || word_is(w, 3, "disable"))) {
        want->op = word_is(w, 3, "enable") ? BITROT_ENABLE : BITROT_DISABLE;
        return true;
    }
    if (word_is(w, 3, "scrub-throttle"))
        return take_choice(w, want, BITROT_THROTTLE, "scrub-throttle-value", throttles, "Missing scrub-throttle value for bitrot option",
                           "Invalid scrub-throttle option for bitrot");
    if (word_is(w, 3, "scrub-frequency"))
        return take_choice(w, want, BITROT_FREQUENCY, "scrub-frequency-value", frequencies, "Missing scrub-frequency value",
                           "Invalid frequency option for bitrot");
    if (word_is(w, 3, "signing-time"))
        return take_count(w, want, BITROT_SIGNING_TIME, "expiry-time", "Missing signing-time value for bitrot option",
                          "Expiry time  value should not be less than 1");
    if (word_is(w, 3, "signer-threads"))
        return take_count(w, want, BITROT_THREADS, "signer-threads", "Missing signer-thread value for bitrot option",
                          "signer-thread count should not be less than 1");
    if (!word_is(w, 3, "scrub")) {
        printf("Invalid bit rot option : %s\n", w->at[3]);
        return false;
    }
    if (!take_choice(w, want, BITROT_SCRUB, "scrub-value", scrubs, "Missing scrub value for bitrot option",
                     "Invalid scrub option for bitrot"))
        return false;
    if (word_is(w, 4, "status"))
        want->op = BITROT_STATUS;
    else if (word_is(w, 4, "ondemand"))
        want->op = BITROT_ONDEMAND;
    return true;
}

static void print_node(const struct reply *a, int i)
{
    int64_t s = reply_number(a, 0, "scrub-duration-%d", i);
    int errors = (int)reply_number(a, 0, "error-count-%d", i);

    printf("\n=========================================================\n\nNode: %s\n\nNumber of Scrubbed files: %s\n\nNumber of "
           "Skipped files: %s\n\n",
           reply_or(a, "", "node-name-%d", i), reply_or(a, "0", "scrubbed-files-%d", i), reply_or(a, "0", "unsigned-files-%d", i));
    printf("Last completed scrub time: %s\n\nDuration of last scrub (D:M:H:M:S): %" PRId64 ":%" PRId64 ":%" PRId64 ":%" PRId64
           "\n\nError count: %d\n\n",
           reply_or(a, "Scrubber pending to complete.", "last-scrub-time-%d", i), s / 86400, s / 3600 % 24, s / 60 % 60, s % 60, errors);
    if (errors > 0)
        puts("Corrupted object's [GFID]:");
    for (int j = 0; j < errors; j++)
        if (reply_has(a, "quarantine-%d-%d", j, i))
            printf("%s\n", reply_text(a, "quarantine-%d-%d", j, i));
}

static void print_status(const struct reply *a, const char *volume)
{
    int n = (int)reply_number(a, 0, "count");
    bool running = false;

    for (int i = 1; i <= n; i++)
        running |= reply_number(a, 0, "scrub-running-%d", i) != 0;
    printf("\nVolume name : %s\n\nState of scrub: %s (%s)\n\nScrub impact: %s\n\nScrub frequency: %s\n\nBitrot error log location: %s\n\n"
           "Scrubber error log location: %s\n\n",
           reply_or(a, volume, "volname"), reply_or(a, "", "features.scrub"), running ? "In Progress" : "Idle",
           reply_or(a, "", "features.scrub-throttle"), reply_or(a, "", "features.scrub-freq"), reply_or(a, "", "bitrot_log_file"),
           reply_or(a, "", "scrub_log_file"));
    for (int i = 1; i <= n; i++)
        print_node(a, i);
    puts("=========================================================\n");
}

static int print_bitrot(struct cli *c, const struct reply *a, const char *volume, const struct wanted *want)
{
    if (a->op_ret)
        return refused_with(a, "Bitrot command failed%s%s", a->reason[0] ? " : " : "", a->reason);
    if (want->op == BITROT_STATUS && c->xml)
        return NO_ANSWER_KEY; /* as GlusterFS's: there is no XML of it */
    switch (want->op) {
    case BITROT_ENABLE: printf("volume bitrot: success bitrot enabled for volume %s\n", volume); break;
    case BITROT_DISABLE: printf("volume bitrot: success bitrot disabled for volume %s\n", volume); break;
    case BITROT_THROTTLE: printf("volume bitrot: scrub-throttle is set to %s successfully for volume %s\n", want->value, volume); break;
    case BITROT_FREQUENCY: printf("volume bitrot: scrub-frequency is set to %s successfully for volume %s\n", want->value, volume); break;
    case BITROT_SCRUB: printf("volume bitrot: scrubber %s for volume %s\n", want->value[0] == 'p' ? "paused" : "resumed", volume); break;
    case BITROT_ONDEMAND: printf("volume bitrot: scrubber started ondemand for volume %s\n", volume); break;
    case BITROT_STATUS: print_status(a, volume); break;
    default: puts("volume bitrot: success"); break;
    }
    return 0;
}

int cmd_bitrot(struct cli *c, const struct words *w)
{
    struct wanted want = {0};
    struct request r;
    REPLY(a);

    if (!take_words(w, &want))
        return BAD_WORDS;
    r = volume_request(w);
    put_number(&r, "type", want.op);
    if (want.key)
        put(&r, want.key, "%s", want.value);
    return ask(c, CLI_BITROT, &r, LONG_S, &a) ?: print_bitrot(c, &a, w->at[2], &want);
}

/* Geo-replication is another daemon's work, which neither of the daemons that this command line is for starts. */
int cmd_geo_replication(struct cli *c, const struct words *w)
{
    if (w->n < 4)
        return BAD_WORDS;
    fputs("this command line does not manage geo-replication\n", stderr);
    return 1;
}
