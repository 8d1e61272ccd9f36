/* cli/eval_types.c - clause types against the annotators' labels: a label is
 * right where it is any of those given to the passage.
 *
 * FILE is cuad_clauses.jsonl(.gz); the running text before a clause comes from
 * cuad_contracts beside it. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/eval.h"

enum { CONTEXT_BYTES = 1200, BATCH = 64 };

struct item {
    char *doc, *text, *context, *label;
    char *labels;                       /* "\nA\nB\n" */
};

struct types {
    struct eval *e;
    struct item *at;
    int n, cap;
    char *doc;                          /* of the contract at hand */
    const struct pack *pack;
};

static void release(struct types *x)
{
    for (int i = 0; i < x->n; i++) {
        mem_free(x->at[i].doc);
        mem_free(x->at[i].text);
        mem_free(x->at[i].context);
        mem_free(x->at[i].label);
        mem_free(x->at[i].labels);
    }
    mem_free(x->at);
}

/* The start of each passage is kept in `context` as text until its contract
 * comes by. */
static enum sor_err item_line(void *ud, const cJSON *line)
{
    const char *doc = eval_text(line, "doc_id");
    const char *text = eval_text(line, "text");
    const char *label = eval_text(line, "label");
    struct types *x = ud;
    const cJSON *o;
    struct str labels, start;
    struct item *i;

    if (!doc || !text || !label)
        return sor_fail(&x->e->cli->msg, SOR_FORMAT, "a line has no doc_id, "
                        "text or label");
    if (x->n == x->cap) {
        int cap = x->cap ? 2 * x->cap : 256;
        struct item *more = mem_realloc(x->at, (size_t)cap, sizeof *more);

        if (!more)
            return sor_fail(&x->e->cli->msg, SOR_NOMEM, "out of memory");
        x->at = more;
        x->cap = cap;
    }
    str_init(&labels);
    str_init(&start);
    str_putc(&labels, '\n');
    cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(line, "labels"))
        if (cJSON_IsString(o))
            str_printf(&labels, "%s\n", o->valuestring);
    str_printf(&start, "%d", eval_place(line).from);
    i = &x->at[x->n++];
    *i = (struct item){ mem_strdup(doc), mem_strdup(text),
                        mem_strdup(start.p), mem_strdup(label),
                        mem_strdup(labels.p) };
    str_release(&labels);
    str_release(&start);
    return i->doc && i->text && i->context && i->label && i->labels
        ? SOR_OK : sor_fail(&x->e->cli->msg, SOR_NOMEM, "out of memory");
}

/* The text before each of the contract's passages. */
static enum sor_err contract_line(void *ud, const cJSON *line)
{
    const char *id = eval_text(line, "doc_id");
    const char *text = eval_text(line, "text");
    struct sor_msg *msg;
    struct types *x = ud;
    struct document *d = NULL;
    enum sor_err err;

    msg = &x->e->cli->msg;
    if (!id || !text)
        return SOR_OK;
    if ((err = document_from(id, text, strlen(text), &d, msg)))
        return err;
    for (int i = 0; i < x->n && !err; i++) {
        struct item *t = &x->at[i];
        int start;
        size_t at, from;

        if (strcmp(t->doc, id) != 0 || sscanf(t->context, "%d", &start) != 1 ||
            start < 0 || (size_t)start > d->n_char)
            continue;
        at = document_byte(d, (size_t)start);
        from = at > CONTEXT_BYTES ? at - CONTEXT_BYTES : 0;
        while (from < at && ((unsigned char)d->text[from] & 0xc0) == 0x80)
            from++;
        mem_free(t->context);
        if (!(t->context = mem_strndup(d->text + from, at - from)))
            err = sor_fail(msg, SOR_NOMEM, "out of memory");
    }
    document_close(d);
    return err;
}

/* How often a label occurs, over all passages. */
static int frequency(const struct types *x, const char *label)
{
    int n = 0;

    for (int i = 0; i < x->n; i++)
        n += strcmp(x->at[i].label, label) == 0;
    return n;
}

/* Among the 20 most frequent kinds, None apart. */
static int is_frequent(const struct types *x, const char *label)
{
    int mine = frequency(x, label), above = 0;

    if (strcmp(label, "None") == 0)
        return 1;
    for (int t = 0; t < x->pack->n_type; t++) {
        const char *other = x->pack->type[t].label;

        above += strcmp(other, "None") != 0 && frequency(x, other) > mine;
    }
    return above < 20;
}

static void score(struct types *x, const struct item *t, const char *said)
{
    char want[128], name[64];
    int right;

    snprintf(want, sizeof want, "\n%s\n", said);
    right = strstr(t->labels, want) != NULL || strcmp(t->label, said) == 0;
    tally_add(&x->e->tally, "types.all", (struct tally_part){ right, 1, 1 });
    if (is_frequent(x, t->label))
        tally_add(&x->e->tally, "types.frequent20",
                  (struct tally_part){ right, 1, 1 });
    snprintf(name, sizeof name, "type.%.50s", t->label);
    tally_add(&x->e->tally, name, (struct tally_part){ right, 1, 1 });
}

static enum sor_err judge_batch(struct types *x, int from, int n)
{
    int n_type = x->pack->n_type;
    struct passage_text passage[BATCH];
    float *logp = mem_calloc((size_t)n, (size_t)n_type * sizeof *logp);
    enum sor_err err;

    if (!logp)
        return sor_fail(&x->e->cli->msg, SOR_NOMEM, "out of memory");
    for (int i = 0; i < n; i++)
        passage[i] = (struct passage_text){ x->at[from + i].context,
                                            x->at[from + i].text };
    err = judge_types(x->e->judge, passage, n, NULL, logp, NULL,
                      &x->e->cli->msg);
    for (int i = 0; i < n && !err; i++) {
        const float *row = logp + (size_t)i * (size_t)n_type;
        int best = 0;

        for (int t = 1; t < n_type; t++)
            if (row[t] > row[best])
                best = t;
        score(x, &x->at[from + i], x->pack->type[best].label);
    }
    mem_free(logp);
    return err;
}

static enum sor_err judge_all(struct types *x)
{
    enum sor_err err = SOR_OK;

    for (int i = 0, n; i < x->n && !err; i += n) {
        if (cli_stopped())
            return sor_fail(&x->e->cli->msg, SOR_INTERRUPTED, "interrupted");
        for (n = 1; i + n < x->n && n < BATCH &&
             strcmp(x->at[i].doc, x->at[i + n].doc) == 0; n++)
            ;
        if (i == 0 || strcmp(x->at[i].doc, x->at[i - 1].doc) != 0) {
            if (x->e->max_doc && x->e->tally.n_doc == x->e->max_doc)
                break;
            tally_next(&x->e->tally);
        }
        err = judge_batch(x, i, n);
        x->e->n_done += n;
        progress_set(&x->e->bar, (uint64_t)x->e->n_done);
    }
    return err;
}

enum sor_err eval_types(struct eval *e, const char *path)
{
    static const char clauses[] = "cuad_clauses", other[] = "cuad_contracts";
    struct types x = { .e = e, .pack = e->pack };
    const char *name = strstr(path, clauses);
    struct str contracts;
    enum sor_err err;

    if (!name)
        return sor_fail(&e->cli->msg, SOR_USAGE, "%s: is not cuad_clauses",
                        path);
    str_init(&contracts);
    str_put(&contracts, path, (size_t)(name - path));
    str_printf(&contracts, "%s%s", other, name + strlen(clauses));
    if (!(err = eval_lines(path, 0, item_line, &x, &e->cli->msg)) &&
        !(err = eval_lines(contracts.p, 0, contract_line, &x, &e->cli->msg)))
        err = judge_all(&x);
    str_release(&contracts);
    release(&x);
    return err;
}
