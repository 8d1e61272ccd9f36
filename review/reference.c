/* review/reference.c - mentions of other provisions, and what they point to.
 *
 * A pattern finds the whole phrase ("Sections 2, 4.1(a) through (c) and
 * Exhibit B"); another cuts it into units; each unit's number is then looked
 * for among the clauses.  A number is compared part by part from its end
 * ("4.1(a)" is 4, 1, a), climbing from a clause to its numbered ancestors, so
 * that "(a)" printed below "4.1" answers to "4.1(a)". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "review/rule.h"

enum { PARTS = 8, PART_BYTES = 16, TARGETS = 64 };

struct number { char part[PARTS][PART_BYTES]; int n; };

static void split(const char *s, size_t n, struct number *out)
{
    int len = 0;

    out->n = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && isalnum((unsigned char)s[i])) {
            if (out->n < PARTS && len < PART_BYTES - 1)
                out->part[out->n][len++] = s[i];
        } else if (len && out->n < PARTS) {
            out->part[out->n++][len] = '\0';
            len = 0;
        }
    }
}

static int roman(const char *s)
{
    static const char digits[] = "IVXLC";
    static const int worth[] = { 1, 5, 10, 50, 100 };
    int sum = 0, last = 0;

    for (size_t i = strlen(s); i-- > 0;) {
        const char *d = strchr(digits, s[i]);
        int v = d ? worth[d - digits] : 0;

        if (!v)
            return 0;
        sum += v < last ? -v : v;
        last = v > last ? v : last;
    }
    return sum;
}

/* "1" is "01", and "4" is "IV": how numbers are printed differs. */
static int same_part(const char *a, const char *b)
{
    int x = isdigit((unsigned char)*a) ? atoi(a) : roman(a);
    int y = isdigit((unsigned char)*b) ? atoi(b) : roman(b);
    int digits = isdigit((unsigned char)*a) || isdigit((unsigned char)*b);

    return strcmp(a, b) == 0 || (digits && x && x == y);
}

/* The nearest ancestor with a number; -1: none. */
static int numbered_above(const struct clauses *c, int i)
{
    do
        i = c->at[i].parent;
    while (i >= 0 && !c->at[i].number);
    return i;
}

static int is_exhibit(const struct rules *r, int i)
{
    struct span unit = r->c->at[i].span;

    unit.to = unit.to > unit.from + 16 ? unit.from + 16 : unit.to;
    return r->c->at[i].number && rule_matches(r, "reference.exhibit", unit,
                                              NULL);
}

/* Does clause i, with as many of its ancestors as are needed, answer to want?
 * The topmost clause that took part goes to *top. */
static int answers(const struct clauses *c, int i, const struct number *want,
                   int *top)
{
    int left = want->n;

    for (; i >= 0 && left > 0; i = numbered_above(c, i)) {
        struct number have;
        const char *number = c->at[i].number;

        split(number, strlen(number), &have);
        if (have.n > left || !have.n)
            return 0;
        for (int k = 1; k <= have.n; k++)
            if (!same_part(have.part[have.n - k], want->part[left - k]))
                return 0;
        left -= have.n;
        *top = i;
    }
    return left == 0;
}

static int within(const struct clauses *c, int inner, int outer)
{
    while (inner >= 0 && inner != outer)
        inner = c->at[inner].parent;
    return inner == outer;
}

/* How near a clause whose number begins at `top` stands to clause `from`:
 * higher is nearer; < 0: a letter of some other list. */
static int nearness(const struct clauses *c, int top, int from)
{
    const char *number = c->at[top].number ? c->at[top].number : "";
    int parent = c->at[top].parent, depth = 0;
    int letter = number[0] == '(' || (isalpha((unsigned char)number[0]) &&
                                      c->at[top].depth > 0);

    if (letter ? !within(c, from, parent) : parent >= 0 &&
                                            !within(c, from, parent))
        return letter ? -1 : 0;
    for (; parent >= 0; parent = c->at[parent].parent)
        depth++;
    return depth + 1;
}

static int resolve(const struct rules *r, const struct number *want,
                   int exhibit, int from)
{
    const struct clauses *c = r->c;
    int best = -1, best_score = -1, top = 0;

    for (int i = 0; i < c->n; i++) {
        int score;

        if (!c->at[i].number || !answers(c, i, want, &top))
            continue;
        if (is_exhibit(r, top) != exhibit)
            continue;
        score = nearness(c, top, from);
        if (score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

/* The clause that is "this Section" (Article, Exhibit, ...) for `from`. */
static int this_unit(const struct rules *r, struct span unit, int from)
{
    const struct clauses *c = r->c;
    int low = rule_matches(r, "reference.this.low", unit, NULL);
    int high = rule_matches(r, "reference.this.high", unit, NULL);
    int i = from;

    while (i >= 0 && !c->at[i].number)
        i = c->at[i].parent;
    while (i >= 0 && !low && c->at[i].parent >= 0 &&
           (high || !isdigit((unsigned char)c->at[i].number[0]) ||
            strchr(c->at[i].number, ')'))) {
        int above = numbered_above(c, i);

        if (above < 0)
            break;
        i = above;
    }
    return i < 0 ? from : i;
}

struct targets { struct node *at; int n, cap; };

static void add_target(struct targets *t, struct node n)
{
    for (int i = 0; i < t->n; i++)
        if (n.kind == NODE_CLAUSE && t->at[i].kind == NODE_CLAUSE &&
            t->at[i].index == n.index)
            return;
    if (t->n < t->cap)
        t->at[t->n++] = n;
    else
        mem_free((void *)(uintptr_t)n.name);
}

/* "2 through 5": what stands between two clauses at the same level. */
static void add_range(const struct clauses *c, int from, int to,
                      struct targets *t)
{
    for (int i = from + 1; i < to; i++)
        if (c->at[i].number && c->at[i].depth == c->at[to].depth)
            add_target(t, node_clause(i));
}

/* "(c)" after "4.1(a)" is 4.1(c).  Returns 1 if so. */
static int inherit(struct number *n, const struct number *before, size_t at,
                   const char *text)
{
    struct number full = *before;

    if (text[at] != '(' || before->n <= n->n)
        return 0;
    for (int k = 0; k < n->n; k++)
        strcpy(full.part[full.n - n->n + k], n->part[k]);
    *n = full;
    return 1;
}

/* A unit that no clause answers to: its parent's text may print the letter
 * that the clause reader did not take for a clause. */
static int printed_in_parent(const struct rules *r, struct number want,
                             int exhibit, int from)
{
    char mark[PART_BYTES + 3] = "(";
    const struct clause *c;
    int parent;

    if (want.n < 2)
        return -1;
    strcat(strcat(mark, want.part[--want.n]), ")");
    parent = resolve(r, &want, exhibit, from);
    if (parent < 0)
        return -1;
    c = &r->c->at[parent];
    for (const char *p = r->d->text + c->span.from; p && p < r->d->text +
         c->span.to; p++) {
        p = strstr(p, mark);
        if (!p || p >= r->d->text + c->span.to)
            break;
        return parent;
    }
    return -1;
}

/* A number without spaces and quotation marks: "2.1(d)" of "2.1 (d)". */
static char *bare(struct rules *r, struct span s)
{
    char *out = rule_text(r, s);
    size_t n = 0;

    for (size_t i = 0; out && out[i]; i++)
        if (out[i] != ' ' && out[i] != '"' && !(out[i] & 0x80))
            out[n++] = out[i];
    if (out)
        out[n] = '\0';
    return out;
}

/* A number that took its beginning from the one before: "4.1(c)". */
static void spell(const struct number *n, struct str *out)
{
    for (int k = 0; k < n->n; k++)
        str_printf(out, isdigit((unsigned char)n->part[k][0])
                            ? k ? ".%s" : "%s"
                            : k ? "(%s)" : "%s", n->part[k]);
}

/* "dangling:Section 71", also where "Sections 2 and 71" is printed.  whole:
 * the number where it is not all printed; NULL. */
static struct node missing(struct rules *r, struct span unit,
                           struct span number, const struct number *whole)
{
    struct node n = { NODE_DANGLING, -1, NULL };
    char *word, *digits;
    struct str name;

    if (unit.to > unit.from && strchr("sS", r->d->text[unit.to - 1]))
        unit.to--;
    word = rule_text(r, unit);
    digits = bare(r, number);
    str_init(&name);
    str_printf(&name, "%s%s", word ? word : "", word && *word ? " " : "");
    if (whole)
        spell(whole, &name);
    else
        str_puts(&name, digits ? digits : "");
    if (word && digits && str_ok(&name))
        n = node_called(r, NODE_DANGLING, name.p);
    else
        r->err = SOR_NOMEM;
    str_release(&name);
    mem_free(word);
    mem_free(digits);
    return n;
}

/* A mention being read: "Sections 2, 4.1(a) through (c) and Exhibit B". */
struct reading {
    struct rules *r;
    int from;               /* the clause that it stands in */
    int exhibit;            /* the unit is an exhibit, no section */
    struct span word;       /* the last unit that was printed */
    struct number before;   /* the last number, whole */
    int last;               /* the clause that it named; -1 */
};

/* The clause that a unit of the mention names; -1: none.  m: its match. */
static int find_unit(const struct reading *d, const struct number *want,
                     const struct match *m)
{
    const struct rules *r = d->r;
    int i = resolve(r, want, d->exhibit, d->from);

    if (i < 0)
        i = printed_in_parent(r, *want, d->exhibit, d->from);
    if (i < 0 && rule_matches(r, "reference.this.word", (struct span) {
                              m->from[0], m->from[3] }, NULL))
        i = this_unit(r, d->word, d->from);
    return i;
}

/* One unit.  Groups: 1 range word, 2 unit, 3 number. */
static void read_unit(struct reading *d, const struct match *m,
                      struct targets *t)
{
    const char *text = d->r->d->text;
    struct span number = { m->from[3], m->to[3] };
    struct number want;
    int i, inherited;

    if (m->from[2] < m->to[2]) {
        d->word = (struct span) { m->from[2], m->to[2] };
        d->exhibit = rule_matches(d->r, "reference.exhibit", d->word, NULL);
        d->before.n = 0;
    }
    if (number.from >= number.to) {
        add_target(t, node_clause(this_unit(d->r, d->word, d->from)));
        return;
    }
    split(text + number.from, number.to - number.from, &want);
    inherited = inherit(&want, &d->before, number.from, text);
    i = find_unit(d, &want, m);
    if (i >= 0 && d->last >= 0 && m->from[1] < m->to[1])
        add_range(d->r->c, d->last, i, t);
    add_target(t, i >= 0 ? node_clause(i)
                         : missing(d->r, d->word, number,
                                   inherited ? &want : NULL));
    d->before = want;
    d->last = i;
}

int reference_targets(struct rules *r, const struct hit *h, int from,
                      struct node *to, int cap)
{
    struct targets t = { to, 0, cap };
    struct reading d = { .r = r, .from = from, .last = -1 };
    struct span rest = hit_span(h);
    struct match m;

    while (rest.from < rest.to &&
           rule_matches(r, "reference.part", rest, &m)) {
        read_unit(&d, &m, &t);
        rest.from = m.to[0] > rest.from ? m.to[0] : rest.from + 1;
    }
    return t.n;
}

/* Is s the heading of an exhibit that the clause reader did not take for one:
 * alone on its line, or in capitals after an empty line? */
static int is_heading(const struct rules *r, struct span s)
{
    const char *t = r->d->text;
    size_t i = s.from, k = s.to;

    while (i > 0 && (t[i - 1] == ' ' || t[i - 1] == '\t'))
        i--;
    if (i > 0 && t[i - 1] != '\n')
        return 0;
    while (t[k] == ' ' || t[k] == '\t' || t[k] == '\r')
        k++;
    if (t[k] == '\n' || t[k] == '\0')
        return 1;
    for (i -= i > 0; i > 0 && strchr(" \t\r", t[i - 1]); i--)
        ;
    return isupper((unsigned char)t[s.from + 1]) &&
           (i == 0 || t[i - 1] == '\n');
}

static void internal(struct rules *r)
{
    for (int i = 0; i < r->hits[HITS_REFERENCE].n && !r->err; i++) {
        const struct hit *h = &r->hits[HITS_REFERENCE].at[i];
        struct span s = hit_span(h);
        int src = clauses_holding(r->c, s), n;
        struct node to[TARGETS];

        if (src < 0 || is_heading(r, s))
            continue;
        n = reference_targets(r, h, src, to, TARGETS);
        for (int k = 0; k < n; k++)
            rule_edge(r, &(struct edge) { EDGE_REFERS_TO, node_clause(src),
                      to[k], s, 1, h->by->id });
    }
}

/* Has an edge already this external destination?  One edge for each, at its
 * full citation. */
static int cited(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->n_edge; i++)
        if (g->edge[i].dst.kind == NODE_EXTERNAL &&
            strcmp(g->edge[i].dst.name, name) == 0)
            return 1;
    return 0;
}

/* "the Exchange Act", defined where the act was cited in full. */
static int abbreviated(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->n_term; i++)
        if (strcmp(g->term[i].name, name) == 0)
            return 1;
    return 0;
}

static void external(struct rules *r)
{
    struct hits h = rule_hits(r, "reference.external",
                              "reference.external.not");

    for (int i = 0; i < h.n && !r->err; i++) {
        const struct match *m = &h.at[i].m;
        struct span s = hit_span(&h.at[i]);
        int named = m->from[1] < m->to[1];
        struct node dst = node_named(r, NODE_EXTERNAL, named ?
            (struct span) { m->from[1], m->to[1] } : s);
        int src = clauses_holding(r->c, s);

        if (src < 0 || !dst.name || cited(r->g, dst.name) ||
            (!named && abbreviated(r->g, dst.name)))
            mem_free((void *)(uintptr_t)dst.name);
        else
            rule_edge(r, &(struct edge) { EDGE_REFERS_TO, node_clause(src),
                      dst, s, 1, h.at[i].by->id });
    }
    hits_free(&h);
}

void reference_read(struct rules *r)
{
    internal(r);
    external(r);
}
