/* review/norm.c - who must, may or must not do what.
 *
 * A norm starts at a modal ("shall", "is entitled to", "hereby grants").  Its
 * subject stands before it, back to the start of the sentence or of the part
 * of the sentence that the modal rules; its act after it, up to a condition,
 * an exception or the end.  A modal that rules a lettered list makes one norm
 * of each item. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "review/rule.h"

enum {
    MODALS = 3,
    PART_BYTES = 600,                   /* of an act or a bearer; in a text
                                         * without an end each would reach
                                         * through all of it */
    CLAUSE_NORMS = 200                  /* of one clause */
};

static const struct {
    const char *purpose;
    enum norm_kind kind;
} modals[MODALS] = {                    /* the first wins at one place */
    { "norm.prohibition", NORM_PROHIBITION },
    { "norm.permission", NORM_PERMISSION },
    { "norm.obligation", NORM_OBLIGATION },
};

struct reader {
    struct rules *r;
    struct hits conditions;             /* spans of condition edges */
    struct hits ends;                   /* spans that an act ends before */
    struct hits words;                  /* every "shall", norm or not */
    struct span sentence;               /* of the modal before */
    struct span modal;                  /* the modal before, itself */
    char *bearer;                       /* the bearer before; NULL */
};

/* --- the subject --------------------------------------------------------- */

/* Start of the words that the modal rules: after the last boundary between
 * `low` and the modal; low if there is none.  After another modal of the
 * sentence any "and the ..." is a boundary, before the first only a comma or
 * "that". */
static size_t last_boundary(const struct rules *r, const char *purpose,
                            size_t low, size_t modal)
{
    size_t from = low;
    struct match m;

    while (low < modal && rule_matches(r, purpose, (struct span) { low,
                                       modal }, &m)) {
        from = m.to[0];
        low = m.to[0] > low ? m.to[0] : low + 1;
    }
    return from;
}

/* The end of the last condition, exception or override that ends between
 * `low` and `at`, past its comma. */
static size_t after_opening(const struct reader *n, size_t low, size_t at)
{
    const struct hits *h = &n->ends;

    for (int i = hits_after(h, low); i < h->n && h->at[i].m.from[0] < at; i++)
        if (h->at[i].m.to[0] <= at && h->at[i].m.to[0] > low)
            low = h->at[i].m.to[0];
    while (low < at && strchr(", \t\r\n)", n->r->d->text[low]))
        low++;
    return low;
}

/* Where the modal before `at` ends in the sentence, norm or not; 0: none. */
static size_t modal_before(const struct reader *n, struct span sentence,
                           size_t at)
{
    int k = hits_after(&n->words, at) - 1;
    size_t to = n->modal.to > sentence.from && n->modal.to <= at ? n->modal.to
                                                                 : 0;

    if (k >= 0 && n->words.at[k].m.from[0] >= sentence.from &&
        n->words.at[k].m.to[0] > to)
        to = n->words.at[k].m.to[0];
    return to;
}

static struct span subject_of(const struct reader *n, struct span sentence,
                              struct span modal)
{
    const struct rules *r = n->r;
    size_t low = after_opening(n, sentence.from, modal.from);
    size_t before = modal_before(n, sentence, modal.from), to;
    struct span s = { low, modal.from };

    if (before > low)
        low = before;
    s.from = last_boundary(r, before ? "norm.boundary"
                                     : "norm.first_boundary",
                           low, modal.from);
    if (before && s.from == before)
        s.from = modal.from;            /* "shall pay and shall bear" */
    s = rule_trim(r, s);
    to = s.to;                          /* "Company, at its expense, shall" */
    if (to > s.from && r->d->text[to - 1] == ',') {
        for (to--; to > s.from && r->d->text[to - 1] != ','; to--)
            ;
        s.to = to > s.from ? to - 1 : s.to - 1;
    }
    return rule_trim(r, s);
}

/* "shall be deemed read and shall be filed": what is joined to no norm is
 * none. */
static int joined_to_none(const struct reader *n, struct span sentence,
                          struct span subject, struct span modal)
{
    return subject.from == subject.to &&
           rule_matches(n->r, "norm.own_modal", modal, NULL) &&
           modal_before(n, sentence, modal.from) > n->modal.to;
}

/* Where a stretch that starts at `from` may end at the latest: at the end of
 * its last whole word, and at no byte within a character. */
static size_t cut_at(const struct rules *r, size_t from, size_t limit)
{
    const char *text = r->d->text;
    size_t to = from + PART_BYTES;

    if (limit <= to)
        return limit;
    while (to > from && !isspace((unsigned char)text[to]))
        to--;
    if (to == from)                     /* one word of that length */
        for (to = from + PART_BYTES;
             to > from && ((unsigned char)text[to] & 0xc0) == 0x80; to--)
            ;
    return to;
}

/* --- the bearer ---------------------------------------------------------- */

/* Does s start with this name, or with the word that is all of the name but
 * its legal form ("Acme" of "Acme Ltd")? */
static int starts_with_name(const struct rules *r, struct span s,
                            const char *name)
{
    const char *form = strchr(name, ' ');
    struct match m;
    size_t n = strlen(name);

    if (form && pack_matches(r->p, "party.form", form, strlen(form), &m))
        n = (size_t)(form - name);
    return n > 0 && s.to - s.from >= n &&
           strncmp(r->d->text + s.from, name, n) == 0 &&
           (s.to - s.from == n ||
            isspace((unsigned char)r->d->text[s.from + n]) ||
            r->d->text[s.from + n] == ',');
}

/* A party by role or name, a company, or a word for a person. */
static int is_person(const struct rules *r, struct span s)
{
    int term = term_at_start(r, s);

    for (int i = 0; i < r->g->n_party; i++)
        if (starts_with_name(r, s, r->g->party[i].name))
            return 1;
    for (int i = 0; i < r->g->n_party && term >= 0; i++)
        if (strcmp(r->g->party[i].role, r->g->term[term].name) == 0 ||
            strcmp(r->g->party[i].name, r->g->term[term].name) == 0)
            return 1;
    return rule_matches(r, "norm.person", s, NULL);
}

static char *copy(struct rules *r, const char *text)
{
    char *out = r->err ? NULL : mem_strdup(text);

    if (!out)
        r->err = SOR_NOMEM;
    return out;
}

/* The words of s without "The" and "hereto"; a term's own name where it
 * starts with one ("Licensee's use of the Brand" is Licensee's). */
static char *person(struct rules *r, struct span s)
{
    struct match m;
    int term;

    if (rule_matches(r, "norm.article", s, &m))
        s.from = m.to[0];
    term = term_at_start(r, s);
    if (term >= 0)
        return copy(r, r->g->term[term].name);
    if (rule_matches(r, "norm.tail", s, &m))
        s.to = m.from[0];
    s = rule_trim(r, s);
    s.to = cut_at(r, s.from, s.to);
    return rule_text(r, s);
}

static int is_pronoun(const struct rules *r, struct span s)
{
    return rule_matches(r, "norm.pronoun", s, NULL);
}

/* The first words of s, up to a verb: whom a sentence is about. */
static struct span start_of(const struct rules *r, struct span s)
{
    struct match m;

    if (rule_matches(r, "norm.start", s, &m))
        s.to = m.to[0];
    return s;
}

/* "Recipient: (a) shall ...": the words before the list that the item at `at`
 * stands in, back to the start of their sentence. */
static struct span lead_in(const struct rules *r, size_t at)
{
    int clause = clauses_holding(r->c, (struct span) { at, at + 1 });
    int above = clause < 0 ? -1 : r->c->at[clause].parent;
    int first = above < 0 ? -1 : rule_child(r, above, 0);
    struct span s = { at, at };

    if (first < 0 || r->c->at[first].span.from <= r->c->at[above].text.from)
        return s;
    s.to = r->c->at[first].span.from;
    s.from = rule_sentence(r, s.to - 1).from;
    return s.from < s.to ? s : (struct span) { at, at };
}

struct found {                          /* a norm in the making */
    enum norm_kind kind;
    struct span sentence, subject, modal, act;
    int passive, grant;
};

/* Group 1 of the pattern in s, as a bearer; NULL: it does not match. */
static char *named(struct rules *r, const char *purpose, struct span s)
{
    struct match m;

    return rule_matches(r, purpose, s, &m)
               ? person(r, (struct span) { m.from[1], m.to[1] })
               : NULL;
}

/* A passive's bearer, if it is named: "shall be paid by Buyer", "a notice
 * given by Buyer shall be sent", "consent of Seller, which shall not be
 * withheld", "Buyer's books shall be kept". */
static char *passive_bearer(struct rules *r, const struct found *f)
{
    const struct { const char *purpose; size_t from, to; } where[] = {
        { "norm.by", f->modal.from, f->act.to },
        { "norm.subject_by", f->subject.from, f->act.to },
        { "norm.consent_of", f->sentence.from, f->modal.from },
    };
    struct match m;
    char *bearer = NULL;

    for (size_t k = 0; k < sizeof where / sizeof *where && !bearer; k++)
        bearer = named(r, where[k].purpose, (struct span) { where[k].from,
                                                            where[k].to });
    if (!bearer && rule_matches(r, "norm.possessor", f->subject, &m) &&
        is_person(r, (struct span) { m.from[1], m.to[1] }))
        bearer = person(r, (struct span) { m.from[1], m.to[1] });
    return bearer;
}

/* The bearer where the modal has no subject of its own: that of the modal
 * before, or whom the sentence or the list is about. */
static char *carried_bearer(struct reader *n, const struct found *f)
{
    struct span before = { f->sentence.from, f->subject.from };

    if (n->bearer)
        return copy(n->r, n->bearer);
    if (before.from >= before.to)
        before = lead_in(n->r, f->modal.from);
    return is_person(n->r, before) ? person(n->r, start_of(n->r, before))
                                   : NULL;
}

/* Whose norm it is, allocated; NULL: nobody's, so that it is none.
 * "(unstated)": a passive that names nobody. */
static char *bearer_of(struct reader *n, const struct found *f)
{
    struct rules *r = n->r;
    char *bearer = NULL;

    if (f->grant)
        bearer = named(r, "norm.grantee", f->act);
    else if (f->passive)
        bearer = passive_bearer(r, f);
    if (bearer || f->grant)
        return bearer ? bearer : copy(r, "(unstated)");
    if (f->subject.from == f->subject.to || is_pronoun(r, f->subject))
        bearer = carried_bearer(n, f);
    else if (is_person(r, f->subject))
        bearer = person(r, f->subject);
    return bearer || !f->passive ? bearer : copy(r, "(unstated)");
}

/* --- the act ------------------------------------------------------------- */

/* Where an act that starts at `from` ends. */
static size_t act_end(const struct reader *n, size_t from, size_t limit)
{
    const struct rules *r = n->r;
    const struct hits *stop = &r->hits[HITS_STOP];
    const char *text = r->d->text;
    int depth = 0;

    for (size_t i = from; i < limit; i++) {
        int k = hits_after(&n->ends, i);

        depth = rule_brackets(text, i, depth);
        if (depth < 0 || (depth == 0 && text[i] == ';'))
            return i;
        if (depth > 0 || i == from)
            continue;
        if (k < n->ends.n && n->ends.at[k].m.from[0] == i &&
            !rule_matches(r, "norm.aside", (struct span) { from, i }, NULL) &&
            !rule_matches(r, "norm.within", hit_span(&n->ends.at[k]), NULL))
            return i;
        k = hits_after(stop, i);
        if (k < stop->n && stop->at[k].m.from[0] == i &&
            !rule_matches(r, "norm.aside", (struct span) { from, i }, NULL))
            return i;
    }
    return limit;
}

static struct span trim_act(const struct rules *r, struct span s)
{
    struct match m;

    s = rule_trim(r, s);
    s.to = cut_at(r, s.from, s.to);
    while (s.from < s.to && strchr(".,;: \t\r\n", r->d->text[s.from]))
        s.from++;
    if (rule_matches(r, "norm.trailing", s, &m))
        s.to = m.from[0];
    while (s.to > s.from && strchr(".,;: \t\r\n", r->d->text[s.to - 1]))
        s.to--;
    return s;
}

/* --- results ------------------------------------------------------------- */

/* The first value of this kind within s, or nothing. */
static struct span value_in(const struct graph *g, enum value_kind kind,
                            struct span s)
{
    for (int i = 0; i < g->n_value; i++)
        if (g->value[i].kind == kind && g->value[i].span.from >= s.from &&
            g->value[i].span.to <= s.to)
            return g->value[i].span;
    return (struct span) { 0, 0 };
}

static struct span deadline_in(const struct rules *r, struct span s)
{
    struct match m;

    return rule_matches(r, "norm.deadline", s, &m)
               ? (struct span) { m.from[0], m.to[0] }
               : (struct span) { 0, 0 };
}

/* Has the clause as many as it may?  Norms come in order of place. */
static int is_full(const struct graph *g, int clause)
{
    return g->n_norm >= CLAUSE_NORMS &&
           g->norm[g->n_norm - CLAUSE_NORMS].clause == clause;
}

static void add_norm(struct reader *n, const struct found *f, struct span s,
                     const char *bearer)
{
    struct rules *r = n->r;
    struct graph *g = r->g;
    int clause = clauses_holding(r->c, s);
    struct norm *more, *to;

    if (is_full(g, clause))
        return;
    more = rule_grow(r, g->norm, g->n_norm, &r->cap_norm, sizeof *more);
    if (!more)
        return;
    g->norm = more;
    to = &g->norm[g->n_norm++];
    *to = (struct norm) { .clause = clause, .kind = f->kind, .span = s,
                          .act = f->act, .deadline = deadline_in(r, s),
                          .amount = value_in(g, VALUE_AMOUNT, s) };
    to->bearer = copy(r, bearer);
    to->modal = rule_text(r, f->modal);
}

/* An item may name its own bearer: "may be terminated: (a) by Licensor". */
static void add_item(struct reader *n, const struct found *f,
                     const char *bearer)
{
    struct match m;
    char *own = rule_matches(n->r, "norm.item_by", f->act, &m)
                    ? person(n->r, (struct span) { m.from[1], m.to[1] })
                    : NULL;

    add_norm(n, f, f->act, own ? own : bearer);
    mem_free(own);
}

/* The modal rules a list ("shall: (a) ...; (b) ..."): one norm an item.
 * Returns how many; 0: it rules none. */
static int list_norms(struct reader *n, struct found *f, const char *bearer)
{
    const struct rules *r = n->r;
    struct span modal = f->modal;
    int clause = clauses_holding(r->c, modal), count = 0;
    int child = clause < 0 ? -1 : rule_child(r, clause, modal.to);
    enum norm_kind kind = f->kind;

    if (child < 0 || !rule_matches(r, "norm.lead", (struct span) { modal.to,
                                   r->c->at[child].span.from }, NULL))
        return 0;
    while (child >= 0 && r->c->at[child].kind != CLAUSE_PARAGRAPH) {
        const struct clause *c = &r->c->at[child];
        struct span item = { c->text.from, c->own.to };

        item.to = act_end(n, item.from, item.to);
        f->act = trim_act(r, item);
        f->kind = kind == NORM_OBLIGATION &&
                  rule_matches(r, "norm.negative_item", f->act, NULL)
                      ? NORM_PROHIBITION : kind;
        if (f->act.from < f->act.to && !rule_matches(r, "norm.own_modal",
                                                     f->act, NULL)) {
            add_item(n, f, bearer);
            count++;
        }
        child = rule_child(r, clause, c->span.to);
    }
    return count;
}

static void remember(struct reader *n, const struct found *f,
                     struct span sentence, char *bearer)
{
    n->sentence = sentence;
    n->modal = f->modal;
    if (strcmp(bearer, "(unstated)") != 0 || !n->bearer) {
        mem_free(n->bearer);
        n->bearer = bearer;
    } else {
        mem_free(bearer);
    }
}

static void read_modal(struct reader *n, const struct hit *h,
                       enum norm_kind kind)
{
    struct rules *r = n->r;
    struct found f = { .kind = kind, .modal = hit_span(h) };
    struct span sentence = rule_sentence(r, f.modal.from), s;
    char *bearer;

    f.sentence = sentence;
    if (sentence.from != n->sentence.from) {
        mem_free(n->bearer);            /* "it" looks back one sentence only */
        n->bearer = NULL;
    }
    f.subject = subject_of(n, sentence, f.modal);
    f.act = (struct span) { f.modal.to, 0 };
    f.act.to = act_end(n, f.act.from, sentence.to > f.act.from ? sentence.to
                                                               : f.act.from);
    f.act = trim_act(r, f.act);
    f.grant = rule_matches(r, "norm.grant", f.modal, NULL);
    f.passive = rule_matches(r, "norm.passive", (struct span) {
                             f.modal.from, f.act.to }, NULL);
    if (rule_matches(r, "norm.nothing", f.subject, NULL) ||
        joined_to_none(n, sentence, f.subject, f.modal))
        return;
    if (rule_matches(r, "norm.negative_subject", f.subject, NULL) &&
        !rule_matches(r, "norm.owed", f.modal, NULL))
        f.kind = NORM_PROHIBITION;
    bearer = bearer_of(n, &f);
    if (!bearer)
        return;
    s = (struct span) { f.subject.from < f.subject.to ? f.subject.from
                                                      : f.modal.from,
                        f.act.to };
    if (!list_norms(n, &f, bearer) && f.act.from < f.act.to)
        add_norm(n, &f, s, bearer);
    remember(n, &f, sentence, bearer);
}

/* Spans of the edges of the kinds in mask, as matches in order. */
static struct hits edge_spans(struct rules *r, unsigned mask)
{
    struct hits h = { 0 };

    for (int i = 0; i < r->g->n_edge; i++) {
        const struct edge *e = &r->g->edge[i];
        struct hit *more;

        if (!(mask >> e->kind & 1u))
            continue;
        more = rule_grow(r, h.at, h.n, &h.cap, sizeof *more);
        if (!more)
            break;
        h.at = more;
        h.at[h.n] = (struct hit) { .by = NULL };
        h.at[h.n].m.from[0] = e->span.from;
        h.at[h.n++].m.to[0] = e->span.to;
    }
    hits_sort(&h);
    return h;
}

void norm_read(struct rules *r)
{
    struct reader n = { .r = r };
    struct hits h[MODALS];
    int at[MODALS] = { 0 };
    size_t done = 0;

    n.conditions = edge_spans(r, 1u << EDGE_CONDITION_OF);
    n.ends = edge_spans(r, 1u << EDGE_CONDITION_OF | 1u << EDGE_EXCEPTION_TO |
                           1u << EDGE_OVERRIDES);
    n.words = rule_hits(r, "norm.own_modal", NULL);
    for (int k = 0; k < MODALS; k++)
        h[k] = rule_hits(r, modals[k].purpose, "norm.not");
    while (!r->err) {                   /* the three lists in one order */
        int next = -1;

        for (int k = 0; k < MODALS; k++)
            if (at[k] < h[k].n && (next < 0 || h[k].at[at[k]].m.from[0] <
                                   h[next].at[at[next]].m.from[0]))
                next = k;
        if (next < 0)
            break;
        if (h[next].at[at[next]].m.from[0] >= done &&
            !hits_hold(&n.conditions, h[next].at[at[next]].m.from[0])) {
            read_modal(&n, &h[next].at[at[next]], modals[next].kind);
            done = h[next].at[at[next]].m.to[0];
        }
        at[next]++;
    }
    for (int k = 0; k < MODALS; k++)
        hits_free(&h[k]);
    hits_free(&n.conditions);
    hits_free(&n.ends);
    hits_free(&n.words);
    mem_free(n.bearer);
}
