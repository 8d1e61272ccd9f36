#include "probe/lens.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/pack.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "probe/logits.h"

enum { UNEMBED = 32 };          /* rows at once: 6 MB for 49,152 tokens */

/* --- one row's activations ------------------------------------------------ */

static void on_event(void *ud, const struct hook_event *ev)
{
    struct lens_row *r = ud;
    const struct hook_vec *v = &ev->u.vec;
    size_t layer = (size_t)(ev->layer + (ev->kind == HOOK_RESIDUAL));
    float *to = ev->kind == HOOK_RESIDUAL ? r->resid
              : ev->kind == HOOK_ATTENDED ? r->att : r->ff;

    memcpy(to + layer * v->n, v->v, v->n * sizeof *to);
}

enum sor_err lens_read(struct prefix *p, struct engine *e, int pos,
                       int with_ff, struct lens_row *out,
                       struct sor_msg *msg)
{
    const struct model_hparams *hp = engine_hparams(e);
    size_t n = hp->n_layer;
    struct lens_row r = { .n_layer = (int)n, .n_embd = (int)hp->n_embd,
                          .n_att = (int)(hp->n_head * hp->head_dim),
                          .n_ff = (int)hp->n_ff };
    struct hook_observer watch = {
        .mask = 1u << HOOK_RESIDUAL | 1u << HOOK_ATTENDED, .ud = &r,
        .on_event = on_event };
    enum sor_err err = prefix_feed(p, e, pos, NULL, NULL, msg);

    if (err)
        return err;
    r.resid = mem_calloc((n + 1) * hp->n_embd, sizeof *r.resid);
    r.att = mem_calloc(n * (size_t)r.n_att, sizeof *r.att);
    r.logits = mem_calloc(hp->n_vocab, sizeof *r.logits);
    if (with_ff) {
        watch.mask |= 1u << HOOK_NEURONS;
        r.ff = mem_calloc(n * hp->n_ff, sizeof *r.ff);
    }
    if (!r.resid || !r.att || !r.logits || (with_ff && !r.ff))
        err = sor_fail(msg, SOR_NOMEM, "out of memory for a row's "
                       "activations");
    if (!err)
        err = prefix_feed(p, e, pos + 1, &watch, r.logits, msg);
    if (err)
        lens_row_release(&r);
    else
        *out = r;
    return err;
}

void lens_row_release(struct lens_row *r)
{
    mem_free(r->resid);
    mem_free(r->att);
    mem_free(r->ff);
    mem_free(r->logits);
    *r = (struct lens_row){ .n_layer = 0 };
}

static double norm(const float *v, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

/* --- attention ------------------------------------------------------------ */

struct looking {
    const struct lens_attention_opts *o;
    struct result *out;
    uint8_t *packed;            /* one row's weights */
};

static int is_chosen(const struct lens_attention_opts *o, int layer, int head)
{
    for (int i = 0; i < o->n_whole; i++)
        if (o->whole[i].layer == layer && o->whole[i].head == head)
            return 1;
    return 0;
}

static void add_row(struct looking *l, int layer, const struct hook_head *h)
{
    for (uint32_t k = 0; k < h->n_key; k++)
        pack_weight_put(l->packed, (int)k, h->sum > 0.0f
                        ? expf(h->score[k] - h->max) / h->sum : 0.0f);
    result_add(l->out, DB_ATTENTION_ROW, &(struct db_attention_row){
        .layer = layer, .head = h->head, .entropy = (double)h->entropy,
        .weights = { l->packed, h->n_key * PACK_WEIGHT_BYTES } });
}

static void on_head(void *ud, const struct hook_event *ev)
{
    const struct hook_head *h = &ev->u.head;
    struct looking *l = ud;
    int n_top = l->out->of[DB_ATTENTION].n_stored ? 0 : h->n_top;

    for (int k = 0; k < n_top; k++)
        result_add(l->out, DB_ATTENTION, &(struct db_attention){
            .layer = ev->layer, .head = h->head, .rank = k + 1,
            .key_pos = h->pos[k], .weight = (double)h->weight[k],
            .entropy = (double)h->entropy });
    if (is_chosen(l->o, ev->layer, h->head))
        add_row(l, ev->layer, h);
}

enum sor_err lens_attention(struct prefix *p, struct engine *e,
                            const struct lens_attention_opts *o,
                            struct result *out, struct sor_msg *msg)
{
    struct looking l = { .o = o, .out = out };
    struct hook_observer watch = { .mask = 1u << HOOK_HEAD, .ud = &l,
                                   .on_event = on_head };
    enum sor_err err = prefix_feed(p, e, o->pos, NULL, NULL, msg);
    uint64_t start = clock_mono_ns();

    l.packed = mem_alloc(((size_t)o->pos + 1) * PACK_WEIGHT_BYTES);
    if (!err && !l.packed)
        err = sor_fail(msg, SOR_NOMEM, "out of memory for a row of attention");
    if (!err)
        err = prefix_feed(p, e, o->pos + 1, &watch, NULL, msg);
    out->head.wall_ns = (int64_t)(clock_mono_ns() - start);
    mem_free(l.packed);
    return err;
}

/* --- activations ---------------------------------------------------------- */

static void add_layer(const struct lens_row *row, int layer,
                      struct result *out)
{
    size_t n = (size_t)row->n_embd;
    const float *now = row->resid + (size_t)(layer + 1) * n;
    struct db_activation a = { .layer = layer, .norm = norm(now, n),
                               .update_norm = NAN, .cosine = NAN };
    double dot = 0, update = 0;

    for (size_t i = 0; i < n && layer >= 0; i++) {
        double before = (double)now[(ptrdiff_t)i - (ptrdiff_t)n];

        dot += before * (double)now[i];
        update += ((double)now[i] - before) * ((double)now[i] - before);
    }
    if (layer >= 0) {
        a.update_norm = sqrt(update);
        a.cosine = dot / (a.norm * norm(now - n, n));
    }
    result_add(out, DB_ACTIVATION, &a);
}

/* The largest by size that comes after (`size`, `index`) in that order. */
static int next_neuron(const float *v, int n, double size, int index)
{
    int best = -1;

    for (int i = 0; i < n; i++) {
        double s = fabs((double)v[i]);

        if ((s > size || (s == size && i <= index)) ||
            (best >= 0 && s <= fabs((double)v[best])))
            continue;
        best = i;
    }
    return best;
}

void lens_activations(const struct lens_row *row, int top, struct result *out)
{
    for (int layer = -1; layer < row->n_layer; layer++)
        add_layer(row, layer, out);
    for (int layer = 0; layer < row->n_layer && row->ff; layer++) {
        const float *v = row->ff + (size_t)layer * (size_t)row->n_ff;
        double size = INFINITY;
        int at = -1;

        for (int k = 1; k <= top; k++) {
            if ((at = next_neuron(v, row->n_ff, size, at)) < 0)
                break;
            size = fabs((double)v[at]);
            result_add(out, DB_NEURON, &(struct db_neuron){
                .layer = layer, .rank = k, .neuron = at,
                .value = (double)v[at] });
        }
    }
}

/* --- the lens ------------------------------------------------------------- */

struct reading {
    struct engine *e;
    const struct lens_row *row;
    const struct lens_opts *o;
    struct result *out;
    size_t n_vocab;
    double lse;                 /* of the row's own logits */
};

static void add_reading(struct reading *r, int layer, const float *logits)
{
    int32_t target = r->out->head.token_id;
    struct sampler_alt top[LENS_TOP_MAX];
    struct sampler_stats st;

    sampler_stats(logits, (uint32_t)r->n_vocab, &st);
    result_add(r->out, DB_LENS, &(struct db_lens){
        .layer = layer, .rank = logits_rank(logits, r->n_vocab, target),
        .logprob = (double)logits[target] - st.lse, .entropy = st.entropy,
        .kl = logits_kl((struct logits){ r->row->logits, r->lse },
                        (struct logits){ logits, st.lse }, r->n_vocab) });
    uint32_t n = sampler_top(logits, (uint32_t)r->n_vocab, st.lse,
                             (uint32_t)r->o->top, top);
    for (uint32_t k = 0; k < n; k++)
        result_add(r->out, DB_LENS_TOP, &(struct db_lens_top){
            .layer = layer, .rank = (int)k + 1, .token_id = top[k].id,
            .logprob = (double)top[k].logprob });
}

/* Rows first..n_layer of the stream; the last one's logits are known. */
static enum sor_err read_layers(struct reading *r, float *logits,
                                struct sor_msg *msg)
{
    size_t n_embd = (size_t)r->row->n_embd;
    enum sor_err err = SOR_OK;
    int n = r->row->n_layer;    /* all but the last */

    for (int at = 0; at < n && !err; at += UNEMBED) {
        int take = n - at < UNEMBED ? n - at : UNEMBED;

        err = engine_unembed(r->e, r->row->resid + (size_t)at * n_embd, take,
                             logits, msg);
        for (int i = 0; i < take && !err; i++)
            add_reading(r, at + i - 1, logits + (size_t)i * r->n_vocab);
    }
    if (!err)
        add_reading(r, n - 1, r->row->logits);
    return err;
}

/* --- attribution ---------------------------------------------------------- */

struct parts {
    struct reading *r;
    float *vec, *logits;        /* [UNEMBED][n_embd], [UNEMBED][n_vocab] */
    struct db_attribution name[UNEMBED];
    int n;
    double scale;               /* of the output norm: RMS of the final row */
    double layer_sum;
};

static double rms(const struct reading *r, const float *v)
{
    size_t n = (size_t)r->row->n_embd;
    double eps = (double)engine_hparams(r->e)->rms_eps, norm2 = norm(v, n);

    return sqrt(norm2 * norm2 / (double)n + eps);
}

/* The head reads what the output norm gives, which divides a part by its own
 * RMS; undo that and divide by the final row's. */
static enum sor_err flush(struct parts *p, struct sor_msg *msg)
{
    struct reading *r = p->r;
    size_t n_embd = (size_t)r->row->n_embd;
    int32_t target = r->out->head.token_id;
    enum sor_err err = p->n ? engine_unembed(r->e, p->vec, p->n, p->logits,
                                             msg) : SOR_OK;

    for (int i = 0; i < p->n && !err; i++) {
        const float *logits = p->logits + (size_t)i * r->n_vocab;
        double mean = 0;

        for (size_t k = 0; k < r->n_vocab; k++)
            mean += (double)logits[k];
        mean /= (double)r->n_vocab;
        p->name[i].logit = ((double)logits[target] - mean) *
                           rms(r, p->vec + (size_t)i * n_embd) / p->scale;
        result_add(r->out, DB_ATTRIBUTION, &p->name[i]);
    }
    p->n = 0;
    return err;
}

/* Room for the vector of one more part. */
static enum sor_err next_part(struct parts *p, const char *part, int layer,
                              int head, float **vec, struct sor_msg *msg)
{
    enum sor_err err = p->n == UNEMBED ? flush(p, msg) : SOR_OK;

    if (err)
        return err;
    *vec = p->vec + (size_t)p->n * (size_t)p->r->row->n_embd;
    p->name[p->n++] = (struct db_attribution){ .part = part, .layer = layer,
                                               .head = head };
    return SOR_OK;
}

/* layer: what the block added; head: what each head of it added; mlp: the
 * rest. */
static enum sor_err add_parts(struct parts *p, int layer, float *rest,
                              struct sor_msg *msg)
{
    const struct lens_row *row = p->r->row;
    const struct model_hparams *hp = engine_hparams(p->r->e);
    size_t n = (size_t)row->n_embd;
    const float *now = row->resid + (size_t)(layer + 1) * n;
    float *vec;
    enum sor_err err = next_part(p, "layer", layer, -1, &vec, msg);

    if (err)
        return err;
    for (size_t i = 0; i < n; i++)
        vec[i] = rest[i] = now[i] - now[(ptrdiff_t)i - (ptrdiff_t)n];
    for (int h = 0; h < (int)hp->n_head; h++) {
        const float *out = row->att + (size_t)layer * (size_t)row->n_att +
                           (size_t)h * hp->head_dim;

        if ((err = next_part(p, "head", layer, h, &vec, msg)) ||
            (err = engine_head_adds(p->r->e, layer, h, out, vec, msg)))
            return err;
        for (size_t i = 0; i < n; i++)
            rest[i] -= vec[i];
    }
    if (!(err = next_part(p, "mlp", layer, -1, &vec, msg)))
        memcpy(vec, rest, n * sizeof *vec);
    return err;
}

static enum sor_err attribute(struct reading *r, float *logits,
                              struct sor_msg *msg)
{
    const struct lens_row *row = r->row;
    size_t n = (size_t)row->n_embd;
    struct parts p = { .r = r, .logits = logits };
    float *vec, *rest = mem_calloc(n, sizeof *rest);
    enum sor_err err;

    p.vec = mem_calloc(UNEMBED * n, sizeof *p.vec);
    p.scale = rms(r, row->resid + (size_t)row->n_layer * n);
    if (!rest || !p.vec)
        err = sor_fail(msg, SOR_NOMEM, "out of memory for attribution");
    else if (!(err = next_part(&p, "embed", -1, -1, &vec, msg)))
        memcpy(vec, row->resid, n * sizeof *vec);
    for (int l = 0; l < row->n_layer && !err; l++)
        err = add_parts(&p, l, rest, msg);
    if (!err)
        err = flush(&p, msg);
    mem_free(p.vec);
    mem_free(rest);
    return err;
}

/* --- together ------------------------------------------------------------- */

enum sor_err lens_compute(struct prefix *p, struct engine *e,
                          const struct lens_opts *o, struct result *out,
                          struct sor_msg *msg)
{
    struct lens_row row = { .n_layer = 0 };
    struct reading r = { .e = e, .row = &row, .o = o, .out = out,
                         .n_vocab = engine_hparams(e)->n_vocab };
    struct sampler_stats st;
    struct sampler_alt best;
    enum sor_err err = prefix_feed(p, e, o->pos, NULL, NULL, msg);
    uint64_t start = clock_mono_ns();
    float *logits;

    if (err || (err = lens_read(p, e, o->pos, 0, &row, msg)))
        return err;
    sampler_stats(row.logits, (uint32_t)r.n_vocab, &st);
    sampler_top(row.logits, (uint32_t)r.n_vocab, st.lse, 1, &best);
    r.lse = st.lse;
    out->head.token_id = o->target >= 0 ? o->target : best.id;
    out->head.logprob = (double)row.logits[out->head.token_id] - st.lse;
    logits = mem_alloc(UNEMBED * r.n_vocab * sizeof *logits);
    err = logits ? read_layers(&r, logits, msg)
                 : sor_fail(msg, SOR_NOMEM, "out of memory for the lens");
    if (!err && o->attribution)
        err = attribute(&r, logits, msg);
    out->head.wall_ns = (int64_t)(clock_mono_ns() - start);
    mem_free(logits);
    lens_row_release(&row);
    return err;
}

int lens_fixed_from(const struct result *r)
{
    int from = LENS_NEVER;

    for (int i = r->of[DB_LENS].n - 1; i >= 0; i--) {
        const struct db_lens *l = result_at(r, DB_LENS, i);

        if (l->rank != 1)
            break;
        from = l->layer;
    }
    return from;
}
