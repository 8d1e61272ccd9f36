/* review/defect_undefined.c - words used like defined terms that are none.
 *
 * Candidates are capitalised words in running text ("in the Security
 * Protocol").  Most such words are names: of people, places, laws, companies,
 * products, of clauses of this document.  What remains after all that the text
 * and the pack know as a name is reported, one defect for each word at its
 * first use; and where a text is full of such words, it uses capitals in its
 * own way, and only the likeliest few are. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/defect_impl.h"

/* MOST: what is reported of one text.  USED_ALONE: a single capitalised word
 * is a term where it is a plural ("the Deliverables") or used so often. */
enum { CANDIDATES = 400, MOST = 3, USED_ALONE = 3, NAME_BYTES = 120 };

struct candidate {
    struct span span;
    char name[NAME_BYTES];
    int n_use;
    int n_word;
    int strong;             /* a determiner stands before it: "the", "any" */
};

struct candidates { struct candidate at[CANDIDATES]; int n; };

static int words_of(const char *name)
{
    int n = 1;

    for (; *name; name++)
        n += *name == ' ';
    return n;
}

/* Is one of the two part of the other, as whole words, singular or plural? */
static int shares(const char *name, const char *known)
{
    size_t n = strlen(name), k = strlen(known);
    const char *in = n < k ? known : name, *part = n < k ? name : known;
    size_t len = n < k ? n : k;

    if (len > 3 && part[len - 1] == 's')
        len--;
    for (const char *p = in; *p; p++)
        if ((p == in || p[-1] == ' ') && strncmp(p, part, len) == 0 &&
            (p[len] == '\0' || p[len] == ' ' || p[len] == 's' ||
             strncmp(p + len, "es", 2) == 0))
            return 1;
    return 0;
}

/* A term, a party or a part of either: "Initial Term" where "Term" is
 * defined. */
static int known(const struct hunt *h, const char *name)
{
    const struct graph *g = h->g;

    for (int i = 0; i < g->n_term; i++)
        if (shares(name, g->term[i].name))
            return 1;
    for (int i = 0; i < g->n_party; i++)
        if ((g->party[i].name && shares(name, g->party[i].name)) ||
            (g->party[i].role && shares(name, g->party[i].role)))
            return 1;
    return pack_matches(h->r.p, "undefined.not", name, strlen(name), NULL);
}

/* A name: its first word stands in the text with a capital, apart from these
 * words, and never without one ("Zynga Poker"). */
static int is_name(const struct hunt *h, const struct candidate *c)
{
    const struct document *d = h->r.d;
    char word[NAME_BYTES + 1];
    size_t n = strcspn(c->name, " "), to = 0;
    int apart = 0;

    snprintf(word, sizeof word, "%.*ss", (int)n, c->name);  /* its plural */
    word[0] = (char)tolower((unsigned char)word[0]);
    if (hunt_word(h, word, 0, 0, &to) < d->n_byte)
        return 0;
    word[n] = '\0';
    for (size_t at = hunt_word(h, word, 0, 1, &to); at < d->n_byte;
         at = hunt_word(h, word, to, 1, &to)) {
        if (islower((unsigned char)d->text[at]))
            return 0;
        if (isupper((unsigned char)d->text[at + 1]) || hunt_heading(h, at))
            continue;           /* capitals there are no choice */
        apart += strncmp(d->text + at, c->name, strlen(c->name)) != 0;
    }
    return c->n_word > 1 && apart >= 2;
}

/* Is it the heading of a clause, in the title, or introduced somewhere without
 * the form of a definition: what the text calls part of itself? */
static int is_introduced(const struct hunt *h, const char *name)
{
    const struct clauses *c = h->r.c;
    const struct document *d = h->r.d;
    size_t to = 0;

    for (int i = 0; i < c->n; i++)
        if (c->at[i].heading && shares(name, c->at[i].heading))
            return 1;
    for (size_t at = hunt_word(h, name, 0, 1, &to); at < d->n_byte;
         at = hunt_word(h, name, to, 1, &to)) {
        struct span s = { at, to };

        /* in capitals, in a heading, at the head of a line, or introduced */
        if (isupper((unsigned char)d->text[at + 1]) || hunt_heading(h, at) ||
            (at > 0 && d->text[at - 1] == '\n') ||
            rule_matches(&h->r, "undefined.introduced.before", hunt_before(s),
                         NULL) ||
            rule_matches(&h->r, "undefined.introduced.after",
                         hunt_after(h, s), NULL))
            return 1;
    }
    return 0;
}

static struct candidate *find(struct candidates *list, const char *name)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->at[i].name, name) == 0)
            return &list->at[i];
    return NULL;
}

/* Group 1 of the pattern: the determiner, where one stands there; group 2: the
 * words. */
static void consider(struct hunt *h, const struct hit *hit,
                     struct candidates *list)
{
    struct span s = { hit->m.from[2], hit->m.to[2] };
    struct candidate *c;
    char *name;
    int i = clauses_holding(h->r.c, s);

    if (i < 0 || list->n == CANDIDATES || s.to - s.from >= NAME_BYTES ||
        h->r.c->at[i].kind == CLAUSE_PREAMBLE)
        return;
    if (!(name = rule_text(&h->r, s)))
        return;
    c = find(list, name);
    if (c) {
        c->n_use++;
        c->strong |= hit->m.from[1] < hit->m.to[1];
    } else {
        c = &list->at[list->n++];
        *c = (struct candidate) { .span = s, .n_use = 1,
                                  .n_word = words_of(name),
                                  .strong = hit->m.from[1] < hit->m.to[1] };
        strcpy(c->name, name);
    }
    mem_free(name);
}

/* Likelier first: with a determiner, of more words; then as in the text. */
static int by_likelihood(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->strong != y->strong)
        return y->strong - x->strong;
    if ((x->n_word > 1) != (y->n_word > 1))
        return y->n_word > 1 ? 1 : -1;
    return x->span.from < y->span.from ? -1 : 1;
}

void defect_undefined(struct hunt *h)
{
    struct candidates *list = mem_calloc(1, sizeof *list);
    struct hits found = { 0 };
    int kept = 0;

    if (!list) {
        h->r.err = SOR_NOMEM;
        return;
    }
    if (!pack_matches(h->r.p, "define.outside", h->r.d->text, h->r.d->n_byte,
                      NULL))
        found = rule_hits(&h->r, "undefined", "undefined.context.not");
    for (int i = 0; i < found.n; i++)
        consider(h, &found.at[i], list);
    for (int i = 0; i < list->n; i++) {
        const struct candidate *c = &list->at[i];

        if ((c->n_word > 1 || c->n_use >= USED_ALONE ||
             c->name[strlen(c->name) - 1] == 's') && !known(h, c->name) &&
            !is_introduced(h, c->name) && !is_name(h, c))
            list->at[kept++] = *c;
    }
    if (kept)
        qsort(list->at, (size_t)kept, sizeof *list->at, by_likelihood);
    for (int i = 0; i < kept && i < MOST; i++)
        hunt_add(h, (struct defect) { .kind = DEFECT_UNDEFINED_TERM,
                                      .span = list->at[i].span },
                 "\"%s\" reads like a defined term and has no definition",
                 list->at[i].name);
    hits_free(&found);
    mem_free(list);
}
