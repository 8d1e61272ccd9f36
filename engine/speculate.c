/* engine/speculate.c - see speculate.h. */
#include "engine/speculate.h"

#include <math.h>

#include "engine/hparams.h"
#include "engine/sampler.h"

/* A guess less likely than this to the layers that make it is the last one
 * made, and is not read.  Source: Zhang et al. 2023, "Draft & Verify", section
 * 3.3, with a fixed threshold. */
static const float SURE = 0.6f;

/* The work of a token in n of the model's layers and the output head, as a
 * share of that in all of them: multiplications by weights. */
static float share_of_work(const struct model_hparams *hp, int n)
{
    double hd = hp->head_dim, embd = hp->n_embd;
    double layer = embd * (2.0 * hp->n_head + 2.0 * hp->n_head_kv) * hd +
                   3.0 * embd * hp->n_ff;
    double head = embd * hp->n_vocab;

    return (float)((n * layer + head) / (hp->n_layer * layer + head));
}

/* The likeliest token of logits[n] and its probability. */
static int32_t likeliest(const float *logits, uint32_t n, float *p)
{
    struct sampler_stats st;
    struct sampler_alt top = { 0, -INFINITY };

    sampler_stats(logits, n, &st);
    sampler_top(logits, n, st.lse, 1, &top);
    *p = expf(top.logprob);
    return top.id;
}

/* One more guess for each seat that wants one: a shallow pass over all their
 * last guesses.  *n_going: seats that go on. */
static enum sor_err one_more(struct speculate *job, int n_layer, float share,
                             int *n_going, struct sor_msg *msg)
{
    uint32_t n_vocab = engine_hparams(job->e)->n_vocab;
    struct engine_feed feed[GEN_SEATS];
    struct speculate_seat *of[GEN_SEATS];
    enum sor_err err;
    int n = 0;

    for (int i = 0; i < job->n; i++) {
        struct speculate_seat *s = &job->seat[i];

        if (s->guess->n >= s->most)
            continue;
        of[n] = s;
        feed[n++] = (struct engine_feed){
            .session = s->session, .tok = &s->guess->tok[s->guess->n],
            .n_tok = 1, .n_logits = 1, .logits = s->logits,
            .n_layer = n_layer };
    }
    *n_going = 0;
    err = n ? engine_step(job->e, feed, n, msg) : SOR_OK;
    for (int i = 0; i < n && !err; i++) {
        struct guess *g = of[i]->guess;
        float p;
        int32_t id = likeliest(of[i]->logits, n_vocab, &p);

        draft_buy(of[i]->draft, share);
        if (p < SURE) {
            of[i]->most = g->n;
            continue;
        }
        g->tok[1 + g->n++] = id;
        ++*n_going;
    }
    return err;
}

/* The sessions are left as they were found. */
static enum sor_err by_shallow(struct speculate *job, struct sor_msg *msg)
{
    const struct model_hparams *hp = engine_hparams(job->e);
    int n_layer = job->n_layer ? job->n_layer : ((int)hp->n_layer + 3) / 4;
    float share = share_of_work(hp, n_layer);
    int len[GEN_SEATS] = { 0 }, n_going = job->n;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < job->n; i++) {
        struct speculate_seat *s = &job->seat[i];
        int most = draft_afford(s->draft, job->price + share);

        len[i] = session_len(s->session);
        s->most = s->most < most ? s->most : most;
    }
    while (!err && n_going > 0)
        err = one_more(job, n_layer, share, &n_going, msg);
    for (int i = 0; i < job->n; i++)
        session_rewind(job->seat[i].session, len[i]);
    return err;
}

enum sor_err speculate(struct speculate *job, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < job->n; i++) {
        struct speculate_seat *s = &job->seat[i];
        struct draft *d = s->draft;
        int most = draft_afford(d, job->price);

        s->guess->n = s->guess->n_kept = 0;
        s->guess->tok[0] = d->text[d->n - 1];
        most = s->most < most ? s->most : most;
        if (job->source == DRAFT_LOOKUP && most > 0)
            s->guess->n = draft_lookup(d, most, s->guess->tok + 1);
    }
    if (job->source == DRAFT_SELF)
        err = by_shallow(job, msg);
    for (int i = 0; i < job->n; i++)
        draft_buy(job->seat[i].draft,
                  (float)job->seat[i].guess->n * job->price);
    return err;
}
