/* Attention: the plain C kernels against arithmetic in doubles, and every other
 * ISA against the plain C ones, bit for bit and for every tile of queries; with
 * keys and values in either form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/half.h"
#include "engine/kern.h"
#include "tests/kerntest.h"

enum {
    HD_MAX = 64,
    N_BLOCK = 9,                /* no whole number of groups */
    N_GROUP = (N_BLOCK + KERN_GROUP - 1) / KERN_GROUP,
    N_QUERY = 11, N_KEY = 16 * N_BLOCK,
    PIECE_BYTES = 32 * 2 * HD_MAX
};

/* Heads that fill vectors or do not; keys of bytes are spread over 16, 64 or
 * no dimensions. */
static const struct form {
    enum kern_kvtype type;
    int hd, width, spread;
} forms[] = {
    { KERN_KV_F16, 40, 48, 1 }, { KERN_KV_F16, 64, 64, 1 },
    { KERN_KV_Q8,  40, 48, 1 }, { KERN_KV_Q8,  48, 48, 16 },
    { KERN_KV_Q8,  64, 64, 64 },
};
enum { N_FORM = sizeof forms / sizeof *forms };

struct scene {
    const struct form *form;
    float k[N_KEY][HD_MAX], v[N_KEY][HD_MAX];
    uint8_t piece[N_BLOCK][PIECE_BYTES];
    const void *kv[N_BLOCK];
    float q[N_QUERY][HD_MAX], o[N_QUERY][HD_MAX];
    const float *pq[N_QUERY];
    int32_t n_key[N_QUERY];
    struct kern_part part[N_QUERY], *pp[N_QUERY];
    struct kern_total total[N_QUERY];
    uint16_t bits[N_QUERY][N_BLOCK];
    const uint16_t *hide[N_QUERY];
    float mass[N_QUERY][N_GROUP * KERN_GROUP], *pm[N_QUERY];
    float top[N_QUERY][N_GROUP], *pt[N_QUERY];
    float score[N_QUERY][N_KEY], *ps[N_QUERY];
    struct kern_attn a;
};

static void put(const struct kern_table *k, struct scene *s, int key)
{
    k->put[s->form->type](s->k[key], s->v[key], s->form->hd, s->piece[key / 16],
                          key % 16);
}

/* Keys grow larger from block to block, so that the maximum moves. */
static void scene_init(struct scene *s, const struct form *form, int n_query)
{
    memset(s, 0, sizeof *s);
    s->form = form;
    assert_true(kern_piece_bytes(form->type, form->hd) <= PIECE_BYTES);
    for (int key = 0; key < N_KEY; key++) {
        for (int d = 0; d < form->hd; d++) {
            s->k[key][d] = (float)(1 + key / 16) / 4 * random_float();
            s->v[key][d] = 2.0f * random_float();
        }
        put(&kern_ref, s, key);
    }
    for (int b = 0; b < N_BLOCK; b++)
        s->kv[b] = s->piece[b];
    for (int i = 0; i < n_query; i++) {
        for (int d = 0; d < form->hd; d++)
            s->q[i][d] = random_float();
        for (int b = 0; b < N_BLOCK; b++) {
            uint32_t some = random32();

            s->bits[i][b] = (uint16_t)(some & random32());
        }
        s->n_key[i] = 1 + (int)(random32() % N_KEY);
        s->pq[i] = s->q[i];
        s->part[i].o = s->o[i];
        s->pp[i] = &s->part[i];
        s->hide[i] = s->bits[i];
        s->pm[i] = s->mass[i];
        s->pt[i] = s->top[i];
        s->ps[i] = s->score[i];
    }
    s->a = (struct kern_attn){
        .head_dim = form->hd, .n_query = n_query, .q = s->pq, .n_key = s->n_key,
        .block_from = 0, .block_to = N_BLOCK, .kv = s->kv, .part = s->pp,
        .mass = s->pm, .top = s->pt, .score = s->ps,
    };
}

/* Attends from nothing and finishes; o becomes o / l. */
static void attend(const struct kern_table *k, struct scene *s)
{
    for (int i = 0; i < s->a.n_query; i++)
        k->part_init(s->pp[i], s->form->hd);
    k->attn[s->form->type](&s->a);
    for (int i = 0; i < s->a.n_query; i++)
        k->finish(s->pp[i], s->form->hd, s->o[i], &s->total[i]);
}

/* --- what is kept, read as kern.h lays it out ---------------------------- */

static double half_at(const uint8_t *p, size_t i)
{
    uint16_t h;

    memcpy(&h, p + 2 * i, sizeof h);
    return (double)half_to_f32(h);
}

static double scale_at(const uint8_t *p, size_t i)
{
    float d;

    memcpy(&d, p + 4 * i, sizeof d);
    return (double)d;
}

/* Dimension d of H x, by the definition: row d of H has a minus sign where d
 * and the column have an odd number of bits in common. */
static double spread_at(const struct form *f, const double *x, int d)
{
    int first = d / f->spread * f->spread;
    double sum = 0.0;

    for (int j = 0; j < f->spread; j++) {
        int both = (d - first) & j, odd = 0;

        for (; both; both &= both - 1)
            odd = !odd;
        sum += odd ? -x[first + j] : x[first + j];
    }
    return sum;
}

/* What is kept of a key: k for a head of 16-bit floats, Hk for one of bytes. */
static void kept_key(const struct scene *s, int key, double *k)
{
    const uint8_t *p = s->piece[key / 16];

    for (int d = 0; d < s->form->hd; d++)
        k[d] = s->form->type == KERN_KV_F16
            ? half_at(p, (size_t)(d * 16 + key % 16))
            : (p[d / 4 * 64 + key % 16 * 4 + d % 4] - 128) *
              scale_at(p + 16 * s->form->width, (size_t)key % 16);
}

/* H is its own inverse but for a factor. */
static double key_at(const struct scene *s, int key, int d)
{
    double k[HD_MAX];

    kept_key(s, key, k);
    return spread_at(s->form, k, d) / s->form->spread;
}

static double value_at(const struct scene *s, int key, int d)
{
    const uint8_t *p = s->piece[key / 16];
    int width = s->form->width;

    if (s->form->type == KERN_KV_F16)
        return half_at(p, (size_t)(s->form->hd * 16 + key % 16 * width + d));
    p += 16 * width + 64;
    return (int8_t)p[(key % 16 / 4 * width + d) * 4 + key % 4] *
           scale_at(p + 16 * width, (size_t)key % 16);
}

static double largest(const double *x, int n)
{
    double most = 0.0;

    for (int i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

/* Half a step of the grid, which for bytes is a token's own largest / 127. */
static void check_kept(const struct scene *s, int key)
{
    const struct form *f = s->form;
    double k[HD_MAX], hk[HD_MAX], v[HD_MAX], kept[HD_MAX];
    double step = f->type == KERN_KV_F16 ? 1.0 / 2048 : 0.501 / 127;

    for (int d = 0; d < f->hd; d++) {
        k[d] = (double)s->k[key][d];
        v[d] = (double)s->v[key][d];
    }
    for (int d = 0; d < f->hd; d++)
        hk[d] = spread_at(f, k, d);
    kept_key(s, key, kept);
    for (int d = 0; d < f->hd; d++) {
        near(kept[d], hk[d], step * largest(hk, f->hd));
        near(value_at(s, key, d), v[d], step * largest(v, f->hd));
    }
}

static void kept_is_near(void **state)
{
    const struct kern_table *k = table(state);
    static struct scene s;

    kerntest_seed = 4;
    for (int i = 0; i < N_FORM; i++) {
        scene_init(&s, &forms[i], 1);
        for (int key = 0; key < N_KEY; key++) {
            put(k, &s, key);
            check_kept(&s, key);
        }
    }
}

static void kept_equals_the_plain_one(void **state)
{
    const struct kern_table *k = table(state);
    static struct scene a, b;

    kerntest_seed = 8;
    for (int i = 0; i < N_FORM; i++) {
        const struct form *f = &forms[i];

        scene_init(&a, f, 1);
        a.k[3][5] = NAN;
        a.v[4][f->hd - 1] = INFINITY;
        memset(a.k[6], 0, sizeof a.k[6]);
        memset(a.v[7], 0, sizeof a.v[7]);
        b = a;
        for (int key = 0; key < N_KEY; key++) {
            put(k, &a, key);
            put(&kern_ref, &b, key);
        }
        if (f->type == KERN_KV_F16) {   /* a NaN's payload is free */
            memset(a.piece[0] + 2 * (5 * 16 + 3), 0, 2);
            memset(b.piece[0] + 2 * (5 * 16 + 3), 0, 2);
        }
        assert_memory_equal(a.piece, b.piece, sizeof a.piece);
    }
}

/* --- what comes out ------------------------------------------------------ */

/* Doubles over what is kept.  With bytes the query has 16 bits and the weights
 * 14, of the largest in each. */
static void check_query(const struct scene *s, int i, double within)
{
    double e[N_KEY], sum = 0.0, h = 0.0, top = -1e30, mass = 0.0;
    const int hd = s->form->hd;

    for (int j = 0; j < s->n_key[i]; j++) {
        e[j] = 0.0;
        for (int d = 0; d < hd; d++)
            e[j] += (double)s->q[i][d] * key_at(s, j, d);
        if (s->a.hide && s->bits[i][j / 16] >> j % 16 & 1)
            e[j] = -INFINITY;
        else
            near((double)s->score[i][j], e[j], within);
        top = e[j] > top ? e[j] : top;
    }
    for (int j = 0; j < s->n_key[i]; j++)
        sum += e[j] = exp(e[j] - top);
    for (int j = 0; j < s->n_key[i]; j++)
        h -= e[j] > 0 ? e[j] / sum * log(e[j] / sum) : 0.0;
    for (int d = 0; d < hd; d++) {
        double o = 0.0;

        for (int j = 0; j < s->n_key[i]; j++)
            o += e[j] / sum * value_at(s, j, d);
        near((double)s->o[i][d], o, within);
    }
    near((double)(logf(s->total[i].l) - s->total[i].t / s->total[i].l), h,
         within);
    for (int b = 0; b < N_BLOCK; b++)
        if (b * 16 < s->n_key[i])
            mass += (double)s->mass[i][b] *
                    exp((double)(s->top[i][b / KERN_GROUP] - s->part[i].m));
    near(mass / (double)s->total[i].l, 1.0, 1e-5);
}

static void attention_is_right(void **state)
{
    const struct kern_table *k = table(state);
    static struct scene s;

    kerntest_seed = 5;
    for (int f = 0; f < N_FORM; f++)
        for (int hide = 0; hide < 2; hide++) {
            scene_init(&s, &forms[f], N_QUERY);
            s.a.hide = hide ? s.hide : NULL;
            for (int i = 0; i < N_QUERY; i++)
                s.bits[i][0] &= 0xfffe;         /* one key at least */
            attend(k, &s);
            for (int i = 0; i < N_QUERY; i++)
                check_query(&s, i, forms[f].type == KERN_KV_F16 ? 1e-4 : 4e-4);
        }
}

/* The plain kernel, query i alone, in two goes. */
static void attend_alone(struct scene *s, int i)
{
    struct kern_attn one = s->a;
    float *mass = s->mass[i] + KERN_GROUP, *top = s->top[i] + 1;
    const uint16_t *hide = s->bits[i] + KERN_GROUP;
    float *score = s->score[i] + KERN_GROUP * 16;

    one.n_query = 1;
    one.q += i, one.n_key += i, one.part += i;
    if (one.mass)
        one.mass += i, one.top += i;
    if (one.score)
        one.score += i;
    if (one.hide)
        one.hide += i;
    kern_ref.part_init(s->pp[i], s->form->hd);
    one.block_to = KERN_GROUP;
    kern_ref.attn[s->form->type](&one);
    one.block_from = KERN_GROUP, one.block_to = N_BLOCK, one.kv += KERN_GROUP;
    one.mass = &mass, one.top = &top, one.score = &score;
    one.hide = one.hide ? &hide : NULL;
    kern_ref.attn[s->form->type](&one);
    kern_ref.finish(s->pp[i], s->form->hd, s->o[i], &s->total[i]);
}

/* Every tile of queries; garbage behind the last key of a timeline, NaN above
 * all, must not matter to anyone. */
static void check_tile(const struct kern_table *k, const struct form *form,
                       int n, int hide)
{
    static struct scene a, b;
    uint64_t here = kerntest_seed;
    int most = 0;

    scene_init(&a, form, n);
    kerntest_seed = here;
    scene_init(&b, form, n);
    a.a.hide = hide ? a.hide : NULL;
    b.a.hide = hide ? b.hide : NULL;
    for (int i = 0; i < n; i++)
        most = a.n_key[i] > most ? a.n_key[i] : most;
    for (int key = most; key < N_KEY; key++) {
        for (int d = 0; d < form->hd; d++)
            a.k[key][d] = a.v[key][d] = NAN;
        put(&kern_ref, &a, key);
    }
    attend(k, &a);
    for (int i = 0; i < n; i++) {
        attend_alone(&b, i);
        assert_memory_equal(a.o[i], b.o[i], sizeof a.o[i]);
        assert_memory_equal(&a.total[i], &b.total[i], sizeof a.total[i]);
    }
    assert_memory_equal(a.mass, b.mass, sizeof a.mass);
    assert_memory_equal(a.top, b.top, sizeof a.top);
}

static void attention_equals_the_plain_one(void **state)
{
    const struct kern_table *k = table(state);

    kerntest_seed = 6;
    for (int f = 0; f < N_FORM; f++)
        for (int n = 1; n <= N_QUERY; n++)
            for (int hide = 0; hide < 2; hide++)
                check_tile(k, &forms[f], n, hide);
}

/* A key or a value that is no number spoils what sees it and nothing else. */
static void nan_spoils_its_readers(void **state)
{
    const struct kern_table *k = table(state);
    static struct scene s;

    kerntest_seed = 9;
    for (int f = 0; f < N_FORM; f++) {
        scene_init(&s, &forms[f], N_QUERY);
        s.k[40][0] = s.v[40][0] = NAN;
        put(k, &s, 40);
        attend(k, &s);
        for (int i = 0; i < N_QUERY; i++)
            assert_int_equal(isnan(s.o[i][0]), s.n_key[i] > 40);
    }
}

/* Two ranges of blocks, merged, are the whole (but for rounding). */
static void partials_merge(void **state)
{
    const struct kern_table *k = table(state);
    static struct scene whole, first, second;
    const int hd = forms[0].hd;

    kerntest_seed = 7;
    scene_init(&whole, &forms[0], N_QUERY);
    for (int i = 0; i < N_QUERY; i++)
        whole.n_key[i] = N_KEY - i;
    first = second = whole;
    for (int i = 0; i < N_QUERY; i++) {
        first.part[i].o = first.o[i];
        second.part[i].o = second.o[i];
        first.pp[i] = &first.part[i];
        second.pp[i] = &second.part[i];
    }
    first.a.part = first.pp;
    second.a.part = second.pp;
    first.a.mass = second.a.mass = NULL;
    first.a.score = second.a.score = NULL;
    first.a.block_to = second.a.block_from = KERN_GROUP;
    second.a.kv += KERN_GROUP;
    for (int i = 0; i < N_QUERY; i++) {
        k->part_init(&first.part[i], hd);
        k->part_init(&second.part[i], hd);
    }
    attend(k, &whole);
    k->attn[KERN_KV_F16](&first.a);
    k->attn[KERN_KV_F16](&second.a);
    for (int i = 0; i < N_QUERY; i++) {
        struct kern_total *f = &first.total[i], *w = &whole.total[i];

        k->merge(&first.part[i], &second.part[i], hd);
        k->finish(&first.part[i], hd, first.o[i], f);
        near((double)(f->l / w->l), 1.0, 1e-5);
        near((double)f->t, (double)w->t, 1e-4 * (1.0 + fabs((double)w->t)));
        for (int d = 0; d < hd; d++)
            near((double)first.o[i][d], (double)whole.o[i][d], 1e-5);
    }
}

/* cmocka wants a pointer to what it may change; nothing here does. */
#define ON(isa, test) { #test "/" #isa, test, NULL, NULL, \
                        (void *)(uintptr_t)&kern_##isa }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(ref, kept_is_near),
        ON(avx512, kept_is_near),
        ON(avx2, kept_equals_the_plain_one),
        ON(avxvnni, kept_equals_the_plain_one),
        ON(avx512, kept_equals_the_plain_one),
        ON(ref, attention_is_right),
        ON(avx2, attention_is_right),
        ON(avxvnni, attention_is_right),
        ON(avx512, attention_is_right),
        ON(ref, attention_equals_the_plain_one),
        ON(avx2, attention_equals_the_plain_one),
        ON(avxvnni, attention_equals_the_plain_one),
        ON(avx512, attention_equals_the_plain_one),
        ON(ref, nan_spoils_its_readers),
        ON(avx2, nan_spoils_its_readers),
        ON(avxvnni, nan_spoils_its_readers),
        ON(avx512, nan_spoils_its_readers),
        ON(ref, partials_merge),
        ON(avx2, partials_merge),
        ON(avxvnni, partials_merge),
        ON(avx512, partials_merge),
    };

    return cmocka_run_group_tests_name("kern_attn", tests, NULL, NULL);
}
