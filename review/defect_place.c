/* review/defect_place.c - blanks left to be filled in, references to what is
 * not there, and clauses that each yield to the other. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "review/defect_impl.h"

/* --- placeholders ------------------------------------------------------------ */

/* What stands before a place on its line, for "Name: ____". */
static int signs_here(const struct hunt *h, size_t at)
{
    struct span line = { at, at };

    while (line.from > 0 && at - line.from < 60 &&
           h->r.d->text[line.from - 1] != '\n')
        line.from--;
    return rule_matches(&h->r, "placeholder.signature", line, NULL);
}

static void placeholders(struct hunt *h)
{
    struct hits found = hunt_hits(h, "placeholder", "placeholder.not");
    char where[80];

    for (int i = 0; i < found.n; i++) {
        struct span s = rule_trim(&h->r, hit_span(&found.at[i]));

        if (s.from < s.to && !signs_here(h, s.from))
            hunt_add(h, (struct defect) { .kind = DEFECT_PLACEHOLDER,
                                          .span = s },
                     "blank or bracketed field left to be filled in, in %s",
                     hunt_place(h, s, where, sizeof where));
    }
    hits_free(&found);
}

/* --- dangling references ------------------------------------------------------ */

/* The parts of a printed reference: "Section 8.4(b)" is 8, 4, b. */
enum { PARTS = 6 };
struct printed { int number[PARTS], n; int lettered, exhibit; };

static struct printed parse(const struct hunt *h, const char *name)
{
    struct printed p = { .n = 0 };
    const char *s = name;

    while (isalpha((unsigned char)*s))
        s++;
    p.exhibit = pack_matches(h->r.p, "reference.exhibit", name,
                             (size_t)(s - name), NULL);
    for (; *s && p.n < PARTS; s++)
        if (isdigit((unsigned char)*s)) {
            p.number[p.n++] = atoi(s);
            while (isdigit((unsigned char)s[1]))
                s++;
        } else if (isalpha((unsigned char)*s)) {
            p.lettered = 1;
            break;
        }
    return p;
}

/* Does a number that stands at `at` begin a line or a sentence, as that of a
 * clause does, and is more than a number in running text? */
static int begins(const char *text, size_t at, size_t to, int n_part)
{
    size_t gap = at, next = to + strspn(text + to, ".)");

    while (gap > 0 && (text[gap - 1] == ' ' || text[gap - 1] == '\t'))
        gap--;
    if (!isspace((unsigned char)text[next]))
        return 0;
    next += strspn(text + next, " \t\r\n");
    return gap == 0 || text[gap - 1] == '\n' ||
           ((n_part > 1 || next > to + 1) &&
            (at - gap > 1 || strchr(".;:", text[gap - 1])) &&
            (isupper((unsigned char)text[next]) || text[next] == '"' ||
             (text[next] & 0x80)));
}

/* Does "8.4" stand anywhere in the text as the number of something, be it one
 * that the clause reader did not take for a clause? */
static int printed_somewhere(const struct hunt *h, const struct printed *p)
{
    char number[64];
    const char *text = h->r.d->text;
    size_t n = 0, to;

    for (int i = 0; i < p->n; i++)
        n += (size_t)snprintf(number + n, sizeof number - n, "%s%d",
                              i ? "." : "", p->number[i]);
    for (size_t at = hunt_word(h, number, 0, 0, &to); at < h->r.d->n_byte;
         at = hunt_word(h, number, to, 0, &to)) {
        struct span before = { at > 24 ? at - 24 : 0, at };

        if (begins(text, at, to, p->n) &&
            !rule_matches(&h->r, "reference.lead", before, NULL))
            return 1;
    }
    return 0;
}

/* How many parts the longest number of a clause has: a reference to 9.3.10.6
 * in a document numbered 1, 2, 3 is to another document. */
static int deepest(const struct hunt *h)
{
    int most = 1;

    for (int i = 0; i < h->r.c->n; i++) {
        const char *path = h->r.c->at[i].path;
        int n = 1;

        for (; path && *path; path++)
            n += *path == '.' && isdigit((unsigned char)path[1]);
        most = n > most ? n : most;
    }
    return most;
}

/* Has the document another exhibit, so that this one should be there too? */
static int has_exhibits(const struct hunt *h)
{
    for (int i = 0; i < h->r.c->n; i++) {
        const struct clause *c = &h->r.c->at[i];

        if (c->unit && pack_matches(h->r.p, "reference.exhibit", c->unit,
                                    strlen(c->unit), NULL))
            return 1;
    }
    return 0;
}

/* Is the exhibit before this one never mentioned?  Exhibits that were left out
 * of a copy are referred to from the first; "Schedule 9" alone is a slip. */
static int stands_alone(const struct hunt *h, const char *name)
{
    char before[64];
    size_t n = strcspn(name, ".(,"), last = n, to;

    while (last > 0 && isdigit((unsigned char)name[last - 1]))
        last--;
    if (n == 0 || n >= sizeof before)
        return 0;
    snprintf(before, sizeof before, "%.*s", (int)n, name);
    if (last < n && atoi(name + last) > 1)
        snprintf(before + last, sizeof before - last, "%d",
                 atoi(name + last) - 1);
    else if (last == n && n > 1 && name[n - 2] == ' ' && name[n - 1] > 'A' &&
             name[n - 1] <= 'Z')
        before[n - 1]--;
    else
        return 0;
    return hunt_word(h, before, 0, 1, &to) == h->r.d->n_byte;
}

/* "Section 5 of the Act", "the Penal Code, section 499": the place is in
 * another document.  "SECTION 8. TERM" is no reference at all. */
static int elsewhere(const struct hunt *h, struct span s)
{
    struct span on = { s.from, hunt_after(h, s).to };

    return rule_matches(&h->r, "reference.elsewhere", hunt_after(h, s), NULL) ||
           rule_matches(&h->r, "reference.heading", on, NULL) ||
           rule_matches(&h->r, "reference.cited", hunt_before(s), NULL);
}

/* Has an earlier reference the same target? */
static int said_before(const struct graph *g, int edge)
{
    for (int i = 0; i < edge; i++)
        if (g->edge[i].dst.kind == NODE_DANGLING &&
            strcmp(g->edge[i].dst.name, g->edge[edge].dst.name) == 0)
            return 1;
    return 0;
}

static void dangling(struct hunt *h)
{
    const struct graph *g = h->g;
    int n_dangling = 0, n_good = 0;
    int exhibits = has_exhibits(h), most = deepest(h);

    for (int i = 0; i < g->n_edge; i++)
        if (g->edge[i].kind == EDGE_REFERS_TO) {
            n_dangling += g->edge[i].dst.kind == NODE_DANGLING &&
                          !parse(h, g->edge[i].dst.name).exhibit;
            n_good += g->edge[i].dst.kind == NODE_CLAUSE;
        }
    if ((n_dangling > 4 && n_dangling > n_good / 2) ||
        pack_matches(h->r.p, "document.amendment", h->r.d->text,
                     h->r.d->n_byte, NULL))
        return;     /* the numbering was not understood, or is another's */
    for (int i = 0; i < g->n_edge; i++) {
        const struct edge *e = &g->edge[i];
        struct span s = e->span;
        struct printed p;
        size_t to = 0, at;

        if (e->kind != EDGE_REFERS_TO || e->dst.kind != NODE_DANGLING)
            continue;
        p = parse(h, e->dst.name);
        if (p.exhibit ? p.n > 1 || !(exhibits ||
                                     stands_alone(h, e->dst.name))
                      : p.n == 0 || (p.n > 2 && p.n > most) ||
                        printed_somewhere(h, &p))
            continue;
        at = hunt_word(h, e->dst.name, s.from, 0, &to);
        if (at < s.to)
            s = (struct span) { at, to };
        if (said_before(g, i) || elsewhere(h, s))
            continue;
        hunt_add(h, (struct defect) { .kind = DEFECT_DANGLING_REFERENCE,
                                      .span = s },
                 "\"%.80s\" is not in this document", e->dst.name);
    }
}

/* "X defined in Section 1.03": does Section 1.03 have any word of X? */
static void said_elsewhere(struct hunt *h)
{
    struct hits found = rule_hits(&h->r, "reference.said", NULL);

    for (int i = 0; i < found.n; i++) {
        const struct match *m = &found.at[i].m;
        const char *text = h->r.d->text;
        size_t word = m->to[1], to;
        int target = -1, hit = 0, n_word = 0;

        for (int k = 0; k < h->g->n_edge; k++)
            if (h->g->edge[k].kind == EDGE_REFERS_TO &&
                h->g->edge[k].span.from == m->from[2] &&
                h->g->edge[k].dst.kind == NODE_CLAUSE)
                target = h->g->edge[k].dst.index;
        while (target >= 0 && word > m->from[1] && n_word < 4) {
            size_t end = word;
            char one[40];

            while (word > m->from[1] && isalpha((unsigned char)text[word - 1]))
                word--;
            if (end - word > 3 && end - word < sizeof one) {
                struct span in = h->r.c->at[target].span;

                snprintf(one, sizeof one, "%.*s", (int)(end - word),
                         text + word);
                n_word++;
                hit |= hunt_word(h, one, in.from, 1, &to) < in.to;
            }
            while (word > m->from[1] && !isalpha((unsigned char)
                                                 text[word - 1]))
                word--;
        }
        if (n_word > 0 && !hit)
            hunt_add(h, (struct defect) { .kind = DEFECT_DANGLING_REFERENCE,
                         .span = { m->from[2], m->to[2] } },
                     "\"%.*s\" is said to be defined there and is not",
                     (int)(m->to[1] - m->from[1] < 80
                               ? m->to[1] - m->from[1] : 80),
                     text + m->from[1]);
    }
    hits_free(&found);
}

/* --- circular precedence ------------------------------------------------------ */

static int within(const struct clauses *c, int inner, int outer)
{
    while (inner >= 0 && inner != outer)
        inner = c->at[inner].parent;
    return inner >= 0;
}

/* Is one of the clauses the other or part of it? */
static int touch(const struct clauses *c, int a, int b)
{
    return within(c, a, b) || within(c, b, a);
}

/* Between two clauses of which neither is part of the other. */
static int precedes(const struct hunt *h, const struct edge *e)
{
    return e->kind == EDGE_OVERRIDES && e->src.kind == NODE_CLAUSE &&
           e->dst.kind == NODE_CLAUSE &&
           !touch(h->r.c, e->src.index, e->dst.index);
}

/* a prevails over b, and b over a; and the same by way of a third. */
static int closes(const struct hunt *h, const struct edge *a,
                  const struct edge *b)
{
    const struct clauses *c = h->r.c;

    if (touch(c, a->src.index, b->src.index) ||
        !touch(c, a->dst.index, b->src.index))
        return 0;
    if (touch(c, b->dst.index, a->src.index))
        return 1;
    for (int i = 0; i < h->g->n_edge; i++) {
        const struct edge *e = &h->g->edge[i];

        if (precedes(h, e) && e->src.index == b->dst.index &&
            e->dst.index == a->src.index)
            return 1;
    }
    return 0;
}

static void circles(struct hunt *h)
{
    const struct graph *g = h->g;
    char here[80], there[80];

    for (int i = 0; i < g->n_edge; i++)
        for (int k = i + 1; precedes(h, &g->edge[i]) && k < g->n_edge; k++) {
            struct span a = g->edge[i].span, b = g->edge[k].span;

            if (!precedes(h, &g->edge[k]) ||
                !closes(h, &g->edge[i], &g->edge[k]))
                continue;
            hunt_add(h, (struct defect) { .kind = DEFECT_CIRCULAR_PRECEDENCE,
                                          .span = a, .related = b },
                     "%s and %s each give way to the other",
                     hunt_place(h, a, here, sizeof here),
                     hunt_place(h, b, there, sizeof there));
            break;
        }
}

void defect_places(struct hunt *h)
{
    placeholders(h);
    dangling(h);
    said_elsewhere(h);
    circles(h);
}
