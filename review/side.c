/* review/side.c - whose side a review takes; see side.h. */
#include "review/side.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "review/claim_impl.h"

enum { SIDES = 8, LEAST_NAME = 3 };

struct sides {                          /* that this document can be read for */
    const struct review *r;
    const struct pack *pack;
    const char *at[SIDES];              /* the playbook's words */
    int n;
};

/* The parties that the claims put to this document have positions for. */
static void collect(struct sides *s, const struct review_opts *o)
{
    for (int i = 0; i < o->n_claim; i++) {
        const struct claim *c = &o->claim[i];

        if (c->n_position == 0 || !claim_applies(s->r, o, c))
            continue;
        for (int k = 0; k < c->n_position; k++) {
            const char *word = c->position[k].party;
            int m = 0;

            while (m < s->n && strcmp(s->at[m], word) != 0)
                m++;
            if (word[0] && m == s->n && s->n < SIDES)
                s->at[s->n++] = word;
        }
    }
}

/* The side that a role stands for by the pack's words; NULL: none. */
static const char *of_role(const struct sides *s, const char *role)
{
    char purpose[64];

    for (int i = 0; role && i < s->n; i++) {
        snprintf(purpose, sizeof purpose, "side.%s", s->at[i]);
        if (strcasecmp(s->at[i], role) == 0 ||
            pack_matches(s->pack, purpose, role, strlen(role), NULL))
            return s->at[i];
    }
    return NULL;
}

/* The side of the document's k-th party: by its role, or, of two parties and
 * two sides, the one that is not the other's. */
static const char *of_party(const struct sides *s, int k)
{
    const struct graph *g = s->r->graph;
    const char *side = of_role(s, g->party[k].role), *other;

    if (side || g->n_party != 2 || s->n != 2)
        return side;
    other = of_role(s, g->party[1 - k].role);
    return other ? s->at[other == s->at[0]] : NULL;
}

/* Does `name` start with the words of `asked`? */
static int starts(const char *name, const char *asked)
{
    size_t n = strlen(asked);

    return n >= LEAST_NAME && strncasecmp(name, asked, n) == 0 &&
           !isalnum((unsigned char)name[n]);
}

static const char *of_document(const struct sides *s, const char *asked)
{
    const struct graph *g = s->r->graph;
    const char *side = NULL;

    for (int i = 0; i < g->n_party && !side; i++)
        if ((g->party[i].role && strcasecmp(g->party[i].role, asked) == 0) ||
            (g->party[i].name && starts(g->party[i].name, asked)))
            side = of_party(s, i);
    return side;
}

static enum sor_err refuse(const struct sides *s, const char *asked,
                           struct sor_msg *msg)
{
    const struct graph *g = s->r->graph;
    struct str list;
    enum sor_err err;

    str_init(&list);
    for (int i = 0; i < s->n; i++)
        str_printf(&list, "%s%s", i ? ", " : "", s->at[i]);
    for (int i = 0; i < g->n_party; i++)
        if (of_party(s, i))
            str_printf(&list, ", %s (%s)", g->party[i].name,
                       g->party[i].role);
    if (!str_ok(&list))
        err = sor_fail(msg, SOR_NOMEM, "parties: out of memory");
    else if (s->n == 0)
        err = sor_fail(msg, SOR_USAGE, "--party %.80s: no claim that is put "
                       "to this document has a position for a party", asked);
    else
        err = sor_fail(msg, SOR_USAGE, "--party %.80s: no side of this "
                       "document; accepted: %s", asked, list.p);
    str_release(&list);
    return err;
}

enum sor_err side_find(const struct review *r, const struct review_opts *o,
                       const char **out, struct sor_msg *msg)
{
    struct sides s = { .r = r, .pack = o->pack };
    const char *asked = o->party;

    *out = NULL;
    if (!asked)
        return SOR_OK;
    if (strncasecmp(asked, "the ", 4) == 0)
        asked += 4;
    collect(&s, o);
    *out = of_document(&s, asked);
    if (!*out)
        *out = of_role(&s, asked);
    return *out ? SOR_OK : refuse(&s, o->party, msg);
}
