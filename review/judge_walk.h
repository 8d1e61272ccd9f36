/* review/judge_walk.h - many token strings over many prefixes, each prefix and
 * each common beginning computed once.
 *
 * The strings of a root ("Clause: .. >> ..") are sorted, so that those which
 * begin alike are neighbours.  A line is a timeline that stands for such a
 * range; it runs to where the range parts and is then forked once for each
 * part.  Lines wait on a stack (the newest first, which keeps few of them
 * alive) and are fed together, WALK_ROWS tokens at a time, so that a step is as
 * quick as reading a long prompt.
 *
 * What to do where a line has run is the caller's `arrived`. */
#ifndef REVIEW_JUDGE_WALK_H
#define REVIEW_JUDGE_WALK_H

#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"
#include "engine/lora.h"
#include "review/judge_keep.h"

enum {
    WALK_ROWS = 512,            /* tokens fed in one step: two full passes */
    WALK_LOGITS = 64            /* rows of logits held at a time */
};

struct walk_seq { const int32_t *tok; int n; };

struct walk_root {
    const int32_t *prefix;
    int n_prefix;               /* >= 1 */
    int n_keep;                 /* of these, worth keeping for later walks */
    const int *seq;             /* [n_seq] into walk.seq, in sorted order */
    int n_seq;                  /* >= 1 */
};

struct walk_line {
    struct session *session;
    int keep;                   /* a root's first: n_keep, until kept */
    int root, lo, hi;           /* its range of the root's strings */
    int start, at, end;         /* tokens: shared with others; in; to go to */
    int n_logits;               /* of the last tokens before `end` */
    double logp;                /* the caller's */
};

struct walk {
    struct engine *engine;
    const struct lora *lora;    /* NULL: none */
    struct keep *keep;
    int once;                   /* nothing is put there, only taken */
    const struct walk_seq *seq;
    const struct walk_root *root;
    int n_root;
    /* Where a root's first line goes. */
    void (*first)(const struct walk *w, struct walk_line *l);
    /* The line is at its end; logits[n_logits][n_vocab].  It may be split. */
    enum sor_err (*arrived)(struct walk *w, struct walk_line *l,
                            const float *logits);
    /* After each step; non-zero stops with SOR_INTERRUPTED.  May be NULL. */
    int (*stepped)(void *ud, int64_t tok_done);
    void *ud;                   /* of both */
    struct sor_msg *msg;

    /* walk_run()'s own */
    int next_root, n_line, cap_line;
    int64_t n_tok;
    struct walk_line *line;
    float *logits;
};

/* Runs all roots to their ends. */
enum sor_err walk_run(struct walk *w);

/* Sends strings lo..hi-1 of a line that has arrived on to token `end`.  The
 * line itself goes with the last part: pass it as `last`. */
enum sor_err walk_split(struct walk *w, struct walk_line *l,
                        const struct walk_line *part, int last);

/* Tokens that strings lo..hi-1 of a root have in common, prefix not counted. */
int walk_common(const struct walk *w, int root, int lo, int hi);
const struct walk_seq *walk_seq_at(const struct walk *w, int root, int i);

/* Sorts indices of strings by their tokens, a shorter one first. */
void walk_sort(const struct walk_seq *seq, int *index, int n);

#endif
