/* engine/tok_pre.h - cutting text into the pieces that BPE merges within.
 *
 * A pre-tokenizer is a list of regexes.  Each cuts the pieces that the one
 * before left into its matches and the gaps between them.
 *
 * Threads  read-only after tok_pre_open(). */
#ifndef ENGINE_TOK_PRE_H
#define ENGINE_TOK_PRE_H

#include <stddef.h>

#include "base/err.h"
#include "engine/gguf.h"

struct tok_pre;

/* The pre-tokenizer that files call `name`.  SOR_UNSUP: unknown; msg lists the
 * known ones.  `path` is for messages. */
enum sor_err tok_pre_open(const char *path, struct gguf_str name,
                          struct tok_pre **out, struct sor_msg *msg);
void tok_pre_close(struct tok_pre *p);          /* accepts NULL */

const char *tok_pre_name_of(const struct tok_pre *p);
int tok_pre_whole(const struct tok_pre *p);     /* a piece that is a token as a
                                                 * whole is not merged */
int tok_pre_bos(const struct tok_pre *p);       /* BOS unless the file says */

/* Gets each piece, in order; n >= 1.  Anything but SOR_OK ends the split. */
typedef enum sor_err tok_pre_fn(void *ud, const char *piece, size_t n);

/* Splits text[0..n); the pieces joined are the text.  Bytes that are not
 * UTF-8 come as pieces of their own.  SOR_NOMEM, SOR_LIMIT (the regex engine
 * gave up), or what fn returned. */
enum sor_err tok_pre_split(const struct tok_pre *p, const char *text, size_t n,
                           tok_pre_fn *fn, void *ud);

#endif
