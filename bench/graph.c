/* bench/graph.c - the logic graph of annotated documents, for scoring.
 *
 *     graph PACK FILE.jsonl [--given] > found.jsonl
 *     graph PACK FILE.jsonl --time N
 *
 * FILE has an object a line with `id` and `text`; --given takes the line's own
 * `clauses` in place of those that the clause reader finds, so that rules and
 * reader can be measured apart.  Scored by bench/graph_score.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "review/graph.h"

enum { LINE_BYTES = 16 << 20 };

static const char *text_of(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static size_t place(const struct document *d, const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    size_t cp = cJSON_IsNumber(v) && v->valuedouble > 0
                    ? (size_t)v->valuedouble : 0;

    return document_byte(d, cp < d->n_char ? cp : d->n_char);
}

/* "c12" -> 11; -1: none. */
static int clause_index(const char *id)
{
    return id && id[0] == 'c' ? atoi(id + 1) - 1 : -1;
}

/* The number and heading are not read: the text starts after them. */
static void skip_to_text(const struct document *d, struct clause *c,
                         const char *heading)
{
    const char *t = d->text;
    const char *from = c->number ? strstr(t + c->span.from, c->number) : NULL;

    if (from && from < t + c->span.to)
        c->text.from = (size_t)(from - t) + strlen(c->number);
    from = heading ? strstr(t + c->text.from, heading) : NULL;
    if (from && from < t + c->span.to)
        c->text.from = (size_t)(from - t) + strlen(heading);
    while (c->text.from < c->span.to && strchr(".) \t\r\n:\"",
                                               t[c->text.from]) &&
           t[c->text.from] != '(')
        c->text.from++;
    if (t[c->text.from - 1] == '"')
        c->text.from--;
}

static struct clauses *given(const struct document *d, const cJSON *list)
{
    struct clauses *c = mem_calloc(1, sizeof *c);
    const cJSON *o;

    if (!c)
        abort();
    c->n = cJSON_GetArraySize(list);
    c->at = mem_calloc((size_t)c->n + 1, sizeof *c->at);
    if (!c->at)
        abort();
    c->n = 0;
    cJSON_ArrayForEach(o, list) {
        struct clause *k = &c->at[c->n++];
        const char *number = text_of(o, "number");
        const char *heading = text_of(o, "heading");

        k->parent = clause_index(text_of(o, "parent"));
        k->depth = k->parent < 0 ? 0 : c->at[k->parent].depth + 1;
        k->number = number ? mem_strdup(number) : NULL;
        k->heading = heading ? mem_strdup(heading) : NULL;
        k->kind = number ? CLAUSE_NUMBERED : CLAUSE_PARAGRAPH;
        k->span = (struct span) { place(d, o, "start"), place(d, o, "end") };
        k->own = k->text = k->span;
        skip_to_text(d, k, heading);
    }
    return c;
}

static void put_span(struct json *j, const struct document *d, struct span s)
{
    json_key(j, "start");
    json_int(j, (int64_t)document_cp(d, s.from));
    json_key(j, "end");
    json_int(j, (int64_t)document_cp(d, s.to));
}

static void put_text(struct json *j, const char *key, const char *value)
{
    json_key(j, key);
    json_str(j, value);
}

static void put_clauses(struct json *j, const struct document *d,
                        const struct clauses *c)
{
    char name[32];

    json_key(j, "clauses");
    json_arr(j);
    for (int i = 0; i < c->n; i++) {
        snprintf(name, sizeof name, "c%d", i + 1);
        json_obj(j);
        put_text(j, "id", name);
        put_text(j, "number", c->at[i].number);
        put_text(j, "heading", c->at[i].heading);
        put_span(j, d, c->at[i].span);
        json_end_obj(j);
    }
    json_end_arr(j);
}

static void put_edges(struct json *j, const struct document *d,
                      const struct graph *g)
{
    char name[512];

    json_key(j, "edges");
    json_arr(j);
    for (int i = 0; i < g->n_edge; i++) {
        const struct edge *e = &g->edge[i];

        json_obj(j);
        put_text(j, "kind", edge_kind_name(e->kind));
        put_text(j, "src", node_name(g, &e->src, name, sizeof name));
        put_text(j, "dst", node_name(g, &e->dst, name, sizeof name));
        put_text(j, "rule", e->rule);
        put_span(j, d, e->span);
        json_end_obj(j);
    }
    json_end_arr(j);
}

static void put_norms(struct json *j, const struct document *d,
                      const struct graph *g)
{
    char name[32];

    json_key(j, "norms");
    json_arr(j);
    for (int i = 0; i < g->n_norm; i++) {
        const struct norm *n = &g->norm[i];

        snprintf(name, sizeof name, "c%d", n->clause + 1);
        json_obj(j);
        put_text(j, "clause", name);
        put_text(j, "kind", norm_kind_name(n->kind));
        put_text(j, "bearer", n->bearer);
        put_text(j, "modal", n->modal);
        put_span(j, d, n->span);
        json_end_obj(j);
    }
    json_end_arr(j);
    json_key(j, "values");
    json_arr(j);
    for (int i = 0; i < g->n_value; i++) {
        json_obj(j);
        put_text(j, "kind", value_kind_name(g->value[i].kind));
        put_text(j, "norm", g->value[i].norm);
        put_span(j, d, g->value[i].span);
        json_end_obj(j);
    }
    json_end_arr(j);
}

static void print(const char *id, const struct document *d,
                  const struct clauses *c, const struct graph *g)
{
    struct str out;
    struct json j;

    str_init(&out);
    json_init(&j, &out);
    json_obj(&j);
    put_text(&j, "id", id);
    put_clauses(&j, d, c);
    put_edges(&j, d, g);
    put_norms(&j, d, g);
    json_end_obj(&j);
    puts(out.p);
    str_release(&out);
}

static enum sor_err one(const struct pack *p, const cJSON *o, int use_given,
                        int times)
{
    const char *id = text_of(o, "id"), *text = text_of(o, "text");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "clauses");
    struct document *d = NULL;
    struct clauses *c = NULL;
    struct graph *g = NULL;
    struct sor_msg msg = { "" };
    enum sor_err err;
    uint64_t start;

    if (!text)
        return SOR_OK;
    err = document_from(id ? id : "-", text, strlen(text), &d, &msg);
    start = clock_mono_ns();
    if (!err && use_given)
        c = given(d, list);
    else if (!err)
        err = clauses_read(d, &c, &msg);
    for (int i = 0; !err && i < (times ? times : 1); i++) {
        graph_close(g);
        g = NULL;
        err = graph_read(d, c, p, &g, &msg);
    }
    if (err || !g)
        fprintf(stderr, "%s\n", msg.text);
    else if (times)
        printf("%-40.40s %7zu bytes %5d clauses %6d edges %8.2f ms\n",
               id ? id : "-", d->n_byte, c->n, g->n_edge,
               (double)(clock_mono_ns() - start) / 1e6 / times);
    else
        print(id ? id : "-", d, c, g);
    graph_close(g);
    clauses_close(c);
    document_close(d);
    return err;
}

int main(int argc, char **argv)
{
    int use_given = argc > 3 && strcmp(argv[3], "--given") == 0;
    int times = argc > 4 && strcmp(argv[3], "--time") == 0 ? atoi(argv[4]) : 0;
    char *line = mem_alloc(LINE_BYTES);
    struct sor_msg msg = { "" };
    struct pack *p = NULL;
    FILE *f = argc > 2 ? fopen(argv[2], "r") : NULL;
    int bad = 0;

    if (!line || !f || pack_open(argv[1], &p, &msg)) {
        fprintf(stderr, "graph PACK FILE.jsonl [--given | --time N]: %s\n",
                msg.text);
        return 2;
    }
    while (fgets(line, LINE_BYTES, f)) {
        cJSON *o = NULL;

        if (json_parse(line, strlen(line), argv[2], &o, &msg))
            fprintf(stderr, "%s\n", msg.text);
        else
            bad |= one(p, o, use_given, times) != SOR_OK;
        cJSON_Delete(o);
    }
    fclose(f);
    pack_close(p);
    mem_free(line);
    return bad;
}
