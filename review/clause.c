#include "review/clause.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "review/clause_impl.h"

/* --- spans ---------------------------------------------------------------- */

static void trim(struct text t, struct span *s)
{
    size_t from = text_skip(t, s->from), to = text_back(t, s->to);

    s->from = from < to ? from : to;
    s->to = to;
}

/* Does another item of its list follow i? */
static int has_next_item(struct text t, const struct clauses *c, int i)
{
    int j = i + 1;

    while (j < c->n && c->at[j].span.from < c->at[i].span.to)
        j++;
    return j < c->n && c->at[j].parent == c->at[i].parent &&
           text_skip(t, c->at[i].span.to) >= c->at[j].span.from;
}

/* The end of [from, to) before ' (the "Name")'. */
static size_t without_name(struct text t, size_t from, size_t to)
{
    size_t at = to;

    if (to <= from || t.p[to - 1] != ')')
        return to;
    while (at > from && to - at < 80 && t.p[at - 1] != '(')
        at--;
    const int quoted = at < to && (memchr(t.p + at, '"', to - at) ||
        text_is(t, at, "\xE2\x80\x9C") || text_is(t, at, "the \xE2\x80\x9C"));
    return quoted && at > from + 1 && t.p[at - 1] == '('
        ? text_back(t, at - 1) : to;
}

/* The end of the last item of a list in a sentence: without the sentence's
 * point, and without the name that is given to all of it, where the sentence
 * is not the parent's last. */
static void clip(struct text t, struct clauses *c, int i)
{
    struct clause *k = &c->at[i];
    const struct clause *up = k->parent < 0 ? NULL : &c->at[k->parent];
    size_t to = k->span.to;

    if (!up || up->kind == CLAUSE_PREAMBLE)
        return;
    if (k->span.to > up->span.to && up->span.to > k->span.from)
        k->span.to = up->span.to;
    if (k->kind != CLAUSE_ITEM || k->span.to >= up->span.to ||
        has_next_item(t, c, i))
        return;
    if (to > k->span.from && t.p[to - 1] == '.')
        to--;
    to = without_name(t, k->span.from, to);
    while (i + 1 < c->n && c->at[i + 1].span.from < k->span.to)
        i++;
    if (c->at[i].span.from < to)        /* not through an item of its own */
        k->span.to = to;
}

/* How far to look for what a heading of clause i heads: into its first child,
 * where that begins a line. */
static size_t headed_to(struct text t, const struct clauses *c, int i)
{
    const size_t to = c->at[i].own.to;
    const size_t line = text_skip_blank(t, to);

    return i + 1 < c->n && c->at[i + 1].parent == i && line < t.n &&
           is_newline(t.p[line]) && !strchr(".:;,", t.p[to - 1])
        ? c->at[i + 1].span.from + 1 : to;
}

/* own: up to the first child.  text: own without number and heading. */
static int finish(const struct document *d, struct clauses *c)
{
    const struct text t = { d->text, d->n_byte };

    for (int i = 0; i < c->n; i++) {
        struct clause *k = &c->at[i];
        struct span head;

        clip(t, c, i);
        k->own = k->span;
        if (i + 1 < c->n && c->at[i + 1].parent == i) {
            if (c->at[i + 1].span.from < k->own.to)
                k->own.to = c->at[i + 1].span.from;
            trim(t, &k->own);
        }
        k->page = document_page(d, k->span.from);
        if (k->text.from < k->own.from || k->text.from > k->own.to)
            k->text.from = k->kind == CLAUSE_NUMBERED ||
                           k->kind == CLAUSE_ITEM ? k->own.to : k->own.from;
        if (k->kind == CLAUSE_NUMBERED && !k->heading) {
            head = head_run_in(t, k->text.from, headed_to(t, c, i));
            if (head.to > head.from) {
                k->heading = mem_strndup(t.p + head.from, head.to - head.from);
                if (!k->heading)
                    return -1;
                k->text.from = head.to;
                while (k->text.from < k->own.to &&
                       strchr(".:", t.p[k->text.from]))
                    k->text.from++;
            }
        }
        k->text.to = k->own.to;
        trim(t, &k->text);
    }
    return 0;
}

/* --- full numbers --------------------------------------------------------- */

/* "2.1" needs no help; "(a)" is told apart by what it is in. */
static int find_paths(struct clauses *c)
{
    for (int i = 0; i < c->n; i++) {
        struct clause *k = &c->at[i];
        int up = k->parent;
        const char *above = NULL;

        if (!k->number)
            continue;
        while (up >= 0 && !c->at[up].path)
            up = c->at[up].parent;
        if (up >= 0 && k->number[0] == '(' && strcmp(c->at[up].path, ""))
            above = c->at[up].path;
        struct str s;
        str_init(&s);
        if (above)
            str_puts(&s, above);
        str_puts(&s, k->number);
        k->path = str_ok(&s) ? mem_strndup(s.p, s.len) : NULL;
        str_release(&s);
        if (!k->path)
            return -1;
    }
    return 0;
}

enum sor_err clauses_read(const struct document *d, struct clauses **out,
                          struct sor_msg *msg)
{
    const struct text t = { d->text, d->n_byte };
    struct clauses *c = mem_calloc(1, sizeof *c);
    struct marks marks = { 0 };
    struct starts starts = { 0 };
    enum sor_err err = SOR_OK;

    if (!c || page_find(t, c) || marks_find(t, c, &marks) ||
        starts_find(t, c, &marks, &starts))
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory for its clauses",
                       d->name);
    if (!err)
        err = clauses_grow(d, &marks, &starts, c, msg);
    mem_free(marks.at);
    mem_free(starts.at);
    if (!err && (finish(d, c) || find_paths(c)))
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory for its clauses",
                       d->name);
    if (err) {
        clauses_close(c);
        return err;
    }
    *out = c;
    return SOR_OK;
}

void clauses_close(struct clauses *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->n; i++) {
        mem_free(c->at[i].number);
        mem_free(c->at[i].path);
        mem_free(c->at[i].heading);
        mem_free(c->at[i].unit);
    }
    mem_free(c->at);
    mem_free(c->furniture);
    mem_free(c);
}

/* --- looking things up ---------------------------------------------------- */

/* The last clause that starts at or before `at`; -1: none. */
static int last_before(const struct clauses *c, size_t at)
{
    int low = 0, high = c->n;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (c->at[mid].span.from <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low - 1;
}

int clauses_holding(const struct clauses *c, struct span s)
{
    int i = last_before(c, s.from);

    while (i >= 0 && c->at[i].span.to < s.to)
        i = c->at[i].parent;
    return i;
}

static int is_within(const struct clauses *c, int i, int ancestor)
{
    while (i >= 0 && i != ancestor)
        i = c->at[i].parent;
    return i == ancestor;
}

int clauses_numbered(const struct clauses *c, const char *number, int from)
{
    /* Ever wider: in `from`, in what it is in, ... in the document (-1). */
    for (int scope = from;; scope = scope < 0 ? -2 : c->at[scope].parent) {
        int partial = -1;

        if (scope == -2)
            return -1;
        for (int i = scope < 0 ? 0 : scope; i < c->n; i++) {
            const struct clause *k = &c->at[i];

            if (scope >= 0 && !is_within(c, i, scope))
                break;
            if (k->path && strcmp(k->path, number) == 0)
                return i;
            if (partial < 0 && k->number && strcmp(k->number, number) == 0)
                partial = i;
        }
        if (partial >= 0)
            return partial;
    }
}
