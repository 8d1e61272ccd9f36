/* trace/segment.h - cuts generated text into steps; pure functions of text.
 *
 * The same text gives the same steps, for one SEGMENT_VERSION, on every
 * machine.  Think-blocks, list items, lines and sentences cut; abbreviations,
 * decimals, initials and clause numbers ("Sec. 4.2(a)") do not. */
#ifndef TRACE_SEGMENT_H
#define TRACE_SEGMENT_H

#include <stddef.h>

#include "base/err.h"

enum { SEGMENT_VERSION = 2 };

enum step_role {
    STEP_STATE,         /* states a fact or the problem */
    STEP_PLAN,          /* says what will be done */
    STEP_COMPUTE,       /* calculates */
    STEP_INFER,         /* draws a consequence */
    STEP_CHECK,         /* checks or doubts */
    STEP_BACKTRACK,     /* takes something back */
    STEP_CONCLUDE,      /* gives the answer */
    STEP_ROLES
};
const char *step_role_name(enum step_role role);

struct segment {
    size_t from, to;            /* bytes, half-open, no surrounding space */
    enum step_role role;
    int in_think;               /* inside <think>...</think> */
    int list_no;                /* number of a numbered item; -1 none */
};

/* out: array of the caller's to free with mem_free(); n_out >= 0. */
enum sor_err segment_text(const char *text, size_t n, struct segment **out,
                          int *n_out, struct sor_msg *msg);

/* What a step states as an answer, if it does. */
enum answer_kind { ANSWER_NUMBER, ANSWER_YESNO, ANSWER_OPTION, ANSWER_TEXT };
const char *answer_kind_name(enum answer_kind kind);
struct answer {
    enum answer_kind kind;
    size_t from, to;            /* bytes of the text: as stated */
    char norm[256];             /* as counted: "42", "yes", "B", lower text */
};
/* 1 found, 0 not.  last: this is the path's last step, where a bare value or
 * sentence counts as the answer even without a cue word. */
int answer_find(const char *text, size_t n, int last, struct answer *out);
/* A path's text, cut into steps.  question: not NUL-terminated; may be NULL. */
struct answer_path {
    const char *text;
    const struct segment *seg;
    int n_seg;
    int is_cut;                 /* it was stopped before it had ended */
    const char *question;
    size_t n_question;
};
/* The answer of a whole path: of its last step that states one by a cue word
 * or mark, where a last step that is nothing but a value or names one option
 * counts too; steps outside a think-block before those inside; failing that,
 * the number that the last step names, the yes or no that the first begins
 * with, or the whole text where that is one statement of few words: "The
 * capital of France is Paris." to a question after that capital is "paris".
 * A path that was cut has an answer only by a cue word or mark.
 * *step: index into seg; out->from/to: bytes of text.  1 found, 0: the path
 * states no answer. */
int answer_final(const struct answer_path *path, int *step,
                 struct answer *out);
/* Normalises one stated answer; the same rules for gold answers in tests. */
void answer_normalise(const char *s, size_t n, struct answer *out);

#endif
