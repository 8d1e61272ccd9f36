/* review/defect.c - what is wrong with a document, by rule: runs the hunters
 * and keeps what they found. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/defect_impl.h"

const char *defect_kind_name(enum defect_kind k)
{
    static const char *const names[DEFECT_KINDS] = {
        [DEFECT_UNDEFINED_TERM] = "undefined_term",
        [DEFECT_UNUSED_DEFINITION] = "unused_definition",
        [DEFECT_DUPLICATE_DEFINITION] = "duplicate_definition",
        [DEFECT_INCONSISTENT_CAPITALISATION] = "inconsistent_capitalisation",
        [DEFECT_DANGLING_REFERENCE] = "dangling_reference",
        [DEFECT_CIRCULAR_PRECEDENCE] = "circular_precedence",
        [DEFECT_CONFLICTING_NUMBER] = "conflicting_number",
        [DEFECT_CONTRADICTORY_SURVIVAL] = "contradictory_survival",
        [DEFECT_PLACEHOLDER] = "placeholder",
        [DEFECT_WRONG_PARTY_NAME] = "wrong_party_name",
        [DEFECT_MISSING_CLAUSE] = "missing_clause",
        [DEFECT_CONFLICTING_LAW] = "conflicting_law",
    };

    return names[k];
}

/* --- what hunters share ----------------------------------------------------- */

void hunt_add(struct hunt *h, struct defect x, const char *fmt, ...)
{
    char note[400];
    va_list args;
    struct defect *more = rule_grow(&h->r, h->out->at, h->out->n, &h->cap,
                                    sizeof *more);

    if (!more)
        return;
    h->out->at = more;
    va_start(args, fmt);
    vsnprintf(note, sizeof note, fmt, args);
    va_end(args);
    if (!(x.note = mem_strdup(note)))
        h->r.err = SOR_NOMEM;
    else
        more[h->out->n++] = x;
}

static int set_aside(const struct hunt *h, size_t at)
{
    const struct clauses *c = h->r.c;

    for (int i = 0; i < c->n_furniture; i++)
        if (c->furniture[i].kind != FURNITURE_TITLE &&
            c->furniture[i].span.from <= at && at < c->furniture[i].span.to)
            return 1;
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct match *x = &((const struct hit *)a)->m,
                       *y = &((const struct hit *)b)->m;

    if (x->from[0] != y->from[0])
        return x->from[0] < y->from[0] ? -1 : 1;
    return (x->to[0] < y->to[0]) - (x->to[0] > y->to[0]);
}

static void collect(struct hunt *h, const char *purpose, struct hits *to)
{
    const struct document *d = h->r.d;
    int n;
    const struct pattern *p = pack_patterns(h->r.p, purpose, &n);
    struct match m;

    for (int i = 0; i < n; i++)
        for (size_t at = 0; at < d->n_byte &&
             pattern_next(&p[i], d->text, d->n_byte, at, &m) == 1;) {
            struct hit *more = rule_grow(&h->r, to->at, to->n, &to->cap,
                                         sizeof *more);

            if (!more)
                return;
            to->at = more;
            to->at[to->n++] = (struct hit) { &p[i], m };
            at = m.to[0] > at ? m.to[0] : at + 1;
        }
    if (to->n)
        qsort(to->at, (size_t)to->n, sizeof *to->at, by_place);
}

struct hits hunt_hits(struct hunt *h, const char *purpose, const char *but_not)
{
    struct hits yes = { 0 }, no = { 0 };
    int kept = 0, k = 0;

    collect(h, purpose, &yes);
    if (but_not)
        collect(h, but_not, &no);
    for (int i = 0; i < yes.n; i++) {
        struct span s = hit_span(&yes.at[i]);
        int barred = set_aside(h, s.from) ||
                     (kept && yes.at[kept - 1].m.to[0] > s.from);

        while (k < no.n && no.at[k].m.to[0] <= s.from)
            k++;
        for (int j = k; j < no.n && no.at[j].m.from[0] < s.to; j++)
            barred |= no.at[j].m.to[0] > s.from;
        if (!barred)
            yes.at[kept++] = yes.at[i];
    }
    yes.n = kept;
    hits_free(&no);
    return yes;
}

int hunt_heading(const struct hunt *h, size_t at)
{
    int i = clauses_holding(h->r.c, (struct span) { at, at + 1 });

    return i >= 0 && at < h->r.c->at[i].text.from;
}

const char *hunt_place(const struct hunt *h, struct span s, char *buf,
                       size_t size)
{
    int i = clauses_holding(h->r.c, s);

    while (i >= 0 && !h->r.c->at[i].number && !h->r.c->at[i].heading)
        i = h->r.c->at[i].parent;
    if (i < 0)
        snprintf(buf, size, "the text");
    else if (h->r.c->at[i].number)
        snprintf(buf, size, "clause %.40s", h->r.c->at[i].path
                                                ? h->r.c->at[i].path
                                                : h->r.c->at[i].number);
    else
        snprintf(buf, size, "\"%.40s\"", h->r.c->at[i].heading);
    return buf;
}

enum { CONTEXT_BYTES = 60 };

struct span hunt_before(struct span s)
{
    return (struct span) { s.from > CONTEXT_BYTES ? s.from - CONTEXT_BYTES : 0,
                           s.from };
}

struct span hunt_after(const struct hunt *h, struct span s)
{
    size_t n = h->r.d->n_byte;

    return (struct span) { s.to, n - s.to > CONTEXT_BYTES
                                     ? s.to + CONTEXT_BYTES : n };
}

static int is_word(unsigned char c)
{
    return isalnum(c) || c >= 0x80;
}

static int same(char a, char b, int fold)
{
    return a == b || (fold && tolower((unsigned char)a) ==
                              tolower((unsigned char)b));
}

/* Bytes of text[at..n) that spell word; 0: they do not. */
static size_t spelt(const char *text, size_t n, size_t at, const char *word,
                    int fold)
{
    size_t i = at;

    for (; *word; word++) {
        size_t before = i;

        if (*word != ' ') {
            if (i >= n || !same(text[i++], *word, fold))
                return 0;
            continue;
        }
        while (i < n && isspace((unsigned char)text[i]))
            i++;
        if (i == before)
            return 0;
    }
    return i < n && is_word((unsigned char)text[i]) ? 0 : i - at;
}

size_t hunt_word(const struct hunt *h, const char *word, size_t from,
                 int fold, size_t *to)
{
    const char *text = h->r.d->text;
    size_t n = h->r.d->n_byte;

    for (size_t at = from; at < n && *word; at++) {
        size_t len = same(text[at], *word, fold) &&
                     (at == 0 || !(is_word((unsigned char)text[at - 1]) ||
                                   text[at - 1] == '-'))
                         ? spelt(text, n, at, word, fold) : 0;

        if (len > 0) {
            *to = at + len;
            return at;
        }
    }
    return n;
}

/* --- customary clauses ------------------------------------------------------- */

/* Does a pattern of this purpose match in the first part of the document,
 * where its title and parties are? */
static int is_document(const struct hunt *h, const char *purpose)
{
    enum { HEAD_BYTES = 3000 };
    size_t n = h->r.d->n_byte < HEAD_BYTES ? h->r.d->n_byte : HEAD_BYTES;

    return !purpose || pack_matches(h->r.p, purpose, h->r.d->text, n, NULL);
}

/* An absence is only as good as the search: all of the text is searched, and
 * how many clauses that was is said. */
static void missing(struct hunt *h)
{
    const struct document *d = h->r.d;

    if (pack_matches(h->r.p, "document.amendment", d->text, d->n_byte, NULL))
        return;                 /* what it lacks is in what it amends */
    for (int i = 0; i < h->r.p->n_required; i++) {
        const struct required *q = &h->r.p->required[i];

        if (!is_document(h, q->document) ||
            pack_matches(h->r.p, q->found, d->text, d->n_byte, NULL))
            continue;
        hunt_add(h, (struct defect) { .kind = DEFECT_MISSING_CLAUSE,
                                      .missing = q->id,
                                      .n_searched = h->r.c->n },
                 "%s: none of %d clauses has words of this kind", q->title,
                 h->r.c->n);
    }
}

/* --- the hunt ---------------------------------------------------------------- */

static int by_span(const void *a, const void *b)
{
    const struct defect *x = a, *y = b;

    if (x->span.from != y->span.from)
        return x->span.from < y->span.from ? -1 : 1;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

enum sor_err defects_find(const struct document *d, const struct clauses *c,
                          const struct graph *g, const struct pack *p,
                          struct defects **out, struct sor_msg *msg)
{
    struct hunt h = { .r = { .d = d, .c = c, .p = p }, .g = g };

    h.out = mem_calloc(1, sizeof *h.out);
    if (!h.out)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", d->name);
    h.r.hits[HITS_SENTENCE] = rule_hits(&h.r, "sentence.end", "sentence.not");
    defect_terms(&h);
    defect_undefined(&h);
    defect_places(&h);
    defect_values(&h);
    defect_parties(&h);
    if (c->n > 0)
        missing(&h);
    hits_free(&h.r.hits[HITS_SENTENCE]);
    if (h.r.err) {
        defects_close(h.out);
        return sor_fail(msg, h.r.err, "%s: out of memory for its defects",
                        d->name);
    }
    if (h.out->n)
        qsort(h.out->at, (size_t)h.out->n, sizeof *h.out->at, by_span);
    *out = h.out;
    return SOR_OK;
}

void defects_close(struct defects *x)
{
    if (!x)
        return;
    for (int i = 0; i < x->n; i++)
        mem_free(x->at[i].note);
    mem_free(x->at);
    mem_free(x);
}
