/* review/claim_words.c - how much a passage speaks of what a claim speaks of:
 * the words they share, rare ones counting more.
 *
 *   likeness = sum over shared words of log(N / n_w)  /  sqrt(words + 5)
 *
 * N passages, n_w of them with the word.  Source: Sparck Jones 1972, "A
 * statistical interpretation of term specificity" (the weight).  The model
 * ranks better; but what it overlooks, it overlooks in all its readings, and
 * the last citations of a claim are better spent on another witness. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "review/claim_impl.h"

enum { LEAST = 4, MOST = 6 };   /* letters of a word; what comes after is
                                 * inflection */

static int by_word(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int letter(char c)
{
    return c >= 'a' && c <= 'z' ? c : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : 0;
}

/* The words of text[0..n), each as its first letters, one a byte, into out
 * (room for n / LEAST + 1), with repeats. */
static int words_of(const char *text, size_t n, uint64_t *out)
{
    int count = 0, len = 0;
    uint64_t word = 0;

    for (size_t i = 0; i <= n; i++) {
        int c = i < n ? letter(text[i]) : 0;

        if (c) {
            if (len++ < MOST)
                word = word << 8 | (uint64_t)c;
            continue;
        }
        if (len >= LEAST)
            out[count++] = word;
        len = 0;
        word = 0;
    }
    return count;
}

static int sort_unique(uint64_t *w, int n)
{
    int kept = 0;

    qsort(w, (size_t)n, sizeof *w, by_word);
    for (int i = 0; i < n; i++)
        if (i == 0 || w[i] != w[i - 1])
            w[kept++] = w[i];
    return kept;
}

void claims_words(struct judging *j)
{
    int n = j->r->passages->n, all = 0;

    j->words = arena_alloc(&j->scratch, (size_t)n, sizeof *j->words);
    for (int i = 0; j->words && i < n; i++) {
        struct words *w = &j->words[i];
        const char *text = j->plain[i].text;
        size_t len = strlen(text);

        w->at = arena_alloc(&j->scratch, len / LEAST + 1, sizeof *w->at);
        if (!w->at)
            break;
        w->n = sort_unique(w->at, words_of(text, len, w->at));
        all += w->n;
    }
    j->every.at = arena_alloc(&j->scratch, (size_t)all, sizeof *j->every.at);
    if (!j->words || !j->every.at || (n && !j->words[n - 1].at)) {
        j->failed = SOR_NOMEM;
        return;
    }
    for (int i = 0; i < n; i++) {
        memcpy(j->every.at + j->every.n, j->words[i].at,
               (size_t)j->words[i].n * sizeof *j->every.at);
        j->every.n += j->words[i].n;
    }
    qsort(j->every.at, (size_t)j->every.n, sizeof *j->every.at, by_word);
}

/* The first place in a sorted list that is not below w. */
static int lower(const struct words *x, uint64_t w)
{
    int a = 0, b = x->n;

    while (a < b) {
        int mid = (a + b) / 2;

        if (x->at[mid] < w)
            a = mid + 1;
        else
            b = mid;
    }
    return a;
}

static int has(const struct words *x, uint64_t w)
{
    int at = lower(x, w);

    return at < x->n && x->at[at] == w;
}

struct words claim_words(struct judging *j, const struct claim *c)
{
    struct words out = { NULL, 0 };
    size_t room = 1;

    for (int i = 0; i < c->n_wording; i++)
        room += strlen(c->wording[i].text) / LEAST + 1;
    out.at = arena_alloc(&j->scratch, room, sizeof *out.at);
    if (!out.at) {
        j->failed = SOR_NOMEM;
        return out;
    }
    for (int i = 0; i < c->n_wording; i++) {
        const struct wording *w = &c->wording[i];

        if (i == 0 || (w->trained && w->to != RELATION_UNRELATED))
            out.n += words_of(w->text, strlen(w->text), out.at + out.n);
    }
    out.n = sort_unique(out.at, out.n);
    return out;
}

double claim_likeness(const struct judging *j, const struct words *claim,
                      int passage)
{
    const struct words *p = &j->words[passage];
    double sum = 0.0;

    for (int i = 0; i < claim->n; i++) {
        uint64_t w = claim->at[i];

        if (has(p, w))
            sum += log((double)j->r->passages->n /
                       (lower(&j->every, w + 1) - lower(&j->every, w)));
    }
    return sum / sqrt(p->n + 5.0);
}
