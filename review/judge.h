/* review/judge.h - what the model, with the pack's adapter, makes of a clause.
 *
 * A reading is one question put to the model about one passage: which type it
 * has, or how it stands to a statement.  Its input is the exact token string
 * that the adapter was trained on (domains/legal/README.md), its output the
 * logits of the few tokens that are possible answers.  Nothing is sampled and
 * nothing generated, so a reading is a function of its input.
 *
 * Readings over one passage share its prefix: the KV of "Clause: context >>
 * text" is computed once and forked, statements that begin alike share their
 * beginning too (a trie), and many passages go through one engine_step.
 *
 * Ownership  judge_open() borrows the engine and the pack.
 * Threads    one thread at a time (the engine's). */
#ifndef REVIEW_JUDGE_H
#define REVIEW_JUDGE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "review/pack.h"

struct engine;
struct judge;

/* SOR_DIFFERS: the adapter is not the one that the pack was measured with. */
enum sor_err judge_open(struct engine *e, struct pack *p,
                        struct judge **out, struct sor_msg *msg);
void judge_close(struct judge *j);              /* accepts NULL */

struct passage_text {
    const char *context;    /* running text before it; "" none */
    const char *text;       /* white space collapsed by the judge */
};

/* Both kinds of reading tell how far they are, in tokens; non-zero cancels
 * (SOR_INTERRUPTED).  NULL: nobody is told. */
struct judge_watch {
    int (*on_progress)(void *ud, int64_t tok_done, int64_t tok_total);
    void *ud;
};

struct reading;

/* What was read before, so that it is not read again.  recall: 1 where the
 * answer is known, with r's logit, digest and n_tok (of types: logp[n_type])
 * filled; note: a new one.  The texts are as in the job. */
struct judge_memory {
    int (*recall)(void *ud, const struct passage_text *p,
                  const char *statement, struct reading *r);
    void (*note)(void *ud, const struct passage_text *p,
                 const char *statement, const struct reading *r);
    int (*recall_types)(void *ud, const struct passage_text *p, float *logp,
                        int n_type);
    void (*note_types)(void *ud, const struct passage_text *p,
                       const float *logp, int n_type);
    void *ud;
};
/* *m is copied; NULL: remember nothing, as at first. */
void judge_remember(struct judge *j, const struct judge_memory *m);

struct reading {            /* of one statement over one passage */
    int passage, statement; /* the caller's indices */
    float logit[RELATIONS]; /* raw, in the order of enum relation */
    float p[RELATIONS];     /* calibrated */
    uint64_t digest;        /* XXH3-64 of all logits at the answer */
    int n_prefix, n_tok;    /* tokens shared with others; all of them */
};

struct judge_job {
    const struct passage_text *passage;     int n_passage;
    const char *const *statement;           int n_statement;
    /* [n_passage * n_statement] 1: read this pair; NULL: all. */
    const uint8_t *want;
    int once;                   /* nothing is asked of these passages again:
                                 * what is computed of them is not kept */
    /* called once for each pair, in no particular order */
    void (*on_reading)(void *ud, const struct reading *r);
    void *ud;
    const struct judge_watch *watch;
};
enum sor_err judge_pairs(struct judge *j, const struct judge_job *job,
                         struct sor_msg *msg);

/* logp[n_passage][n_type]: log-probability of each label; p (may be NULL):
 * calibrated, normalised over the labels.  A label whose first tokens are
 * e^7 times less likely than the best ones is not read to its end: its logp is
 * that of those tokens, which is no less than its own. */
enum sor_err judge_types(struct judge *j, const struct passage_text *passage,
                         int n_passage, const struct judge_watch *watch,
                         float *logp, float *p, struct sor_msg *msg);

/* Raw logits as the pack's calibrated probabilities, p[RELATIONS]:
 * softmax(logit / T + bias of "unrelated"). */
void judge_calibrate(const struct calibration *c, const float *logit, float *p);

/* Appends what is read of a context (judge_text.h).  SOR_NOMEM. */
enum sor_err judge_reads(const struct judge *j, const char *context,
                         struct str *out);

/* The token ids of a reading, for the trace: up to cap into tok; returns how
 * many there are (at most JUDGE_TOKENS), or -1: out of memory.  statement NULL:
 * of a question for the type.  spans: where context, text and statement stand
 * in it, half-open; answer: the position whose logits answer. */
enum { JUDGE_TOKENS = 640 };
struct reading_spans { int context[2], text[2], statement[2], answer; };
int judge_tokens(const struct judge *j, const struct passage_text *passage,
                 const char *statement, int32_t *tok, int cap,
                 struct reading_spans *spans);
/* The engine's instruction set; how many clause types the pack has. */
const char *judge_isa(const struct judge *j);
int judge_n_type(const struct judge *j);
/* The token that stands for an answer: " supports". */
int32_t judge_answer(const struct judge *j, enum relation r);

#endif
