/* review/paths.c - the paths of a claim: what each reads, and what it says.
 *
 * A path differs from the plain one in the wording of the claim or in what is
 * read beside a passage.  Where there is nothing to differ by (no definition
 * is used, no parent clause leads in) it reads what the plain one read; such a
 * path is kept, and does not count. */
#include <math.h>
#include <string.h>

#include "review/claim_impl.h"

enum {
    CONTEXT_CHARS = 700,        /* as the adapter was trained */
    LAST_CHARS = 150,           /* where no sentence ends before a passage */
    MEANING_BYTES = 200, MEANINGS = 2,
    LOGIC_BYTES = 400
};

/* --- what is read -------------------------------------------------------- */

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The byte where the last `chars` code points before `at` begin. */
static size_t back(const char *text, size_t at, int chars)
{
    while (at > 0 && chars > 0)
        if (((unsigned char)text[--at] & 0xc0) != 0x80)
            chars--;
    return at;
}

const char *path_context(struct judging *j, size_t at, int chars)
{
    const char *text = j->r->doc->text;
    size_t from = back(text, at, chars);

    return claim_text(j, text + from, at - from);
}

/* The last sentence, or part of one, before a passage. */
static const char *last_sentence(struct judging *j, size_t at)
{
    const char *text = j->r->doc->text;
    size_t least = back(text, at, CONTEXT_CHARS), end = at, from;

    while (end > least && is_space(text[end - 1]))
        end--;
    from = end;
    while (from > least && !(from < end && is_space(text[from]) &&
                             strchr(".;:", text[from - 1])))
        from--;
    if (from == least)
        from = back(text, end, LAST_CHARS);
    return claim_text(j, text + from, end - from);
}

/* What the parent clause says before its sub-clauses. */
static const char *lead_in(struct judging *j, int clause)
{
    const struct clauses *c = j->r->clauses;
    int parent = clause >= 0 ? c->at[clause].parent : -1;
    struct span s;

    if (parent < 0 || c->at[parent].text.from == c->at[parent].text.to)
        return NULL;
    s = c->at[parent].text;
    s.from = s.to - s.from > CONTEXT_CHARS
                 ? back(j->r->doc->text, s.to, CONTEXT_CHARS) : s.from;
    return claim_text(j, j->r->doc->text + s.from, s.to - s.from);
}

/* At most n bytes of a span, cut before a space. */
static size_t cut(const char *text, struct span s, size_t n)
{
    size_t to = s.from + n;

    if (s.to - s.from <= n)
        return s.to;
    while (to > s.from && !is_space(text[to]))
        to--;
    return to;
}

/* Meanings of the terms that a passage uses and that are defined elsewhere. */
static const char *definitions(struct judging *j, const struct passage *p)
{
    const struct graph *g = j->r->graph;
    const char *text = j->r->doc->text;
    struct str out;
    const char *copy = NULL;
    int n = 0;

    str_init(&out);
    for (int i = 0; i < g->n_edge && n < MEANINGS; i++) {
        const struct edge *e = &g->edge[i];
        const struct term *t;

        if (e->kind != EDGE_USES || e->dst.kind != NODE_TERM ||
            e->src.kind != NODE_CLAUSE || e->src.index != p->clause)
            continue;
        t = &g->term[e->dst.index];
        if (t->clause == p->clause || t->meaning.from == t->meaning.to)
            continue;
        str_printf(&out, "%s\"%s\": ", n++ ? " " : "", t->name);
        str_put(&out, text + t->meaning.from,
                cut(text, t->meaning, MEANING_BYTES) - t->meaning.from);
        str_putc(&out, '.');
    }
    if (!str_ok(&out))
        j->failed = SOR_NOMEM;
    else if (n)
        copy = claim_text(j, out.p, out.len);
    str_release(&out);
    return copy;
}

/* The other end of an edge that bears on a clause; -1: does not. */
static int bears_on(const struct edge *e, int clause)
{
    if ((e->kind != EDGE_EXCEPTION_TO && e->kind != EDGE_OVERRIDES &&
         e->kind != EDGE_CONDITION_OF) || e->src.kind != NODE_CLAUSE ||
        e->dst.kind != NODE_CLAUSE || e->dst.index != clause ||
        e->src.index == clause)
        return -1;
    return e->src.index;
}

/* A passage with the clauses that except, override or condition its own. */
static const char *with_logic(struct judging *j, const struct passage *p,
                              const char *own)
{
    const struct graph *g = j->r->graph;
    const char *text = j->r->doc->text;
    struct str out;
    const char *copy = own;

    str_init(&out);
    str_puts(&out, own);
    for (int i = 0; i < g->n_edge; i++) {
        int other = bears_on(&g->edge[i], p->clause);

        if (other >= 0 && out.len < PASSAGE_BYTES + LOGIC_BYTES) {
            struct span s = j->r->clauses->at[other].text;

            str_putc(&out, ' ');
            str_put(&out, text + s.from, cut(text, s, LOGIC_BYTES) - s.from);
        }
    }
    if (!str_ok(&out))
        j->failed = SOR_NOMEM;
    else if (out.len > strlen(own))
        copy = claim_text(j, out.p, out.len);
    str_release(&out);
    return copy;
}

const char *path_reads(struct judging *j, const char *context)
{
    struct str out;
    const char *copy;

    str_init(&out);
    if (judge_reads(j->judge, context, &out))
        j->failed = SOR_NOMEM;
    copy = claim_text(j, out.p, out.len);
    str_release(&out);
    return copy;
}

struct passage_text path_text(struct judging *j, int passage,
                              enum path_variant v)
{
    const struct passage *p = &j->r->passages->at[passage];
    struct passage_text t;
    const char *other = NULL;

    if (v == PATH_PLAIN) {
        t.text = claim_text(j, j->r->doc->text + p->span.from,
                            p->span.to - p->span.from);
        t.context = path_reads(j, path_context(j, p->span.from,
                                               CONTEXT_CHARS));
        return t;
    }
    t = j->plain[passage];
    if (v == PATH_SHORT_CONTEXT)
        other = last_sentence(j, p->span.from);
    else if (v == PATH_PARENT)
        other = lead_in(j, p->clause);
    else if (v == PATH_DEFINITIONS)
        other = definitions(j, p);
    else if (v == PATH_LOGIC)
        t.text = with_logic(j, p, t.text);
    if (other)
        t.context = path_reads(j, other);
    return t;
}

/* The wording that a path reads: its own, or the statement. */
static const struct wording *path_wording(const struct claim *c,
                                          enum path_variant v)
{
    const struct wording *w = NULL;

    if (v == PATH_PARAPHRASE || v == PATH_PARAPHRASE_2)
        w = claim_wording(c, "paraphrase", v == PATH_PARAPHRASE_2, 1);
    else if (v == PATH_OPPOSITE)
        w = claim_wording(c, "opposite", 0, 1);
    return w ? w : &c->wording[0];
}

/* A claim that nobody measured gets no verdict, so nothing to vote on. */
static int n_paths(const struct judging *j, const struct inquiry *q)
{
    if (!claim_is_measured(q))
        return 1;
    return j->o->n_path < PATH_VARIANTS ? j->o->n_path : PATH_VARIANTS;
}

/* --- asking -------------------------------------------------------------- */

static void ask_path(struct judging *j, struct inquiry *q, int k)
{
    struct review_path *path = &q->out->path[k];

    path->variant = (enum path_variant)k;
    path->statement = path_wording(q->out->claim, path->variant)->text;
    path->decisive = -1;
    path->reading = claim_alloc(j, q->n_read, sizeof *path->reading);
    for (int i = 0; path->reading && i < q->n_read; i++) {
        struct passage_text t = path_text(j, q->cited[i], path->variant);

        asks_add(&j->asks, &t, path->statement);
    }
}

enum sor_err paths_ask(struct judging *j)
{
    for (int i = 0; i < j->n; i++) {
        struct inquiry *q = &j->inquiry[i];

        int n = n_paths(j, q);

        q->out->path = claim_alloc(j, n, sizeof *q->out->path);
        if (!q->out->path)
            break;
        q->out->n_path = n;
        for (int k = 0; k < q->out->n_path; k++)
            ask_path(j, q, k);
    }
    return claims_read(j, "judge", 1);
}

/* --- answers ------------------------------------------------------------- */

/* What the opposite contradicts, the claim supports. */
static void turn(float p[RELATIONS])
{
    float s = p[RELATION_SUPPORTS];

    p[RELATION_SUPPORTS] = p[RELATION_CONTRADICTS];
    p[RELATION_CONTRADICTS] = s;
}

static void answer_path(struct judging *j, struct inquiry *q,
                        struct review_path *path)
{
    int first = path->variant == PATH_SUBSET, n = 0;
    int turned = path_wording(q->out->claim, path->variant)->to ==
                 RELATION_CONTRADICTS;
    float p[CITED][RELATIONS];

    for (int i = first; i < q->n_read; i++) {
        struct path_reading *g = &path->reading[n];
        struct passage_text t = path_text(j, q->cited[i], path->variant);
        const struct memo_entry *e = claim_reading(j, &t, path->statement,
                                                   g->p);

        if (!e)
            continue;
        g->passage = q->cited[i];
        g->digest = e->digest;
        g->n_tok = e->n_tok;
        memcpy(g->logit, e->logit, sizeof g->logit);
        memcpy(p[n], g->p, sizeof p[n]);
        if (turned)
            turn(p[n]);
        if (path->decisive < 0 ||
            p[n][RELATION_UNRELATED] < p[path->decisive][RELATION_UNRELATED])
            path->decisive = n;
        n++;
    }
    path->n_reading = n;
    conclude_p(j->cal, q->out->claim, p, n, path->p);
    path->verdict = conclude_forced(path->p);
}

/* Readings of the same input have the same logits, and so the same digest. */
static int same_input(const struct review_path *a, const struct review_path *b)
{
    if (a->n_reading != b->n_reading)
        return 0;
    for (int i = 0; i < a->n_reading; i++)
        if (a->reading[i].digest != b->reading[i].digest)
            return 0;
    return 1;
}

static int counts(const struct claim_result *c, int k)
{
    if (c->path[k].n_reading == 0)
        return k == 0;
    for (int i = 0; i < k; i++)
        if (same_input(&c->path[i], &c->path[k]))
            return 0;
    return 1;
}

/* A reading of passage `p` on this path, as one of the claim; NULL: none.  The
 * readings of PATH_SUBSET are the plain ones once more. */
static const float *reading_of(const struct claim_result *c, int k, int p,
                               float out[RELATIONS])
{
    const struct review_path *path = &c->path[k];

    for (int m = 0; path->counts && path->variant != PATH_SUBSET &&
                    m < path->n_reading; m++) {
        if (path->reading[m].passage != p)
            continue;
        memcpy(out, path->reading[m].p, RELATIONS * sizeof *out);
        if (path_wording(c->claim, path->variant)->to ==
            RELATION_CONTRADICTS)
            turn(out);
        return out;
    }
    return NULL;
}

/* Passage by passage, half of the plain path and half of the mean of the
 * others that count: the plain input is the one that the adapter was trained
 * on, and on unseen documents each of the others alone decides worse. */
static void average(struct inquiry *q)
{
    for (int i = 0; i < q->n_read; i++) {
        double sum[RELATIONS] = { 0 };
        float p[RELATIONS];
        int n = 0;

        for (int k = 1; k < q->out->n_path; k++)
            if (reading_of(q->out, k, q->cited[i], p)) {
                for (int r = 0; r < RELATIONS; r++)
                    sum[r] += (double)p[r];
                n++;
            }
        if (!reading_of(q->out, PATH_PLAIN, q->cited[i], p))
            continue;
        for (int r = 0; r < RELATIONS; r++)
            q->p[i][r] = n ? (float)(((double)p[r] + sum[r] / n) / 2) : p[r];
    }
}

/* Where the verdict rests: the related passage on the verdict's side that is
 * most so; of a document that is silent, the nearest passage. */
static int deciding(const struct inquiry *q)
{
    enum verdict v = conclude_forced(q->out->p);
    int side = v == VERDICT_CONTRADICTED ? RELATION_CONTRADICTS
                                         : RELATION_SUPPORTS;
    int best = -1;

    for (int i = 0; i < q->n_read; i++) {
        double a = v == VERDICT_NOT_ADDRESSED
                       ? -(double)q->p[i][RELATION_UNRELATED]
                       : (double)q->p[i][side];
        double b = best < 0 ? 0.0 : v == VERDICT_NOT_ADDRESSED
                       ? -(double)q->p[best][RELATION_UNRELATED]
                       : (double)q->p[best][side];

        if (best < 0 || a > b)
            best = i;
    }
    return best;
}

void paths_answer(struct judging *j)
{
    for (int i = 0; i < j->n; i++) {
        struct inquiry *q = &j->inquiry[i];
        struct claim_result *c = q->out;

        for (int k = 0; k < c->n_path; k++) {
            answer_path(j, q, &c->path[k]);
            c->path[k].counts = counts(c, k);
            c->n_count += c->path[k].counts;
        }
        average(q);
        conclude_p(j->cal, c->claim, q->p, q->n_read, c->p);
        q->decisive = deciding(q);
    }
}
