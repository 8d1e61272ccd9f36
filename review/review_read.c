/* review/review_read.c - the stage that needs no model: document, clauses,
 * graph, defects, and a finding for each defect. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "review/review.h"

/* A reader loses most by what contradicts or is missing, least by a term that
 * nobody uses. */
static const int severity[DEFECT_KINDS] = {
    [DEFECT_UNDEFINED_TERM] = 2,
    [DEFECT_UNUSED_DEFINITION] = 1,
    [DEFECT_DUPLICATE_DEFINITION] = 2,
    [DEFECT_INCONSISTENT_CAPITALISATION] = 1,
    [DEFECT_DANGLING_REFERENCE] = 3,
    [DEFECT_CIRCULAR_PRECEDENCE] = 3,
    [DEFECT_CONFLICTING_NUMBER] = 3,
    [DEFECT_CONTRADICTORY_SURVIVAL] = 3,
    [DEFECT_PLACEHOLDER] = 2,
    [DEFECT_WRONG_PARTY_NAME] = 3,
    [DEFECT_MISSING_CLAUSE] = 2,
};

/* One finding for each defect, in the order of the text. */
static enum sor_err find_by_rule(struct review *r)
{
    int n = r->defects->n;

    r->finding = mem_calloc((size_t)n + 1, sizeof *r->finding);
    if (!r->finding)
        return SOR_NOMEM;
    for (int i = 0; i < n; i++) {
        const struct defect *d = &r->defects->at[i];
        struct finding *f = &r->finding[i];

        *f = (struct finding){
            .source = d->kind == DEFECT_MISSING_CLAUSE ? "missing" : "defect",
            .index = i, .severity = severity[d->kind], .origin = "rule",
            .text = mem_strdup(d->note ? d->note : defect_kind_name(d->kind)),
            .span = d->span, .confidence = NAN, .clause = -1 };
        r->n_finding++;
        if (!f->text)
            return SOR_NOMEM;
        if (d->span.from != d->span.to)
            f->clause = clauses_holding(r->clauses, d->span);
    }
    return SOR_OK;
}

/* Passages of about this many bytes fit what the adapter reads (240 tokens). */
enum { PASSAGE_BYTES = 900 };

enum sor_err review_read(const char *path, const struct review_opts *o,
                         struct review **out, struct sor_msg *msg)
{
    struct review *r = mem_calloc(1, sizeof *r);
    enum sor_err err;

    if (!r)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    if ((err = document_open(path, &r->doc, msg)) ||
        (err = clauses_read(r->doc, &r->clauses, msg)) ||
        (err = graph_read(r->doc, r->clauses, o->pack, &r->graph, msg)) ||
        (err = defects_find(r->doc, r->clauses, r->graph, o->pack,
                            &r->defects, msg)) ||
        (err = passages_cut(r->doc, r->clauses, PASSAGE_BYTES, &r->passages,
                            msg)))
        goto fail;
    if (find_by_rule(r)) {
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
        goto fail;
    }
    *out = r;
    return SOR_OK;
fail:
    review_close(r);
    return err;
}
