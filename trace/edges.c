#include "trace/edges.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/hook.h"
#include "trace/ascii.h"
#include "trace/number.h"

enum {
    TERMS = 64,         /* terms of one step that are looked at */
    TERM_BYTES = 60,    /* of a quotation or a name */
    TOP = 3,            /* edges of one kind out of one step */
    LABEL_BYTES = 8
};

/* Attention falls with distance whatever the words, so a share counts only by
 * how far it exceeds what the path's own mean at those distances would give.
 * At 1.5 the paths of SmolLM2-135M get one to two such edges a step.  Under a
 * twentieth of the mass no reader would call it looking. */
static const double attend_over_usual = 1.5, attend_min = 0.05;

static const struct { const char *name, *measured; } kinds[EDGE_KINDS] = {
    [EDGE_FOLLOWS]   = { "follows", "rule" },
    [EDGE_REFERS]    = { "refers_to", "rule" },
    [EDGE_SHARES]    = { "shares", "rule" },
    [EDGE_ATTENDS]   = { "attends", "correlation" },
    [EDGE_CONCLUDES] = { "concludes", "rule" },
};

const char *edges_kind_name(enum edge_kind kind)
{
    return kinds[kind].name;
}

const char *edge_measured(enum edge_kind kind)
{
    return kinds[kind].measured;
}

/* --- what is kept while the steps are walked ----------------------------- */

/* Who last held a term or a label: open addressing, key 0 is free. */
struct holder { uint64_t key; int step; int is_sure; };
struct map { struct holder *at; size_t cap, n; };

struct finder {
    const struct edge_in *in;
    struct edge *edge;
    int n, cap;
    struct map map;
    /* By block, for the step at hand: the mass it put there, and what is
     * usual at that distance.  usual[d]: the path's mean mass of a position
     * d blocks back.  All [n_block]. */
    double *mass, *expected, *usual;
    int n_block, last;          /* last: one past the last position */
    int failed;
};

static struct holder *map_slot(const struct map *m, uint64_t key)
{
    size_t i = key & (m->cap - 1);

    while (m->at[i].key && m->at[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->at[i];
}

static struct holder *map_find(const struct map *m, uint64_t key)
{
    struct holder *h = m->cap ? map_slot(m, key) : NULL;

    return h && h->key ? h : NULL;
}

static int map_grow(struct map *m)
{
    struct map more = { NULL, m->cap ? 2 * m->cap : 256, m->n };

    more.at = mem_calloc(more.cap, sizeof *more.at);
    if (!more.at)
        return -1;
    for (size_t i = 0; i < m->cap; i++)
        if (m->at[i].key)
            *map_slot(&more, m->at[i].key) = m->at[i];
    mem_free(m->at);
    *m = more;
    return 0;
}

static void hold(struct finder *f, uint64_t key, int step, int is_sure)
{
    struct map *m = &f->map;
    struct holder *h;

    if (2 * (m->n + 1) > m->cap && map_grow(m) != 0) {
        f->failed = 1;
        return;
    }
    h = map_slot(m, key);
    m->n += h->key == 0;
    *h = (struct holder){ key, step, is_sure || (h->key && h->is_sure) };
}

static void add(struct finder *f, const struct edge *e)
{
    if (f->failed)
        return;
    if (f->n == f->cap) {
        int cap = f->cap ? 2 * f->cap : 64;
        struct edge *edge = mem_realloc(f->edge, (size_t)cap, sizeof *edge);

        if (!edge) {
            f->failed = 1;
            return;
        }
        f->edge = edge;
        f->cap = cap;
    }
    f->edge[f->n++] = *e;
}

/* Adds the TOP heaviest of n candidates; among equals the later step, which
 * is the nearer one. */
static void add_top(struct finder *f, struct edge *e, int n)
{
    for (int round = 0; round < TOP && round < n; round++) {
        int best = 0;

        for (int i = 1; i < n; i++)
            if (e[i].weight > e[best].weight ||
                (e[i].weight == e[best].weight && e[i].dst > e[best].dst))
                best = i;
        if (e[best].weight <= 0.0)
            return;
        add(f, &e[best]);
        e[best].weight = 0.0;
    }
}

/* --- terms --------------------------------------------------------------- */

/* Separate key spaces for the three kinds of terms and for labels. */
enum seed { SEED_NAME = 1, SEED_NUMBER, SEED_QUOTE, SEED_LABEL };

static uint64_t key_of(const char *s, size_t n, enum seed seed)
{
    char low[TERM_BYTES];
    uint64_t key;

    for (size_t i = 0; i < n && i < sizeof low; i++)
        low[i] = to_lower(s[i]);
    key = hash_xxh3(low, n < sizeof low ? n : sizeof low, (uint64_t)seed);
    return key ? key : 1;       /* 0 marks a free slot */
}

struct term {
    uint64_t key;
    size_t from, to;
    int is_sure;        /* 0: capitalised, but only since a sentence begins */
};

struct scan {
    const char *s;
    size_t n, at;
    int is_fresh;       /* a sentence begins here */
    int has_num;
    struct number num;  /* the next one, where has_num */
};

static void scan_from(struct scan *c, size_t at)
{
    c->at = at;
    c->has_num = number_next(c->s, c->n, at, &c->num);
}

/* The end of the quotation that opens at s[at], 0 where it is none; *open,
 * *shut: bytes of its marks. */
static size_t quotation(const struct scan *c, size_t at, size_t *open,
                        size_t *shut)
{
    int curly = text_at(c->s, c->n, at, "\xE2\x80\x9C") > 0;
    const char *close = curly ? "\xE2\x80\x9D" : "\"";

    *open = curly ? 3 : 1;
    *shut = strlen(close);
    if (!curly && c->s[at] != '"')
        return 0;
    for (size_t i = at + *open; i < c->n && i < at + TERM_BYTES; i++) {
        if (c->s[i] == '\n')
            return 0;
        if (text_at(c->s, c->n, i, close))
            return i > at + *open + 1 ? i + *shut : 0;
    }
    return 0;
}

static size_t word_end(const struct scan *c, size_t at)
{
    while (at < c->n && (is_alpha(c->s[at]) || is_high(c->s[at])))
        at++;
    return at;
}

/* The next name, number or quotation: 1, or 0 at the end. */
static int term_next(struct scan *c, struct term *out)
{
    size_t end, open, shut;

    for (; c->at < c->n; c->at++) {
        char ch = c->s[c->at];

        if (c->has_num && c->at >= c->num.from) {
            *out = (struct term){
                key_of(c->num.norm, strlen(c->num.norm), SEED_NUMBER),
                c->num.from, c->num.to, 1,
            };
            scan_from(c, c->num.to);
            c->is_fresh = 0;
            return 1;
        }
        end = quotation(c, c->at, &open, &shut);
        if (end) {
            *out = (struct term){ 0, c->at + open, end - shut, 1 };
            out->key = key_of(c->s + out->from, out->to - out->from,
                              SEED_QUOTE);
            scan_from(c, end);
            return 1;
        }
        if (is_upper(ch) && (c->at == 0 || !is_word(c->s[c->at - 1]))) {
            *out = (struct term){ 0, c->at, word_end(c, c->at), !c->is_fresh };
            c->is_fresh = 0;
            if (out->to - out->from >= 2) {
                out->key = key_of(c->s + out->from, out->to - out->from,
                                  SEED_NAME);
                c->at = out->to;
                return 1;
            }
        } else if (one_of(ch, ".!?:\n")) {
            c->is_fresh = 1;
        } else if (is_word(ch)) {
            c->is_fresh = 0;
        }
    }
    return 0;
}

/* --- labels -------------------------------------------------------------- */

/* A label at s[at], "2", "b" or "iv", in brackets or bare: its end, or 0. */
static size_t label_at(const char *s, size_t n, size_t at, char *out)
{
    int paren = at < n && s[at] == '(';
    size_t i = at + (size_t)paren, len = 0;
    int digits = i < n && is_digit(s[i]);

    while (i < n && len < 4 && (digits ? is_digit(s[i]) : is_alpha(s[i])))
        out[len++] = to_lower(s[i++]);
    out[len] = '\0';
    if (len == 0 || (!digits && len > 1 && strspn(out, "ivx") != len))
        return 0;
    if (paren)
        return i < n && s[i] == ')' ? i + 1 : 0;
    return i < n && is_word(s[i]) ? 0 : i;
}

/* The label that a step gives itself: "2. ...", "(a) ...", "Step 3: ...";
 * returns where its own words begin, 0 where it gives none. */
static size_t own_label(const char *s, size_t n, char *out)
{
    size_t i = 0, end;
    int named;

    while (i < n && one_of(s[i], "*# "))
        i++;
    named = text_at(s, n, i, "Step ") > 0;
    end = label_at(s, n, i + (named ? 5 : 0), out);
    if (!end || (s[end - 1] != ')' && (end == n || !one_of(s[end], ".):"))))
        return 0;
    return end;
}

static int begins(const char *s, size_t n, size_t at, const char *low)
{
    for (; *low; low++, at++)
        if (at >= n || to_lower(s[at]) != *low)
            return 0;
    return 1;
}

/* Words that a label follows, and phrases that point without one. */
static const char *const pointing[] = {
    "step ", "equation ", "eq. ", "part ", "point ", "item ", "case ",
    "from ", "by ", "in ", "using ", "option ",
};
static const struct { const char *text; double weight; } phrases[] = {
    { "previous step", 1.0 }, { "preceding step", 1.0 }, { "last step", 1.0 },
    { "as above", 0.5 }, { "see above", 0.5 }, { "shown above", 0.5 },
    { "mentioned above", 0.5 }, { "from above", 0.5 }, { "as before", 0.5 },
};

/* The label referred to at s[at] and the end of the words that do: "step 2",
 * "from (1)", "(a)"; 0 where there is none. */
static size_t reference_at(const char *s, size_t n, size_t at, char *label)
{
    size_t len = 0, end;

    if (s[at] == '(')
        return label_at(s, n, at, label);
    for (size_t k = 0; k < sizeof pointing / sizeof *pointing && !len; k++)
        if (begins(s, n, at, pointing[k]))
            len = strlen(pointing[k]);
    if (!len || at + len >= n)
        return 0;
    end = label_at(s, n, at + len, label);
    /* "from 3" and "in a" are no references: only "step", "equation" ... name
     * a bare label, and only by number. */
    if (end && s[at + len] != '(' &&
        (!is_digit(*label) || one_of(to_lower(s[at]), "fbiu")))
        return 0;
    return end;
}

static void refer(struct finder *f, int i, int dst, double weight,
                  const char *note)
{
    struct edge e = { EDGE_REFERS, i, dst, weight, "" };

    for (int k = f->n - 1; k >= 0 && f->edge[k].src == i; k--)
        if (f->edge[k].kind == EDGE_REFERS && f->edge[k].dst == dst)
            return;
    snprintf(e.note, sizeof e.note, "%s", note);
    add(f, &e);
}

static void add_references(struct finder *f, int i)
{
    const struct edge_step *st = &f->in->step[i];
    char label[LABEL_BYTES], own[LABEL_BYTES];
    size_t at = own_label(st->text, st->n, own), end;

    if (at)
        hold(f, key_of(own, strlen(own), SEED_LABEL), i, 1);
    for (; at < st->n; at++) {
        if (at > 0 && is_word(st->text[at - 1]))
            continue;
        end = reference_at(st->text, st->n, at, label);
        if (end) {
            uint64_t key = key_of(label, strlen(label), SEED_LABEL);
            struct holder *h = map_find(&f->map, key);

            if (h && h->step < i)
                refer(f, i, h->step, 1.0, label);
            if (!h && end == st->n && st->text[at] == '(')
                hold(f, key, i, 1);     /* an equation's own number */
            at = end - 1;
            continue;
        }
        for (size_t k = 0; i > 0 && k < sizeof phrases / sizeof *phrases; k++)
            if (begins(st->text, st->n, at, phrases[k].text))
                refer(f, i, i - 1, phrases[k].weight, phrases[k].text);
    }
}

/* --- shared terms -------------------------------------------------------- */

static void hold_question(struct finder *f)
{
    struct scan c = { .s = f->in->question, .n = f->in->n_question,
                      .is_fresh = 1 };
    struct term t;

    if (!c.s)
        return;
    scan_from(&c, 0);
    while (!f->failed && term_next(&c, &t))
        hold(f, t.key, EDGE_QUESTION, t.is_sure);
}

/* The step's different terms, the first TERMS of them. */
static int terms_of(const struct edge_step *st, struct term *out)
{
    char label[LABEL_BYTES];
    struct scan c = { .s = st->text, .n = st->n, .is_fresh = 1 };
    int n = 0, k;

    scan_from(&c, own_label(st->text, st->n, label));
    while (n < TERMS && term_next(&c, &out[n])) {
        for (k = 0; k < n && out[k].key != out[n].key; k++)
            ;
        if (k < n)
            out[k].is_sure |= out[n].is_sure;
        else
            n++;
    }
    return n;
}

static void note_term(struct edge *e, const char *s, size_t n)
{
    size_t len = strlen(e->note);

    if (len + n + 3 <= sizeof e->note)
        snprintf(e->note + len, sizeof e->note - len, "%s%.*s",
                 len ? ", " : "", (int)n, s);
}

static void add_shared(struct finder *f, int i)
{
    const struct edge_step *st = &f->in->step[i];
    struct term term[TERMS];
    struct edge found[TERMS];
    int n = terms_of(st, term), n_found = 0, k;

    for (int t = 0; t < n; t++) {
        const struct holder *h = map_find(&f->map, term[t].key);

        if (!h || (!h->is_sure && !term[t].is_sure))
            continue;
        for (k = 0; k < n_found && found[k].dst != h->step; k++)
            ;
        if (k == n_found)
            found[n_found++] = (struct edge){ EDGE_SHARES, i, h->step, 0.0,
                                              "" };
        found[k].weight += 1.0 / n;
        note_term(&found[k], st->text + term[t].from,
                  term[t].to - term[t].from);
    }
    add_top(f, found, n_found);
    for (int t = 0; t < n; t++)
        hold(f, term[t].key, i, term[t].is_sure);
}

/* --- attention ----------------------------------------------------------- */

/* Positions of block b that a token at pos sees. */
static int seen_of(int b, int pos)
{
    int seen = pos + 1 - b * HOOK_BLOCK;

    return seen > HOOK_BLOCK ? HOOK_BLOCK : seen;
}

/* Fills usual[] from every token of the path; the first block, which takes the
 * sink, tells nothing about distance. */
static void learn_usual(struct finder *f)
{
    double *n_seen = f->expected;       /* free until the first step */
    const uint16_t *m;

    for (int pos = f->in->text_from; pos < f->last; pos++) {
        int n = (int)f->in->mass(f->in->ud, pos, &m);

        for (int b = 1; b < n; b++) {
            f->usual[n - 1 - b] += m[b];
            n_seen[n - 1 - b] += seen_of(b, pos);
        }
    }
    for (int d = 0; d < f->n_block; d++)
        if (n_seen[d] > 0.0)
            f->usual[d] /= n_seen[d];
}

/* Sums over the step's tokens what they put on positions before it and what
 * would be usual.  A block that the step begins in is split by positions.
 * Returns the number of tokens that had masses. */
static int sum_mass(struct finder *f, int lo, int hi)
{
    size_t bytes = (size_t)f->n_block * sizeof *f->mass;
    const uint16_t *m;
    int n_tok = 0;

    assert(f->mass && f->expected);
    memset(f->mass, 0, bytes);
    memset(f->expected, 0, bytes);
    for (int pos = lo; pos < hi; pos++) {
        int n = (int)f->in->mass(f->in->ud, pos, &m);

        n_tok += n > 0;
        for (int b = 0; b < n && b * HOOK_BLOCK < lo; b++) {
            int before = lo - b * HOOK_BLOCK, seen = seen_of(b, pos);

            if (before > seen)
                before = seen;
            f->mass[b] += (double)m[b] * before / seen;
            f->expected[b] += f->usual[n - 1 - b] * before;
        }
    }
    return n_tok;
}

/* What by_block holds for positions from..to, all before lo; the first block
 * left out. */
static double sum_on(const double *by_block, int from, int to, int lo)
{
    double sum = 0.0;

    if (from < HOOK_BLOCK)
        from = HOOK_BLOCK;
    for (int b = from / HOOK_BLOCK; b * HOOK_BLOCK < to; b++) {
        int first = b * HOOK_BLOCK, end = first + HOOK_BLOCK;
        int a = from > first ? from : first;

        if (end > lo)
            end = lo;
        sum += by_block[b] * ((to < end ? to : end) - a) / (end - first);
    }
    return sum;
}

/* Puts the region into best[TOP], sorted, where it stands out. */
static void weigh(struct edge *best, struct edge e, double usual)
{
    int k = TOP;

    if (e.weight < attend_min || e.weight <= attend_over_usual * usual)
        return;
    while (k > 0 && best[k - 1].weight < e.weight)
        k--;
    for (int i = TOP - 1; i > k; i--)
        best[i] = best[i - 1];
    if (k < TOP) {
        snprintf(e.note, sizeof e.note, "%.1f x what is usual at its distance",
                 e.weight / usual);
        best[k] = e;
    }
}

static void add_attention(struct finder *f, int i)
{
    const struct edge_step *step = f->in->step;
    struct edge best[TOP] = { { .weight = 0.0 } };
    int lo = step[i].tok_from, n_tok;
    double all, usual, sink;

    if (!f->mass || (n_tok = sum_mass(f, lo, step[i].tok_to)) == 0)
        return;
    all = sum_on(f->mass, 0, lo, lo);
    usual = sum_on(f->expected, 0, lo, lo);
    sink = f->mass[0] / (65535.0 * n_tok);
    if (all <= 0.0 || usual <= 0.0)
        return;
    for (int k = EDGE_QUESTION; k < i; k++) {
        int from = k < 0 ? 0 : step[k].tok_from;
        int to = k < 0 ? f->in->text_from : step[k].tok_to;

        if (to > lo)
            to = lo;
        weigh(best, (struct edge){ EDGE_ATTENDS, i, k,
                                   sum_on(f->mass, from, to, lo) / all, "" },
              sum_on(f->expected, from, to, lo) / usual);
    }
    for (int k = 0; k < TOP && best[k].weight > 0.0; k++) {
        size_t len = strlen(best[k].note);

        snprintf(best[k].note + len, sizeof best[k].note - len,
                 "; sink took %.0f %%", 100.0 * sink);
        add(f, &best[k]);
    }
}

/* --- all of them --------------------------------------------------------- */

/* Room for the masses, where there are any. */
static int begin(struct finder *f)
{
    const struct edge_in *in = f->in;
    size_t n;

    f->last = in->text_from;
    for (int i = 0; i < in->n_step; i++)
        if (in->step[i].tok_to > f->last)
            f->last = in->step[i].tok_to;
    f->n_block = f->last / HOOK_BLOCK + 1;
    if (!in->mass)
        return 0;
    n = (size_t)f->n_block;
    f->mass = mem_calloc(3 * n, sizeof *f->mass);
    if (!f->mass)
        return -1;
    f->expected = f->mass + n;
    f->usual = f->expected + n;
    learn_usual(f);
    return 0;
}

enum sor_err edges_find(const struct edge_in *in, struct edge **out,
                        int *n_out, struct sor_msg *msg)
{
    struct finder f = { .in = in };

    f.failed = begin(&f) != 0;
    hold_question(&f);
    for (int i = 0; i < in->n_step && !f.failed; i++) {
        add(&f, &(struct edge){ EDGE_FOLLOWS, i ? i - 1 : EDGE_QUESTION, i,
                                1.0, "" });
        add_references(&f, i);
        add_shared(&f, i);
        add_attention(&f, i);
        if (i == in->answer_step)
            add(&f, &(struct edge){ EDGE_CONCLUDES, i, EDGE_ANSWER, 1.0, "" });
    }
    mem_free(f.map.at);
    mem_free(f.mass);
    if (f.failed) {
        mem_free(f.edge);
        return sor_fail(msg, SOR_NOMEM, "no memory to link %d steps",
                        in->n_step);
    }
    *out = f.edge;
    *n_out = f.n;
    return SOR_OK;
}
