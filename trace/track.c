#include "trace/track.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "trace/ascii.h"

enum { FIRST_TOK = 4096 };      /* preallocated at most; then it doubles */

struct track *track_open(const struct track_spec *spec)
{
    struct track *t = mem_calloc(1, sizeof *t);
    int64_t want = (int64_t)spec->text_from - spec->fork_pos + spec->max_tok;

    if (!t)
        return NULL;
    *t = (struct track){
        .tag = spec->tag, .parent = spec->parent, .ordinal = spec->ordinal,
        .fork_pos = spec->fork_pos, .text_from = spec->text_from,
        .seed = spec->seed, .from = spec->fork_pos,
        .cap = want < 16 ? 16 : want > FIRST_TOK ? FIRST_TOK : (int)want,
    };
    str_init(&t->attn);
    drafting_init(&t->drafting);
    t->kind = mem_strdup(spec->kind);
    t->params = mem_strdup(spec->params ? spec->params : "{}");
    t->tok = mem_calloc((size_t)t->cap, sizeof *t->tok);
    if (spec->origin_id && (t->origin = mem_calloc(1, sizeof *t->origin))) {
        t->origin->id = spec->origin_id;
        t->parent = t->origin;
    }
    if (!t->kind || !t->params || !t->tok ||
        (spec->origin_id && !t->origin)) {
        track_close(t);
        return NULL;
    }
    return t;
}

void track_close(struct track *t)
{
    if (!t)
        return;
    mem_free(t->origin);
    mem_free(t->kind);
    mem_free(t->params);
    mem_free(t->tok);
    str_release(&t->attn);
    drafting_release(&t->drafting);
    mem_free(t);
}

struct track_tok *track_at(struct track *t, int pos)
{
    int i = pos - t->from;

    if (pos < t->from || i >= INT32_MAX / 2)
        return NULL;
    if (i >= t->cap) {
        int cap = 2 * i + 1;
        struct track_tok *tok = mem_realloc(t->tok, (size_t)cap, sizeof *tok);

        if (!tok)
            return NULL;
        t->tok = tok;
        t->cap = cap;
    }
    for (; t->n_tok <= i; t->n_tok++)
        t->tok[t->n_tok] = (struct track_tok){
            .id = -1, .logprob = NAN, .entropy = NAN,
        };
    return &t->tok[i];
}

int track_len(const struct track *t)
{
    return t->from + t->n_tok;
}

int32_t track_id(const struct track *t, int pos)
{
    while (t && pos < t->from)
        t = t->parent;
    return t && pos < track_len(t) ? t->tok[pos - t->from].id : -1;
}

int track_attend(struct track *t, struct track_tok *k, const void *mass,
                 uint32_t n)
{
    k->attn = t->attn.len;
    k->n_attn = n;
    str_put(&t->attn, mass, n * sizeof(uint16_t));
    return str_ok(&t->attn) ? 0 : -1;
}

/* --- text ---------------------------------------------------------------- */

/* Index of the first generated token. */
static int first_of(const struct track *t)
{
    return t->text_from > t->from ? t->text_from - t->from : 0;
}

/* The tokens' bytes one after the other; `at` counts these for now. */
static void raw_text(struct track *t, const struct track_pieces *p,
                     struct str *raw)
{
    for (int i = first_of(t); i < t->n_tok; i++) {
        struct track_tok *k = &t->tok[i];
        size_t n = 0;
        const char *s = NULL;

        k->at = raw->len;
        if (k->id >= 0 && !(p->is_special && p->is_special(p->ud, k->id)))
            s = p->piece(p->ud, k->id, &n);
        if (s)
            str_put(raw, s, n);
    }
}

void track_text(struct track *t, const struct track_pieces *p,
                struct str *out)
{
    struct str raw;
    int k = first_of(t);

    str_init(&raw);
    raw_text(t, p, &raw);
    for (size_t i = 0, used; i < raw.len; i += used) {
        char utf8[4];
        uint32_t cp;

        used = utf8_next(raw.p + i, raw.len - i, &cp);
        for (; k < t->n_tok && t->tok[k].at < i + used; k++)
            t->tok[k].at = out->len;
        str_put(out, utf8, utf8_put(cp ? cp : 0xFFFD, utf8));
    }
    for (; k < t->n_tok; k++)
        t->tok[k].at = out->len;
    out->failed |= raw.failed;
    str_release(&raw);
}

/* Where a token's first byte of text that is not white space stands;
 * SIZE_MAX: it has none. */
static size_t anchor(const struct track *t, const struct str *text, int i)
{
    size_t at = t->tok[i].at;
    size_t end = i + 1 < t->n_tok ? t->tok[i + 1].at : text->len;

    while (at < end && is_space(text->p[at]))
        at++;
    return at < end ? at : SIZE_MAX;
}

void track_span(const struct track *t, const struct str *text, size_t lo,
                size_t hi, int start, int *from, int *to)
{
    int i = start - t->from, n = t->n_tok;
    size_t at = SIZE_MAX;

    if (i < first_of(t))
        i = first_of(t);
    while (i < n && ((at = anchor(t, text, i)) == SIZE_MAX || at < lo))
        i++;
    *from = *to = t->from + i;
    for (; i < n; i++) {
        at = anchor(t, text, i);
        if (at != SIZE_MAX && at >= hi)
            break;
        *to = t->from + i + 1;
    }
}

void track_prob(const struct track *t, int from, int to,
                struct track_prob *out)
{
    double sum = 0.0;

    *out = (struct track_prob){ NAN, NAN, -1, 0 };
    for (int pos = from; pos < to && pos < track_len(t); pos++) {
        double p = (double)t->tok[pos - t->from].logprob;

        if (isnan(p))
            continue;
        sum += p;
        if (out->n++ == 0 || p < out->min) {
            out->min = p;
            out->min_pos = pos;
        }
    }
    if (out->n)
        out->mean = sum / out->n;
}
