/* Any bytes as a document: what is read as text is cut into clauses and
 * passages that lie in it, parents around their children. */
#include "review/clause.h"
#include "review/document.h"
#include "tests/fuzz/fuzz.h"

static void check_clauses(const struct document *d, const struct clauses *c)
{
    for (int i = 0; i < c->n; i++) {
        const struct clause *x = &c->at[i];

        FUZZ_CHECK(x->span.from < x->span.to && x->span.to <= d->n_byte);
        FUZZ_CHECK(x->text.from <= x->text.to && x->text.to <= x->own.to);
        FUZZ_CHECK(x->parent < i);
        if (x->parent >= 0) {
            const struct clause *p = &c->at[x->parent];

            FUZZ_CHECK(p->span.from <= x->span.from &&
                       x->span.to <= p->span.to);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct document *d = NULL;
    struct clauses *c = NULL;
    struct passages *cut = NULL;
    struct sor_msg msg = { "" };

    if (document_from("fuzz", p, n, &d, &msg)) {
        FUZZ_CHECK(msg.text[0]);
        return 0;
    }
    FUZZ_CHECK(document_cp(d, d->n_byte) == d->n_char);
    FUZZ_CHECK(document_byte(d, d->n_char) == d->n_byte);
    document_fit(d);
    if (!clauses_read(d, &c, &msg)) {
        check_clauses(d, c);
        if (!passages_cut(d, c, 1000, &cut, &msg))
            for (int i = 0; i < cut->n; i++)
                FUZZ_CHECK(cut->at[i].span.to <= d->n_byte);
    }
    passages_close(cut);
    clauses_close(c);
    document_close(d);
    return 0;
}
