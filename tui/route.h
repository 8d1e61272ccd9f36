/* tui/route.h - why a token was computed as it was: mode, who decided, the
 * score beside its two thresholds. */
#ifndef TUI_ROUTE_H
#define TUI_ROUTE_H

#include "db/db.h"
#include "tui/doc.h"

struct tui;

/* What is recorded of one token's routing, over its layers. */
struct route {
    int known;                  /* 0: nothing; 1: the mode; 2: reasons too */
    int mode;                   /* of the token; -1: none */
    int n_layer, by_mode[3], by_reason[4];      /* layers of each */
    int exit_layer, n_skipped;  /* -1: went through all */
    double score, low, high;    /* high 0: no score was held against any */
    double part[5];             /* of the score: see route_part; NaN */
};
extern const char *const route_part[5];

/* Of a row of db_tokens(). */
struct route route_of(const struct db_token *t);
/* Reads the token at at.path_id, at.pos. */
struct route route_read(struct tui *t, struct db_addr at);
/* The sentence: "sparse: complexity 0.21 lies below 0.35, so a quarter ..." */
void route_why(const struct route *r, const char *policy, char *out,
               size_t cap);
/* All of it, as facts and a gauge of the score. */
void route_say(struct tui *t, struct db_addr at, struct doc *d);

#endif
