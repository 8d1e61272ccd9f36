#include "db/portable.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct { const char *column; enum table t; } refs[] = {
    { "run_id", TABLE_RUN },      { "path_id", TABLE_PATH },
    { "parent_id", TABLE_PATH },  { "source_id", TABLE_PATH },
    { "path_a", TABLE_PATH },     { "path_b", TABLE_PATH },
    { "step_id", TABLE_STEP },    { "model_id", TABLE_MODEL },
    { "probe_id", TABLE_PROBE },  { "text_id", TABLE_TEXT },
    { "norm_id", TABLE_TEXT },    { "note_id", TABLE_TEXT },
    { "prompt_id", TABLE_TEXT },  { "system_id", TABLE_TEXT },
    { "name_id", TABLE_TEXT },    { "heading_id", TABLE_TEXT },
    { "role_id", TABLE_TEXT },    { "bearer_id", TABLE_TEXT },
    { "modal_id", TABLE_TEXT },   { "title_id", TABLE_TEXT },
    { "context_id", TABLE_TEXT }, { "statement_id", TABLE_TEXT },
    { "flip_id", TABLE_TEXT },    { "position_id", TABLE_TEXT },
    { "suggest_id", TABLE_TEXT }, { "input_id", TABLE_TEXT },
    { "reason_id", TABLE_TEXT },  { "clause_id", TABLE_CLAUSE },
    { "passage_id", TABLE_PASSAGE }, { "claim_id", TABLE_CLAIM },
    { "reading_id", TABLE_READING }, { "defect_id", TABLE_DEFECT },
    { "finding_id", TABLE_FINDING }, { "audit_id", TABLE_AUDIT },
};
/* The ends of an edge. */
static const struct { const char *kind; enum table t; } ends[] = {
    { "question", TABLE_RUN }, { "run", TABLE_RUN }, { "path", TABLE_PATH },
    { "step", TABLE_STEP }, { "answer", TABLE_ANSWER },
    { "clause", TABLE_CLAUSE }, { "term", TABLE_TERM },
    { "document", TABLE_DOCUMENT }, { "claim", TABLE_CLAIM },
    { "external", TABLE_TEXT }, { "external_term", TABLE_TEXT },
    { "dangling", TABLE_TEXT },
};
static const enum table named[] = {
    TABLE_RUN, TABLE_PATH, TABLE_STEP, TABLE_ANSWER, TABLE_PROBE,
    TABLE_DOCUMENT, TABLE_CLAUSE, TABLE_PASSAGE, TABLE_TERM, TABLE_CLAIM,
    TABLE_READING, TABLE_DEFECT, TABLE_FINDING, TABLE_AUDIT,
};
static const char *const tokens[] = { "token_id", "token_a", "token_b",
                                      "top_id" };

void portable_init(struct portable *p, enum table t)
{
    char *s = p->text;

    snprintf(p->text, sizeof p->text, "%s", tables[t].columns);
    p->n = 0;
    while (s) {
        char *comma = strchr(s, ',');

        if (comma)
            *comma = '\0';
        assert(p->n < DUMP_COLUMNS);
        p->column[p->n++] = s;
        s = comma ? comma + 1 + strspn(comma + 1, " ") : NULL;
    }
    assert(p->n == tables[t].n_column);
}

int portable_find(const struct portable *p, const char *column)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->column[i], column) == 0)
            return i;
    return -1;
}

int portable_is_named(enum table t)
{
    for (size_t k = 0; k < sizeof named / sizeof named[0]; k++)
        if (named[k] == t)
            return 1;
    return 0;
}

int portable_by_kind(const struct portable *p, int i)
{
    return strcmp(p->column[i], "src_id") == 0 ||
           strcmp(p->column[i], "dst_id") == 0;
}

int portable_ref(const struct portable *p, int i, const char *kind)
{
    if (portable_by_kind(p, i)) {
        for (size_t k = 0; kind && k < sizeof ends / sizeof ends[0]; k++)
            if (strcmp(ends[k].kind, kind) == 0)
                return (int)ends[k].t;
        return PORTABLE_UNKNOWN;
    }
    for (size_t k = 0; k < sizeof refs / sizeof refs[0]; k++)
        if (strcmp(refs[k].column, p->column[i]) == 0)
            return (int)refs[k].t;
    return TABLES;
}

int portable_is_token(const struct portable *p, int i)
{
    for (size_t k = 0; k < sizeof tokens / sizeof tokens[0]; k++)
        if (strcmp(tokens[k], p->column[i]) == 0)
            return 1;
    return 0;
}
