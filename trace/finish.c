#include "trace/finish.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "trace/edges.h"
#include "trace/segment.h"
#include "trace/votes.h"

/* A path's text being taken apart. */
struct path_text {
    const struct finish *f;
    struct track *t;
    const struct str *text;
    struct segment *seg;
    struct edge_step *step;     /* [n_seg] */
    int64_t *step_id;           /* [n_seg] */
    int n_seg;
    struct answer answer;       /* the path's, where answer_step >= 0 */
    int answer_step;
    int64_t answer_id;
};

static void text_release(struct path_text *p)
{
    mem_free(p->seg);
    mem_free(p->step);
    mem_free(p->step_id);
}

/* --- steps --------------------------------------------------------------- */

/* Did something else than the model end it? */
static int is_cut(const char *stop)
{
    return strcmp(stop, "length") == 0 || strcmp(stop, "context") == 0 ||
           strcmp(stop, "cancelled") == 0;
}

static enum sor_err cut(struct path_text *p, const char *stop,
                        struct sor_msg *msg)
{
    struct answer_path whole = { .text = p->text->p, .is_cut = is_cut(stop),
                                 .question = p->f->question,
                                 .n_question = p->f->n_question };
    enum sor_err err = segment_text(p->text->p, p->text->len, &p->seg,
                                    &p->n_seg, msg);

    if (err)
        return err;
    p->step = mem_calloc((size_t)p->n_seg, sizeof *p->step);
    p->step_id = mem_calloc((size_t)p->n_seg, sizeof *p->step_id);
    if (!p->step || !p->step_id)
        return sor_fail(msg, SOR_NOMEM, "no memory for %d steps", p->n_seg);
    whole.seg = p->seg;
    whole.n_seg = p->n_seg;
    if (!answer_final(&whole, &p->answer_step, &p->answer))
        p->answer_step = -1;
    return SOR_OK;
}

static enum sor_err put_step(struct path_text *p, int i, int char_from,
                             int char_to, struct sor_msg *msg)
{
    const struct edge_step *st = &p->step[i];
    struct track_prob prob;
    struct db_put_step row = {
        .path_id = p->t->id, .ordinal = i, .origin = "generated",
        .role = step_role_name(p->seg[i].role),
        .tok_from = st->tok_from, .tok_to = st->tok_to,
        .char_from = char_from, .char_to = char_to,
        .segmenter = SEGMENT_VERSION,
    };

    track_prob(p->t, st->tok_from, st->tok_to, &prob);
    row.logprob_mean = prob.mean;
    row.logprob_min = prob.min;
    row.min_pos = prob.min_pos;
    return db_put_step(p->f->db, &row, &p->step_id[i], msg);
}

static enum sor_err put_steps(struct path_text *p, struct sor_msg *msg)
{
    size_t byte = 0, chars = 0, to;
    int tok = p->t->text_from;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < p->n_seg && !err; i++) {
        const struct segment *g = &p->seg[i];
        struct edge_step *st = &p->step[i];

        *st = (struct edge_step){ p->text->p + g->from, g->to - g->from, 0, 0 };
        track_span(p->t, p->text, g->from, g->to, tok, &st->tok_from,
                   &st->tok_to);
        tok = st->tok_to;
        chars += utf8_count(p->text->p + byte, g->from - byte);
        to = chars + utf8_count(st->text, st->n);
        err = put_step(p, i, (int)chars, (int)to, msg);
        byte = g->to;
        chars = to;
    }
    return err;
}

/* --- answers ------------------------------------------------------------- */

static enum sor_err put_answer(struct path_text *p, const struct answer *a,
                               int step, int64_t *id, struct sor_msg *msg)
{
    struct db_put_answer row = {
        .path_id = p->t->id, .step_id = p->step_id[step], .final = id != NULL,
        .kind = answer_kind_name(a->kind),
    };
    struct db_writer *db = p->f->db;
    enum sor_err err;

    if ((err = db_put_text(db, p->text->p + a->from, a->to - a->from,
                           &row.text_id, msg)) ||
        (err = db_put_text(db, a->norm, strlen(a->norm), &row.norm_id, msg)))
        return err;
    return db_put_answer(db, &row, id, msg);
}

/* Every answer that a step states, and the one that counts. */
static enum sor_err put_answers(struct path_text *p, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < p->n_seg && !err; i++) {
        const struct segment *g = &p->seg[i];
        struct answer a;

        if (i == p->answer_step) {
            err = put_answer(p, &p->answer, i, &p->answer_id, msg);
        } else if (answer_find(p->text->p + g->from, g->to - g->from, 0, &a)) {
            a.from += g->from;
            a.to += g->from;
            err = put_answer(p, &a, i, NULL, msg);
        }
    }
    return err;
}

/* --- edges --------------------------------------------------------------- */

static uint32_t mass_of(const void *ud, int pos, const uint16_t **mass)
{
    const struct track *t = ud;
    const struct track_tok *k = &t->tok[pos - t->from];

    /* str_put() keeps what malloc() aligned, and only masses go in. */
    *mass = (const uint16_t *)(const void *)(t->attn.p + k->attn);
    return k->n_attn;
}

static void end_of(const struct path_text *p, int node, const char **kind,
                   int64_t *id)
{
    *kind = node == EDGE_QUESTION ? "question"
          : node == EDGE_ANSWER ? "answer" : "step";
    *id = node == EDGE_QUESTION ? p->f->run_id
        : node == EDGE_ANSWER ? p->answer_id : p->step_id[node];
}

static enum sor_err put_edge(struct path_text *p, const struct edge *e,
                             struct sor_msg *msg)
{
    struct db_put_edge row = {
        .run_id = p->f->run_id, .kind = edges_kind_name(e->kind),
        .measured = edge_measured(e->kind), .weight = e->weight,
    };
    enum sor_err err;

    end_of(p, e->src, &row.src_kind, &row.src_id);
    end_of(p, e->dst, &row.dst_kind, &row.dst_id);
    if (*e->note && (err = db_put_text(p->f->db, e->note, strlen(e->note),
                                       &row.note_id, msg)))
        return err;
    return db_put_edge(p->f->db, &row, msg);
}

static enum sor_err put_edges(struct path_text *p, struct sor_msg *msg)
{
    struct edge_in in = {
        .question = p->f->question, .n_question = p->f->n_question,
        .text_from = p->t->text_from, .step = p->step, .n_step = p->n_seg,
        .answer_step = p->answer_step, .ud = p->t,
        .mass = p->t->attn.len ? mass_of : NULL,    /* none was seen */
    };
    struct edge *e;
    int n;
    enum sor_err err = edges_find(&in, &e, &n, msg);

    if (err)
        return err;
    for (int i = 0; i < n && !err; i++)
        err = put_edge(p, &e[i], msg);
    mem_free(e);
    return err;
}

/* --- a path -------------------------------------------------------------- */

static int count_generated(const struct track *t)
{
    int n = 0;

    for (int pos = t->text_from; pos < track_len(t); pos++)
        n += track_id(t, pos) >= 0;
    return n;
}

enum sor_err finish_path(const struct finish *f, struct track *t,
                         const struct str *text,
                         const struct finish_end *how, struct sor_msg *msg)
{
    struct path_text p = { .f = f, .t = t, .text = text, .answer_step = -1 };
    struct db_put_path_end end = { .path_id = t->id, .stop = how->stop,
                                   .ended_us = how->ended_us };
    struct track_prob prob;
    enum sor_err err;

    if ((err = cut(&p, how->stop, msg)) || (err = put_steps(&p, msg)) ||
        (err = put_answers(&p, msg)) || (err = put_edges(&p, msg)) ||
        (err = db_put_text(f->db, text->p, text->len, &end.text_id, msg)))
        goto done;
    track_prob(t, t->text_from, track_len(t), &prob);
    end.logprob_mean = prob.mean;
    end.n_token = how->n_token >= 0 ? how->n_token : count_generated(t);
    err = db_put_path_end(f->db, &end, msg);
done:
    text_release(&p);
    str_release(&t->attn);      /* the edges were all it was for */
    return err;
}

/* --- a run --------------------------------------------------------------- */

static const struct track *root_of(const struct track *t)
{
    while (t->parent)
        t = t->parent;
    return t;
}

/* The whole sequence of a path, its parent's part included. */
static int32_t *ids_of(const struct track *t)
{
    int n = track_len(t);
    int32_t *id = mem_alloc((size_t)n * sizeof *id);

    for (int pos = 0; id && pos < n; pos++)
        id[pos] = track_id(t, pos);
    return id;
}

static enum sor_err put_parting(const struct finish *f, const struct track *a,
                                const struct track *b,
                                const struct parting *at, struct sor_msg *msg)
{
    struct db_put_divergence row = {
        .run_id = f->run_id, .path_a = a->id, .path_b = b->id,
        .pos = at->pos, .token_a = at->a, .token_b = at->b,
    };

    return db_put_divergence(f->db, &row, msg);
}

/* Path b beside those before it: all of them while paths are few, then the
 * first that it can be compared with. */
static enum sor_err part_from(const struct finish *f,
                              struct track *const *track, int32_t *const *id,
                              int b, struct sor_msg *msg)
{
    struct parting at;
    enum sor_err err = SOR_OK;

    for (int a = 0; a < b && !err; a++) {
        if (root_of(track[a]) != root_of(track[b]) ||
            !votes_part(id[a], track_len(track[a]), id[b],
                        track_len(track[b]), &at))
            continue;
        err = put_parting(f, track[a], track[b], &at, msg);
        if (b >= FINISH_PAIRED)
            break;
    }
    return err;
}

enum sor_err finish_run(const struct finish *f, struct track *const *track,
                        int n, struct sor_msg *msg)
{
    int32_t **id = mem_calloc((size_t)n, sizeof *id);
    enum sor_err err = SOR_OK;

    for (int i = 0; id && i < n; i++)
        if (!(id[i] = ids_of(track[i])))
            err = SOR_NOMEM;
    if (!id || err)
        err = sor_fail(msg, SOR_NOMEM, "no memory to compare %d paths", n);
    for (int b = 1; b < n && !err; b++)
        err = part_from(f, track, id, b, msg);
    for (int i = 0; id && i < n; i++)
        mem_free(id[i]);
    mem_free(id);
    return err;
}
