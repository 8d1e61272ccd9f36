#include "engine/complexity.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "engine/tok.h"

/* Tokens looked back at, four blocks; and for entropy, which moves faster. */
enum { BACK = 4 * HOOK_BLOCK, BACK_ENTROPY = HOOK_BLOCK };

/* Nats that count as wholly uncertain; SmolLM2-135M has about 2.5 in the mean
 * over running text. */
static const float ENTROPY_FULL = 5.0f;

/* What a question, a text of numbers alone, a quotation, a text of items alone
 * add to structure's half. */
static const float BY_QUESTION = 0.25f, BY_DIGIT = 0.5f, BY_QUOTE = -0.25f,
                   BY_ITEM = -0.5f;

const struct complexity_weights complexity_default = {
    { [HOOK_PART_ENTROPY] = 1.0f, [HOOK_PART_TREND] = 0.25f,
      [HOOK_PART_NOVELTY] = 1.0f, [HOOK_PART_STRUCTURE] = 0.5f,
      [HOOK_PART_ESCALATED] = 0.5f }
};

/* --- what tokens look like ------------------------------------------------ */

static uint8_t class_of(const char *s, size_t n)
{
    static const struct { const char *text; uint8_t bit; } marks[] = {
        { "?", COMPLEXITY_QUESTION }, { "\"", COMPLEXITY_QUOTE },
        { "\xe2\x80\x9c", COMPLEXITY_QUOTE },   /* U+201C, U+201D */
        { "\xe2\x80\x9d", COMPLEXITY_QUOTE },
        { "\n", COMPLEXITY_ITEM }, { "\xe2\x80\xa2", COMPLEXITY_ITEM },
        { "*", COMPLEXITY_ITEM }, { ";", COMPLEXITY_ITEM },
    };
    uint8_t bits = 0;

    for (size_t i = 0; i < n; i++) {
        if (s[i] >= '0' && s[i] <= '9')
            bits |= COMPLEXITY_DIGIT;
        for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
            size_t len = strlen(marks[m].text);

            if (n - i >= len && memcmp(s + i, marks[m].text, len) == 0)
                bits |= marks[m].bit;
        }
    }
    return bits;
}

enum sor_err complexity_classes(const struct tok *t, uint8_t **classes,
                                struct sor_msg *msg)
{
    uint32_t n_vocab = tok_n_vocab(t);
    uint8_t *of = mem_calloc(n_vocab, 1);

    if (!of)
        return sor_fail(msg, SOR_NOMEM, "routing: out of memory");
    for (uint32_t id = 0; id < n_vocab; id++) {
        size_t n = 0;
        const char *s = tok_piece(t, (int32_t)id, &n);

        of[id] = s ? class_of(s, n) : 0;
    }
    *classes = of;
    return SOR_OK;
}

/* --- parts ---------------------------------------------------------------- */

int complexity_see(uint8_t seen[COMPLEXITY_SEEN_BYTES], const int32_t *id,
                   int at)
{
    uint64_t h = 0;

    if (at < 2)
        return 1;
    /* Multiplicative hashing: Knuth, TAOCP 3, section 6.4; 2^64 over phi. */
    for (int i = at - 2; i <= at; i++)
        h = (h ^ (uint64_t)(uint32_t)id[i]) * UINT64_C(0x9e3779b97f4a7c15);
    h >>= 46;

    int is_new = !(seen[h / 8] >> h % 8 & 1);

    seen[h / 8] |= (uint8_t)(1u << h % 8);
    return is_new;
}

static float clamp(float x)
{
    return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x;
}

/* Mean of the known x[from..to-1]; NaN: none is. */
static float mean(const float *x, int from, int to)
{
    float sum = 0.0f;
    int n = 0;

    for (int i = from < 0 ? 0 : from; i < to; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            n++;
        }
    return n ? sum / (float)n : NAN;
}

static float structure(const struct complexity_past *p)
{
    int from = p->n > BACK ? p->n - BACK : 0, n = p->n - from;
    int question = 0, digit = 0, quote = 0, item = 0;

    for (int i = from; i < p->n; i++) {
        uint8_t c = p->classes[p->id[i]];

        question |= c & COMPLEXITY_QUESTION;
        digit += (c & COMPLEXITY_DIGIT) != 0;
        quote += (c & COMPLEXITY_QUOTE) != 0;
        item += (c & COMPLEXITY_ITEM) != 0;
    }
    /* an odd number of marks: one of them is open */
    return clamp(0.5f + (question ? BY_QUESTION : 0.0f) +
                 (quote % 2 ? BY_QUOTE : 0.0f) +
                 (BY_DIGIT * (float)digit + BY_ITEM * (float)item) / (float)n);
}

static float share(const uint8_t *flag, int n)
{
    int from = n > BACK ? n - BACK : 0, sum = 0;

    for (int i = from; i < n; i++)
        sum += flag[i];
    return (float)sum / (float)(n - from);
}

void complexity_parts(const struct complexity_past *p, const uint8_t *fresh,
                      float part[HOOK_PARTS])
{
    int half = p->n - BACK_ENTROPY / 2;

    for (int i = 0; i < HOOK_PARTS; i++)
        part[i] = NAN;
    if (p->n == 0)
        return;
    part[HOOK_PART_ENTROPY] =
        clamp(mean(p->entropy, p->n - BACK_ENTROPY, p->n) / ENTROPY_FULL);
    part[HOOK_PART_TREND] =
        clamp(0.5f + (mean(p->entropy, half, p->n) -
                      mean(p->entropy, p->n - BACK_ENTROPY, half)) /
                     ENTROPY_FULL);
    part[HOOK_PART_NOVELTY] = share(fresh, p->n);
    part[HOOK_PART_STRUCTURE] = structure(p);
    part[HOOK_PART_ESCALATED] = share(p->escalated, p->n);
}

float complexity_score(const struct complexity_weights *w,
                       const float part[HOOK_PARTS])
{
    float sum = 0.0f, of = 0.0f;

    for (int i = 0; i < HOOK_PARTS; i++)
        if (!isnan(part[i])) {
            sum += w->of[i] < 0.0f ? -w->of[i] * (1.0f - part[i])
                                   : w->of[i] * part[i];
            of += fabsf(w->of[i]);
        }
    return of > 0.0f ? clamp(sum / of) : 1.0f;
}
