/* review/bearing.c - which sentences of a text bear on a question: those that
 * state a result or a conclusion and speak of its subject. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "review/bearing.h"

enum { WORDS = 40, WORD_BYTES = 32, STEM = 6, SHORTEST = 4 };
struct words { char at[WORDS][WORD_BYTES]; int n; };

/* The subject of the question: its longer words, by their first letters. */
static void read_words(const struct pack *p, const char *s, struct words *out)
{
    out->n = 0;
    while (*s && out->n < WORDS) {
        size_t n = 0;
        char *to = out->at[out->n];

        while (isalnum((unsigned char)s[n]) || s[n] == '-')
            n++;
        if (n >= SHORTEST && !pack_matches(p, "evidence.stop", s, n, NULL)) {
            size_t k = n < STEM ? n : STEM;

            for (size_t i = 0; i < k; i++)
                to[i] = (char)tolower((unsigned char)s[i]);
            to[k] = '\0';
            out->n++;
        }
        s += n + (n == 0);
    }
}

/* How many of the words begin some word of text[0..n). */
static int shares(const struct words *w, const char *text, size_t n)
{
    int found = 0;

    for (int i = 0; i < w->n; i++) {
        size_t k = strlen(w->at[i]);

        for (size_t at = 0; at + k <= n; at++) {
            size_t j = 0;

            if (at > 0 && isalnum((unsigned char)text[at - 1]))
                continue;
            while (j < k && tolower((unsigned char)text[at + j]) == w->at[i][j])
                j++;
            if (j == k) {
                found++;
                break;
            }
        }
    }
    return found;
}

/* A cue "question" counts its weight for each shared word, to at most three;
 * any other, once where a pattern of that purpose matches. */
static void weigh(const struct pack *p, const struct words *w,
                  const char *text, struct bearing *b)
{
    int n, stated = 0;
    const struct fact *cue = pack_facts(p, "cue", &n);
    const char *s = text + b->span.from;
    size_t len = b->span.to - b->span.from;

    for (int i = 0; i < n; i++) {
        int asks = strcmp(cue[i].id, "question") == 0;
        int times = asks ? shares(w, s, len)
                         : pack_matches(p, cue[i].id, s, len, NULL);

        if (times == 0 || b->n_cue == BEARING_CUES)
            continue;
        b->score += cue[i].weight * (times < 3 ? times : 3);
        b->cue[b->n_cue++] = &cue[i];
        stated |= !asks && cue[i].weight > 0;
    }
    if (!stated)
        b->score = 0;           /* speaks of the subject and says nothing */
}

static void put(struct bearing *list, int *n, int cap, const struct bearing *b)
{
    int at = *n;

    if (b->score <= 0)
        return;
    while (at > 0 && list[at - 1].score < b->score)
        at--;
    if (at == cap)
        return;
    if (*n < cap)
        ++*n;
    memmove(list + at + 1, list + at,
            (size_t)(*n - 1 - at) * sizeof *list);
    list[at] = *b;
}

int bearing_read(const struct pack *p, const char *question, const char *text,
                 struct bearing *out, int cap)
{
    int n_end, n = 0;
    const struct pattern *end = pack_patterns(p, "sentence.end", &n_end);
    size_t from = 0, size = strlen(text);
    struct words w;
    struct match m;

    read_words(p, question, &w);
    while (from < size) {
        struct bearing b = { .score = 0 };
        size_t to = size;

        if (n_end && pattern_next(end, text, size, from, &m) == 1)
            to = m.to[0];
        b.span = (struct span) { from, to };
        while (b.span.from < to && isspace((unsigned char)text[b.span.from]))
            b.span.from++;
        weigh(p, &w, text, &b);
        put(out, &n, cap, &b);
        from = to > from ? to : from + 1;
    }
    return n;
}
