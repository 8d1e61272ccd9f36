#include "cli/eval.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { DRAWS = 2000, BLOCK = 1 << 16 };

/* --- ratios -------------------------------------------------------------- */

void tally_release(struct tally *t)
{
    for (int i = 0; i < t->n; i++)
        mem_free(t->at[i].doc);
    mem_free(t->at);
    *t = (struct tally){ NULL, 0, 0, 0, 0 };
}

void tally_next(struct tally *t)
{
    t->n_doc++;
}

static struct tally_measure *measure_of(struct tally *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->at[i].name, name) == 0)
            return &t->at[i];
    if (t->n == t->cap) {
        int cap = t->cap ? 2 * t->cap : 16;
        struct tally_measure *more = mem_realloc(t->at, (size_t)cap,
                                                 sizeof *more);

        if (!more)
            return NULL;
        t->at = more;
        t->cap = cap;
    }
    t->at[t->n] = (struct tally_measure){ .doc = NULL };
    snprintf(t->at[t->n].name, sizeof t->at[t->n].name, "%s", name);
    return &t->at[t->n++];
}

void tally_add(struct tally *t, const char *measure, struct tally_part part)
{
    struct tally_measure *m = measure_of(t, measure);

    if (m && m->cap < t->n_doc) {
        int cap = 2 * t->n_doc;
        struct tally_part *more = mem_realloc(m->doc, (size_t)cap,
                                              sizeof *more);

        if (more) {
            memset(more + m->cap, 0, (size_t)(cap - m->cap) * sizeof *more);
            m->doc = more;
            m->cap = cap;
        }
    }
    if (!m || m->cap < t->n_doc) {
        t->failed = 1;
        return;
    }
    m->doc[t->n_doc - 1].num += part.num;
    m->doc[t->n_doc - 1].den += part.den;
    m->doc[t->n_doc - 1].n += part.n;
}

void tally_add_f1(struct tally *t, const char *measure, int hit, int found,
                  int expected)
{
    tally_add(t, measure, (struct tally_part){ 2.0 * hit,
                                               (double)found + expected,
                                               expected });
}

static struct tally_part part_at(const struct tally_measure *m, int doc)
{
    return doc < m->cap ? m->doc[doc] : (struct tally_part){ 0, 0, 0 };
}

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;     /* splitmix64 */

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct tally_value tally_value(const struct tally *t, int i)
{
    const struct tally_measure *m = &t->at[i];
    struct tally_value v = { NAN, NAN, NAN, 0 };
    struct tally_part all = { 0, 0, 0 };
    double drawn[DRAWS];
    uint64_t state = 1;
    int n = 0, n_with = 0;

    for (int d = 0; d < t->n_doc; d++) {
        struct tally_part p = part_at(m, d);

        all.num += p.num;
        all.den += p.den;
        all.n += p.n;
        n_with += p.den > 0;
    }
    v.n = (int64_t)all.n;
    if (all.den <= 0)
        return v;
    v.value = all.num / all.den;
    for (int k = 0; k < DRAWS && n_with > 1; k++) {
        double num = 0, den = 0;

        for (int d = 0; d < t->n_doc; d++) {
            struct tally_part p = part_at(m, (int)(draw(&state) %
                                                   (uint64_t)t->n_doc));
            num += p.num;
            den += p.den;
        }
        if (den > 0)
            drawn[n++] = num / den;
    }
    if (n) {
        qsort(drawn, (size_t)n, sizeof *drawn, by_value);
        v.low = drawn[(int)(0.025 * n)];
        v.high = drawn[(int)(0.975 * (n - 1))];
    }
    return v;
}

/* --- files --------------------------------------------------------------- */

struct lines {
    const char *path;
    int n, max;
    enum sor_err (*each)(void *ud, const cJSON *line);
    void *ud;
    struct sor_msg *msg;
    struct str rest;                    /* the line so far */
};

static enum sor_err take_line(struct lines *l)
{
    char where[128];
    cJSON *tree = NULL;
    enum sor_err err = SOR_OK;

    l->n++;
    snprintf(where, sizeof where, "%.100s:%d", l->path, l->n);
    if (l->rest.len)
        err = json_parse(l->rest.p, l->rest.len, where, &tree, l->msg);
    if (!err && tree)
        err = l->each(l->ud, tree);
    cJSON_Delete(tree);
    str_clear(&l->rest);
    return err;
}

static enum sor_err take_block(struct lines *l, const char *p, size_t n)
{
    enum sor_err err = SOR_OK;

    while (n && !err && (!l->max || l->n < l->max)) {
        const char *end = memchr(p, '\n', n);
        size_t line = end ? (size_t)(end - p) : n;

        str_put(&l->rest, p, line);
        if (!str_ok(&l->rest))
            return sor_fail(l->msg, SOR_NOMEM, "%s: out of memory", l->path);
        if (end)
            err = take_line(l);
        n -= line + (end != NULL);
        p += line + (end != NULL);
    }
    return err;
}

enum sor_err eval_lines(const char *path, int max,
                        enum sor_err (*each)(void *ud, const cJSON *line),
                        void *ud, struct sor_msg *msg)
{
    struct lines l = { path, 0, max, each, ud, msg, { NULL, 0, 0, 0 } };
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    enum sor_err err = SOR_OK;
    char block[BLOCK];
    la_ssize_t n = 0;

    str_init(&l.rest);
    if (!a)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    archive_read_support_filter_gzip(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    if (archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK ||
        archive_read_next_header(a, &entry) != ARCHIVE_OK)
        err = sor_fail(msg, SOR_IO, "%s: %s", path, archive_error_string(a));
    while (!err && (n = archive_read_data(a, block, sizeof block)) > 0)
        err = take_block(&l, block, (size_t)n);
    if (!err && n < 0)
        err = sor_fail(msg, SOR_IO, "%s: %s", path, archive_error_string(a));
    if (!err && l.rest.len && (!max || l.n < max))
        err = take_line(&l);
    archive_read_free(a);
    str_release(&l.rest);
    return err;
}

const char *eval_text(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    return cJSON_IsString(v) ? v->valuestring : NULL;
}

struct eval_place eval_place(const cJSON *o)
{
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(o, "start");
    const cJSON *to = cJSON_GetObjectItemCaseSensitive(o, "end");

    if (!cJSON_IsNumber(from) || !cJSON_IsNumber(to))
        return (struct eval_place){ -1, -1 };
    return (struct eval_place){ from->valueint, to->valueint };
}

double eval_iou(struct eval_place a, struct eval_place b)
{
    int inter = (a.to < b.to ? a.to : b.to) -
                (a.from > b.from ? a.from : b.from);
    int all = (a.to > b.to ? a.to : b.to) - (a.from < b.from ? a.from
                                                             : b.from);

    return inter > 0 && all > 0 ? (double)inter / all : 0.0;
}

/* --- documents ----------------------------------------------------------- */

enum sor_err eval_read(const char *text, const struct review_opts *o,
                       struct review **out, struct sor_msg *msg)
{
    char path[] = "/tmp/sorites-eval-XXXXXX";
    size_t n = strlen(text);
    int fd = mkstemp(path);
    enum sor_err err;

    if (fd < 0)
        return sor_fail(msg, SOR_IO, "%s: cannot be made", path);
    if (write(fd, text, n) != (ssize_t)n)
        err = sor_fail(msg, SOR_IO, "%s: cannot be written", path);
    else
        err = review_read(path, o, out, msg);
    close(fd);
    unlink(path);
    return err;
}
