/* review/clause_page.c - what is in a text and not of it. */
#include "review/clause_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

/* --- stepping over it ----------------------------------------------------- */

/* The first piece of furniture that ends after `at`; n_furniture: none. */
static int piece_after(const struct clauses *c, size_t at)
{
    int low = 0, high = c->n_furniture;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (c->furniture[mid].span.to > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

size_t page_skip(struct text t, const struct clauses *c, size_t at)
{
    int i = piece_after(c, at);

    for (;;) {
        at = text_skip(t, at);
        if (i >= c->n_furniture || c->furniture[i].span.from > at)
            return at;
        at = c->furniture[i++].span.to;
    }
}

size_t page_back(struct text t, const struct clauses *c, size_t at)
{
    for (;;) {
        at = text_back(t, at);
        if (at == 0)
            return 0;
        const int i = piece_after(c, at - 1);
        if (i >= c->n_furniture || c->furniture[i].span.from >= at)
            return at;
        at = c->furniture[i].span.from;
    }
}

size_t page_contents(struct text t, const struct clauses *c, size_t from,
                     size_t to)
{
    for (int i = piece_after(c, from);
         i < c->n_furniture && c->furniture[i].span.from < to; i++)
        if (c->furniture[i].kind == FURNITURE_TOC &&
            c->furniture[i].span.from > from)
            return page_back(t, c, c->furniture[i].span.from);
    return to;
}

/* --- lines ---------------------------------------------------------------- */

/* A line with something on it. */
struct row {
    size_t from, to;        /* without white space at the ends */
    uint64_t like;          /* hash of it with every number the same */
    int often;              /* how many rows are like this */
    int furniture;
    size_t body, foot;      /* what is between a running head and foot in the
                             * row itself */
};
struct rows {
    struct row *at;
    int n, cap;
    int newlines;           /* so many between two rows end a page */
};

enum { ROW_BYTES = 400, LIKE_BYTES = 160, ROWS_MAX = 1 << 20 };

static uint64_t likeness(struct text t, size_t from, size_t to)
{
    char flat[LIKE_BYTES];
    size_t n = 0;

    for (size_t at = from; at < to && n < sizeof flat; at++) {
        const char c = is_digit(t.p[at]) ? '0' : t.p[at];

        if (is_space(c) || (c == '0' && n && flat[n - 1] == '0'))
            continue;
        flat[n++] = c;
    }
    return hash_xxh3(flat, n, 0);
}

static int add_row(struct rows *r, struct text t, size_t from, size_t to)
{
    if (r->n == r->cap) {
        const int cap = r->cap ? 2 * r->cap : 256;
        struct row *at = mem_realloc(r->at, (size_t)cap, sizeof *at);

        if (!at)
            return -1;
        r->at = at;
        r->cap = cap;
    }
    r->at[r->n++] = (struct row){
        .from = from, .to = to, .body = from, .foot = to,
        .like = to - from < ROW_BYTES ? likeness(t, from, to) : 0,
    };
    return 0;
}

static int by_likeness(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Sets row.often; 0, or -1 without memory. */
static int count_alike(struct rows *r)
{
    uint64_t *like = mem_calloc((size_t)r->n + 1, sizeof *like);

    if (!like)
        return -1;
    for (int i = 0; i < r->n; i++)
        like[i] = r->at[i].like;
    qsort(like, (size_t)r->n, sizeof *like, by_likeness);
    for (int i = 0; i < r->n; i++) {
        int low = 0, high = r->n;

        while (low < high) {            /* the first that is like it */
            const int mid = low + (high - low) / 2;

            if (like[mid] < r->at[i].like)
                low = mid + 1;
            else
                high = mid;
        }
        while (low < r->n && like[low] == r->at[i].like &&
               r->at[i].often < 4) {
            low++;
            r->at[i].often++;
        }
    }
    mem_free(like);
    return 0;
}

/* --- running heads and feet ----------------------------------------------- */

/* Newlines between row i and the next. */
static int newlines_after(struct text t, const struct rows *r, int i)
{
    int n = 0;

    for (size_t at = r->at[i].to; at < r->at[i + 1].from; at++)
        n += t.p[at] == '\n';
    return n;
}

/* How many newlines end a page: three, unless they stand between most of the
 * paragraphs and these are too short for pages; then more. */
static int page_newlines(struct text t, const struct rows *r)
{
    enum { FEWEST = 3, MOST = 8, PAGE_BYTES = 1000 };
    int paragraphs = 0, with[MOST + 1] = { 0 }, n = FEWEST;

    for (int i = 0; i + 1 < r->n; i++) {
        const int between = newlines_after(t, r, i);

        paragraphs += between > 1;
        with[between < MOST ? between : MOST]++;
    }
    for (int i = MOST - 1; i >= FEWEST; i--)    /* so many, or more */
        with[i] += with[i + 1];
    while (n < MOST && with[n] * 2 > paragraphs &&
           t.n / (size_t)(with[n] + 1) < PAGE_BYTES)
        n++;
    return n;
}

/* Does a page end between row i and the next? */
static int page_ends(struct text t, const struct rows *r, int i)
{
    const size_t from = r->at[i].to, n = r->at[i + 1].from - from;

    return memchr(t.p + from, '\f', n) ||
           newlines_after(t, r, i) >= r->newlines;
}

/* The length of "7", "- 7 -", "Page 7 of 12", "iv" at `at`; *value: the
 * number.  0: none, or something follows. */
size_t page_number(struct text t, size_t at, size_t to, int *value)
{
    static const char *const page[] = { "page", "pg", NULL };
    static const char *const of[] = { "of", NULL };
    const size_t from = at;
    int digits = 0;

    *value = 0;
    while (at < to && (is_space(t.p[at]) || strchr("-[(", t.p[at])))
        at++;
    at = text_skip(t, at + text_word(t, at, page));
    while (at < to && is_digit(t.p[at]) && digits++ < 3)
        *value = *value * 10 + (t.p[at++] - '0');
    if (!digits || digits > 3)
        return 0;
    size_t end = text_skip(t, at), more = end;
    if (more < to && (t.p[more] == '|' || text_is(t, more, "\xE2\x94\x82"))) {
        more = text_skip(t, more + (t.p[more] == '|' ? 1 : 3));
        more += text_word(t, more, page);       /* "2 | Page" */
        return more >= to ? to - from : 0;
    }
    if (more < to && (t.p[more] == '/' || text_word(t, more, of))) {
        more = text_skip(t, more + (t.p[more] == '/' ? 1 : 2));
        while (more < to && is_digit(t.p[more]))
            end = ++more;
    }
    while (end < to && (is_space(t.p[end]) || strchr("-])", t.p[end])))
        end++;
    return end >= to ? to - from : 0;
}

/* May a row that repeats be a running head?  Form fields and numbered lines
 * repeat too; a number and a wide gap before the head is the page's. */
static int may_run(struct text t, const struct row *r)
{
    size_t at = r->from, gap = at;

    while (is_digit(t.p[at]) || (at > r->from && t.p[at] == ' ')) {
        if (is_digit(t.p[at]))
            gap = at + 1;
        at++;
    }
    if (at > r->from && at - gap < 3)
        return 0;
    return r->to - r->from < ROW_BYTES && t.p[r->to - 1] != ':' &&
           t.p[r->to - 1] != '_' && t.p[r->from] != '(' &&
           t.p[r->from] != '/' &&
           !text_is(t, r->from, "By:") && !text_is(t, r->from, "Name") &&
           !text_is(t, r->from, "Title") && !text_is(t, r->from, "Date");
}

/* Rows that are a page's number, wherever they stand: three or more, each one
 * more than the one before. */
static void mark_numbers(struct text t, struct rows *r)
{
    int length = 0, last = 0, value;

    for (int pass = 0; pass < 2 && (!pass || length >= 3); pass++, last = 0)
        for (int i = 0; i < r->n; i++) {
            struct row *a = &r->at[i];

            if (!page_number(t, a->from, a->to, &value))
                continue;
            if (!is_digit(t.p[a->from])) {      /* "- 2 -", "Page 2" */
                a->furniture = 1;
            } else if (value > last && value <= last + (last ? 1 : 3)) {
                last = value;
                length++;
                a->furniture |= pass;
            }
        }
}

/* At the edge of a page, counting from its end inwards: what repeats, and
 * numbers that count up. */
static void mark_running(struct text t, struct rows *r)
{
    mark_numbers(t, r);
    for (int i = 0; i < r->n; i++) {    /* a legend, wherever it stands */
        struct row *a = &r->at[i];

        if (a->often > 3 && may_run(t, a)) {
            const struct words w = head_words(t, a->from, a->to);
            a->furniture |= w.n > 4 && w.shouted == w.n;
        }
    }
    for (int pass = 0; pass < 2; pass++) {
        const int step = pass ? -1 : 1;
        int at_edge = 1, page = 0;

        for (int i = pass ? r->n - 1 : 0; i >= 0 && i < r->n; i += step) {
            struct row *a = &r->at[i];
            const int j = i - step;

            if (j >= 0 && j < r->n)
                at_edge = (at_edge && r->at[j].furniture) ||
                    page_ends(t, r, pass ? i : j);
            if (a->furniture || !(at_edge || (j >= 0 && j < r->n &&
                                              r->at[j].furniture)))
                continue;
            if (page_number(t, a->from, a->to, &page) ||
                (a->often >= 3 && may_run(t, a)))
                a->furniture = 1;
        }
    }
}

/* Reads a row from either end, one character at a time. */
struct scan { struct text t; size_t at, end; int step; };

static char scan_next(struct scan *s)
{
    if (s->at == s->end)
        return '\0';
    s->at += (size_t)s->step;           /* -1 wraps, and adds up */
    return s->t.p[s->step > 0 ? s->at - 1 : s->at];
}

static char scan_peek(const struct scan *s)
{
    struct scan copy = *s;

    return scan_next(&copy);
}

/* Where pages are rows, heads and feet are in the rows: what row a begins with
 * as row b does, or ends with, from the end, if `step` is -1.  Numbers are all
 * the same.  Returns the place in a where they part, between words. */
static size_t common(struct text t, const struct row *a, const struct row *b,
                     int step)
{
    struct scan x = { t, step > 0 ? a->from : a->to,
                      step > 0 ? a->to : a->from, step };
    struct scan y = { t, step > 0 ? b->from : b->to,
                      step > 0 ? b->to : b->from, step };
    size_t part = x.at;

    for (char c = scan_next(&x), d = scan_next(&y);
         c && (c == d || (is_digit(c) && is_digit(d)));
         c = scan_next(&x), d = scan_next(&y)) {
        while (is_digit(c) && is_digit(scan_peek(&x)))
            scan_next(&x);
        while (is_digit(d) && is_digit(scan_peek(&y)))
            scan_next(&y);
        if (is_space(scan_peek(&x)))
            part = x.at;
    }
    while (step > 0 && part > a->from) {    /* "2.2" is the body's */
        size_t word = part;

        while (word > a->from && !is_space(t.p[word - 1]))
            word--;
        if (!is_digit(t.p[word]))
            break;
        part = text_back(t, word);
    }
    return part;
}

/* Rows that are pages, and how they begin or end. */
struct edge { uint64_t like; int row; };

static int by_edge(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;

    return x->like != y->like ? (x->like < y->like ? -1 : 1)
                              : (x->row > y->row) - (x->row < y->row);
}

/* Long enough to be no accident, or in capitals. */
static int is_edge(struct text t, size_t from, size_t to)
{
    enum { LONG = 24 };

    if (to - from >= LONG)
        return 1;
    for (size_t at = from; at < to; at++)
        if (is_lower(t.p[at]))
            return 0;
    return to - from >= LONG / 2;
}

static void cut_alike(struct text t, struct rows *r, const struct edge *e,
                      int n, int step)
{
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && e[end].like == e[i].like; end++)
            ;
        for (int k = i; end - i >= 3 && k < end; k++) {
            struct row *a = &r->at[e[k].row];
            const struct row *b = &r->at[e[k > i ? k - 1 : k + 1].row];
            const size_t part = common(t, a, b, step);

            if (step > 0 && is_edge(t, a->from, part))
                a->body = part;
            else if (step < 0 && is_edge(t, part, a->to))
                a->foot = part;
        }
    }
}

/* "3.1 Recipient may ...": provisions may well begin alike. */
static int is_provision(struct text t, const struct row *r)
{
    struct mark m;

    return mark_at(t, r->from, &m) && is_section(&m) &&
           m.unit == UNIT_NONE && m.delim == DELIM_POINT;
}

/* Sets row.body and row.foot; 0, or -1 without memory. */
static int find_edges(struct text t, struct rows *r)
{
    enum { EDGE = 12 };
    struct edge *e = mem_calloc((size_t)r->n + 1, sizeof *e);

    if (!e)
        return -1;
    for (int step = 1; step >= -1; step -= 2) {
        int n = 0;

        for (int i = 0; i < r->n; i++) {
            const struct row *a = &r->at[i];
            const int j = i - step;

            if (a->furniture || a->to - a->from < 8 * EDGE ||
                (step > 0 && is_provision(t, a)) ||
                (j >= 0 && j < r->n && !r->at[j].furniture &&
                 !page_ends(t, r, step > 0 ? j : i)))
                continue;
            e[n].row = i;
            e[n++].like = step > 0
                ? likeness(t, a->from, a->from + EDGE)
                : likeness(t, a->to - EDGE, a->to);
        }
        qsort(e, (size_t)n, sizeof *e, by_edge);
        cut_alike(t, r, e, n, step);
    }
    mem_free(e);
    return 0;
}

/* --- finding it all ------------------------------------------------------- */

static int put(struct clauses *c, int *cap, enum furniture_kind kind,
               struct span s)
{
    if (s.to <= s.from || (c->n_furniture &&
                           c->furniture[c->n_furniture - 1].span.to > s.from))
        return 0;
    if (c->n_furniture == *cap) {
        const int more = *cap ? 2 * *cap : 16;
        struct furniture *f = mem_realloc(c->furniture, (size_t)more,
                                          sizeof *f);

        if (!f)
            return -1;
        c->furniture = f;
        *cap = more;
    }
    c->furniture[c->n_furniture++] = (struct furniture){ kind, s };
    return 0;
}

/* Where a number ends row i as the last thing on its page: "... parties. 5";
 * the row's end elsewhere. */
static size_t end_without_number(struct text t, const struct rows *r, int i,
                                 int *page)
{
    const struct row *a = &r->at[i];
    size_t at = a->to, word, cut = a->to;
    int value, found = 0;

    if (i + 1 < r->n && !r->at[i + 1].furniture &&
        !page_ends(t, r, i))
        return a->to;
    for (int words = 0; words < 4; words++) {   /* "Page 2 of 5" has four */
        word = at;
        while (word > a->from && !is_space(t.p[word - 1]))
            word--;
        if (word <= a->from)
            break;
        if (page_number(t, word, a->to, &value) && value > *page &&
            value <= *page + 3) {
            found = value;
            cut = text_back(t, word);
        }
        at = text_back(t, word);
    }
    if (found)
        *page = found;
    return cut;
}

/* "[Remainder of page intentionally left blank]", "[Signature page follows]":
 * the length of such a note at `at`, or 0. */
static size_t note_length(struct text t, size_t at)
{
    static const char *const words[] = { "remainder", "signature",
        "signatures", "intentionally", "blank", "continued", NULL };
    size_t end = at + 1;
    int found = 0;

    if (t.p[at] != '[' && t.p[at] != '(')
        return 0;
    for (; end < t.n && end - at < 120 && !strchr("])", t.p[end]); end++)
        if (!is_letter(t.p[end - 1]) && text_word(t, end, words))
            found++;
    return found && end < t.n && strchr("])", t.p[end]) &&
           (found > 1 || is_upper(t.p[at + 1])) ? end + 1 - at : 0;
}

static int collect(struct text t, const struct rows *r, struct clauses *c)
{
    enum { CAPTIONS_MAX = 8 };
    int cap = 0, page = 0, captions = 0, err = 0;

    for (int i = 0; i < r->n && !err; i++) {
        const struct row *a = &r->at[i];
        size_t end;

        if (err)
            break;
        if (!a->furniture && a->body > a->from)
            err = put(c, &cap, FURNITURE_HEADER,
                      (struct span){ a->from, text_back(t, a->body) });
        for (size_t at = a->body; at < a->to && !err; at++) {
            if (a->furniture)
                break;
            const size_t note = note_length(t, at);
            const struct span s = note ? (struct span){ at, at + note }
                : (t.p[at] == 'T' || (t.p[at] == 'C' && at == a->from)) &&
                  captions < CAPTIONS_MAX
                ? contents_find(t, at, &captions) : (struct span){ 0, 0 };
            if (s.to > s.from) {
                err = put(c, &cap, note ? FURNITURE_FOOTER : FURNITURE_TOC, s);
                at = s.to - 1;
            }
        }
        if (a->furniture) {
            err = put(c, &cap, i && r->at[i - 1].furniture ? FURNITURE_HEADER
                      : FURNITURE_FOOTER, (struct span){ a->from, a->to });
            continue;
        }
        end = a->foot < a->to ? text_back(t, a->foot)
                              : end_without_number(t, r, i, &page);
        if (end < a->to) {
            err = put(c, &cap, FURNITURE_FOOTER,
                      (struct span){ text_skip(t, end), a->to });
        }
    }
    return err;
}

int page_find(struct text t, struct clauses *c)
{
    struct rows r = { 0 };
    size_t end;
    int err = 0;

    for (size_t at = text_skip(t, 0); at < t.n && !err && r.n < ROWS_MAX;
         at = text_skip(t, end)) {
        end = text_line_end(t, at, t.n);
        err = add_row(&r, t, at, text_back(t, end));
    }
    if (!err)
        err = count_alike(&r);
    if (!err) {
        r.newlines = page_newlines(t, &r);
        mark_running(t, &r);
        err = find_edges(t, &r) || collect(t, &r, c) ? -1 : 0;
    }
    mem_free(r.at);
    return err;
}
