/* db/related.h - what hangs on one row, by its id: pieces of given tokens and
 * the edges at one node.  For screens that show one thing at a time and must
 * not read a whole run for it.
 *
 * Ownership  results are copied into the caller's arrays.
 * Errors     -1: a damaged database, or out of memory. */
#ifndef DB_RELATED_H
#define DB_RELATED_H

#include "db/db.h"

enum { DB_PIECE_BYTES = 64, DB_WORD_BYTES = 16, DB_NOTE_BYTES = 96 };

struct db_piece { char text[DB_PIECE_BYTES]; int n; };  /* n -1: not stored */

/* The pieces of n tokens; longer ones are cut at a character.  0, or -1. */
int db_pieces(struct db *d, int64_t model_id, const int32_t *token_id, int n,
              struct db_piece *out);

/* One edge as seen from a node: the other end, and which way it points. */
struct db_near {
    int64_t edge_id, other_id;
    char kind[DB_WORD_BYTES], other_kind[DB_WORD_BYTES],
         measured[DB_WORD_BYTES];
    int incoming;               /* it points at the node asked for */
    int64_t path_id;            /* of the other end; 0: it is no step */
    int path, step;             /* its ordinals; -1: it is no step */
    double weight;
    char note[DB_NOTE_BYTES];   /* what was shared or referred to; "" none */
};

/* The edges at a node (kind "step", "question" ...), heaviest first, at most
 * cap of them; returns how many. */
int db_near(struct db *d, const char *kind, int64_t id, struct db_near *out,
            int cap);

#endif
