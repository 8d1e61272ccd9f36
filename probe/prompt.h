/* probe/prompt.h - from what a person typed to the tokens that go in, and from
 * the tokens that come out to text: once for recording, replay and forks, so
 * that all of them see the same. */
#ifndef PROBE_PROMPT_H
#define PROBE_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/chat.h"
#include "engine/tok.h"

struct engine;

struct prompt {
    const char *text;           /* [n] */
    size_t      n;
    const char *system;         /* NULL: the template's default, if any */
    int         raw;            /* 1: no template, control tokens parsed */
};

/* Appends the prompt's tokens to ids; *kind: the template used.
 * SOR_USAGE: no tokens come of it. */
enum sor_err prompt_encode(const struct engine *e, const struct prompt *p,
                           struct tok_ids *ids, enum chat_kind *kind,
                           struct sor_msg *msg);

/* 1 where a token gives no text: the markers of a template.  Those of a
 * think-block give theirs, since they say where reasoning begins and ends. */
int prompt_is_silent(const struct tok *t, int32_t id);

/* Appends the text of generated tokens. */
void prompt_text(const struct tok *t, const int32_t *id, int n,
                 struct str *out);

#endif
