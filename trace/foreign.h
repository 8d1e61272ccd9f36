/* trace/foreign.h - a run that another program made, as the readers of import
 * fill it in, and how it becomes rows like those of our own runs.
 *
 * Tokens   A foreign token has bytes and perhaps a log-probability, but no id
 *          that means anything here.  So the pieces that a run uses are its
 *          vocabulary: sorted by their bytes, numbered from 0, stored under a
 *          model row of the foreign model's name (arch 'foreign') that is
 *          named by the hash of just these pieces.  Every view and screen then
 *          shows text, two databases give the same rows, and the order of the
 *          pieces says nothing of the order of the text (forget relies on it).
 * Words    Several paths without tokens are cut into words, so that the place
 *          where they part can be named; the run's params say
 *          "tokens":"words", and they are not counted as tokens.
 * Identity uid is the head of the SHA-256 of all that was read, so importing
 *          a trace twice adds nothing. */
#ifndef TRACE_FOREIGN_H
#define TRACE_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "db/write.h"

struct foreign_tok {
    size_t at, n;               /* bytes of foreign_path.bytes */
    float logprob;              /* nats; NaN: not said */
    int alt_from, n_alt;        /* among foreign_path.alt, likeliest first */
};
struct foreign_alt { size_t at, n; float logprob; };

struct foreign_path {
    struct str text;            /* UTF-8 without NUL */
    struct str params;          /* JSON object */
    struct str bytes;           /* of tokens and alternatives */
    struct foreign_tok *tok;
    struct foreign_alt *alt;
    int n_tok, cap_tok, n_alt, cap_alt;
    int n_token;                /* generated, as the file says; -1: it does
                                 * not */
    const char *stop;           /* of path_end; "import" where not known */
};

struct foreign {
    struct str prompt, system, model, params;   /* params: JSON object */
    int has_system;
    double temperature, top_p;  /* 1 where not said: the usual default */
    int max_tok;                /* 0: not said */
    int64_t seed;
    int64_t started_us, ended_us;   /* 0: not said */
    struct foreign_path **path;
    int n_path, cap_path;
};

void foreign_init(struct foreign *f);
void foreign_release(struct foreign *f);

/* A new path, its params "" and text empty; NULL: out of memory. */
struct foreign_path *foreign_path(struct foreign *f);

/* Appends outside text: what is no UTF-8, and NUL, becomes U+FFFD. */
void foreign_text(struct str *out, const char *s, size_t n);

/* 0, or -1: out of memory.  A log-probability that is none (positive, not
 * finite, or the -9999 that vLLM writes where it has none) is left out. */
int foreign_tok(struct foreign_path *p, const char *bytes, size_t n,
                double logprob);
/* An alternative to the last token. */
int foreign_alt(struct foreign_path *p, const char *bytes, size_t n,
                double logprob);

/* Writes the run as one batch; the writer has none open.  *known 1: it is
 * there already.  uid: its name. */
enum sor_err foreign_put(struct db_writer *w, struct foreign *f,
                         char uid[33], int *known, struct sor_msg *msg);

#endif
