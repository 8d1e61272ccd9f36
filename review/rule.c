/* review/rule.c - matches, sentences and reaches, for the rules. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/rule.h"

void *rule_grow(struct rules *r, void *array, int n, int *cap, size_t size)
{
    int want = *cap ? 2 * *cap : 32;
    void *more;

    if (r->err)
        return NULL;
    if (n < *cap)
        return array;
    more = mem_realloc(array, (size_t)want, size);
    if (!more)
        r->err = SOR_NOMEM;
    else
        *cap = want;
    return more;
}

/* --- matches ------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct match *x = &((const struct hit *)a)->m,
                       *y = &((const struct hit *)b)->m;

    if (x->from[0] != y->from[0])
        return x->from[0] < y->from[0] ? -1 : 1;
    return x->to[0] == y->to[0] ? 0 : x->to[0] > y->to[0] ? -1 : 1;
}

/* Appends all matches of one pattern.  After a failed search (a limit of
 * PCRE2) the rest of the text is left: hostile, or no language. */
static void collect(struct rules *r, const struct pattern *p, struct hits *h)
{
    const char *text = r->d->text;
    size_t n = r->d->n_byte;
    struct match m;

    for (size_t at = 0; at < n && pattern_next(p, text, n, at, &m) == 1;) {
        struct hit *more = rule_grow(r, h->at, h->n, &h->cap, sizeof *more);

        if (!more)
            return;
        h->at = more;
        h->at[h->n++] = (struct hit) { p, m };
        at = m.to[0] > at ? m.to[0] : at + 1;
    }
}

void hits_sort(struct hits *h)
{
    if (h->n > 1)
        qsort(h->at, (size_t)h->n, sizeof *h->at, by_place);
}

static struct hits all_hits(struct rules *r, const char *purpose)
{
    struct hits h = { 0 };
    int n;
    const struct pattern *p = pack_patterns(r->p, purpose, &n);

    for (int i = 0; i < n; i++)
        collect(r, &p[i], &h);
    hits_sort(&h);
    return h;
}

/* Does a hit of h overlap s?  *from moves on: calls come with rising s. */
static int overlaps(const struct hits *h, struct span s, int *from)
{
    while (*from < h->n && h->at[*from].m.to[0] <= s.from)
        ++*from;
    for (int i = *from; i < h->n && h->at[i].m.from[0] < s.to; i++)
        if (h->at[i].m.to[0] > s.from)
            return 1;
    return 0;
}

struct hits rule_hits(struct rules *r, const char *purpose,
                      const char *but_not)
{
    struct hits h = all_hits(r, purpose), not = { 0 };
    int kept = 0, from = 0;

    if (but_not)
        not = all_hits(r, but_not);
    for (int i = 0; i < h.n; i++) {
        struct span s = hit_span(&h.at[i]);

        if (overlaps(&not, s, &from) || rule_furniture(r, s.from))
            continue;
        if (kept && h.at[kept - 1].m.to[0] > s.from)
            continue;                   /* inside a longer one */
        h.at[kept++] = h.at[i];
    }
    h.n = kept;
    hits_free(&not);
    return h;
}

void hits_free(struct hits *h)
{
    mem_free(h->at);
    *h = (struct hits) { 0 };
}

int hits_after(const struct hits *h, size_t at)
{
    int low = 0, high = h->n;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (h->at[mid].m.from[0] < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int hits_hold(const struct hits *h, size_t at)
{
    int i = hits_after(h, at + 1);

    return i > 0 && h->at[i - 1].m.to[0] > at;
}

int hits_within(const struct hits *h, struct span s)
{
    int i = hits_after(h, s.from);

    return i < h->n && h->at[i].m.from[0] < s.to;
}

int rule_matches(const struct rules *r, const char *purpose, struct span s,
                 struct match *m)
{
    struct match any;
    int n, found = 0;
    const struct pattern *p = pack_patterns(r->p, purpose, &n);

    for (int i = 0; i < n && !found; i++)
        found = pattern_next(&p[i], r->d->text + s.from, s.to - s.from, 0,
                             m ? m : &any) == 1;
    for (int k = 0; found && m && k < PATTERN_GROUPS; k++) {
        m->from[k] += s.from;
        m->to[k] += s.from;
    }
    return found;
}

/* --- places -------------------------------------------------------------- */

struct span rule_trim(const struct rules *r, struct span s)
{
    const char *t = r->d->text;

    while (s.from < s.to && isspace((unsigned char)t[s.from]))
        s.from++;
    while (s.to > s.from && isspace((unsigned char)t[s.to - 1]))
        s.to--;
    return s;
}

int rule_furniture(const struct rules *r, size_t at)
{
    int i = clauses_holding(r->c, (struct span) { at, at + 1 });

    return i < 0 || at < r->c->at[i].text.from;
}

/* The first byte at or after `at` that starts a character. */
static size_t whole_char(const struct rules *r, size_t at)
{
    while (((unsigned char)r->d->text[at] & 0xC0) == 0x80)
        at++;
    return at;
}

/* No sentence is looked at further than this either way: in a text without
 * full stops the work would grow with its square. */
enum { SENTENCE_BYTES = 4000 };

struct span rule_sentence(const struct rules *r, size_t at)
{
    const struct hits *end = &r->hits[HITS_SENTENCE];
    int clause = clauses_holding(r->c, (struct span) { at, at + 1 });
    int i = hits_after(end, at);
    struct span s = { 0, r->d->n_byte };

    if (clause >= 0) {
        s = r->c->at[clause].span;
        if (at >= r->c->at[clause].text.from)
            s.from = r->c->at[clause].text.from;
    }
    if (at > s.from + SENTENCE_BYTES)
        s.from = whole_char(r, at - SENTENCE_BYTES);
    if (s.to > at + SENTENCE_BYTES)
        s.to = whole_char(r, at + SENTENCE_BYTES);
    if (i < end->n && end->at[i].m.to[0] < s.to)
        s.to = end->at[i].m.to[0];
    while (i > 0 && end->at[i - 1].m.to[0] > at)
        i--;
    if (i > 0 && end->at[i - 1].m.to[0] > s.from)
        s.from = end->at[i - 1].m.to[0];
    return rule_trim(r, s);
}

int rule_first(const struct rules *r, size_t at)
{
    enum { LOOK_BYTES = 120 };          /* more than any such words have */
    struct span before = { rule_sentence(r, at).from, at };

    if (before.from >= before.to)
        return 1;
    if (before.to - before.from > LOOK_BYTES)
        before.from = before.to - LOOK_BYTES;
    return rule_matches(r, "logic.first", before, NULL);
}

int rule_before(const struct rules *r, int clause)
{
    const struct clause *c = r->c->at;
    int parent = c[clause].parent;

    for (int i = clause - 1; i > parent; i--)
        if (c[i].parent == parent)
            return i;
    return c[clause].number ? -1 : parent;
}

int rule_child(const struct rules *r, int clause, size_t at)
{
    const struct clauses *c = r->c;

    for (int i = clause + 1; i < c->n && c->at[i].span.from <
                                         c->at[clause].span.to; i++)
        if (c->at[i].parent == clause && c->at[i].span.from >= at)
            return i;
    return -1;
}

/* --- how far it reaches -------------------------------------------------- */

struct scan {
    const struct rules *r;
    const struct reach *o;
    size_t limit;           /* the sentence, or the bracket, ends */
    size_t list_from;       /* the list within it starts */
    size_t last_from, list_to;      /* its last item; all limit: no list */
    size_t comma;           /* see note_comma() */
    int whole;
};

int rule_brackets(const char *text, size_t i, int depth)
{
    size_t k = i;

    if (text[i] != ')' || depth > 0)
        return depth + (text[i] == '(') - (text[i] == ')');
    while (k > 0 && i - k < 5 && isalnum((unsigned char)text[k - 1]))
        k--;
    return k < i && k > 0 && isspace((unsigned char)text[k - 1]) ? 0 : -1;
}

/* The list that follows the opener within its sentence, item after item. */
static void find_list(struct scan *s, int clause)
{
    enum { GAP_BYTES = 12 };            /* "; and " */
    const struct clauses *c = s->r->c;
    int child = clause < 0 ? -1 : rule_child(s->r, clause, s->o->opener.to);

    s->list_from = s->last_from = s->list_to = s->limit;
    if (child < 0 || c->at[child].span.from >= s->limit)
        return;
    s->list_from = c->at[child].span.from;
    if (s->o->lead_only || c->at[child].kind == CLAUSE_PARAGRAPH) {
        s->limit = s->last_from = s->list_to = s->list_from;
        return;
    }
    do {
        s->last_from = c->at[child].span.from;
        s->list_to = c->at[child].span.to;
        child = rule_child(s->r, clause, s->list_to);
    } while (child >= 0 && c->at[child].kind != CLAUSE_PARAGRAPH &&
             c->at[child].span.from <= s->list_to + GAP_BYTES);
    if (s->list_to > s->limit)
        s->limit = s->list_to;
}

/* The sentence, the clause and the bracket that hold the opener end the
 * reach; a list after the opener is in it or, if lead_only, ends it too. */
static void set_limits(struct scan *s)
{
    struct span opener = s->o->opener;
    int depth = 0;

    s->limit = rule_sentence(s->r, opener.from).to;
    if (s->limit < opener.to)
        s->limit = opener.to;
    find_list(s, clauses_holding(s->r->c, opener));
    for (size_t i = opener.to; i < s->limit && depth >= 0; i++) {
        depth = rule_brackets(s->r->d->text, i, depth);
        if (depth < 0)
            s->limit = i;
    }
}

static int said(const struct scan *s, size_t i)
{
    return hits_within(&s->r->hits[HITS_VERB],
                       (struct span) { s->o->opener.to, i });
}

static int hit_at(const struct hits *h, size_t i)
{
    int k = hits_after(h, i);

    return k < h->n && h->at[k].m.from[0] == i;
}

/* Does the reach end at byte i, outside brackets? */
static int ends_at(const struct scan *s, size_t i, int first, int between)
{
    const struct rules *r = s->r;
    char c = r->d->text[i];
    enum opens opens = s->o->opens;

    if (i >= s->list_from && i < s->last_from)
        return 0;                       /* the list is part of it */
    if (c == ';')
        return i < s->last_from || i >= s->list_to;
    if (hit_at(&r->hits[HITS_STOP], i) && (opens != OPENS_CLAUSE ||
                                           said(s, i)))
        return 1;
    if (c != ',' || isdigit((unsigned char)r->d->text[i + 1]))
        return 0;                       /* "$5,000" */
    if (between || (opens != OPENS_CLAUSE && hit_at(&r->hits[HITS_ASIDE], i)))
        return 1;
    if (hit_at(&r->hits[HITS_MAIN], i) && (opens != OPENS_CLAUSE ||
                                           said(s, i)))
        return 1;
    return opens == OPENS_PHRASE && !first &&
           !hit_at(&r->hits[HITS_LIST], i);
}

/* Is the opener put between commas: "shall, upon request, return"? */
static int between_commas(const struct scan *s)
{
    struct span before = { 0, s->o->opener.from };

    before.from = before.to > 40 ? before.to - 40 : 0;
    return rule_matches(s->r, "logic.between", before, NULL);
}

/* Remembers the first comma that may end the opening words; one after which
 * the condition is whole is better than one that only comes first. */
static void note_comma(struct scan *s, size_t i)
{
    int whole;

    if (s->r->d->text[i] != ',' || s->whole ||
        isdigit((unsigned char)s->r->d->text[i + 1]))
        return;
    whole = s->o->opens != OPENS_CLAUSE || said(s, i) ||
            hit_at(&s->r->hits[HITS_MAIN], i);
    if (!s->comma || whole)
        s->comma = i;
    s->whole = whole;
}

/* The byte where the reach ends. */
static size_t reach_end(struct scan *s)
{
    const char *text = s->r->d->text;
    size_t i = s->o->opener.to;
    int first = rule_first(s->r, s->o->opener.from), depth = 0;
    int between = !first && between_commas(s);

    if (i < s->limit && text[i] == ',') /* "when, to the extent possible," */
        for (i++; i < s->limit && text[i] != ','; i++)
            ;
    for (; i < s->limit; i++) {
        depth = rule_brackets(text, i, depth);
        if (depth > 0)
            continue;
        if (ends_at(s, i, first, between))
            return i;
        note_comma(s, i);
    }
    /* a main clause must have begun */
    return first && s->comma && s->list_from >= s->limit ? s->comma : i;
}

struct span rule_reach(const struct rules *r, const struct reach *o)
{
    struct scan s = { .r = r, .o = o };
    struct span out = o->opener;
    size_t to;

    set_limits(&s);
    to = reach_end(&s);
    if (to > out.to)
        out.to = to;
    while (out.to > o->opener.to &&
           strchr(" \t\r\n.,;:", r->d->text[out.to - 1]))
        out.to--;
    return out;
}

/* --- results ------------------------------------------------------------- */

char *rule_text(struct rules *r, struct span s)
{
    char *out = r->err ? NULL : mem_alloc(s.to - s.from + 1);
    size_t n = 0;

    if (!out) {
        r->err = SOR_NOMEM;
        return NULL;
    }
    for (size_t i = s.from; i < s.to; i++) {
        int space = isspace((unsigned char)r->d->text[i]) != 0;

        if (!space || (n && out[n - 1] != ' '))
            out[n++] = space ? ' ' : r->d->text[i];
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return out;
}

struct node node_clause(int clause)
{
    return (struct node) { NODE_CLAUSE, clause, NULL };
}

struct node node_named(struct rules *r, enum node_kind kind, struct span s)
{
    return (struct node) { kind, -1, rule_text(r, s) };
}

struct node node_called(struct rules *r, enum node_kind kind,
                        const char *name)
{
    struct node n = { kind, -1, r->err ? NULL : mem_strdup(name) };

    if (!n.name)
        r->err = SOR_NOMEM;
    return n;
}

void rule_edge(struct rules *r, const struct edge *e)
{
    struct graph *g = r->g;
    struct edge *more = rule_grow(r, g->edge, g->n_edge, &r->cap_edge,
                                  sizeof *more);

    if (!more) {
        mem_free((void *)(uintptr_t)e->src.name);
        mem_free((void *)(uintptr_t)e->dst.name);
        return;
    }
    g->edge = more;
    g->edge[g->n_edge++] = *e;
}
