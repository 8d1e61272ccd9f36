/* review/defect_term.c - definitions that nobody uses, that there are twice,
 * and defined terms in another case. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "review/defect_impl.h"

/* Is a place within a definition of the term? */
static int defines_here(const struct graph *g, int term, size_t at)
{
    for (int i = 0; i < g->n_edge; i++)
        if (g->edge[i].kind == EDGE_DEFINES && g->edge[i].dst.index == term &&
            g->edge[i].span.from <= at && at < g->edge[i].span.to)
            return 1;
    return 0;
}

/* --- unused ------------------------------------------------------------------- */

/* Forms of a term that count as a use: itself, in capitals, singular and
 * plural as far as an "s" makes them. */
enum { FORMS = 4, FORM_BYTES = 128 };

static int forms_of(const char *name, char form[FORMS][FORM_BYTES])
{
    size_t n = strlen(name);
    int k = 0;

    if (n < 2 || n + 3 > FORM_BYTES)
        return 0;
    strcpy(form[k++], name);
    strcpy(form[k], name);
    if (n > 3 && strcmp(name + n - 3, "ies") == 0)
        strcpy(form[k++] + n - 3, "y");
    else if (name[n - 1] == 's')
        form[k++][n - 1] = '\0';
    else if (name[n - 1] == 'y')
        strcpy(form[k++] + n - 1, "ies");
    else
        strcpy(form[k++] + n, strchr("xh", name[n - 1]) ? "es" : "s");
    for (int i = 0, plain = k; i < plain; i++, k++)
        for (size_t c = 0; (form[k][c] = (char)toupper(
                                (unsigned char)form[i][c])) != '\0'; c++)
            ;
    return k;
}

/* May a term be meant by its words in another case: several words, or one that
 * is defined in capitals and too long for an abbreviation? */
static int free_case(const char *name)
{
    size_t n = strlen(name), capital = 0;

    while (isupper((unsigned char)name[capital]))
        capital++;
    return strchr(name, ' ') || (capital == n && n > 4);
}

/* Is it one of two names for a thing, "X" or "Y", of which the other is used? */
static int other_name_used(const struct hunt *h, int term)
{
    const struct graph *g = h->g;
    struct span s = g->term[term].span;

    for (int i = 0; i < g->n_edge; i++) {
        struct span o = g->edge[i].span;
        struct span gap = o.from >= s.to ? (struct span) { s.to, o.from }
                                         : (struct span) { o.to, s.from };

        if (g->edge[i].kind == EDGE_DEFINES && gap.from < gap.to &&
            gap.to - gap.from < 16 &&
            rule_matches(&h->r, "term.other_name", gap, NULL) &&
            g->term[g->edge[i].dst.index].n_use > 0)
            return 1;
    }
    return 0;
}

/* Is the term printed anywhere but in its definitions and in headings?  The
 * graph's uses are stricter; a form that it does not take for a use, such as
 * several words in another case, is still no reason to call a definition
 * unused. */
static int printed_elsewhere(const struct hunt *h, int term)
{
    const struct document *d = h->r.d;
    char form[FORMS][FORM_BYTES];
    int n = forms_of(h->g->term[term].name, form);
    int fold = free_case(h->g->term[term].name);
    size_t to = 0;

    for (int i = 0; i < n; i++)
        for (size_t at = hunt_word(h, form[i], 0, fold, &to); at < d->n_byte;
             at = hunt_word(h, form[i], to, fold, &to))
            if (!defines_here(h->g, term, at) && !hunt_heading(h, at))
                return 1;
    return n == 0;
}

static void unused(struct hunt *h)
{
    const struct graph *g = h->g;

    for (int i = 0; i < g->n_term; i++) {
        const struct term *t = &g->term[i];

        if (t->n_use <= 1 && !printed_elsewhere(h, i) &&
            !other_name_used(h, i) &&
            !pack_matches(h->r.p, "term.unused.not", t->name, strlen(t->name),
                          NULL))
            hunt_add(h, (struct defect) { .kind = DEFECT_UNUSED_DEFINITION,
                                          .span = t->span },
                     "\"%.100s\" is defined and never used", t->name);
    }
}

/* --- twice --------------------------------------------------------------------- */

static int top_of(const struct clauses *c, int i)
{
    while (i >= 0 && c->at[i].parent >= 0)
        i = c->at[i].parent;
    return i;
}

/* The part of the document that a definition stands in; parts have their own
 * definitions.  An exhibit is one, by its top clause; and where the word for the
 * document itself ("Agreement") is defined once more, a form of another
 * document is attached, whose preamble begins a little before. */
struct part { int exhibit, document; };

enum { DOCUMENTS = 16, PREAMBLE_BYTES = 800 };
struct starts { size_t at[DOCUMENTS]; int n; };

static struct starts document_starts(const struct hunt *h)
{
    const struct graph *g = h->g;
    struct starts s = { .n = 0 };

    for (int i = 0; i < g->n_edge && s.n < DOCUMENTS; i++) {
        const struct edge *e = &g->edge[i];
        const char *name = e->kind == EDGE_DEFINES
                               ? g->term[e->dst.index].name : NULL;

        if (name && pack_matches(h->r.p, "term.document", name, strlen(name),
                                 NULL))
            s.at[s.n++] = e->span.from > PREAMBLE_BYTES
                              ? e->span.from - PREAMBLE_BYTES : 0;
    }
    return s;
}

static struct part part_of(const struct hunt *h, const struct starts *starts,
                           const struct edge *def)
{
    int top = top_of(h->r.c, def->src.index);
    const char *unit = top < 0 ? NULL : h->r.c->at[top].unit;
    struct part p = { -1, 0 };

    if (unit && pack_matches(h->r.p, "reference.exhibit", unit, strlen(unit),
                             NULL))
        p.exhibit = top;
    while (p.document < starts->n && starts->at[p.document] < def->span.from)
        p.document++;
    return p;
}

/* Does the definition only point to another: "has the meaning given in
 * Section 3"? */
static int points_on(const struct hunt *h, struct span s)
{
    struct span after = rule_sentence(&h->r, s.from);

    after.from = s.to;
    return after.from < after.to &&
           rule_matches(&h->r, "define.elsewhere", after, NULL);
}

static void duplicates(struct hunt *h)
{
    const struct graph *g = h->g;
    struct starts starts = document_starts(h);

    for (int i = 0; i < g->n_term; i++) {
        const struct edge *first = NULL;
        struct part part, last = { -1, 0 };

        if (g->term[i].n_def < 2 ||
            pack_matches(h->r.p, "term.duplicate.not", g->term[i].name,
                         strlen(g->term[i].name), NULL))
            continue;
        for (int k = 0; k < g->n_edge; k++) {
            const struct edge *e = &g->edge[k];

            if (e->kind != EDGE_DEFINES || e->dst.index != i ||
                points_on(h, e->span))
                continue;
            part = part_of(h, &starts, e);
            if (first && part.exhibit == last.exhibit &&
                part.document == last.document)
                hunt_add(h, (struct defect) {
                             .kind = DEFECT_DUPLICATE_DEFINITION,
                             .span = e->span, .related = first->span },
                         "\"%.100s\" is defined a second time",
                         g->term[i].name);
            first = e;
            last = part;
        }
    }
}

/* --- another case --------------------------------------------------------------- */

/* The first letter of word i of a name; NULL: it has fewer. */
static const char *word_at(const char *name, size_t i)
{
    for (; i > 0 && name; i--)
        name = (name = strchr(name, ' ')) ? name + 1 : NULL;
    return name;
}

/* How text[s) spells name: 1 where a word has lost its capital and another
 * kept its own; 0 for the name itself, all capitals, no capitals.  A word that
 * is capitals in the name too ("MLX Marks") has nothing to say. */
static int mixed_case(const char *text, struct span s, const char *name)
{
    int lost = 0, kept = 0;
    size_t at = s.from;

    for (size_t i = 0; at < s.to; i++) {
        const char *want = word_at(name, i);
        unsigned char have = (unsigned char)text[at];

        if (!want)
            break;
        if (isupper((unsigned char)want[0]) && islower((unsigned char)want[1])) {
            lost += islower(have) != 0;
            kept += isupper(have) != 0;
        }
        while (at < s.to && !isspace((unsigned char)text[at]))
            at++;
        while (at < s.to && isspace((unsigned char)text[at]))
            at++;
    }
    return lost && kept;
}

/* "disclosing Party" where Party is a term of its own. */
static int ends_in_term(const struct hunt *h, const char *name)
{
    const char *space = strchr(name, ' ');

    for (; space; space = strchr(space + 1, ' '))
        for (int i = 0; i < h->g->n_term; i++)
            if (strcmp(h->g->term[i].name, space + 1) == 0)
                return 1;
    return 0;
}

/* "the receiving party" where the Receiving Party is a term: other words are
 * often used without capitals in a sense of their own, such a role is not,
 * but before the bracket that defines it. */
static int lower_role(const struct hunt *h, struct span s, const char *name)
{
    size_t lead = s.from < 5 ? s.from : 5;
    const char *next = h->r.d->text + s.to;

    if (!isupper((unsigned char)name[0]) || !islower((unsigned char)name[1]))
        return 0;
    return next[strspn(next, " \r\n")] != '(' &&
           rule_matches(&h->r, "capitals.role",
                        (struct span) { s.from - lead, s.to }, NULL);
}

static void capitals(struct hunt *h)
{
    const struct document *d = h->r.d;

    for (int i = 0; i < h->g->n_term; i++) {
        const char *name = h->g->term[i].name;
        size_t to = 0;

        if (!strchr(name, ' ') || strchr(name, '\'') || strlen(name) > 80)
            continue;
        for (size_t at = hunt_word(h, name, 0, 1, &to); at < d->n_byte;
             at = hunt_word(h, name, to, 1, &to)) {
            struct span s = { at, to };

            if ((!mixed_case(d->text, s, name) && !lower_role(h, s, name)) ||
                defines_here(h->g, i, at) || hunt_heading(h, at) ||
                (isupper((unsigned char)d->text[at])
                     ? rule_sentence(&h->r, at).from == at
                     : ends_in_term(h, name)))
                continue;
            hunt_add(h, (struct defect) {
                         .kind = DEFECT_INCONSISTENT_CAPITALISATION,
                         .span = s, .related = h->g->term[i].span },
                     "\"%.*s\" for the defined \"%.100s\"", (int)(to - at),
                     d->text + at, name);
        }
    }
}

void defect_terms(struct hunt *h)
{
    unused(h);
    duplicates(h);
    capitals(h);
}
