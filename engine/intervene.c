/* engine/intervene.c - changing what a pass computes; see intervene.h.
 *
 * Runs on the calling thread between the stages of a pass: interventions are
 * for experiments, where a pass has few rows. */
#include "engine/intervene.h"

#include <string.h>

#include "base/mem.h"
#include "engine/forward_impl.h"

static enum sor_err check(const struct intervene *iv,
                          const struct model_hparams *hp, int i,
                          struct sor_msg *msg)
{
    if (iv->layer < -1 || iv->layer >= (int)hp->n_layer)
        return sor_fail(msg, SOR_USAGE, "intervention %d: layer %d; the model "
                        "has 0 to %u", i, iv->layer, hp->n_layer - 1);
    if (iv->kind == INTERVENE_HEAD &&
        (iv->head < -1 || iv->head >= (int)hp->n_head))
        return sor_fail(msg, SOR_USAGE, "intervention %d: head %d; the model "
                        "has 0 to %u", i, iv->head, hp->n_head - 1);
    if (iv->from < 0 || iv->to < iv->from)
        return sor_fail(msg, SOR_USAGE, "intervention %d: positions %d to %d",
                        i, iv->from, iv->to);
    if (iv->kind == INTERVENE_MASK &&
        (iv->key_from < 0 || iv->key_to < iv->key_from))
        return sor_fail(msg, SOR_USAGE, "intervention %d: keys %d to %d", i,
                        iv->key_from, iv->key_to);
    return SOR_OK;
}

enum sor_err forward_intervene(struct forward *f, const struct intervene *iv,
                               int n, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    if (n < 0 || n > INTERVENE_MAX)
        return sor_fail(msg, SOR_LIMIT, "%d interventions; at most %d at once",
                        n, INTERVENE_MAX);
    for (int i = 0; i < n && !err; i++)
        err = check(&iv[i], f->p.hp, i, msg);
    if (err || n == 0 || f->before)
        return err;
    f->before = mem_alloc(FORWARD_ROWS * (size_t)f->p.hp->n_embd *
                          sizeof *f->before);
    return f->before ? SOR_OK
                     : sor_fail(msg, SOR_NOMEM, "interventions: out of memory");
}

static int acts(const struct forward *f, const struct intervene *iv, int row)
{
    const struct forward_row *r = &f->row[row];

    return (iv->layer < 0 || iv->layer == f->layer) &&
           (iv->tag == 0 || iv->tag == r->tag) &&
           r->pos >= iv->from && r->pos < iv->to;
}

/* vec, or zeros. */
static void put(float *dst, const float *vec, size_t n)
{
    if (vec)
        memcpy(dst, vec, n * sizeof *dst);
    else
        memset(dst, 0, n * sizeof *dst);
}

static void replace_heads(struct forward *f, const struct intervene *iv,
                          int row)
{
    size_t hd = f->p.hp->head_dim;
    float *out = f->mid.f + (size_t)row * (size_t)f->mid.n_in;
    int first = iv->head < 0 ? 0 : iv->head;
    int last = iv->head < 0 ? (int)f->p.hp->n_head - 1 : iv->head;

    for (int h = first; h <= last; h++)
        put(out + (size_t)h * hd, iv->vec, hd);
}

void intervene_heads(struct forward *f)
{
    for (int i = 0; i < f->n_iv; i++)
        for (int r = 0; r < f->n && f->iv[i].kind == INTERVENE_HEAD; r++)
            if (acts(f, &f->iv[i], r))
                replace_heads(f, &f->iv[i], r);
}

void intervene_begin(struct forward *f)
{
    if (f->n_iv > 0)
        memcpy(f->before, f->x, (size_t)f->n * f->p.hp->n_embd * sizeof *f->x);
}

void intervene_end(struct forward *f)
{
    size_t n = f->p.hp->n_embd;

    for (int i = 0; i < f->n_iv; i++) {
        const struct intervene *iv = &f->iv[i];

        for (int r = 0; r < f->n; r++) {
            const float *before = f->before + (size_t)r * n;

            if (!acts(f, iv, r))
                continue;
            if (iv->kind == INTERVENE_RESIDUAL)
                put(f->row_x[r], iv->vec, n);
            else if (iv->kind == INTERVENE_LAYER)
                for (size_t d = 0; d < n; d++)
                    f->row_x[r][d] = before[d] + (iv->vec ? iv->vec[d] : 0.0f);
        }
    }
}

/* The lanes from..to-1 of 16 as bits, cut to the block. */
static uint16_t lanes(int from, int to)
{
    from = from < 0 ? 0 : from;
    to = to > KERN_KVBLOCK ? KERN_KVBLOCK : to;
    return from < to ? (uint16_t)(((1u << to) - 1u) & ~((1u << from) - 1u)) : 0;
}

int intervene_hides(const struct forward *f, int row, int from, int to,
                    uint16_t *hide)
{
    int any = 0;

    memset(hide, 0, (size_t)(to - from) * sizeof *hide);
    for (int i = 0; i < f->n_iv; i++) {
        const struct intervene *iv = &f->iv[i];

        if (iv->kind != INTERVENE_MASK || !acts(f, iv, row))
            continue;
        for (int b = from; b < to; b++) {
            int first = b * KERN_KVBLOCK;

            hide[b - from] |= lanes(iv->key_from - first, iv->key_to - first);
            any |= hide[b - from];
        }
    }
    return any;
}
