/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume create: the words in front of the bricks say the shape of the volume (spec management 4.5). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bricks.h"
#include "cli.h"
#include "commands.h"
#include "xml.h"

enum { NOT_GIVEN = -1, FROM_BRICKS = 0 };
enum volume_type { TYPE_DISTRIBUTE = 0, TYPE_REPLICATE = 2, TYPE_DISPERSE = 4 };

struct shape {
    int64_t replica, arbiter, thin_arbiter, disperse, data, redundancy; /* NOT_GIVEN; disperse: FROM_BRICKS */
    const char *transport;
    int next;         /* the first word that is not about the shape */
};

static bool say(const char *text)
{
    fprintf(stderr, "%s\n", text);
    return false;
}

/* The number behind a word: true when it is there and at least min. Given twice, or not a number: said. */
static bool take_count(const struct words *w, struct shape *s, int64_t *to, int64_t min, const char *name, const char *too_small)
{
    int64_t n;

    if (*to != NOT_GIVEN) {
        fprintf(stderr, "%s option given twice\n", name);
        return false;
    }
    if (!word(w, s->next + 1))
        return false;
    if (!word_number(w->at[s->next + 1], &n) || n < min || n > INT32_MAX)
        return say(too_small);
    *to = n;
    s->next += 2;
    return true;
}

static bool take_replica(const struct words *w, struct shape *s)
{
    if (s->disperse != NOT_GIVEN || s->data != NOT_GIVEN || s->redundancy != NOT_GIVEN)
        return say("replicated-dispersed volume is not supported");
    return take_count(w, s, &s->replica, 2, "replica", "replica count should be greater than 1");
}

static bool take_arbiter(const struct words *w, struct shape *s)
{
    static const char wrong[] = "For arbiter configuration, replica count must be 2 and arbiter count must be 1. The 3rd brick of the "
                                "replica will be the arbiter";

    if (s->replica == NOT_GIVEN)
        return say("arbiter option must be preceded by replica option.");
    if (!take_count(w, s, &s->arbiter, 1, "arbiter", wrong))
        return false;
    if (s->arbiter != 1 || s->replica < 2 || s->replica > 3)
        return say(wrong);
    s->replica = 3; /* "replica 2 arbiter 1" means the same */
    return true;
}

static bool take_thin_arbiter(const struct words *w, struct shape *s)
{
    static const char wrong[] = "For thin-arbiter configuration, replica count must be 2 and thin-arbiter count must be 1. The 3rd brick "
                                "of the replica will be the thin-arbiter brick";

    if (s->replica == NOT_GIVEN)
        return say("thin-arbiter option must be preceded by replica option.");
    if (!take_count(w, s, &s->thin_arbiter, 1, "thin-arbiter", wrong))
        return false;
    return (s->thin_arbiter == 1 && s->replica == 2) || say(wrong);
}

static bool not_replicated(const struct shape *s)
{
    return s->replica == NOT_GIVEN || say("replicated-dispersed volume is not supported");
}

static bool take_disperse(const struct words *w, struct shape *s)
{
    int64_t n;

    if (s->disperse != NOT_GIVEN)
        return say("disperse option given twice");
    if (!not_replicated(s))
        return false;
    if (!word_number(word(w, s->next + 1), &n)) { /* the count may be left out */
        s->disperse = FROM_BRICKS;
        s->next++;
        return true;
    }
    return take_count(w, s, &s->disperse, 3, "disperse", "disperse count must be greater than 2\ndisperse option given twice");
}

static bool take_transport(const struct words *w, struct shape *s)
{
    static const char *const known[] = {"tcp", "rdma", "tcp,rdma", "rdma,tcp"};
    const char *name = word(w, s->next + 1);

    if (s->transport)
        return say("'transport' option given more than one time");
    for (size_t i = 0; name && i < array_len(known); i++)
        if (strcmp(name, known[i]) == 0) {
            s->transport = name;
            s->next += 2;
            return true;
        }
    return false;
}

static bool take_shape(const struct words *w, struct shape *s)
{
    static const char *const keys[] = {"replica", "arbiter", "thin-arbiter", "disperse", "disperse-data", "redundancy", "transport", NULL};
    bool fine = true;

    while (fine && s->next < w->n) {
        switch (choose(w->at[s->next], keys)) {
        case 0: fine = take_replica(w, s); break;
        case 1: fine = take_arbiter(w, s); break;
        case 2: fine = take_thin_arbiter(w, s); break;
        case 3: fine = take_disperse(w, s); break;
        case 4: fine = not_replicated(s) && take_count(w, s, &s->data, 2, "disperse-data", "disperse-data must be greater than 1"); break;
        case 5: fine = not_replicated(s) && take_count(w, s, &s->redundancy, 1, "redundancy", "redundancy must be greater than 0"); break;
        case 6: fine = take_transport(w, s); break;
        default: return true;
        }
    }
    return fine;
}

static bool is_power_of_two(int64_t n)
{
    return n > 0 && (n & (n - 1)) == 0;
}

/* The smallest redundancy that leaves a power of two of data bricks; 1 when there is none. */
static int64_t best_redundancy(int64_t n)
{
    for (int64_t r = 1; r <= (n - 1) / 2; r++)
        if (is_power_of_two(n - r))
            return r;
    return 1;
}

static bool choose_redundancy(struct cli *c, struct shape *s)
{
    char question[256];

    s->redundancy = best_redundancy(s->disperse);
    if (s->redundancy == 1 && is_power_of_two(s->disperse - 1))
        return true;
    if (s->redundancy == 1)
        return agreed(c, "There isn't an optimal redundancy value for this configuration. Do you want to create the volume with "
                      "redundancy 1 ?");
    snprintf(question, sizeof(question),
             "The optimal redundancy for this configuration is %d. Do you want to create the volume with this value ?",
             (int)s->redundancy);
    return agreed(c, question);
}

/* From what was given, and the number of bricks, to disperse and redundancy count. */
static bool settle_disperse(struct cli *c, struct shape *s, int bricks)
{
    bool derived = false, given = s->redundancy != NOT_GIVEN;
    char question[256];

    if (s->disperse <= FROM_BRICKS)
        s->disperse = s->data != NOT_GIVEN && given ? s->data + s->redundancy : bricks;
    if (s->data != NOT_GIVEN && !given) {
        s->redundancy = s->disperse - s->data;
        if (s->redundancy < 1)
            return say("Please provide redundancy count along with disperse-data count");
        derived = true;
    }
    if (s->data != NOT_GIVEN && given && s->data + s->redundancy != s->disperse) {
        fprintf(stderr, "Disperse count(%d) should be equal to sum of disperse-data count(%d) and redundancy count(%d)\n", (int)s->disperse,
                (int)s->data, (int)s->redundancy);
        return false;
    }
    if (s->disperse < 3)
        return say("number of bricks must be greater than 2");
    if (bricks % s->disperse)
        return say("number of bricks is not a multiple of disperse count");
    if (s->redundancy == NOT_GIVEN)
        return choose_redundancy(c, s);
    if (s->redundancy > (s->disperse - 1) / 2) {
        fprintf(stderr, "redundancy must be greater than or equal to 1 and less than %d for a disperse %d volume\n",
                (int)(s->disperse - 1) / 2 + 1,
                (int)s->disperse);
        return false;
    }
    if (derived) {
        snprintf(question, sizeof(question), "Redundancy for this configuration is %d. Do you want to create the volume with this value ?",
                 (int)s->redundancy);
        return agreed(c, question);
    }
    return is_power_of_two(s->disperse - s->redundancy) ||
           agreed(c, "This configuration is not optimal on most workloads. Do you want to use it ?");
}

static void put_shape(struct request *r, const struct shape *s)
{
    if (s->replica != NOT_GIVEN)
        put_number(r, "replica-count", s->replica);
    if (s->arbiter != NOT_GIVEN)
        put_number(r, "arbiter-count", s->arbiter);
    if (s->thin_arbiter != NOT_GIVEN)
        put_number(r, "thin-arbiter-count", s->thin_arbiter);
    if (s->disperse != NOT_GIVEN) {
        put_number(r, "disperse-count", s->disperse);
        put_number(r, "redundancy-count", s->redundancy);
    }
}

static int print_created(struct cli *c, const struct words *w, const struct reply *a)
{
    struct xml *x;

    if (c->xml) {
        x = xml_begin_reply(a);
        if (a->op_ret == 0) {
            xml_open(x, "volCreate");
            xml_open(x, "volume");
            xml_put(x, "name", "%s", reply_or(a, w->at[2], "volname"));
            xml_put(x, "id", "%s", reply_or(a, "", "volume-id"));
        }
        return xml_end(x);
    }
    if (a->op_ret)
        return refused(a, "volume create: %s", w->at[2]);
    printf("volume create: %s: success: please start the volume to access data\n", w->at[2]);
    return 0;
}

static int send_create(struct cli *c, const struct words *w, const struct shape *s, const char *bricks, int count, bool force)
{
    struct request r = request(w);
    const char *last = NULL;
    REPLY(a);

    if (s->thin_arbiter != NOT_GIVEN) { /* the last one is beside the others */
        last = w->at[w->n - 1 - force];
        count--;
    }
    put(&r, "volname", "%s", w->at[2]);
    put_number(&r, "type", s->replica != NOT_GIVEN ? TYPE_REPLICATE : s->disperse != NOT_GIVEN ? TYPE_DISPERSE : TYPE_DISTRIBUTE);
    put_shape(&r, s);
    put(&r, "transport", "%s", s->transport ? s->transport : "tcp");
    put_number(&r, "count", count);
    if (last)
        put(&r, "ta-brick", " %s ", last);
    put(&r, "bricks", "%.*s", last ? (int)(strlen(bricks) - strlen(last) - 1) : (int)strlen(bricks), bricks);
    put_number(&r, "force", force || c->force_bricks);
    return ask(c, CLI_CREATE_VOLUME, &r, USUAL_S, &a) ?: print_created(c, w, &a);
}

int cmd_create(struct cli *c, const struct words *w)
{
    struct shape s = {NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NULL, 3};
    bool force = w->n > 3 && word_is(w, w->n - 1, "force");
    char *bricks = NULL;
    int count, status;

    if (w->n < 4 || !volume_name_allowed(w->at[2]) || !take_shape(w, &s) || s.next >= w->n)
        return BAD_WORDS;
    if (!bricks_join(w, s.next, w->n - force, &bricks, &count))
        return BAD_WORDS;
    if (s.disperse == NOT_GIVEN && (s.data != NOT_GIVEN || s.redundancy != NOT_GIVEN))
        s.disperse = FROM_BRICKS;
    if ((s.disperse != NOT_GIVEN && !settle_disperse(c, &s, count)) ||
        (s.replica == 2 && s.arbiter == NOT_GIVEN && s.thin_arbiter == NOT_GIVEN && !force &&
         !agreed(c, "Replica 2 volumes are prone to split-brain. Use Arbiter or Replica 3 to avoid this. See: "
                    "http://docs.gluster.org/en/latest/Administrator-Guide/Split-brain-and-ways-to-deal-with-it/.\nDo you still want to "
                    "continue?\n")))
        status = BAD_WORDS;
    else
        status = send_create(c, w, &s, bricks, count, force);
    free(bricks);
    return status;
}
