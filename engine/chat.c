/* engine/chat.c - see chat.h.
 *
 * DESIGN  A kind is a row of frames: our own constant text, in which <...> is
 * a marker, %r the role and %c the content.  Only markers in a frame become
 * special tokens.  Plain text is gathered from marker to marker and encoded in
 * one go, because the tokenizer merges across the seam of frame and content
 * ("\n" and a content that starts with one), and the model was tuned so.
 * Sources: chat_template in the tokenizer_config.json of SmolLM2, Qwen2.5,
 * Llama 3 and DeepSeek-R1-Distill. */
#include "engine/chat.h"

#include <string.h>

#define DS_USER "<\uFF5CUser\uFF5C>"
#define DS_ASSISTANT "<\uFF5CAssistant\uFF5C>"
#define DS_EOS "<\uFF5Cend\u2581of\u2581sentence\uFF5C>"

enum { ROLES = 3 };

static const struct kind {
    const char *name;
    const char *tell;           /* in a template: it is of this kind */
    const char *prompt;         /* opens the assistant's turn */
    int bos, trim;              /* BOS first; white space off contents */
    struct {
        const char *role;       /* NULL: any other role */
        const char *frame;
    } turn[ROLES];
} kinds[CHAT_KINDS] = {
    [CHAT_NONE] = { "none", NULL, "", 0, 0, { { NULL, "%c" } } },
    [CHAT_CHATML] = {
        "chatml", "<|im_start|>", "<|im_start|>assistant\n", 0, 0,
        { { NULL, "<|im_start|>%r\n%c<|im_end|>\n" } } },
    [CHAT_LLAMA3] = {
        "llama3", "<|start_header_id|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n", 1, 1,
        { { NULL, "<|start_header_id|>%r<|end_header_id|>\n\n%c<|eot_id|>" } }
    },
    [CHAT_DEEPSEEK] = {
        "deepseek", DS_USER, DS_ASSISTANT, 1, 0,
        { { "system", "%c" }, { "user", DS_USER "%c" },
          { "assistant", DS_ASSISTANT "%c" DS_EOS } } },
};

/* Messages that templates put in where the caller has none.  SmolLM2's does
 * (its own first line: "You are a helpful AI assistant named SmolLM ..."). */
static const char *const default_system[] = {
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "You are a helpful assistant.",
};

const char *chat_kind_name(enum chat_kind kind)
{
    return (unsigned)kind < CHAT_KINDS ? kinds[kind].name : "?";
}

/* --- writing -------------------------------------------------------------- */

struct writer {
    const struct tok *tok;
    struct tok_ids   *ids;
    struct str        plain;    /* text since the last marker */
    enum sor_err      err;      /* the first one sticks */
};

static void flush(struct writer *w)
{
    if (!w->err)
        w->err = !str_ok(&w->plain) ? SOR_NOMEM
               : tok_encode(w->tok, w->plain.p, w->plain.len, 0, w->ids);
    str_clear(&w->plain);
}

/* The marker that frame starts with, or -1; *n is its length. */
static int32_t marker(const struct tok *t, const char *frame, size_t *n)
{
    const char *end = *frame == '<' ? strchr(frame, '>') : NULL;
    int32_t id = -1;

    if (end) {
        *n = (size_t)(end - frame) + 1;
        id = tok_find(t, frame, *n);
    }
    return id >= 0 && tok_is_special(t, id) ? id : -1;
}

/* m may be NULL for a frame without %r and %c. */
static void put_frame(struct writer *w, const char *frame,
                      const struct chat_message *m)
{
    while (*frame) {
        size_t n = 1;
        int32_t id = marker(w->tok, frame, &n);

        if (id >= 0) {
            flush(w);
            if (!w->err)
                w->err = tok_ids_push(w->ids, id);
        } else if (m && strncmp(frame, "%r", 2) == 0) {
            str_puts(&w->plain, m->role);
            n = 2;
        } else if (m && strncmp(frame, "%c", 2) == 0) {
            str_put(&w->plain, m->text, m->n);
            n = 2;
        } else {
            str_put(&w->plain, frame, n = 1);
        }
        frame += n;
    }
}

static const char *frame_for(const struct kind *k, const char *role)
{
    for (int i = 0; i < ROLES && k->turn[i].frame; i++)
        if (!k->turn[i].role || strcmp(k->turn[i].role, role) == 0)
            return k->turn[i].frame;
    return NULL;
}

static struct chat_message trimmed(struct chat_message m)
{
    static const char white[] = " \t\n\v\f\r";

    while (m.n > 0 && memchr(white, m.text[0], sizeof white - 1)) {
        m.text++;
        m.n--;
    }
    while (m.n > 0 && memchr(white, m.text[m.n - 1], sizeof white - 1))
        m.n--;
    return m;
}

static void put_turns(struct writer *w, const struct chat *c,
                      const struct chat_turns *turns)
{
    const struct kind *k = &kinds[c->kind];
    int own = turns->n && strcmp(turns->msg[0].role, "system") == 0;

    if (k->bos && tok_bos(w->tok) >= 0)
        w->err = tok_ids_push(w->ids, tok_bos(w->tok));
    if (c->system && !own) {
        struct chat_message m = { "system", c->system, strlen(c->system) };

        put_frame(w, frame_for(k, m.role), &m);
    }
    for (size_t i = 0; i < turns->n; i++) {
        struct chat_message m = turns->msg[i];

        if (k->trim)
            m = trimmed(m);
        put_frame(w, frame_for(k, m.role), &m);
    }
    if (turns->prompt) {
        put_frame(w, k->prompt, NULL);
        put_frame(w, c->opening ? c->opening : "", NULL);
    }
    flush(w);
}

enum sor_err chat_encode(const struct chat *c, const struct tok *t,
                         const struct chat_turns *turns, struct tok_ids *ids,
                         struct sor_msg *msg)
{
    struct writer w = { .tok = t, .ids = ids };
    size_t before = ids->n;

    for (size_t i = 0; i < turns->n; i++)
        if (!frame_for(&kinds[c->kind], turns->msg[i].role))
            return sor_fail(msg, SOR_UNSUP, "the %s chat template has no role "
                            "\"%s\"", chat_kind_name(c->kind),
                            turns->msg[i].role);
    str_init(&w.plain);
    put_turns(&w, c, turns);
    str_release(&w.plain);
    if (!w.err)
        return SOR_OK;
    ids->n = before;
    return sor_fail(msg, w.err, "the prompt cannot be encoded: %s",
                    sor_err_text(w.err));
}

/* --- recognising ---------------------------------------------------------- */

static int contains(struct gguf_str hay, const char *needle)
{
    size_t n = strlen(needle);

    for (size_t i = 0; i + n <= hay.n; i++)
        if (memcmp(hay.p + i, needle, n) == 0)
            return 1;
    return 0;
}

/* 1 where the vocabulary has every marker of the kind's frames. */
static int has_markers(const struct kind *k, const struct tok *t)
{
    for (int i = 0; i < ROLES && k->turn[i].frame; i++)
        for (const char *p = k->turn[i].frame; (p = strchr(p, '<')); ) {
            size_t n;

            if (marker(t, p, &n) < 0)
                return 0;
            p += n;
        }
    return 1;
}

void chat_detect(const struct gguf *g, const struct tok *t, struct chat *out)
{
    struct gguf_str tmpl;

    *out = (struct chat){ .kind = CHAT_NONE };
    if (gguf_str(g, "tokenizer.chat_template", &tmpl, NULL))
        return;
    for (int k = CHAT_NONE + 1; k < CHAT_KINDS && !out->kind; k++)
        if (contains(tmpl, kinds[k].tell) && has_markers(&kinds[k], t))
            out->kind = (enum chat_kind)k;
    if (out->kind == CHAT_DEEPSEEK && contains(tmpl, DS_ASSISTANT "<think>"))
        out->opening = "<think>\n";
    /* Llama 3.1's own message has today's date in it; it is left out */
    for (size_t i = 0; i < sizeof default_system / sizeof default_system[0] &&
                       out->kind == CHAT_CHATML && !out->system; i++)
        if (contains(tmpl, default_system[i]))
            out->system = default_system[i];
}
