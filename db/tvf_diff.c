/* db/tvf_diff.c - path_diff(a, b): two paths token beside token, as few
 * insertions and deletions apart as there can be.
 *
 * Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations",
 * Algorithmica 1 (1986), the greedy algorithm of section 3 with its furthest
 * points kept for the way back. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "db/tvf.h"

enum {
    EDITS_MAX = 4096,           /* furthest points kept: 34 MB at this many */
    WORK_MAX = 1 << 28          /* tokens compared: some tenths of a second */
};

struct side {
    int32_t *token;             /* [n] */
    double *logprob;            /* [n], NaN: none */
    int32_t *pos;               /* [n] */
    int n, cap;
};

struct diff {
    struct tvf_cursor c;
    struct side a, b;
    sqlite3_int64 model;
    int *match;                 /* [a.n] index in b, or -1 */
    int i, j;                   /* the next of each side */
    int at_a, at_b;             /* the row: index, or -1 */
};

/* --- the alignment ------------------------------------------------------- */

/* A part of both sides, and the furthest x on each diagonal k = x - y after d
 * edits: far[row(d) + (k + d) / 2], k = -d, -d + 2 .. d. */
struct part { const int32_t *a, *b; int n, m; int *far; };

static size_t row(int d)
{
    return (size_t)d * (size_t)(d + 1) / 2;
}

static int *furthest(const struct part *p, int d, int k)
{
    return &p->far[row(d) + (size_t)(k + d) / 2];
}

/* 1 where diagonal k is best entered from k + 1, by a token of b alone. */
static int enters_down(const struct part *p, int d, int k)
{
    return k == -d || (k != d && *furthest(p, d - 1, k - 1) <
                                 *furthest(p, d - 1, k + 1));
}

/* The least number of edits, or -1 where it is beyond what is allowed; -2: no
 * memory. */
static int count_edits(struct part *p)
{
    long work = 0;
    size_t cap = 0;

    for (int d = 0; d <= EDITS_MAX && work < WORK_MAX; d++) {
        if (row(d + 1) > cap) {
            cap = 2 * row(d + 1) + 64;
            int *more = sqlite3_realloc64(p->far, cap * sizeof *more);
            if (!more)
                return -2;
            p->far = more;
        }
        for (int k = -d; k <= d; k += 2, work++) {
            int x = d == 0 ? 0
                    : enters_down(p, d, k) ? *furthest(p, d - 1, k + 1)
                                           : *furthest(p, d - 1, k - 1) + 1;
            int from = x;

            while (x < p->n && x - k < p->m && p->a[x] == p->b[x - k])
                x++;
            work += x - from;
            *furthest(p, d, k) = x;
            if (x >= p->n && x - k >= p->m)
                return d;
        }
    }
    return -1;
}

/* From the end back: every diagonal move is a match. */
static void walk_back(const struct part *p, int d, int *match, int offset)
{
    int x = p->n, y = p->m;

    for (; d >= 0; d--) {
        int k = x - y, down = d && enters_down(p, d, k);
        int px = d == 0 ? 0 : *furthest(p, d - 1, down ? k + 1 : k - 1);
        int start = d && !down ? px + 1 : px;

        for (; x > start; x--, y--)
            match[x - 1] = y - 1 + offset;
        if (d) {
            x = px;
            y = px - (down ? k + 1 : k - 1);
        }
    }
}

/* Fills match[].  What is too far apart stays unmatched but for its common
 * beginning and end: still a way from a to b, only not the shortest. */
static int align(struct diff *f)
{
    int n = f->a.n, m = f->b.n, head = 0, tail = 0;

    f->match = sqlite3_realloc64(f->match, ((size_t)n + 1) * sizeof *f->match);
    if (!f->match)
        return SQLITE_NOMEM;
    while (head < n && head < m && f->a.token[head] == f->b.token[head])
        head++;
    while (tail < n - head && tail < m - head &&
           f->a.token[n - 1 - tail] == f->b.token[m - 1 - tail])
        tail++;
    for (int i = 0; i < n; i++)
        f->match[i] = i < head ? i : i >= n - tail ? i + m - n : -1;

    if (n - head - tail == 0 || m - head - tail == 0)
        return SQLITE_OK;               /* nothing left to align */

    struct part p = { f->a.token + head, f->b.token + head, n - head - tail,
                      m - head - tail, NULL };
    int d = count_edits(&p);
    if (d >= 0)
        walk_back(&p, d, f->match + head, head);
    sqlite3_free(p.far);
    return d == -2 ? SQLITE_NOMEM : SQLITE_OK;
}

/* --- the two sides ------------------------------------------------------- */

static int grow(struct side *s)
{
    int cap = s->cap ? 2 * s->cap : 256;
    size_t n = (size_t)cap;
    int32_t *token = sqlite3_realloc64(s->token, n * sizeof *token);
    if (token)
        s->token = token;
    int32_t *pos = sqlite3_realloc64(s->pos, n * sizeof *pos);
    if (pos)
        s->pos = pos;
    double *logprob = sqlite3_realloc64(s->logprob, n * sizeof *logprob);
    if (logprob)
        s->logprob = logprob;
    if (!token || !pos || !logprob)
        return SQLITE_NOMEM;
    s->cap = cap;
    return SQLITE_OK;
}

/* Reads one path; *model: its run's, 0 where it has none. */
static int load(struct tvf_cursor *c, int arg, struct side *s,
                sqlite3_int64 *model)
{
    sqlite3_int64 id;
    int rc = tvf_path(c, arg, &id);

    s->n = 0;
    if (rc || (rc = tvf_prepare(c, 0,
            "SELECT t.token_id, t.pos, t.logprob, r.model_id FROM path_span s "
            "CROSS JOIN token t ON t.path_id = s.source_id AND "
            "t.pos >= s.pos_from AND t.pos < s.pos_to "
            "JOIN path p ON p.id = s.path_id JOIN run r ON r.id = p.run_id "
            "WHERE s.path_id = ?1 ORDER BY s.pos_from, t.pos")))
        return rc;
    sqlite3_stmt *st = c->st[0];
    sqlite3_bind_int64(st, 1, id);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (s->n == s->cap && grow(s) != SQLITE_OK)
            return SQLITE_NOMEM;
        s->token[s->n] = sqlite3_column_int(st, 0);
        s->pos[s->n] = sqlite3_column_int(st, 1);
        s->logprob[s->n++] = sqlite3_column_type(st, 2) == SQLITE_NULL
                                 ? (double)NAN : sqlite3_column_double(st, 2);
        *model = sqlite3_column_int64(st, 3);
    }
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? SQLITE_OK : tvf_error(c, rc);
}

/* --- the function -------------------------------------------------------- */

static int filter(struct tvf_cursor *c)
{
    struct diff *f = (struct diff *)c;
    sqlite3_int64 other;
    int rc;

    f->i = f->j = 0;
    f->model = 0;
    if ((rc = load(c, 0, &f->a, &f->model)))
        return rc;
    other = f->model;
    if ((rc = load(c, 1, &f->b, &other)))
        return rc;
    if (f->a.n && other != f->model)
        return tvf_fail(c, "path_diff: the paths are of two models, whose "
                        "tokens cannot be compared");
    f->model = other;
    if ((rc = align(f)))
        return rc;
    return tvf_prepare(c, 1, "SELECT text FROM piece WHERE model_id = ?1 AND "
                             "token_id = ?2");
}

/* A stretch that differs comes as a's tokens, then b's. */
static int next(struct tvf_cursor *c)
{
    struct diff *f = (struct diff *)c;
    int in_a = f->i < f->a.n, to = in_a ? f->match[f->i] : -1;

    if (!in_a && f->j >= f->b.n)
        return SQLITE_DONE;
    f->at_a = in_a && (to < 0 || to == f->j) ? f->i++ : -1;
    f->at_b = f->at_a < 0 || to >= 0 ? f->j++ : -1;
    return SQLITE_ROW;
}

static void result_piece(struct diff *f, sqlite3_context *to, int token)
{
    sqlite3_stmt *st = f->c.st[1];

    sqlite3_reset(st);
    sqlite3_bind_int64(st, 1, f->model);
    sqlite3_bind_int(st, 2, token);
    if (sqlite3_step(st) == SQLITE_ROW)
        sqlite3_result_value(to, sqlite3_column_value(st, 0));
}

static void result_pos(sqlite3_context *to, const struct side *s, int at)
{
    if (at >= 0)
        sqlite3_result_int(to, s->pos[at]);
}

static void result_logprob(sqlite3_context *to, const struct side *s, int at)
{
    if (at >= 0)
        sqlite3_result_double(to, s->logprob[at]);      /* NaN is NULL */
}

static void column(struct tvf_cursor *c, sqlite3_context *to, int i)
{
    struct diff *f = (struct diff *)c;
    int token = f->at_a >= 0 ? f->a.token[f->at_a] : f->b.token[f->at_b];
    const char *op = f->at_b < 0 ? "-" : f->at_a < 0 ? "+" : "=";

    switch (i) {
    case 0: sqlite3_result_text(to, op, 1, SQLITE_STATIC); break;
    case 1: result_pos(to, &f->a, f->at_a); break;
    case 2: result_pos(to, &f->b, f->at_b); break;
    case 3: sqlite3_result_int(to, token); break;
    case 4: result_piece(f, to, token); break;
    case 5: result_logprob(to, &f->a, f->at_a); break;
    case 6: result_logprob(to, &f->b, f->at_b); break;
    default: break;
    }
}

static void free_side(struct side *s)
{
    sqlite3_free(s->token);
    sqlite3_free(s->pos);
    sqlite3_free(s->logprob);
}

static void release(struct tvf_cursor *c)
{
    struct diff *f = (struct diff *)c;

    free_side(&f->a);
    free_side(&f->b);
    sqlite3_free(f->match);
}

const struct tvf tvf_path_diff = {
    .name = "path_diff", .args = "a, b",
    .columns = "op, pos_a, pos_b, token_id, text, logprob_a, logprob_b",
    .n_column = 7, .n_arg = 2, .n_need = 2, .n_row = 1000,
    .cursor_bytes = sizeof(struct diff),
    .filter = filter, .next = next, .column = column, .release = release
};
