/* review/judge_text.h - the exact token strings that the adapter was trained
 * on.
 *
 *     "Clause: " context " >> " text  "\nStatement: " statement "\nRelation:"
 *     "Clause: " text                 "\nType:"
 *
 * The pieces are tokenised one by one and their ids put together; tokenising
 * the whole gives other ids.  White space is collapsed first. */
#ifndef REVIEW_JUDGE_TEXT_H
#define REVIEW_JUDGE_TEXT_H

#include "base/err.h"
#include "base/str.h"
#include "engine/tok.h"

enum {
    JUDGE_CONTEXT_CHARS = 700,  /* of the running text before a clause */
    JUDGE_CONTEXT_TOKENS = 64,  /* the last ones */
    JUDGE_TEXT_TOKENS = 240,    /* the first ones */
    JUDGE_STATEMENT_TOKENS = 256    /* likewise; trained on at most 30 */
};

/* Appends s[0..n) with runs of white space (as Unicode counts it) made one
 * space, and none at either end. */
void judge_collapse(struct str *out, const char *s, size_t n);

/* Where the pieces of a prefix stand in it; half-open. */
struct judge_place { int context[2], text[2]; };

/* Each appends to ids.  SOR_NOMEM.  place may be NULL. */
enum sor_err judge_prefix(const struct tok *t, const char *context,
                          const char *text, struct tok_ids *ids,
                          struct judge_place *place);
/* What judge_prefix() reads of a context: its last words, with one more before
 * them, whose tokens are cut off again (they depend on what stands before it).
 * Appended to out, collapsed; contexts that are read alike so become one. */
enum sor_err judge_context(const struct tok *t, const char *context,
                           struct str *out);
enum sor_err judge_statement(const struct tok *t, const char *statement,
                             struct tok_ids *ids);
enum sor_err judge_type_question(const struct tok *t, struct tok_ids *ids);

#endif
