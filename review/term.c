/* review/term.c - defined terms: where they are defined and where used.
 *
 * A use is a word sequence of the text that is a term's name, its plural,
 * singular or possessive, or either in capitals.  The text is walked once; at
 * each word the forms that begin with that word are tried, longest first, so
 * that "Disclosing Party" is no use of "Party". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/rule.h"

/* --- definitions --------------------------------------------------------- */

static int term_named(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->n_term; i++)
        if (strcmp(g->term[i].name, name) == 0)
            return i;
    return -1;
}

/* The words that give a term its meaning: after "means", or before the
 * bracket, within the sentence. */
static struct span meaning(const struct rules *r, const struct hit *h)
{
    struct span s = rule_sentence(r, h->m.from[1]);

    if (h->m.from[2] < h->m.to[2])      /* group 2: "means" */
        s.from = h->m.to[2];
    else
        s.to = h->m.from[0];
    if (s.from > s.to)
        s.from = s.to = h->m.from[0];
    while (s.from < s.to && strchr(",: \t\r\n", r->d->text[s.from]))
        s.from++;               /* "means, with respect to ..." */
    return rule_trim(r, s);
}

static void define(struct rules *r, const struct hit *h)
{
    struct graph *g = r->g;
    struct span s = { h->m.from[1], h->m.to[1] };
    int clause = clauses_holding(r->c, s), i;
    char *name;

    while (s.to > s.from && strchr(" ,.;", r->d->text[s.to - 1]))
        s.to--;
    s = rule_trim(r, s);
    if (clause < 0 || s.from >= s.to || rule_matches(r, "define.not", s,
                                                     NULL))
        return;
    name = rule_text(r, s);
    i = name ? term_named(g, name) : -1;
    if (i < 0 && name) {
        struct term *more = rule_grow(r, g->term, g->n_term, &r->cap_term,
                                      sizeof *more);

        if (more) {
            g->term = more;
            i = g->n_term++;
            g->term[i] = (struct term) { .name = name, .clause = clause,
                                         .span = s,
                                         .meaning = meaning(r, h) };
            name = NULL;
        }
    }
    mem_free(name);
    if (i < 0)
        return;
    g->term[i].n_def++;
    rule_edge(r, &(struct edge) { EDGE_DEFINES, node_clause(clause),
              { NODE_TERM, i, NULL }, s, 1, h->by->id });
}

/* After one defined term the next may follow in the same bracket: ("Party" or
 * collectively the "Parties"). */
static void define_chain(struct rules *r, struct hit h)
{
    int n;
    const struct pattern *next = pack_patterns(r->p, "define.next", &n);
    size_t limit;

    define(r, &h);
    for (int i = 0; i < n && !r->err;) {
        struct match m;
        size_t at = h.m.to[1];

        limit = at + 200 < r->d->n_byte ? at + 200 : r->d->n_byte;
        if (pattern_next(&next[i], r->d->text, limit, at, &m) == 1 &&
            m.from[0] == at) {
            h = (struct hit) { &next[i], m };
            define(r, &h);
            i = 0;
        } else {
            i++;
        }
    }
}

static int defined_at(const struct graph *g, size_t at)
{
    for (int i = g->n_edge - 1; i >= 0; i--)
        if (g->edge[i].kind == EDGE_DEFINES && g->edge[i].span.from <= at &&
            at < g->edge[i].span.to)
            return 1;
    return 0;
}

static void definitions(struct rules *r)
{
    struct hits h = rule_hits(r, "define", NULL);
    struct hits weak = rule_hits(r, "define.weak", NULL);

    for (int i = 0; i < h.n && !r->err; i++)
        if (!defined_at(r->g, h.at[i].m.from[1]))
            define_chain(r, h.at[i]);
    for (int i = 0; i < weak.n && !r->err; i++) {
        char *name = rule_text(r, (struct span) { weak.at[i].m.from[1],
                                                  weak.at[i].m.to[1] });

        if (name && term_named(r->g, name) < 0)
            define(r, &weak.at[i]);     /* "includes": if nothing better */
        mem_free(name);
    }
    hits_free(&h);
    hits_free(&weak);
}

/* --- forms --------------------------------------------------------------- */

struct form { char *text; size_t n, n_first; int term, exact; };
struct forms { struct form *at; int n, cap; };

static size_t word_end(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && (isalnum((unsigned char)s[i]) || (s[i] & 0x80)))
        i++;
    return i ? i : n > 0;
}

static void add_form(struct rules *r, struct forms *f, const char *text,
                     size_t n, struct form like)
{
    struct form *more = rule_grow(r, f->at, f->n, &f->cap, sizeof *more);

    if (!more)
        return;
    f->at = more;
    like.text = mem_strndup(text, n);
    if (!like.text) {
        r->err = SOR_NOMEM;
        return;
    }
    like.n = n;
    like.n_first = word_end(text, n);
    f->at[f->n++] = like;
    for (size_t i = 0; i < n; i++)      /* the same in capitals */
        if (islower((unsigned char)text[i])) {
            char *caps = mem_strndup(text, n);

            if (!caps) {
                r->err = SOR_NOMEM;
                return;
            }
            for (size_t k = 0; k < n; k++)
                caps[k] = (char)toupper((unsigned char)caps[k]);
            add_form(r, f, caps, n, like);
            mem_free(caps);
            return;
        }
}

static int ends(const char *s, size_t n, const char *tail)
{
    size_t k = strlen(tail);

    return n > k + 1 && strcmp(s + n - k, tail) == 0;
}

/* The plural of a singular and the singular of a plural; English, as far as
 * defined terms need it. */
static void inflect(struct rules *r, struct forms *f, const char *name,
                    int term)
{
    size_t n = strlen(name);
    struct form like = { .term = term, .exact = 0 };
    char buf[256];

    if (n + 4 > sizeof buf)
        return;
    memcpy(buf, name, n + 1);
    if (ends(name, n, "ies")) {
        strcpy(buf + n - 3, "y");
        add_form(r, f, buf, n - 2, like);
    } else if (ends(name, n, "s") && !ends(name, n, "ss")) {
        add_form(r, f, buf, n - 1, like);
        if (ends(name, n, "ses") || ends(name, n, "xes") ||
            ends(name, n, "ches") || ends(name, n, "shes"))
            add_form(r, f, buf, n - 2, like);
    } else if (ends(name, n, "y") && !strchr("aeou", name[n - 2])) {
        strcpy(buf + n - 1, "ies");
        add_form(r, f, buf, n + 2, like);
    } else {
        strcpy(buf + n, ends(name, n, "s") || ends(name, n, "x") ||
                        ends(name, n, "ch") || ends(name, n, "sh")
                            ? "es" : "s");
        add_form(r, f, buf, strlen(buf), like);
    }
}

/* By first word; longer first, and the name itself before an inflection. */
static int form_order(const void *a, const void *b)
{
    const struct form *x = a, *y = b;
    size_t n = x->n_first < y->n_first ? x->n_first : y->n_first;
    int c = memcmp(x->text, y->text, n);

    if (c || x->n_first != y->n_first)
        return c ? c : x->n_first < y->n_first ? -1 : 1;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return y->exact - x->exact;
}

static struct forms all_forms(struct rules *r)
{
    struct forms f = { 0 };

    for (int i = 0; i < r->g->n_term && !r->err; i++) {
        const char *name = r->g->term[i].name;

        add_form(r, &f, name, strlen(name),
                 (struct form) { .term = i, .exact = 1 });
        inflect(r, &f, name, i);
    }
    if (f.n)
        qsort(f.at, (size_t)f.n, sizeof *f.at, form_order);
    return f;
}

static void free_forms(struct forms *f)
{
    for (int i = 0; i < f->n; i++)
        mem_free(f->at[i].text);
    mem_free(f->at);
}

/* Bytes of text[0..n) that spell the form, any white space for a space; 0: it
 * does not. */
static size_t spells(const struct form *f, const char *text, size_t n)
{
    size_t i = 0;

    for (size_t k = 0; k < f->n; k++) {
        if (f->text[k] == ' ') {
            size_t space = i;

            while (i < n && isspace((unsigned char)text[i]))
                i++;
            if (i == space)
                return 0;
        } else if (i >= n || text[i++] != f->text[k]) {
            return 0;
        }
    }
    return i < n && isalnum((unsigned char)text[i]) ? 0 : i;
}

/* The form that text[0..n) starts with, longest first; *len: its bytes. */
static const struct form *form_at(const struct forms *f, const char *text,
                                  size_t n, size_t *len)
{
    struct form key = { .text = (char *)(uintptr_t)text, .n = SIZE_MAX,
                        .n_first = word_end(text, n), .exact = 1 };
    int low = 0, high = f->n;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (form_order(&f->at[mid], &key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < f->n && f->at[low].n_first == key.n_first &&
           memcmp(f->at[low].text, text, key.n_first) == 0; low++)
        if ((*len = spells(&f->at[low], text, n)) > 0)
            return &f->at[low];
    return NULL;
}

/* The same for the plural of the form. */
static size_t spells_plural(const struct form *f, const char *text, size_t n)
{
    char buf[256];
    struct form many = { .text = buf, .n = f->n + 1 };
    int y = f->n > 1 && f->text[f->n - 1] == 'y' &&
            !strchr("aeou", f->text[f->n - 2]);

    if (f->n + 4 > sizeof buf)
        return 0;
    memcpy(buf, f->text, f->n + 1);
    strcpy(buf + f->n - y, y ? "ies" : "s");
    many.n = strlen(buf);
    return spells(&many, text, n);
}

/* The longest term that starts s, "Parties" before the plural of "Party";
 * *len: its bytes. */
static int longest_at(const struct rules *r, struct span s, size_t *len)
{
    const char *text = r->d->text + s.from;
    size_t n = s.to - s.from, best = 0;
    int found = -1;

    *len = 0;
    for (int i = 0; i < r->g->n_term; i++) {
        struct form f = { .text = r->g->term[i].name };
        size_t exact, one;

        f.n = strlen(f.text);
        exact = spells(&f, text, n);
        one = exact ? exact : spells_plural(&f, text, n);
        if (one && 2 * one + (exact > 0) > best) {
            best = 2 * one + (exact > 0);
            *len = one;
            found = i;
        }
    }
    return found;
}

int term_at_start(const struct rules *r, struct span s)
{
    size_t len;

    return longest_at(r, s, &len);
}

int term_fills(const struct rules *r, struct span s)
{
    size_t len;

    return longest_at(r, s, &len) >= 0 && len == s.to - s.from;
}

/* --- uses ---------------------------------------------------------------- */

struct use { int term; size_t from, to; };

/* Is the word at s part of a longer proper name: "Product Launch" where only
 * "Product" is a term?  `known`: another form starts there. */
static int longer_name(const struct rules *r, const struct forms *f,
                       struct span s)
{
    const char *text = r->d->text;
    size_t i = s.to, n = r->d->n_byte, len;

    if (i + 2 < n && text[i] == ' ' && isupper((unsigned char)text[i + 1]) &&
        islower((unsigned char)text[i + 2]) &&
        !form_at(f, text + i + 1, n - i - 1, &len))
        return rule_matches(r, "use.continued", (struct span) { i + 1,
                            i + 40 < n ? i + 40 : n }, NULL);
    return 0;
}

static int in_definition(const struct rules *r, struct span s, int *edge)
{
    const struct graph *g = r->g;

    while (*edge < g->n_edge && g->edge[*edge].span.to <= s.from)
        ++*edge;
    return *edge < g->n_edge && g->edge[*edge].span.from < s.to &&
           g->edge[*edge].kind == EDGE_DEFINES;
}

/* "This Supply Agreement (the "Agreement")": the words that a definition
 * abbreviates are no use of it.  edge: the next definition. */
static int abbreviated(const struct rules *r, int term, struct span s,
                       int edge)
{
    const struct graph *g = r->g;
    size_t i = s.to;

    if (edge >= g->n_edge || g->edge[edge].kind != EDGE_DEFINES ||
        g->edge[edge].dst.index != term)
        return 0;
    while (i < g->edge[edge].span.from &&
           isspace((unsigned char)r->d->text[i]))
        i++;
    return r->d->text[i] == '(';
}

static void add_use(struct rules *r, int term, struct span s, int *last)
{
    int clause = clauses_holding(r->c, s);
    struct term *t = &r->g->term[term];

    t->n_use++;
    if (clause < 0 || last[term] == clause)
        return;
    for (int i = r->g->n_edge - 1; i >= 0 && r->g->edge[i].span.from >=
                                   r->c->at[clause].span.from; i--)
        if (r->g->edge[i].kind == EDGE_USES &&
            r->g->edge[i].dst.index == term &&
            r->g->edge[i].src.index == clause)
            return;
    last[term] = clause;
    rule_edge(r, &(struct edge) { EDGE_USES, node_clause(clause),
              { NODE_TERM, term, NULL }, s, 1, "use" });
}

static int edge_place(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;

    return (x->span.from > y->span.from) - (x->span.from < y->span.from);
}

/* "Non-Infringement" is no use of "Infringement". */
static int starts_word(const char *text, size_t i)
{
    int joined = i >= 2 && text[i - 1] == '-' &&
                 isalnum((unsigned char)text[i - 2]);

    return !joined && isalnum((unsigned char)text[i]);
}

static void uses(struct rules *r, const struct forms *f, int *last)
{
    const char *text = r->d->text;
    size_t n = r->d->n_byte, i = 0, len;
    int edge = 0;

    while (i < n && !r->err) {
        size_t word = word_end(text + i, n - i);
        const struct form *form = starts_word(text, i)
                                      ? form_at(f, text + i, n - i, &len)
                                      : NULL;
        struct span s = { i, i + (form ? len : word) };

        if (form && !in_definition(r, s, &edge) && !rule_furniture(r, i) &&
            !longer_name(r, f, s) && !abbreviated(r, form->term, s, edge))
            add_use(r, form->term, s, last);
        i = s.to;
    }
}

void term_read(struct rules *r)
{
    struct forms f = { 0 };
    int *last;

    definitions(r);
    if (r->err || !r->g->n_term)
        return;
    qsort(r->g->edge, (size_t)r->g->n_edge, sizeof *r->g->edge, edge_place);
    f = all_forms(r);
    last = mem_calloc((size_t)r->g->n_term, sizeof *last);
    if (!last)
        r->err = SOR_NOMEM;
    for (int i = 0; last && i < r->g->n_term; i++)
        last[i] = -1;
    if (!r->err)
        uses(r, &f, last);
    if (!r->err)
        term_outside(r);
    mem_free(last);
    free_forms(&f);
}
