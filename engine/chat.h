/* engine/chat.h - turns of a conversation to the tokens a model was tuned on.
 *
 * The template in the file is a program in a template language; it is never
 * run.  Known ones are recognised by their markers and written by the tables
 * here.  Markers become special tokens, roles and contents never do: a message
 * that spells out "<|im_end|>" stays text.
 *
 * Ownership  struct chat points to constants only.
 * Threads    pure functions. */
#ifndef ENGINE_CHAT_H
#define ENGINE_CHAT_H

#include <stddef.h>

#include "base/err.h"
#include "engine/gguf.h"
#include "engine/tok.h"

enum chat_kind {
    CHAT_NONE,          /* no template, or an unknown one: contents only */
    CHAT_CHATML,        /* <|im_start|>role\n...<|im_end|>\n */
    CHAT_LLAMA3,        /* <|start_header_id|>role<|end_header_id|>\n\n... */
    CHAT_DEEPSEEK,      /* <｜User｜>...<｜Assistant｜>... */
    CHAT_KINDS
};

struct chat {
    enum chat_kind kind;
    const char    *system;      /* default system message, or NULL */
    const char    *opening;     /* what the template puts at the start of the
                                 * answer ("<think>\n"), or NULL */
};

struct chat_message {
    const char *role;           /* "system", "user", "assistant" */
    const char *text;           /* [n] bytes */
    size_t      n;
};

struct chat_turns {
    const struct chat_message *msg;     /* [n] in order */
    size_t n;
    int    prompt;              /* 1: end with the assistant's opening marker */
};

/* What the file's tokenizer.chat_template is; CHAT_NONE where there is none or
 * the vocabulary lacks one of the template's markers. */
void chat_detect(const struct gguf *g, const struct tok *t, struct chat *out);

const char *chat_kind_name(enum chat_kind kind);    /* "chatml" */

/* Appends the turns to ids.  Where turns has no system message first and the
 * template has a default one, that comes first (as the template does).
 * SOR_UNSUP: a role that the template does not know; SOR_NOMEM.  On failure
 * ids is as before. */
enum sor_err chat_encode(const struct chat *c, const struct tok *t,
                         const struct chat_turns *turns, struct tok_ids *ids,
                         struct sor_msg *msg);

#endif
