/* review/defect_value.c - one question, two answers: numbers that conflict.
 *
 * Two periods (amounts, dates, percentages) are about one thing where the
 * words around them are: the same subject (a pattern of "conflict.topic"), the
 * same parties, the same qualification ("non-payment", "renewal"), and most of
 * their other words in common.  Contracts are full of periods that differ for
 * good reason, so all four must hold. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/defect_impl.h"

/* --- sets of words ------------------------------------------------------------ */

enum { SET = 48, ID_BYTES = 40, WORD_BYTES = 24 };
struct set { char at[SET][ID_BYTES]; int n; };

static int has(const struct set *s, const char *word)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->at[i], word) == 0)
            return 1;
    return 0;
}

/* Adds text[0..n) in lower case, cut to `most` letters. */
static void put(struct set *s, const char *text, size_t n, size_t most)
{
    char word[ID_BYTES];
    size_t k = 0;

    for (size_t i = 0; i < n && k < most && k + 1 < sizeof word; i++)
        word[k++] = (char)tolower((unsigned char)text[i]);
    word[k] = '\0';
    if (k > 0 && s->n < SET && !has(s, word))
        memcpy(s->at[s->n++], word, sizeof word);
}

static int shared(const struct set *a, const struct set *b)
{
    int n = 0;

    for (int i = 0; i < a->n; i++)
        n += has(b, a->at[i]);
    return n;
}

static int equal(const struct set *a, const struct set *b)
{
    return a->n == b->n && shared(a, b) == a->n;
}

/* What the patterns of a purpose match within s: the words, or (by_id) which
 * pattern it was. */
static void tags(const struct hunt *h, const char *purpose, struct span s,
                 int by_id, struct set *out)
{
    const char *text = h->r.d->text + s.from;
    int n;
    const struct pattern *p = pack_patterns(h->r.p, purpose, &n);
    struct match m;

    for (int i = 0; i < n; i++)
        for (size_t at = 0; at < s.to - s.from &&
             pattern_next(&p[i], text, s.to - s.from, at, &m) == 1;) {
            if (by_id) {
                put(out, p[i].id, strlen(p[i].id), ID_BYTES);
                break;
            }
            put(out, text + m.from[0], m.to[0] - m.from[0], WORD_BYTES);
            at = m.to[0] > at ? m.to[0] : at + 1;
        }
}

/* Content words: by what the pack says that they mean ("paid", "payable"), else
 * by their first letters. */
enum { STEM = 6, SHORTEST = 4 };

static void put_meaning(const struct hunt *h, struct span word,
                        struct set *out)
{
    const char *text = h->r.d->text + word.from;
    int n;
    const struct pattern *p = pack_patterns(h->r.p, "conflict.same", &n);
    struct match m;

    for (int i = 0; i < n; i++)
        if (pattern_next(&p[i], text, word.to - word.from, 0, &m) == 1) {
            put(out, p[i].id, strlen(p[i].id), ID_BYTES);
            return;
        }
    put(out, text, word.to - word.from, STEM);
}

static void content(const struct hunt *h, struct span s, struct set *out)
{
    const char *text = h->r.d->text;

    for (size_t i = s.from; i < s.to;) {
        size_t from = i;

        while (i < s.to && isalpha((unsigned char)text[i]))
            i++;
        if (i - from >= SHORTEST &&
            !rule_matches(&h->r, "conflict.stop", (struct span) { from, i },
                          NULL))
            put_meaning(h, (struct span) { from, i }, out);
        i += i == from;
    }
}

/* --- what is said of a value ---------------------------------------------------- */

struct said {
    const struct value *v;
    double size;            /* days; 0: compare by text */
    int conditional;        /* an "if" goes with it */
    struct set topic, role, qualifier, word;
};

/* ISO 8601 duration in days, as far as values have them: "P30D", "P1Y". */
static double days(const char *norm)
{
    char *end;
    double n = strtod(norm + (*norm == 'P'), &end);

    switch (*end) {
    case 'W': return 7 * n;
    case 'M': return 30 * n;
    case 'Y': return 365 * n;
    case 'D': return n;
    default:  return 0;
    }
}

/* The words around a value: its sentence, up to the values before and after
 * it. */
static struct span around(const struct hunt *h, int i)
{
    enum { REACH = 260 };
    const struct value *v = h->g->value;
    struct span s = rule_sentence(&h->r, v[i].span.from);

    for (int k = 0; k < h->g->n_value; k++) {
        if (k == i || v[k].kind != v[i].kind)
            continue;
        if (v[k].span.to <= v[i].span.from && v[k].span.to > s.from)
            s.from = v[k].span.to;
        if (v[k].span.from >= v[i].span.to && v[k].span.from < s.to)
            s.to = v[k].span.from;
    }
    if (v[i].span.from > REACH && s.from < v[i].span.from - REACH)
        s.from = v[i].span.from - REACH;
    if (s.to > v[i].span.to + REACH)
        s.to = v[i].span.to + REACH;
    return s;
}

static void read_said(const struct hunt *h, int i, struct said *out)
{
    const struct value *v = &h->g->value[i];
    struct span s = around(h, i);
    char topic[64];

    *out = (struct said) { .v = v,
                           .size = v->kind == VALUE_PERIOD ? days(v->norm)
                                                           : 0 };
    out->conditional = rule_matches(&h->r, "conflict.if", s, NULL);
    snprintf(topic, sizeof topic, "conflict.topic.%s",
             value_kind_name(v->kind));
    tags(h, topic, s, 1, &out->topic);
    tags(h, "party.role", s, 0, &out->role);
    tags(h, "conflict.qualifier", s, 0, &out->qualifier);
    content(h, (struct span) { s.from, v->span.from }, &out->word);
    content(h, (struct span) { v->span.to, s.to }, &out->word);
}

static int differ(const struct said *a, const struct said *b)
{
    double most = a->size > b->size ? a->size : b->size;
    double least = a->size > b->size ? b->size : a->size;

    /* "one month" is "30 days"; a week and a year answer different questions */
    if (a->size > 0 && b->size > 0)
        return least < 0.95 * most && most < 4.5 * least;
    return strcmp(a->v->norm, b->v->norm) != 0;
}

/* Do they speak of one thing?  By the share of the words of the shorter one
 * that both have: half of them, two at least unless it has only one; under an
 * "if", nearly all. */
static int alike(const struct said *a, const struct said *b)
{
    int both = shared(&a->word, &b->word);
    int least = a->word.n < b->word.n ? a->word.n : b->word.n;

    if (a->conditional || b->conditional)
        return both >= 3 && 5 * both >= 4 * least;
    return both >= (least > 1 ? 2 : 1) && 2 * both >= least;
}

/* Amounts of one clause are amounts of several things ("per occurrence and in
 * total"); periods of one clause may be so in its parts. */
static int apart(const struct hunt *h, const struct said *a,
                 const struct said *b)
{
    const struct clause *c = h->r.c->at;
    int x = a->v->clause, y = b->v->clause;

    if (x < 0 || y < 0 || x == y || c[x].parent == y || c[y].parent == x)
        return 0;
    while (a->v->kind != VALUE_PERIOD && c[x].parent >= 0)
        x = c[x].parent;
    while (a->v->kind != VALUE_PERIOD && c[y].parent >= 0)
        y = c[y].parent;
    return x != y;
}

static int conflict(const struct hunt *h, const struct said *a,
                    const struct said *b)
{
    return a->v->kind == b->v->kind && apart(h, a, b) &&
           shared(&a->topic, &b->topic) > 0 && differ(a, b) &&
           equal(&a->role, &b->role) && equal(&a->qualifier, &b->qualifier) &&
           alike(a, b);
}

/* Two places, x.span and x.related, say two things of one: of what. */
static void report(struct hunt *h, struct defect x, const char *of)
{
    enum { QUOTED = 60 };
    const char *text = h->r.d->text;
    size_t a = x.span.to - x.span.from, b = x.related.to - x.related.from;
    char here[80], there[80];

    hunt_add(h, x, "%s says \"%.*s\", %s \"%.*s\", of %s",
             hunt_place(h, x.span, here, sizeof here),
             (int)(a < QUOTED ? a : QUOTED), text + x.span.from,
             hunt_place(h, x.related, there, sizeof there),
             (int)(b < QUOTED ? b : QUOTED), text + x.related.from, of);
}

/* Values that stand beside a topic; a long contract has a few hundred. */
enum { MOST_SAID = 600 };

static void conflicts(struct hunt *h)
{
    struct said *list = mem_calloc(MOST_SAID, sizeof *list);
    int n = 0;

    if (!list) {
        h->r.err = SOR_NOMEM;
        return;
    }
    for (int i = 0; i < h->g->n_value && n < MOST_SAID; i++) {
        if (h->g->value[i].kind > VALUE_PERCENT)
            continue;
        read_said(h, i, &list[n]);
        n += list[n].topic.n > 0;
    }
    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++)
            if (conflict(h, &list[i], &list[k])) {
                report(h, (struct defect) {
                           .kind = DEFECT_CONFLICTING_NUMBER,
                           .span = list[i].v->span,
                           .related = list[k].v->span },
                       "what reads like one thing");
                break;
            }
    mem_free(list);
}

/* --- what survives ---------------------------------------------------------------- */

struct survival { struct span span; int clause; double days; struct set of; };

/* The period that a statement of survival gives: the value after it in its
 * sentence, else before it. */
static const struct value *lasting(const struct hunt *h, struct span s)
{
    struct span all = rule_sentence(&h->r, s.from);
    const struct value *before = NULL;

    for (int i = 0; i < h->g->n_value; i++) {
        const struct value *v = &h->g->value[i];

        if (v->kind != VALUE_PERIOD || v->span.from < all.from ||
            v->span.to > all.to)
            continue;
        if (v->span.from >= s.from)
            return v;
        before = v;
    }
    return before;
}

/* How long the statement at s says that something lasts: 1 with where it says
 * so; 0: it does not say. */
static int how_long(const struct hunt *h, struct span s, struct survival *out)
{
    struct span all = rule_sentence(&h->r, s.from);
    const struct value *v = lasting(h, s);
    struct match m;

    if (rule_matches(&h->r, "survival.none", all, &m))
        out->days = 0;
    else if (rule_matches(&h->r, "survival.endless", all, &m))
        out->days = HUGE_VAL;
    else if (v)
        out->days = days(v->norm);
    else
        return 0;
    out->span = v && out->days > 0 && out->days < HUGE_VAL
                    ? v->span : (struct span) { m.from[0], m.to[0] };
    out->clause = clauses_holding(h->r.c, out->span);
    return 1;
}

/* What the statement at s is about: by the words before it in its sentence;
 * where they only say "this obligation", by the clause before it. */
static void subject(const struct hunt *h, struct span s, struct set *of)
{
    enum { BEFORE = 220 };
    struct span all = rule_sentence(&h->r, s.from);
    int clause = clauses_holding(h->r.c, s);

    if (s.from > BEFORE && all.from < s.from - BEFORE)
        all.from = s.from - BEFORE;
    of->n = 0;
    tags(h, "survival.of", all, 1, of);
    if (of->n == 0 && clause >= 0)
        tags(h, "survival.of", (struct span) { h->r.c->at[clause].own.from,
             s.from }, 1, of);
}

/* The statements of survival, at most `most`, with what they are about. */
static int read_survivals(struct hunt *h, const char *purpose,
                          struct survival *list, int most)
{
    struct hits found = rule_hits(&h->r, purpose, "survival.not");
    int n = 0;

    for (int i = 0; i < found.n && n < most; i++) {
        struct span s = hit_span(&found.at[i]);

        if (how_long(h, s, &list[n]))
            subject(h, s, &list[n++].of);
    }
    hits_free(&found);
    return n;
}

/* An end or no end at all contradicts a time only where it is clear of what. */
static int contradict(const struct survival *a, const struct survival *b)
{
    int timed = a->days > 0 && a->days < HUGE_VAL && b->days > 0 &&
                b->days < HUGE_VAL;

    return a->days != b->days && a->clause != b->clause &&
           equal(&a->of, &b->of) && (timed || a->of.n > 0);
}

static void survivals(struct hunt *h)
{
    enum { MOST_SURVIVALS = 40 };
    struct survival *list = mem_calloc(MOST_SURVIVALS, sizeof *list);
    int n = 0;

    if (!list) {
        h->r.err = SOR_NOMEM;
        return;
    }
    n = read_survivals(h, "survival", list, MOST_SURVIVALS);
    n += read_survivals(h, "survival.none", list + n, MOST_SURVIVALS - n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (contradict(&list[i], &list[k])) {
                report(h, (struct defect) {
                           .kind = DEFECT_CONTRADICTORY_SURVIVAL,
                           .span = list[k].span, .related = list[i].span },
                       "how long the same duties last");
                break;
            }
    mem_free(list);
}

/* One place says that nothing outlasts the document, another that something
 * does. */
static void none_and_some(struct hunt *h)
{
    struct hits none = rule_hits(&h->r, "survival.nothing", NULL);
    struct hits some = rule_hits(&h->r, "survival.some", "survival.nothing");

    if (none.n > 0 && some.n > 0)
        report(h, (struct defect) {
                   .kind = DEFECT_CONTRADICTORY_SURVIVAL,
                   .span = hit_span(&none.at[0]),
                   .related = rule_sentence(&h->r, some.at[0].m.from[0]) },
               "what lasts after the end");
    hits_free(&none);
    hits_free(&some);
}

/* --- how long, and under which law, the whole holds ---------------------- */

/* The one period that a match of "conflict.term" holds. */
static const struct value *period_in(const struct hunt *h, struct span s)
{
    for (int i = 0; i < h->g->n_value; i++) {
        const struct value *v = &h->g->value[i];

        if (v->kind == VALUE_PERIOD && v->span.from >= s.from &&
            v->span.to <= s.to)
            return v;
    }
    return NULL;
}

static void whole_terms(struct hunt *h)
{
    struct hits found = rule_hits(&h->r, "conflict.term", NULL);
    const struct value *first = NULL;

    for (int i = 0; i < found.n; i++) {
        const struct value *v = period_in(h, hit_span(&found.at[i]));

        if (first && v && value_same(VALUE_PERIOD, first->norm, v->norm) == 0)
            report(h, (struct defect) { .kind = DEFECT_CONFLICTING_NUMBER,
                                        .span = first->span,
                                        .related = v->span },
                   "how long the document is in force");
        if (!first)
            first = v;
    }
    hits_free(&found);
}

/* Is the value the law of the whole document, and under no condition? */
static int governs(const struct hunt *h, const struct value *v)
{
    struct span s = rule_sentence(&h->r, v->span.from);

    return v->kind == VALUE_LAW && rule_matches(&h->r, "conflict.law", s,
                                                NULL) &&
           !rule_matches(&h->r, "conflict.law.not", s, NULL);
}

static void whole_laws(struct hunt *h)
{
    const struct value *first = NULL;

    for (int i = 0; i < h->g->n_value; i++) {
        const struct value *v = &h->g->value[i];

        if (!governs(h, v))
            continue;
        if (first && value_same(VALUE_LAW, first->norm, v->norm) == 0 &&
            rule_sentence(&h->r, first->span.from).from !=
                rule_sentence(&h->r, v->span.from).from)
            report(h, (struct defect) { .kind = DEFECT_CONFLICTING_LAW,
                                        .span = first->span,
                                        .related = v->span },
                   "the law that governs");
        if (!first)
            first = v;
    }
}

/* --- "thirty (45)" ------------------------------------------------------------------ */

/* The number that English words spell, up to millions; -1: they do not. */
static int spelt_number(const char *s, size_t n)
{
    static const struct { const char *word; int worth; } words[] = {
        { "one", 1 }, { "two", 2 }, { "three", 3 }, { "four", 4 },
        { "five", 5 }, { "six", 6 }, { "seven", 7 }, { "eight", 8 },
        { "nine", 9 }, { "ten", 10 }, { "eleven", 11 }, { "twelve", 12 },
        { "thirteen", 13 }, { "fourteen", 14 }, { "fifteen", 15 },
        { "sixteen", 16 }, { "seventeen", 17 }, { "eighteen", 18 },
        { "nineteen", 19 }, { "twenty", 20 }, { "thirty", 30 },
        { "forty", 40 }, { "fifty", 50 }, { "sixty", 60 },
        { "seventy", 70 }, { "eighty", 80 }, { "ninety", 90 },
        { "hundred", 100 }, { "thousand", 1000 }, { "million", 1000000 },
        { "and", 0 },
    };
    int sum = 0, total = 0;

    for (size_t i = 0; i < n;) {
        size_t from = i, k = 0;
        char word[16] = "";

        for (; i < n && isalpha((unsigned char)s[i]); i++)
            if (i - from < sizeof word - 1)
                word[i - from] = (char)tolower((unsigned char)s[i]);
        if (i == from) {
            i++;
            continue;
        }
        while (k < sizeof words / sizeof *words &&
               strcmp(words[k].word, word) != 0)
            k++;
        if (k == sizeof words / sizeof *words)
            return -1;
        if (words[k].worth >= 1000) {
            total += (sum ? sum : 1) * words[k].worth;
            sum = 0;
        } else if (words[k].worth == 100) {
            sum = (sum ? sum : 1) * 100;
        } else {
            sum += words[k].worth;
        }
    }
    return total + sum;
}

/* "1,250" in digits. */
static int plain_number(const char *s, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n; i++)
        if (isdigit((unsigned char)s[i]) && value < 100000000)
            value = 10 * value + (s[i] - '0');
    return value;
}

/* Group 1 and 2: words and digits, in either order. */
static void mismatches(struct hunt *h)
{
    struct hits found = rule_hits(&h->r, "number.twice", NULL);
    const char *text = h->r.d->text;

    for (int i = 0; i < found.n; i++) {
        const struct match *m = &found.at[i].m;
        int words = isdigit((unsigned char)text[m->from[1]]) ? 2 : 1;
        int digits = 3 - words;
        int a = spelt_number(text + m->from[words],
                             m->to[words] - m->from[words]);
        int b = plain_number(text + m->from[digits],
                             m->to[digits] - m->from[digits]);

        if (a > 0 && a != b)
            hunt_add(h, (struct defect) { .kind = DEFECT_CONFLICTING_NUMBER,
                                          .span = hit_span(&found.at[i]) },
                     "the words say %d and the digits %d", a, b);
    }
    hits_free(&found);
}

void defect_values(struct hunt *h)
{
    conflicts(h);
    whole_terms(h);
    whole_laws(h);
    survivals(h);
    none_and_some(h);
    mismatches(h);
}
