/* review/claim_impl.h - claims in the making; for review/review.c, claim*.c,
 * paths.c, check*.c, conclude.c and finding.c only.
 *
 * The order of work, each stage for all claims before the next, so that what
 * they read is read together:
 *
 *     claims_begin()    which claims apply to this document
 *     claims_rank()     every claim against every passage; the best are cited
 *     paths_ask()       what each path reads
 *     paths_answer()    the paths' verdicts, and the claims' probabilities
 *     checks_ask()      the claim changed; the deciding clause struck out
 *     checks_answer()
 *     conclude()        verdicts, confidence, playbook
 *     findings_make()
 *
 * Results live in the review's arena, texts that are only read in `scratch`. */
#ifndef REVIEW_CLAIM_IMPL_H
#define REVIEW_CLAIM_IMPL_H

#include "review/ask.h"
#include "review/pack_json.h"
#include "review/review.h"

enum {
    CITED = 7,                  /* passages that are cited for a claim */
    CITED_BY_MODEL = 5,         /* the others for their words */
    CHECKED_OPPOSITES = 2, CHECKED_SWAPS = 2,
    CLAIM_VALUES = 8,           /* that a claim is held against */
    CLAIM_NAMED = 3,            /* of these, named in a note */
    PASSAGE_BYTES = 700         /* 240 tokens are read, and this is fewer */
};

/* A claim and what is cited for it, best first. */
struct inquiry {
    struct claim_result *out;
    int cited[CITED], n_cited;
    int n_read;                 /* of these, by every path; the others are too
                                 * far from being related */
    float p[CITED][RELATIONS];  /* mean of the paths that count */
    int decisive;               /* index into cited; -1: none */
    /* of a claim about a value; else none and NULL */
    const struct value *value[CLAIM_VALUES];    /* it is held against these */
    int n_value;
    enum verdict by_rule;       /* what code makes of it */
    const char *said;           /* which values the text states */
};

struct words { uint64_t *at; int n; };  /* sorted, each once */

struct judging {
    struct review *r;
    const struct review_opts *o;
    const struct calibration *cal;
    struct judge *judge;
    struct arena *arena, scratch;
    struct asks asks;
    struct passage_text *plain; /* [n_passage] with running context */
    struct words *words;        /* [n_passage] */
    struct words every;         /* of all of them, once for each */
    struct inquiry *inquiry;    /* [n] */
    int n;
    const char *stage;
    enum sor_err failed;        /* memory ran out on the way */
    struct sor_msg *msg;
};

/* --- claim.c ------------------------------------------------------------- */
enum sor_err claims_begin(struct judging *j);
/* Is it put to this document?  The user's own claims always are.  Of the
 * pack's, those of a set made for such a document; where there is none, those
 * of sets for any document. */
int claim_applies(const struct review *r, const struct review_opts *o,
                  const struct claim *c);
enum sor_err claims_rank(struct judging *j);
/* Calibrated probabilities of a reading that was asked for; zeros with
 * unrelated 1 where it was not.  NULL p: only whether it is there. */
const struct memo_entry *claim_reading(const struct judging *j,
                                       const struct passage_text *t,
                                       const char *statement, float *p);
/* Reads what is open, telling the caller's on_stage; once: see judge.h. */
enum sor_err claims_read(struct judging *j, const char *stage, int once);
/* printf into the results' arena; NULL and j->failed where memory ran out. */
char *claim_printf(struct judging *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* How often verdicts on it are wrong is known: the claim is the pack's and has
 * a figure.  Others get ranked passages and no verdict. */
int claim_is_measured(const struct inquiry *q);
void *claim_alloc(struct judging *j, int n, size_t size);
/* A copy in scratch; never NULL ("" and j->failed). */
const char *claim_text(struct judging *j, const char *s, size_t n);
/* "clause 7.2", "the clause \"Term\"" or "c12" into buf. */
const char *claim_clause_name(const struct review *r, int clause, char *buf,
                              size_t size);
/* The n-th wording of a claim that has this role and relation, trained ones
 * alone if so asked; NULL: none. */
const struct wording *claim_wording(const struct claim *c, const char *role,
                                    int nth, int trained);

/* --- claim_words.c ------------------------------------------------------- */
void claims_words(struct judging *j);           /* of all passages */
struct words claim_words(struct judging *j, const struct claim *c);
double claim_likeness(const struct judging *j, const struct words *claim,
                      int passage);

/* --- claim_value.c ------------------------------------------------------- */
/* A claim about a value becomes one about the value of its kind in a clause of
 * its type.  Of several, which exclude one another, none is singled out:
 * n_value is 0, and the claim of "a certain time".  One that states a value
 * itself is held against all of them.  1, or 0: there is no such value, or
 * j->failed.  The members are those of an inquiry. */
struct claim_about {
    struct claim *claim;
    const struct value *value[CLAIM_VALUES];
    int n_value;
    enum verdict by_rule;
    const char *said;
};
int claim_value(struct judging *j, const struct claim *c,
                struct claim_about *out);

/* --- paths.c ------------------------------------------------------------- */
/* What a path of this variant reads of a passage. */
struct passage_text path_text(struct judging *j, int passage,
                              enum path_variant v);
enum sor_err paths_ask(struct judging *j);
void paths_answer(struct judging *j);
/* The text before a place, at most `chars` code points of it; what the model
 * reads of such a context.  Both in scratch. */
const char *path_context(struct judging *j, size_t at, int chars);
const char *path_reads(struct judging *j, const char *context);

/* --- check.c ------------------------------------------------------------- */
enum sor_err checks_ask(struct judging *j);
void checks_answer(struct judging *j);
/* A check that failed and so forbids a verdict. */
int check_forbids(const struct check *c);

/* --- conclude.c ---------------------------------------------------------- */
/* Probabilities of the three verdicts from readings p[n][RELATIONS]. */
void conclude_p(const struct calibration *cal, const struct claim *c,
                float (*p)[RELATIONS], int n, double out[3]);
enum verdict conclude_forced(const double p[3]);
/* A verdict as a sentence says it: "not addressed". */
const char *finding_verdict(enum verdict v);
void conclude(struct judging *j);

/* --- finding.c ----------------------------------------------------------- */
/* Anew, from the defects and claims that there are. */
enum sor_err findings_make(struct review *r, struct sor_msg *msg);

#endif
