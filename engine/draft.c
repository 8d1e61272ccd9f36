/* engine/draft.c - see draft.h. */
#include "engine/draft.h"

#include <string.h>

#include "base/mem.h"

/* See draft.h, Credit.  The cap keeps a text that was quoted for long from
 * paying for more than a few wrong guesses at what follows it. */
static const float DRAFT_START = 0.5f, DRAFT_SHARE = 0.01f, DRAFT_CAP = 6.0f;

/* What a pass costs before its first row, in rows: 431 tokens a second alone
 * against 1,335 in rows of 16 (make bench: tg128, tg64x16).  Larger models wait
 * longer for their weights, so rows are cheaper for them than this says. */
static const float PASS_ROWS = 2.5f;

/* Tokens compared beyond which one match is as good as another. */
enum { LONG_MATCH = 32 };

const char *draft_source_name(enum draft_source source)
{
    static const char *const name[DRAFT_SOURCES] = { "off", "lookup", "self" };

    return source < DRAFT_SOURCES ? name[source] : "off";
}

enum sor_err draft_init(struct draft *d, int cap)
{
    *d = (struct draft){ .cap = cap, .credit = DRAFT_START };
    d->text = mem_alloc((size_t)cap * sizeof *d->text + 1);
    return d->text ? SOR_OK : SOR_NOMEM;
}

void draft_release(struct draft *d)
{
    mem_free(d->text);
    *d = (struct draft){ .text = NULL };
}

void draft_read(struct draft *d, const int32_t *id, int n)
{
    if (n > d->cap - d->n)
        n = d->cap - d->n;
    if (n <= 0)
        return;
    memcpy(d->text + d->n, id, (size_t)n * sizeof *id);
    d->n += n;
}

static void earn(struct draft *d, float tokens)
{
    d->credit += tokens;
    d->credit = d->credit < 0.0f ? 0.0f
              : d->credit > DRAFT_CAP ? DRAFT_CAP : d->credit;
}

void draft_wrote(struct draft *d, int32_t id)
{
    draft_read(d, &id, 1);
    earn(d, DRAFT_SHARE);
}

/* Tokens before `end` that agree with the end of the text. */
static int match_before(const struct draft *d, int end)
{
    int m = 0, most = end < LONG_MATCH ? end : LONG_MATCH;

    while (m < most && d->text[end - 1 - m] == d->text[d->n - 1 - m])
        m++;
    return m;
}

int draft_lookup(const struct draft *d, int most, int32_t *out)
{
    int best = DRAFT_MATCH - 1, at = 0, n;

    for (int end = d->n - 1; end > best && best < LONG_MATCH; end--) {
        int m = d->text[end - 1] == d->text[d->n - 1] ? match_before(d, end)
                                                      : 0;
        if (m > best) {
            best = m;
            at = end;
        }
    }
    if (at == 0)
        return 0;
    n = best - 1 < most ? best - 1 : most;
    for (int i = 0; i < n; i++, at++)   /* past its end the text repeats */
        out[i] = at < d->n ? d->text[at] : out[at - d->n];
    return n;
}

float draft_price(int n_path)
{
    return (float)n_path / ((float)n_path + PASS_ROWS);
}

int draft_afford(const struct draft *d, float price)
{
    int n = (int)(d->credit / price);

    return n < DRAFT_MAX ? n : DRAFT_MAX;
}

void draft_buy(struct draft *d, float tokens)
{
    earn(d, -tokens);
}

void draft_kept(struct draft *d, int n)
{
    earn(d, (float)n);
}

int draft_room(int pos, int left)
{
    int in_block = HOOK_BLOCK - 1 - pos % HOOK_BLOCK;
    int useful = left - 1;      /* the last row gives one of its own */

    return in_block < useful ? in_block : useful < 0 ? 0 : useful;
}
