/* review/pack.h - a domain pack: everything a review knows that is not code.
 *
 * A pack is a folder (domains/legal) of JSON files that pack.json lists:
 * patterns (PCRE2) by purpose, clause types, claims with their wordings,
 * opposites, swaps and values, calibration and decision thresholds, playbook,
 * measured error rates, and the adapter that it was measured with.  The format
 * is docs/domains.md with a JSON Schema beside it; a pack is checked whole on
 * opening and a wrong one is refused with file, place and value.
 *
 * A pack carries no code, and no path in it leaves its folder.
 *
 * Ownership  pack_open()/pack_close(); everything in it dies with it. */
#ifndef REVIEW_PACK_H
#define REVIEW_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One pattern: compiled once, used by the rules.  `purpose` names the list it
 * stands in ("condition", "exception", "define", "modal.obligation", ...);
 * what the groups of each purpose mean is in docs/domains.md. */
struct pattern {
    const char *id;         /* "condition.in_the_event" */
    const char *purpose;
    const char *regex;
    const char *flags;      /* "i" caseless, "m" ^ and $ at lines, "s" . takes
                             * a line end, "x" extended */
    const char *note;       /* for people; NULL */
    void *code;             /* pcre2_code *, JIT where it can */
};

/* Where a pattern matched: group k is text[from[k]..to[k]); an unset group has
 * from > to. */
enum { PATTERN_GROUPS = 8 };
struct match { size_t from[PATTERN_GROUPS], to[PATTERN_GROUPS]; };

enum relation { RELATION_UNRELATED, RELATION_SUPPORTS, RELATION_CONTRADICTS,
                RELATIONS };

/* What somebody might say about a clause. */
struct wording {
    const char *text;       /* values: "{}" stands for the value */
    enum relation to;       /* what a clause that supports the claim is to
                             * this wording: supports (paraphrase),
                             * contradicts (opposite), unrelated (swap) */
    const char *role;       /* "statement" "paraphrase" "opposite" "swap" */
    int trained;            /* 0: the adapter never saw it */
    int one_way;            /* an opposite: says nothing about a clause that
                             * contradicts the claim */
    int named_roles;        /* a swap: only where the document names two
                             * different roles, not in a mutual agreement */
};

struct measured {           /* on documents never trained on; n 0: unmeasured */
    int n;                  /* verdicts given */
    int wrong;
    double low, high;       /* 95 % interval of the error rate */
    const char *set;        /* which documents */
};

/* What a reviewer wants to see of a claim. */
enum stance { STANCE_STANDARD, STANCE_FALLBACK, STANCE_UNACCEPTABLE,
              STANCES };
struct position {
    const char *party;      /* "" any; else a role: "receiving", "customer" */
    enum stance on[3];      /* by verdict: supported, contradicted,
                             * not_addressed */
    const char *text;       /* the position, in words */
    const char *suggest;    /* clause text to propose; NULL: none */
};

/* How often documents of the claim's set say anything about it, and how often
 * what they say supports it: log odds, from documents other than those that the
 * figures are of.  0: as often as not. */
struct claim_prior { double related, supports; };

struct claim {
    const char *id;         /* "nda-4" */
    const char *set;        /* id of its claim_set: "nda" */
    const char *title;      /* "Use limited to the purpose" */
    const char *kind;       /* "statement", or a value: "law" "period" "date"
                             * "amount" "percent" "party" */
    const char *type;       /* the clause type it is about; NULL: any */
    const struct wording *wording;      /* [0] is the statement */
    int n_wording;
    struct claim_prior prior;
    struct measured error, error_contradicted;
    const struct position *position;
    int n_position;
    const char *custom;     /* non-NULL: from --claims; not measured */
    const char *stated;     /* of a value: the one that the user's claim states;
                             * NULL: the one that the document states */
};

struct clause_type {
    const char *label;      /* as trained; "None" is one of them */
    const char *title;
    struct measured error;
};

/* Claims that belong together, and the documents they are meant for. */
struct claim_set {
    const char *id, *title;
    const char *document;   /* pattern purpose that must match the title or
                             * the preamble; NULL: any document */
};

/* Log odds of one question about a claim: evidence * x + prior * the claim's
 * own + bias, x being the log odds that the readings give. */
struct log_odds { double evidence, prior, bias; };

/* Judgement: how raw relation logits become probabilities and verdicts. */
struct calibration {
    double temperature, bias_unrelated; /* logits / T, then + bias */
    double give, opposite;              /* p(r) >= give, opposite's >= .. */
    double give_strict, opposite_strict;/* for wordings never trained */
    double unrelated;                   /* p(unrelated) >= .. on both sides */
    double not_addressed;               /* below: the document is silent */
    double type_temperature;
    struct log_odds related;            /* does the document say anything */
    struct log_odds supports;           /* and if so, in favour */
    double answer, answer_strict;       /* a verdict's least probability */
    double path_correlation;            /* of the errors of two paths */
    const double *knot_x, *knot_y;      /* confidence: isotonic map of the
                                         * verdict's score to probability */
    int n_knot;
};

struct required {           /* a clause customary in a kind of document */
    const char *id;         /* "governing_law" */
    const char *title;
    const char *document;   /* pattern purpose that must match the title or
                             * the preamble; NULL: any document */
    const char *found;      /* pattern purpose: a clause that matches any of
                             * these has it */
    const char *type;       /* the clause type that shows it; NULL */
};

/* One entry of a domain's own lists, which code looks up by group: an
 * attribute and its codes, a reason for an adverse decision, a cue. */
struct fact {
    const char *group;      /* "attribute", "protected", "reason", ... */
    const char *id;         /* unique within its group */
    const char *title;
    const char *of;         /* id of the fact it belongs to; NULL: none */
    const char *text;       /* a sentence for a reader; NULL: none */
    double weight;          /* in a score; 0: none */
    double low, high;       /* of a number, low <= x < high; both 0: none */
};

/* The routing that texts of the domain are to have (engine/route.h). */
struct pack_route {
    const char *mode;       /* "auto", "sparse", "hybrid", "full"; NULL: none is
                             * asked for */
    double low, high;       /* thresholds of auto; 0: as calibrated */
    int budget;             /* blocks picked; 0: as calibrated */
};

struct pack {
    const char *id, *title, *version, *licence, *attribution;
    const char *dir;
    const char *adapter;    /* file in the folder; NULL: none */
    const char *adapter_sha256, *model_sha256;  /* measured with; NULL */
    const char *adapter_name, *model_name;      /* for people; NULL */
    const struct pattern *pattern;      int n_pattern;
    const struct clause_type *type;     int n_type;
    const struct claim_set *set;        int n_set;
    const struct claim *claim;          int n_claim;    /* by set */
    const struct fact *fact;            int n_fact;     /* by group */
    const struct required *required;    int n_required;
    struct calibration calibration;
    struct pack_route route;
    const char *note;       /* "preliminary findings, for a lawyer's ..." */
};

/* dir_or_id: a folder (it has a "/"), or the id of a pack ("legal"), looked
 * for in the folders of pack_places().  SOR_NOTFOUND: no such pack, and where
 * it was looked for; SOR_IO, SOR_LIMIT, SOR_FORMAT: a wrong pack, with file,
 * place in the JSON, value and limit. */
enum sor_err pack_open(const char *dir_or_id, struct pack **out,
                       struct sor_msg *msg);
void pack_close(struct pack *p);                /* accepts NULL */

/* The folders that packs are looked for in, in order, to fn with ud: those of
 * $SORITES_DOMAINS (separated by ":"), the user's data folder, "domains"
 * beside the program, and where `make install` puts them.  Stops where fn
 * returns non-zero, and returns that. */
int pack_places(int (*fn)(void *ud, const char *folder), void *ud);

/* Is the adapter there, and the one that the pack was measured with?  *path:
 * its place, which dies with the pack; NULL where the pack has none.  SOR_IO;
 * SOR_DIFFERS: another file. */
enum sor_err pack_adapter(struct pack *p, const char **path,
                          struct sor_msg *msg);

/* The patterns of one purpose, in file order: the first of them, *n of them.
 * n 0 where the pack has none. */
const struct pattern *pack_patterns(const struct pack *p, const char *purpose,
                                    int *n);

/* The facts of one group, in file order; *n of them. */
const struct fact *pack_facts(const struct pack *p, const char *group, int *n);

/* Does any pattern of this purpose match within text[0..n)?  m may be NULL;
 * else the leftmost match of the first pattern that has one. */
int pack_matches(const struct pack *p, const char *purpose, const char *text,
                 size_t n, struct match *m);

/* --claims FILE: [{"id","text"}..].  Each becomes a claim of one wording with
 * `custom` set, unless its text is one of the pack's wordings, which then
 * stands for it with all its checks; of a claim about a value, such a wording
 * with a value in its place. */
enum sor_err pack_claims_file(struct pack *p, const char *path,
                              const struct claim **out, int *n,
                              struct sor_msg *msg);

/* Match pattern at or after `from` in text[0..n): 1 and the group spans, or
 * 0; -1: PCRE2's limits (a hostile text), taken as no match by the rules and
 * counted. */
int pattern_next(const struct pattern *p, const char *text, size_t n,
                 size_t from, struct match *m);

#endif
