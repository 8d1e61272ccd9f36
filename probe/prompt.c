#include "probe/prompt.h"

#include <string.h>

#include "engine/engine.h"

static enum sor_err encode(const struct engine *e, const struct prompt *p,
                           struct tok_ids *ids, enum chat_kind *kind,
                           struct sor_msg *msg)
{
    const struct tok *t = engine_tok(e);
    struct chat chat = { .kind = CHAT_NONE };
    struct chat_message turn[2];
    struct chat_turns turns = { .msg = turn, .n = 0, .prompt = 1 };

    *kind = CHAT_NONE;
    if (p->raw) {
        enum sor_err err = tok_encode(t, p->text, p->n,
                                      TOK_BOS | TOK_SPECIAL, ids);
        return err ? sor_fail(msg, err, "out of memory for the prompt") : err;
    }
    chat_detect(engine_gguf(e), t, &chat);
    *kind = chat.kind;
    if (p->system)
        turn[turns.n++] = (struct chat_message){ "system", p->system,
                                                 strlen(p->system) };
    turn[turns.n++] = (struct chat_message){ "user", p->text, p->n };
    return chat_encode(&chat, t, &turns, ids, msg);
}

enum sor_err prompt_encode(const struct engine *e, const struct prompt *p,
                           struct tok_ids *ids, enum chat_kind *kind,
                           struct sor_msg *msg)
{
    enum sor_err err = encode(e, p, ids, kind, msg);

    if (!err && ids->n == 0)
        err = sor_fail(msg, SOR_USAGE, "the prompt has no tokens");
    return err;
}

int prompt_is_silent(const struct tok *t, int32_t id)
{
    static const char open[] = "<think>", end[] = "</think>";
    size_t n = 0;
    const char *text;

    if (!tok_is_special(t, id))
        return 0;
    text = tok_piece(t, id, &n);
    return !(text && ((n == sizeof open - 1 && memcmp(text, open, n) == 0) ||
                      (n == sizeof end - 1 && memcmp(text, end, n) == 0)));
}

void prompt_text(const struct tok *t, const int32_t *id, int n,
                 struct str *out)
{
    for (int i = 0; i < n; i++) {
        size_t len = 0;
        const char *piece = tok_piece(t, id[i], &len);

        if (piece && !prompt_is_silent(t, id[i]))
            str_put(out, piece, len);
    }
}
