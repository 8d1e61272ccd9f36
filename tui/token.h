/* tui/token.h - what several views show of one token. */
#ifndef TUI_TOKEN_H
#define TUI_TOKEN_H

#include "db/db.h"
#include "tui/doc.h"

struct tui;

/* The likeliest tokens there, each with a bar; the one taken is marked.
 * Returns how many; 0 where none are recorded. */
int token_alternatives(struct tui *t, int64_t model_id, struct db_blob alt,
                       int32_t taken, struct doc *d);
/* The path's words around position pos, `around` tokens either way, that one
 * reversed. */
void token_context(struct tui *t, int64_t path_id, int pos, int around,
                   struct doc *d);
/* A token's piece in quotes-free safe form, made visible, into out[cap]; "?"
 * where there is none. */
void token_piece(struct tui *t, int64_t path_id, int pos, char *out,
                 size_t cap);
/* view_ops.find() for the tokens of a path: the next whose piece holds needle
 * without regard to ASCII case. */
int64_t token_find(struct tui *t, int64_t path_id, const char *needle,
                   int64_t *from, int reverse);

#endif
