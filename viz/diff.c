#include "viz/diff.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "viz/html.h"
#include "viz/markdown.h"

enum { WORDS = 1024,        /* beyond, nothing is compared */
       SHARED = 40 };       /* per cent of the shorter text, to be worth it */

struct words { const char *at[WORDS]; size_t len[WORDS]; int n; };

/* How a run of words is written. */
struct form {
    const char *open[3], *close[3];     /* by what became of it */
    void (*put)(struct str *out, const char *p, size_t n);
};
enum { KEPT, GONE, NEW };

static const struct form forms[] = {
    { { "", "<del>", "<ins>" }, { "", "</del>", "</ins>" }, html_bytes },
    { { "", "~~", "**" }, { "", "~~", "**" }, markdown_bytes },
};

/* Cuts p[0..n) at white space; 0: there are too many words. */
static int split(const char *p, size_t n, struct words *w)
{
    size_t i = 0;

    w->n = 0;
    while (i < n) {
        size_t from;

        while (i < n && strchr(" \t\r\n\f", p[i]))
            i++;
        from = i;
        while (i < n && !strchr(" \t\r\n\f", p[i]))
            i++;
        if (i == from)
            break;
        if (w->n == WORDS)
            return 0;
        w->at[w->n] = p + from;
        w->len[w->n++] = i - from;
    }
    return 1;
}

static int is_same(const struct words *a, int i, const struct words *b, int k)
{
    return a->len[i] == b->len[k] && !memcmp(a->at[i], b->at[k], a->len[i]);
}

/* left[i][k]: the longest list that a[i..] and b[k..] share. */
static void fill(const struct words *a, const struct words *b, uint16_t *left)
{
    size_t wide = (size_t)b->n + 1;

    for (int i = a->n - 1; i >= 0; i--)
        for (int k = b->n - 1; k >= 0; k--) {
            uint16_t *at = left + (size_t)i * wide + (size_t)k;
            uint16_t down = at[wide], across = at[1];

            *at = is_same(a, i, b, k) ? (uint16_t)(at[wide + 1] + 1)
                : down > across ? down : across;
        }
}

struct writer { struct str *out; const struct form *f; int now, n; };

/* A word that was kept, went or came; runs of a kind share their marks. */
static void put_word(struct writer *w, int kind, const char *p, size_t len)
{
    if (w->n && kind != w->now)
        str_puts(w->out, w->f->close[w->now]);
    if (w->n)
        str_putc(w->out, ' ');
    if (!w->n || kind != w->now)
        str_puts(w->out, w->f->open[kind]);
    w->f->put(w->out, p, len);
    w->now = kind;
    w->n++;
}

static void put_words(struct writer *w, int kind, const struct words *a)
{
    for (int i = 0; i < a->n; i++)
        put_word(w, kind, a->at[i], a->len[i]);
}

static void put_merged(struct writer *w, const struct words *a,
                       const struct words *b, const uint16_t *left)
{
    size_t wide = (size_t)b->n + 1;
    int i = 0, k = 0;

    while (i < a->n || k < b->n) {
        const uint16_t *at = left + (size_t)i * wide + (size_t)k;

        if (i < a->n && k < b->n && is_same(a, i, b, k)) {
            put_word(w, KEPT, a->at[i], a->len[i]);
            i++;
            k++;
        } else if (i < a->n && (k == b->n || at[wide] >= at[1])) {
            put_word(w, GONE, a->at[i], a->len[i]);
            i++;
        } else {
            put_word(w, NEW, b->at[k], b->len[k]);
            k++;
        }
    }
}

static void put_diff(struct str *out, const struct form *f,
                     struct words *a, struct words *b)
{
    struct writer w = { .out = out, .f = f };
    int less = a->n < b->n ? a->n : b->n;
    uint16_t *left = mem_calloc(((size_t)a->n + 1) * ((size_t)b->n + 1),
                                sizeof *left);

    if (left)
        fill(a, b, left);
    else
        out->failed = 1;
    if (left && 100 * left[0] >= SHARED * less) {
        put_merged(&w, a, b, left);
    } else {
        put_words(&w, GONE, a);
        put_words(&w, NEW, b);
    }
    if (w.n)
        str_puts(out, f->close[w.now]);
    mem_free(left);
}

static void diff(struct str *out, const struct form *f, const char *old,
                 size_t n, const char *text)
{
    struct words *w = mem_calloc(2, sizeof *w);
    size_t len = strlen(text);

    if (!w) {
        out->failed = 1;
    } else if (split(old, n, &w[0]) && split(text, len, &w[1])) {
        put_diff(out, f, &w[0], &w[1]);
    } else {
        str_puts(out, f->open[GONE]);
        f->put(out, old, n);
        str_printf(out, "%s %s", f->close[GONE], f->open[NEW]);
        f->put(out, text, len);
        str_puts(out, f->close[NEW]);
    }
    mem_free(w);
}

void diff_html(struct str *out, const char *old, size_t n, const char *text)
{
    diff(out, &forms[0], old, n, text);
}

void diff_markdown(struct str *out, const char *old, size_t n,
                   const char *text)
{
    diff(out, &forms[1], old, n, text);
}
